"""Overview: the year on one page. Headline numbers, what changed, the area in the nation, what does not fit."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters import leading_enterprises, markets, scale, sector_mix, talent_training
from hzso_analysis.edition import Edition, Quantity, category_name, find, printed_rows, share
from hzso_analysis.exhibits import Exhibit, cell_row, chart, gap, table
from hzso_analysis.figures import codebook

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


def headline(edition: Edition) -> Exhibit:
    """Table of the main numbers with the change on the year before and the share of the nation."""
    rows = []
    for item, *cell in HEADLINES:
        row = cell_row(edition, item, *cell)
        if row["value"] != "not published":
            found = find(edition, *cell)
            more = {"change": change_text(edition, found), "share": share_text(edition, found)}
            front = {key: row[key] for key in ("item", "value", "unit")}
            rows.append(front | more | row)
    if not rows:
        area = wording.area_name(edition.area)
        return gap(
            "Headline numbers",
            f"None of the main numbers was published for {area} in {edition.year}; see data quality for what there is.",
        )
    note = "Change: on the year before. Share: of the nation. – where one of the two years or areas is not known."
    return table(edition, scale.headline_title(edition), rows, note)


def change_text(edition: Edition, found: Quantity) -> str:
    """Change on the year before, not printed where there is none or a break of the definition lies between."""
    breaks = codebook("breaks", edition.data_dir)
    cut = breaks[
        (breaks["indicator"] == found.cell.indicator)
        & (breaks["year"] == found.cell.year)
        & breaks["area"].isin(["", edition.area])
    ]
    bounds = scale.growth_between(edition, found.cell) if cut.empty else None
    return "–" if bounds is None or not math.isfinite(bounds[1]) else wording.percent(*bounds)


def share_text(edition: Edition, found: Quantity) -> str:
    """Share of the same number of the nation."""
    part = nation_share(edition, found)
    return wording.percent(*part) if part else "–"


def nation_share(edition: Edition, found: Quantity) -> tuple[float, float] | None:
    """Bounds of the share of the nation as fractions; None where the nation has no such number."""
    part = share(edition, found, of=edition.compare_with) if edition.compare_with else None
    return (part.low, part.high) if part and part.low == part.low and (part.high < math.inf or part.low > 0) else None


def findings(edition: Edition) -> str:
    """What each chapter finds, as a list of sentences."""
    titles = [scale.recovered(edition), sector_mix.headline(edition), leading_enterprises.headline(edition)]
    titles += [markets.headline(edition), talent_training.headline(edition)]
    said = [exhibit.title for exhibit in titles if not exhibit.frame.empty]
    return "\n".join(f"- {text}." for text in said) or "- No chapter has figures for this year."


def against_printed_total(edition: Edition) -> Exhibit:
    """Printed shares beside the shares that the printed total gives: they differ where the total is the odd one out."""
    totals = printed_rows(edition, EXECUTED, "offshore", "total", "level", months="")
    totals = totals[totals["qualifier"] == ""]
    rows = []
    for found, printed in _printed_shares(edition) if len(totals) else []:
        total = totals.iloc[0]
        if total["unit"] == found.cell.unit:
            computed = found.rows.iloc[0]["value"] / total["value"]
            rows.append(
                {
                    "label": category_name(edition, found.cell.category),
                    "first": printed["value"],
                    "second": 100 * computed,
                }
                | {
                    "first_text": f"{wording.printed(printed)} %",
                    "second_text": f"{wording.half_up(100 * computed, 2)} %",
                }
                | {"rows": pd.concat([found.rows, printed.to_frame().T])}
            )
    if not rows:
        return gap(
            "Shares against the printed total",
            f"No share of the offshore total was printed with its amount for {edition.year}.",
        )
    rows.sort(key=lambda row: -row["first"])
    total = totals.iloc[0]
    names = ("as printed", f"on {wording.printed(total)}")
    note = f"Percent of offshore executed, {edition.year}"
    title = against_title(edition, total, rows)
    return chart(edition, charts.pairs, rows, title=title, subtitle=note, names=names)


def _printed_shares(edition: Edition) -> list[tuple[Quantity, pd.Series]]:
    figures = edition.reconciliation.figures
    key = (figures["area"] == edition.area) & (figures["year"] == edition.year) & (figures["indicator"] == EXECUTED)
    key &= (figures["measure"] == "share") & (figures["flow"] == "offshore") & (figures["category"] != "total")
    pairs = []
    for _, row in figures[key & (figures["months"] == "") & (figures["qualifier"] == "")].iterrows():
        found = find(edition, EXECUTED, "offshore", row["category"], months="")
        if found and len(found.rows) and found.cell.unit == f"{row['currency']} million":
            pairs.append((found, row))
    return pairs


def against_title(edition: Edition, total: pd.Series, rows: list[dict]) -> str:
    """Whether the shares were computed on the printed total, or on which one they were."""
    found = find(edition, EXECUTED, "offshore", months="", unit=total["unit"])
    if found and found.status == "corrected":
        used = wording.amount(wording.span(found.low, found.high), found.cell.unit)
        return f"Every share was computed on {used}, not on the printed {wording.printed(total)}"
    return f"The printed shares agree with the printed total of {wording.amount(wording.printed(total), total['unit'])}"


def nation(edition: Edition) -> Exhibit:
    """Bars of the area's share of the nation by each number that both print."""
    rows = []
    for item, *cell in HEADLINES:
        found = find(edition, *cell)
        part = found and nation_share(edition, found)
        if part:
            low, high = 100 * part[0], 100 * part[1]
            rows.append({"label": item, "low": low, "high": high, "text": wording.percent(*part), "rows": found.rows})
    other = wording.area_name(edition.compare_with)
    if not rows:
        missing = (
            f"{other} prints none of the same numbers for {edition.year}."
            if other
            else "There is no area to compare with."
        )
        return gap("Share of the nation", missing)
    rows.sort(key=lambda row: -row["low"])
    title = f"{wording.area_name(edition.area)} has {rows[0]['text']} of {other}'s {_noun(rows[0])}"
    title += f", {rows[-1]['text']} of its {_noun(rows[-1])}" if len(rows) > 1 else ""
    return chart(
        edition, charts.bars, rows, title=title, subtitle=f"Percent of {other}, {edition.year}; whiskers are bounds"
    )


def _noun(row: dict) -> str:
    return row["label"][:1].lower() + row["label"][1:]


def development(edition: Edition) -> Exhibit:
    """The recovered series of offshore executed."""
    return scale.recovered(edition)
