"""Shares of a total by category, for the chapters that cut the offshore amount into sectors or markets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.edition import Edition, Quantity, find, in_words, label, printed_rows, series, share, value_text
from hzso_analysis.exhibits import Exhibit, chart, mark, quantity_row, table

EXECUTED = "contracts executed"


def known(edition: Edition, names: Iterable[str], indicator: str = EXECUTED, **key) -> dict[str, Quantity]:
    """What is known of the offshore amount of these categories."""
    found = {name: find(edition, indicator, "offshore", name, **key) for name in names}
    return {name: quantity for name, quantity in found.items() if quantity is not None}


def shares_table(edition: Edition, parts: dict[str, Quantity], **words) -> Exhibit:
    """Table of value, share as printed, share as computed on the base that the note names."""
    rows = []
    for name, quantity in parts.items():
        part = share(edition, quantity)
        printed = printed_rows(edition, quantity.cell.indicator, "offshore", name, "share", months=quantity.cell.months)
        row = quantity_row(label(edition, "categories", name), quantity)
        said = {"share printed": f"{wording.printed(printed.iloc[0])} %" if len(printed) else "–"}
        said["share computed"] = wording.percent(part.low, part.high) if part else "–"
        used = pd.concat([quantity.rows, printed]) if len(printed) else quantity.rows
        rows.append({key: row[key] for key in ("item", "value", "unit")} | said | row | {"rows": used})
    return table(edition, rows, note=base_note(edition, parts), **words)


def base_of(edition: Edition, parts: dict[str, Quantity]) -> Quantity | None:
    """The total that shares of these categories are computed on."""
    part = share(edition, next(iter(parts.values()))) if parts else None
    return part and part.base


def base_note(edition: Edition, parts: dict[str, Quantity]) -> str:
    """The sentence that names the base of the computed shares, its value and its status."""
    base = base_of(edition, parts)
    if base is None:
        return "The total is not known, so no share can be computed."
    what = f"{base.cell.indicator} in {wording.period(base.cell.year, base.cell.months)}"
    return (
        f"Shares are computed on all offshore {what}: {in_words(base)} ({edition.total_basis} total, {base.status}). "
        "Shares are rounded once and need not add up."
    )


def subtitle(edition: Edition, parts: dict[str, Quantity]) -> str:
    """Measure, period and base of a chart of shares."""
    base = base_of(edition, parts)
    if base is None:
        return ""
    what = f"{base.cell.indicator}, {wording.period(base.cell.year, base.cell.months)}"
    return f"Percent of offshore {what}; base {wording.amount(value_text(base), base.cell.unit)}"


def share_marks(edition: Edition, parts: dict[str, Quantity], widest: float = math.inf) -> list[dict]:
    """A mark for each share above zero whose bounds lie no further apart than `widest`."""
    marks = []
    for name, quantity in parts.items():
        part = share(edition, quantity)
        if part and part.low > 0 and part.high < math.inf and part.high - part.low < widest:
            marks.append(
                mark(label(edition, "categories", name), part.low, part.high, quantity.rows, fraction=True, name=name)
            )
    return marks


def whole(
    edition: Edition,
    parts: dict[str, Quantity],
    *,
    rest: str,
    title: Callable[[list[dict]], str],
    heading: str,
    gap: str,
) -> Exhibit:
    """The whole cut into these parts and what is left of it, under the name `rest`."""
    rows = share_marks(edition, parts, widest=0.02)
    left = [max(0.0, 1 - sum(row[end] for row in rows) / 100) for end in ("high", "low")]
    if rows and rest and left[1] > 0:
        rows.append(mark(rest, *left, pd.DataFrame(), fraction=True, name=""))
    return chart(edition, charts.parts, rows, title=title, subtitle=subtitle(edition, parts), heading=heading, gap=gap)


def over_years(edition: Edition, names: Iterable[str], indicator: str = EXECUTED) -> Exhibit:
    """Shares of categories known in at least two years; a part of a year stands in for a year without other figures."""
    rows, partly = [], []
    for name in names:
        for quantity in series(edition, indicator, "offshore", name, months=None):
            found = share_marks(edition, {name: quantity}, widest=0.05)
            rows += [row | {"series": row["label"], "year": quantity.cell.year} for row in found]
            partly += (
                [wording.period(quantity.cell.year, quantity.cell.months)] if found and quantity.cell.months else []
            )
    rows = [row for row in rows if sum(other["series"] == row["series"] for other in rows) > 1]
    if len({row["year"] for row in rows}) == 2:
        rows = [row | {"label": f"{row['series']}, {row['year']}"} for row in rows]
        draw = charts.bars
    else:
        draw = charts.lines
    note = f"Percent of all offshore {indicator}"
    note += f"; {wording.listing(dict.fromkeys(partly))} only" if partly else ", whole years"
    gap = "Nothing has a share in more than one year."
    return chart(edition, draw, rows, title=_moved, subtitle=note, heading="Change over the years", gap=gap)


def _moved(rows: list[dict]) -> str:
    """The category whose share moved most."""
    ends = {}
    for row in rows:
        ends[row["series"]] = (ends.get(row["series"], (row, row))[0], row)
    first, last = max(ends.values(), key=lambda pair: abs(pair[1]["low"] - pair[0]["low"]))
    return f"{first['series']}: {first['text']} of the total in {first['year']}, {last['text']} in {last['year']}"


def against_nation(edition: Edition, names: Iterable[str], *, heading: str) -> Exhibit:
    """Shares of the same kind of categories in the area and in the nation, side by side."""
    names, other, rows = list(names), edition.compare_with, []
    for area in filter(None, (edition.area, other)):
        for row in share_marks(edition, known(edition, names, area=area), widest=0.05):
            rows.append(row | {"label": f"{wording.area_name(area)}: {row['label']}", "area": area})
    areas = {row["area"] for row in rows}
    same = len({(row["name"]) for row in rows}) < len(rows)
    note = f"Percent of the area's own offshore executed, {edition.year}"
    note += "" if same else "; the two print different groups, so the shares are not the same thing"
    gap = f"Not both areas print such amounts for {edition.year}." if other else "There is no area to compare with."

    def title(rows: list[dict]) -> str:
        firsts = {row["area"]: row for row in sorted(rows, key=lambda row: row["low"])}
        return "; ".join(f"{firsts[area]['label']} {firsts[area]['text']}" for area in (edition.area, other))

    return chart(
        edition, charts.bars, rows if len(areas) == 2 else [], title=title, subtitle=note, heading=heading, gap=gap
    )
