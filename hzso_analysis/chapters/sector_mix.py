"""Sector mix: ITO, BPO and KPO, the industries that cut across them, and how the mix compares and changes."""

from __future__ import annotations

from hzso_analysis import charts, wording
from hzso_analysis.chapters import shares
from hzso_analysis.edition import Edition, Quantity, find, label, share
from hzso_analysis.exhibits import Exhibit, chart, mark
from hzso_analysis.figures import codebook

TYPES = ["ITO", "BPO", "KPO"]


def mixed(edition: Edition) -> dict[str, Quantity]:
    """What is known by type and industry: of executed contracts or, where nothing is, of signed ones."""
    names = [*TYPES, *industries_of(edition)]
    return shares.known(edition, names) or shares.known(edition, names, "contracts signed")


def industries_of(edition: Edition) -> list[str]:
    """Industries of the codebook; they overlap with each other and with ITO, BPO and KPO."""
    book = codebook("categories", edition.data_dir)
    return book.loc[book["dimension"] == "industry", "id"].tolist()


def _gap(edition: Edition, what: str = "ITO, BPO, KPO or industry") -> str:
    return f"No amount by {what} was published for {wording.area_name(edition.area)} in {edition.year}."


def headline(edition: Edition) -> Exhibit:
    """Table of every sector: value, share as printed and as computed."""
    words = {"title": headline_title(edition), "heading": "Value and share by sector", "gap": _gap(edition)}
    return shares.shares_table(edition, mixed(edition), **words)


def headline_title(edition: Edition) -> str:
    """The largest of ITO, BPO and KPO by its share."""
    parts = mixed(edition)
    sized = shares.share_marks(edition, {name: parts[name] for name in TYPES if name in parts})
    if not sized:
        return "Value and share by sector"
    top = max(sized, key=lambda row: row["low"])
    cell = parts[top["name"]].cell
    when = wording.period(cell.year, cell.months)
    return f"{top['label']} makes up {top['text']} of offshore {cell.indicator} in {when}"


def split(edition: Edition) -> Exhibit:
    """The whole cut into ITO, BPO and KPO; what was not published apart stands as one part."""
    parts = {name: quantity for name, quantity in mixed(edition).items() if name in TYPES}
    exact = {row["name"] for row in shares.share_marks(edition, parts, widest=0.02)}
    open_ones = [name for name in TYPES if name not in exact]
    rest = f"{wording.listing(open_ones)}: not published{' apart' if len(open_ones) > 1 else ''}" if open_ones else ""

    def title(rows: list[dict]) -> str:
        named = sorted((row for row in rows if row["name"]), key=lambda row: -row["low"])
        lead = f"{named[0]['label']} leads with {named[0]['text']}"
        if rows[-1]["name"]:
            others = wording.listing(f"{row['label']} ({row['text']})" for row in named[1:])
            return f"{lead}, then {others}"
        base = share(edition, parts[named[0]["name"]]).base
        held = wording.between(rows[-1]["low"] * base.low / 100, rows[-1]["high"] * base.high / 100, base.cell.unit)
        return f"{lead}; {wording.listing(open_ones)} together {rows[-1]['text']}, {held}"

    return shares.whole(edition, parts, rest=rest, title=title, heading="ITO, BPO and KPO", gap=_gap(edition))


def industries(edition: Edition) -> Exhibit:
    """Bars of ITO and the industries that cut across it, each against the whole; they are never summed."""
    parts = mixed(edition)
    rows = sorted(shares.share_marks(edition, parts), key=lambda row: -row["low"])
    rows = rows if any(row["name"] not in TYPES for row in rows) else []

    def title(rows: list[dict]) -> str:
        total = sum(row["low"] for row in rows)
        if total <= 100:
            return f"{rows[0]['label']} is the largest printed sector with {rows[0]['text']}; the sectors overlap"
        names = wording.listing(row["label"] for row in rows)
        return f"Printed sectors overlap: {names} would add up to {wording.half_up(total)} %"

    note = f"{shares.subtitle(edition, parts)}; each bar is a share of the whole, never summed"
    words = {"heading": "Industries", "gap": _gap(edition, "industry")}
    return chart(edition, charts.bars, rows, title=title, subtitle=note, **words)


def change(edition: Edition) -> Exhibit:
    """Shares of each sector over the years."""
    parts = mixed(edition)
    indicator = next(iter(parts.values())).cell.indicator if parts else shares.EXECUTED
    return shares.over_years(edition, [*TYPES, *industries_of(edition)], indicator)


def location_quotients(edition: Edition) -> Exhibit:
    """Share in the area over share in the nation; above one the area is specialised. Needs the same period in both."""
    other, rows = wording.area_name(edition.compare_with), []
    for name, quantity in mixed(edition).items() if other else []:
        cell = quantity.cell
        theirs = find(edition, cell.indicator, "offshore", name, area=edition.compare_with, months=cell.months)
        mine, base = share(edition, quantity), theirs and share(edition, theirs)
        if mine and base and base.low > 0 and mine.low > 0:
            ends = mine.low / base.high, mine.high / base.low
            rows.append(mark(label(edition, "categories", name), *ends, theirs.rows))

    def title(rows: list[dict]) -> str:
        top = max(rows, key=lambda row: row["low"])
        return f"{top['label']} weighs {top['text']} times as much as in {other}"

    gap = f"{other} has no offshore amounts by sector for the same period of {edition.year}."
    gap = gap if other else "There is no area to compare with."
    note = f"Location quotient against {other}, {edition.year}; 1 = same share"
    return chart(edition, charts.bars, rows, title=title, subtitle=note, heading="Location quotient", gap=gap)
