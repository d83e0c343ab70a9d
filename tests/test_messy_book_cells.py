"""Cells of a workbook that store one thing and show another: they read as they show, or are refused; never wrong."""

import datetime

import pytest
from messy import (
    COLUMNS,
    MISSING,
    assert_clean_or_refused,
    assert_is_clean,
    assert_refused,
    cells,
    place,
    read,
    write_book,
)
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

OCTOBER = datetime.datetime(2011, 10, 30)
NEW_YEAR = datetime.datetime(2011, 1, 1)
RAISED = CellRichText("4851", TextBlock(InlineFont(vertAlign="superscript"), "1"))
BOLD = CellRichText("48", TextBlock(InlineFont(b=True), "51"))


# cell, what it stores, its number format, what must come back
SHOWN = [
    ("E11", 0.3092, "0.00%", 30.92),
    ("E11", 0.3092, "0.00%;[Red]-0.00%", 30.92),
    ("E11", 0.3092, "0.00 %", 30.92),
    ("E11", -0.052, "0.0%;(0.0%)", -5.2),
    ("E11", 0.3, "0%", 30),
    ("E11", 30.92, '0.00"%"', 30.92),
    ("E11", 30.92, "0.00\\%", 30.92),
    ("E11", 30.919999999999998, "General", 30.92),
    ("E11", -0.6, "General", -0.6),
    ("E24", 4851.0, "0.00", 4851),
    ("E24", 4851, "#,##0_);(#,##0)", 4851),
    ("E24", 4851, '0"¹"', 4851),
    *(
        ("E24", 4851, form, 4851)
        for form in ["[$$-409]#,##0", '"US$"#,##0', '_("$"* #,##0.00_)', "[$USD] 0", "$0", "0\\ "]
    ),
    ("E24", "4851", "@", 4851),
    ("E24", 0, "#,##0", 0),
    ("E24", 0, '0;-0;"-"', 0),
    ("E24", None, "0.00", MISSING),
    ("E24", "…", "General", MISSING),
    ("A6", 2011.0, "0.00", 2011),
    ("A6", "2011", "@", 2011),
    ("A6", 2011, '0"年"', 2011),
    ("D8", "NA", "General", "NA"),
    ("D8", "nan", "General", "nan"),
    ("C24", None, "General", ""),
]
SHOWN_OR_REFUSED = [
    ("E11", 30.92, '0.00" % of last year"', 30.92),
    ("E24", RAISED, "General", 4851),
    ("E24", BOLD, "General", 4851),
    ("E24", 4851000, "#,##0,", 4851),
    ("E24", 4851, '"约"0', 4851),
    ("E24", 4851, ";;;", 4851),
    ("E24", "#N/A", "General", MISSING),
    ("E11", 30.92, "0.00%", 3092),
    ("E11", -5.2, "0.0;0.0", -5.2),
    ("A6", NEW_YEAR, "yyyy", 2011),
    ("A6", CellRichText("2011", TextBlock(InlineFont(vertAlign="superscript"), "2")), "General", 2011),
    ("D8", True, "General", "TRUE"),
    ("D8", 2011, "General", "2011"),
    ("D8", CellRichText("KPO", TextBlock(InlineFont(vertAlign="superscript"), "1")), "General", "KPO"),
    ("G8", 2011, "General", "2011"),
]
REFUSED = [
    *(("E24", content, "General") for content in [True, False, "#REF!", "#DIV/0!"]),
    *(("E24", content, None) for content in [OCTOBER, datetime.time(1, 30)]),
    *(("E24", 4851, form) for form in ["yyyy-mm-dd", "h:mm"]),
    *(("E24", 0.4851, form) for form in ["0.00%", "0%"]),
    *(
        ("E24", 4851, form)
        for form in ["[$¥-804]#,##0", "¥0", "[$CNY] 0", "[$€-407]0", "[$HK$-C04]0", "0\\元", "0亿", "0万"]
    ),
    ("E22", 6.63, "0%"),
    *(("A6", content, "yyyy-mm-dd") for content in [NEW_YEAR, datetime.datetime(1905, 7, 3), 2011]),
    *(("A6", content, "General") for content in [2011.5, True, 11, 20111, None, "20l1", "#N/A"]),
    *(("D18", OCTOBER, form) for form in ["d-mmm", "mm-dd", 'm"月"d"日"', "yyyy"]),
    ("D18", datetime.time(10, 30), "h:mm"),
    ("D18", datetime.timedelta(hours=10, minutes=30), "[h]:mm"),
    *((cell, OCTOBER, "d-mmm") for cell in ["B8", "C8", "F24"]),
    *((cell, "#REF!", "General") for cell in ["B8", "D8", "F24", "G8"]),
    *((cell, None, "General") for cell in ["B8", "F24", "G8"]),
]


def ids_of(table):
    return [f"{cell}-{content}-{form}" for cell, content, form, *_ in table]


@pytest.mark.parametrize(("cell", "content", "form", "expected"), SHOWN, ids=ids_of(SHOWN))
def test_cell_reads_as_it_shows(tmp_path, cell, content, form, expected):
    assert_is_clean(read(write_book(tmp_path, cells(**{cell: (content, form)}))), {cell: expected})


@pytest.mark.parametrize(("cell", "content", "form", "expected"), SHOWN_OR_REFUSED, ids=ids_of(SHOWN_OR_REFUSED))
def test_cell_reads_as_it_shows_or_is_refused(tmp_path, cell, content, form, expected):
    path = write_book(tmp_path, cells(**{cell: (content, form)}))
    row, column = place(cell)
    assert_clean_or_refused(path, {cell: expected}, rows=(row + 1,), said=(COLUMNS[column],))


@pytest.mark.parametrize(("cell", "content", "form"), REFUSED, ids=ids_of(REFUSED))
def test_cell_is_refused(tmp_path, cell, content, form):
    path = write_book(tmp_path, cells(**{cell: (content, form)}))
    row, column = place(cell)
    assert_refused(read(path), path, rows=(row + 1,), said=(COLUMNS[column],))


@pytest.mark.parametrize("content", [OCTOBER, datetime.datetime(2011, 1, 9), 40552, "9-Jan"])
def test_months_that_became_a_date_are_refused(tmp_path, content):
    path = write_book(tmp_path, cells(H1="months", H24=content))
    assert_refused(read(path), path, rows=(24,), said=("months", "1 to 9"))


@pytest.mark.parametrize(
    ("cell", "content", "form", "half"),
    [
        ("E24", 4851, "General", 0.5),
        ("E24", 4851.0, "0.00", 0.005),
        ("E24", 4851.37, "0", 0.5),
        ("E24", 4851.3, "#,##0.00", 0.005),
        ("E24", 4851.3, "General", 0.05),
        ("E24", "4,851.0", "General", 0.05),
        ("E11", 0.3092, "0.00%", 0.005),
        ("E11", 0.31, "0%", 0.5),
        ("E11", 30.919999999999998, "General", 0.005),
        ("E11", 30.9, '0.0"%"', 0.05),
        ("E25", 84700, "#,##0", 50),
        ("E22", 663, "0.00", 0),
    ],
)
def test_precision_comes_from_the_format_and_never_from_the_float(tmp_path, cell, content, form, half):
    table = read(write_book(tmp_path, cells(**{cell: (content, form)})))
    assert table["precision"].iloc[place(cell)[0] - 1] == pytest.approx(half, rel=1e-9)


def test_a_hidden_column_is_named_alone_and_several_from_the_first_to_the_last(tmp_path):
    def hide(sheet):
        sheet.column_dimensions["C"].hidden = True
        sheet.column_dimensions.group("E", "G", hidden=True)

    notes = read(write_book(tmp_path, hide)).attrs["notes"]
    assert [note.rpartition(": ")[2] for note in notes if "hidden" in note] == ["C", "E to G"]


@pytest.mark.parametrize(
    ("cell", "content", "form", "shown", "half"),
    [
        ("E11", 30.9174, "0.00", "30.92 percent", 0.005),
        ("E11", 0.3091742, "0.00%", "30.92 percent", 0.005),
        ("E11", 30.125, "0.00", "30.13 percent", 0.005),  # Excel rounds half up
        ("E11", 4e-12, "0.00000000", "0.00000000 percent", 5e-9),
        ("E11", -5.25, "0.0;(0.0)", "-5.3 percent", 0.05),
        ("E24", 4850.6, "#,##0", "4851 USD million", 0.5),
        ("E11", 30.9174193548387, "General", "30.91741935 percent", 5e-9),
    ],
)
def test_a_number_is_what_its_cell_shows_and_the_digits_behind_are_told(tmp_path, cell, content, form, shown, half):
    table = read(write_book(tmp_path, cells(**{cell: (content, form)})))
    row = table.iloc[place(cell)[0] - 1]
    assert row["printed"] == shown and row["value"] == float(shown.split()[0])
    assert row["precision"] == pytest.approx(half, rel=1e-9)
    told = [note for note in table.attrs["notes"] if f"data!{cell}" in note]
    assert len(told) == 1 and shown.split()[0] in told[0], told


def test_only_the_number_of_a_figure_is_cut_to_what_its_cell_shows(tmp_path):
    path = write_book(tmp_path, cells(H1="precision", H24=(0.04, "0.0"), A6=(2010.6, "0")))
    assert_refused(read(path), path, rows=(6,), said=("year",))
    table = read(write_book(tmp_path, cells(H1="precision", H24=(0.04, "0.0"))))
    assert table["precision"].iloc[22] == 0.04
