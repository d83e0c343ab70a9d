"""Leading enterprises: size bands of the firms, what they hold together, and how small the others must be."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.edition import Edition, Quantity, find, in_words, label, printed_rows, share, value_text
from hzso_analysis.exhibits import Exhibit, cell_row, chart, mark, measure_rows, quantity_mark, table, where_printed
from hzso_analysis.figures import codebook
from hzso_analysis.wording import say

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
    known, lows = ((band, *both) for band, both in known_bands(edition).items()), bands_of(edition)["low"]
    groups = [(b, f, held) for b, f, held in known if held and held.high - held.low < 0.05 * held.high]
    return min(groups, key=lambda group: lows[group[0]]) if groups else None


def _gap(edition: Edition) -> str:
    return say("leading_enterprises.gap", area=wording.area_name(edition.area), year=edition.year)


def _named(edition: Edition, band: str, firms: Quantity) -> dict[str, str]:
    return {"firms": value_text(firms), "band": label(edition, "categories", band)}


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
    words = {"title": headline_title(edition), "note": say("leading_enterprises.headline_note")}
    return table(edition, rows, **words, heading=say("leading_enterprises.headline_heading"), gap=_gap(edition))


def headline_title(edition: Edition) -> str:
    """What the leading group holds."""
    group = leaders(edition)
    if group is None:
        return say("leading_enterprises.headline_plain", year=edition.year)
    band, firms, held = group
    part = share(edition, held)
    text = wording.percent(part.low, part.high) if part else in_words(held)
    return say("leading_enterprises.headline_title", held=text, year=edition.year, **_named(edition, band, firms))


def counts(edition: Edition) -> Exhibit:
    """Bars of the number of firms in each band that no other band cuts up."""
    known = known_bands(edition)
    cut_up = set(bands_of(edition).loc[list(known), "parent"])
    rows = [quantity_mark(label(edition, "categories", b), firms) for b, (firms, _) in known.items() if b not in cut_up]
    implied = [_named(edition, band, firms) for band, (firms, _) in known.items() if firms.status != "published"]
    implied = [say("leading_enterprises.counts_implied", **words) for words in implied]

    def title(rows: list[dict]) -> str:
        words = {"firms": rows[0]["text"], "band": rows[0]["label"], "year": edition.year}
        key = "leading_enterprises.counts_title_implied" if implied else "leading_enterprises.counts_title"
        return say(key, implied=wording.listing(implied), **words)

    note = say("leading_enterprises.counts_subtitle", year=edition.year)
    words = {"heading": say("leading_enterprises.counts_heading"), "gap": _gap(edition)}
    return chart(edition, charts.bars, rows, title=title, subtitle=note, **words)


def concentration(edition: Edition) -> Exhibit:
    """The whole cut into the leading group and all other firms."""
    group, rows, note, title = leaders(edition), [], "", ""
    if part := group and share(edition, group[2]):
        band, firms, held = group
        words, others = _named(edition, band, firms), other_firms(edition, firms)
        rest = say("leading_enterprises.others")
        rest = say("leading_enterprises.others_counted", firms=wording.span(*others)) if others else rest
        rows.append(mark(say("leading_enterprises.firms_of", **words), part.low, part.high, held.rows, fraction=True))
        rows.append(mark(rest, max(0.0, 1 - part.high), 1 - part.low, held.rows, fraction=True))
        base = wording.amount(value_text(part.base), "USD million")
        note = say("leading_enterprises.concentration_subtitle", year=edition.year, base=base)
        title, words["share"] = "leading_enterprises.hold", rows[0]["text"]
        for _, row in printed_rows(edition, EXECUTED, "offshore", band, "share").head(1).iterrows():
            low, high = ((row["value"] + sign * row["precision"]) / 100 for sign in (-1, 1))
            agree, words["printed"] = part.low <= high and part.high >= low, wording.printed(row)
            title = "leading_enterprises.hold_as_printed" if agree else "leading_enterprises.hold_otherwise"
        title = say(title, **words)
    words = {"heading": say("leading_enterprises.concentration_heading"), "gap": _gap(edition)}
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
            name = say("leading_enterprises.averages_firms", **_named(edition, band, firms))
            rows.append(mark(name, *ends, firms.rows))
    group = leaders(edition)
    part, others = group and share(edition, group[2]), group and other_firms(edition, group[1])
    if part and others:
        ends = max(0.0, part.base.low - group[2].high) / others[1], (part.base.high - group[2].low) / others[0]
        rows.append(mark(say("leading_enterprises.averages_others"), *ends, group[2].rows))

    def title(rows: list[dict]) -> str:
        words = {"firms": rows[0]["label"], "amount": wording.amount(rows[0]["text"], "USD million")}
        key = "leading_enterprises.averages_both" if part and others else "leading_enterprises.averages_title"
        return say(key, others=rows[-1]["text"], **words)

    note = say("leading_enterprises.averages_subtitle", year=edition.year)
    words = {"heading": say("leading_enterprises.averages_heading"), "gap": _gap(edition)}
    return chart(edition, charts.bars, rows, title=title, subtitle=note, **words)


def nation(edition: Edition) -> Exhibit:
    """Share of the largest firms in both areas, for the bands that both print."""
    words, rows = {"area": wording.area_name(edition.area), "other": wording.area_name(edition.compare_with)}, []
    for band in bands_of(edition).index if edition.compare_with else []:
        pair = []
        for area in (edition.area, edition.compare_with):
            firms = find(edition, FIRMS, "offshore", band, area=area)
            held = find(edition, EXECUTED, "offshore", band, area=area, unit="USD million")
            part = held and share(edition, held)
            if firms and part and part.low > 0 and part.high < 1:
                used = pd.concat([firms.rows, printed_rows(edition, EXECUTED, "offshore", band, "share", area=area)])
                more = {"area": wording.area_name(area)} | _named(edition, band, firms)
                name = say("leading_enterprises.nation_firms", **more)
                pair.append(mark(name, part.low, part.high, used, fraction=True))
        rows += pair if len(pair) == 2 else []

    def title(rows: list[dict]) -> str:
        return say("leading_enterprises.nation_title", share=rows[0]["text"], other_share=rows[1]["text"], **words)

    gap = "leading_enterprises.nation_gap" if edition.compare_with else "leading_enterprises.nation_none"
    note, gap = say("leading_enterprises.nation_subtitle", year=edition.year), say(gap, year=edition.year, **words)
    heading = say("leading_enterprises.nation_heading")
    return chart(edition, charts.bars, rows, title=title, subtitle=note, heading=heading, gap=gap)


def honours(edition: Edition) -> Exhibit:
    """Table of registered firms and places in national lists."""
    names = ["enterprises registered", "enterprises added", "rank of leading enterprise"]
    names.append("enterprises in the national growth list")
    rows = [cell_row(edition, label(edition, "indicators", name), name) for name in names if find(edition, name)]
    medium = (EXECUTED, "offshore", "medium-sized enterprises", "share")
    rows += measure_rows(edition, say("leading_enterprises.medium"), *medium)
    title, note = say("leading_enterprises.honours_title", year=edition.year), say("leading_enterprises.honours_note")
    return table(edition, rows, title=title, note=note, gap=_gap(edition))
