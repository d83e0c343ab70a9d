"""Cells of a page as cells of a workbook: texts back to the numbers they show, with formats that show the same texts.

A table is an exhibit record with rows, see `exhibits.record`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

from hzso_analysis.exhibits import TEXTS
from hzso_analysis.wording import say

GROUPED = r"-?(?:0|[1-9][0-9]{0,2}(?:,[0-9]{3})*)(?:\.[0-9]+)?"  # a number as wording.half_up writes it
PLAIN = re.compile(r"([+-]?)(0|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]*)(?:\.([0-9]+))?( %)?")
BETWEEN = re.compile(rf"({GROUPED})–({GROUPED})(?: %)?|({GROUPED}) to ({GROUPED}) %")
ONE_SIDED = re.compile(rf"(at least|at most) ({GROUPED})(?: %)?")
QUALIFIED = re.compile(rf"(?:over|under|about) {GROUPED}(?: %)?|no upper bound|[0-9]+(?:st|nd|rd|th)")
NOTHING = ("", "–")
WORDS, NUMBERS = 42, 22  # widest columns, in digits, which are the measure of width in a spreadsheet


class Cell(NamedTuple):
    """What is written to a cell, None for a blank, and the number format of a number."""

    content: str | float | None
    form: str = ""


class Column(NamedTuple):
    """A column of a sheet; `bound` is low, high or width where it was made for the column before it or the chart."""

    name: str
    cells: list[Cell]
    numeric: bool = False
    bound: str = ""


class Bars(NamedTuple):
    """What a chart draws: rows of the table; the places of their values, of the bars, of the paler ends; and the unit.

    The unit is a text, or the row and the place of the cell that says it, where row -1 is the header.
    """

    rows: list[int]
    main: int
    first: int
    width: int | None
    unit: str | tuple[int, int]


def plain_number(text: str) -> tuple[float, str] | None:
    """The number a text is and the format in which Excel shows exactly this text; None for any other text.

    >>> plain_number("1,872"), plain_number("-9.8"), plain_number("66.14 %"), plain_number("over 84,700")
    ((1872.0, '#,##0'), (-9.8, '#,##0.0'), (66.14, '#,##0.00" %"'), None)
    """
    if not (found := PLAIN.fullmatch(text)):
        return None
    sign, whole, decimals, percent = found.groups(default="")
    number = float(f"{sign}{whole}.{decimals}".replace(",", ""))
    if (sign and not number) or len(whole.replace(",", "") + decimals) > 15:  # Excel knows no -0 and 15 digits
        return None
    form = "0" if len(whole) > 3 and "," not in whole else "#,##0"
    form = f"{form}.{'0' * len(decimals)}" if decimals else form
    return number, ('"+"' if sign == "+" else "") + form + ('" %"' if percent else "")


def bounds(text: str) -> tuple[float | None, float | None] | None:
    """The bounds an interval or a number says, None for an open end; None for any other text.

    >>> bounds("2,033–2,034"), bounds("-5.0 to -10.0 %"), bounds("at most 401"), bounds("2"), bounds("2008 to 2011")
    ((2033.0, 2034.0), (-10.0, -5.0), (None, 401.0), (2.0, 2.0), None)
    """
    if one := plain_number(text):
        return one[0], one[0]
    if found := BETWEEN.fullmatch(text):
        low, high = sorted(float(end.replace(",", "")) for end in found.groups() if end)
        return low, high
    if found := ONE_SIDED.fullmatch(text):
        end = float(found[2].replace(",", ""))
        return (end, None) if found[1] == "at least" else (None, end)
    return None


def table_columns(record: dict[str, Any]) -> list[Column]:
    """The columns of a table's sheet: those of the page, each with its bounds after it, status and source last.

    >>> columns = ["item", "value", "source", "low", "high"]
    >>> for column in table_columns({"columns": columns, "rows": [["ITO", "1,345", "City", 1344.7921, None]]}):
    ...     print(column.name, column.cells[0])
    item Cell(content='ITO', form='')
    value Cell(content=1345.0, form='#,##0')
    low Cell(content=1344.7921, form='#,##0.00')
    high Cell(content=None, form='')
    source Cell(content='City', form='')
    """
    table = {name: [row[place] for row in record["rows"]] for place, name in enumerate(record["columns"])}
    texts = {name: [text if isinstance(text, str) else "" for text in cells] for name, cells in table.items()}
    owner = _owner(table, texts) if {"low", "high"} <= set(table) else None
    hidden = ["low", "high"] if owner else []
    last = [name for name in ("status", "source") if name in table]
    made = []
    for name in [name for name in table if name not in [*hidden, *last]] + last:
        numeric = _is_numeric(name, table[name])
        made.append(Column(name, [_cell(cell, name) for cell in table[name]], numeric))
        if name == owner:
            ends = list(zip(table["low"], table["high"], strict=True))
            known = [_or_said(*row) for row in zip(texts[name], ends, strict=True)]
        elif numeric and any(bounds(text) and not plain_number(text) for text in texts[name]):
            known = [bounds(text) or (None, None) for text in texts[name]]
        else:
            continue
        titles = [say("downloads.low", column=name), say("downloads.high", column=name)]
        titles = [say("downloads.value_low"), say("downloads.value_high")] if name == "value" else titles
        for place, (end, title) in enumerate(zip(("low", "high"), titles, strict=True)):
            cells = [_bound_cell(row[place], text) for row, text in zip(known, texts[name], strict=True)]
            made.append(Column(title, cells, numeric=True, bound=end))
    return made


def _is_numeric(name: str, cells: list[Any]) -> bool:
    """Whether most of a column is numbers or intervals, with or without a qualifier; – and blanks do not count."""
    if name in TEXTS:
        return False
    said = [cell for cell in cells if cell not in (*NOTHING, None)]
    figures = [cell for cell in said if not isinstance(cell, str) or bounds(cell) or QUALIFIED.fullmatch(cell)]
    return 2 * len(figures) > len(said) or not said


def _cell(cell: str | float | None, name: str) -> Cell:
    """A cell of a record; a text that is one number becomes it, but not in a column of words or dates."""
    if cell is None or cell == "":
        return Cell(None)
    if not isinstance(cell, str):
        return Cell(cell, "0" if isinstance(cell, int) else "General")
    return Cell(*(plain_number(cell) or [cell])) if name not in TEXTS else Cell(cell)


def _owner(table: dict[str, list[Any]], texts: dict[str, list[str]]) -> str | None:
    """The column that `low` and `high` are the bounds of: `value`, or the first one whose texts agree with them."""
    if "value" in table:
        return "value"
    for name in table:
        if name in TEXTS or name in ("low", "high"):
            continue
        rows = list(zip(texts[name], table["low"], table["high"], strict=True))
        if any(bounds(row[0]) for row in rows) and all(_agree(text, *ends) for text, *ends in rows):
            return name
    return None


def _agree(text: str, low: float | None, high: float | None) -> bool:
    """Whether bounds are those that a text says, up to its rounding; a text that says none agrees with all."""
    slack = 10.0 ** -_decimals(text)
    pairs = zip(bounds(text) or (None, None), (low, high), strict=True)
    return all(said is None or end is None or abs(said - end) <= slack + 0.01 * abs(said) for said, end in pairs)


def _or_said(text: str, ends: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    """The bounds of a record, or what its text says where it has none."""
    return ends if ends != (None, None) else bounds(text) or ends


def _decimals(text: str) -> int:
    return max(map(len, re.findall(r"\.([0-9]+)", text)), default=0)


def _bound_cell(number: float | None, text: str) -> Cell:
    """A bound that shows the digits its text gives it; one that its text does not name shows up to two decimals."""
    if number is None:
        return Cell(None)
    least = _decimals(text) if number else 0  # the pages write zero without decimals
    most = least if bounds(text) and not plain_number(text) else max(2, least)
    decimals = next(d for d in range(least, most + 1) if round(number, d) == round(number, most))
    form = "#,##0" + ("." + "0" * decimals if decimals else "")
    return Cell(number, form + ('" %"' if text.endswith("%") else ""))


def numbers_of(column: Column) -> dict[int, float]:
    """The numbers of a column by their rows."""
    return {row: cell.content for row, cell in enumerate(column.cells) if isinstance(cell.content, float | int)}


def with_bars(columns: list[Column]) -> tuple[list[Column], Bars | None]:
    """The columns, with one more for the paler ends of bars where there are any, and what the chart of the table draws.

    Drawn are the rows of the largest group with one unit whose first numeric column is known. Bars begin at zero, so
    where a bound is negative only rows that are single numbers are drawn. None where there is nothing to draw.
    """
    main = next((place for place, column in enumerate(columns) if column.numeric and not column.bound), None)
    if main is None:
        return columns, None
    if [column.bound for column in columns[main + 1 : main + 3]] == ["low", "high"]:
        bars = _largest_group(columns, main, main + 1)
        lows, highs = numbers_of(columns[main + 1]), numbers_of(columns[main + 2])
        if bars and min(lows[row] for row in bars.rows) >= 0:
            widths = {row: float(f"{highs[row] - lows[row]:.10g}") for row in bars.rows if row in highs}
            if not any(widths.values()):
                return columns, bars
            cells = [_bound_cell(widths.get(row), "") for row in range(len(columns[main].cells))]
            more = Column(say("downloads.width"), cells, numeric=True, bound="width")
            return [*columns, more], bars._replace(width=len(columns))
    return columns, _largest_group(columns, main, main)


def _largest_group(columns: list[Column], main: int, first: int) -> Bars | None:
    """The most rows with one unit that have a number in column `first`; percent may stand in the text of `main`."""
    units = next((place for place, column in enumerate(columns) if column.name == "unit"), None)
    groups: dict[str, list[int]] = {}
    for row in numbers_of(columns[first]):
        shown = columns[main].cells[row]
        said = str(columns[units].cells[row].content or "") if units is not None else ""
        groups.setdefault("%" if "%" in (shown.form or str(shown.content)) else said, []).append(row)
    if not groups:
        return None
    unit, rows = max(groups.items(), key=lambda group: len(group[1]))
    place = (-1, main) if units is None or not unit else (rows[0], units)
    return Bars(rows, main, first, None, unit if unit == "%" else place)


def width_of(column: Column) -> int:
    """The width of a column in Latin letters: that of its widest cell or word of its header, within bounds."""
    words = [_breadth(word) + 5 for word in column.name.split()]  # the button of the filter
    return min(
        max([8, *words, *(_breadth(_as_shown(cell)) + 3 for cell in column.cells)]),
        NUMBERS if column.numeric else WORDS,
    )


def row_lines(columns: list[Column], widths: list[int], row: int) -> int:
    """How many lines a row takes, row -1 is the header."""
    texts = [_as_shown(column.cells[row]) if row >= 0 else column.name for column in columns]
    return max(
        lines_of(text, 1.1 * width if row >= 0 else width - 3) for text, width in zip(texts, widths, strict=True)
    )


def lines_of(text: str, width: float) -> int:
    """How many lines a text takes in a column so many Latin letters wide.

    >>> lines_of("two words", 9), lines_of("two words", 8), lines_of("", 8), lines_of("杭州", 2)
    (1, 2, 1, 2)
    """
    lines, left = 1, width
    for part in re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s?|\s", text):
        size = _breadth(part.rstrip())
        if size > left and left < width:
            lines, left = lines + 1, width
        lines += int(max(size - 1, 0) // width)
        left -= size % width if size > width else _breadth(part)
    return lines


def _breadth(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _as_shown(cell: Cell) -> str:
    """About what a cell shows."""
    if isinstance(cell.content, float | int):
        decimals = len(cell.form.partition(".")[2].partition('"')[0]) if cell.form != "General" else 3
        return f"{cell.content:,.{decimals}f}" + " %" * ("%" in cell.form)
    return cell.content or ""
