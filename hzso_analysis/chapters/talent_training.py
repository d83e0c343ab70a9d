"""Talent training: people trained, courses and organisations, the claim about earlier years, and the talent pool."""

from __future__ import annotations

import math

from hzso_analysis import charts, wording
from hzso_analysis.constraints import interval
from hzso_analysis.edition import Edition, Quantity, find, in_words, label, printed_rows, series
from hzso_analysis.exhibits import Exhibit, chart, mark, measure_rows, quantity_mark, quantity_row, ratio_row, table
from hzso_analysis.figures import codebook

TRAINED, STAFF, DEGREE = "people trained", "employees", "with college degree"
TRAINING = [TRAINED, "training courses", "training organizations", "training bases of the city"]
TRAINING += ["training centre capacity", "graduates supported", STAFF, "employees added"]
POOL = ["students enrolled", STAFF, "employees in IT", "employees in software", TRAINED, "graduates a year"]
RATIOS = [
    ("People per course", TRAINED, "training courses", 1, "people"),
    ("People per organization", TRAINED, "training organizations", 1, "people"),
    ("Courses per organization", "training courses", "training organizations", 1, "courses"),
    ("People trained for each graduate a year", TRAINED, "graduates a year", 1, "people"),
    ("People trained for each 100 employees", TRAINED, STAFF, 100, "people"),
    ("College graduates among employees", f"{STAFF}:{DEGREE}", STAFF, 100, "%"),
    ("College graduates among employees added", f"employees added:{DEGREE}", "employees added", 100, "%"),
    ("People trained per USD million executed offshore", TRAINED, "contracts executed", 1, "people"),
]


def _gap(edition: Edition) -> str:
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
        for category, more in (("total", ""), (DEGREE, ", with a college degree")):
            if found := find(edition, name, category=category):
                rows.append(quantity_row(text + more, found))
        rows += measure_rows(edition, f"{text}, sum", name, "", "total", "cumulative")
        rows += measure_rows(edition, f"{text}, average a year, printed", name, "", "total", "average")
    note = "The zeros at the end of a number of people count as rounding."
    return table(edition, rows, title=title, note=note, gap=_gap(edition))


def headline_title(edition: Edition) -> str:
    """People trained or, where nobody printed that, employed."""
    worked = "had been absorbed by the end of" if breaks_of(edition) else "worked in service outsourcing in"
    for name, verb in ((TRAINED, "were trained in"), (STAFF, worked), ("employees added", "were newly employed in")):
        if found := find(edition, name):
            return f"{in_words(found).capitalize()} {verb} {edition.year}"
    return f"Talent and training, {edition.year}"


def breaks_of(edition: Edition) -> list[int]:
    """Years up to the edition's in which the definition of employees changed."""
    book = codebook("breaks", edition.data_dir)
    rows = book[(book["indicator"] == STAFF) & book["area"].isin(["", edition.area])]
    return sorted(year for year in rows["year"] if year <= edition.year)


def ratios(edition: Edition) -> Exhibit:
    """Table of ratios: people per course and organisation, per graduate, per employee, per USD million executed."""
    rows = []
    for text, top, base, scale, unit in RATIOS:
        rows += ratio_row(edition, text, _get(edition, top), _get(edition, base), scale, unit)
    title = f"{rows[0]['item']}: {rows[0]['value']} {rows[0]['unit']}" if rows else "Ratios"
    note = "Bounds hold for every value within the rounding of both numbers."
    gap = "No two numbers that make a ratio were published for the same year."
    return table(edition, rows, title=title, note=note, gap=gap)


def _get(edition: Edition, name: str) -> Quantity | None:
    if name == "contracts executed":
        return find(edition, name, "offshore", unit="USD million")
    indicator, _, category = name.partition(":")
    return find(edition, indicator, category=category or "total")


def years(edition: Edition) -> Exhibit:
    """People trained in the year against the average of the years before that the printed sum implies.

    Where no such sum was printed: the employees added each year.
    """
    now, sums = find(edition, TRAINED), printed_rows(edition, TRAINED, "", "total", "cumulative")
    if now is None or sums.empty:
        rows = [quantity_mark("", q, series="added", year=q.cell.year) for q in series(edition, "employees added")]
        words = {"subtitle": "People newly employed in service outsourcing a year", "heading": "People trained"}
        rows = rows if len(rows) > 1 else []
        return chart(edition, charts.lines, rows, title=_added_title, gap=_gap(edition), **words)
    row = sums.iloc[0]
    low, high = interval(row["value"], row["precision"], row["qualifier"])
    since, before = int(row["since"]), edition.year - int(row["since"])
    earlier = max(0.0, low - now.high) / before, (high - now.low) / before
    rows = [
        quantity_mark(str(edition.year), now),
        mark(f"{since} to {edition.year}, average", low / (before + 1), high / (before + 1), sums),
        mark(f"{since} to {edition.year - 1}, average", *earlier, sums),
    ]
    title = f"{rows[0]['text']} people were trained in {edition.year}, {rows[2]['text']} a year before"
    note = f"People a year; the averages follow from {wording.printed(row)} people since {since}"
    return chart(edition, charts.bars, rows, title=title, subtitle=note, heading="", gap="")


def _added_title(rows: list[dict]) -> str:
    return f"{rows[-1]['text']} people were newly employed in {rows[-1]['year']}"


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
    verdict = "The two contradict each other"
    if low <= most and high >= least:
        verdict = "The two can both be true"
        verdict += ", as both are given as lower limits" if math.isinf(high) and math.isinf(most) else ""
    detail = f"{wording.printed(total)} people in {steps} years is {wording.span(low, high)} a year"
    return f"{detail[:1].upper()}{detail[1:]}; the source prints {wording.printed(mean)}. {verdict}."


def pool(edition: Edition) -> Exhibit:
    """Bars of the talent pool: students, graduates, employees, people trained."""
    found = [quantity for name in POOL if (quantity := find(edition, name))]
    rows = [quantity_mark(label(edition, "indicators", q.cell.indicator), q) for q in found]
    for row in rows:
        row["low"] = row["low"] or row["high"]  # printed as an upper limit only: the bar ends there
    rows.sort(key=lambda row: -row["low"])

    def title(rows: list[dict]) -> str:
        trained, staff = find(edition, TRAINED), find(edition, STAFF)
        if trained and staff and trained.cell.months == staff.cell.months:
            part = wording.percent(*edition.reconciliation.ratio(trained.cell, staff.cell))
            return f"People trained in {edition.year} come to {part} of the industry's employees"
        return f"{rows[0]['label']}: {rows[0]['text']}; {rows[-1]['label'].lower()}: {rows[-1]['text']}"

    note = f"People, {edition.year}; the groups overlap and are never summed"
    words = {"heading": "The talent pool", "gap": _gap(edition)}
    return chart(edition, charts.bars, rows if len(rows) > 1 else [], title=title, subtitle=note, **words)


def employment(edition: Edition) -> Exhibit:
    """Employees over the years; no line is drawn across a break of the definition."""
    rows = []
    for category, who in (("total", "all"), (DEGREE, "with a degree")):
        for quantity in series(edition, STAFF, category=category):
            absorbed = any(quantity.cell.year >= cut for cut in breaks_of(edition))
            name = f"{who}, {'absorbed since the beginning' if absorbed else 'employed'}"
            rows += [quantity_mark("", quantity, series=name, year=quantity.cell.year)] if quantity.low > 0 else []

    def title(rows: list[dict]) -> str:
        top = ([row for row in rows if row["series"].startswith("all")] or rows)[-1]
        done = "had been absorbed by" if "absorbed" in top["series"] else "were employed in"
        who = "people" if top["series"].startswith("all") else "people with a degree"
        return f"{top['text']} {who} {done} service outsourcing in {top['year']}"

    rows = rows if len({row["year"] for row in rows}) > 1 else []
    note = "People; the two ways of counting are not joined" if breaks_of(edition) else "People"
    words = {"heading": "Employment over the years", "gap": "Employees were printed for fewer than two whole years."}
    return chart(edition, charts.lines, rows, title=title, subtitle=note, **words)
