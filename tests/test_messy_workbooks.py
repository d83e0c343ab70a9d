"""Workbooks that are messy: what a cell stores against what it shows, merges, hidden parts, formulas, other sheets."""

import datetime
import re
import zipfile

import pytest
import xlsxwriter
from messy import (
    CLEAN,
    COLUMNS,
    MISSING,
    assert_clean_or_refused,
    assert_is_clean,
    assert_refused,
    cells,
    edited,
    names_row,
    notes_of,
    place,
    read,
    typed,
    write_book,
    write_csv,
)
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from hzso_analysis.faults import DataError

OCTOBER = datetime.datetime(2011, 10, 30)


def replaced(path, part, old, new):
    """The workbook with text of one part inside its zip replaced."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    changed = re.sub(old, new, parts[part].decode(), count=1, flags=re.DOTALL)
    assert changed != parts[part].decode(), "the part has nothing to replace"
    with zipfile.ZipFile(path, "w") as book:
        for name, content in {**parts, part: changed}.items():
            book.writestr(name, content)
    return path


def blank_row(sheet):
    sheet.insert_rows(11)


def styled_far_below(sheet):
    for row in range(26, 200):
        sheet.cell(row, 1).font = Font(bold=True)
    sheet["Z50"].font = Font(bold=True)


def helpers_of_excel(sheet):
    sheet.add_table(Table(displayName="figures", ref="A1:G25"))
    sheet.add_data_validation(DataValidation(type="list", formula1='"all,offshore,onshore"', sqref="C2:C25"))
    sheet["E5"].comment = Comment("as printed", "bureau")
    sheet.freeze_panes = "A2"


def text_years(sheet):
    for row in range(2, 26):
        sheet.cell(row, 1, "2011").quotePrefix = True


def chart_in(sheet, index=None):
    chart = BarChart()
    chart.add_data(Reference(sheet, range_string="data!E1:E7"), titles_from_data=True)
    sheet.parent.create_chartsheet("chart", index).add_chart(chart)


def sheets_behind(sheet):
    book = sheet.parent
    book.create_sheet("empty")
    book.create_sheet("readme")["A1"] = "how this was made"
    chart_in(sheet)


def hidden_formula_sheet(sheet):
    other = sheet.parent.create_sheet("sums")
    other["A1"], other.sheet_state = "=SUM(data!E2:E5)", "hidden"


SHAPES = {
    "plain": [],
    "blank row": [blank_row],
    "years as text": [text_years],
    "styles far below": [styled_far_below],
    "table, comment, list": [helpers_of_excel],
    "other sheets behind": [sheets_behind],
    "formula on a hidden sheet": [hidden_formula_sheet],
    "sheet named in Chinese": [lambda sheet: setattr(sheet, "title", "数据")],
    "active sheet is another": [sheets_behind, lambda sheet: setattr(sheet.parent, "active", 1)],
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_shape_reads_right(tmp_path, changes):
    assert_is_clean(read(write_book(tmp_path, *changes)))


def titles(sheet):
    sheet.insert_rows(1, 2)
    sheet["A1"], sheet["A2"] = "杭州服务外包概况", "单位：见各行"
    sheet.merge_cells("A1:G1")


def merged_down(sheet):
    for area in ("A2:A25", "B3:B3", "C4:C5", "G8:G8"):
        sheet.merge_cells(area)


def moved(sheet):
    sheet.move_range("A1:G25", rows=3, cols=2)


def sheet_in_front(state="visible", content="cover"):
    def change(sheet):
        front = sheet.parent.create_sheet("front", 0)
        front["A1"], front.sheet_state = content, state

    return change


def old_sheet(index, state):
    """Another sheet of the same columns with the values of last year."""

    def change(sheet):
        old = sheet.parent.create_sheet("旧表", index)
        for row in [COLUMNS, *map(typed, CLEAN[1:4])]:
            old.append([2010 if cell == 2011 else cell for cell in row])
        old.sheet_state = state

    return change


SHAPES_OR_REFUSED = {  # changes, the rows named in the error or, when left out, with the words in the load report
    "titles above the header": ([titles], ("杭州服务外包概况", "单位：见各行")),
    "year and flow merged downwards": ([merged_down], ()),
    "notes below": ([cells(A26="注：[1] 不含在岸。", A28="Note: * preliminary.")], (26, 28)),
    "note in the second column": ([cells(B26="注：[1] 不含在岸。")], (26,)),
    "note beside the table": ([cells(J3="check this")], (3,)),
    "note far below and right": ([cells(K99="check this")], (99,)),
    "sum below without a result": ([cells(E26="=SUM(E2:E25)")], (26,)),
    "table further down and right": ([moved], ()),
    "empty sheet in front": ([sheet_in_front(content=None)], ()),
    "cover sheet in front": ([sheet_in_front()], ()),
    "hidden sheet in front": ([sheet_in_front("hidden")], ()),
    "chart sheet in front": ([lambda sheet: chart_in(sheet, 0)], ()),
    "header again below": ([cells(**{f"{'ABCDEFG'[i]}26": name for i, name in enumerate(COLUMNS)})], (26,)),
    "extra column": ([cells(H1="remark", H3="revised")], ()),
}


@pytest.mark.parametrize(("changes", "told"), SHAPES_OR_REFUSED.values(), ids=SHAPES_OR_REFUSED)
def test_shape_reads_right_or_is_refused(tmp_path, changes, told):
    rows = tuple(part for part in told if isinstance(part, int))
    assert_clean_or_refused(write_book(tmp_path, *changes), rows=rows, told=told)


def merge(*areas):
    return lambda sheet: [sheet.merge_cells(area) for area in areas]


def test_only_merged_cells_are_filled(tmp_path):
    path = write_book(tmp_path, merge("A2:A25", "C4:C10"), cells(C22=None, D24=None))
    table = read(path)
    if not isinstance(table, DataError):
        assert table["category"].iloc[22] in ("", "total")
        assert_is_clean(table, {"C22": "", "D24": table["category"].iloc[22]})
        assert "A2:A25" in notes_of(table) and "C4:C10" in notes_of(table)
    else:
        assert_refused(table, path, said=("A2:A25", "C4:C10"))


def test_a_value_merged_over_two_rows_is_filled_or_refused(tmp_path):
    assert_clean_or_refused(write_book(tmp_path, merge("E8:E9")), {"E9": 260}, rows=(8,), said=("E8:E9|value",))


@pytest.mark.parametrize("area", ["D8:E8", "E8:F8", "A8:G8", "D8:E9"])
def test_cells_merged_across_columns_are_refused(tmp_path, area):
    path = write_book(tmp_path, merge(area))
    assert_refused(read(path), path, rows=(8,))


def test_cells_merged_beside_the_table_are_refused_like_any_others_there(tmp_path):
    path = write_book(tmp_path, cells(J3="check these"), merge("J3:J4"))
    assert_refused(read(path), path, rows=(3, 4))


def test_a_blank_year_is_never_filled_down(tmp_path):
    path = write_book(tmp_path, cells(A3=None, A4=None, A20=None))
    assert_refused(read(path), path, rows=(3, 4, 20), said=("year",))


HIDING = {
    "hidden": lambda sheet: setattr(sheet.row_dimensions[8], "hidden", True),
    "group": lambda sheet: sheet.row_dimensions.group(8, 8, hidden=True),
}


@pytest.mark.parametrize("change", HIDING.values(), ids=HIDING)
def test_a_hidden_row_is_named_whatever_becomes_of_it(tmp_path, change):
    path = write_book(tmp_path, change)
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, rows=(8,), said=("hidden",))
    else:
        assert_is_clean(outcome, rows=CLEAN if len(outcome) == 24 else [*CLEAN[:7], *CLEAN[8:]])
        assert [note for note in outcome.attrs["notes"] if "hidden" in note and names_row(note, 8)]


def test_last_year_kept_in_a_hidden_row_is_never_counted(tmp_path):
    rows = [*CLEAN[1:7], [*CLEAN[5][:4], "1300", *CLEAN[5][5:]], *CLEAN[7:]]
    path = write_book(tmp_path, HIDING["hidden"], rows=rows)
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, rows=(8,))
    else:
        assert outcome["value"].tolist().count(1300) == 0 and names_row(notes_of(outcome), 8)


@pytest.mark.parametrize("column", "CEFG")
def test_a_hidden_column_is_named_whatever_becomes_of_it(tmp_path, column):
    path = write_book(tmp_path, lambda sheet: setattr(sheet.column_dimensions[column], "hidden", True))
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, said=("hidden", COLUMNS[ord(column) - 65]))
    else:
        assert_is_clean(outcome)
        assert [note for note in outcome.attrs["notes"] if "hidden" in note]


@pytest.mark.parametrize("index", [0, 1])
def test_two_tables_in_one_workbook_are_both_named(tmp_path, index):
    path = write_book(tmp_path, old_sheet(index, "visible"))
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, said=("data, 旧表|旧表, data",))
    else:
        assert_is_clean(outcome[outcome["year"] == 2011])  # the other sheet may be read too, it is another year
        assert "旧表" in notes_of(outcome)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_table_is_not_used_silently(tmp_path, index, state):
    path = write_book(tmp_path, old_sheet(index, state))
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, said=("旧表",))
    else:
        assert_is_clean(outcome)


FORMULAS = {
    "values": ({"E2": "=3000+132", "E5": "=E2-1260"}, ("E2", "E5")),
    "a year": ({"A6": "=A5"}, ("A6",)),
    "texts": ({"D6": '="I"&"TO"', "F8": "=F7"}, ("D6", "F8")),
    "a whole column": ({f"G{row}": "=G$2" for row in range(3, 26)}, ("G3", "G25")),
}


@pytest.mark.parametrize(("contents", "named"), FORMULAS.values(), ids=FORMULAS)
def test_a_formula_without_result_is_refused(tmp_path, contents, named):
    path = write_book(tmp_path, cells(**contents))
    assert_refused(read(path), path, said=(*(f"data!{cell}" for cell in named), "Excel"))


def write_results(folder, results: dict, **options):
    """A workbook in which these cells are formulas with a stored result, as Excel saves them."""
    path = folder / "messy.xlsx"
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("data")
        for i, row in enumerate([COLUMNS, *map(typed, CLEAN[1:])]):
            sheet.write_row(i, 0, row)
            for cell in [cell for cell in results if place(cell)[0] == i]:
                sheet.write_formula(cell, "=1+1", value=results[cell])
    return path


@pytest.mark.parametrize("results", [{"E2": 3132, "E5": 1872.0, "E12": 66.14, "A6": 2011, "D6": "ITO"}, {}], ids=str)
@pytest.mark.parametrize("constant_memory", [True, False])
def test_a_formula_with_its_result_reads_right(tmp_path, results, constant_memory):
    assert_is_clean(read(write_results(tmp_path, results, constant_memory=constant_memory)))


@pytest.mark.parametrize("result", ["#REF!", "#DIV/0!", "#VALUE!", True])
def test_a_formula_whose_result_is_no_number_is_refused(tmp_path, result):
    path = write_results(tmp_path, {"E24": result})
    assert_refused(read(path), path, rows=(24,), said=("value",))


def test_a_formula_whose_result_is_an_empty_text_is_missing_or_refused(tmp_path):
    assert_clean_or_refused(write_results(tmp_path, {"E24": ""}), {"E24": MISSING}, rows=(24,))


def test_all_faults_of_all_kinds_come_at_once(tmp_path):
    change = cells(A3=11, B6=None, E2="=E3", E12=True, E20="#REF!", D18=OCTOBER, F8="百万", E22="1,87")
    path = write_book(tmp_path, change)
    said = ("year", "indicator", "value", "category", "unit", "E2")
    assert_refused(read(path), path, rows=(2, 3, 6, 8, 12, 18, 20, 22), said=said)


@pytest.mark.parametrize("value", [1900, 3744])
def test_part_larger_than_its_whole_by_a_little_loads(tmp_path, value):
    assert_is_clean(read(write_book(tmp_path, cells(E6=value))), {"E6": value})


@pytest.mark.parametrize(("cell", "value"), [("E6", 1345000), ("E6", 1345000000), ("E5", 1.872)])
def test_a_contradiction_of_units_is_refused(tmp_path, cell, value):
    path = write_book(tmp_path, cells(**{cell: value}))
    assert_refused(read(path), path, rows=(int(cell[1:]),), said=("unit|thousand|billion|1000",))


def test_all_shares_as_percent_cells_read_right(tmp_path):
    shares = {f"E{row}": (float(CLEAN[row - 1][4]) / 100, "0.00%") for row in range(11, 17)}
    assert_is_clean(read(write_book(tmp_path, cells(**shares))))


def test_duplicates_are_found_across_text_and_number(tmp_path):
    def copy(sheet):
        sheet.insert_rows(8)
        for i, text in enumerate(CLEAN[5], 1):
            sheet.cell(8, i, f" {text}")

    assert_clean_or_refused(write_book(tmp_path, copy), rows=(6, 8), told=(6, 8))


SHEET = "xl/worksheets/sheet1.xml"
FROM_2009 = 'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"'
LIST = f'<extLst><ext {FROM_2009} uri="{{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}}"/></extLst></worksheet>'
HEADING = "<headerFooter><oddHeader>bureau</oddHeader></headerFooter></worksheet>"
BUILT_BY_OTHERS = {
    "wrong dimension": (SHEET, r'<dimension ref="[^"]*"', '<dimension ref="A1"'),
    "no dimension": (SHEET, r"<dimension [^>]*/>", ""),
    "list of a newer Excel": (SHEET, "</worksheet>", LIST),
    "no default style": ("xl/styles.xml", "<cellStyles.*</cellStyles>", ""),
    "header that cannot be parsed": (SHEET, "</worksheet>", HEADING),
}


@pytest.mark.parametrize("change", BUILT_BY_OTHERS.values(), ids=BUILT_BY_OTHERS)
def test_workbooks_of_other_programs_read_right_without_a_warning(tmp_path, change):
    assert_is_clean(read(replaced(write_book(tmp_path), *change)))


BROKEN = {
    "sheet cut": (SHEET, "</sheetData>.*", ""),
    "sheet that is no XML": (SHEET, "^.*$", "not a sheet"),
    "no sheets": ("xl/workbook.xml", "<sheets>.*</sheets>", "<sheets/>"),
    "text kept elsewhere and gone": (SHEET, 't="inlineStr"><is><t>total</t></is>', 't="s"><v>9999</v>'),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_broken_workbook_is_refused(tmp_path, change):
    path = replaced(write_book(tmp_path), *change)
    assert_refused(read(path), path)


def test_a_zip_of_something_else_and_half_a_workbook_are_refused(tmp_path):
    other, half = tmp_path / "letter.xlsx", tmp_path / "half.xlsx"
    with zipfile.ZipFile(other, "w") as letter:
        letter.writestr("word/document.xml", "<document/>")
    half.write_bytes(write_book(tmp_path).read_bytes()[:3000])
    for path in (other, half):
        assert_refused(read(path), path)


@pytest.mark.parametrize("rows", [[], CLEAN[:1]], ids=["nothing", "header"])
def test_an_empty_workbook_is_no_table(tmp_path, rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    path = tmp_path / "messy.xlsx"
    book.save(path)
    outcome = read(path)
    assert path.name in str(outcome) if isinstance(outcome, DataError) else rows and len(outcome) == 0


def test_any_ending_in_capitals_will_do(tmp_path):
    assert_is_clean(read(write_book(tmp_path, name="MESSY.XLSX")))


@pytest.mark.parametrize("name", ["messy.csv", "messy.xls", "messy.xlsm"])
def test_a_workbook_under_another_name_reads_right_or_is_refused(tmp_path, name):
    path = write_book(tmp_path)
    assert_clean_or_refused(path.rename(tmp_path / name))


def test_a_workbook_and_a_csv_of_the_same_table_are_one(tmp_path):
    book, text = read(write_book(tmp_path)), read(write_csv(tmp_path, edited({})))
    assert_is_clean(book)
    columns = [*COLUMNS, "precision"]
    assert book[columns].equals(text[columns]) and (book[columns].dtypes == text[columns].dtypes).all()
