"""One row of a table of figures: each cell read by the rules of its column, each fault with its place and remedy."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import NamedTuple

from hzso_analysis.numerals import MISSING, missing_mark, read_number, split_marks, whole_year
from hzso_analysis.sheets import Cell, folded, plain
from hzso_analysis.vocabulary import CLOSED, SUPPRESSED, UNITS, closed_word, half_width, unit_name

NAMES = ["indicator", "flow", "category", "measure", "of", "unit", "currency", "qualifier"]
FREE = ["source", "locator", "note"]  # texts that may hold a date; elsewhere Excel made it of a band or of months
KINDS = {
    "formula": "the formula has no stored result; open and save the file in Excel, or type what belongs there",
    "error": "the cell holds an error; correct its formula or type what belongs there",
    "scaled": "the cell format shows it in thousands or millions; show and type the whole number",
    "date": "it is a date; format the cell as text and type the number again",
}
DECEMBER = 12
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"\d{{4}}[-/.年]\d{{1,2}}[-/.月]\d{{1,2}}日?( 0?0:00(:00)?)?|\d{{1,2}}[-/ ]({_MONTH})[a-z]*([-/ ]\d{{2,4}})?"
    rf"|({_MONTH})[a-z]*[-/ ]\d{{1,4}}|\d{{1,2}}月\d{{1,2}}日|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}",
    re.I,
)
_MONTHS = re.compile(r"(\d{1,2}) ?月? ?(?:to|-|~|至|到) ?(\d{1,2}) ?月?", re.I)


class Row(NamedTuple):
    """A row of a table: its cells by column, its place for messages, the address of each cell, a list for faults."""

    cells: dict[str, Cell]
    where: str
    letters: dict[str, str]
    faults: list[str]

    def fault(self, column: str, rule: str) -> None:
        """Note a fault of a cell: what was found and what to write instead."""
        cell = f" ({self.letters[column]})" if column in self.letters else ""
        found = plain(self.cells[column].text) or "nothing"
        self.faults.append(f"{self.where}: {column}{cell}: found {found}; {rule}")


def read_row(row: Row, notes: list[str]) -> dict[str, object]:
    """The typed row, with `printed` beside it; faults go to `row.faults`, what a reader should know to `notes`."""
    broken = {name for name, cell in row.cells.items() if cell.kind in ("formula", "error", "scaled")}
    for name in broken:
        row.fault(name, KINDS[row.cells[name].kind])
    texts, marks = _texts(row, broken)
    missing = None if "value" in broken else missing_mark(row.cells["value"].text)
    year = _year(row) if "year" not in broken else math.nan
    for name in ("indicator", "source"):
        # a figure that is still to be filled in needs no source yet
        if not texts[name] and name not in broken and (name == "indicator" or missing != "" or not texts["indicator"]):
            row.fault(name, "write an id")
    months = "" if "months" in broken else _months(row)
    since = None if "since" in broken else _since(row, texts["measure"], year)
    value, precision, number, mark = _amount(row, texts, broken, missing)
    if missing is None and texts["qualifier"] == SUPPRESSED:
        row.fault("value", "leave it blank where the qualifier says that it is suppressed")
    if missing is not None and texts["qualifier"] != SUPPRESSED:
        shown, meaning = plain(row.cells["value"].text) or "blank", MISSING.get(missing, "a mark without a number")
        notes.append(f"{row.where}: value: {shown} is a missing number" + f" ({meaning})" * (meaning != shown))
    if marks := marks + ([mark] if mark else []):
        broken_off = "; where it means a break in the series, breaks.csv must say so" * bool({"|", "｜"} & {*marks})
        notes.append(f"{row.where}: footnote mark {', '.join(marks)} kept in column note{broken_off}")
        texts["note"] = "; ".join(filter(None, [texts["note"], f"marked {', '.join(marks)}"]))
    unit = UNITS[texts["unit"]].normal if texts["unit"] in UNITS else texts["unit"]
    printed = missing if missing is not None else f"{number} {texts['unit']}"
    found = {"year": year, "months": months, "since": since, "value": value, "precision": precision}
    return texts | found | {"unit": unit, "printed": printed}


def is_year(text: str) -> bool:
    """Whether a text of a table is a year, footnote marks and quotes allowed.

    >>> is_year("2011年*"), is_year("注：2011")
    (True, False)
    """
    try:
        _table_year(text)
    except ValueError:
        return False
    return True


def _table_year(text: str) -> int:
    return whole_year(split_marks(text)[0].strip("'\"“”‘’"))


def _year(row: Row) -> float:
    try:
        return _table_year(row.cells["year"].text)
    except ValueError as error:
        row.fault("year", str(error))
        return math.nan


def _texts(row: Row, broken: set[str]) -> tuple[dict[str, str], list[str]]:
    """The texts of a row in plain form, names in normal width, and the footnote marks taken off names."""
    texts: dict[str, str] = {}
    marks: list[str] = []
    for column in [*NAMES, "months", *FREE]:
        cell = row.cells[column]
        text = plain(cell.text)
        if column in FREE:
            text = re.sub(r"^'(?=[=+@-])", "", text)  # our own CSV files keep such texts from being formulas in Excel
        if column in NAMES:
            text, mark = split_marks(text, name=True)
            text, marks = folded(text), marks + ([mark] if mark else [])
        if column not in FREE and (cell.kind == "date" or _DATE.fullmatch(folded(cell.text))):
            row.fault(column, _no_date(column, cell.text))
        texts[column] = text
    texts["measure"] = texts["measure"] or "level"
    for column, words in CLOSED.items():
        texts[column] = closed_word(column, texts[column])
        if column not in broken and texts[column] not in words and row.cells[column].kind != "date":
            row.fault(column, f"write one of {', '.join(word or '(blank)' for word in words)}")
    texts["unit"] = unit_name(texts["unit"])
    return texts, marks


def _no_date(column: str, text: str) -> str:
    made = re.fullmatch(r"\d{4}-(\d\d)-(\d\d).*", text)
    first, last = map(int, made.groups()) if made else (10, 30)
    if column == "months":
        first, last = (first, last) if made and first <= last <= DECEMBER else (1, 9)
        return f"it is a date; format the cell as text and type the months as in {first} to {last}"
    rule = f"type the band with words, such as USD {first} to {last} million"
    return f"it is a date, which Excel makes of a size band; format the cell as text and {rule}"


def _months(row: Row) -> str:
    cell, text = row.cells["months"], folded(row.cells["months"].text)
    if not text or cell.kind == "date" or _DATE.fullmatch(text):
        return ""
    match = _MONTHS.fullmatch(re.sub("[–—−]", "-", text))
    first, last = map(int, match.groups()) if match else (0, 0)
    if not 1 <= first <= last <= DECEMBER:
        row.fault("months", "leave blank for the whole year or write the first and last month as in 1 to 9")
        return text
    return "" if (first, last) == (1, DECEMBER) else f"{first} to {last}"


def _since(row: Row, measure: str, year: float) -> int | None:
    text = plain(row.cells["since"].text)
    needed = measure in ("average growth", "cumulative", "average")
    if not needed and text:
        row.fault("since", f"leave blank for a {measure}")
    if not needed:
        return None
    if not is_year(text):
        row.fault("since", f"write the first year of the {measure}, such as 2007")
        return None
    if _table_year(text) >= year:
        row.fault("since", f"must lie before {year}")
    return _table_year(text)


def _amount(row: Row, texts: dict[str, str], broken: set[str], missing: str | None) -> tuple[float, float, str, str]:
    """Value and half-width in the normal unit, the number as printed and its footnote mark."""
    cell, unit = row.cells["value"], UNITS.get(texts["unit"])
    if unit is None and "unit" not in broken:
        row.fault("unit", f"write one of {', '.join(UNITS)}")
    if unit is not None and unit.normal != "percent":
        if texts["measure"] in ("share", "growth", "average growth"):
            row.fault("unit", f"a {texts['measure']} is written in percent")
        if texts["currency"]:
            row.fault("currency", "leave blank where the unit names the currency")
    half = None if "precision" in broken else _precision(row)
    if cell.kind == "date":
        row.fault("value", KINDS["date"])
    if cell.kind or missing is not None:
        return math.nan, math.nan, "", ""
    try:
        number = read_number(cell.text)
    except ValueError as error:
        row.fault("value", str(error))
        return math.nan, math.nan, "", ""
    if unit is None:
        return math.nan, math.nan, "", ""
    if number.percent and unit.normal != "percent":
        row.fault("value", f"write percent into column unit, which says {texts['unit']}, or the number without %")
    decimals = number.decimals if cell.decimals is None else cell.decimals
    half = half_width(number.value, decimals, texts["unit"]) if half is None else half
    return float(number.value * unit.factor), float(half * unit.factor), number.text, number.marks


def _precision(row: Row) -> Decimal | None:
    cell = row.cells["precision"]
    if not plain(cell.text):
        return None
    try:
        value = None if cell.kind else read_number(cell.text).value
    except ValueError:
        value = None
    if value is None or value < 0:
        row.fault("precision", "write the half-width as a number of the printed unit, or leave blank")
    return value
