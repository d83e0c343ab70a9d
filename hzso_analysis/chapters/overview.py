"""Overview: the year on one page. Headline numbers, what changed, the area in the nation, what does not fit."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters import firm_sizes, leading_enterprises, markets, scale, sector_mix, talent_training
from hzso_analysis.edition import Edition, Quantity, Share, category_name, find, match, printed_rows, share
from hzso_analysis.exhibits import Exhibit, chart, mark, quantity_row, table

EXECUTED, SIGNED = "contracts executed", "contracts signed"
HEADLINES = [
    ("Contracts executed, offshore", EXECUTED, "offshore", "total"),
    ("Contracts executed, all", EXECUTED, "all", "total"),
    ("Contracts signed, all", SIGNED, "all", "total"),
    ("Contracts signed, offshore", SIGNED, "offshore", "total"),
    ("Enterprises above USD 100 million", "enterprises", "offshore", "above USD 100 million"),
    ("Enterprises registered", "enterprises registered", "", "total"),
    ("Employees", "employees", "", "total"),
    ("People trained", "people trained", "", "total"),
]


def main_numbers(edition: Edition) -> dict[str, Quantity]:
    """What is known of the main numbers of the year."""
    found = {item: find(edition, *cell) for item, *cell in HEADLINES}
    return {item: quantity for item, quantity in found.items() if quantity}


def headline(edition: Edition) -> Exhibit:
    """Table of the main numbers with the change on the year before and the share of the nation."""
    rows = []
    for item, quantity in main_numbers(edition).items():
        part = nation_share(edition, quantity)
        more = {"change": _change(edition, quantity), "share": wording.percent(part.low, part.high) if part else "–"}
        row = quantity_row(item, quantity)
        rows.append({key: row[key] for key in ("item", "value", "unit")} | more | row)
    gap = f"None of the main numbers was published for {wording.area_name(edition.area)} in {edition.year}."
    note = "Change: on the year before. Share: of the nation. – where one of the two years or areas is not known."
    title = scale.headline_title(edition)
    return table(edition, rows, title=title, note=note, heading="Headline numbers", gap=gap)


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
    found = [scale.recovered(edition), sector_mix.headline(edition), leading_enterprises.headline(edition)]
    found += [firm_sizes.ratios(edition), markets.headline(edition), talent_training.headline(edition)]
    said = [f"- {exhibit.title}." for exhibit in found if not exhibit.frame.empty]
    return "\n".join(said) or "- No chapter has figures for this year."


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
    gap = f"No share of the offshore total was printed with its amount for {edition.year}."
    words = {"heading": "Shares against the printed total", "subtitle": f"Percent of offshore executed, {edition.year}"}
    words |= {"names": ("as printed", f"on {wording.printed(total)}" if rows else ""), "gap": gap}
    return chart(edition, charts.pairs, rows, title=lambda marks: _against(edition, total, marks), **words)


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


def _against(edition: Edition, total: pd.Series, rows: list[dict]) -> str:
    """Whether the shares were computed on the printed total, or on which one they were."""
    said = wording.amount(wording.printed(total), total["unit"])
    if all(row["agrees"] for row in rows):
        return f"The printed shares agree with the printed total of {said}"
    found = find(edition, EXECUTED, "offshore", months="", unit=total["unit"])
    if not any(row["agrees"] for row in rows) and found and found.status == "corrected":
        used = wording.amount(wording.span(found.low, found.high), found.cell.unit)
        return f"Every share was computed on {used}, not on the printed {wording.printed(total)}"
    return f"Not all printed shares agree with the printed total of {said}"


def nation(edition: Edition) -> Exhibit:
    """Bars of the area's share of the nation by each number that both print."""
    known = main_numbers(edition).items()
    parts = [(item, part, q.rows) for item, q in known if (part := nation_share(edition, q))]
    rows = [
        mark(item, part.low, part.high, pd.concat([own, part.base.rows]), fraction=True) for item, part, own in parts
    ]
    rows.sort(key=lambda row: -row["low"])
    other = wording.area_name(edition.compare_with)

    def title(rows: list[dict]) -> str:
        nouns = [row["label"][:1].lower() + row["label"][1:] for row in rows]
        text = f"{wording.area_name(edition.area)} has {rows[0]['text']} of {other}'s {nouns[0]}"
        return text + (f", {rows[-1]['text']} of its {nouns[-1]}" if len(rows) > 1 else "")

    gap = f"{other} prints none of the same numbers for {edition.year}."
    gap = gap if other else "There is no area to compare with."
    note = f"Percent of {other}, {edition.year}; whiskers are bounds"
    return chart(edition, charts.bars, rows, title=title, subtitle=note, heading="Share of the nation", gap=gap)
