"""Markets: where the contracts come from, how much depends on the largest, and how that compares with the nation."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import wording
from hzso_analysis.chapters import shares
from hzso_analysis.edition import Edition, Quantity, exact, find, label, share, withheld
from hzso_analysis.exhibits import Exhibit, Row, missing, table
from hzso_analysis.figures import codebook
from hzso_analysis.vocabulary import EXECUTED, SUPPRESSED
from hzso_analysis.wording import say

OTHERS = "other markets"
FEW = 5  # markets that a chart has room for; the table names all
NARROW = 0.08  # of a bar; a smaller part has no room for its name


def markets_of(edition: Edition) -> pd.DataFrame:
    """Markets of the codebook by id, with `relation` and `members` (of a named group)."""
    book = codebook("categories", edition.data_dir)
    return book[book["dimension"] == "market"].set_index("id")


def known_markets(edition: Edition) -> dict[str, Quantity]:
    """Markets of which the offshore executed amount is known, largest first; those left over have no place in it."""
    found = shares.known(edition, markets_of(edition).index)
    known = {name: q for name, q in found.items() if q.high < math.inf and q.low > 0}
    return dict(sorted(known.items(), key=lambda item: (item[0] == OTHERS, -item[1].low)))


def listed_markets(edition: Edition) -> dict[str, Quantity]:
    """The markets that are known, and below them those that are withheld, by whatever bounds the others leave."""
    found = known_markets(edition)
    found |= {name: q for name, q in shares.known(edition, markets_of(edition).index).items() if exact(q) == 0}
    hidden = {name: withheld(edition, EXECUTED, "offshore", name) for name in markets_of(edition).index}
    found |= dict(sorted(((name, q) for name, q in hidden.items() if q), key=lambda item: -item[1].high))
    ordered = sorted(found.items(), key=lambda item: (item[1].status == SUPPRESSED, item[0] == OTHERS))
    return dict(ordered)


def separate(edition: Edition) -> list[str]:
    """Markets that do not overlap: single ones or, where none is known, the largest named group.

    What contract records leave over is no market: it counts as one only where nothing else is missing.
    """
    book, known = markets_of(edition), known_markets(edition)
    single = [name for name in known if book.loc[name, "relation"] == "disjoint"]
    if from_records(edition) and not complete(edition):
        single = [name for name in single if name != OTHERS and known[name].status != SUPPRESSED]
    return single or [name for name in known if book.loc[name, "members"]][:1]


def from_records(edition: Edition) -> bool:
    """Whether any market of the year comes from contract records."""
    return any(exact(quantity) is not None for quantity in known_markets(edition).values())


def complete(edition: Edition) -> bool:
    """Whether contract records name every market, so that nothing of the total is left."""
    book, known = markets_of(edition), known_markets(edition)
    names = [name for name in known if book.loc[name, "relation"] == "disjoint"]
    single = [value for name in names if (value := exact(known[name])) is not None]
    total = exact(find(edition, EXECUTED, "offshore", months=""))
    if total is None or not single or len(single) < len(names):
        return False
    return abs(sum(single) - total) <= wording.EXACT * len(single)


def largest(edition: Edition) -> list[str]:
    """The markets that a chart has room for."""
    names = [name for name in separate(edition) if name != OTHERS]
    return names[:FEW] if len(names) > FEW + 1 else names


def wide(edition: Edition) -> list[str]:
    """The markets that have room for their names in one bar: of contract records, which know small ones, the others."""
    names = largest(edition)
    parts = {name: share(edition, known_markets(edition)[name]) for name in names} if from_records(edition) else {}
    return [name for name in names if name not in parts or ((part := parts[name]) and part.low >= NARROW)] or names[:1]


def headline(edition: Edition) -> Exhibit:
    """Table of every market or group: value, share as printed and as computed, and where the levels come from."""
    title, rows = "", shares.share_marks(edition, known_markets(edition))
    if rows:
        title = edition.say("markets.headline_title", name=rows[0]["label"], share=rows[0]["text"])
    listed = listed_markets(edition)
    key = "markets.from_records" if from_records(edition) else "markets.from_prints"
    if any(quantity.status == SUPPRESSED for quantity in listed.values()):
        key = "markets.from_records_some"
    return shares.shares_table(edition, "markets.headline", listed, title=title, more=say(key))


def split(edition: Edition) -> Exhibit:
    """The whole cut into the largest markets that do not overlap and the rest of the world."""
    known, ranked = known_markets(edition), complete(edition)

    def title(rows: list[Row]) -> str:
        words = {"name": rows[0]["label"], "share": rows[0]["text"]}
        if ranked and len(rows) > 1 and rows[1]["name"]:
            return say("markets.split_ranked", second=rows[1]["label"], second_share=rows[1]["text"], **words)
        if len(rows) > 2:
            several = [say("markets.split_part", name=row["label"], share=row["text"]) for row in rows[:-1]]
            return say("markets.split_several", parts=wording.listing(several), rest=rows[-1]["text"])
        return say("markets.split_title", rest=rows[-1]["text"], **words)

    parts = {name: known[name] for name in wide(edition)}
    return shares.whole(edition, "markets.split", parts, rest=say("markets.rest"), title=title)


def nation(edition: Edition) -> Exhibit:
    """Shares of the markets and groups in the area and in the nation, side by side."""
    names, few = markets_of(edition).index, largest(edition)
    if len(separate(edition)) > len(few):
        theirs = shares.known(edition, names, area=edition.compare_with) if edition.compare_with else {}
        names = [name for name in names if name in theirs or name in few]
    return shares.against_nation(edition, names)


def trend(edition: Edition) -> Exhibit:
    """Shares over the years of single markets or, where none was printed, of groups."""
    book = markets_of(edition)
    names = book.index[book["relation"] == "disjoint"]
    if len(separate(edition)) > len(few := largest(edition)):
        names = [name for name in names if name in few]
    single = shares.over_years(edition, names)
    return single if len(single.frame) else shares.over_years(edition, book.index[book["members"] != ""])


def diversification(edition: Edition) -> Exhibit:
    """Table of the diversification of markets: exact within rounding for single markets, bounds from a named group.

    A group of m markets with the share s holds a largest one of at least s / m and a Herfindahl-Hirschman index of s
    squared over m to s squared; all other markets, with the share r, add at most r squared.
    """
    known = known_markets(edition)
    if complete(edition):
        return _exact_diversification(edition, {name: known[name] for name in separate(edition)})
    parts = {name: share(edition, known[name]) for name in separate(edition)}
    if not parts or not all(part and part.high <= 1 for part in parts.values()):
        return missing(edition, "markets.diversification")
    members = markets_of(edition).loc[list(parts), "members"].iloc[0]
    many = len(members.split(";")) if members else 1
    low, high = ([getattr(part, end) for part in parts.values()] for end in ("low", "high"))
    largest = max(low) / many, max(high)
    own = sum(part**2 for part in low) / many, sum(part**2 for part in high)
    rest = max(0.0, 1 - sum(low)) ** 2
    names = wording.listing(label(edition, "categories", name) for name in parts)
    if len(parts) > FEW + 1:
        names = say("markets.known", number=len(parts))
    key = "markets.index_of_group" if members else "markets.index_of_singles"
    values = {
        say("markets.largest", names=names): (wording.percent(*largest), tuple(100 * end for end in largest)),
        say(key, names=names, number=wording.number(many)): (_index(*own), own),
        say("markets.index_of_rest"): (f"0–{wording.half_up(rest, 3)}", (0.0, rest)),
        say("markets.index_of_all"): (_index(own[0], own[1] + rest), (own[0], own[1] + rest)),
    }
    statuses = [*(["bounded"] * 2 if members else ["computed"] * 2), "bounded", "bounded"]
    used = pd.concat([known[name].basis for name in parts])
    rows = [
        {"item": item, "value": text, "status": status, "low": ends[0], "high": ends[1], "rows": used}
        for (item, (text, ends)), status in zip(values.items(), statuses, strict=True)
    ]
    key = "markets.diversification_group" if members else "markets.diversification_single"
    share_text = wording.percent(largest[0], math.inf) if members else wording.percent(*largest)
    name = names if members else label(edition, "categories", next(iter(parts)))
    return table(edition, "markets.diversification", rows, title=edition.say(key, name=name, share=share_text))


def _index(low: float, high: float) -> str:
    return wording.half_up(low, 3) if high - low <= wording.EXACT else wording.span(low, high, 3)


def _exact_diversification(edition: Edition, parts: dict[str, Quantity]) -> Exhibit:
    """Table of the diversification over all markets of contract records, what they leave over counted as one market."""
    held = {name: value for name, quantity in parts.items() if (value := exact(quantity)) is not None}
    total, used = sum(held.values()), pd.concat([quantity.basis for quantity in parts.values()])
    part = {name: value / total for name, value in held.items()}
    index = sum(one**2 for one in part.values())
    first = next((name for name in part if name != OTHERS), OTHERS)
    name, text = label(edition, "categories", first), wording.percent(part[first], part[first])
    three = sum(sorted((one for market, one in part.items() if market != OTHERS), reverse=True)[:3])
    values = {
        say("markets.largest_named", name=name): (text, 100 * part[first]),
        say("markets.three"): (wording.percent(three, three), 100 * three),
        say("markets.index_of_every", number=len(part)): (wording.half_up(index, 3), index),
        say("markets.equal"): (wording.half_up(1 / index, 1), 1 / index),
    }
    rows = [
        {"item": item, "value": text, "status": "computed", "low": value, "high": value, "rows": used}
        for item, (text, value) in values.items()
    ]
    title = edition.say("markets.diversification_exact", name=name, share=text)
    most = wording.half_up(part.get(OTHERS, 0.0) ** 2, 3)
    key = "markets.diversification_all" if OTHERS in part else "markets.diversification_named"
    return table(edition, "markets.diversification", rows, title=title, note=say(key, most=most))
