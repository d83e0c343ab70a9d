"""Markets: where the contracts come from, how much depends on the largest, and how that compares with the nation."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters.sector_mix import bar_mark, base_note, share_row, split_mark
from hzso_analysis.edition import Edition, Quantity, find, label, series, share
from hzso_analysis.exhibits import Exhibit, chart, gap, in_words, table, value_text
from hzso_analysis.figures import codebook

EXECUTED = "contracts executed"


def markets_of(edition: Edition) -> pd.DataFrame:
    """Markets of the codebook by id, with `relation` and `members` (of a named group)."""
    book = codebook("categories", edition.data_dir)
    return book[book["dimension"] == "market"].set_index("id")


def known_markets(edition: Edition, **key) -> dict[str, Quantity]:
    """Markets of which the offshore executed amount is known, largest first."""
    found = {name: find(edition, EXECUTED, "offshore", name, **key) for name in markets_of(edition).index}
    known = {name: q for name, q in found.items() if q and q.high < math.inf and q.low > 0}
    return dict(sorted(known.items(), key=lambda item: -item[1].low))


def missing(edition: Edition) -> str:
    """What was not published for this chapter."""
    return (
        f"No offshore executed amount by market was published for {wording.area_name(edition.area)} in {edition.year}."
    )


def headline(edition: Edition) -> Exhibit:
    """Table of every market or group: value, share as printed and as computed on the base named in the note."""
    known = known_markets(edition)
    if not known:
        return gap("Value and share by market", missing(edition))
    rows = [share_row(edition, EXECUTED, name, quantity) for name, quantity in known.items()]
    return table(edition, headline_title(edition), rows, base_note(edition, known))


def headline_title(edition: Edition) -> str:
    """The largest market or group by its share."""
    known = known_markets(edition)
    name, quantity = next(iter(known.items()))
    part = share(edition, quantity)
    when = wording.period(quantity.cell.year, quantity.cell.months)
    text = wording.percent(part.low, part.high) if part else in_words(quantity)
    return f"{label(edition, 'categories', name)} awarded {text} of offshore contracts executed in {when}"


def separate(edition: Edition, known: dict[str, Quantity]) -> dict[str, Quantity]:
    """Markets that do not overlap: single ones, or, where none is known, the largest named group."""
    book = markets_of(edition)
    single = {name: q for name, q in known.items() if book.loc[name, "relation"] == "disjoint"}
    groups = {name: q for name, q in known.items() if book.loc[name, "members"]}
    return single or dict(list(groups.items())[:1])


def split(edition: Edition) -> Exhibit:
    """The whole cut into the markets that do not overlap and the rest of the world."""
    known = separate(edition, known_markets(edition))
    shares = {name: part for name, q in known.items() if (part := share(edition, q))}
    if not shares:
        return gap("Where the contracts come from", missing(edition))
    rows = [split_mark(label(edition, "categories", n), p.low, p.high, known[n].rows) for n, p in shares.items()]
    left = (max(0.0, 1 - sum(p.high for p in shares.values())), 1 - sum(p.low for p in shares.values()))
    rows.append(split_mark("all other markets", *left, pd.DataFrame()))
    base = next(iter(shares.values())).base
    title = f"{rows[0]['label']}: {rows[0]['text']} of offshore executed; all other markets together {rows[-1]['text']}"
    note = f"Percent of offshore executed, {wording.period(base.cell.year, base.cell.months)}"
    return chart(
        edition,
        charts.parts,
        rows,
        title=title,
        subtitle=f"{note}; base {wording.amount(value_text(base), base.cell.unit)}",
    )


def nation(edition: Edition) -> Exhibit:
    """Shares of the markets and groups in the area and in the nation, side by side."""
    other = edition.compare_with
    mine, theirs = known_markets(edition), known_markets(edition, area=other) if other else {}
    rows = []
    for area, known in ((edition.area, mine), (other, theirs)):
        for name, quantity in known.items():
            if part := share(edition, quantity):
                text = f"{wording.area_name(area)}: {label(edition, 'categories', name)}"
                rows.append(bar_mark(text, part.low, part.high, quantity.rows) | {"area": area, "market": name})
    if not mine or not theirs:
        missing_text = (
            f"{wording.area_name(other)} has no amounts by market for {edition.year}."
            if other
            else "There is no area to compare with."
        )
        return gap("Against the nation", missing_text if mine else missing(edition))
    own, nations = [r for r in rows if r["area"] == edition.area], [r for r in rows if r["area"] == other]
    same = {r["market"] for r in own} & {r["market"] for r in nations}
    title = f"{own[0]['label']} {own[0]['text']}; {nations[0]['label']} {nations[0]['text']}"
    note = "Percent of the area's own offshore executed"
    note += "" if same else "; the two sources print different groups, so these shares are not the same thing"
    return chart(edition, charts.bars, rows, title=title, subtitle=f"{note}, {edition.year}")


def trend(edition: Edition) -> Exhibit:
    """Shares of the single markets, or of the groups where no single one is known, over the years."""
    rows = []
    book = markets_of(edition)
    single = any(_years_of(edition, name) for name in book.index[book["relation"] == "disjoint"])
    for name in book.index[(book["relation"] == "disjoint") if single else (book["members"] != "")]:
        for quantity in _years_of(edition, name):
            part = share(edition, quantity)
            if part and part.high - part.low < 0.05:
                row = bar_mark("", part.low, part.high, quantity.rows)
                rows.append(row | {"series": label(edition, "categories", name), "year": quantity.cell.year})
    many = {row["series"] for row in rows if sum(r["series"] == row["series"] for r in rows) > 1}
    rows = [row for row in rows if row["series"] in many]
    if not rows:
        return gap("Change over the years", "No market has a share in more than one year.")
    moves = {name: [row for row in rows if row["series"] == name] for name in many}
    name = max(sorted(moves), key=lambda n: abs(moves[n][-1]["low"] - moves[n][0]["low"]))
    first, last = moves[name][0], moves[name][-1]
    title = f"{name}: {first['text']} of offshore executed in {first['year']}, {last['text']} in {last['year']}"
    return chart(edition, charts.lines, rows, title=title, subtitle="Percent of offshore executed, whole years")


def _years_of(edition: Edition, name: str) -> list[Quantity]:
    """Whole years of a market, each in the currency it was printed in."""
    return [q for q in series(edition, EXECUTED, "offshore", name) if q.low > 0 and q.high < math.inf]


def diversification(edition: Edition) -> str:
    """What the printed group says about its largest member, in a sentence."""
    known = known_markets(edition)
    groups = {name: q for name, q in known.items() if markets_of(edition).loc[name, "members"]}
    if not groups:
        return "No named group of markets was printed, so nothing is said about the members of one."
    name, quantity = next(iter(groups.items()))
    members = markets_of(edition).loc[name, "members"].split(";")
    part = share(edition, quantity)
    least, whole = part.low / len(members), wording.percent(part.low, part.high)
    return (
        f"{label(edition, 'categories', name)} are {len(members)} markets in one figure. The largest of them holds at "
        f"least {wording.percent(least, least)} of all offshore executed ({whole} divided by {len(members)}), and at "
        f"most the whole {whole}."
    )
