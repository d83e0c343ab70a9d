"""Markets: where the contracts come from, how much depends on the largest, and how that compares with the nation."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import wording
from hzso_analysis.chapters import shares
from hzso_analysis.edition import Edition, Quantity, label, share
from hzso_analysis.exhibits import Exhibit, table
from hzso_analysis.figures import codebook
from hzso_analysis.wording import say


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
    return say("markets.gap", area=wording.area_name(edition.area), year=edition.year)


def headline(edition: Edition) -> Exhibit:
    """Table of every market or group: value, share as printed and as computed."""
    known, heading = known_markets(edition), say("markets.headline_heading")
    title, rows = heading, shares.share_marks(edition, known)
    if rows:
        title = say("markets.headline_title", name=rows[0]["label"], share=rows[0]["text"], year=edition.year)
    return shares.shares_table(edition, known, title=title, heading=heading, gap=_gap(edition))


def split(edition: Edition) -> Exhibit:
    """The whole cut into the markets that do not overlap and the rest of the world."""
    known = known_markets(edition)

    def title(rows: list[dict]) -> str:
        words = {"name": rows[0]["label"], "share": rows[0]["text"]}
        return say("markets.split_title", rest=rows[-1]["text"], **words)

    parts = {name: known[name] for name in separate(edition)}
    words = {"heading": say("markets.split_heading"), "gap": _gap(edition)}
    return shares.whole(edition, parts, rest=say("markets.rest"), title=title, **words)


def nation(edition: Edition) -> Exhibit:
    """Shares of the markets and groups in the area and in the nation, side by side."""
    return shares.against_nation(edition, markets_of(edition).index, heading=say("markets.nation_heading"))


def trend(edition: Edition) -> Exhibit:
    """Shares over the years of single markets or, where none was printed, of groups."""
    book = markets_of(edition)
    single = shares.over_years(edition, book.index[book["relation"] == "disjoint"])
    return single if len(single.frame) else shares.over_years(edition, book.index[book["members"] != ""])


def diversification(edition: Edition) -> Exhibit:
    """Table of the diversification of markets: exact within rounding for single markets, bounds from a named group.

    A group of m markets with the share s holds a largest one of at least s / m and a Herfindahl-Hirschman index of s
    squared over m to s squared; all other markets, with the share r, add at most r squared.
    """
    heading, known = say("markets.diversification_heading"), known_markets(edition)
    parts = {name: share(edition, known[name]) for name in separate(edition)}
    if not parts or not all(part and part.high <= 1 for part in parts.values()):
        return Exhibit(heading, pd.DataFrame(), _gap(edition))
    members = markets_of(edition).loc[list(parts), "members"].iloc[0]
    many = len(members.split(";")) if members else 1
    low, high = ([getattr(part, end) for part in parts.values()] for end in ("low", "high"))
    largest = max(low) / many, max(high)
    own = sum(part**2 for part in low) / many, sum(part**2 for part in high)
    rest = max(0.0, 1 - sum(low)) ** 2
    names = wording.listing(label(edition, "categories", name) for name in parts)
    key = "markets.index_of_group" if members else "markets.index_of_singles"
    values = {
        say("markets.largest", names=names): (wording.percent(*largest), tuple(100 * end for end in largest)),
        say(key, names=names, number=wording.number(many)): (wording.span(*own, 3), own),
        say("markets.index_of_rest"): (f"0–{wording.half_up(rest, 3)}", (0.0, rest)),
        say("markets.index_of_all"): (wording.span(own[0], own[1] + rest, 3), (own[0], own[1] + rest)),
    }
    statuses = [*(["bounded"] * 2 if members else ["computed"] * 2), "bounded", "bounded"]
    used = pd.concat([known[name].rows for name in parts])
    rows = [
        {"item": item, "value": text, "status": status, "low": ends[0], "high": ends[1], "rows": used}
        for (item, (text, ends)), status in zip(values.items(), statuses, strict=True)
    ]
    key = "markets.diversification_group" if members else "markets.diversification_single"
    share_text = wording.percent(largest[0], math.inf) if members else wording.percent(*largest)
    name = names if members else label(edition, "categories", next(iter(parts)))
    title = say(key, name=name, share=share_text, year=edition.year)
    return table(edition, rows, title=title, note=say("markets.diversification_note"))
