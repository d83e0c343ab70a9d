"""Environment and policy: what surrounds the industry, the steps taken for it, its fund, its aims, its place."""

from __future__ import annotations

from itertools import groupby

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters.scale import growth_between, growth_rows
from hzso_analysis.constraints import interval
from hzso_analysis.edition import Edition, find, label, match, printed_rows, series, value_text
from hzso_analysis.exhibits import Exhibit, Row, chart, mark, measure_rows, quantity_row, ratio_table, table
from hzso_analysis.exhibits import where_printed as where
from hzso_analysis.figures import codebook, load_policies
from hzso_analysis.vocabulary import EXECUTED
from hzso_analysis.wording import say

FINANCE, FUND, TARGET, EVALUATION = "financial institutions", "support fund", "growth target", "evaluation rank"
ENVIRONMENT = ["years of double-digit growth", FINANCE, "flights", "trading partners", "days to reach the government"]
ENVIRONMENT += ["rank by financial volume", "deposits", "distance to Shanghai", "rail time to Shanghai"]
ENVIRONMENT += ["employees of larger software enterprises"]
NAMED = ["key industries planned", "featured industries", "levels of co-construction", "layers of co-construction"]
NAMED += ["years of practice", "years of the summit"]
PLACES = [EVALUATION, "evaluation rank by experts", "evaluation rank for bonus items"]
PLACES += ["evaluation rank for industry development", "rank by investment attractiveness"]
PLACES += ["rank by offshore executed", "rank by offshore value"]
TARGET_YEARS = 5  # as the codebook defines the indicator
AGREES = {True: "environment_and_policy.yes", False: "environment_and_policy.no"}
STUDENTS, COLLEGES = "students enrolled", "universities and colleges"
RATIOS = [
    ("environment_and_policy.students_per_graduate", (STUDENTS,), ("graduates a year",), 1, "exhibits.people"),
    ("environment_and_policy.students_each", (STUDENTS,), (COLLEGES,), 1, "exhibits.people"),
    ("environment_and_policy.majors_each", ("related majors",), (COLLEGES,), 1, "exhibits.majors"),
    ("environment_and_policy.international", ("flights", "", "international"), ("flights",), 100, "exhibits.percent"),
]


def environment(edition: Edition) -> Exhibit:
    """Table of all that was printed about growth, finance, location and research staff."""
    return _printed_table(edition, "environment_and_policy.environment", ENVIRONMENT)


def activities(edition: Edition) -> Exhibit:
    """Table of all that was printed about bodies, events, certifications and the group of cities."""
    book = codebook("indicators", edition.data_dir)
    others = book.loc[book["chapter"] == "environment_and_policy", "id"]
    names = [name for name in others if name not in [*ENVIRONMENT, *NAMED, *PLACES, FUND, TARGET]]
    return _printed_table(edition, "environment_and_policy.activities", names)


def places(edition: Edition) -> Exhibit:
    """Table of the places of the year, in the evaluation of cities and in other rankings."""
    return _printed_table(edition, "environment_and_policy.places", PLACES)


def _printed_table(edition: Edition, key: str, names: list[str]) -> Exhibit:
    """Every level, share and growth rate of these indicators printed for the year; the title has the first counts."""
    rows, own = [], match(edition.reconciliation.figures, {"area": edition.area, "year": edition.year})
    for name in names:
        printed = own[own["indicator"] == name].drop_duplicates(["months", "category", "measure"])
        for cell in printed.itertuples():
            named = [label(edition, "indicators", name)]
            named += [_small(label(edition, "categories", cell.category))] if cell.category != "total" else []
            named += [cell.measure] if cell.measure != "level" else []
            at, item = (name, "", cell.category), ", ".join(named)
            found = find(edition, *at, months=cell.months) if cell.measure == "level" else None
            lines = measure_rows(edition, item, *at, cell.measure, months=cell.months)
            for line in [quantity_row(edition, item, found)] if found else lines:
                source = line.pop("source")  # the last column is the widest
                rows.append(line | {"note": cell.note, "source": source})
    numbers = [row for row in rows if row["unit"] in ("", wording.unit_text("year")) and row["value"][-1:].isdigit()]
    count = "environment_and_policy.number_of" if numbers else "environment_and_policy.value_of"
    said = [say(count, name=_small(row["item"]), value=row["value"]) for row in (numbers or rows)[:3]]
    return table(edition, key, rows, title=edition.say("environment_and_policy.printed", figures=wording.listing(said)))


def _small(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def ratios(edition: Edition) -> Exhibit:
    """Table of what the numbers of universities, students and flights come to."""
    return ratio_table(edition, "environment_and_policy.ratios", RATIOS)


def _steps(edition: Edition) -> pd.DataFrame:
    """Policy rows of the area that were printed or dated by the edition's year; `date` is the years as stated."""
    rows = load_policies(edition.area, data_dir=edition.data_dir)
    rows = rows[(rows["year"] <= edition.year) | (rows["since"] <= edition.year)]
    return rows.assign(date=[_when(since, until) for since, until in zip(rows["since"], rows["until"], strict=True)])


def _when(since: float, until: float) -> str:
    if pd.isna(since):
        key = "environment_and_policy.undated" if pd.isna(until) else "environment_and_policy.by_year"
        return say(key, year=f"{until:.0f}")
    years = say("environment_and_policy.years", first=f"{since:.0f}", last=f"{until:.0f}")
    return years if until > since else f"{since:.0f}"


def _policies_table(edition: Edition, key: str, rows: pd.DataFrame, title: str) -> Exhibit:
    """Policy rows as named, with their years and where they stand in the source."""
    lines = []
    for index, row in rows.iterrows():
        line = {"item": row["label_en"], "date": row["date"], "note": row["note"]}
        source = f"{row['source']}, {row['locator']}".removesuffix(", ")
        lines.append(line | {"source": source, "rows": rows.loc[[index]]})
    return table(edition, key, lines, title=title)


def documents(edition: Edition) -> Exhibit:
    """Table of the policy documents named by the edition's year, those without a year too."""
    rows = match(_steps(edition), {"kind": "document"})
    undated = rows["since"].isna().sum() or say("environment_and_policy.none")
    key = "environment_and_policy.documents_one" if len(rows) == 1 else "environment_and_policy.documents_title"
    title = say(key, number=len(rows), undated=undated)
    return _policies_table(edition, "environment_and_policy.documents", rows, title)


def aims(edition: Edition) -> Exhibit:
    """Table of the aims and key industries announced by the edition's year that run at least to it."""
    rows = _steps(edition)
    rows = rows[rows["kind"].isin(["aim", NAMED[0]]) & (rows["year"] <= edition.year) & (rows["until"] >= edition.year)]
    aim = rows["kind"] == "aim"
    key = "environment_and_policy.aims_one" if aim.sum() == 1 else "environment_and_policy.aims_title"
    title = say(key, number=aim.sum(), industries=(~aim).sum(), year=f"{rows['until'].max():.0f}")
    named = rows["label_en"].map(lambda name: say("environment_and_policy.key_industry", name=name))
    rows = rows.assign(label_en=rows["label_en"].where(aim, named))
    return _policies_table(edition, "environment_and_policy.aims", rows, title)


def timeline(edition: Edition) -> Exhibit:
    """The dated steps of policy, each from its first to its last year."""
    rows = _steps(edition).dropna(subset="since").sort_values(["since", "until"], kind="stable")
    rows["until"] = rows["until"].fillna(rows["since"])
    marks = [mark(r.label_en, r.since, r.until, rows.loc[[r.Index]], text=r.date) for r in rows.itertuples()]
    key = "environment_and_policy.timeline_one" if len(rows) == 1 else "environment_and_policy.timeline_title"
    title = edition.say(key, number=len(rows), years=_when(rows["since"].min(), rows["until"].max()))
    return chart(edition, "environment_and_policy.timeline", charts.ranges, marks, title=title, middles=False)


def counts(edition: Edition) -> Exhibit:
    """Table of printed counts beside the number of things that the same source names, or of years that it spans."""
    lines, odd, steps = [], "", match(_steps(edition), {"year": edition.year})
    for name in NAMED:
        found, things = find(edition, name), match(steps, {"kind": name})
        if found:
            years = (things["until"] - things["since"] + 1).max()
            number = len(things) if pd.isna(years) else int(years)
            said = things["label_en" if pd.isna(years) else "date"]
            fits = found.low <= number <= found.high
            line = {"item": label(edition, "indicators", name), "printed": value_text(found)}
            line |= {"named": str(number or say("environment_and_policy.none"))}
            line["agrees"] = say(AGREES[fits]) if fits or number else ""
            if number and not fits and not odd:
                odd = say("environment_and_policy.counts_odd", **line)
            line |= {"note": "; ".join(filter(None, [", ".join(said), *things["note"]]))}
            line["source"] = where(found.rows)
            lines.append(line | {"rows": pd.concat([found.rows[["source"]], things[["source"]]])})
    key = "environment_and_policy.counts_one" if len(lines) == 1 else "environment_and_policy.counts_title"
    return table(edition, "environment_and_policy.counts", lines, title=odd or say(key, number=len(lines)))


def _fund_rows(edition: Edition) -> pd.DataFrame:
    """All printed amounts of the fund, from year `since` on, where they cover the edition's year."""
    rows = match(edition.reconciliation.figures, {"area": edition.area, "indicator": FUND, "months": ""})
    rows = rows[rows["measure"].isin(["level", "cumulative"])]
    rows = rows.assign(since=rows["since"].fillna(rows["year"]).astype(int))
    return rows if rows["since"].min() <= edition.year <= rows["year"].max() else rows.head(0)


def fund(edition: Edition) -> Exhibit:
    """Table of all printed amounts of the fund, what the figures together allow for a year, and what agrees."""
    lines, odd = [], ""
    for (year, since, value), own in _fund_rows(edition).groupby(["year", "since", "value"]):
        row, known = own.iloc[0], find(edition, FUND, year=year) if since == year else None
        fits, allowed = not own.index.isin(edition.reconciliation.suspects.index).any(), ""
        if known:
            fits = known.low <= value + row["precision"] and known.high >= value - row["precision"]
            allowed = wording.span(known.low, known.high)
        agrees = "" if row["qualifier"] == "unclear" and not known else say(AGREES[fits])
        line = {"item": _when(since, year), "printed": wording.printed(row), "all figures together": allowed}
        line |= {"unit": row["unit"], "agrees": agrees, "note": row["note"], "source": where(own), "rows": own}
        lines.append(line)
        if agrees and not fits and not odd:
            odd = "environment_and_policy.fund_odd_allowed" if allowed else "environment_and_policy.fund_odd"
            words = {"amount": wording.amount(line["printed"], row["unit"]), "years": line["item"]}
            odd = say(odd, allowed=allowed, **words)
    key = "environment_and_policy.fund_one" if len(lines) == 1 else "environment_and_policy.fund_title"
    return table(edition, "environment_and_policy.fund", lines, title=odd or say(key, number=len(lines)))


def per_executed(edition: Edition) -> Exhibit:
    """The fund for each USD 1,000 of offshore contracts executed in the same years; nothing is converted."""
    rows, marks = _fund_rows(edition), []
    sure = rows[rows["qualifier"] != "unclear"]
    printed = {tuple(range(*ends)) for ends in zip(sure["since"], sure["year"] + 1, strict=True)}
    left = {tuple(year for year in years if (year,) not in printed) for years in printed}
    for years in sorted({*printed, *left} - {()}, key=lambda years: (len(years), years)):
        tops = [find(edition, FUND, year=year, months="") for year in years]
        bases = [find(edition, EXECUTED, "offshore", year=year, months="", unit="USD million") for year in years]
        if all(tops) and all(bases):
            sums = [{top.cell: 1000.0 for top in tops if top}, {base.cell: 1.0 for base in bases if base}]
            used = pd.concat([sure, *(base.basis for base in bases if base)])
            marks.append(mark(_when(years[0], years[-1]), *edition.reconciliation.ratio(*sums), used))

    def title(marks: list[Row]) -> str:
        said = [say("environment_and_policy.in_years", amount=row["text"], years=row["label"]) for row in marks[::-1]]
        return say("environment_and_policy.contracts_title", currency=currency, amounts=wording.listing(said))

    currency = rows["unit"].iloc[0][:3] if len(rows) else ""
    note = say("environment_and_policy.contracts_subtitle", currency=currency)
    return chart(edition, "environment_and_policy.contracts", charts.bars, marks, title=title, subtitle=note)


def target(edition: Edition) -> Exhibit:
    """The growth a year that the aim asks for, beside the growth of offshore executed in the year."""
    rows, marks = printed_rows(edition, TARGET, "", "total", "level"), []
    for _, row in rows.head(1).iterrows():
        low, high = ((1 + end / 100) ** (1 / TARGET_YEARS) - 1 for end in interval(row))
        name = say("environment_and_policy.target_aim", percent=wording.printed(row), years=TARGET_YEARS)
        marks.append(mark(name, low, high, rows, fraction=True))
        found = find(edition, EXECUTED, "offshore")
        if found and (bounds := growth_between(edition, found.cell)):
            name = edition.say("environment_and_policy.target_executed")
            marks.append(mark(name, *bounds, growth_rows(edition, found), fraction=True))

    def title(marks: list[Row]) -> str:
        key = "environment_and_policy.target_title" if len(marks) > 1 else "environment_and_policy.target_alone"
        return edition.say(key, aim=marks[0]["text"], growth=marks[-1]["text"])

    return chart(edition, "environment_and_policy.target", charts.bars, marks, title=title)


def evaluation(edition: Edition) -> Exhibit:
    """Places in the evaluation of demonstration cities over the years, with the number of sources that print each."""
    marks, known = [], series(edition, EVALUATION)
    held = [value_text(found) for found in known]
    for found, place in zip(known, held, strict=True):
        agree = found.rows["value"].between(found.low, found.high)
        text = "environment_and_policy.place_one" if len(agree) == 1 else "environment_and_policy.place_many"
        text = say(text, place=place, agree=agree.sum(), number=len(agree))
        name = say("environment_and_policy.place")
        marks.append(mark("", found.low, found.high, found.rows, text=text, series=name, year=found.cell.year))

    def title(marks: list[Row]) -> str:
        listed = wording.listing((place for place, _ in groupby(held)), say("environment_and_policy.then"))
        years = _when(marks[0]["year"], marks[-1]["year"])
        return edition.say("environment_and_policy.standing_title", places=listed, years=years)

    return chart(edition, "environment_and_policy.standing", charts.lines, marks, title=title, places=True)
