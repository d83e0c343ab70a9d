"""Overview: the year on one page. Headline numbers, what changed, the area in the nation, what does not fit."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters import firm_sizes, leading_enterprises, markets, scale, sector_mix, talent_training
from hzso_analysis.edition import Edition, Quantity, Share, category_name, find, look_up, match, printed_rows, share
from hzso_analysis.exhibits import Exhibit, Row, chart, finding, mark, quantity_row, table
from hzso_analysis.vocabulary import EXECUTED, FIRMS, SIGNED
from hzso_analysis.wording import say

HEADLINES = [
    ("overview.executed_offshore", EXECUTED, "offshore", "total"),
    ("overview.executed_all", EXECUTED, "all", "total"),
    ("overview.signed_all", SIGNED, "all", "total"),
    ("overview.signed_offshore", SIGNED, "offshore", "total"),
    ("overview.largest_enterprises", FIRMS, "offshore", "above USD 100 million"),
    ("overview.enterprises", "enterprises registered", "", "total"),
    ("overview.employees", "employees", "", "total"),
    ("overview.trained", "people trained", "", "total"),
]


def main_numbers(edition: Edition) -> dict[str, Quantity]:
    """What is known of the main numbers of the year."""
    found = {say(key): look_up(edition, *cell) for key, *cell in HEADLINES}
    return {item: quantity for item, quantity in found.items() if quantity}


def headline(edition: Edition) -> Exhibit:
    """Table of the main numbers with the change on the year before and the share of the nation."""
    rows = []
    for item, quantity in main_numbers(edition).items():
        part = nation_share(edition, quantity)
        more = {"change": _change(edition, quantity), "share": wording.percent(part.low, part.high) if part else "–"}
        row = quantity_row(edition, item, quantity, **more)
        used = [row["rows"], scale.growth_rows(edition, quantity)] if more["change"] != "–" else [row["rows"]]
        rows.append(row | {"rows": pd.concat([*used, part.base.basis] if part else used)})
    return table(edition, "overview.headline", rows, title=scale.headline_title(edition))


def _change(edition: Edition, quantity: Quantity) -> str:
    """Change on the year before."""
    bounds = scale.growth_between(edition, quantity.cell)
    return "–" if bounds is None or not math.isfinite(bounds[1]) else wording.percent(*bounds)


def nation_share(edition: Edition, quantity: Quantity) -> Share | None:
    """The share of the nation with its base; None where the nation has no such number."""
    part = share(edition, quantity, of=edition.compare_with) if edition.compare_with else None
    return part if part and (part.high < math.inf or part.low > 0) else None


def findings(edition: Edition) -> str:
    """What each chapter finds, as a list of sentences."""
    found = {"scale.recovered": scale.recovered, "sector_mix.headline": sector_mix.headline}
    found |= {"leading_enterprises.headline": leading_enterprises.headline, "firm_sizes.ratios": firm_sizes.ratios}
    found |= {"markets.headline": markets.headline, "talent_training.headline": talent_training.headline}
    titles = [finding(edition, key, make(edition)) for key, make in found.items()]
    said = [say("overview.finding", finding=title) for title in titles if title]
    return "\n".join(f"- {text}" for text in said or [say("overview.no_finding")])


def against_printed_total(edition: Edition) -> Exhibit:
    """Printed shares beside the shares that the total of the same source gives: do they belong together?"""
    rows, total = [], None
    for quantity, printed in _printed_shares(edition):
        key = {"months": "", "unit": quantity.cell.unit, "source": printed["source"], "qualifier": ""}
        totals = printed_rows(edition, EXECUTED, "offshore", "total", "level", **key)
        if len(totals) and (total is None or totals.index[0] == total.name):
            total, own = totals.iloc[0], quantity.rows[quantity.rows["source"] == printed["source"]].iloc[0]
            computed = 100 * own["value"] / total["value"]
            slack = computed * (own["precision"] / own["value"] + total["precision"] / total["value"])
            row = {"label": category_name(edition, quantity.cell.category)}
            row |= {"first": printed["value"], "second": computed}
            row |= {"first_text": f"{wording.printed(printed)} %", "second_text": f"{wording.half_up(computed, 2)} %"}
            agrees = abs(computed - printed["value"]) <= slack + printed["precision"]
            rows.append(row | {"agrees": agrees, "rows": quantity.rows})
    rows.sort(key=lambda row: -row["first"])
    names = say("overview.as_printed"), say("overview.computed_on", total=wording.printed(total)) if rows else ""
    title = _against(edition, total, rows) if rows else ""
    return chart(edition, "overview.against", charts.pairs, rows, title=title, names=names)


def _printed_shares(edition: Edition) -> list[tuple[Quantity, pd.Series]]:
    """Shares of offshore executed that one source printed together with the amount."""
    key = {"area": edition.area, "year": edition.year, "months": "", "indicator": EXECUTED, "flow": "offshore"}
    key |= {"measure": "share", "qualifier": ""}
    pairs = []
    for _, row in match(edition.reconciliation.figures, key).iterrows():
        found = find(edition, EXECUTED, "offshore", row["category"], months="", unit=f"{row['currency']} million")
        if found and row["category"] != "total" and (found.rows["source"] == row["source"]).any():
            pairs.append((found, row))
    return pairs


def _against(edition: Edition, total: pd.Series, rows: list[Row]) -> str:
    """Whether the shares were computed on the printed total, or on which one they were."""
    said = wording.amount(wording.printed(total), total["unit"])
    if all(row["agrees"] for row in rows):
        return say("overview.all_agree", total=said)
    found = find(edition, EXECUTED, "offshore", months="", unit=total["unit"])
    if not any(row["agrees"] for row in rows) and found and found.status == "corrected":
        used = wording.amount(wording.span(found.low, found.high), found.cell.unit)
        return say("overview.none_agrees", used=used, printed=wording.printed(total))
    return say("overview.some_disagree", total=said)


def nation(edition: Edition) -> Exhibit:
    """Bars of the area's share of the nation by each number that both print."""
    known = main_numbers(edition).items()
    parts = [(item, part, q.basis) for item, q in known if (part := nation_share(edition, q))]
    rows = [
        mark(item, part.low, part.high, pd.concat([own, part.base.basis]), fraction=True) for item, part, own in parts
    ]
    rows.sort(key=lambda row: -row["low"])

    def title(rows: list[Row]) -> str:
        nouns = [row["label"][:1].lower() + row["label"][1:] for row in rows]
        words = {"share": rows[0]["text"], "what": nouns[0], "least_share": rows[-1]["text"], "least": nouns[-1]}
        return edition.say("overview.nation_two" if len(rows) > 1 else "overview.nation_one", **words)

    gap = "" if edition.compare_with else say("shares.no_other_area")
    return chart(edition, "overview.nation", charts.bars, rows, title=title, gap=gap)
