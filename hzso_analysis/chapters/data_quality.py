"""Data quality: which printed figures do not fit, what the others imply, where sources differ, what is covered."""

from __future__ import annotations

import itertools
import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import Edition, category_name, from_ledger, label, match
from hzso_analysis.exhibits import Exhibit, Row, chart, mark, missing, stamped, table, where_printed
from hzso_analysis.figures import codebook, heaviest_first
from hzso_analysis.vocabulary import SUPPRESSED
from hzso_analysis.wording import say

CHAPTERS = {"scale": "data_quality.scale", "sector_mix": "data_quality.sector_mix"}
CHAPTERS |= {"leading_enterprises": "data_quality.leading_enterprises", "markets": "data_quality.markets"}
CHAPTERS |= {"talent_training": "data_quality.talent_training"}
CHAPTERS |= {"environment_and_policy": "data_quality.environment_and_policy"}
IMPLIED = {0: "data_quality.implied_none", 1: "data_quality.implied_one"}
SPLITS = {"business type": "sector_mix", "industry": "sector_mix", "market": "markets"}
SPLITS |= dict.fromkeys(["size band", "size class", "ownership"], "leading_enterprises")


def named(edition: Edition, row: pd.Series) -> str:
    """A figure or cell in words: indicator, flow, category, measure, period."""
    words = [label(edition, "indicators", row["indicator"]).lower(), row["flow"]]
    words += [category_name(edition, row["category"]) if row["category"] != "total" else ""]
    words += [row["measure"] if row.get("measure", "level") != "level" else ""]
    return ", ".join(filter(None, [*words, wording.period(row["year"], row["months"])]))


def own_suspects(edition: Edition) -> pd.DataFrame:
    """Suspects of the edition's area, those of its year first."""
    rows = match(edition.reconciliation.suspects, {"area": edition.area})
    far = (rows["year"] - edition.year).abs()
    return rows.assign(far=far).sort_values(["far", "misses_by"], ascending=[True, False])


def sentences(edition: Edition, *, all_years: bool = False) -> list[str]:
    """One sentence for each suspect and each tie that touches the edition's year, or any year."""
    publishers = codebook("sources", edition.data_dir).set_index("id")["publisher"]
    rows = own_suspects(edition)
    rows = rows if all_years else rows[rows["year"] == edition.year]
    instead = edition.reconciliation.instead
    said = [wording.suspect(r, named(edition, r), publishers[r["source"]], instead(i)) for i, r in rows.iterrows()]
    return said + [text for years, text in _ties(edition) if all_years or edition.year in years]


def listed(edition: Edition) -> str:
    """The sentences of the year as a list."""
    said = sentences(edition) or [edition.say("data_quality.nothing")]
    said += [text for text in [suppressed(edition)] if text]
    return "\n".join(f"- {text}" for text in said)


def suppressed(edition: Edition) -> str:
    """How many figures of the year are suppressed, in a sentence; blank where nothing comes from contract records."""
    figures = match(edition.reconciliation.figures, {"area": edition.area, "year": edition.year})
    cells = match(edition.reconciliation.estimates, {"area": edition.area, "year": edition.year, "status": SUPPRESSED})
    if cells.empty and from_ledger(figures).empty:
        return ""
    words = {"number": len(cells), "all": len(from_ledger(figures)) + len(cells)}
    return edition.say("data_quality.suppressed" if len(cells) else "data_quality.none_suppressed", **words)


def _ties(edition: Edition) -> list[tuple[set[int], str]]:
    """For each independent choice between explanations: the years it touches and a sentence with all options.

    The edition's year is one of them where the choice moves an estimate of it, if only through other years.
    """
    found, known = [], edition.reconciliation
    wrong = frozenset().union(*(choice for part in known.parts for choice in part.sets))
    rows = {number: known.figures.loc[known.witness_rows[number]] for number in wrong}
    disputed = match(known.estimates, {"area": edition.area, "year": edition.year, "status": "disputed"})
    cells = {Cell(*row) for row in disputed[list(Cell._fields)].itertuples(index=False)}
    for part in known.parts:
        own = [frozenset(n for n in choice if rows[n]["area"].iloc[0] == edition.area) for choice in part.sets]
        for options in independent(own):
            years = {int(rows[number]["year"].iloc[0]) for option in options for number in option}
            if any(part.moved(cell, options) for cell in cells.intersection(part.cells)):
                years.add(edition.year)
            texts = ([_tied(edition, rows[number]) for number in sorted(option)] for option in options)
            cases = [f"({case}) {say('data_quality.tie_and').join(text)}" for case, text in enumerate(texts, 1)]
            found.append((years, say("data_quality.tie", cases=say("data_quality.tie_or").join(cases))))
    return found


def _tied(edition: Edition, rows: pd.DataFrame) -> str:
    sources = codebook("sources", edition.data_dir).set_index("id").loc[rows["source"]]
    by = "; ".join(dict.fromkeys(sources["publisher"] + " " + sources["date"]))
    return say("data_quality.tied", printed=wording.as_printed(rows.iloc[0]), name=named(edition, rows.iloc[0]), by=by)


def independent(sets: list[frozenset[int]]) -> list[list[frozenset[int]]]:
    """Split a list of sets into choices that are made independently of each other.

    What is in every set is no choice and left out.

    >>> independent([frozenset(s) for s in ({1, 3, 9}, {1, 4, 9}, {2, 3, 9}, {2, 4, 9})])
    [[frozenset({1}), frozenset({2})], [frozenset({3}), frozenset({4})]]
    """
    common = frozenset.intersection(*sets)
    groups = [frozenset({figure}) for figure in sorted(frozenset().union(*sets) - common)]
    while tied := next((p for p in itertools.combinations(groups, 2) if _depend(*p, sets)), None):
        groups = [group for group in groups if group not in tied] + [tied[0] | tied[1]]
    return [sorted({choice & group for choice in sets}, key=sorted) for group in sorted(groups, key=sorted)]


def _depend(first: frozenset[int], second: frozenset[int], sets: list[frozenset[int]]) -> bool:
    """Whether the choice within one group limits the choice within the other."""
    apart = [len({choice & group for choice in sets}) for group in (first, second)]
    return len({choice & (first | second) for choice in sets}) < apart[0] * apart[1]


def suspects(edition: Edition) -> Exhibit:
    """Table of the figures that are in every simplest explanation."""
    lines, rows = [], own_suspects(edition)
    for index, row in rows.iterrows():
        implied = wording.implied(row) or say("data_quality.suspects_nothing")
        far = wording.half_up(row["misses_by"], 1 if row["misses_by"] < 10 else 0)
        line = {"item": named(edition, row), "printed": wording.as_printed(row), "implied": implied, "half-widths": far}
        own, instead = rows.loc[[index]], edition.reconciliation.instead(index)
        line["instead"] = "–" if math.isinf(instead) else str(int(instead))
        lines.append(line | {"kind": row["kind"].split(" or ")[0], "source": where_printed(own), "rows": own})
    key = "data_quality.suspects_one" if len(lines) == 1 else "data_quality.suspects_title"
    return table(edition, "data_quality.suspects", lines, title=edition.say(key, number=len(lines)))


def implied(edition: Edition) -> Exhibit:
    """What each figure alone implies for the level that does not fit; the suspect has its own colour."""
    rows = own_suspects(edition)
    rows = rows[(rows["measure"] == "level") & (rows["high"] < math.inf)]
    lines, title, odd = [], "", None
    if len(rows):
        top = rows.iloc[0]
        cell = Cell(*(top[name] for name in Cell._fields))
        lines = _implying(edition, cell)
        odd = say("data_quality.as_printed", amount=wording.amount(wording.printed(top), cell.unit))
        together = mark(say("data_quality.all_together"), top["low"], top["high"], rows.head(0))
        others = sum(line["label"] != odd for line in lines)
        lines = [together] + [{key: line[key] for key in together} for line in lines]
        words = {"number": others, "name": named(edition, top), "printed": wording.printed(top)}
        words["amount"] = wording.amount(together["text"], cell.unit)
        title = say(IMPLIED.get(others, "data_quality.implied_title"), **words)
    note = say("data_quality.implied_subtitle", unit=rows["unit"].iloc[0] if len(rows) else "")
    return chart(edition, "data_quality.implied", charts.ranges, lines, title=title, subtitle=note, highlight=odd)


def _implying(edition: Edition, cell: Cell) -> list[Row]:
    """A mark for each figure that alone implies something sharp for a cell, the printed levels of the cell last."""
    lines = []
    for line in edition.reconciliation.explain(cell).itertuples():
        figures = edition.reconciliation.figures.loc[[line.figure]]
        row = figures.iloc[0]
        if line.high < math.inf and line.high - line.low < 0.3 * line.high:
            own = row["measure"] == "level" and row["category"] == cell.category
            what = row["year"] if row["category"] == "total" else category_name(edition, row["category"])
            text = wording.amount(wording.printed(row), row["unit"])
            key = "data_quality.as_printed" if own else "data_quality.implied_from"
            name = say(key, amount=text, what=what, measure=row["measure"])
            lines.append(mark(name, line.low, line.high, figures, printed=own))
    return sorted(lines, key=lambda line: (line["printed"], line["high"] - line["low"]))


def checks(edition: Edition) -> Exhibit:
    """Table of the constraints of the year that printed levels break, with the gap."""
    rows = match(edition.reconciliation.constraints, {"area": edition.area, "year": edition.year})
    tested = rows[rows["gap"].notna()]
    broken = tested[tested["gap"] > 0].sort_values("gap", ascending=False)
    lines = []
    for _, row in broken.head(10).iterrows():
        used = edition.reconciliation.figures.loc[[row["figure"]] if row["figure"] >= 0 else []]
        figure = used.iloc[0] if len(used) else row
        text = row["constraint"]
        if len(used):
            text = say("data_quality.checks_printed", check=text, printed=wording.as_printed(figure))
        line = {"item": named(edition, figure), "check": text, "gap": wording.half_up(row["gap"], 1)}
        lines.append(line | {"unit": row["unit"], "rows": used})
    key = "data_quality.checks_title_one" if len(broken) == 1 else "data_quality.checks_title"
    key = "data_quality.checks_one" if len(tested) == 1 else key
    title = edition.say(key, broken=len(broken), number=len(tested))
    key_of_all = "data_quality.checks_hold_one" if len(tested) == 1 else "data_quality.checks_hold"
    gap = edition.say(key_of_all, number=len(tested)) if len(tested) else ""
    return table(edition, "data_quality.checks", lines, title=title, gap=gap)


def conflicts(edition: Edition) -> Exhibit:
    """Table of levels that several rows print differently."""
    figures = match(edition.reconciliation.figures, {"area": edition.area, "measure": "level"})
    figures = figures[figures["qualifier"].isin(["", "about"])]
    lines = []
    for _, rows in figures.groupby(list(Cell._fields)):
        low, high = (rows["value"] - rows["precision"]).max(), (rows["value"] + rows["precision"]).min()
        if low > high + 1e-9:
            ordered = [row for _, row in heaviest_first(rows).iterrows()]
            printed = [{"printed": wording.as_printed(row), "source": row["source"]} for row in ordered]
            said = "; ".join(say("data_quality.conflicts_printed", **one) for one in printed)
            lines.append({"item": named(edition, ordered[0]), "what the sources print": said, "rows": rows})
    title = say("data_quality.conflicts_one" if len(lines) == 1 else "data_quality.conflicts_title", number=len(lines))
    return table(edition, "data_quality.conflicts", lines[:10], title=title)


def chapters_of(rows: pd.DataFrame, data_dir: str) -> pd.Series:
    """The chapter of each figure or cell: that of what its category splits, else that of its indicator."""
    chapters = codebook("indicators", data_dir).set_index("id")["chapter"]
    dimensions = codebook("categories", data_dir).set_index("id")["dimension"]
    return rows["category"].map(dimensions).map(SPLITS).fillna(rows["indicator"].map(chapters))


def coverage(edition: Edition) -> Exhibit:
    """Table of the number of printed figures by chapter and year."""
    figures = match(edition.reconciliation.figures, {"area": edition.area})
    chapter = chapters_of(figures, edition.data_dir)
    counts = pd.crosstab(chapter, figures["year"]).reindex(list(CHAPTERS), fill_value=0)
    frame = counts.astype(str).replace("0", "–").rename(columns=str)
    frame.insert(0, "item", [say(key) for key in CHAPTERS.values()])
    if figures.empty:
        return missing(edition, "data_quality.coverage")
    best = counts.sum().idxmax()
    words = {"number": counts[best].sum(), "all": int(counts.to_numpy().sum())}
    title = edition.say("data_quality.coverage_title", year=best, **words)
    return Exhibit(title, frame, say("data_quality.coverage_note"), stamped(edition))
