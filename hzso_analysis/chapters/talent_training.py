"""Talent training: people trained, courses and organisations, the claim about earlier years, and the talent pool."""

from __future__ import annotations

import math

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.constraints import interval
from hzso_analysis.edition import Edition, Quantity, find, label, printed_rows, series
from hzso_analysis.exhibits import (
    Exhibit,
    cell_row,
    chart,
    computed_row,
    gap,
    in_words,
    mark,
    measure_row,
    table,
    value_text,
)
from hzso_analysis.figures import codebook

TRAINED = "people trained"
TRAINING = [
    TRAINED,
    "training courses",
    "training organizations",
    "training bases of the city",
    "training centre capacity",
]
TRAINING += ["graduates supported", "employees", "employees added"]


def missing(edition: Edition) -> str:
    """What was not published for this chapter."""
    area = wording.area_name(edition.area)
    return f"No number of people trained, employed or studying was published for {area} in {edition.year}."


def headline(edition: Edition) -> Exhibit:
    """Table of all printed numbers about training and employment."""
    return _printed_table(edition, TRAINING, headline_title(edition))


def surroundings(edition: Edition) -> Exhibit:
    """Table of the talent pool around the industry: universities, students, neighbouring branches."""
    book = codebook("indicators", edition.data_dir)
    others = [name for name in book.loc[book["chapter"] == "talent_training", "id"] if name not in TRAINING]
    return _printed_table(edition, others, f"Universities and neighbouring branches, {edition.year}")


def _printed_table(edition: Edition, names: list[str], title: str) -> Exhibit:
    rows = []
    for name in names:
        text = label(edition, "indicators", name)
        for category, more in (("total", ""), ("with college degree", ", with a college degree")):
            row = cell_row(edition, text + more, name, category=category)
            rows += [row] if row["value"] != "not published" else []
        for measure, more in (("cumulative", ", sum"), ("average", ", average a year, printed")):
            printed = measure_row(edition, text + more, name, "", "total", measure)
            rows += [printed] if printed else []
    if not rows:
        return gap(title, missing(edition))
    return table(edition, title, rows, "The zeros at the end of a number of people count as rounding.")


def headline_title(edition: Edition) -> str:
    """People trained or, where nobody printed that, employed."""
    worked = (
        "worked in service outsourcing" if not breaks_of(edition) else "had been absorbed since the beginning, counted"
    )
    for name, verb in ((TRAINED, "were trained"), ("employees", worked), ("employees added", "were newly employed")):
        found = find(edition, name)
        if found:
            return f"{in_words(found).capitalize()} {verb} in {wording.period(found.cell.year, '')}"
    return f"Talent and training, {edition.year}"


def breaks_of(edition: Edition) -> list[int]:
    """Years up to the edition's in which the definition of employees changed."""
    book = codebook("breaks", edition.data_dir)
    rows = book[(book["indicator"] == "employees") & book["area"].isin(["", edition.area])]
    return sorted(year for year in rows["year"] if year <= edition.year)


def ratios(edition: Edition) -> Exhibit:
    """Table of ratios: people per course and organisation, per graduate, per employee, per USD million executed."""
    pairs = [
        ("People per course", TRAINED, "training courses", "people"),
        ("People per organization", TRAINED, "training organizations", "people"),
        ("Courses per organization", "training courses", "training organizations", "courses"),
        ("People trained for each graduate a year", TRAINED, "graduates a year", "people"),
        ("People trained for each 100 employees", TRAINED, "employees", "people"),
        ("College graduates among employees added", "employees added:with college degree", "employees added", "%"),
        ("College graduates among employees", "employees:with college degree", "employees", "%"),
    ]
    rows = [
        row
        for text, top, base, unit in pairs
        if (row := _ratio_row(edition, text, _get(edition, top), _get(edition, base), unit))
    ]
    executed = find(edition, "contracts executed", "offshore", months="", unit="USD million")
    rows += (
        [row]
        if (
            row := _ratio_row(
                edition, "People trained per USD million executed offshore", _get(edition, TRAINED), executed, "people"
            )
        )
        else []
    )
    if not rows:
        return gap("Ratios", "No two numbers that make a ratio were published for the same year.")
    return table(
        edition,
        f"{rows[0]['item']}: {rows[0]['value']} {rows[0]['unit']}",
        rows,
        "Bounds hold for every value within the rounding of both numbers.",
    )


def _get(edition: Edition, name: str) -> Quantity | None:
    indicator, _, category = name.partition(":")
    return find(edition, indicator, category=category or "total")


def _ratio_row(edition: Edition, text: str, top: Quantity | None, base: Quantity | None, unit: str) -> dict | None:
    if top is None or base is None or top.cell.months != base.cell.months or base.low <= 0:
        return None
    low, high = edition.reconciliation.ratio(top.cell, base.cell)
    scale = 100 if unit == "%" or "100" in text else 1
    value = wording.span(scale * low, scale * high)
    return computed_row(
        text, value, unit, low, high, pd.concat([top.rows, base.rows]), f"{value_text(top)} / {value_text(base)}"
    )


def years(edition: Edition) -> Exhibit:
    """People trained in the year against the average of the years before that the printed sum implies."""
    now, sums = find(edition, TRAINED), printed_rows(edition, TRAINED, "", "total", "cumulative")
    if now is None or sums.empty:
        return _series_chart(edition)
    row = sums.iloc[0]
    low, high = interval(row["value"], row["precision"], row["qualifier"])
    before = edition.year - int(row["since"])
    rest = (max(0.0, low - now.high) / before, (high - now.low) / before)
    average = (low / (before + 1), high / (before + 1))
    rows = [
        mark(f"{edition.year}", now),
        {"label": f"{row['since']} to {edition.year}, average", "low": average[0], "high": average[1], "rows": sums}
        | {"text": wording.span(*average)},
        {"label": f"{row['since']} to {edition.year - 1}, average", "low": rest[0], "high": rest[1], "rows": sums}
        | {"text": wording.span(*rest)},
    ]
    title = f"{rows[0]['text']} people were trained in {edition.year}, {rows[2]['text']} a year before"
    return chart(
        edition,
        charts.bars,
        rows,
        title=title,
        subtitle=f"People a year; the averages follow from {wording.printed(row)} people since {row['since']}",
    )


def claim(edition: Edition) -> str:
    """Whether the printed average agrees with the printed sum, in a sentence."""
    sums = printed_rows(edition, TRAINED, "", "total", "cumulative")
    averages = printed_rows(edition, TRAINED, "", "total", "average")
    if sums.empty or averages.empty:
        return f"No sum and average of people trained were printed together for {edition.year}."
    total, mean = sums.iloc[0], averages.iloc[0]
    steps = edition.year - int(total["since"]) + 1
    low, high = (end / steps for end in interval(total["value"], total["precision"], total["qualifier"]))
    least, most = interval(mean["value"], mean["precision"], mean["qualifier"])
    agree = low <= most and high >= least
    verdict = "The two can both be true" if agree else "The two contradict each other"
    why = ", as both are given as lower limits" if agree and math.isinf(high) and math.isinf(most) else ""
    return (
        f"{wording.printed(total)} people in {steps} years is {wording.span(low, high)} a year; "
        f"the source prints {wording.printed(mean)}. {verdict}{why}."
    )


def pool(edition: Edition) -> Exhibit:
    """Bars of the talent pool: students, graduates, employees, people trained."""
    names = [
        "students enrolled",
        "employees",
        "employees in IT",
        "employees in software",
        TRAINED,
        "graduates a year",
        "employees added",
    ]
    rows = [mark(label(edition, "indicators", name), found) for name in names if (found := find(edition, name))]
    rows = [row for row in rows if row["high"] < math.inf or row["low"] > 0]
    if len(rows) < 2:
        return gap("The talent pool", missing(edition))
    for row in rows:
        row["low"] = row["high"] if row["low"] == 0 else row["low"]
    rows.sort(key=lambda row: -row["low"])
    trained, staff = find(edition, TRAINED), find(edition, "employees")
    title = f"{rows[0]['label']}: {rows[0]['text']}; {rows[-1]['label'].lower()}: {rows[-1]['text']}"
    if trained and staff and staff.low > 0 and trained.cell.months == staff.cell.months:
        low, high = edition.reconciliation.ratio(trained.cell, staff.cell)
        title = f"People trained in {edition.year} come to {wording.percent(low, high)} of the industry's employees"
    return chart(
        edition,
        charts.bars,
        rows,
        title=title,
        subtitle=f"People, {edition.year}; the groups overlap and are never summed",
    )


def employment(edition: Edition) -> Exhibit:
    """Employees over the years; no line is drawn across a break of the definition."""
    cuts = breaks_of(edition)
    rows = []
    for category, text in (("total", "all"), ("with college degree", "with a degree")):
        for quantity in series(edition, "employees", category=category):
            if quantity.low > 0:
                after = [cut for cut in cuts if quantity.cell.year >= cut]
                name = f"{text}, absorbed since the beginning" if after else f"{text}, employed"
                rows.append(mark("", quantity) | {"series": name, "year": quantity.cell.year})
    if len({row["year"] for row in rows}) < 2:
        return gap("Employment over the years", "Employees were printed for fewer than two whole years.")
    last = (
        rows[-1]["year"]
        if rows[-1]["series"].startswith("all")
        else max(r["year"] for r in rows if r["series"].startswith("all"))
    )
    top = next(r for r in rows if r["year"] == last and r["series"].startswith("all"))
    done = (
        "had been absorbed by service outsourcing"
        if "absorbed" in top["series"]
        else "were employed in service outsourcing"
    )
    title = f"{top['text']} people {done} in {last}"
    return chart(
        edition,
        charts.lines,
        rows,
        title=title,
        subtitle="People; the two ways of counting are not joined" if cuts else "People",
    )


def _series_chart(edition: Edition) -> Exhibit:
    """Employees added over the years, where training itself was not printed."""
    rows = [
        mark("", q) | {"series": "employees added", "year": q.cell.year} for q in series(edition, "employees added")
    ]
    if len(rows) < 2:
        return gap(
            "People trained", f"No number of people trained with a sum over years was published for {edition.year}."
        )
    title = f"{rows[-1]['text']} people were newly employed in {rows[-1]['year']}"
    return chart(
        edition, charts.lines, rows, title=title, subtitle="People newly employed in service outsourcing a year"
    )
