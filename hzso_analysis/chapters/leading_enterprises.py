"""Leading enterprises: size bands of the firms, what they hold together, and how small the others must be."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.edition import Edition, Quantity, Share, find, label, match, printed_rows, share
from hzso_analysis.exhibits import (
    Exhibit,
    cell_row,
    chart,
    gap,
    in_words,
    mark,
    measure_row,
    table,
    value_text,
    where_printed,
)
from hzso_analysis.figures import codebook

EXECUTED, FIRMS = "contracts executed", "enterprises"


def bands_of(edition: Edition) -> pd.DataFrame:
    """Size bands of the codebook by id, with `parent` and edges `low`, `high` in USD million, largest first."""
    book = codebook("categories", edition.data_dir)
    bands = book[book["low"].notna()].fillna({"high": math.inf}).set_index("id")
    return bands.sort_values(["low", "high"], ascending=False)


def known_bands(edition: Edition, area: str | None = None) -> dict[str, tuple[Quantity, Quantity | None]]:
    """Bands whose number of firms is known within 5 %, with the amount they hold; groups stand before their bands."""
    book = bands_of(edition)
    found = {}
    for band in book.index:
        firms = find(edition, FIRMS, "offshore", band, area=area)
        if firms and firms.high - firms.low <= 0.05 * firms.high:
            held = find(edition, EXECUTED, "offshore", band, area=area, months=firms.cell.months, unit="USD million")
            found[band] = (firms, held)
    groups = [band for band in found if band in set(book.loc[list(found), "parent"])]
    return {band: found[band] for band in [*groups, *(band for band in found if band not in groups)]}


def leaders(edition: Edition, area: str | None = None) -> tuple[str, Quantity, Quantity] | None:
    """The widest band whose firms and amount are known: the group that the source calls leading."""
    groups = [(b, f, h) for b, (f, h) in known_bands(edition, area).items() if h and h.high - h.low < 0.05 * h.high]
    return min(groups, key=lambda group: bands_of(edition).loc[group[0], "low"]) if groups else None


def missing(edition: Edition) -> str:
    """What was not published for this chapter."""
    area = wording.area_name(edition.area)
    return f"No number of enterprises by size and no amount they hold was published for {area} in {edition.year}."


def headline(edition: Edition) -> Exhibit:
    """Table of size bands: firms, amount held, share of all offshore executed."""
    rows = []
    for band, (firms, held) in known_bands(edition).items():
        part = held and share(edition, held)
        text = wording.percent(part.low, part.high) if part and part.high < math.inf else "–"
        rows.append(
            {
                "item": label(edition, "categories", band),
                "firms": value_text(firms),
                "amount": value_text(held) if held else "–",
            }
            | {"share": text, "status": f"{firms.status}; amount {held.status if held else 'unknown'}"}
            | {"source": where_printed(firms.rows), "rows": pd.concat([firms.rows, held.rows]) if held else firms.rows}
        )
    if not rows:
        return gap("Enterprises by size", missing(edition))
    note = (
        "Firms by offshore executed in the year, amounts in USD million; n firms hold at least n times the lower edge."
    )
    return table(edition, leaders_title(edition), [row | {"status": row["status"].split(";")[0]} for row in rows], note)


def leaders_title(edition: Edition) -> str:
    """What the leading group holds."""
    group = leaders(edition)
    if group is None:
        return f"Enterprises by size, {edition.year}"
    band, firms, held = group
    part = share(edition, held)
    text = wording.percent(part.low, part.high) if part else in_words(held)
    return f"{value_text(firms)} enterprises {band} execute {text} of offshore contracts in {edition.year}"


def counts(edition: Edition) -> Exhibit:
    """Bars of the number of firms in each band that no other band cuts up."""
    known = known_bands(edition)
    whole = set(bands_of(edition).loc[list(known), "parent"])
    rows = [mark(label(edition, "categories", b), firms) for b, (firms, _) in known.items() if b not in whole]
    if not rows:
        return gap("Number of enterprises by size", missing(edition))
    implied = [f"{value_text(f)} of {b}" for b, (f, _) in known.items() if f.status != "published"]
    title = f"{rows[0]['text']} enterprises executed offshore contracts {rows[0]['label']} in {edition.year}"
    title += f"; {wording.listing(implied)} follow from the rest" if implied else ""
    return chart(
        edition, charts.bars, rows, title=title, subtitle=f"Number of enterprises by offshore executed, {edition.year}"
    )


def concentration(edition: Edition) -> Exhibit:
    """The whole cut into the leading group and all other firms."""
    group = leaders(edition)
    part = group and share(edition, group[2])
    if not part:
        return gap("What the leading enterprises hold", missing(edition))
    band, firms, held = group
    middle = 50 * (part.low + part.high)
    others = others_name(edition, firms)
    rows = [
        {"label": f"{value_text(firms)} enterprises {band}", "low": middle, "high": middle, "rows": held.rows}
        | {"text": wording.percent(part.low, part.high)},
        {"label": others, "low": 100 - middle, "high": 100 - middle, "rows": held.rows}
        | {"text": wording.percent(1 - part.high, 1 - part.low)},
    ]
    note = f"Percent of offshore executed, {edition.year}; base {wording.amount(value_text(part.base), 'USD million')}"
    return chart(edition, charts.parts, rows, title=concentration_title(edition, band, held, part), subtitle=note)


def others_name(edition: Edition, firms: Quantity) -> str:
    """The firms outside the leading group, as far as their number is known."""
    registered = find(edition, "enterprises registered")
    if registered is None:
        return "all other enterprises"
    text = value_text(
        registered._replace(low=registered.low - firms.high, high=registered.high - firms.low, status="computed")
    )
    return f"all others, {text} registered"


def concentration_title(edition: Edition, band: str, held: Quantity, part: Share) -> str:
    """The computed share, and the printed one where it differs beyond rounding."""
    text = f"Enterprises {band} hold {wording.percent(part.low, part.high)} of offshore executed"
    printed = printed_rows(edition, EXECUTED, "offshore", band, "share")
    if len(printed):
        row = printed.iloc[0]
        low, high = (row["value"] - row["precision"]) / 100, (row["value"] + row["precision"]) / 100
        agree = part.low <= high and part.high >= low
        text += ", as printed" if agree else f"; the source prints {wording.printed(row)} %"
    return text


def averages(edition: Edition) -> Exhibit:
    """Average executed per firm in each band, and in the rest of the registered firms."""
    rows = []
    for band, (firms, held) in known_bands(edition).items():
        if held and firms.low > 0 and held.high < math.inf:
            low, high = edition.reconciliation.ratio(held.cell, firms.cell)
            rows.append(average_mark(label(edition, "categories", band), low, high, firms.rows))
    rows += rest_average(edition)
    if not rows:
        return gap("Average size", missing(edition))
    top = rows[0]
    title = f"An enterprise {top['label']} executed {wording.amount(top['text'], 'USD million')} on average"
    if len(rows) > 1 and rows[-1]["label"].startswith("all others"):
        title += f", one of the others {rows[-1]['text']}"
    return chart(
        edition,
        charts.bars,
        rows,
        title=title,
        subtitle=f"Offshore executed per enterprise, USD million, {edition.year}; whiskers are bounds",
    )


def average_mark(name: str, low: float, high: float, rows: pd.DataFrame) -> dict:
    """A bar for an average."""
    return {"label": name, "low": low, "high": high, "text": wording.span(low, high), "rows": rows}


def rest_average(edition: Edition) -> list[dict]:
    """Average of the registered firms below the leading group, at most what is left over the least number of them."""
    group, registered = leaders(edition), find(edition, "enterprises registered")
    if group is None or registered is None:
        return []
    _, firms, held = group
    part = share(edition, held)
    if part is None:
        return []
    number = (registered.low - firms.high, registered.high - firms.low)
    left = (max(0.0, part.base.low - held.high), part.base.high - held.low)
    low = left[0] / number[1] if number[1] < math.inf else 0.0
    return [average_mark("all others registered", low, left[1] / number[0], registered.rows)] if number[0] > 0 else []


def nation(edition: Edition) -> Exhibit:
    """Share of the largest firms in both areas, for the bands that both print."""
    other = edition.compare_with
    rows = []
    for band in bands_of(edition).index if other else []:
        for area in (edition.area, other):
            firms = find(edition, FIRMS, "offshore", band, area=area)
            held = find(edition, EXECUTED, "offshore", band, area=area, unit="USD million")
            part = held and share(edition, held)
            if firms and part and part.low > 0 and part.high < 1:
                name = f"{wording.area_name(area)}: {value_text(firms)} enterprises {band}"
                text = wording.percent(part.low, part.high)
                rows.append(
                    {
                        "label": name,
                        "low": 100 * part.low,
                        "high": 100 * part.high,
                        "text": text,
                        "rows": pd.concat([firms.rows, held.rows, part_rows(edition, held)]),
                        "band": band,
                        "area": area,
                    }
                )
    both = {row["band"] for row in rows if row["area"] == other} & {
        row["band"] for row in rows if row["area"] == edition.area
    }
    rows = [row for row in rows if row["band"] in both]
    if not rows:
        text = (
            f"{wording.area_name(other)} prints no size band of {wording.area_name(edition.area)}'s for {edition.year}."
            if other
            else "There is no area to compare with."
        )
        return gap("Against the nation", text)
    mine, theirs = rows[0], rows[1]
    title = f"{wording.area_name(edition.area)}'s largest enterprises hold {mine['text']}"
    title += f", {wording.area_name(other)}'s {theirs['text']}"
    return chart(
        edition,
        charts.bars,
        rows,
        title=title,
        subtitle=f"Percent of the area's own offshore executed, {edition.year}; whiskers are bounds",
    )


def part_rows(edition: Edition, held: Quantity) -> pd.DataFrame:
    """Printed shares of a cell."""
    return match(edition.reconciliation.figures, held.cell._replace(unit="percent")._asdict() | {"measure": "share"})


def honours(edition: Edition) -> Exhibit:
    """Table of registered firms and places in national lists."""
    names = [
        "enterprises registered",
        "enterprises added",
        "rank of leading enterprise",
        "enterprises in the national growth list",
    ]
    rows = [
        row
        for name in names
        if (row := cell_row(edition, label(edition, "indicators", name), name))["value"] != "not published"
    ]
    medium = measure_row(
        edition,
        "Medium-sized enterprises, share of offshore executed",
        EXECUTED,
        "offshore",
        "medium-sized enterprises",
        "share",
    )
    rows += [medium] if medium else []
    if not rows:
        return gap("Registered enterprises and national lists", missing(edition))
    return table(
        edition,
        f"Registered enterprises and national lists, {edition.year}",
        rows,
        "Not every registered enterprise executes contracts in a year.",
    )
