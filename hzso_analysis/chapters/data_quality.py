"""Data quality: which printed figures do not fit, what the others imply, where sources differ, what is covered."""

from __future__ import annotations

import itertools
import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import Edition, category_name, label, match
from hzso_analysis.exhibits import Exhibit, chart, gap, table, where_printed
from hzso_analysis.figures import codebook
from hzso_analysis.reconciliation import CELL


def named(edition: Edition, row: pd.Series) -> str:
    """A figure or cell in words: indicator, flow, category, measure, period."""
    words = [label(edition, "indicators", row["indicator"]).lower(), row["flow"]]
    words += [category_name(edition, row["category"]) if row["category"] != "total" else ""]
    words += [row["measure"] if row.get("measure", "level") != "level" else ""]
    return ", ".join(filter(None, [*words, wording.period(row["year"], row["months"])]))


def own_suspects(edition: Edition) -> pd.DataFrame:
    """Suspects of the edition's area, those of its year first."""
    rows = match(edition.reconciliation.suspects, {"area": edition.area})
    return rows.assign(far=(rows["year"] - edition.year).abs()).sort_values(
        ["far", "misses_by"], ascending=[True, False]
    )


def sentences(edition: Edition, *, all_years: bool = False) -> list[str]:
    """One sentence for each suspect and each tie that touches the edition's year, or any year."""
    publishers = codebook("sources", edition.data_dir).set_index("id")["publisher"]
    rows = own_suspects(edition)
    rows = rows if all_years else rows[rows["year"] == edition.year]
    said = [wording.suspect(row, named(edition, row), publishers[row["source"]]) for _, row in rows.iterrows()]
    return said + [text for years, text in _ties(edition) if all_years or edition.year in years]


def listed(edition: Edition) -> str:
    """The sentences of the year as a list."""
    said = sentences(edition)
    return "\n".join(f"- {text}" for text in said) or f"- Nothing printed for {edition.year} contradicts the rest."


def _ties(edition: Edition) -> list[tuple[set[int], str]]:
    """For each independent choice between explanations: the years it touches and a sentence with all options."""
    found = []
    rows = match(edition.reconciliation.alternatives, {"area": edition.area})
    for _, system in rows.groupby("component"):
        for options in independent([frozenset(choice.index) for _, choice in system.groupby("alternative")]):
            texts = [" together with ".join(_tied(edition, index) for index in sorted(option)) for option in options]
            years = {int(edition.reconciliation.figures.loc[index, "year"]) for option in options for index in option}
            found.append(
                (years, f"Sources tie. Wrong is either {'; or '.join(texts)}. The estimates cover every case.")
            )
    return found


def _tied(edition: Edition, index: int) -> str:
    row = edition.reconciliation.figures.loc[index]
    return f"{wording.as_printed(row)} for {named(edition, row)} ({_publisher(edition, row['source'])})"


def _publisher(edition: Edition, source: str) -> str:
    row = codebook("sources", edition.data_dir).set_index("id").loc[source]
    return f"{row['publisher']} {row['date']}"


def independent(sets: list[frozenset[int]]) -> list[list[frozenset[int]]]:
    """Split a list of sets into choices that are made independently of each other.

    What is in every set is no choice and left out.

    >>> independent([frozenset(s) for s in ({1, 3, 9}, {1, 4, 9}, {2, 3, 9}, {2, 4, 9})])
    [[frozenset({1}), frozenset({2})], [frozenset({3}), frozenset({4})]]
    """
    common = frozenset.intersection(*sets)
    groups = [frozenset({figure}) for figure in sorted(frozenset().union(*sets) - common)]
    merged = True
    while merged:
        merged = False
        for first, second in itertools.combinations(groups, 2):
            joint = {choice & (first | second) for choice in sets}
            if len(joint) < len({choice & first for choice in sets}) * len({choice & second for choice in sets}):
                groups = [group for group in groups if group not in (first, second)] + [first | second]
                merged = True
                break
    return [sorted({choice & group for choice in sets}, key=sorted) for group in sorted(groups, key=sorted)]


def suspects(edition: Edition) -> Exhibit:
    """Table of the figures that are in every simplest explanation."""
    rows = own_suspects(edition)
    if rows.empty:
        return gap(
            "Figures that do not fit", f"All printed figures of {wording.area_name(edition.area)} can be true together."
        )
    lines = []
    for index, row in rows.iterrows():
        percent = row["unit"] == "percent"
        implied = wording.percent(row["low"] / 100, row["high"] / 100)
        implied = implied if percent else wording.amount(wording.span(row["low"], row["high"]), row["unit"])
        lines.append(
            {"item": named(edition, row), "printed": wording.as_printed(row), "implied": implied}
            | {"half-widths": wording.half_up(row["misses_by"], 1 if row["misses_by"] < 10 else 0), "kind": row["kind"]}
            | {"source": where_printed(rows.loc[[index]]), "rows": rows.loc[[index]]}
        )
    number = wording.counted(len(lines), "printed figure")
    title = f"{number} of {wording.area_name(edition.area)} cannot be true together with the others"
    note = (
        "That the figures contradict each other is proven; which ones are wrong is the simplest explanation. "
        "Half-widths: the distance to what the others imply over the rounding of the printed number."
    )
    return table(edition, title, lines, note)


def implied(edition: Edition) -> Exhibit:
    """What each figure alone implies for the level that does not fit: a line a figure, the suspect in its own colour."""
    rows = own_suspects(edition)
    rows = rows[(rows["measure"] == "level") & (rows["high"] < math.inf)]
    if rows.empty:
        return gap("What the other figures imply", "No printed level is a suspect.")
    top = rows.iloc[0]
    cell = Cell(*(top[name] for name in CELL))._replace(year=int(top["year"]))
    lines = []
    for line in edition.reconciliation.explain(cell).itertuples():
        figure = edition.reconciliation.figures.loc[line.figure]
        if line.high < math.inf and line.high - line.low < 0.3 * line.high:
            own = figure["measure"] == "level" and figure["category"] == cell.category
            text = wording.span(line.low, line.high)
            said = wording.amount(wording.printed(figure), figure["unit"])
            lines.append(
                {"label": f"{said}, as printed" if own else f"{_short(edition, figure)} {said}"}
                | {"low": line.low, "high": line.high, "text": text, "rows": figure.to_frame().T, "own": own}
            )
    lines.sort(key=lambda line: (line["own"], line["high"] - line["low"]))
    estimate = match(edition.reconciliation.estimates, cell._asdict()).iloc[0]
    together = wording.span(estimate["low"], estimate["high"])
    lines.insert(
        0,
        {
            "label": "all together",
            "low": estimate["low"],
            "high": estimate["high"],
            "text": together,
            "rows": rows.head(0),
            "own": False,
        },
    )
    suspect = next((line["label"] for line in lines if line["own"]), "")
    others = len(lines) - 1 - sum(line["own"] for line in lines)
    title = f"{others} printed figures imply {wording.amount(together, cell.unit)} for {named(edition, top)}"
    title += f"; the printed {wording.printed(top)} does not fit"
    lines = [{k: v for k, v in line.items() if k != "own"} for line in lines]
    return chart(
        edition,
        charts.ranges,
        lines,
        title=title,
        subtitle=f"{cell.unit}; each line is what one figure with its partner implies",
        highlight=suspect,
    )


def _short(edition: Edition, figure: pd.Series) -> str:
    if figure["category"] != "total":
        return f"{label(edition, 'categories', figure['category'])}, {figure['measure']}"
    return f"{figure['measure']} {figure['year']}"


def checks(edition: Edition) -> Exhibit:
    """Table of the constraints of the year that printed levels break, with the gap."""
    rows = match(edition.reconciliation.constraints, {"area": edition.area, "year": edition.year})
    tested = rows[rows["gap"].notna()]
    broken = tested[tested["gap"] > 0].sort_values("gap", ascending=False)
    if tested.empty:
        return gap(
            "Checks between printed figures",
            f"No two printed figures of {edition.year} can be checked against each other.",
        )
    lines = []
    for row in broken.head(10).itertuples():
        figure = edition.reconciliation.figures.loc[row.figure] if row.figure >= 0 else None
        item = named(edition, figure if figure is not None else pd.Series(row._asdict()))
        text = f"{row.constraint}: {wording.as_printed(figure)}" if figure is not None else row.constraint
        lines.append(
            {
                "item": item,
                "check": text,
                "gap": wording.half_up(row.gap, 1),
                "unit": row.unit,
                "rows": figure.to_frame().T if figure is not None else pd.DataFrame(),
            }
        )
    title = f"{len(broken)} of {wording.counted(len(tested), 'check')} between printed figures of {edition.year} fail"
    if broken.empty:
        return gap(
            "Checks between printed figures",
            f"All {len(tested)} checks between printed figures of {edition.year} hold within rounding.",
        )
    return table(
        edition,
        title,
        lines,
        "Gap: by how much the printed levels miss the check beyond their rounding, in the unit of the level.",
    )


def conflicts(edition: Edition) -> Exhibit:
    """Table of levels that several rows print differently."""
    figures = match(edition.reconciliation.figures, {"area": edition.area, "measure": "level"})
    figures = figures[figures["qualifier"] != "unclear"]
    lines = []
    for _, printed_rows in figures.groupby(CELL):
        rows = printed_rows.sort_values("weight", ascending=False, kind="stable")
        low, high = (rows["value"] - rows["precision"]).max(), (rows["value"] + rows["precision"]).min()
        if len(rows) > 1 and low > high + 1e-9 and not rows["qualifier"].isin(["over", "under"]).any():
            printed = "; ".join(f"{wording.as_printed(row)} ({row['source']})" for _, row in rows.iterrows())
            lines.append({"item": named(edition, rows.iloc[0]), "what the sources print": printed, "rows": rows})
    if not lines:
        return gap("Conflicts between sources", "No level is printed differently by two sources.")
    return table(
        edition, f"{wording.counted(len(lines), 'level')} printed differently by different sources", lines[:10]
    )


def coverage(edition: Edition) -> Exhibit:
    """Table of the number of printed figures by chapter and year."""
    figures = match(edition.reconciliation.figures, {"area": edition.area})
    chapters = codebook("indicators", edition.data_dir).set_index("id")["chapter"]
    splits = codebook("categories", edition.data_dir).set_index("id")["dimension"]
    where = {
        "business type": "sector_mix",
        "industry": "sector_mix",
        "market": "markets",
        "size band": "leading_enterprises",
    }
    where |= {"ownership": "leading_enterprises", "size class": "leading_enterprises"}
    chapter = figures["category"].map(splits).map(where).fillna(figures["indicator"].map(chapters))
    counts = pd.crosstab(chapter, figures["year"])
    order = ["scale", "sector_mix", "leading_enterprises", "markets", "talent_training", "environment_and_policy"]
    counts = counts.reindex([name for name in order if name in counts.index])
    frame = counts.astype(str).replace("0", "–").rename(columns=str)
    frame.insert(0, "item", [name.replace("_", " ").capitalize() for name in counts.index])
    best = counts.sum().idxmax()
    return Exhibit(
        f"{best} is covered best: {counts[best].sum()} of {int(counts.to_numpy().sum())} printed figures",
        frame,
        "Number of printed figures; – means none.",
    )
