"""Read one file of published figures into a clean, typed table, or say everything that is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from hzso_analysis.faults import DataError, nearest
from hzso_analysis.numerals import MISSING, missing_mark, read_number, split_marks, whole_year
from hzso_analysis.plausibility import fractions, repeats, wrong_units
from hzso_analysis.sheets import Cell, Line, Sheet, folded, open_sheets, plain
from hzso_analysis.vocabulary import (
    COLUMNS,
    CURRENCIES,
    FLOWS,
    GUIDES,
    MANDATORY,
    MEASURES,
    QUALIFIERS,
    UNITS,
    closed_word,
    column_name,
    half_width,
    unit_name,
)

# texts that may hold a date; anywhere else Excel made one of a size band or of months
DATED = {"source", "locator", "note"}
NAMES = ["indicator", "flow", "category", "measure", "of", "unit", "currency", "qualifier"]
HEADER_NAMES = 3  # a line that names this many columns is the header
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"\d{{4}}[-/.年]\d{{1,2}}[-/.月]\d{{1,2}}日?( 0?0:00(:00)?)?|\d{{1,2}}[-/ ]({_MONTH})[a-z]*([-/ ]\d{{2,4}})?"
    rf"|({_MONTH})[a-z]*[-/ ]\d{{1,4}}|\d{{1,2}}月\d{{1,2}}日|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}",
    re.I,
)
_MONTHS = re.compile(r"(\d{1,2}) ?月? ?(?:to|-|~|至|到) ?(\d{1,2}) ?月?")
_REMARK = re.compile(
    r"(注|附注|备注|说明|资料来源|数据来源|来源|单位|notes?|sources?|remarks?|unit) ?[\d①-⑳]* ?[:：.、（(\[]"
    r"|[*＊†‡※]|[\[［(（]?(\d{1,2}|[a-z])[\]］)）]",
    re.I,
)


class Row(NamedTuple):
    """A row of a table: its cells by column, its place for messages, and where its faults go."""

    cells: dict[str, Cell]
    where: str
    letters: dict[str, str]
    faults: list[str]

    def fault(self, column: str, rule: str) -> None:
        """Note a fault of a cell: what was found and what to write instead."""
        cell = f" ({self.letters[column]})" if column in self.letters else ""
        found = plain(self.cells[column].text) or "nothing"
        self.faults.append(f"{self.where}: {column}{cell}: found {found}; {rule}")


def read_table(path: str | Path) -> pd.DataFrame:
    """Return the figures of one CSV file or workbook: one row per published number, values in the normal unit.

    Columns: those of the file format (`year` whole number, `months` blank or like `1 to 9`, `measure` filled in), with
    `value` and `precision` (its half-width) in the normal unit, and `printed` (value and unit as printed), `file`,
    `line`. A missing number is NaN, never zero, its mark stands in `printed`. Ids stay as typed: the codebook is the
    business of `load_figures`. `.attrs["notes"]` is the load report: encoding, conversions, marks, lines left out.

    Raises DataError with every fault of the file.
    """
    path = Path(path)
    faults: list[str] = []
    notes: list[str] = []
    sheets = open_sheets(path, notes)
    headers = [_header(sheet) for sheet in sheets]
    if all(header is None for header in headers):
        raise DataError([_no_header(path, sheets)])
    records = []
    for sheet, header in zip(sheets, headers, strict=True):
        if header is None:
            if sheet.lines:
                notes.append(f"{path.name}: sheet {sheet.name} names no columns and was not read")
            continue
        records += _records(path, sheet, header, notes, faults)
    table = pd.DataFrame(records, columns=[*COLUMNS, "printed", "file", "line", "where"])
    if not faults:
        table = table.astype({"year": "int64", "since": "Int64", "value": "float64", "precision": "float64"})
        table = _checked(table, notes, faults)
    if faults:
        raise DataError(faults)
    table.attrs["notes"] = notes
    return table


def _header(sheet: Sheet) -> tuple[int, list[str]] | None:
    """Where the header stands among the lines, and the columns it names."""
    for place, line in enumerate(sheet.lines[:30]):
        names = [column_name(cell.text) for cell in line.cells]
        if len(set(names) & set(COLUMNS)) >= HEADER_NAMES and {"year", "value"} & set(names):
            while names and not names[-1]:
                names.pop()
            return place, names
    return None


def _no_header(path: Path, sheets: list[Sheet]) -> str:
    lines = [line for sheet in sheets for line in sheet.lines if any(plain(cell.text) for cell in line.cells)]
    found = ", ".join(plain(cell.text) for cell in lines[0].cells)[:200] if lines else "nothing"
    number = lines[0].number if lines else 1
    rule = "if that is not what you see, save it as CSV UTF-8"
    wanted = "year, indicator, flow, category, value, unit, source"
    return f"{path.name}:{number}: no line names the columns; expected {wanted}; found {found}; {rule}"


def _columns(path: Path, line: Line, names: list[str], notes: list[str], faults: list[str]) -> None:
    """Check the columns of a header: the mandatory ones, none twice, no slip of the pen."""
    where = f"{path.name}:{line.number}"
    for name in MANDATORY:
        if name not in names:
            faults.append(f"{where}: column {name} is missing; found {', '.join(filter(None, names))}")
    for name in dict.fromkeys(filter(None, names)):
        if names.count(name) > 1:
            faults.append(f"{where}: column {name} appears more than once; keep one")
        elif name not in COLUMNS and name not in GUIDES:
            if hint := nearest(name, COLUMNS):
                faults.append(f"{where}: unknown column {name}{hint}")
            else:
                notes.append(f"{where}: column {name} is none of the figures' and was left out")


def _records(
    path: Path, sheet: Sheet, header: tuple[int, list[str]], notes: list[str], faults: list[str]
) -> list[dict]:
    """The rows below a header; what is wrong or worth a note is added to the lists."""
    place, names = header
    above = [plain(cell.text) for line in sheet.lines[:place] for cell in line.cells if plain(cell.text)]
    if above:
        notes.append(f"{path.name}: above the header, left out: {'; '.join(above)}")
    before = len(faults)
    _columns(path, sheet.lines[place], names, notes, faults)
    if len(faults) > before:
        return []
    lines = _filled(path, sheet, names, sheet.lines[place].number, notes, faults)
    records = []
    for line in lines[place + 1 :]:
        where = f"{path.name}:{line.number}"
        if said := _left_out(line, names):
            notes.append(f"{where}: {said}")
        elif fault := _misshapen(line, names, sheet):
            faults.append(f"{where}: {fault}")
        elif any(plain(cell.text) or cell.kind for cell in line.cells):
            cells = dict.fromkeys(COLUMNS, Cell("")) | dict(zip(names, line.cells, strict=False))
            letters = {name: f"{line.sheet}!{_letter(at)}{line.number}" for at, name in enumerate(names) if line.sheet}
            record = _record(Row(cells, where, letters, faults), notes)
            records.append(record | {"file": path.name, "line": line.number, "where": where})
    if sheet.delimiter == ";":
        _ambiguous(records, faults)
    return records


def _filled(path: Path, sheet: Sheet, names: list[str], header: int, notes: list[str], faults: list[str]) -> list[Line]:
    """The lines with merged cells filled downwards, and nothing else; a number cannot stand for several rows."""
    lines = {line.number: line for line in sheet.lines}
    for columns, rows, name in sheet.merged:
        if rows[0] <= header or len(rows) == 1:
            continue
        if numbers := {names[at] for at in columns if at < len(names)} & {"value", "precision"}:
            rule = "a number cannot stand for several rows; unmerge them and type each"
            faults.append(f"{path.name}:{rows[0]}: {numbers.pop()} ({sheet.name}!{name}): merged cells; {rule}")
            continue
        notes.append(f"{path.name}: merged cells {sheet.name}!{name} were filled downwards")
        for row in rows[1:]:
            cells = list(lines[row].cells)
            cells[columns[0]] = lines[rows[0]].cells[columns[0]]
            lines[row] = lines[row]._replace(cells=cells)
    return list(lines.values())


def _left_out(line: Line, names: list[str]) -> str:
    """What to say of a line that is no row of the table: a repeated header, a remark; nothing for a row."""
    texts = [plain(cell.text) for cell in line.cells]
    if [column_name(text) for text in texts][: len(names)] == names:
        return "repeats the header and was left out"
    filled = [at for at, text in enumerate(texts) if text]
    value = names.index("value")
    alone = len(filled) == 1 and filled[0] != value and not _is_year(texts[filled[0]])
    number = value < len(texts) and re.search(r"\d", texts[value])
    if filled and (alone or (_REMARK.match(texts[filled[0]]) and not number and not _is_year(texts[filled[0]]))):
        return f"remark, left out: {' '.join(filter(None, texts))}"
    return ""


def _is_year(text: str) -> bool:
    try:
        _year(text)
    except ValueError:
        return False
    return True


def _year(text: str) -> int:
    """A year as typed into a table, where footnote marks and quotes may stand around it."""
    return whole_year(split_marks(text)[0].strip("'\"“”‘’"))


def _misshapen(line: Line, names: list[str], sheet: Sheet) -> str:
    """What is wrong with a line as a whole: hidden, too many or too few fields, a text below no heading."""
    filled = any(plain(cell.text) or cell.kind for cell in line.cells)
    if filled and line.hidden:
        return "the row is hidden or filtered out; unhide it if it counts, delete it if it does not"
    beyond = [cell for cell in line.cells[len(names) :] if plain(cell.text)]
    if filled and not sheet.name and (beyond or len(line.cells) < len(names)):
        rule = "put a text or number that holds the separator, such as a category, in double quotes"
        return f"has {len(line.cells)} fields where {len(names)} are expected; {rule}"
    nameless = [cell for name, cell in zip(names, line.cells, strict=False) if not name and plain(cell.text)] + beyond
    if nameless:
        return f"found {plain(nameless[0].text)} in a column without a heading; name the column or empty it"
    return ""


def _letter(at: int) -> str:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    return get_column_letter(at + 1)


def _ambiguous(records: list[dict], faults: list[str]) -> None:
    """Where a semicolon separates columns a comma may be the decimal sign, unless a decimal point stands elsewhere."""
    texts = [record["printed"].partition(" ")[0] for record in records]
    if not any("." in text for text in texts):
        for record, text in zip(records, texts, strict=True):
            if "," in text:
                either = f"{text.replace(',', '')} or {text.replace(',', '.')}"
                faults.append(f"{record['where']}: value: found {text}; with ; between columns it can be {either}")


def _record(row: Row, notes: list[str]) -> dict[str, object]:
    texts, marks = _texts(row)
    year = math.nan
    try:
        year = _year(row.cells["year"].text)
    except ValueError as error:
        row.fault("year", str(error))
    texts["measure"] = texts["measure"] or "level"
    allowed = {"measure": MEASURES, "flow": FLOWS, "qualifier": QUALIFIERS, "currency": CURRENCIES}
    for column, words in allowed.items():
        if texts[column] not in words:
            row.fault(column, f"write one of {', '.join(word or '(blank)' for word in words)}")
    months, since = _months(row), _since(row, texts["measure"], year)
    value, precision, number, mark = _amount(row, texts)
    missing = missing_mark(row.cells["value"].text)
    if not texts["indicator"]:
        row.fault("indicator", "write an id")
    if not texts["source"] and missing != "":
        row.fault("source", "write an id")
    if missing is not None:
        meaning = MISSING.get(missing, "a mark without a number")
        shown = plain(row.cells["value"].text) or "blank"
        notes.append(f"{row.where}: value: {shown} is a missing number" + f" ({meaning})" * (meaning != shown))
    if marks := [*marks, mark] if mark else marks:
        notes.append(f"{row.where}: footnote mark {', '.join(marks)} kept in column note")
        texts["note"] = "; ".join(filter(None, [texts["note"], f"marked {', '.join(marks)}"]))
    unit = UNITS[texts["unit"]].normal if texts["unit"] in UNITS else texts["unit"]
    printed = f"{number} {texts['unit']}" if number else missing
    found = {"year": year, "months": months, "since": since, "value": value, "precision": precision}
    return texts | found | {"unit": unit, "printed": printed}


def _texts(row: Row) -> tuple[dict[str, str], list[str]]:
    """The texts of a row in plain form, names in normal width, and the footnote marks taken off names."""
    texts, marks = {}, []
    for column in [*NAMES, "months", *DATED]:
        cell = row.cells[column]
        if cell.kind in ("error", "formula"):
            row.fault(column, _KINDS[cell.kind])
        elif column not in DATED and (cell.kind == "date" or _DATE.fullmatch(folded(cell.text))):
            row.fault(column, _no_date(column, cell.text))
        text = plain(cell.text)
        if column in NAMES:
            text, mark = split_marks(text, name=True)
            text, marks = folded(text), marks + ([mark] if mark else [])
        texts[column] = text
    for column in ("flow", "measure", "qualifier", "currency"):
        texts[column] = closed_word(column, texts[column])
    texts["unit"] = unit_name(texts["unit"])
    return texts, marks


_KINDS = {
    "formula": "the formula has no stored result; open and save the file in Excel, or type the number",
    "error": "the cell holds an error; correct its formula or type what belongs there",
    "scaled": "the cell format shows it in thousands or millions; show the whole number",
    "date": "it is a date; format the cell as text and type the number again",
}


def _no_date(column: str, text: str) -> str:
    made = re.fullmatch(r"\d{4}-(\d\d)-(\d\d).*", text)
    first, last = map(int, made.groups()) if made else (10, 30)
    if column == "months":
        first, last = (first, last) if made and first <= last <= 12 else (1, 9)
        return f"it is a date; format the cell as text and type the months as in {first} to {last}"
    rule = f"type the band with words, such as USD {first} to {last} million"
    return f"it is a date, which Excel makes of a size band; format the cell as text and {rule}"


def _months(row: Row) -> str:
    text = folded(row.cells["months"].text)
    if not text or row.cells["months"].kind or _DATE.fullmatch(text):
        return ""
    match = _MONTHS.fullmatch(re.sub("[–—−]", "-", text))
    first, last = map(int, match.groups()) if match else (0, 0)
    if not 1 <= first <= last <= 12:
        row.fault("months", "leave blank for the whole year or write the first and last month as in 1 to 9")
        return text
    return "" if (first, last) == (1, 12) else f"{first} to {last}"


def _since(row: Row, measure: str, year: float) -> int | None:
    text = plain(row.cells["since"].text)
    needed = measure in ("average growth", "cumulative", "average")
    if not needed and text:
        row.fault("since", f"leave blank for a {measure}")
    if not needed:
        return None
    try:
        since = _year(text)
    except ValueError:
        row.fault("since", f"write the first year of the {measure}, such as 2007")
        return None
    if since >= year:
        row.fault("since", f"must lie before {year}")
    return since


def _amount(row: Row, texts: dict[str, str]) -> tuple[float, float, str, str]:
    """Value and half-width in the normal unit, the number as printed and its footnote mark."""
    cell, unit = row.cells["value"], UNITS.get(texts["unit"])
    if unit is None:
        row.fault("unit", f"write one of {', '.join(UNITS)}")
    elif texts["measure"] in ("share", "growth", "average growth") and unit.normal != "percent":
        row.fault("unit", f"a {texts['measure']} is written in percent")
    if texts["currency"] and unit is not None and unit.normal != "percent":
        row.fault("currency", "leave blank where the unit names the currency")
    nothing = math.nan, math.nan, "", ""
    if cell.kind:
        row.fault("value", _KINDS[cell.kind])
        return nothing
    if missing_mark(cell.text) is not None:
        return nothing
    try:
        number = read_number(cell.text)
    except ValueError as error:
        row.fault("value", str(error))
        return nothing
    if unit is None:
        return nothing
    if number.percent and unit.normal != "percent":
        row.fault("value", f"a percentage has unit percent, not {texts['unit']}")
    half = half_width(number.value, number.decimals if cell.decimals is None else cell.decimals, texts["unit"])
    half = _precision(row) or half
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


def _checked(table: pd.DataFrame, notes: list[str], faults: list[str]) -> pd.DataFrame:
    """The table without exact copies of rows; what rows say of each other goes to the notes and faults."""
    place = _line(table)
    notes += _conversions(table)
    copies = []
    for row, column, text, copy in repeats(table, place):
        if copy:
            copies.append(row.Index)
            notes.append(f"{row.where}: {text} and was left out")
        else:
            faults.append(f"{row.where}: {column}: {text}")
    table = table.drop(index=copies).reset_index(drop=True)
    for check in (wrong_units, fractions):
        faults += [f"{row.where}: {column}: {text}" for row, column, text in check(table, place)]
    return table.drop(columns="where")


def _line(table: pd.DataFrame) -> Callable[[object], str]:
    return lambda row: f"line {row.line}"


def _conversions(table: pd.DataFrame) -> Iterator[str]:
    """A note for each printed unit that is not the normal one: which rows, and what a unit was worth."""
    printed = table["printed"].str.partition(" ")[2]
    for name in dict.fromkeys(printed):
        if name in UNITS and UNITS[name].normal != name:
            rows = table[printed == name]
            lines = ", ".join(map(str, rows["line"]))
            worth = f"1 {name} = {UNITS[name].factor.normalize():f} {UNITS[name].normal}"
            yield f"{rows['file'].iloc[0]}: {name} converted, {worth}: line{'s' if len(rows) > 1 else ''} {lines}"
