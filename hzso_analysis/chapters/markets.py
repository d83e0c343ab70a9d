"""Markets: where the contracts come from, how much depends on the largest, and how that compares with the nation."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import wording
from hzso_analysis.chapters import shares
from hzso_analysis.edition import Edition, Quantity, label, share
from hzso_analysis.exhibits import Exhibit
from hzso_analysis.figures import codebook


def markets_of(edition: Edition) -> pd.DataFrame:
    """Markets of the codebook by id, with `relation` and `members` (of a named group)."""
    book = codebook("categories", edition.data_dir)
    return book[book["dimension"] == "market"].set_index("id")


def known_markets(edition: Edition) -> dict[str, Quantity]:
    """Markets of which the offshore executed amount is known, largest first."""
    found = shares.known(edition, markets_of(edition).index)
    known = {name: q for name, q in found.items() if q.high < math.inf and q.low > 0}
    return dict(sorted(known.items(), key=lambda item: -item[1].low))


def separate(edition: Edition) -> list[str]:
    """Markets that do not overlap: single ones or, where none is known, the largest named group."""
    book, known = markets_of(edition), known_markets(edition)
    single = [name for name in known if book.loc[name, "relation"] == "disjoint"]
    return single or [name for name in known if book.loc[name, "members"]][:1]


def _gap(edition: Edition) -> str:
    return (
        f"No offshore executed amount by market was published for {wording.area_name(edition.area)} in {edition.year}."
    )


def headline(edition: Edition) -> Exhibit:
    """Table of every market or group: value, share as printed and as computed."""
    known, heading = known_markets(edition), "Value and share by market"
    rows = shares.share_marks(edition, known)
    title = (
        f"{rows[0]['label']} awarded {rows[0]['text']} of offshore contracts executed in {edition.year}"
        if rows
        else heading
    )
    return shares.shares_table(edition, known, title=title, heading=heading, gap=_gap(edition))


def split(edition: Edition) -> Exhibit:
    """The whole cut into the markets that do not overlap and the rest of the world."""
    known = known_markets(edition)

    def title(rows: list[dict]) -> str:
        return (
            f"{rows[0]['label']}: {rows[0]['text']} of offshore executed; all other markets together {rows[-1]['text']}"
        )

    parts = {name: known[name] for name in separate(edition)}
    words = {"heading": "Where the contracts come from", "gap": _gap(edition)}
    return shares.whole(edition, parts, rest="all other markets", title=title, **words)


def nation(edition: Edition) -> Exhibit:
    """Shares of the markets and groups in the area and in the nation, side by side."""
    return shares.against_nation(edition, markets_of(edition).index, heading="Against the markets of the nation")


def trend(edition: Edition) -> Exhibit:
    """Shares over the years of single markets or, where none was printed, of groups."""
    book = markets_of(edition)
    single = shares.over_years(edition, book.index[book["relation"] == "disjoint"])
    return single if len(single.frame) else shares.over_years(edition, book.index[book["members"] != ""])


def diversification(edition: Edition) -> str:
    """What the printed group says about its largest member, in a sentence."""
    book = markets_of(edition)
    groups = {name: quantity for name, quantity in known_markets(edition).items() if book.loc[name, "members"]}
    part = share(edition, next(iter(groups.values()))) if groups else None
    if part is None:
        return "No named group of markets was printed, so nothing is said about the members of one."
    name = next(iter(groups))
    number = len(book.loc[name, "members"].split(";"))
    whole, least = wording.percent(part.low, part.high), wording.percent(part.low / number, part.low / number)
    return (
        f"{label(edition, 'categories', name)} are {number} markets in one figure. The largest of them holds at least "
        f"{least} of all offshore executed ({whole} divided by {number}), and at most the whole {whole}."
    )
