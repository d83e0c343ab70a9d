"""Read one file of published figures into a clean, typed table, or say everything that is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from hzso_analysis.faults import DataError, nearest
from hzso_analysis.numerals import missing_mark
from hzso_analysis.plausibility import fractions, numbered, placed, repeats, wrong_units
from hzso_analysis.rows import Row, read_row, table_year
from hzso_analysis.sheets import Cell, Line, Sheet, open_sheets, plain
from hzso_analysis.vocabulary import COLUMNS, GUIDES, MANDATORY, SUPPRESSED, UNITS, column_name

HEADER_NAMES = 3  # a line that names this many columns, year or value among them, is a header
HEADER_WITHIN = 30  # lines from the top
NUMBERS = {"year": "int64", "since": "Int64", "value": "float64", "precision": "float64"}
_REMARK = re.compile(
    r"(注|附注|备注|说明|资料来源|数据来源|来源|单位|notes?|sources?|remarks?|unit) ?[\d①-⑳]* ?[:：.、（(\[]"
    r"|[*＊†‡※]|[\[［(（]?(\d{1,2}|[a-z])[\]］)）]",
    re.I,
)


def read_table(path: str | Path, *, source: str = "") -> pd.DataFrame:
    """Return the figures of one CSV file or workbook: one row per published number, values in the normal unit.

    Columns: those of the file format (`year` whole number, `months` blank or like `1 to 9`, `measure` filled in), with
    `value` and `precision` (its half-width) in the normal unit, and `printed` (value and unit as printed), `file`,
    `line`. A missing number is NaN, never zero, its mark stands in `printed`. Ids stay as typed: the codebook is the
    business of `load_figures`. `source` is the source of rows that name none; without it each row must. The load
    report `.attrs["notes"]` says: encoding, conversions, marks, lines left out.

    Raises DataError with every fault of the file.

    >>> from hzso_analysis.folders import DATA_DIR
    >>> table = read_table(DATA_DIR / "hangzhou" / "2011.csv")
    >>> table.loc[table["printed"] == "1.872 USD billion", ["value", "precision"]].round(6).values.tolist()
    [[1872.0, 0.5]]
    """
    table, faults, _ = read_sound(path, source=source)
    if faults:
        raise DataError(faults)
    return table


def read_sound(path: str | Path, *, source: str = "") -> tuple[pd.DataFrame, list[str], pd.DataFrame]:
    """The rows of a file of which each by itself can be read, as `read_table` has them, and all faults of the file.

    The last are its other rows, as far as they can be read, without values: what a codebook says of them can be told
    at once. Their column `wrong` names the columns with a fault. Rows with the mark of a missing number are left out.
    Raises DataError where there is no table.
    """
    path = Path(path)
    faults: list[str] = []
    notes: list[str] = []
    sheet, header, names = _table_in(path.name, open_sheets(path, notes), notes)
    records, unsound = _records(sheet, header, names, notes, faults, source)
    table = pd.DataFrame(records, columns=[*COLUMNS, "printed", "file", "line"])
    # astype with a dict would copy each of the other columns too
    table = table.assign(**{name: table[name].astype(kind) for name, kind in NUMBERS.items()})
    table = _checked(table, notes, faults)
    table.attrs["notes"] = notes
    return table, faults, pd.DataFrame(unsound, columns=[*table.columns, "wrong"], dtype=object).assign(value=math.nan)


def unsaid(faults: list[str], unsound: pd.DataFrame) -> list[str]:
    """The faults but those of cells that `read_sound` has faults of, too.

    >>> rows = pd.DataFrame([{"file": "a.csv", "line": 2, "wrong": {"unit"}}])
    >>> unsaid(["a.csv:2: unit: does not fit", "a.csv:2: flow: found nothing"], rows)
    ['a.csv:2: flow: found nothing']
    """
    said = tuple(f"{placed(row)}: {column}:" for row in unsound.itertuples() for column in row.wrong)
    return [fault for fault in faults if not fault.startswith(said)]


def _header(sheet: Sheet) -> tuple[Line, list[str]] | None:
    """The line that is the header, and the columns it names."""
    for line in sheet.lines[:HEADER_WITHIN]:
        names = [column_name(cell.text) for cell in line.cells]
        if len(set(names) & set(COLUMNS)) >= HEADER_NAMES and {"year", "value"} & set(names):
            while not names[-1]:
                names.pop()
            return line, names
    return None


def _table_in(file: str, sheets: list[Sheet], notes: list[str]) -> tuple[Sheet, Line, list[str]]:
    """The one sheet with a table, its header and the columns; DataError for none and for several."""
    tables = [(sheet, *header) for sheet in sheets if (header := _header(sheet))]
    if len(tables) > 1:
        found = ", ".join(sheet.name for sheet, *_ in tables)
        rule = "keep one; hide or delete the others, or put all rows on one sheet"
        raise DataError([f"{file}:1: several sheets hold a table: {found}; {rule}"])
    if not tables:
        first = next((line for sheet in sheets for line in sheet.lines if line.text), Line(file, 1, []))
        found = first.text[:200] or "nothing"
        wanted = "year, indicator, flow, category, value, unit, source"
        rule = "name the columns, and give each number a row; if you see the names there, save the file as CSV UTF-8"
        raise DataError([f"{first.where}: no line names the columns; expected {wanted}; found {found}; {rule}"])
    for sheet in sheets:
        if sheet is not tables[0][0] and any(line.text for line in sheet.lines):
            notes.append(f"{file}: sheet {sheet.name} has no table of figures and was not read")
    return tables[0]


def _check_header(where: str, names: list[str], notes: list[str], source: str) -> None:
    """Raise DataError for a header without a mandatory column, with a column twice or with a slip of the pen."""
    found = ", ".join(filter(None, names))
    needed = [name for name in MANDATORY if name != "source" or not source]
    faults = [f"{where}: column {name} is missing; found {found}" for name in needed if name not in names]
    for name in dict.fromkeys(filter(None, names)):
        if names.count(name) > 1:
            faults.append(f"{where}: column {name} appears more than once; keep one")
        elif name not in COLUMNS and name not in GUIDES:
            if hint := nearest(name, COLUMNS):
                faults.append(f"{where}: unknown column {name}{hint}")
            else:
                notes.append(f"{where}: column {name} is none of the figures' and was left out")
    if faults:
        raise DataError(faults)


def _records(
    sheet: Sheet, header: Line, names: list[str], notes: list[str], faults: list[str], source: str
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The sound rows below a header and the others; what is wrong or worth a note is added to the lists."""
    for line in sheet.lines:
        if line.number < header.number and line.text:
            notes.append(f"{line.where}: above the header, left out: {line.text}")
    _check_header(header.where, names, notes, source)
    records, unsound, lines = [], [], _unmerged(sheet, header, names, notes, faults)
    for at, name in enumerate(names):
        if not name:
            _check_nameless(header.where, at, lines, notes, faults)
    for line in lines:
        if said := _left_out(line, names):
            notes.append(f"{line.where}: {said}")
        elif fault := _misshapen(line, names, sheet):
            faults.append(f"{line.where}: {fault}")
        else:
            cells = dict.fromkeys(COLUMNS, Cell("")) | dict(zip(names, line.cells, strict=False))
            cells |= {"source": Cell(source)} if source and not plain(cells["source"].text) else {}
            row = Row(cells, line.where, faults=[], wrong=set())
            record = read_row(row, notes) | {"file": line.file, "line": line.number}
            if not row.faults:
                records.append(record)
            elif missing_mark(cells["value"].text) is None or record["qualifier"] == SUPPRESSED:
                unsound.append(record | {"wrong": row.wrong})
            faults += row.faults
    if sheet.delimiter == ";":
        faults += _ambiguous(records)
    return records, unsound


def _unmerged(sheet: Sheet, header: Line, names: list[str], notes: list[str], faults: list[str]) -> list[Line]:
    """The filled lines below a header, merged cells filled downwards and nothing else.

    A number cannot stand for several rows, nor a text for several columns: those are faults.
    """
    lines = {line.number: line for line in sheet.lines if line.number > header.number}
    for area in sheet.merged:
        first, at = lines.get(area.min_row), area.min_col - 1
        if not first or not first.text or _left_out(first, names):
            continue
        name = names[at] if at < len(names) else ""
        where = f"{first.where}: {name} ({sheet.name}!{area})"
        if area.max_col > area.min_col or name in ("value", "precision"):
            faults.append(f"{where}: merged cells; unmerge them and type what belongs into each")
            continue
        notes.append(f"{where}: merged cells were filled downwards")
        for number in range(area.min_row + 1, area.max_row + 1):
            cells = lines[number].cells
            cells[at] = first.cells[at]._replace(place=cells[at].place)
    return [line for line in lines.values() if line.text]


def _left_out(line: Line, names: list[str]) -> str:
    """What to say of a line that is no row of the table: a repeated header, a remark; nothing for a row."""
    texts = [plain(cell.text) for cell in line.cells]
    if names[0] == column_name(texts[0]) and [column_name(text) for text in texts][: len(names)] == names:
        return "repeats the header and was left out"
    shown = dict(zip(names, texts, strict=False))
    value = shown.get("value", "")
    if re.search(r"\d", value) or table_year(shown.get("year", "")):
        return ""
    filled = [cell for cell in line.cells if plain(cell.text)]
    alone = len(filled) == 1 and not value and not filled[0].kind
    if alone and len(re.findall(r"[,;\t|]", filled[0].text)) >= len(names) - 1:
        return ""  # a row whose separators were not understood
    return f"remark, left out: {line.text}" if alone or _REMARK.match(plain(filled[0].text)) else ""


def _misshapen(line: Line, names: list[str], sheet: Sheet) -> str:
    """What is wrong with a line as a whole: hidden, too many or too few fields, a text below no heading."""
    if line.hidden:
        return "the row is hidden or filtered out; unhide it if it counts, delete it if it does not"
    beyond = [cell for cell in line.cells[len(names) :] if plain(cell.text)]
    if not sheet.name and (beyond or len(line.cells) < len(names)):
        rule = "put a text or number that holds the separator, such as a category, in double quotes"
        return f"has {len(line.cells)} fields where {len(names)} are expected; {rule}"
    for cell in line.cells:
        if "\n" in cell.text and cell.text.count(sheet.delimiter or "\0") >= len(names) - 1:
            return "a text in double quotes runs on over other rows; put a double quote where it ends"
    if beyond:
        return f"found {plain(beyond[0].text)} in a column without a heading; name the column or delete the text"
    return ""


def _check_nameless(where: str, at: int, lines: list[Line], notes: list[str], faults: list[str]) -> None:
    """Leave out a column without a heading that counts the rows; any other text in one is a fault."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    column = f"{where}: column {get_column_letter(at + 1)}"
    texts = [plain(line.cells[at].text) for line in lines if at < len(line.cells)]
    if any(texts) and [text.removesuffix(".0") for text in texts] in (
        [str(number) for number in range(start, start + len(texts))] for start in (0, 1)
    ):
        notes.append(f"{column} without a heading counts the rows and was left out")
    elif found := next(filter(None, texts), ""):
        faults.append(f"{column} has no heading, but texts such as {found}; name it or empty it")


def _ambiguous(records: list[dict[str, Any]]) -> Iterator[str]:
    """Where ; stands between columns, 1,345 of a large unit can have a decimal comma."""
    for record in records:
        text, _, unit = record["printed"].partition(" ")
        if "," in text and unit in UNITS and UNITS[unit].factor > 1:
            either = f"{text.replace(',', '')} or {text.replace(',', '.')}"
            yield f"{record['file']}:{record['line']}: value: found {text}, with ; between columns; write {either}"


def _checked(table: pd.DataFrame, notes: list[str], faults: list[str]) -> pd.DataFrame:
    """The table without rows that repeat a figure; what rows say of each other goes to the notes and faults."""
    notes += _conversions(table)
    again, rows = [], list(table.itertuples())
    for row, text, copy in repeats(rows, numbered):
        again.append(row.Index)
        if copy:
            notes.append(f"{row.file}: {numbered(row)} {text} and was left out")
        else:
            faults.append(f"{placed(row)}: value: {text}")
    faults += [*wrong_units(rows), *fractions(rows)]
    return table.drop(index=again).reset_index(drop=True) if again else table


def _conversions(table: pd.DataFrame) -> Iterator[str]:
    """A note for each printed unit that is not the normal one: which rows, and what a unit was worth."""
    printed = [text.partition(" ")[2] for text in table["printed"]]
    for name in dict.fromkeys(printed):
        if name in UNITS and UNITS[name].normal != name:
            rows = ", ".join(str(line) for line, unit in zip(table["line"], printed, strict=True) if unit == name)
            worth = f"1 {name} = {UNITS[name].factor.normalize():f} {UNITS[name].normal}"
            yield f"{table['file'].iloc[0]}: {name} converted, {worth}: rows {rows}"
