"""Environment and policy: what surrounds the industry, the steps taken for it, its fund, its aims, its place."""

from __future__ import annotations

from itertools import groupby

import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters.scale import EXECUTED, growth_between
from hzso_analysis.constraints import interval
from hzso_analysis.edition import Edition, find, label, match, printed_rows, series, value_text
from hzso_analysis.exhibits import Exhibit, chart, mark, measure_rows, quantity_row, ratio_row, table
from hzso_analysis.exhibits import where_printed as where
from hzso_analysis.figures import codebook, load_policies

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
RATIOS = [
    ("Students enrolled for each graduate a year", ("students enrolled",), ("graduates a year",), 1, "people"),
    ("Students for each university or college", ("students enrolled",), ("universities and colleges",), 1, "people"),
    ("Related majors for each university", ("related majors",), ("universities and colleges",), 1, "majors"),
    ("International flights among all", ("flights", "", "international"), ("flights",), 100, "%"),
]


def _gap(edition: Edition, what: str) -> str:
    return f"No {what} was published for {wording.area_name(edition.area)} in {edition.year}."


def environment(edition: Edition) -> Exhibit:
    """Table of all that was printed about growth, finance, location and research staff."""
    return _printed_table(edition, ENVIRONMENT, "The environment", "figure on growth, finance or location")


def activities(edition: Edition) -> Exhibit:
    """Table of all that was printed about bodies, events, certifications and the group of cities."""
    book = codebook("indicators", edition.data_dir)
    others = book.loc[book["chapter"] == "environment_and_policy", "id"]
    names = [name for name in others if name not in [*ENVIRONMENT, *NAMED, *PLACES, FUND, TARGET]]
    return _printed_table(edition, names, "Bodies and events", "figure on bodies, events or certifications")


def places(edition: Edition) -> Exhibit:
    """Table of the places of the year, in the evaluation of cities and in other rankings."""
    return _printed_table(edition, PLACES, "Places in rankings", "place in a ranking")


def _printed_table(edition: Edition, names: list[str], heading: str, missing: str) -> Exhibit:
    """Every level, share and growth rate of these indicators printed for the year; the title has the first counts."""
    rows, own = [], match(edition.reconciliation.figures, {"area": edition.area, "year": edition.year})
    for name in names:
        printed = own[own["indicator"] == name].drop_duplicates(["months", "category", "measure"])
        for cell in printed.itertuples():
            words = [label(edition, "indicators", name)]
            words += [_small(label(edition, "categories", cell.category))] if cell.category != "total" else []
            words += [cell.measure] if cell.measure != "level" else []
            key, item = (name, "", cell.category), ", ".join(words)
            found = find(edition, *key, months=cell.months) if cell.measure == "level" else None
            lines = [quantity_row(item, found)] if found else measure_rows(edition, item, *key, cell.measure)
            for line in lines:
                source = line.pop("source")  # the last column is the widest
                rows.append(line | {"note": cell.note, "source": source})
    counts = [f"{row['value']} {_small(row['item'])}" for row in rows if row["unit"] in ("", "years")]
    said = counts or [f"{_small(row['item'])} {row['value']}" for row in rows]
    title = f"{wording.area_name(edition.area)}, {edition.year}: {wording.listing(said[:3])}"
    return table(edition, rows, title=title, heading=heading, gap=_gap(edition, missing))


def _small(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def ratios(edition: Edition) -> Exhibit:
    """Table of what the numbers of universities, students and flights come to."""
    rows = []
    for text, top, base, scale, unit in RATIOS:
        rows += ratio_row(edition, text, find(edition, *top), find(edition, *base), scale, unit)
    title = f"{rows[0]['item']}: {rows[0]['value']} {rows[0]['unit']}" if rows else ""
    note = "Bounds hold for every value within the rounding of both numbers."
    gap = _gap(edition, "pair of numbers that makes a ratio")
    return table(edition, rows, title=title, note=note, heading="Ratios", gap=gap)


def _steps(edition: Edition) -> pd.DataFrame:
    """Policy rows of the area that were printed or dated by the edition's year; `date` is the years as stated."""
    rows = load_policies(edition.area, data_dir=edition.data_dir)
    rows = rows[(rows["year"] <= edition.year) | (rows["since"] <= edition.year)]
    return rows.assign(date=[_when(since, until) for since, until in zip(rows["since"], rows["until"], strict=True)])


def _when(since: float, until: float) -> str:
    if pd.isna(since):
        return "no year stated" if pd.isna(until) else f"by {until:.0f}"
    return f"{since:.0f} to {until:.0f}" if until > since else f"{since:.0f}"


def _policies_table(edition: Edition, rows: pd.DataFrame, *, title: str, heading: str) -> Exhibit:
    """Policy rows as named, with their years and where they stand in the source."""
    lines = []
    for index, row in rows.iterrows():
        line = {"item": row["label_en"], "date": row["date"], "note": row["note"]}
        source = f"{row['source']}, {row['locator']}".removesuffix(", ")
        lines.append(line | {"source": source, "rows": rows.loc[[index]]})
    return table(edition, lines, title=title, heading=heading, gap=_unlisted(edition, heading.lower()))


def _unlisted(edition: Edition, what: str) -> str:
    return f"The table of policies has no {what} of {wording.area_name(edition.area)} for {edition.year}."


def documents(edition: Edition) -> Exhibit:
    """Table of the policy documents named by the edition's year, those without a year too."""
    rows = match(_steps(edition), {"kind": "document"})
    undated = rows["since"].isna().sum()
    title = f"{wording.counted(len(rows), 'policy document')} named, {undated or 'none'} without a year"
    return _policies_table(edition, rows, title=title, heading="Policy documents")


def aims(edition: Edition) -> Exhibit:
    """Table of the aims and key industries announced by the edition's year that run at least to it."""
    rows = _steps(edition)
    rows = rows[rows["kind"].isin(["aim", NAMED[0]]) & (rows["year"] <= edition.year) & (rows["until"] >= edition.year)]
    aim = rows["kind"] == "aim"
    title = f"{wording.counted(aim.sum(), 'aim')} and {(~aim).sum()} key industries to {rows['until'].max():.0f}"
    named = rows["label_en"].where(aim, "Key industry: " + rows["label_en"])
    return _policies_table(edition, rows.assign(label_en=named), title=title, heading="Aims")


def timeline(edition: Edition) -> Exhibit:
    """The dated steps of policy, each from its first to its last year."""
    rows = _steps(edition).dropna(subset="since").sort_values(["since", "until"], kind="stable")
    rows["until"] = rows["until"].fillna(rows["since"])
    marks = [mark(r.label_en, r.since, r.until, rows.loc[[r.Index]], text=r.date) for r in rows.itertuples()]
    title = f"{wording.counted(len(rows), 'step')} of policy in {wording.area_name(edition.area)} with a year"
    title += f": {_when(rows['since'].min(), rows['until'].max())}"
    words = {"subtitle": "Years as stated by the sources; a dot is a single year", "heading": "Steps of policy"}
    gap = _unlisted(edition, "dated steps")
    return chart(edition, charts.ranges, marks, title=title, gap=gap, middles=False, **words)


def counts(edition: Edition) -> Exhibit:
    """Table of printed counts beside the number of things that the same source names, or of years that it spans."""
    lines, steps = [], match(_steps(edition), {"year": edition.year})
    for name in NAMED:
        found, things = find(edition, name), match(steps, {"kind": name})
        if found:
            years = (things["until"] - things["since"] + 1).max()
            number = len(things) if pd.isna(years) else int(years)
            said = things["label_en" if pd.isna(years) else "date"]
            agrees = "yes" if found.low <= number <= found.high else "no" if number else ""
            line = {"item": label(edition, "indicators", name), "printed": value_text(found)}
            line |= {"named": str(number or "none"), "agrees": agrees}
            line |= {"note": "; ".join(filter(None, [", ".join(said), *things["note"]]))}
            line["source"] = where(found.rows)
            lines.append(line | {"rows": pd.concat([found.rows[["source"]], things[["source"]]])})
    title = f"{wording.counted(len(lines), 'printed count')}, none at odds with what is named"
    if wrong := [line for line in lines if line["agrees"] == "no"]:
        title = f"{wrong[0]['item']}: {wrong[0]['printed']} printed, {wrong[0]['named']} named"
    gap = _gap(edition, "count of industries, levels, layers or years")
    return table(edition, lines, title=title, heading="Counts and names", gap=gap)


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
        agrees = "yes" if fits else "no"
        agrees = "" if row["qualifier"] == "unclear" and not known else agrees
        line = {"item": _when(since, year), "printed": wording.printed(row), "all figures together": allowed}
        line |= {"unit": row["unit"], "agrees": agrees, "note": row["note"], "source": where(own), "rows": own}
        lines.append(line)
        if agrees == "no" and not odd:
            odd = f"{wording.amount(line['printed'], row['unit'])} printed for {line['item']} does not fit"
            odd += f": the other figures allow {allowed}" if allowed else ""
    title = odd or f"{wording.counted(len(lines), 'amount')} of the fund, none at odds with the others"
    gap = _gap(edition, "amount of a support fund")
    return table(edition, lines, title=title, heading="The support fund", gap=gap)


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
            sums = [{quantity.cell: 1000.0 for quantity in tops}, {quantity.cell: 1.0 for quantity in bases}]
            used = pd.concat([sure, *(quantity.rows for quantity in bases)])
            marks.append(mark(_when(years[0], years[-1]), *edition.reconciliation.ratio(*sums), used))

    def title(marks: list[dict]) -> str:
        said = [f"{row['text']} in {row['label']}" for row in marks[::-1]]
        return f"For each USD 1,000 executed offshore the fund has {currency} {wording.listing(said)}"

    currency = rows["unit"].iloc[0][:3] if len(rows) else ""
    note = f"{currency} per USD 1,000 of offshore contracts executed in the same years; nothing is converted"
    gap = _gap(edition, "fund and executed amount of the same years")
    words = {"heading": "The fund against contracts", "gap": gap}
    return chart(edition, charts.bars, marks, title=title, subtitle=note, **words)


def target(edition: Edition) -> Exhibit:
    """The growth a year that the aim asks for, beside the growth of offshore executed in the year."""
    rows, marks = printed_rows(edition, TARGET, "", "total", "level"), []
    for _, row in rows.head(1).iterrows():
        ends = interval(row["value"], row["precision"], row["qualifier"])
        ends = ((1 + end / 100) ** (1 / TARGET_YEARS) - 1 for end in ends)
        marks.append(mark(f"{wording.printed(row)} % in {TARGET_YEARS} years, a year", *ends, rows, fraction=True))
        found = find(edition, EXECUTED, "offshore")
        if bounds := found and growth_between(edition, found.cell):
            marks.append(mark(f"Offshore executed, {edition.year}", *bounds, found.rows, fraction=True))

    def title(marks: list[dict]) -> str:
        aim, *known = [row["text"] for row in marks]
        grown = "".join(f"; the growth of offshore executed in {edition.year} is {text}" for text in known)
        return f"The aim for output needs {aim} a year{grown}"

    note = "Growth in percent a year; the source of the aim does not define output"
    words = {"heading": "The growth aimed at", "gap": _gap(edition, "growth target")}
    return chart(edition, charts.bars, marks, title=title, subtitle=note, **words)


def evaluation(edition: Edition) -> Exhibit:
    """Places in the evaluation of demonstration cities over the years, with the number of sources that print each."""
    marks, area = [], wording.area_name(edition.area)
    for found in series(edition, EVALUATION):
        agree = found.rows["value"].between(found.low, found.high)
        text = f"{value_text(found)} ({agree.sum()} of {wording.counted(len(agree), 'source')})"
        marks.append(mark("", found.low, found.high, found.rows, text=text, series="place", year=found.cell.year))

    def title(marks: list[dict]) -> str:
        held = [place for place, _ in groupby(row["text"].split(" (")[0] for row in marks)]
        years = _when(marks[0]["year"], marks[-1]["year"])
        return f"{area}: place {wording.listing(held, 'then')} in the evaluation of demonstration cities, {years}"

    gap = f"No place in the evaluation of cities up to {edition.year} was published for {area}."
    words = {"subtitle": "Place among demonstration cities, 1 is best", "heading": "Places over the years", "gap": gap}
    return chart(edition, charts.lines, marks, title=title, places=True, **words)
