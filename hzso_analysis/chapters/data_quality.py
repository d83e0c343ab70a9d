"""Data quality: which printed figures do not fit, what the others imply, where sources differ, what is covered."""

from __future__ import annotations

import itertools
import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import Edition, category_name, label, match
from hzso_analysis.exhibits import Exhibit, chart, mark, table, where_printed
from hzso_analysis.figures import codebook

CHAPTERS = ["scale", "sector_mix", "leading_enterprises", "markets", "talent_training", "environment_and_policy"]
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
    said = [wording.suspect(row, named(edition, row), publishers[row["source"]]) for _, row in rows.iterrows()]
    return said + [text for years, text in _ties(edition) if all_years or edition.year in years]


def listed(edition: Edition) -> str:
    """The sentences of the year as a list."""
    said = [f"- {text}" for text in sentences(edition)]
    return "\n".join(said) or f"- Nothing printed for {edition.year} contradicts the rest."


def _ties(edition: Edition) -> list[tuple[set[int], str]]:
    """For each independent choice between explanations: the years it touches and a sentence with all options."""
    found, figures = [], edition.reconciliation.figures
    rows = match(edition.reconciliation.alternatives, {"area": edition.area})
    for _, system in rows.groupby("component"):
        for options in independent([frozenset(choice.index) for _, choice in system.groupby("alternative")]):
            texts = [" together with ".join(_tied(edition, figures.loc[index]) for index in sorted(o)) for o in options]
            years = {int(figures.loc[index, "year"]) for option in options for index in option}
            found.append((years, f"A tie: wrong is either {'; or '.join(texts)}. The estimates cover every case."))
    return found


def _tied(edition: Edition, row: pd.Series) -> str:
    source = codebook("sources", edition.data_dir).set_index("id").loc[row["source"]]
    return f"{wording.as_printed(row)} for {named(edition, row)} ({source['publisher']} {source['date']})"


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
    lines, area, rows = [], wording.area_name(edition.area), own_suspects(edition)
    for index, row in rows.iterrows():
        implied = wording.implied(row) or "nothing can be true"
        far = wording.half_up(row["misses_by"], 1 if row["misses_by"] < 10 else 0)
        line = {"item": named(edition, row), "printed": wording.as_printed(row), "implied": implied, "half-widths": far}
        own = rows.loc[[index]]
        lines.append(line | {"kind": row["kind"].split(" or ")[0], "source": where_printed(own), "rows": own})
    title = f"{wording.counted(len(lines), 'printed figure')} of {area} cannot be true together with the others"
    note = "That the figures contradict each other is proven; which ones are wrong is the simplest explanation. "
    note += "Half-widths: the distance to what the others imply over the rounding of the printed number."
    gap = f"All printed figures of {area} can be true together."
    return table(edition, lines, title=title, note=note, heading="Figures that do not fit", gap=gap)


def implied(edition: Edition) -> Exhibit:
    """What each figure alone implies for the level that does not fit; the suspect has its own colour."""
    rows = own_suspects(edition)
    rows = rows[(rows["measure"] == "level") & (rows["high"] < math.inf)]
    lines, title, odd = [], "", None
    if len(rows):
        top = rows.iloc[0]
        cell = Cell(*(top[name] for name in Cell._fields))
        lines = _implying(edition, cell)
        odd = f"{wording.amount(wording.printed(top), cell.unit)}, as printed"
        together = mark("all together", top["low"], top["high"], rows.head(0))
        others = sum(line["label"] != odd for line in lines)
        lines = [together] + [{key: line[key] for key in together} for line in lines]
        verb = "imply" if others > 1 else "implies"
        title = f"{wording.counted(others, 'printed figure')} {verb} {wording.amount(together['text'], cell.unit)}"
        title += f" for {named(edition, top)}; the printed {wording.printed(top)} does not fit"
    note = f"{rows['unit'].iloc[0] if len(rows) else ''}; each line is what one figure with its partner implies"
    words = {"heading": "What the other figures imply", "gap": "No printed level is a suspect."}
    return chart(edition, charts.ranges, lines, title=title, subtitle=note, highlight=odd, **words)


def _implying(edition: Edition, cell: Cell) -> list[dict]:
    """A mark for each figure that alone implies something sharp for a cell, the printed levels of the cell last."""
    lines = []
    for line in edition.reconciliation.explain(cell).itertuples():
        figures = edition.reconciliation.figures.loc[[line.figure]]
        row = figures.iloc[0]
        if line.high < math.inf and line.high - line.low < 0.3 * line.high:
            own = row["measure"] == "level" and row["category"] == cell.category
            what = row["year"] if row["category"] == "total" else category_name(edition, row["category"])
            text = wording.amount(wording.printed(row), row["unit"])
            name = f"{text}, as printed" if own else f"{what}, {row['measure']} {text}"
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
        text = f"{row['constraint']}: {wording.as_printed(figure)}" if len(used) else row["constraint"]
        line = {"item": named(edition, figure), "check": text, "gap": wording.half_up(row["gap"], 1)}
        lines.append(line | {"unit": row["unit"], "rows": used})
    title = f"{len(broken)} of {wording.counted(len(tested), 'check')} between printed figures of {edition.year} fail"
    note = "Gap: by how much the printed levels miss the check beyond their rounding, in the unit of the level."
    gap = f"No two printed figures of {edition.year} can be checked against each other."
    if len(tested):
        gap = f"All {len(tested)} checks between printed figures of {edition.year} hold within rounding."
    return table(edition, lines, title=title, note=note, heading="Checks between printed figures", gap=gap)


def conflicts(edition: Edition) -> Exhibit:
    """Table of levels that several rows print differently."""
    figures = match(edition.reconciliation.figures, {"area": edition.area, "measure": "level"})
    figures = figures[figures["qualifier"].isin(["", "about"])]
    lines = []
    for _, rows in figures.groupby(list(Cell._fields)):
        low, high = (rows["value"] - rows["precision"]).max(), (rows["value"] + rows["precision"]).min()
        if low > high + 1e-9:
            ordered = [row for _, row in rows.sort_values("weight", ascending=False, kind="stable").iterrows()]
            said = "; ".join(f"{wording.as_printed(row)} ({row['source']})" for row in ordered)
            lines.append({"item": named(edition, ordered[0]), "what the sources print": said, "rows": rows})
    title = f"{wording.counted(len(lines), 'level')} printed differently by different sources"
    gap = "No level is printed differently by two sources."
    return table(edition, lines[:10], title=title, heading="Conflicts between sources", gap=gap)


def chapters_of(rows: pd.DataFrame, data_dir: str) -> pd.Series:
    """The chapter of each figure or cell: that of what its category splits, else that of its indicator."""
    chapters = codebook("indicators", data_dir).set_index("id")["chapter"]
    dimensions = codebook("categories", data_dir).set_index("id")["dimension"]
    return rows["category"].map(dimensions).map(SPLITS).fillna(rows["indicator"].map(chapters))


def coverage(edition: Edition) -> Exhibit:
    """Table of the number of printed figures by chapter and year."""
    figures = match(edition.reconciliation.figures, {"area": edition.area})
    chapter = chapters_of(figures, edition.data_dir)
    counts = pd.crosstab(chapter, figures["year"]).reindex(CHAPTERS, fill_value=0)
    frame = counts.astype(str).replace("0", "–").rename(columns=str)
    frame.insert(0, "item", [name.replace("_", " ").capitalize() for name in CHAPTERS])
    best = counts.sum().idxmax()
    title = f"{best} is covered best: {counts[best].sum()} of {int(counts.to_numpy().sum())} printed figures"
    return Exhibit(title, frame, "Number of printed figures; – means none.")
