"""Leading enterprises: size bands of the firms, what they hold together, and how small the others must be."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.edition import Edition, Quantity, find, in_words, label, printed_rows, share, value_text
from hzso_analysis.exhibits import Exhibit, cell_row, chart, mark, measure_rows, quantity_mark, table, where_printed
from hzso_analysis.figures import codebook

EXECUTED, FIRMS = "contracts executed", "enterprises"


def bands_of(edition: Edition) -> pd.DataFrame:
    """Size bands of the codebook by id, with `parent` and edges `low`, `high` in USD million, largest first."""
    book = codebook("categories", edition.data_dir)
    bands = book[book["low"].notna()].fillna({"high": math.inf}).set_index("id")
    return bands.sort_values(["low", "high"], ascending=False)


def known_bands(edition: Edition, area: str | None = None) -> dict[str, tuple[Quantity, Quantity | None]]:
    """Bands whose number of firms is known within 5 %, with the amount they hold; groups stand before their bands."""
    book, found = bands_of(edition), {}
    for band in book.index:
        firms = find(edition, FIRMS, "offshore", band, area=area)
        if firms and firms.high - firms.low <= 0.05 * firms.high:
            at = {"area": area, "months": firms.cell.months, "unit": "USD million"}
            found[band] = (firms, find(edition, EXECUTED, "offshore", band, **at))
    groups = [band for band in found if band in set(book.loc[list(found), "parent"])]
    return {band: found[band] for band in [*groups, *(band for band in found if band not in groups)]}


def leaders(edition: Edition) -> tuple[str, Quantity, Quantity] | None:
    """The widest band whose firms and amount are known: the group that the source calls leading."""
    groups = [
        (b, f, held)
        for b, (f, held) in known_bands(edition).items()
        if held and held.high - held.low < 0.05 * held.high
    ]
    return min(groups, key=lambda group: bands_of(edition).loc[group[0], "low"]) if groups else None


def _gap(edition: Edition) -> str:
    area = wording.area_name(edition.area)
    return f"No number of enterprises by size and no amount they hold was published for {area} in {edition.year}."


def headline(edition: Edition) -> Exhibit:
    """Table of size bands: firms, amount held, share of all offshore executed."""
    rows = []
    for band, (firms, held) in known_bands(edition).items():
        part = held and share(edition, held)
        row = {"item": label(edition, "categories", band), "firms": value_text(firms)}
        row["amount"] = value_text(held) if held else "–"
        row["share"] = wording.percent(part.low, part.high) if part and part.high < math.inf else "–"
        row |= {"status": firms.status, "source": where_printed(firms.rows)}
        rows.append(row | {"rows": pd.concat([firms.rows, held.rows]) if held else firms.rows})
    note = (
        "Firms by offshore executed in the year, amounts in USD million; n firms hold at least n times the lower edge."
    )
    words = {"heading": "Enterprises by size", "gap": _gap(edition)}
    return table(edition, rows, title=headline_title(edition), note=note, **words)


def headline_title(edition: Edition) -> str:
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
    cut_up = set(bands_of(edition).loc[list(known), "parent"])
    rows = [quantity_mark(label(edition, "categories", b), firms) for b, (firms, _) in known.items() if b not in cut_up]
    implied = [f"{value_text(firms)} of {band}" for band, (firms, _) in known.items() if firms.status != "published"]

    def title(rows: list[dict]) -> str:
        text = f"{rows[0]['text']} enterprises executed offshore contracts {rows[0]['label']} in {edition.year}"
        return text + (f"; {wording.listing(implied)} follow from the rest" if implied else "")

    note = f"Number of enterprises by offshore executed, {edition.year}"
    words = {"heading": "Number of enterprises by size", "gap": _gap(edition)}
    return chart(edition, charts.bars, rows, title=title, subtitle=note, **words)


def concentration(edition: Edition) -> Exhibit:
    """The whole cut into the leading group and all other firms."""
    group, rows, note, title = leaders(edition), [], "", ""
    if part := group and share(edition, group[2]):
        band, firms, held = group
        rows.append(mark(f"{value_text(firms)} enterprises {band}", part.low, part.high, held.rows, fraction=True))
        others = other_firms(edition, firms)
        name = f"all others, {wording.span(*others)} registered" if others else "all other enterprises"
        rows.append(mark(name, max(0.0, 1 - part.high), 1 - part.low, held.rows, fraction=True))
        note = (
            f"Percent of offshore executed, {edition.year}; base {wording.amount(value_text(part.base), 'USD million')}"
        )
        title = f"Enterprises {band} hold {rows[0]['text']} of offshore executed"
        for _, row in printed_rows(edition, EXECUTED, "offshore", band, "share").head(1).iterrows():
            agree = (
                part.low <= (row["value"] + row["precision"]) / 100
                and part.high >= (row["value"] - row["precision"]) / 100
            )
            title += ", as printed" if agree else f"; the source prints {wording.printed(row)} %"
    words = {"heading": "What the leading enterprises hold", "gap": _gap(edition)}
    return chart(edition, charts.parts, rows, title=title, subtitle=note, **words)


def other_firms(edition: Edition, firms: Quantity) -> tuple[float, float] | None:
    """Bounds of the number of registered firms outside the leading group."""
    registered = find(edition, "enterprises registered")
    if registered is None or registered.low <= firms.high:
        return None
    return registered.low - firms.high, registered.high - firms.low


def averages(edition: Edition) -> Exhibit:
    """Average executed per firm in each band, and in the rest of the registered firms."""
    rows = []
    for band, (firms, held) in known_bands(edition).items():
        if held and firms.low > 0 and held.high < math.inf:
            ends = edition.reconciliation.ratio(held.cell, firms.cell)
            rows.append(mark(f"{value_text(firms)} {label(edition, 'categories', band)}", *ends, firms.rows))
    group = leaders(edition)
    part, others = group and share(edition, group[2]), group and other_firms(edition, group[1])
    if part and others:
        left = (max(0.0, part.base.low - group[2].high), part.base.high - group[2].low)
        rows.append(mark("all others registered", left[0] / others[1], left[1] / others[0], group[2].rows))

    def title(rows: list[dict]) -> str:
        text = f"The {rows[0]['label']} executed {wording.amount(rows[0]['text'], 'USD million')} each on average"
        return text + (f", the others {rows[-1]['text']}" if part and others else "")

    note = f"Offshore executed per enterprise, USD million, {edition.year}; whiskers are bounds"
    words = {"heading": "Average size", "gap": _gap(edition)}
    return chart(edition, charts.bars, rows, title=title, subtitle=note, **words)


def nation(edition: Edition) -> Exhibit:
    """Share of the largest firms in both areas, for the bands that both print."""
    mine, other, rows = wording.area_name(edition.area), wording.area_name(edition.compare_with), []
    for band in bands_of(edition).index if other else []:
        pair = []
        for area in (edition.area, edition.compare_with):
            firms = find(edition, FIRMS, "offshore", band, area=area)
            held = find(edition, EXECUTED, "offshore", band, area=area, unit="USD million")
            part = held and share(edition, held)
            if firms and part and part.low > 0 and part.high < 1:
                name = f"{wording.area_name(area)}: {value_text(firms)} enterprises {band}"
                used = pd.concat([firms.rows, printed_rows(edition, EXECUTED, "offshore", band, "share", area=area)])
                pair.append(mark(name, part.low, part.high, used, fraction=True))
        rows += pair if len(pair) == 2 else []

    def title(rows: list[dict]) -> str:
        return f"{mine}'s largest enterprises hold {rows[0]['text']}, {other}'s {rows[1]['text']}"

    gap = (
        f"{other} prints no size band of {mine}'s for {edition.year}." if other else "There is no area to compare with."
    )
    note = f"Percent of the area's own offshore executed, {edition.year}; whiskers are bounds"
    return chart(edition, charts.bars, rows, title=title, subtitle=note, heading="Against the nation", gap=gap)


def honours(edition: Edition) -> Exhibit:
    """Table of registered firms and places in national lists."""
    names = ["enterprises registered", "enterprises added", "rank of leading enterprise"]
    names.append("enterprises in the national growth list")
    rows = [cell_row(edition, label(edition, "indicators", name), name) for name in names if find(edition, name)]
    medium = (EXECUTED, "offshore", "medium-sized enterprises", "share")
    rows += measure_rows(edition, "Medium-sized enterprises, share of offshore executed", *medium)
    title = f"Registered enterprises and national lists, {edition.year}"
    note = "Not every registered enterprise executes contracts in a year."
    return table(edition, rows, title=title, note=note, gap=_gap(edition))
