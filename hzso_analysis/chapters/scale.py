"""Scale: amounts signed and executed, offshore and onshore, their growth, and the area's share of the nation."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import Edition, Quantity, find, label, match, printed_rows, series, share
from hzso_analysis.exhibits import Exhibit, cell_row, chart, computed_row, gap, mark, measure_row, table, value_text

FLOWS = {"all": "all", "offshore": "offshore", "onshore": "onshore"}
EXECUTED, SIGNED = "contracts executed", "contracts signed"


def headline(edition: Edition) -> Exhibit:
    """Table of the amounts of the year with unit, status and source, and of what was printed about their growth."""
    rows = [
        cell_row(edition, f"Contracts {name.split()[1]}, {flow}", name, flow)
        for name in (SIGNED, EXECUTED)
        for flow in FLOWS
    ]
    extra = [execution_row(edition), growth_row(edition)]
    for measure, text in (
        ("growth", "printed growth"),
        ("cumulative", "sum"),
        ("average growth", "average growth a year"),
    ):
        extra.append(
            measure_row(edition, f"Contracts executed, offshore, {text}", EXECUTED, "offshore", "total", measure)
        )
    return table(edition, headline_title(edition), rows + [row for row in extra if row], "Amounts at current prices.")


def headline_title(edition: Edition) -> str:
    """What the year's executed amount comes to."""
    found = find(edition, EXECUTED, "offshore") or find(edition, EXECUTED, "all")
    if found is None:
        return f"No executed amount is known for {edition.year}"
    flow = "Offshore contracts" if found.cell.flow == "offshore" else "Contracts"
    when = wording.period(found.cell.year, found.cell.months)
    return f"{flow} executed in {when}: {wording.amount(value_text(found), found.cell.unit)}"


def execution_row(edition: Edition) -> dict | None:
    """Executed over signed, offshore; executions can belong to contracts of earlier years."""
    executed, signed = find(edition, EXECUTED, "offshore"), find(edition, SIGNED, "offshore")
    if executed is None or signed is None or signed.cell != executed.cell._replace(indicator=SIGNED):
        return None
    low, high = edition.reconciliation.ratio(executed.cell, signed.cell)
    rows = pd.concat([executed.rows, signed.rows])
    return computed_row(
        "Executed for each dollar signed, offshore", wording.percent(low, high)[:-2], "%", low, high, rows
    )


def growth_between(edition: Edition, cell: Cell) -> tuple[float, float] | None:
    """Bounds of the growth of a cell on the year before, as fractions; None where one of the two is unknown."""
    before = cell._replace(year=cell.year - 1)
    known = match(edition.reconciliation.estimates, before._asdict())
    if known.empty or known["status"].iloc[0] == "unknown":
        return None
    low, high = edition.reconciliation.ratio(cell, before)
    return low - 1, high - 1


def growth_row(edition: Edition) -> dict | None:
    """Growth of offshore executed on the year before, from the estimates."""
    found = find(edition, EXECUTED, "offshore")
    bounds = found and growth_between(edition, found.cell)
    if not bounds:
        return None
    text = wording.percent(*bounds)[:-2]
    return computed_row(
        "Contracts executed, offshore, growth computed", text, "%", *bounds, found.rows, "estimates of both years"
    )


def flows(edition: Edition) -> Exhibit:
    """Bars of signed and executed, offshore and onshore."""
    names = [(name, flow) for name in (SIGNED, EXECUTED) for flow in ("offshore", "onshore")]
    found = [(name, flow, find(edition, name, flow)) for name, flow in names]
    unit = next((q.cell.unit for *_, q in found if q), None)
    rows = [mark(_named(edition, name, flow, q), q) for name, flow, q in found if q and q.cell.unit == unit]
    if not rows:
        return gap("Signed and executed by flow", f"No amounts by flow were published for {edition.year}.")
    return chart(
        edition, charts.bars, rows, title=flows_title(edition), subtitle=f"{unit}, {edition.year}, current prices"
    )


def _named(edition: Edition, name: str, flow: str, quantity: Quantity) -> str:
    text = f"{label(edition, 'indicators', name)}, {flow}"
    return f"{text} ({wording.period(quantity.cell.year, quantity.cell.months)})" if quantity.cell.months else text


def flows_title(edition: Edition) -> str:
    """How much of what was signed and executed is offshore."""
    parts = []
    for name in (SIGNED, EXECUTED):
        found = find(edition, name, "offshore")
        part = found and share(edition, found)
        if part and part.high <= 1:
            parts.append(f"{wording.percent(part.low, part.high)} of contracts {name.split()[1]}")
    return f"Offshore work makes up {wording.listing(parts)}" if parts else headline_title(edition)


def recovered(edition: Edition) -> Exhibit:
    """Offshore executed over the years with bounds, beside what was printed where that differs."""
    known, months = executed_series(edition)
    if not known:
        return gap("Offshore executed over the years", f"No year up to {edition.year} is known.")
    rows = [mark("", q) | {"series": "from all figures together", "year": q.cell.year} for q in known]
    rows, far = _add_printed(rows, known)
    when = "whole years" if not months else f"{wording.period('', months).strip()} of each year"
    note = f"{known[-1].cell.unit}, {when}, current prices; whiskers are bounds"
    note += f"; {wording.listing(far)} lies outside the chart" if far else ""
    return chart(edition, charts.lines, rows, title=recovered_title(known), subtitle=note)


def executed_series(edition: Edition) -> tuple[list[Quantity], str]:
    """Offshore executed by year in one currency: whole years, or the part of the year that the edition has."""
    found = find(edition, EXECUTED, "offshore")
    months = found.cell.months if found else ""
    known = [q for q in series(edition, EXECUTED, "offshore", months=months) if q.high < math.inf]
    return [q for q in known if q.cell.unit == _main_unit(known)], months


def _main_unit(known: list[Quantity]) -> str:
    return known[-1].cell.unit if known else ""


def _add_printed(rows: list[dict], known: list[Quantity]) -> tuple[list[dict], list[str]]:
    """Add printed levels that the estimate does not hold; those far off the scale are named instead."""
    far, top = [], 1.5 * max(row["high"] for row in rows)
    for quantity in known:
        for level in quantity.rows[quantity.rows["qualifier"] != "unclear"].itertuples():
            if quantity.low - level.precision <= level.value <= quantity.high + level.precision:
                continue
            text = wording.printed(pd.Series(level._asdict()))
            if level.value > top:
                far.append(f"{text} printed for {level.year}")
            else:
                point = {"label": "", "low": level.value, "high": level.value, "text": text, "rows": quantity.rows}
                rows.append(point | {"series": "printed, does not fit", "year": level.year})
    return rows, far


def recovered_title(known: list[Quantity]) -> str:
    """From where to where the series runs."""
    first, last = known[0], known[-1]
    unit = last.cell.unit
    what = (
        f"Offshore executed in {wording.period('', last.cell.months).strip()}"
        if last.cell.months
        else "Offshore executed"
    )
    if first is last:
        return f"{what}, {last.cell.year}: {wording.amount(value_text(last), unit)}"
    verb = "rose" if last.low > first.high else "fell" if last.high < first.low else "moved"
    return (
        f"{what} {verb} from {wording.amount(value_text(first), unit)} in {first.cell.year} "
        f"to {value_text(last)} in {last.cell.year}"
    )


def growth(edition: Edition) -> Exhibit:
    """Growth of offshore executed on the year before, computed, with the printed rate beside it."""
    rows = []
    known, months = executed_series(edition)
    for quantity in known:
        bounds = growth_between(edition, quantity.cell)
        if bounds and bounds[1] < 100:
            rates = printed_rows(
                edition, EXECUTED, "offshore", "total", "growth", year=quantity.cell.year, months=months
            )
            rates = rates[(rates["currency"] == quantity.cell.unit[:3]) & (rates["qualifier"] != "unclear")]
            said = f" (printed {wording.printed(rates.iloc[0])} %)" if len(rates) else ""
            text = wording.percent(*bounds) + said
            rows.append(
                {"label": str(quantity.cell.year), "low": bounds[0], "high": bounds[1], "text": text, "rows": rates}
            )
    if not rows:
        return gap("Growth of offshore executed", "No two neighbouring years are known.")
    return chart(
        edition,
        charts.bars,
        rows,
        title=growth_title(rows),
        subtitle="Offshore executed, change on the year before, percent",
    )


def growth_title(rows: list[dict]) -> str:
    """How the latest growth compares with the one before."""
    last = rows[-1]
    now = f"Offshore executed grew by {last['text'].split(' (')[0]} in {last['label']}"
    if last["high"] < 0:
        now = f"Offshore executed shrank by {wording.percent(-last['high'], -last['low'])} in {last['label']}"
    if len(rows) == 1 or int(rows[-2]["label"]) != int(last["label"]) - 1:
        return now
    before = rows[-2]
    word = (
        "after"
        if before["low"] <= last["high"] and last["low"] <= before["high"]
        else "down from"
        if before["low"] > last["high"]
        else "up from"
    )
    return f"{now}, {word} {before['text'].split(' (')[0]} the year before"


def nation(edition: Edition) -> Exhibit:
    """The area's share of the nation's offshore executed over the years."""
    other = wording.area_name(edition.compare_with)
    rows = []
    for quantity in series(edition, EXECUTED, "offshore"):
        part = share(edition, quantity, of=edition.compare_with) if edition.compare_with else None
        if part and part.high <= 1:
            text = wording.percent(part.low, part.high)
            used = pd.concat([quantity.rows, part.base.rows])
            rows.append(
                {
                    "series": "share",
                    "year": quantity.cell.year,
                    "low": 100 * part.low,
                    "high": 100 * part.high,
                    "text": text,
                    "rows": used,
                }
            )
    if not rows:
        missing = (
            f"{other} has no offshore executed amount for these years."
            if other
            else "There is no area to compare with."
        )
        return gap("Share of the nation", missing)
    area = wording.area_name(edition.area)
    title = f"{area} executed {rows[-1]['text']} of {other}'s offshore contracts in {rows[-1]['year']}"
    title += f", {rows[0]['text']} in {rows[0]['year']}" if len(rows) > 1 else ""
    return chart(
        edition, charts.lines, rows, title=title, subtitle=f"Percent of {other}'s offshore executed, whole years, USD"
    )


def unused(edition: Edition) -> Exhibit:
    """Printed growth rates and amounts that constrain nothing, beside what the estimates say: an independent check."""
    figures = edition.reconciliation.figures
    rows = figures[
        (figures["area"] == edition.area) & (figures["qualifier"] == "unclear") & (figures["year"] <= edition.year)
    ]
    rows = rows[
        rows["indicator"].isin([EXECUTED, SIGNED])
        & rows["measure"].isin(["growth", "level"])
        & (rows["category"] == "total")
    ]
    lines = [line for row in rows.itertuples() if (line := _unused_row(edition, row))]
    if not lines:
        return gap("Figures that were not used", "No printed amount or growth rate had to be left out.")
    agree = sum(line["agrees"] == "yes" for line in lines)
    return table(
        edition,
        f"{agree} of {len(lines)} printed figures too unclear to be used agree with the estimates of offshore executed",
        lines,
        "Label, base or measure of these figures are in doubt, so they constrain nothing; the last columns test them.",
    )


def _unused_row(edition: Edition, row) -> dict | None:
    found = find(edition, EXECUTED, "offshore", year=row.year, months=row.months)
    bounds = (found.low, found.high) if found else None
    if found and row.measure == "growth":
        bounds = growth_between(edition, found.cell)
    if bounds is None:
        return None
    scale = 100 if row.measure == "growth" else 1
    agrees = scale * bounds[0] <= row.value + row.precision and scale * bounds[1] >= row.value - row.precision
    implied = wording.percent(*bounds) if scale == 100 else wording.span(*bounds)
    name = label(edition, "indicators", row.indicator)
    item = f"{name}, {row.flow}, {row.measure}, {wording.period(row.year, row.months)}"
    return {
        "item": item,
        "printed": wording.as_printed(pd.Series(row._asdict())),
        "implied": implied,
        "agrees": "yes" if agrees else "no",
        "note": row.note,
        "rows": match(edition.reconciliation.figures, {"file": row.file, "line": row.line}),
    }
