"""What readers take along shows what the page shows, computes, stays citable and runs nothing in a spreadsheet."""

import base64
import csv
import html
import io
import itertools
import math
import re
import zipfile
from decimal import ROUND_HALF_UP, Decimal

import openpyxl
import pytest

from hzso_analysis import wording
from hzso_analysis.cells import bounds, plain_number, table_columns
from hzso_analysis.chapters import (
    data_quality,
    environment_and_policy,
    firm_sizes,
    leading_enterprises,
    markets,
    scale,
    sector_mix,
)
from hzso_analysis.downloads import csv_copy, csv_link, tables_workbook
from hzso_analysis.exhibits import record

HEAD = 3
EVIL = ['=HYPERLINK("http://x","y")', "<script>alert(1)</script>", "+1+1", "-1+1", "@SUM(A1)", "{=A1}", "http://x.org"]
EVIL += ["=1", "007", "1e5", "Wow!A1", "internal:'Contents'!A1", "\tx", "\rx", "_x0041_", "bell\x07"]


def made(
    columns, rows, *, name="Table 1", title="A finding", note="A note.", source="Source: City (2011)", chart=False
):
    words = {"name": name, "title": title, "note": note, "source": source}
    return words | {"chart": chart, "columns": columns, "rows": rows}


def loaded(chapters, title="Report"):
    return openpyxl.load_workbook(io.BytesIO(tables_workbook(chapters, title)))


def one(*records, name="Scale"):
    return loaded([("01_scale", name, list(records))])


def shown(cell):
    """What Excel shows in a cell, from its number and its format."""
    if cell.value is None or isinstance(cell.value, str):
        return cell.value or ""
    sign, whole, decimals, percent = re.fullmatch(r'("\+")?(#,##0|0)(\.0+)?(" %")?', cell.number_format).groups("")
    number = Decimal(repr(cell.value)).quantize(Decimal(1).scaleb(-max(len(decimals) - 1, 0)), ROUND_HALF_UP)
    return sign.strip('"') + (f"{number:,}" if "," in whole else f"{number}") + percent.strip('"')


def columns_of(sheet):
    """The cells below each heading up to the last row of the filter."""
    last = int(re.search(r"[0-9]+$", sheet.auto_filter.ref)[0])
    return {
        sheet.cell(HEAD, place).value: [sheet.cell(row, place) for row in range(HEAD + 1, last + 1)]
        for place in range(1, sheet.max_column + 1)
    }


@pytest.fixture(scope="module")
def chapters(hangzhou):
    calls = [
        ("01_scale", "Scale", [scale.headline, scale.unused]),
        ("02_sector_mix", "Sector mix", [sector_mix.headline]),
        ("03_leading_enterprises", "Leading enterprises", [leading_enterprises.headline, firm_sizes.measures]),
        ("04_markets", "Markets", [markets.headline, markets.diversification]),
        ("06_environment_and_policy", "Environment", [environment_and_policy.fund, environment_and_policy.documents]),
        ("07_data_quality", "Data quality", [data_quality.suspects, data_quality.coverage]),
    ]
    return [
        (stem, name, [record(call(hangzhou), f"Table {number}") for number, call in enumerate(tables, start=1)])
        for stem, name, tables in calls
    ]


@pytest.fixture(scope="module")
def raw(chapters):
    return tables_workbook(chapters, "Service outsourcing in Hangzhou, 2011")


@pytest.fixture(scope="module")
def book(raw):
    return openpyxl.load_workbook(io.BytesIO(raw))


def sheets_and_records(book, chapters):
    records = [each for _, _, tables in chapters for each in tables]
    return list(zip(book.worksheets[1:], records, strict=True))


def test_every_cell_shows_what_the_page_shows(book, chapters):
    numbers = 0
    for sheet, table in sheets_and_records(book, chapters):
        there = columns_of(sheet)
        for place, name in enumerate(table["columns"]):
            if name in ("low", "high"):
                continue
            cells = there[name[:1].upper() + name[1:]]
            assert [shown(cell) for cell in cells] == [str(row[place]) for row in table["rows"]], (sheet.title, name)
            numbers += sum(cell.data_type == "n" and cell.value is not None for cell in cells)
        below = [sheet.cell(row, 1).value for row in range(HEAD + len(table["rows"]) + 2, sheet.max_row + 1)]
        assert below == [text for text in (table["note"], table["source"]) if text]
        assert sheet["A1"].value == table["title"]
    assert numbers > 60


def test_what_is_one_number_is_one_and_all_else_is_text(book):
    value = columns_of(book["1 Scale T1"])["Value"]
    assert [cell.value for cell in value[:2]] == ["3,132–3,285", 2408]
    assert [value[7].value, value[7].number_format] == [30.92, "#,##0.00"]
    assert {cell.alignment.horizontal for cell in value} == {"right"}
    share = columns_of(book["2 Sector mix T1"])["Share printed"]
    assert [(cell.value, cell.number_format) for cell in share[:2]] == [(66.14, '#,##0.00" %"'), ("–", "General")]
    assert share[1].alignment.horizontal == "right"
    dates = columns_of(book["6 Environment T2"])["Date"]
    assert {(cell.data_type, cell.alignment.horizontal) for cell in dates} == {("s", "left")}
    assert columns_of(book["6 Environment T1"])["Item"][0].value == "2008"


def test_low_and_high_of_a_value_are_those_of_the_record_in_full(book, chapters):
    for sheet, table in sheets_and_records(book, chapters):
        if "value" not in table["columns"]:
            continue
        there = columns_of(sheet)
        for end in ("low", "high"):
            place, other = table["columns"].index(end), table["columns"].index({"low": "high", "high": "low"}[end])
            for row, cell in zip(table["rows"], there[end.capitalize()], strict=True):
                if row[place] is not None or row[other] is not None:
                    assert cell.value == row[place]
                assert cell.value is None or re.fullmatch(r'#,##0(\.0{1,3})?(" %")?', cell.number_format)
    computed = columns_of(book["1 Scale T1"])
    assert [computed[name][6].value for name in ("Value", "Low", "High")] == ["84.4–84.5", 84.4, 84.5]


def test_bounds_show_as_in_the_interval_that_names_them(book):
    seen = 0
    for sheet in book:
        there = columns_of(sheet) if sheet.auto_filter.ref and sheet.title != "Contents" else {}
        for value, *ends in zip(*(there.get(name, []) for name in ("Value", "Low", "High")), strict=True):
            if isinstance(value.value, str) and "–" in value.value[1:]:
                low, high = (shown(end).removesuffix(" %") for end in ends)
                assert value.value.removesuffix(" %") == f"{low}–{high}"
                seen += 1
    assert seen > 8


def test_bounds_stand_in_the_percent_of_their_text(book):
    there = columns_of(book["4 Markets T2"])
    assert [there[name][0].value for name in ("Value", "Low", "High")] == ["23–69 %", 22.85833333, 68.585]
    assert (shown(there["Low"][0]), shown(there["High"][0])) == ("23 %", "69 %")
    assert shown(there["High"][1]) == "0.470"


def test_other_columns_with_intervals_get_their_bounds_beside_them(book):
    there = columns_of(book["2 Sector mix T1"])
    names = ["Item", "Value", "Low", "High", "Unit", "Share printed", "Share computed"]
    names += ["Share computed low", "Share computed high", "Status", "Source", "Chart: high – low"]
    assert list(there) == names
    ends = [there[f"Share computed {end}"] for end in ("low", "high")]
    assert [tuple(shown(cell) for cell in row) for row in zip(*ends, strict=True)][1:] == [
        ("", "33.9 %"),
        ("", "33.9 %"),
        ("12.8 %", "12.8 %"),
        ("27.0 %", "27.1 %"),
    ]
    assert list(columns_of(book["3 Leading enterprises T2"]))[1:4] == ["Bounds", "Bounds low", "Bounds high"]
    assert columns_of(book["3 Leading enterprises T2"])["Bounds low"][0].value == 245.25


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("84.4–84.5 %", (84.4, 84.5)),
        ("30.1 to 32.2 %", (30.1, 32.2)),
        ("-5.0 to 3.2 %", (-5, 3.2)),
        ("-5.0 to -10.0 %", (-10, -5)),
        ("115,300–1,115,500", (115300, 1115500)),
        ("at least 15 %", (15, None)),
        ("at most 1,401", (None, 1401)),
        ("-9.8", (-9.8, -9.8)),
        ("27780", (27780, 27780)),
        *[
            (text, None)
            for text in ("over 84,700", "–", "", "2008 to 2011", "2008–2011", "2011-05-31", "no upper bound")
        ],
        *[(text, None) for text in ("USD 126–648 million", "12–", "1,23–4", "٣–٤", "1–2–3", "yes")],
    ],
    ids=str,
)
def test_intervals_are_read_as_the_page_writes_them(text, ends):
    assert bounds(text) == ends


def test_whatever_interval_the_pages_write_is_read_back_up_to_its_rounding():
    ends = [0, 0.004, 0.15, 0.66135, 1, 2.5, 24, 99.5, 371.3, 2033.4, 84650, 1115467.35, math.inf]
    seen = 0
    for low, high in itertools.product([-number for number in ends[1:-1]] + ends[:-1], ends):
        if high < low:
            continue
        for text, scale_ in ((wording.span(low, high), 1) if low >= 0 else ("", 1), (wording.percent(low, high), 100)):
            said = bounds(text)  # large numbers have four digits of the larger one
            reach = scale_ * max(abs(end) for end in (low, high) if end < math.inf)
            for end, exact in zip(said or (), (scale_ * low, scale_ * high), strict=True) if said else ():
                if end is not None:
                    seen += 1
                    digits = max(map(len, re.findall(r"\.(\d+)", text)), default=0)
                    assert abs(end - exact) <= 10.0**-digits + 1e-3 * reach, text
    assert seen > 400


@pytest.mark.parametrize(
    "text", ["1,872", "-9.8", "66.14 %", "2", "27780", "0.87", "+30.9 %", "-1,234.50 %", "1,000,000"]
)
def test_a_number_shows_as_its_text(text):
    number, form = plain_number(text)
    sheet = openpyxl.Workbook().active
    sheet["A1"] = number
    sheet["A1"].number_format = form
    assert shown(sheet["A1"]) == text


@pytest.mark.parametrize(
    "text", ["-0.0", "007", "1,23", "1e5", "１２", "12345678901234567", "5%", "2011-05", "1.", ".5", " 5"]
)
def test_what_excel_would_show_otherwise_is_no_number(text):
    assert plain_number(text) is None
    assert one(made(["item", "printed"], [["a", text]]))["1 Scale T1"]["B4"].value == text


def test_header_and_first_column_stay_filter_and_print(book):
    for sheet in book.worksheets:
        assert sheet.freeze_panes == "B4"
        assert sheet.print_title_rows == "$3:$3"
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToWidth in (None, 1)
        assert sheet.page_setup.fitToHeight == (None if sheet._charts else 0)  # a chart is not cut by the end of a page
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet["A3"].font.bold
        assert sheet.auto_filter.ref.startswith("A3:")


def test_contents_lead_to_every_sheet_and_back(book, chapters):
    contents = book.worksheets[0]
    assert (contents.title, contents["A1"].value) == ("Contents", "Service outsourcing in Hangzhou, 2011")
    rows = [[cell.value for cell in row] for row in contents.iter_rows(HEAD + 1, HEAD + len(book.worksheets) - 1)]
    assert rows == [
        [name, table["name"], table["title"], len(table["rows"])] for _, name, tables in chapters for table in tables
    ]
    links = [contents.cell(row, 2).hyperlink.location for row in range(HEAD + 1, HEAD + 1 + len(rows))]
    assert links == [f"'{sheet.title}'!A1" for sheet in book.worksheets[1:]]
    assert {sheet["A2"].hyperlink.location for sheet in book.worksheets[1:]} == {"'Contents'!A1"}


def series_of(chart):
    refs = [(each.cat.strRef or each.cat.numRef, each.val.numRef) for each in chart.series]
    return [(labels.f, values.f, [float(point.v) for point in values.numCache.pt]) for labels, values in refs]


def cells_at(book, ref):
    found = []
    for part in ref.strip("()").split(","):
        sheet, cells = part.rsplit("!", 1)
        area = book[sheet.strip("'").replace("''", "'")][cells.replace("$", "")]
        found += [row[0].value for row in area] if isinstance(area, tuple) else [area.value]
    return found


def test_the_main_table_of_a_chapter_has_a_chart_of_its_own_cells(book, chapters):
    assert [sheet.title for sheet in book.worksheets if sheet._charts] == [
        *("1 Scale T1", "2 Sector mix T1", "3 Leading enterprises T1", "4 Markets T1", "6 Environment T1"),
        "7 Data quality T1",
    ]
    sheet = book["1 Scale T1"]
    (chart,) = sheet._charts
    (labels, lows, drawn), (again, widths, ends) = series_of(chart)
    items, there = [4, 5, 6, 7, 8, 9, 13], columns_of(sheet)
    assert labels == again == "('1 Scale T1'!$A$4:$A$9,'1 Scale T1'!$A$13)"
    assert cells_at(book, labels) == [sheet.cell(row, 1).value for row in items]
    assert {there["Unit"][row - 4].value for row in items} == {"USD million"}
    assert cells_at(book, lows) == drawn == [there["Low"][row - 4].value for row in items]
    assert cells_at(book, widths) == ends == [there["Chart: high – low"][row - 4].value for row in items]
    for row in items:
        assert there["Low"][row - 4].value + there["Chart: high – low"][row - 4].value == pytest.approx(
            there["High"][row - 4].value
        )
    assert [each.graphicalProperties.solidFill.srgbClr for each in chart.series] == ["5790FC", "C8DAFE"]
    assert [each.tx.v for each in chart.series] == ["at least", "up to"]
    assert (chart.barDir, chart.grouping, chart.overlap) == ("bar", "stacked", 100)
    assert (chart.x_axis.scaling.orientation, chart.y_axis.scaling.min) == ("maxMin", 0)
    assert chart.title.tx.strRef.f == "'1 Scale T1'!$A$1"
    assert cells_at(book, chart.y_axis.title.tx.strRef.f) == ["USD million"]
    assert chart.anchor._from.row > sheet.max_row - 1


def test_a_table_of_sources_is_never_the_main_one():
    gap = made([], [], title="Ratios", note="No pair was published.", source="")
    rows = made(["item", "publisher", "figures"], [["devott 2011", "Devott", 63]], name="Table 2")
    assert not [sheet.title for sheet in one(gap, rows) if sheet._charts]


def test_without_bounds_a_chart_has_one_series_and_no_legend(book):
    (chart,) = book["3 Leading enterprises T1"]._charts
    ((labels, values, _),) = series_of(chart)
    assert cells_at(book, values) == [24, 2, 4, 7, 11]
    assert chart.legend is None
    assert cells_at(book, chart.y_axis.title.tx.strRef.f) == ["Firms"]
    assert cells_at(book, labels)[0] == "above USD 10 million"


def test_a_chart_says_its_finding_and_its_numbers_in_words(raw):
    drawing = zipfile.ZipFile(io.BytesIO(raw)).read("xl/drawings/drawing1.xml").decode()
    assert (
        "Offshore contracts executed in 2011: USD 2,033–2,034 million. Contracts signed, all: 3,132–3,285;" in drawing
    )


def test_bars_of_negative_numbers_are_single_numbers_only():
    columns = ["item", "value", "unit", "low", "high"]
    rows = [["a", "-9.8", "%", -9.85, -9.75], ["b", "-5–3", "%", -5, 3], ["c", "-5.0 to 3.0 %", "", -5, 3]]
    book = one(made(columns, [*rows, ["d", "4", "%", 3.5, 4.5]]))
    ((labels, values, _),) = series_of(book["1 Scale T1"]._charts[0])
    assert cells_at(book, values) == [-9.8, 4]
    assert cells_at(book, labels) == ["a", "d"]
    assert book["1 Scale T1"]._charts[0].y_axis.scaling.min is None


def test_an_open_end_has_no_paler_bar_and_words_have_no_chart():
    columns = ["item", "value", "unit", "low", "high"]
    book = one(made(columns, [["a", "over 800", "", 800, None], ["b", "2–3", "", 2, 3], ["c", "x", "", None, None]]))
    assert [drawn for _, _, drawn in series_of(book["1 Scale T1"]._charts[0])] == [[800, 2], [1]]
    assert not one(made(["item", "value"], [["a", "–"], ["b", "no"]]))["1 Scale T1"]._charts


def test_the_same_records_give_the_same_bytes(raw, chapters, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert tables_workbook(chapters, "Service outsourcing in Hangzhou, 2011") == raw
    assert openpyxl.load_workbook(io.BytesIO(raw)).properties.created.year == 2000


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_nothing_becomes_a_formula_a_link_or_another_number(text):
    table = made(["item", "value", "unit", text], [[text, "5", text, text]], title=text, note=text, source=text)
    raw = tables_workbook([(f"01_{text}", text, [table, made([], [], name="Table 2", title=text, note=text)])], text)
    files = zipfile.ZipFile(io.BytesIO(raw))
    parts = {name: files.read(name).decode() for name in files.namelist()}
    sheets = [part for name, part in parts.items() if name.startswith("xl/worksheets/sheet")]
    assert not [part for part in sheets if "<f>" in part or "<f " in part]
    assert not [part for name, part in parts.items() if name.startswith("xl/worksheets/_rels") and "hyperlink" in part]
    assert not [part for part in parts.values() if "<script>" in part]
    book = openpyxl.load_workbook(io.BytesIO(raw))
    plain = text.replace("\x07", "")
    kept = [book.worksheets[1][place].value for place in ("A1", "A4", "C4", "D4", "A6", "A7")]
    assert [cell.replace("_x005F_", "_").replace("_x000D_", "\r") for cell in kept] == [plain] * 6
    assert book.worksheets[1]["D4"].data_type == book.worksheets[2]["A1"].data_type == "s"
    title = html.unescape(re.search(r"<c:title>.*?</c:title>", parts["xl/charts/chart1.xml"], re.S)[0])
    assert re.findall(r"<c:f>(.*?)</c:f>", title) == ["'" + book.sheetnames[1].replace("'", "''") + "'!$A$1"]


def names_of(*chapters):
    table = made(["item"], [["a"]])
    asked = [
        (stem, name, [table | {"name": f"Table {number}"} for number in numbers]) for stem, name, numbers in chapters
    ]
    book = loaded(asked)
    links = [book["Contents"].cell(HEAD + row, 2).hyperlink.location for row in range(1, len(book.sheetnames))]
    assert links == ["'" + name.replace("'", "''") + "'!A1" for name in book.sheetnames[1:]]
    return book.sheetnames[1:]


def test_sheets_are_named_by_chapter_and_table():
    assert names_of(("00_overview", "Overview", [1]), ("10_b", "B", [2, 12])) == [
        "0 Overview T1",
        "10 B T2",
        "10 B T12",
    ]
    assert names_of(("06_e", "Environment, policy and a lot more", [1, 12])) == [
        "6 Environment, policy and a T1",
        "6 Environment, policy and a T12",
    ]


@pytest.mark.parametrize(
    ("chapter", "expected"),
    [
        ("[a]:b*c?d/e\\f", "1 a b c d e f T1"),
        ("'quoted'", "1 'quoted' T1"),
        ("???", "1 T1"),
        ("", "1 T1"),
        ("规模" * 20, "1 " + ("规模" * 20)[:26] + " T1"),
        ("😀" * 20, "1 " + "😀" * 13 + " T1"),
        ("O'Brien {x} {0}", "1 O'Brien {x} {0} T1"),
    ],
)
def test_odd_names_become_names_that_excel_takes(chapter, expected):
    assert names_of(("01_scale", chapter, [1])) == [expected]


def test_a_name_that_is_taken_gets_a_count_whatever_its_case():
    again = names_of(("01_a", "Scale", [1]), ("01_b", "SCALE", [1]), ("1", "scale", [1]), ("stem", "'x'", [1]))
    assert again == ["1 Scale T1", "1 SCALE T1 (2)", "1 scale T1 (3)", "x' T1"]
    long = names_of(("01_a", "x" * 40, [1]), ("01_b", "X" * 40, [1]))
    assert [len(name) for name in long] == [31, 31]
    assert long[1].endswith("X T1 (2)")


def test_a_gap_says_so_and_charts_are_passed_over():
    gap = made([], [], title="Ratios", note="No pair was published.", source="")
    gaps = [gap, gap | {"name": "Figure 1", "chart": True}, made(["label"], [["a"]], name="Figure 2", chart=True)]
    book = one(*gaps, made(["item", "figures"], [["devott 2011", 63]], name="Table 2"))
    assert book.sheetnames == ["Contents", "1 Scale T1", "1 Scale T2"]
    said = [book["1 Scale T1"].cell(row, 1).value for row in (1, 3, 4)]
    assert said == ["Ratios", "This table has no rows: nothing was published for it.", "No pair was published."]
    assert not book["1 Scale T1"]._charts
    assert cells_at(book, series_of(book["1 Scale T2"]._charts[0])[0][1]) == [63]


def test_figures_stand_right_and_words_left_where_most_of_a_column_is_so():
    said = [["a", "–", "over 800", "no upper bound", "2", "by 2015"], ["b", "–", "about 5", "", "x", "3"]]
    book = one(made(["item", "share", "value", "limit", "mixed", "date"], said))
    there = columns_of(book["1 Scale T1"])
    placed = {name: cells[0].alignment.horizontal for name, cells in there.items()}
    right = dict.fromkeys(["Share", "Value", "Limit"], "right")
    assert placed == {"Item": "left", **right, "Mixed": "left", "Date": "left"}


def test_bounds_without_a_value_go_to_the_column_they_agree_with():
    rows = [["a", "300", "542–1,867", 541.774, 1866.5], ["b", "–", "at least 2.80", 2.8003, None]]
    table = made(["item", "if it were", "index", "low", "high"], rows)
    names = [column.name for column in table_columns(table)]
    assert names == ["item", "if it were", "index", "index low", "index high"]
    strange = made(["item", "index", "low", "high"], [["a", "300", 5, 6]])
    assert [column.name for column in table_columns(strange)] == ["item", "index", "low", "high"]


def test_the_csv_copy_holds_rows_then_title_note_and_source():
    table = made(["item", "value", "low"], [["ITO, all", "1,345", 1344.5], ["BPO", "–", None], ["KPO", "", 2]])
    text = csv_copy(table)
    assert text.endswith("\r\nKPO,,2\r\n\r\nA finding\r\nA note.\r\nSource: City (2011)\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert list(csv.reader(io.StringIO(text, newline="")))[:3] == [
        ["item", "value", "low"],
        ["ITO, all", "1,345", "1344.5"],
        ["BPO", "–", ""],
    ]
    assert csv_copy(made([], [], title="Gap", note="", source="")) == "Gap\r\n"


@pytest.mark.parametrize("start", [*"=+-@\t\r＝＋－＠"], ids=repr)
def test_no_text_of_the_csv_copy_is_a_formula(start):
    text = f"{start}1+cmd"
    table = made([text], [[text]], title=text, note=text, source=text)
    rows = list(csv.reader(io.StringIO(csv_copy(table), newline="")))
    assert rows == [[f"'{text}"], [f"'{text}"], [], [f"'{text}"], [f"'{text}"], [f"'{text}"]]


def test_plain_numbers_of_the_csv_copy_stay_as_they_are():
    numbers = ["-9.8", "-9.8 %", "+30.9 %", "-1,234"]
    assert next(csv.reader(io.StringIO(csv_copy(made(numbers, []))))) == numbers


def test_the_link_is_the_copy_with_a_byte_order_mark():
    table = made(["item"], [["杭州"]])
    head, _, data = csv_link(table).partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(data) == b"\xef\xbb\xbf" + csv_copy(table).encode()
