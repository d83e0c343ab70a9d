"""Shares of a total by category, for the chapters that cut the offshore amount into sectors or markets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import (
    Edition,
    Quantity,
    exact,
    find,
    in_words,
    label,
    printed_rows,
    series,
    share,
    value_text,
)
from hzso_analysis.exhibits import Exhibit, Row, chart, mark, quantity_row, share_text, table
from hzso_analysis.vocabulary import EXECUTED, SIGNED, SUPPRESSED
from hzso_analysis.wording import say

CONTRACTS = {EXECUTED: "shares.executed", SIGNED: "shares.signed"}
NOTES = {"estimated": "shares.base_estimated", "published": "shares.base_published"}


def known(edition: Edition, names: Iterable[str], indicator: str = EXECUTED, **key: Any) -> dict[str, Quantity]:
    """What is known of the offshore amount of these categories."""
    found = {name: find(edition, indicator, "offshore", name, **key) for name in names}
    return {name: quantity for name, quantity in found.items() if quantity is not None}


def shares_table(edition: Edition, key: str, parts: dict[str, Quantity], *, title: str, more: str = "") -> Exhibit:
    """Table of value, share as printed, share as computed on the base that the note names; `more` ends the note."""
    rows, recorded = [], any(exact(q) is not None or q.status == SUPPRESSED for q in parts.values())
    for name, quantity in parts.items():
        part = share(edition, quantity)
        printed = printed_rows(edition, quantity.cell.indicator, "offshore", name, "share", months=quantity.cell.months)
        said = {"share printed": f"{wording.printed(printed.iloc[0])} %" if len(printed) else "–"}
        said["share computed"] = share_text(part, quantity.status)
        used = pd.concat([quantity.rows, quantity.basis, printed])
        rows.append(quantity_row(edition, label(edition, "categories", name), quantity, **said) | {"rows": used})
    if recorded and all(row["share printed"] == "–" for row in rows):  # contract records print amounts and no shares
        rows = [{name: cell for name, cell in row.items() if name != "share printed"} for row in rows]
    return table(edition, key, rows, title=title, note=f"{base_note(edition, parts)} {more}".strip())


def base_of(edition: Edition, parts: dict[str, Quantity]) -> Quantity | None:
    """The total that shares of these categories are computed on."""
    part = share(edition, next(iter(parts.values()))) if parts else None
    return part and part.base


def base_note(edition: Edition, parts: dict[str, Quantity]) -> str:
    """The sentence that names the base of the computed shares, its value and its status."""
    base = base_of(edition, parts)
    if base is None:
        return say("shares.base_unknown")
    return say(NOTES[edition.total_basis], total=in_words(base), status=base.status, **what(base.cell))


def what(cell: Cell) -> dict[str, str]:
    """Which contracts of which period a cell counts, for a sentence."""
    return {"contracts": say(CONTRACTS[cell.indicator]), "period": wording.period(cell.year, cell.months)}


def subtitle(edition: Edition, parts: dict[str, Quantity]) -> str:
    """Measure, period and base of a chart of shares."""
    base = base_of(edition, parts)
    if base is None:
        return ""
    return say("shares.subtitle", total=wording.amount(value_text(base), base.cell.unit), **what(base.cell))


def share_marks(edition: Edition, parts: dict[str, Quantity], widest: float = math.inf) -> list[Row]:
    """A mark for each share above zero whose bounds lie no further apart than `widest`."""
    marks = []
    for name, quantity in parts.items():
        part = share(edition, quantity)
        if part and part.low > 0 and part.high < math.inf and part.high - part.low < widest:
            text = label(edition, "categories", name)
            cell = quantity.cell
            key = {"area": cell.area, "year": cell.year, "months": cell.months}
            printed = printed_rows(edition, cell.indicator, cell.flow, name, "share", **key)
            used = pd.concat([quantity.basis, printed])
            marks.append(mark(text, part.low, part.high, used, fraction=True, name=name))
    return marks


def whole(
    edition: Edition, key: str, parts: dict[str, Quantity], *, rest: str, title: Callable[[list[Row]], str]
) -> Exhibit:
    """The whole cut into these parts and what is left of it, under the name `rest`."""
    rows = share_marks(edition, parts, widest=0.02)
    least, most = (max(0.0, 1 - sum(row[end] for row in rows) / 100) for end in ("high", "low"))
    if rows and rest and most > wording.EXACT:
        rows.append(mark(rest, least, most, pd.DataFrame(), fraction=True, name=""))
    return chart(edition, key, charts.parts, rows, title=title, subtitle=subtitle(edition, parts))


def over_years(edition: Edition, names: Iterable[str], indicator: str = EXECUTED) -> Exhibit:
    """Shares of categories known in at least two years; a part of a year stands in for a year without other figures."""
    rows, partly = [], []
    for name in names:
        for quantity in series(edition, indicator, "offshore", name, months=None):
            found = share_marks(edition, {name: quantity}, widest=0.05)
            when = wording.period(quantity.cell.year, quantity.cell.months)
            rows += [row | {"series": row["label"], "year": quantity.cell.year, "when": when} for row in found]
            partly += [when] if found and quantity.cell.months else []
    rows = [row for row in rows if sum(other["series"] == row["series"] for other in rows) > 1]
    draw = charts.lines
    if len({row["year"] for row in rows}) == 2:
        rows = [row | {"label": say("shares.in_year", name=row["series"], when=row["when"])} for row in rows]
        draw = charts.bars
    key = "shares.years_subtitle_partly" if partly else "shares.years_subtitle"
    note = say(key, contracts=say(CONTRACTS[indicator]), periods=wording.listing(dict.fromkeys(partly)))
    return chart(edition, "shares.years", draw, rows, title=_moved, subtitle=note)


def _moved(rows: list[Row]) -> str:
    """The category whose share moved most."""
    ends: dict[str, tuple[Row, Row]] = {}
    for row in rows:
        ends[row["series"]] = (ends.get(row["series"], (row, row))[0], row)
    first, last = max(ends.values(), key=lambda pair: abs(pair[1]["low"] - pair[0]["low"]))
    words = {"name": first["series"], "before": first["text"], "first": first["when"]}
    return say("shares.years_title", now=last["text"], last=last["when"], **words)


def against_nation(edition: Edition, names: Iterable[str]) -> Exhibit:
    """Shares of the same kind of categories in the area and in the nation, side by side."""
    names, other, rows = list(names), edition.compare_with, []
    for area in filter(None, (edition.area, other)):
        for row in share_marks(edition, known(edition, names, area=area), widest=0.05):
            name = say("shares.in_area", area=wording.area_name(area), name=row["label"])
            rows.append(row | {"label": name, "area": area})
    same = len({(row["name"]) for row in rows}) < len(rows)
    note = edition.say("shares.against_subtitle" if same else "shares.against_subtitle_unlike")
    gap = "" if other else say("shares.no_other_area")

    def title(rows: list[Row]) -> str:
        firsts = {row["area"]: row for row in sorted(rows, key=lambda row: row["low"])}
        mine, theirs = firsts[edition.area], firsts[other]
        words = {"name": mine["label"], "share": mine["text"]}
        return say("shares.against_title", other_name=theirs["label"], other_share=theirs["text"], **words)

    rows = rows if len({row["area"] for row in rows}) == 2 else []
    return chart(edition, "shares.against", charts.bars, rows, title=title, subtitle=note, gap=gap)
