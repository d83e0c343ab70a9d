"""Scale: amounts signed and executed, offshore and onshore, their growth, and the area's share of the nation."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import Edition, Quantity, find, label, match, printed_rows, series, share, value_text
from hzso_analysis.exhibits import (
    Exhibit,
    Row,
    cell_row,
    chart,
    computed_row,
    mark,
    measure_rows,
    quantity_mark,
    table,
    where_printed,
)
from hzso_analysis.figures import breaks_of
from hzso_analysis.vocabulary import EXECUTED, SIGNED
from hzso_analysis.wording import say

PRINTED = {"growth": "scale.growth_printed", "cumulative": "scale.sum", "average growth": "scale.average_growth"}
FLOWS = {"": "scale.of_no_flow", "all": "scale.of_all", "offshore": "scale.of_offshore", "onshore": "scale.of_onshore"}
OFFSHORE_SHARE = {SIGNED: "scale.flows_signed", EXECUTED: "scale.flows_executed"}


def headline(edition: Edition) -> Exhibit:
    """Table of the amounts of the year with unit, status and source, and of what was printed about their growth."""
    cells = [(name, flow) for name in (SIGNED, EXECUTED) for flow in ("all", "offshore", "onshore")]
    rows = [cell_row(edition, _of_flow(edition, *cell), *cell) for cell in cells]
    rows += _execution(edition) + _growth(edition)
    for measure, key in PRINTED.items():
        rows += measure_rows(edition, say(key), EXECUTED, "offshore", "total", measure)
    return table(edition, "scale.headline", rows, title=headline_title(edition))


def _of_flow(edition: Edition, indicator: str, flow: str) -> str:
    return say(FLOWS[flow], amount=label(edition, "indicators", indicator))


def headline_title(edition: Edition) -> str:
    """What the year's executed amount comes to."""
    found = find(edition, EXECUTED, "offshore") or find(edition, EXECUTED, "all")
    if found is None:
        return edition.say("scale.headline_none")
    key = "scale.headline_offshore" if found.cell.flow == "offshore" else "scale.headline_all"
    when = wording.period(found.cell.year, found.cell.months)
    return say(key, period=when, amount=wording.amount(value_text(found), found.cell.unit))


def _execution(edition: Edition) -> list[Row]:
    """Executed over signed, offshore; executions can belong to contracts of earlier years."""
    executed, signed = find(edition, EXECUTED, "offshore"), find(edition, SIGNED, "offshore")
    if executed is None or signed is None or signed.cell != executed.cell._replace(indicator=SIGNED):
        return []
    text = wording.percent(*edition.reconciliation.ratio(executed.cell, signed.cell))[:-2]
    return [computed_row(say("scale.execution"), text, "%", pd.concat([executed.basis, signed.basis]))]


def growth_between(edition: Edition, cell: Cell) -> tuple[float, float] | None:
    """Bounds of the growth of a cell on the year before, as fractions.

    None where one of the two is unknown or a break of the definition lies between.
    """
    before = cell._replace(year=cell.year - 1)
    known = match(edition.reconciliation.estimates, before._asdict())
    if known.empty or known["status"].iloc[0] == "unknown":
        return None
    if cell.year in breaks_of(cell.indicator, cell.area, edition.data_dir):
        return None
    low, high = edition.reconciliation.ratio(cell, before)
    return low - 1, high - 1


def growth_rows(edition: Edition, quantity: Quantity) -> pd.DataFrame:
    """The figures that growth on the year before is computed from: those behind both amounts."""
    before = find(edition, **quantity.cell._replace(year=quantity.cell.year - 1)._asdict())
    return pd.concat([quantity.basis, before.basis]) if before else quantity.basis


def _growth(edition: Edition) -> list[Row]:
    found = find(edition, EXECUTED, "offshore")
    bounds = growth_between(edition, found.cell) if found else None
    if not found or not bounds:
        return []
    item, text = say("scale.growth_computed"), wording.percent(*bounds)[:-2]
    return [computed_row(item, text, "%", growth_rows(edition, found), say("scale.growth_base"))]


def flows(edition: Edition) -> Exhibit:
    """Bars of signed and executed, offshore and onshore."""
    cells = [(name, flow) for name in (SIGNED, EXECUTED) for flow in ("offshore", "onshore")]
    found, rows = [quantity for cell in cells if (quantity := find(edition, *cell))], []
    for quantity in found:
        cell, name = quantity.cell, _of_flow(edition, quantity.cell.indicator, quantity.cell.flow)
        if cell.months:
            name = say("scale.in_period", name=name, period=wording.period(cell.year, cell.months))
        rows += [quantity_mark(name, quantity)] if cell.unit == found[0].cell.unit else []
    note = edition.say("scale.flows_subtitle", unit=found[0].cell.unit if found else "")
    return chart(edition, "scale.flows", charts.bars, rows, title=flows_title(edition), subtitle=note)


def flows_title(edition: Edition) -> str:
    """How much of what was signed and executed is offshore."""
    found = [quantity for name in (SIGNED, EXECUTED) if (quantity := find(edition, name, "offshore"))]
    known = [(q.cell.indicator, part) for q in found if (part := share(edition, q)) and part.high <= 1]
    parts = [say(OFFSHORE_SHARE[name], share=wording.percent(part.low, part.high)) for name, part in known]
    return say("scale.flows_title", parts=wording.listing(parts)) if parts else headline_title(edition)


def executed_series(edition: Edition) -> tuple[list[Quantity], str]:
    """Offshore executed by year in one currency: whole years, or the part of the year that the edition has."""
    found = find(edition, EXECUTED, "offshore")
    months = found.cell.months if found else ""
    known = [q for q in series(edition, EXECUTED, "offshore", months=months) if q.high < math.inf]
    return [q for q in known if q.cell.unit == known[-1].cell.unit], months


def recovered(edition: Edition) -> Exhibit:
    """Offshore executed over the years with bounds, beside what was printed where that differs."""
    known, months = executed_series(edition)
    rows = [quantity_mark("", q, series=say("scale.recovered_series"), year=q.cell.year) for q in known]
    misfits, far = _misfits(known)
    years = say("scale.parts_of_years", months=wording.months_text(months)) if months else say("scale.whole_years")
    key = "scale.recovered_subtitle_far" if far else "scale.recovered_subtitle"
    note = say(key, unit=known[-1].cell.unit if known else "", years=years, far=wording.listing(far))
    title = recovered_title(known) if known else ""
    return chart(edition, "scale.recovered", charts.lines, rows + misfits, title=title, subtitle=note)


def _misfits(known: list[Quantity]) -> tuple[list[Row], list[str]]:
    """Printed levels that the estimate does not hold; those far off the scale are named instead of drawn."""
    rows: list[Row] = []
    far, top = [], 1.5 * max((quantity.high for quantity in known), default=0)
    for quantity in known:
        for _, level in quantity.rows[quantity.rows["qualifier"] != "unclear"].iterrows():
            text, value = wording.printed(level), level["value"]
            half = max(level["precision"], 1e-8 * value)  # estimates have nine digits, contract records all
            if value > top:
                far.append(say("scale.printed_for", value=text, year=level["year"]))
            elif not quantity.low - half <= value <= quantity.high + half:
                more = {"series": say("scale.misfit_series"), "year": level["year"]}
                if rows and rows[-1]["year"] == level["year"]:  # one label for all points of a year
                    text, rows[-1]["text"] = f"{rows[-1]['text']}; {text}", ""
                rows.append(mark("", value, value, quantity.rows, text=text, **more))
    return rows, far


def recovered_title(known: list[Quantity]) -> str:
    """From where to where the series runs."""
    first, last = known[0], known[-1]
    what = say("scale.executed")
    if last.cell.months:
        what = say("scale.executed_in", months=wording.months_text(last.cell.months))
    start = wording.amount(value_text(first), first.cell.unit)
    if first is last:
        return say("scale.recovered_one", executed=what, year=last.cell.year, amount=start)
    key = "scale.rose" if last.low > first.high else "scale.fell" if last.high < first.low else "scale.moved"
    years = {"first": first.cell.year, "last": last.cell.year}
    return say(key, executed=what, before=start, now=value_text(last), **years)


def growth(edition: Edition) -> Exhibit:
    """Growth of offshore executed on the year before, computed, with the printed rate beside it."""
    rows = []
    known, months = executed_series(edition)
    for quantity in known:
        bounds = growth_between(edition, quantity.cell)
        if bounds and bounds[0] > -1 and bounds[1] < math.inf:  # else nothing is known of one of the two years
            year, when = quantity.cell.year, wording.period(quantity.cell.year, months)
            rates = printed_rows(edition, EXECUTED, "offshore", "total", "growth", year=year, months=months)
            rates = rates[(rates["currency"] == quantity.cell.unit[:3]) & (rates["qualifier"] != "unclear")]
            text, used = wording.percent(*bounds), growth_rows(edition, quantity)
            if len(rates):
                used = pd.concat([used, rates[rates["value"] == rates["value"].iloc[0]]])  # not those of other rates
                text = say("scale.growth_and_printed", computed=text, printed=f"{wording.printed(rates.iloc[0])} %")
            rows.append(mark(when, *bounds, used, text=text, fraction=True, year=year))
    return chart(edition, "scale.growth", charts.bars, rows, title=growth_title)


def growth_title(rows: list[Row]) -> str:
    """How the latest growth compares with the one before."""
    last, before = rows[-1], rows[-2] if len(rows) > 1 else None
    low, high = last["low"] / 100, last["high"] / 100
    now = say("scale.grew", percent=wording.percent(low, high), period=last["label"])
    if high < 0:
        now = say("scale.shrank", percent=wording.percent(-high, -low), period=last["label"])
    if before is None or before["year"] != last["year"] - 1:
        return now
    falls, rises = before["low"] > last["high"], before["high"] < last["low"]
    key = "scale.down" if falls else "scale.up" if rises else "scale.after"
    return say(key, now=now, before=wording.percent(before["low"] / 100, before["high"] / 100))


def nation(edition: Edition) -> Exhibit:
    """The area's share of the nation's offshore executed over the years."""
    rows = []
    for quantity in series(edition, EXECUTED, "offshore") if edition.compare_with else []:
        part = share(edition, quantity, of=edition.compare_with)
        if part and part.high <= 1:
            used = pd.concat([quantity.basis, part.base.basis])
            name, year = say("scale.nation_series"), quantity.cell.year
            rows.append(mark("", part.low, part.high, used, fraction=True, series=name, year=year))

    def title(rows: list[Row]) -> str:
        keys = ["scale.nation_title", "scale.nation_title_since", "scale.nation_title_after"]
        key, before = keys[min(len(rows), 3) - 1], rows[max(len(rows) - 2, 0)]
        words = {"year": rows[-1]["year"], "earlier": rows[0]["text"], "earlier_year": rows[0]["year"]}
        words |= {"before": before["text"], "before_year": before["year"]}
        return edition.say(key, share=rows[-1]["text"], **words)

    gap = "" if edition.compare_with else say("shares.no_other_area")
    return chart(edition, "scale.nation", charts.lines, rows, title=title, gap=gap)


def unused(edition: Edition) -> Exhibit:
    """Printed growth rates and amounts that constrain nothing, beside what the estimates say: an independent check."""
    rows = match(edition.reconciliation.figures, {"area": edition.area, "qualifier": "unclear", "category": "total"})
    rows = rows[(rows["year"] <= edition.year) & rows["indicator"].isin([EXECUTED, SIGNED])]
    lines = [line for index, row in rows.iterrows() if (line := _unused(edition, row, rows.loc[[index]]))]
    return table(edition, "scale.unused", lines, title=_unused_title([line["agrees"] for line in lines]))


def _unused_title(found: list[str]) -> str:
    """How many of the figures that constrain nothing agree with the estimates, of those that can be tested."""
    tested = [agrees for agrees in found if agrees]
    agree = tested.count(say("scale.agrees"))
    if len(tested) == 1:
        return say("scale.unused_one", agrees=say("scale.unused_agrees" if agree else "scale.unused_disagrees"))
    if not tested:
        return say("scale.unused_none")
    return say("scale.unused_title", agree=agree, number=len(tested))


def _unused(edition: Edition, row: pd.Series, rows: pd.DataFrame) -> Row | None:
    found = find(edition, EXECUTED, "offshore", year=row["year"], months=row["months"])
    bounds = (found.low, found.high) if found and row["measure"] == "level" else None
    bounds = growth_between(edition, found.cell) if found and row["measure"] == "growth" else bounds
    if bounds is None and (row["year"] != edition.year or row["measure"] not in ("level", "growth")):
        return None
    growth = row["measure"] == "growth"
    name, when = _of_flow(edition, row["indicator"], row["flow"]), wording.period(row["year"], row["months"])
    implied, said = say("scale.unused_untested"), ""
    if found and bounds:
        low, high = (end * (100 if growth else 1) for end in bounds)
        implied = wording.percent(*bounds) if growth else wording.amount(wording.span(*bounds), found.cell.unit)
        agrees = low <= row["value"] + row["precision"] and high >= row["value"] - row["precision"]
        said = say("scale.agrees") if agrees else say("scale.disagrees")
    item = say("scale.unused_growth" if growth else "scale.unused_level", name=name, period=when)
    line = {"item": item, "printed": wording.as_printed(row), "implied": implied, "agrees": said}
    return line | {"note": row["note"], "source": where_printed(rows), "rows": rows}
