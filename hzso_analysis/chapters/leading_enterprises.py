"""Leading enterprises: size bands of the firms, what they hold together, and how small the others must be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import interval
from hzso_analysis.edition import (
    Edition,
    Quantity,
    exact,
    find,
    from_ledger,
    in_words,
    label,
    look_up,
    match,
    printed_rows,
    share,
    value_text,
    withheld,
)
from hzso_analysis.exhibits import (
    Exhibit,
    Row,
    cell_row,
    chart,
    mark,
    measure_rows,
    origin,
    quantity_mark,
    share_text,
    table,
)
from hzso_analysis.figures import codebook
from hzso_analysis.vocabulary import EXECUTED, FIRMS, SUPPRESSED
from hzso_analysis.wording import say


class Slice(NamedTuple):
    """Firms between two edges of size bands, known from contract records: their number and, unless NaN, their amount.

    `name` is the band of the codebook with these edges, blank where it has none.
    """

    name: str
    low: float
    high: float
    firms: int
    amount: float
    rows: pd.DataFrame


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
            months, unit = firms.cell.months, "USD million"
            found[band] = (firms, find(edition, EXECUTED, "offshore", band, area=area, months=months, unit=unit))
    return {band: found[band] for band in _ordered(book, found)}


def _ordered(book: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Bands with groups before the others."""
    names = list(names)
    groups = [band for band in names if band in set(book.loc[names, "parent"])]
    return [*groups, *(band for band in names if band not in groups)]


def listed_bands(edition: Edition) -> dict[str, tuple[Quantity, Quantity | None]]:
    """The bands that are known and those that are withheld, by whatever bounds the others leave."""
    book, found = bands_of(edition), known_bands(edition)
    for band in book.index:
        if band not in found and (firms := withheld(edition, FIRMS, "offshore", band)):
            found[band] = (firms, look_up(edition, EXECUTED, "offshore", band))
        elif band in found and found[band][1] is None:
            found[band] = (found[band][0], withheld(edition, EXECUTED, "offshore", band))
    return {band: found[band] for band in _ordered(book, [band for band in book.index if band in found])}


def slices(edition: Edition) -> list[Slice]:
    """The firms of contract records cut at the edges of all bands of known number, largest first; no firm twice.

    Open bands hold each other. Of what lies between two of them, closed bands are cut off at both ends; the firms that
    are left lie between.
    """
    known, book, found = known_bands(edition), bands_of(edition), []
    whole = [_slice(book, band, *both) for band, both in known.items() if both[0].low == both[0].high]
    nested = sorted((band for band in whole if band.high == math.inf), key=lambda band: -band.low)
    for upper, band in zip([None, *nested], nested, strict=False):
        low, high, apart = band.low, upper.low if upper else math.inf, [upper] if upper else []
        closed = sorted((other for other in whole if other.high < math.inf), key=lambda other: other.low)
        for other in closed:
            if other.low == low and other.high <= high:
                low, apart = other.high, [*apart, other]
        for other in reversed(closed):
            if other.high == high and other.low >= low:
                high, apart = other.low, [*apart, other]
        firms = band.firms - sum(other.firms for other in apart)
        rows = pd.concat([other.rows for other in (band, *apart)])
        left = Slice("", low, high, firms, band.amount - sum(other.amount for other in apart), rows)
        pieces = [other for other in apart if other is not upper] + ([left] if firms else [])
        found += sorted(pieces, key=lambda piece: -piece.low) if apart else [band]
    return found


def _slice(book: pd.DataFrame, band: str, firms: Quantity, held: Quantity | None) -> Slice:
    amount = exact(held)
    rows = pd.concat([firms.basis, held.basis]) if held else firms.basis
    ends = book.loc[band, "low"], book.loc[band, "high"]
    return Slice(band, *ends, int(firms.low), math.nan if amount is None else amount, rows)


def leading(edition: Edition) -> tuple[str, Quantity, Quantity] | None:
    """The group that sentences are about: of contract records, which know every band, the first of several firms."""
    if (widest := leaders(edition)) is None or exact(widest[1]) is None:
        return widest
    book = bands_of(edition)
    known = [(b, f, held) for b, (f, held) in known_bands(edition).items() if held and exact(held) is not None]
    return next((g for g in known if g[1].low > 1 and book.loc[g[0], "high"] == math.inf), widest)


def leaders(edition: Edition) -> tuple[str, Quantity, Quantity] | None:
    """The widest band whose firms and amount are known: the group that the source calls leading."""
    known, lows = ((band, *both) for band, both in known_bands(edition).items()), bands_of(edition)["low"]
    groups = [(b, f, held) for b, f, held in known if held and held.high - held.low < 0.05 * held.high]
    if from_records(edition):  # these know bands that are no group: above them are firms, too
        groups = [g for g in groups if bands_of(edition).loc[g[0], "high"] == math.inf and g[1].low == g[1].high]
    return min(groups, key=lambda group: lows[group[0]]) if groups else None


def _named(edition: Edition, band: str, firms: Quantity) -> dict[str, str]:
    return {"firms": value_text(firms), "band": label(edition, "categories", band)}


def headline(edition: Edition) -> Exhibit:
    """Table of size bands: firms, amount held, share of all offshore executed."""
    rows = []
    for band, (firms, held) in listed_bands(edition).items():
        part = held and share(edition, held)
        row = {"item": label(edition, "categories", band), "firms": value_text(firms)}
        row["amount"] = value_text(held) if held else "–"
        row["share"] = share_text(part, held.status if held else firms.status)
        status = SUPPRESSED if held and held.status == SUPPRESSED else firms.status
        row |= {"status": status, "source": origin(firms)}
        rows.append(row | {"rows": pd.concat([firms.basis, held.basis]) if held else firms.basis})
    note = f"{say('leading_enterprises.headline_note')} {say('leading_enterprises.headline_status')}"
    if any(row["status"] == SUPPRESSED for row in rows):
        note = f"{note} {say('leading_enterprises.headline_withheld')}"
    return table(edition, "leading_enterprises.headline", rows, title=headline_title(edition), note=note)


def headline_title(edition: Edition) -> str:
    """What the leading group holds."""
    group = leading(edition)
    if group is None:
        return edition.say("leading_enterprises.headline_plain")
    band, firms, held = group
    part = share(edition, held)
    text = wording.percent(part.low, part.high) if part else in_words(held)
    return edition.say("leading_enterprises.headline_title", held=text, **_named(edition, band, firms))


def from_records(edition: Edition) -> bool:
    """Whether figures of the year come from contract records, in which no firm is left out, shown or withheld."""
    year = {"area": edition.area, "year": edition.year}
    if not from_ledger(edition.reconciliation.printed(**year)).empty:
        return True
    estimates = edition.reconciliation.estimates
    return len(match(estimates[estimates["status"] == SUPPRESSED], year)) > 0


def slice_name(edition: Edition, part: Slice) -> str:
    """The label of the band with these edges, or the edges themselves."""
    if part.name:
        return label(edition, "categories", part.name)
    if math.isinf(part.high):
        return say("leading_enterprises.slice_open", low=wording.half_up(part.low))
    return say("leading_enterprises.slice", low=wording.half_up(part.low), high=wording.half_up(part.high))


def _smaller(edition: Edition, cut: list[Slice]) -> list[Row]:
    """A mark for the firms below all bands, where the number of all firms is known."""
    everyone = find(edition, FIRMS, "offshore")
    left = everyone.low - sum(part.firms for part in cut) if everyone and exact(everyone) is not None else 0
    name = say("leading_enterprises.smaller", low=wording.half_up(cut[-1].low))
    return [mark(name, left, left, everyone.rows)] if everyone and left else []


def counts(edition: Edition) -> Exhibit:
    """Bars of the number of firms in each band that no other band cuts up."""
    known = known_bands(edition)
    cut_up = set(bands_of(edition).loc[list(known), "parent"])
    rows = [quantity_mark(label(edition, "categories", b), firms) for b, (firms, _) in known.items() if b not in cut_up]
    if cut := slices(edition) if from_records(edition) else []:
        rows = [mark(slice_name(edition, part), part.firms, part.firms, part.rows) for part in cut]
        rows, known = [*rows, *_smaller(edition, cut)], {}
    hidden = [_named(edition, band, firms) for band, (firms, _) in known.items() if firms.status != "published"]
    implied = [say("leading_enterprises.counts_implied", **words) for words in hidden]

    def title(rows: list[Row]) -> str:
        words = {"firms": rows[0]["text"], "band": rows[0]["label"], "implied": wording.listing(implied)}
        key = "leading_enterprises.counts_title_implied" if implied else "leading_enterprises.counts_title"
        return edition.say(key, **words)

    return chart(edition, "leading_enterprises.counts", charts.bars, rows, title=title)


def concentration(edition: Edition) -> Exhibit:
    """The whole cut into the leading group and all other firms."""
    group, rows, note, title = leading(edition), [], "", ""
    part = share(edition, group[2]) if group else None
    if group and part and part.low > 0:  # where the total has no upper end there is no whole to cut
        band, firms, held = group
        words, others = _named(edition, band, firms), other_firms(edition, firms)
        rest = say("leading_enterprises.others")
        key = "leading_enterprises.others_recorded" if from_records(edition) else "leading_enterprises.others_counted"
        rest = say(key, firms=wording.span(*others)) if others else rest
        rows.append(mark(say("leading_enterprises.firms_of", **words), part.low, part.high, held.basis, fraction=True))
        rows.append(mark(rest, max(0.0, 1 - part.high), 1 - part.low, held.basis, fraction=True))
        base = wording.amount(value_text(part.base), "USD million")
        note = edition.say("leading_enterprises.concentration_subtitle", base=base)
        title, words["share"] = "leading_enterprises.hold", rows[0]["text"]
        for _, row in printed_rows(edition, EXECUTED, "offshore", band, "share").head(1).iterrows():
            low, high = (end / 100 for end in interval(row))
            agree, words["printed"] = part.low <= high and part.high >= low, wording.printed(row)
            title = "leading_enterprises.hold_as_printed" if agree else "leading_enterprises.hold_otherwise"
        title = say(title, **words)
    return chart(edition, "leading_enterprises.concentration", charts.parts, rows, title=title, subtitle=note)


def other_firms(edition: Edition, firms: Quantity) -> tuple[float, float] | None:
    """Bounds of the number of firms outside the leading group: of those with contracts, or else of those registered."""
    recorded = find(edition, FIRMS, "offshore")
    if recorded and exact(recorded) is not None:
        return recorded.low - firms.high, recorded.high - firms.low
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
            above = bands_of(edition).loc[band, "high"] == math.inf
            key = "leading_enterprises.averages_firms" if above else "leading_enterprises.averages_within"
            rows.append(mark(say(key, **_named(edition, band, firms)), *ends, firms.basis))
    group = leading(edition)
    part, others = group and share(edition, group[2]), group and other_firms(edition, group[1])
    if group and part and others and others[0] > 0:
        ends = max(0.0, part.base.low - group[2].high) / others[1], (part.base.high - group[2].low) / others[0]
        key = (
            "leading_enterprises.averages_recorded" if from_records(edition) else "leading_enterprises.averages_others"
        )
        rows.append(mark(say(key), *ends, group[2].basis))

    def title(rows: list[Row]) -> str:
        words = {"firms": rows[0]["label"], "amount": wording.amount(rows[0]["text"], "USD million")}
        key = (
            "leading_enterprises.averages_both"
            if part and others and others[0] > 0
            else "leading_enterprises.averages_title"
        )
        return say(key, others=rows[-1]["text"], **words)

    return chart(edition, "leading_enterprises.averages", charts.bars, rows, title=title)


def nation(edition: Edition) -> Exhibit:
    """Share of the largest firms in both areas, for the bands that both print."""
    rows: list[Row] = []
    shown: list[str] = []
    for band in bands_of(edition).index if edition.compare_with else []:
        pair = []
        for area in (edition.area, edition.compare_with):
            firms = find(edition, FIRMS, "offshore", band, area=area)
            held = find(edition, EXECUTED, "offshore", band, area=area, unit="USD million")
            part = held and share(edition, held)
            if firms and part and part.low > 0 and part.high < 1:
                used = pd.concat([firms.basis, printed_rows(edition, EXECUTED, "offshore", band, "share", area=area)])
                more = {"area": wording.area_name(area)} | _named(edition, band, firms)
                name = say("leading_enterprises.nation_firms", **more)
                pair.append(mark(name, part.low, part.high, used, fraction=True))
        if len(pair) == 2:
            rows += pair
            shown.append(label(edition, "categories", band))

    def title(rows: list[Row]) -> str:
        words = {"band": shown[0], "share": rows[0]["text"], "other_share": rows[1]["text"]}
        return edition.say("leading_enterprises.nation_title", **words)

    gap = "" if edition.compare_with else say("shares.no_other_area")
    return chart(edition, "leading_enterprises.nation", charts.bars, rows, title=title, gap=gap)


def honours(edition: Edition) -> Exhibit:
    """Table of firms that execute offshore contracts, of registered ones, and of places in national lists."""
    names = ["enterprises registered", "enterprises added", "rank of leading enterprise"]
    cells = [(FIRMS, "offshore"), *((name, "") for name in [*names, "enterprises in the national growth list"])]
    known = [cell for cell in cells if find(edition, *cell)]
    names = [", ".join(filter(None, [label(edition, "indicators", name), flow])) for name, flow in known]
    rows = [cell_row(edition, name, *cell) for name, cell in zip(names, known, strict=True)]
    medium = (EXECUTED, "offshore", "medium-sized enterprises", "share")
    rows += measure_rows(edition, say("leading_enterprises.medium"), *medium)
    return table(edition, "leading_enterprises.honours", rows)
