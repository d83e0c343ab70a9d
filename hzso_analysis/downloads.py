"""What readers take along: an exhibit as CSV text, and all tables of a report as one workbook with native charts.

Both are made of the records of `exhibits.record`. Nothing in the data becomes a formula, a link or another number.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range, xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from hzso_analysis.cells import PLAIN, Bars, Column, lines_of, numbers_of, row_lines, table_columns, width_of, with_bars
from hzso_analysis.palette import BLUE, INK, MUTED, RULE
from hzso_analysis.sheets import CONTROL, FORMULA
from hzso_analysis.template import MADE
from hzso_analysis.wording import heading, say

RISKY = (*FORMULA, *"\t\r\n＝＋－＠")  # full-width signs begin a formula where Excel is set up for Chinese
PALE = "#c8dafe"  # a third of BLUE
HEAD = 2  # the row of the header, below title and back-link
LINE = 15  # points
STAMP = "#a50e0e"
HEADER = {"bold": True, "bg_color": "#e8f0fe", "bottom": 1, "valign": "vcenter"}
LINK = {"font_color": "#0563c1", "underline": 1, "text_wrap": False}
LINED = {"bottom": 1, "bottom_color": RULE}
Record = dict[str, Any]


class Sheet(NamedTuple):
    """A sheet of the workbook: its name, the chapter and the record it shows, and whether with a chart."""

    name: str
    chapter: str
    record: Record
    main: bool


def csv_copy(record: Record) -> str:
    r"""An exhibit record as CSV text: its rows under a header, then title, note and source.

    A text that Excel would take for a formula gets an apostrophe in front; a number that is not known is blank.

    >>> rows = [["ITO", "-9.8 %", 1.5], ["=A1", "–", None]]
    >>> csv_copy({"columns": ["item", "value", "low"], "rows": rows, "title": "Finding", "note": "", "source": "City"})
    "item,value,low\r\nITO,-9.8 %,1.5\r\n'=A1,–,\r\n\r\nFinding\r\nCity\r\n"
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if record["columns"]:
        writer.writerows([_guarded(cell) for cell in row] for row in [record["columns"], *record["rows"]])
        out.write("\r\n")
    writer.writerows([_guarded(record[name])] for name in ("title", "note", "source") if record[name])
    return out.getvalue()


def csv_link(record: Record) -> str:
    """The CSV copy as a `data:` address, with a byte order mark so that Excel shows Chinese.

    >>> csv_link({"columns": [], "rows": [], "title": "杭州", "note": "", "source": ""})
    'data:text/csv;charset=utf-8;base64,77u/5p2t5beeDQo='
    """
    raw = csv_copy(record).encode("utf-8-sig")
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(raw).decode('ascii')}"


def _guarded(cell: str | float | None) -> str | float | None:
    risky = isinstance(cell, str) and cell.startswith(RISKY) and not PLAIN.fullmatch(cell)
    return f"'{cell}" if risky else cell


def tables_workbook(chapters: list[tuple[str, str, list[Record]]], title: str, stamps: Iterable[str] = ()) -> bytes:
    """All tables of a report as an Excel workbook: contents, a sheet a table, a chart for the first of each chapter.

    `chapters` are (stem of the notebook such as 01_scale, name, records in order); charts are passed over, and so are
    gaps where a chart would be. Each of `stamps` stands on every sheet. The same input gives the same bytes.

    >>> tables_workbook([("01_scale", "Scale", [])], "Report")[:2]
    b'PK'
    """
    sheets = _sheets(chapters)
    raw = io.BytesIO()
    off = dict.fromkeys(["strings_to_formulas", "strings_to_urls", "strings_to_numbers"], False)
    with xlsxwriter.Workbook(raw, {"in_memory": True, **off}) as book:
        book.set_properties({"title": _clean(title), "created": MADE})

        @cache
        def style(**options: Any) -> Format:
            return book.add_format({"valign": "top", "text_wrap": True} | options)

        contents = book.add_worksheet(say("downloads.contents"))
        _fill_contents(contents, style, sheets, _clean(title))
        for each in sheets:
            sheet = book.add_worksheet(each.name)
            if each.record["rows"]:
                _fill_table(book, sheet, style, each)
            else:
                _fill_gap(sheet, style, each)
        for sheet in book.worksheets() if (said := " ".join(_clean(list(stamps)))) else []:
            _stamp(sheet, style, said)
    return raw.getvalue()


def _sheets(chapters: list[tuple[str, str, list[Record]]]) -> list[Sheet]:
    """A sheet for each table and each table that is a gap, in order, with names that Excel takes."""
    made: list[Sheet] = []
    for stem, chapter, records in _clean(chapters):
        first = True
        for record in records:
            if record["chart"]:
                continue
            name = _sheet_name(stem, chapter, record["name"], {sheet.name.casefold() for sheet in made})
            # the table of sources closes each chapter and is never its main one
            main = first and bool(record["rows"]) and "publisher" not in record["columns"]
            made.append(Sheet(name, chapter, record, main))
            first = first and not main
    return made


def _sheet_name(stem: str, chapter: str, table: str, taken: set[str]) -> str:
    """A name such as 1 Scale T2, cut in the middle to what Excel allows, with a count where it is taken."""
    number = (re.match(r"[0-9]+", stem) or [""])[0][-4:]
    words = " ".join(re.sub(r"[\[\]:*?/\\]|_(?=x[0-9A-Fa-f]{4}_)", " ", chapter).split())
    digits = (re.findall(r"[0-9]+", table) or [""])[-1][-4:]
    taken |= {say("downloads.contents").casefold()}
    count = 1
    while True:
        again = f" ({count})" if count > 1 else ""
        name = say("downloads.sheet", chapter=number.lstrip("0") or number[:1], name=words, table=digits)
        name = " ".join(name.split()).strip("' ") + again
        if len(name.encode("utf-16-le")) > 2 * 31:
            words = words[:-1].rstrip()
        elif name.casefold() in taken:
            count += 1
        else:
            return name


def _clean(part: Any) -> Any:
    """A text, or all texts of lists and records, without characters that no file of Excel can hold."""
    if isinstance(part, list | tuple):
        return [_clean(each) for each in part]
    if isinstance(part, dict):
        return {name: _clean(each) for name, each in part.items()}
    return CONTROL.sub("", part) if isinstance(part, str) else part


def _fill_contents(sheet: Worksheet, style: Any, sheets: list[Sheet], title: str) -> None:
    """The contents: the title of the report and a row a table, with a link to its sheet."""
    sheet.write_string(0, 0, title, style(bold=True, font_size=14, text_wrap=False))
    names = [say("downloads.chapter"), say("downloads.table"), say("downloads.finding"), say("downloads.rows")]
    for place, (name, width) in enumerate(zip(names, (26, 11, 90, 8), strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(HEAD, place, name, style(**HEADER))
    for row, each in enumerate(sheets, start=HEAD + 1):
        sheet.write_string(row, 0, each.chapter, style(**LINED))
        sheet.write_url(row, 1, f"internal:{_quoted(each.name)}!A1", style(**LINK, **LINED), each.record["name"])
        sheet.write_string(row, 2, each.record["title"], style(**LINED))
        sheet.set_row(row, LINE * lines_of(each.record["title"], 100))
        sheet.write_number(row, 3, len(each.record["rows"]), style(**LINED))
    last = HEAD + len(sheets)
    sheet.autofilter(HEAD, 0, last, len(names) - 1)
    _paragraph(sheet, style(font_color=MUTED), last + 2, 3, 135, say("downloads.reading"))
    _set_up(sheet)


def _set_up(sheet: Worksheet, *, header: bool = True, pages: int = 0) -> None:
    """How a sheet scrolls and prints: one page wide and as many high as it takes, or as asked for."""
    if header:
        sheet.freeze_panes(HEAD + 1, 1)
        sheet.repeat_rows(HEAD)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, pages)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.hide_gridlines(2)


def _stamp(sheet: Worksheet, style: Any, text: str) -> None:
    """What must stand on every sheet: beside the way back, where it stays in view, and on top of each printed page."""
    sheet.write_string(1, 1, text, style(bold=True, font_color=STAMP, text_wrap=False))
    sheet.set_header(f"&L&B&K{STAMP[1:]}{text.replace('&', '&&')}")


def _fill_gap(sheet: Worksheet, style: Any, each: Sheet) -> None:
    """A table without rows: that it has none, and why."""
    sheet.set_column(0, 0, 100)
    _head(sheet, style, each, 0, 100)
    sheet.write_string(HEAD, 0, say("downloads.gap"), style(bold=True))
    _paragraph(sheet, style(), HEAD + 1, 0, 100, each.record["note"])
    _set_up(sheet, header=False)


def _fill_table(book: xlsxwriter.Workbook, sheet: Worksheet, style: Any, each: Sheet) -> None:
    """A table: its title, the rows under a header, note and source below, and the chart under them."""
    columns, bars = table_columns(each.record), None
    if each.main:
        columns, bars = with_bars(columns)
    last, widths = HEAD + len(each.record["rows"]), [width_of(column) for column in columns]
    for place, (column, width) in enumerate(zip(columns, widths, strict=True)):
        sheet.set_column(place, place, width)
        align = {"align": "right"} if column.numeric else {"align": "left", "indent": min(place, 1)}
        header = HEADER | align | ({"indent": 2} if column.numeric else {})  # room for the button of the filter
        sheet.write_string(HEAD, place, heading(column.name), style(**header))
        for row, cell in enumerate(column.cells, start=HEAD + 1):
            if cell.content is None:
                sheet.write_blank(row, place, None, style(**LINED))
            elif isinstance(cell.content, str):
                sheet.write_string(row, place, cell.content, style(**LINED, **align))
            else:
                sheet.write_number(row, place, cell.content, style(**LINED, **align, num_format=cell.form))
    for row in range(-1, len(each.record["rows"])):
        sheet.set_row(HEAD + 1 + row, LINE * row_lines(columns, widths, row) + 1)
    sheet.autofilter(HEAD, 0, last, len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": xl_range(HEAD, 0, last, len(columns) - 1)})
    _head(sheet, style, each, len(columns) - 1, sum(widths))
    below = last + 2
    for name in ("note", "source"):
        if each.record[name]:
            _paragraph(sheet, style(font_color=MUTED), below, len(columns) - 1, sum(widths), each.record[name])
            below += 1
    if bars:
        _draw(book, sheet, each, columns, bars, below + 1, sum(widths))
    # a chart is cut where a page ends, so a short table with one goes on one page
    _set_up(sheet, pages=1 if bars and len(each.record["rows"]) <= 20 else 0)


def _head(sheet: Worksheet, style: Any, each: Sheet, last: int, width: float) -> None:
    """The title of a table and the way back to the contents."""
    _paragraph(sheet, style(bold=True, font_size=14), 0, last, width / 1.3, each.record["title"])
    contents = say("downloads.contents")
    sheet.write_url(1, 0, f"internal:{_quoted(contents)}!A1", style(**LINK), say("downloads.back"))


def _paragraph(sheet: Worksheet, form: Format, row: int, last: int, width: float, text: str) -> None:
    """A text across the columns up to `last`, as high as it needs: no spreadsheet does that for merged cells."""
    if last:
        sheet.merge_range(row, 0, row, last, "", form)
    sheet.write_string(row, 0, text, form)
    sheet.set_row(row, LINE * lines_of(text, width) * form.font_size / 11 + 2)


def _draw(
    book: xlsxwriter.Workbook, sheet: Worksheet, each: Sheet, columns: list[Column], bars: Bars, row: int, width: int
) -> None:
    """A bar chart of the cells above it; what lies between two bounds is a paler end.

    Titles are given as the cells that hold them: a text of its own would be a formula where it looks like one.
    """
    chart = book.add_chart({"type": "bar", "subtype": "stacked"})
    labels, texts = _cells_of(each.name, columns, bars.rows, 0)
    both = (bars.first, BLUE, say("downloads.at_least")), (bars.width, PALE, say("downloads.up_to"))
    for place, colour, name in both:
        if place is not None:
            values, numbers = _cells_of(each.name, columns, bars.rows, place)
            series: dict[str, Any] = {"categories": labels, "categories_data": texts, "values": values}
            series |= {"values_data": numbers, "fill": {"color": colour}, "border": {"color": BLUE, "width": 0.75}}
            chart.add_series(series | {"name": name, "gap": 60})
    small = {"size": 9, "color": INK, "bold": False}
    title = {"name_font": small | {"bold": True, "size": 11}}
    chart.set_title(_cell_title(each.name, 0, 0, each.record["title"]) | title)
    upright = {"num_font": small, "major_tick_mark": "none", "label_position": "low"}
    chart.set_y_axis(upright | {"reverse": True, "crossing": "max"})
    lows = [number for line, number in numbers_of(columns[bars.first]).items() if line in bars.rows]
    axis = {"num_font": small, "name_font": small, "num_format": "#,##0" if max(lows) >= 10 else "General"}
    axis |= {"major_gridlines": {"visible": True, "line": {"color": RULE}}, "line": {"none": True}}
    chart.set_x_axis(axis | ({"min": 0} if min(lows) >= 0 else {}) | _unit_title(each.name, columns, bars.unit))
    chart.set_legend({"position": "bottom", "font": small} if bars.width else {"none": True})
    chart.set_size({"width": min(max(7 * width, 600), 960), "height": 140 + 36 * len(bars.rows)})
    place = each.record["columns"].index(columns[bars.main].name)
    said = "; ".join(f"{each.record['rows'][line][0]}: {each.record['rows'][line][place]}" for line in bars.rows[:12])
    sheet.insert_chart(row, 0, chart, {"description": f"{each.record['title']}. {said}", "object_position": 2})


def _cells_of(sheet: str, columns: list[Column], rows: list[int], place: int) -> tuple[str, list[Any]]:
    """A column's cells in these rows as a chart refers to them, and what they hold."""
    runs = [[line for _, line in run] for _, run in groupby(enumerate(rows), lambda pair: pair[1] - pair[0])]
    refs = [xl_range_abs(HEAD + 1 + run[0], place, HEAD + 1 + run[-1], place) for run in runs]
    refs = [f"{_quoted(sheet)}!{ref}" for ref in refs]
    held = [columns[place].cells[line].content for line in rows]
    return f"={refs[0]}" if len(refs) == 1 else f"=({','.join(refs)})", held


def _cell_title(sheet: str, row: int, place: int, text: str) -> dict[str, Any]:
    """A title of a chart that is the text of a cell."""
    return {"name_formula": f"={_quoted(sheet)}!{xl_rowcol_to_cell(row, place, True, True)}", "data": [text]}


def _unit_title(sheet: str, columns: list[Column], unit: str | tuple[int, int]) -> dict[str, Any]:
    """The title of the axis of values: the unit, or what the column is called."""
    if isinstance(unit, str):
        return {"name": unit}
    row, place = unit
    text = heading(columns[place].name) if row < 0 else str(columns[place].cells[row].content)
    return _cell_title(sheet, HEAD + 1 + row, place, text)


def _quoted(sheet: str) -> str:
    """A sheet's name as it stands in front of a cell."""
    return "'" + sheet.replace("'", "''") + "'"
