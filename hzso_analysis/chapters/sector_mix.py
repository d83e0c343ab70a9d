"""Sector mix: ITO, BPO and KPO, the industries that cut across them, and how the mix compares and changes."""

from __future__ import annotations

from hzso_analysis import charts, wording
from hzso_analysis.chapters import shares
from hzso_analysis.edition import Edition, Quantity, exact, find, label, share
from hzso_analysis.exhibits import Exhibit, Row, chart, mark
from hzso_analysis.figures import codebook
from hzso_analysis.vocabulary import EXECUTED, SIGNED, SUPPRESSED, TYPES
from hzso_analysis.wording import say


def mixed(edition: Edition) -> dict[str, Quantity]:
    """What is known by type and industry: of executed contracts or, where nothing is, of signed ones."""
    names = [*TYPES, *industries_of(edition)]
    return shares.known(edition, names) or shares.known(edition, names, SIGNED)


def industries_of(edition: Edition) -> list[str]:
    """Industries of the codebook; they overlap with each other and with ITO, BPO and KPO."""
    book = codebook("categories", edition.data_dir)
    return list(book.loc[book["dimension"] == "industry", "id"])


def headline(edition: Edition) -> Exhibit:
    """Table of every sector: value, share as printed and as computed."""
    return shares.shares_table(edition, "sector_mix.headline", mixed(edition), title=headline_title(edition))


def headline_title(edition: Edition) -> str:
    """The largest of ITO, BPO and KPO by its share."""
    parts = mixed(edition)
    sized = shares.share_marks(edition, {name: parts[name] for name in TYPES if name in parts})
    if not sized:
        return say("sector_mix.headline_heading")
    top = max(sized, key=lambda row: row["low"])
    words = shares.what(parts[top["name"]].cell)
    return say("sector_mix.headline_title", name=top["label"], share=top["text"], **words)


def split(edition: Edition) -> Exhibit:
    """The whole cut into ITO, BPO and KPO; what was not published apart stands as one part."""
    parts = {name: quantity for name, quantity in mixed(edition).items() if name in TYPES}
    exact = {row["name"] for row in shares.share_marks(edition, parts, widest=0.02)}
    open_ones = [name for name in TYPES if name not in exact]
    key, names = "sector_mix.rest" if len(open_ones) > 1 else "sector_mix.rest_one", wording.listing(open_ones)
    if open_ones and all(name in parts and parts[name].status == SUPPRESSED for name in open_ones):
        key = "sector_mix.rest_withheld"
    rest = say(key, names=names) if open_ones else ""

    def title(rows: list[Row]) -> str:
        named = sorted((row for row in rows if row["name"]), key=lambda row: -row["low"])
        words = {"name": named[0]["label"], "share": named[0]["text"]}
        base = shares.base_of(edition, {"": parts[named[0]["name"]]})
        if base is None or rows[-1]["name"]:
            others = [say("sector_mix.name_and_share", name=row["label"], share=row["text"]) for row in named[1:]]
            return say("sector_mix.split_title", others=wording.listing(others), **words)
        held = wording.between(rows[-1]["low"] * base.low / 100, rows[-1]["high"] * base.high / 100, base.cell.unit)
        leads = rows[-1]["high"] <= named[0]["low"]  # else one of the others may hold more
        key = "sector_mix.split_title_rest" if leads else "sector_mix.split_title_some"
        return say(key, names=names, rest=rows[-1]["text"], amount=held, **words)

    return shares.whole(edition, "sector_mix.split", parts, rest=rest, title=title)


def industries(edition: Edition) -> Exhibit:
    """Bars of ITO and the industries that cut across it, each against the whole; they are never summed."""
    parts = mixed(edition)
    rows = sorted(shares.share_marks(edition, parts), key=lambda row: -row["low"])
    rows = rows if any(row["name"] not in TYPES for row in rows) else []

    def title(rows: list[Row]) -> str:
        if any(exact(quantity) is not None for quantity in parts.values()):
            top, drawn = next(row for row in rows if row["name"] not in TYPES), {row["name"] for row in rows}
            hidden = [parts[name].high for name in industries_of(edition) if name in parts and name not in drawn]
            known = all(high <= parts[top["name"]].low for high in hidden)
            key = "sector_mix.industries_recorded" if known else "sector_mix.industries_some"
            return say(key, name=top["label"], share=top["text"])
        total = sum(row["low"] for row in rows)
        if total <= 100:
            return say("sector_mix.industries_largest", name=rows[0]["label"], share=rows[0]["text"])
        names = wording.listing(row["label"] for row in rows)
        return say("sector_mix.industries_overlap", names=names, sum=f"{wording.half_up(total)} %")

    note = say("sector_mix.industries_subtitle", subtitle=shares.subtitle(edition, parts))
    return chart(edition, "sector_mix.industries", charts.bars, rows, title=title, subtitle=note)


def change(edition: Edition) -> Exhibit:
    """Shares of each sector over the years."""
    parts = mixed(edition)
    indicator = next(iter(parts.values())).cell.indicator if parts else EXECUTED
    return shares.over_years(edition, [*TYPES, *industries_of(edition)], indicator)


def location_quotients(edition: Edition) -> Exhibit:
    """Share in the area over share in the nation; above one the area is specialised. Needs the same period in both."""
    rows = []
    for name, quantity in mixed(edition).items() if edition.compare_with else []:
        cell = quantity.cell
        theirs = find(edition, cell.indicator, "offshore", name, area=edition.compare_with, months=cell.months)
        mine, base = share(edition, quantity), share(edition, theirs) if theirs else None
        if theirs and mine and base and base.low > 0 and mine.low > 0:
            ends = mine.low / base.high, mine.high / base.low
            rows.append(mark(label(edition, "categories", name), *ends, theirs.basis))

    def title(rows: list[Row]) -> str:
        top = max(rows, key=lambda row: row["low"])
        return edition.say("sector_mix.quotient_title", name=top["label"], times=top["text"])

    gap = "" if edition.compare_with else say("shares.no_other_area")
    return chart(edition, "sector_mix.quotient", charts.bars, rows, title=title, gap=gap)
