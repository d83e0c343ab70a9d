"""One row of a table of figures: each cell read by the rules of its column, each fault with its place and remedy."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from hzso_analysis.numerals import MISSING, YEAR_RULE, missing_mark, read_number, split_marks, whole_year
from hzso_analysis.sheets import Cell, folded, plain
from hzso_analysis.vocabulary import CLOSED, SUPPRESSED, UNITS, Unit, closed_word, half_width, unit_name

NAMES = ["indicator", "flow", "category", "measure", "of", "unit", "currency", "qualifier"]
FREE = ["source", "locator", "note"]  # texts that may hold a date; elsewhere Excel made it of a band or of months
# cells of which nothing can be read
BROKEN = {
    "formula": "the formula has no stored result; open and save the file in Excel, or type what belongs there",
    "error": "the cell holds an error; correct its formula or type what belongs there",
    "scaled": "the cell format shows it in thousands or millions; show and type the whole number",
}
SIGNS = {
    "USD": ("USD", "US", "$", "＄"),
    "CNY": ("CNY", "RMB", "¥", "￥"),
}  # one after the other, so that US$ goes as well
DECEMBER = 12
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"\d{{4}}[-/.年]\d{{1,2}}[-/.月]\d{{1,2}}日?( 0?0:00(:00)?)?|\d{{1,2}}[-/ ]({_MONTH})[a-z]*([-/ ]\d{{2,4}})?"
    rf"|({_MONTH})[a-z]*[-/ ]\d{{1,4}}|\d{{1,2}}月\d{{1,2}}日|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}",
    re.I,
)
_MONTHS = re.compile(r"(\d{1,2}) ?月? ?(?:to|-|~|至|到) ?(\d{1,2}) ?月?", re.I)


class Row(NamedTuple):
    """A row of a table: its cells by column, its place for messages, and its faults and their columns, to be found."""

    cells: dict[str, Cell]
    where: str
    faults: list[str]
    wrong: set[str]

    def fault(self, column: str, rule: str) -> None:
        """Note a fault of a cell: what was found and what to write instead; of a broken one only how to mend it.

        >>> row = Row({"unit": Cell("RMB")}, "a.csv:3", [], set())
        >>> row.fault("unit", "write CNY million")
        >>> row.faults
        ['a.csv:3: unit: found RMB; write CNY million']
        """
        cell = self.cells[column]
        self.wrong.add(column)
        place = f" ({cell.place})" if cell.place else ""
        said = f"{self.where}: {column}{place}: found {plain(cell.text) or 'nothing'}; {BROKEN.get(cell.kind, rule)}"
        if said not in self.faults:
            self.faults.append(said)


def read_row(row: Row, notes: list[str]) -> dict[str, object]:
    """The typed row, with `printed` beside it; faults go to `row.faults`, what a reader should know to `notes`."""
    for name, cell in row.cells.items():
        if cell.kind in BROKEN:
            row.fault(name, BROKEN[cell.kind])
    texts, marks = _texts(row)
    missing = missing_mark(row.cells["value"].text)
    year = table_year(row.cells["year"].text)
    if year is None:
        row.fault("year", YEAR_RULE)
    for name in ("indicator", "source"):
        # a figure that is still to be filled in needs no source yet
        if not texts[name] and (name == "indicator" or missing != "" or not texts["indicator"]):
            row.fault(name, "write an id")
    months, since = _months(row), _since(row, texts["measure"], year)
    value, precision, number, mark = _amount(row, texts, missing, notes)
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
    found: dict[str, object] = {"year": year, "months": months, "since": since, "value": value, "precision": precision}
    return texts | found | {"unit": unit, "printed": printed}


def table_year(text: str) -> int | None:
    """The year that a text of a table is, footnote marks and quotes allowed; None where it is none.

    >>> table_year("2011年*"), table_year("注：2011")
    (2011, None)
    """
    try:
        return whole_year(split_marks(text)[0].strip("'\"“”‘’"))
    except ValueError:
        return None


def _texts(row: Row) -> tuple[dict[str, str], list[str]]:
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
        if texts[column] not in words and row.cells[column].kind != "date":
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


def _since(row: Row, measure: str, year: int | None) -> int | None:
    text = row.cells["since"].text
    if measure not in ("average growth", "cumulative", "average"):
        if plain(text):
            row.fault("since", f"leave blank for a {measure}")
        return None
    since = table_year(text)
    if since is None:
        row.fault("since", f"write the first year of the {measure}, such as 2007")
    elif year and since >= year:
        row.fault("since", f"must lie before {year}")
    return since


def _amount(row: Row, texts: dict[str, str], missing: str | None, notes: list[str]) -> tuple[float, float, str, str]:
    """Value and half-width in the normal unit, the number as printed and its footnote mark."""
    cell, unit = row.cells["value"], UNITS.get(texts["unit"])
    if unit is None:
        row.fault("unit", f"write one of {', '.join(UNITS)}")
    elif unit.normal != "percent":
        if texts["measure"] in ("share", "growth", "average growth"):
            row.fault("unit", f"a {texts['measure']} is written in percent")
        if texts["currency"]:
            row.fault("currency", "leave blank where the unit names the currency")
    half = _precision(row)
    number = None
    if cell.kind == "date":
        row.fault("value", "it is a date; format the cell as text and type the number again")
    elif missing is None:
        try:
            number = read_number(_without_sign(cell.text, unit))
        except ValueError as error:
            row.fault("value", str(error))
    if number is None or unit is None:
        return math.nan, math.nan, "", ""
    if number.percent and unit.normal != "percent":
        row.fault("value", f"write percent into column unit, which says {texts['unit']}, or the number without %")
    decimals = number.decimals if cell.decimals is None else cell.decimals
    if decimals < number.decimals:  # the interval lies around what is shown, and Excel rounds half up
        shown = number.value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        notes.append(f"{row.where}: value ({cell.place}): holds {number.text}, read as it shows: {shown:f}")
        number = number._replace(value=shown, text=f"{shown:f}")
    half = half_width(number.value, decimals, texts["unit"]) if half is None else half
    return float(number.value * unit.factor), float(half * unit.factor), number.text, number.marks


def _without_sign(text: str, unit: Unit | None) -> str:
    """A number without the sign of the currency that its unit names; another one stays, and is a fault.

    >>> _without_sign("US$ 1,872", UNITS["USD million"]), _without_sign("¥1,872", UNITS["USD million"])
    ('1,872', '¥1,872')
    """
    for sign in SIGNS.get(unit.normal[:3], ()) if unit else ():
        text = plain(text).removeprefix(sign).lstrip()
    return text


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
