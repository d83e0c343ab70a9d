"""Sector mix: ITO, BPO and KPO, the industries that cut across them, and how the mix compares and changes."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.edition import Edition, Quantity, find, label, printed_rows, share
from hzso_analysis.exhibits import Exhibit, chart, gap, in_words, quantity_row, table, value_text
from hzso_analysis.figures import codebook

EXECUTED, SIGNED = "contracts executed", "contracts signed"
TYPES = ["ITO", "BPO", "KPO"]


def mixed(edition: Edition, **key) -> tuple[str, dict[str, Quantity]]:
    """The indicator whose mix was published (executed before signed) and what is known of each category, offshore."""
    for indicator in (EXECUTED, SIGNED):
        found = {name: find(edition, indicator, "offshore", name, **key) for name in [*TYPES, *industries_of(edition)]}
        known = {name: quantity for name, quantity in found.items() if quantity is not None}
        if known:
            return indicator, known
    return EXECUTED, {}


def industries_of(edition: Edition) -> list[str]:
    """Industries of the codebook; they overlap with each other and with ITO, BPO and KPO."""
    book = codebook("categories", edition.data_dir)
    return book.loc[book["dimension"] == "industry", "id"].tolist()


def short(edition: Edition, name: str) -> str:
    """The name of a sector in a chart: the abbreviation of a business type, the label of an industry."""
    return name if name in TYPES else label(edition, "categories", name)


def headline(edition: Edition) -> Exhibit:
    """Table of every sector: value, share as printed and as computed on the base named in the note."""
    indicator, known = mixed(edition)
    rows = [share_row(edition, indicator, name, quantity) for name, quantity in known.items()]
    if not rows:
        return gap("Value and share by sector", missing(edition))
    return table(edition, headline_title(edition), rows, base_note(edition, known))


def missing(edition: Edition) -> str:
    """What was not published for this chapter."""
    return (
        f"No amount by ITO, BPO, KPO or industry was published for {wording.area_name(edition.area)} in {edition.year}."
    )


def headline_title(edition: Edition) -> str:
    """The largest of ITO, BPO and KPO by its share."""
    _, known = mixed(edition)
    parts = {name: share(edition, q) for name, q in known.items() if name in TYPES}
    sized = {name: part for name, part in parts.items() if part and part.low > 0}
    if not sized:
        return "Value and share by sector"
    name = max(sized, key=lambda n: sized[n].low)
    when = wording.period(known[name].cell.year, known[name].cell.months)
    done = known[name].cell.indicator.split()[1]
    return (
        f"{name} makes up {wording.percent(sized[name].low, sized[name].high)} of offshore contracts {done} in {when}"
    )


def share_row(edition: Edition, indicator: str, name: str, quantity: Quantity) -> dict:
    """A table row with the share as printed beside the share computed on the base."""
    row = quantity_row(label(edition, "categories", name), quantity)
    part = share(edition, quantity)
    printed = printed_rows(edition, indicator, "offshore", name, "share", months=quantity.cell.months)
    said = f"{wording.printed(printed.iloc[0])} %" if len(printed) else "–"
    computed = wording.percent(part.low, part.high) if part else "–"
    front = {key: row[key] for key in ("item", "value", "unit")}
    used = pd.concat([frame for frame in (quantity.rows, printed) if len(frame)]) if len(printed) else quantity.rows
    return front | {"share printed": said, "share computed": computed} | row | {"rows": used}


def base_note(edition: Edition, known: dict[str, Quantity]) -> str:
    """The sentence that names the base of the computed shares and its value."""
    first = next(iter(known.values()))
    part = share(edition, first)
    if part is None:
        return "The total is not known, so no share can be computed."
    base = part.base
    when = wording.period(base.cell.year, base.cell.months)
    return (
        f"Shares are computed on all offshore {base.cell.indicator} in {when}: {in_words(base)} "
        f"({edition.total_basis} total, "
        f"{base.status}). Shares are rounded once and need not add up."
    )


def split(edition: Edition) -> Exhibit:
    """The whole cut into ITO, BPO and KPO; what was not published apart stands as one part."""
    _, known = mixed(edition)
    parts = {name: (known[name], share(edition, known[name])) for name in TYPES if name in known}
    exact = {n: (q, p) for n, (q, p) in parts.items() if p and p.low > 0 and p.high - p.low < 0.02}
    if not exact:
        return gap("ITO, BPO and KPO", missing(edition))
    rows = [split_mark(n, p.low, p.high, q.rows) for n, (q, p) in exact.items()]
    rest = [name for name in TYPES if name not in exact]
    left = (max(0.0, 1 - sum(p.high for _, p in exact.values())), max(0.0, 1 - sum(p.low for _, p in exact.values())))
    if rest and left[1] > 0:
        rows.append(
            split_mark(
                f"{wording.listing(rest)}: not published{' apart' if len(rest) > 1 else ''}", *left, pd.DataFrame()
            )
        )
    return chart(
        edition, charts.parts, rows, title=split_title(edition, exact, rest, left), subtitle=period_note(exact)
    )


def split_mark(name: str, low: float, high: float, rows: pd.DataFrame) -> dict:
    """A part of the whole, as a percentage."""
    return {
        "label": name,
        "low": 50 * (low + high),
        "high": 50 * (low + high),
        "text": wording.percent(low, high),
        "rows": rows,
    }


def split_title(edition: Edition, exact: dict, rest: list[str], left: tuple[float, float]) -> str:
    """Which type leads and what the rest can be."""
    order = sorted(exact, key=lambda n: -exact[n][1].low)
    lead = f"{order[0]} leads with {wording.percent(exact[order[0]][1].low, exact[order[0]][1].high)}"
    if rest:
        base = next(iter(exact.values()))[1].base
        amounts = (max(0.0, left[0] * base.low), left[1] * base.high)
        held = wording.between(*amounts, base.cell.unit)
        return f"{lead}; {wording.listing(rest)} together {wording.percent(*left)}, {held}"
    others = [f"{name} ({wording.percent(exact[name][1].low, exact[name][1].high)})" for name in order[1:]]
    return f"{lead}, then {wording.listing(others)}"


def period_note(exact: dict) -> str:
    """Measure, period and base of the shares."""
    base = next(iter(exact.values()))[1].base
    when = wording.period(base.cell.year, base.cell.months)
    return f"Percent of offshore {base.cell.indicator}, {when}; base {wording.amount(value_text(base), base.cell.unit)}"


def industries(edition: Edition) -> Exhibit:
    """Bars of ITO and the industries that cut across it, each against the whole; they are never summed."""
    _, known = mixed(edition)
    parts = [(name, q, share(edition, q)) for name, q in known.items()]
    rows = [bar_mark(short(edition, n), p.low, p.high, q.rows) for n, q, p in parts if p and p.low > 0]
    if not any(name in known for name in industries_of(edition)):
        return gap("Industries", f"No industry was published for {wording.area_name(edition.area)} in {edition.year}.")
    rows.sort(key=lambda row: -row["low"])
    total = sum(row["low"] for row in rows)
    names = wording.listing(row["label"] for row in rows)
    title = f"Printed sectors overlap: {names} would add up to {wording.half_up(total)} %"
    if total <= 100:
        title = f"{rows[0]['label']} is the largest printed sector with {rows[0]['text']}; the sectors overlap"
    exact = {n: (q, p) for n, q, p in parts if p}
    return chart(
        edition,
        charts.bars,
        rows,
        title=title,
        subtitle=f"{period_note(exact)}; each bar is a share of the whole, never summed",
    )


def bar_mark(name: str, low: float, high: float, rows: pd.DataFrame) -> dict:
    """A bar with its interval, as a percentage."""
    return {"label": name, "low": 100 * low, "high": 100 * high, "text": wording.percent(low, high), "rows": rows}


def change(edition: Edition) -> Exhibit:
    """Shares of each sector over the years; a part of a year stands for a year that has no other figure and says so."""
    rows, partly = [], []
    now, _ = mixed(edition)
    for year in range(min(edition.reconciliation.estimates["year"]), edition.year + 1):
        indicator, known = mixed(edition, year=year)
        for name, quantity in known.items() if indicator == now else []:
            part = share(edition, quantity)
            if part and part.low > 0 and part.high < math.inf and part.high - part.low < 0.05:
                rows.append(
                    bar_mark("", part.low, part.high, quantity.rows) | {"series": short(edition, name), "year": year}
                )
                if quantity.cell.months:
                    partly.append(wording.period(year, quantity.cell.months))
    repeated = {row["series"] for row in rows if sum(r["series"] == row["series"] for r in rows) > 1}
    rows = [row for row in rows if row["series"] in repeated]
    if not rows:
        return gap("Change over the years", "No sector has a share in more than one year.")
    note = f"Percent of all offshore {now}"
    note += f"; {wording.listing(dict.fromkeys(partly))} only" if partly else ", whole years"
    if len({row["year"] for row in rows}) > 2:
        return chart(edition, charts.lines, rows, title=change_title(rows), subtitle=note)
    marks = [
        row | {"label": f"{row['series']}, {row['year']}"}
        for row in sorted(rows, key=lambda r: (r["series"], r["year"]))
    ]
    return chart(edition, charts.bars, marks, title=change_title(rows), subtitle=note)


def change_title(rows: list[dict]) -> str:
    """The sector whose share moved most, in percentage points."""
    moves = {}
    for name in dict.fromkeys(row["series"] for row in rows):
        own = sorted((row for row in rows if row["series"] == name), key=lambda row: row["year"])
        moves[name] = (abs(own[-1]["low"] - own[0]["low"]), own[0], own[-1])
    name = max(moves, key=lambda n: moves[n][0])
    _, first, last = moves[name]
    return f"{name}: {first['text']} of the total in {first['year']}, {last['text']} in {last['year']}"


def location_quotients(edition: Edition) -> Exhibit:
    """Share in the area over share in the nation; above one the area is specialised. Needs the same period in both."""
    other = wording.area_name(edition.compare_with)
    rows = []
    indicator, known = mixed(edition)
    for name, quantity in known.items() if edition.compare_with else []:
        theirs = find(edition, indicator, "offshore", name, area=edition.compare_with, months=quantity.cell.months)
        mine, base = share(edition, quantity), theirs and share(edition, theirs)
        if mine and base and base.low > 0 and mine.low > 0:
            low, high = mine.low / base.high, mine.high / base.low
            text = wording.span(low, high, 2)
            rows.append({"label": short(edition, name), "low": low, "high": high, "text": text, "rows": theirs.rows})
    if not rows:
        if not edition.compare_with:
            return gap("Location quotient", "There is no area to compare with.")
        return gap(
            "Location quotient", f"{other} has no offshore amounts by sector for the same period of {edition.year}."
        )
    top = max(rows, key=lambda row: row["low"])
    title = f"{top['label']} weighs {top['text']} times as much as in {other}"
    return chart(
        edition,
        charts.bars,
        rows,
        title=title,
        subtitle=f"Location quotient against {other}, {edition.year}; 1 = same share",
    )
