"""Scale: amounts signed and executed, offshore and onshore, their growth, and the area's share of the nation."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import Edition, Quantity, find, label, match, printed_rows, series, share, value_text
from hzso_analysis.exhibits import Exhibit, cell_row, chart, computed_row, mark, measure_rows, quantity_mark, table
from hzso_analysis.figures import codebook

EXECUTED, SIGNED = "contracts executed", "contracts signed"
PRINTED = {"growth": "printed growth", "cumulative": "sum", "average growth": "average growth a year"}


def headline(edition: Edition) -> Exhibit:
    """Table of the amounts of the year with unit, status and source, and of what was printed about their growth."""
    cells = [(name, flow) for name in (SIGNED, EXECUTED) for flow in ("all", "offshore", "onshore")]
    rows = [cell_row(edition, f"{label(edition, 'indicators', name)}, {flow}", name, flow) for name, flow in cells]
    rows += _execution(edition) + _growth(edition)
    for measure, said in PRINTED.items():
        rows += measure_rows(edition, f"Contracts executed, offshore, {said}", EXECUTED, "offshore", "total", measure)
    return table(edition, rows, title=headline_title(edition), note="Amounts at current prices.")


def headline_title(edition: Edition) -> str:
    """What the year's executed amount comes to."""
    found = find(edition, EXECUTED, "offshore") or find(edition, EXECUTED, "all")
    if found is None:
        return f"No executed amount is known for {edition.year}"
    flow = "Offshore contracts" if found.cell.flow == "offshore" else "Contracts"
    when = wording.period(found.cell.year, found.cell.months)
    return f"{flow} executed in {when}: {wording.amount(value_text(found), found.cell.unit)}"


def _execution(edition: Edition) -> list[dict]:
    """Executed over signed, offshore; executions can belong to contracts of earlier years."""
    executed, signed = find(edition, EXECUTED, "offshore"), find(edition, SIGNED, "offshore")
    if executed is None or signed is None or signed.cell != executed.cell._replace(indicator=SIGNED):
        return []
    text = wording.percent(*edition.reconciliation.ratio(executed.cell, signed.cell))[:-2]
    return [computed_row("Executed as a share of signed, offshore", text, "%", pd.concat([executed.rows, signed.rows]))]


def growth_between(edition: Edition, cell: Cell) -> tuple[float, float] | None:
    """Bounds of the growth of a cell on the year before, as fractions.

    None where one of the two is unknown or a break of the definition lies between.
    """
    before = cell._replace(year=cell.year - 1)
    known = match(edition.reconciliation.estimates, before._asdict())
    breaks = match(codebook("breaks", edition.data_dir), {"indicator": cell.indicator, "year": cell.year})
    if known.empty or known["status"].iloc[0] == "unknown" or breaks["area"].isin(["", cell.area]).any():
        return None
    low, high = edition.reconciliation.ratio(cell, before)
    return low - 1, high - 1


def _growth(edition: Edition) -> list[dict]:
    found = find(edition, EXECUTED, "offshore")
    bounds = found and growth_between(edition, found.cell)
    if not bounds:
        return []
    item, text = "Contracts executed, offshore, growth computed", wording.percent(*bounds)[:-2]
    return [computed_row(item, text, "%", found.rows, "estimates of both years")]


def flows(edition: Edition) -> Exhibit:
    """Bars of signed and executed, offshore and onshore."""
    cells = [(name, flow) for name in (SIGNED, EXECUTED) for flow in ("offshore", "onshore")]
    found = [quantity for cell in cells if (quantity := find(edition, *cell))]
    rows = []
    for quantity in found:
        name = f"{label(edition, 'indicators', quantity.cell.indicator)}, {quantity.cell.flow}"
        when = f" ({wording.period(quantity.cell.year, quantity.cell.months)})" if quantity.cell.months else ""
        if quantity.cell.unit == found[0].cell.unit:
            rows.append(quantity_mark(name + when, quantity))
    note = f"{found[0].cell.unit if found else ''}, {edition.year}, current prices"
    gap = f"No amounts by flow were published for {edition.year}."
    words = {"heading": "Signed and executed by flow", "gap": gap}
    return chart(edition, charts.bars, rows, title=flows_title(edition), subtitle=note, **words)


def flows_title(edition: Edition) -> str:
    """How much of what was signed and executed is offshore."""
    found = [quantity for name in (SIGNED, EXECUTED) if (quantity := find(edition, name, "offshore"))]
    known = [(q.cell.indicator, part) for q in found if (part := share(edition, q)) and part.high <= 1]
    parts = [f"{wording.percent(part.low, part.high)} of {name}" for name, part in known]
    return f"Offshore work makes up {wording.listing(parts)}" if parts else headline_title(edition)


def executed_series(edition: Edition) -> tuple[list[Quantity], str]:
    """Offshore executed by year in one currency: whole years, or the part of the year that the edition has."""
    found = find(edition, EXECUTED, "offshore")
    months = found.cell.months if found else ""
    known = [q for q in series(edition, EXECUTED, "offshore", months=months) if q.high < math.inf]
    return [q for q in known if q.cell.unit == known[-1].cell.unit], months


def recovered(edition: Edition) -> Exhibit:
    """Offshore executed over the years with bounds, beside what was printed where that differs."""
    known, months = executed_series(edition)
    rows = [quantity_mark("", q, series="from all figures together", year=q.cell.year) for q in known]
    misfits, far = _misfits(known)
    note = f"{known[-1].cell.unit}, " if known else ""
    note += f"{wording.months_text(months)} of each year" if months else "whole years"
    note += ", current prices; whiskers are bounds"
    note += f"; {wording.listing(far)} lies outside the chart" if far else ""
    gap = f"No year up to {edition.year} is known."
    words = {"heading": "Offshore executed over the years", "gap": gap}
    return chart(edition, charts.lines, rows + misfits, title=lambda _: recovered_title(known), subtitle=note, **words)


def _misfits(known: list[Quantity]) -> tuple[list[dict], list[str]]:
    """Printed levels that the estimate does not hold; those far off the scale are named instead of drawn."""
    rows, far, top = [], [], 1.5 * max((quantity.high for quantity in known), default=0)
    for quantity in known:
        for _, level in quantity.rows[quantity.rows["qualifier"] != "unclear"].iterrows():
            text, value, half = wording.printed(level), level["value"], level["precision"]
            if value > top:
                far.append(f"{text} printed for {level['year']}")
            elif not quantity.low - half <= value <= quantity.high + half:
                more = {"series": "printed, does not fit", "year": level["year"]}
                if rows and rows[-1]["year"] == level["year"]:  # one label for all points of a year
                    text, rows[-1]["text"] = f"{rows[-1]['text']}; {text}", ""
                rows.append(mark("", value, value, quantity.rows, text=text, **more))
    return rows, far


def recovered_title(known: list[Quantity]) -> str:
    """From where to where the series runs."""
    first, last = known[0], known[-1]
    what = f"Offshore executed in {wording.months_text(last.cell.months)}" if last.cell.months else "Offshore executed"
    now = wording.amount(value_text(last), last.cell.unit)
    if first is last:
        return f"{what}, {last.cell.year}: {now}"
    verb = "rose" if last.low > first.high else "fell" if last.high < first.low else "moved"
    start = wording.amount(value_text(first), first.cell.unit)
    return f"{what} {verb} from {start} in {first.cell.year} to {value_text(last)} in {last.cell.year}"


def growth(edition: Edition) -> Exhibit:
    """Growth of offshore executed on the year before, computed, with the printed rate beside it."""
    rows = []
    known, months = executed_series(edition)
    for quantity in known:
        bounds = growth_between(edition, quantity.cell)
        if bounds and bounds[0] > -1 and bounds[1] < math.inf:  # else nothing is known of one of the two years
            year = quantity.cell.year
            rates = printed_rows(edition, EXECUTED, "offshore", "total", "growth", year=year, months=months)
            rates = rates[(rates["currency"] == quantity.cell.unit[:3]) & (rates["qualifier"] != "unclear")]
            said = f" (printed {wording.printed(rates.iloc[0])} %)" if len(rates) else ""
            used = rates if len(rates) else quantity.rows
            rows.append(mark(str(year), *bounds, used, text=wording.percent(*bounds) + said))
    note = "Offshore executed, change on the year before, percent"
    words = {"heading": "Growth of offshore executed", "gap": "No two neighbouring years are known."}
    return chart(edition, charts.bars, rows, title=growth_title, subtitle=note, **words)


def growth_title(rows: list[dict]) -> str:
    """How the latest growth compares with the one before."""
    last, before = rows[-1], rows[-2] if len(rows) > 1 else None
    now = f"Offshore executed grew by {last['text'].split(' (')[0]} in {last['label']}"
    if last["high"] < 0:
        now = f"Offshore executed shrank by {wording.percent(-last['high'], -last['low'])} in {last['label']}"
    if before is None or int(before["label"]) != int(last["label"]) - 1:
        return now
    word = "down from" if before["low"] > last["high"] else "up from" if before["high"] < last["low"] else "after"
    return f"{now}, {word} {before['text'].split(' (')[0]} the year before"


def nation(edition: Edition) -> Exhibit:
    """The area's share of the nation's offshore executed over the years."""
    area, other, rows = wording.area_name(edition.area), wording.area_name(edition.compare_with), []
    for quantity in series(edition, EXECUTED, "offshore") if other else []:
        part = share(edition, quantity, of=edition.compare_with)
        if part and part.high <= 1:
            used = pd.concat([quantity.rows, part.base.rows])
            year = quantity.cell.year
            rows.append(mark("", part.low, part.high, used, fraction=True, series="share", year=year))

    def title(rows: list[dict]) -> str:
        earlier = f", {rows[0]['text']} in {rows[0]['year']}" if len(rows) > 1 else ""
        return f"{area} executed {rows[-1]['text']} of {other}'s offshore contracts in {rows[-1]['year']}{earlier}"

    gap = f"{other} has no offshore executed amount for these years." if other else "There is no area to compare with."
    note = f"Percent of {other}'s offshore executed, whole years, each in one currency"
    return chart(edition, charts.lines, rows, title=title, subtitle=note, heading="Share of the nation", gap=gap)


def unused(edition: Edition) -> Exhibit:
    """Printed growth rates and amounts that constrain nothing, beside what the estimates say: an independent check."""
    rows = match(edition.reconciliation.figures, {"area": edition.area, "qualifier": "unclear", "category": "total"})
    rows = rows[(rows["year"] <= edition.year) & rows["indicator"].isin([EXECUTED, SIGNED])]
    lines = [line for index, row in rows.iterrows() if (line := _unused(edition, row, rows.loc[[index]]))]
    agree = sum(line["agrees"] == "yes" for line in lines)
    title = f"{agree} of {len(lines)} printed figures too unclear to be used"
    title += " agree with the estimates of offshore executed"
    note = "Label, base or measure of these figures are in doubt, so they constrain nothing; "
    note += "the last columns test them."
    gap = "No printed amount or growth rate had to be left out."
    return table(edition, lines, title=title, note=note, heading="Figures that were not used", gap=gap)


def _unused(edition: Edition, row: pd.Series, rows: pd.DataFrame) -> dict | None:
    found = find(edition, EXECUTED, "offshore", year=row["year"], months=row["months"])
    bounds = (found.low, found.high) if found and row["measure"] == "level" else None
    bounds = growth_between(edition, found.cell) if found and row["measure"] == "growth" else bounds
    if bounds is None:
        return None
    scale = 100 if row["measure"] == "growth" else 1
    value, half = row["value"], row["precision"]
    agrees = scale * bounds[0] <= value + half and scale * bounds[1] >= value - half
    words = [label(edition, "indicators", row["indicator"]), row["flow"], row["measure"]]
    words.append(wording.period(row["year"], row["months"]))
    implied = wording.percent(*bounds) if scale == 100 else wording.span(*bounds)
    line = {"item": ", ".join(words), "printed": wording.as_printed(row), "implied": implied}
    return line | {"agrees": "yes" if agrees else "no", "note": row["note"], "rows": rows}
