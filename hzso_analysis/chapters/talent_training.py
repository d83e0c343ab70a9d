"""Talent training: people trained, courses and organisations, the claim about earlier years, and the talent pool."""

from __future__ import annotations

import math
from typing import Any

from hzso_analysis import charts, wording
from hzso_analysis.constraints import interval
from hzso_analysis.edition import Edition, find, in_words, label, printed_rows, series
from hzso_analysis.exhibits import Exhibit, chart, mark, measure_rows, quantity_mark, quantity_row, ratio_table, table
from hzso_analysis.figures import breaks_of, codebook
from hzso_analysis.vocabulary import EXECUTED
from hzso_analysis.wording import say

TRAINED, STAFF, ADDED, DEGREE = "people trained", "employees", "employees added", "with college degree"
COURSES, ORGANIZATIONS = "training courses", "training organizations"
TRAINING = [TRAINED, COURSES, ORGANIZATIONS, "training bases of the city"]
TRAINING += ["training centre capacity", "graduates supported", STAFF, ADDED]
POOL = ["students enrolled", STAFF, "employees in IT", "employees in software", TRAINED, "graduates a year"]
RATIOS = [
    ("talent_training.per_course", (TRAINED,), (COURSES,), 1, "exhibits.people"),
    ("talent_training.per_organization", (TRAINED,), (ORGANIZATIONS,), 1, "exhibits.people"),
    ("talent_training.courses_each", (COURSES,), (ORGANIZATIONS,), 1, "exhibits.courses"),
    ("talent_training.per_graduate", (TRAINED,), ("graduates a year",), 1, "exhibits.people"),
    ("talent_training.per_employees", (TRAINED,), (STAFF,), 100, "exhibits.people"),
    ("talent_training.with_degree", (STAFF, "", DEGREE), (STAFF,), 100, "exhibits.percent"),
    ("talent_training.added_with_degree", (ADDED, "", DEGREE), (ADDED,), 100, "exhibits.percent"),
    ("talent_training.per_amount", (TRAINED,), (EXECUTED, "offshore"), 1, "exhibits.people"),
]
# the series of employees by education and by what is counted: its name, its title
WORKED = {
    ("total", False): ("talent_training.all_employed", "talent_training.all_employed_title"),
    ("total", True): ("talent_training.all_absorbed", "talent_training.all_absorbed_title"),
    (DEGREE, False): ("talent_training.degree_employed", "talent_training.degree_employed_title"),
    (DEGREE, True): ("talent_training.degree_absorbed", "talent_training.degree_absorbed_title"),
}


def headline(edition: Edition) -> Exhibit:
    """Table of all printed numbers about training and employment."""
    return _printed_table(edition, "talent_training.headline", TRAINING, headline_title(edition))


def surroundings(edition: Edition) -> Exhibit:
    """Table of the talent pool around the industry: universities, students, neighbouring branches."""
    book = codebook("indicators", edition.data_dir)
    others = [name for name in book.loc[book["chapter"] == "talent_training", "id"] if name not in TRAINING]
    return _printed_table(edition, "talent_training.surroundings", others)


def _printed_table(edition: Edition, key: str, names: list[str], title: str = "") -> Exhibit:
    rows = []
    for name in names:
        text = label(edition, "indicators", name)
        for category, item in (("total", text), (DEGREE, say("talent_training.of_degree", name=text))):
            if found := find(edition, name, category=category):
                rows.append(quantity_row(edition, item, found))
        for measure, item in (("cumulative", "talent_training.sum"), ("average", "talent_training.average")):
            rows += measure_rows(edition, say(item, name=text), name, "", "total", measure)
    return table(edition, key, rows, title=title, note=say("talent_training.headline_note"))


def headline_title(edition: Edition) -> str:
    """People trained or, where nobody printed that, employed."""
    worked = "talent_training.had_been_absorbed" if _cuts(edition) else "talent_training.worked"
    for name, key in ((TRAINED, "talent_training.trained"), (STAFF, worked), (ADDED, "talent_training.newly_employed")):
        if found := find(edition, name):
            end = wording.end_of(found.cell.year, found.cell.months)
            return edition.say(key, people=in_words(found).capitalize(), end=end)
    return edition.say("talent_training.headline_heading")


def _cuts(edition: Edition) -> list[int]:
    """Years up to the edition's in which the definition of employees changed."""
    return [year for year in breaks_of(STAFF, edition.area, edition.data_dir) if year <= edition.year]


def ratios(edition: Edition) -> Exhibit:
    """Table of ratios: people per course and organisation, per graduate, per employee, per USD million executed."""
    return ratio_table(edition, "talent_training.ratios", RATIOS)


def years(edition: Edition) -> Exhibit:
    """People trained in the year against the average of the years before that the printed sum implies.

    Where no such sum was printed: the employees added each year.
    """
    now, sums = find(edition, TRAINED), printed_rows(edition, TRAINED, "", "total", "cumulative")
    if now is None or sums.empty:
        name, known = say("talent_training.added_series"), series(edition, ADDED)
        rows = [quantity_mark("", q, series=name, year=q.cell.year) for q in known if len(known) > 1]
        note = say("talent_training.added_subtitle")
        return chart(edition, "talent_training.years", charts.lines, rows, title=_added_title, subtitle=note)
    row = sums.iloc[0]
    low, high = interval(row)
    since, before = int(row["since"]), edition.year - int(row["since"])
    earlier = max(0.0, low - now.high) / before, (high - now.low) / before
    ends = {edition.year: (low / (before + 1), high / (before + 1)), edition.year - 1: earlier}
    rows = [quantity_mark(str(edition.year), now)]
    rows += [mark(say("talent_training.years_average", first=since, last=y), *ends[y], sums) for y in ends]
    title = edition.say("talent_training.years_title", now=rows[0]["text"], before=rows[2]["text"])
    note = say("talent_training.years_subtitle", sum=wording.printed(row), since=since)
    return chart(edition, "talent_training.years", charts.bars, rows, title=title, subtitle=note)


def _added_title(rows: list[dict[str, Any]]) -> str:
    return say("talent_training.added_title", people=rows[-1]["text"], year=rows[-1]["year"])


def claim(edition: Edition) -> str:
    """Whether the printed average agrees with the printed sum, in a sentence."""
    sums = printed_rows(edition, TRAINED, "", "total", "cumulative")
    averages = printed_rows(edition, TRAINED, "", "total", "average")
    if sums.empty or averages.empty:
        return edition.say("talent_training.claim_gap")
    total, mean = sums.iloc[0], averages.iloc[0]
    steps = edition.year - int(total["since"]) + 1
    low, high = (end / steps for end in interval(total))
    least, most = interval(mean)
    key, limits = "talent_training.claim_fails", math.isinf(high) and math.isinf(most)
    if low <= most and high >= least:
        key = "talent_training.claim_limits" if limits else "talent_training.claim_holds"
    words = {"sum": wording.printed(total), "average": wording.span(low, high), "printed": wording.printed(mean)}
    text = say(key, years=steps, **words)
    return text[:1].upper() + text[1:]


def pool(edition: Edition) -> Exhibit:
    """Bars of the talent pool: students, graduates, employees, people trained."""
    found = [quantity for name in POOL if (quantity := find(edition, name))]
    rows = [quantity_mark(label(edition, "indicators", q.cell.indicator), q) for q in found]
    for row in rows:
        row["low"] = row["low"] or row["high"]  # printed as an upper limit only: the bar ends there
    rows.sort(key=lambda row: -row["low"])

    def title(rows: list[dict[str, Any]]) -> str:
        trained, staff = find(edition, TRAINED), find(edition, STAFF)
        if trained and staff and trained.cell.months == staff.cell.months:
            part = wording.percent(*edition.reconciliation.ratio(trained.cell, staff.cell))
            return edition.say("talent_training.pool_trained", share=part)
        words = {"most": rows[0]["label"], "most_people": rows[0]["text"], "least": rows[-1]["label"].lower()}
        return say("talent_training.pool_title", least_people=rows[-1]["text"], **words)

    return chart(edition, "talent_training.pool", charts.bars, rows if len(rows) > 1 else [], title=title)


def employment(edition: Edition) -> Exhibit:
    """Employees over the years; no line is drawn across a break of the definition."""
    rows, titles, cuts = [], {}, _cuts(edition)
    for category in ("total", DEGREE):
        for quantity in series(edition, STAFF, category=category):
            year = quantity.cell.year
            name, title = WORKED[category, any(year >= cut for cut in cuts)]
            if quantity.low > 0:
                rows.append(quantity_mark("", quantity, series=say(name), year=year))
                titles[category] = say(title, people=rows[-1]["text"], year=year)
    rows = rows if len({row["year"] for row in rows}) > 1 else []
    note = say("talent_training.employment_subtitle_apart" if cuts else "talent_training.employment_subtitle")
    title = titles.get("total") or titles.get(DEGREE, "")
    return chart(edition, "talent_training.employment", charts.lines, rows, title=title, subtitle=note)
