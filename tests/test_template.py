"""The table of a new year: what last year counted, in its units, blank, safe in Excel, the same bytes each time."""

import csv
import io

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

from hzso_analysis.cli import main
from hzso_analysis.faults import DataError
from hzso_analysis.figures import codebook, load_figures
from hzso_analysis.read import read_table
from hzso_analysis.template import TYPED, csv_text, new_year, still_blank, to_fill_in
from hzso_analysis.vocabulary import COLUMNS, GUIDES, UNITS
from hzso_analysis.workshop import write_aside

HEADER = "year,months,indicator,flow,category,measure,of,value,unit,currency,qualifier,source\n"
ROWS = """\
2009,,enterprises registered,,,,,700,count,,,devott 2011
2010,,contracts signed,offshore,,,,88,USD million,,unclear,devott 2011
2010,,people trained,,,,,"19,700",person,,over,devott 2011
2010,,contracts executed,offshore,,,,155,亿美元,,,hangzhou overview 2011
2010,1 to 9,contracts executed,all,"Europe, USA and Japan",growth,,-9.8,percent,,,hangzhou overview 2011
2010,,contracts executed,offshore,,,,15.5,USD billion,,,devott 2011
2010,,contracts executed,offshore,,,,100,亿元,,,devott 2011
2010,,contracts executed,offshore,,growth,,12,percent,CNY,,devott 2011
2010,,contracts executed,offshore,,share,china,6,percent,,,devott 2011
"""


def run(*words):
    return CliRunner().invoke(main, ["new-year", *words])


@pytest.fixture
def desk(tmp_path):
    """A data folder of our own with the figures of a made-up place."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "2010.csv").write_text(HEADER + ROWS, encoding="utf-8")
    return tmp_path


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def sheet_of(path):
    return openpyxl.load_workbook(path)["figures"]


def test_one_blank_row_for_each_figure_of_last_year_heaviest_sources_first(desk):
    made = new_year(2011, area="here", data_dir=desk)
    assert made == (desk / "here" / "2011.csv", 6, 2010, 1)
    rows = rows_of(made.path)
    assert list(rows[0]) == [*GUIDES, *COLUMNS]
    found = [[row[name] for name in ("months", "indicator", "measure", "of", "unit", "currency")] for row in rows]
    assert found == [
        ["", "contracts executed", "", "", "亿美元", ""],
        ["1 to 9", "contracts executed", "growth", "", "percent", ""],
        ["", "people trained", "", "", "person", ""],
        ["", "contracts executed", "", "", "亿元", ""],
        ["", "contracts executed", "growth", "", "percent", "CNY"],
        ["", "contracts executed", "share", "china", "percent", ""],
    ]
    assert {row["year"] for row in rows} == {"2011"}
    assert not [row for row in rows for name in ("value", "qualifier", "precision", "locator", "note") if row[name]]
    assert rows[0]["last_year"] == "155 亿美元; 15.5 USD billion"
    assert rows[0]["last_source"] == "hangzhou overview 2011; devott 2011"
    assert (rows[0]["source"], rows[2]["last_year"]) == ("", "over 19,700 person")


def test_labels_say_in_english_and_chinese_what_is_counted(desk):
    rows = rows_of(new_year(2011, area="here", data_dir=desk).path)
    assert [row["label_en"] for row in rows] == [
        "Contracts executed, offshore",
        "Contracts executed, all, Europe, USA and Japan, growth, January to September",
        "People trained",
        "Contracts executed, offshore",
        "Contracts executed, offshore, growth in CNY",
        "Contracts executed, offshore, share of China",
    ]
    assert [row["label_zh"] for row in rows] == [
        "合同执行额，离岸",
        "合同执行额，合计，欧美日，同比增长，1至9月",
        "培训人数",
        "合同执行额，离岸",
        "合同执行额，离岸，同比增长（按人民币）",
        "合同执行额，离岸，占China比重",
    ]


def test_the_overview_of_2011_in_its_own_order():
    rows = to_fill_in(load_figures("hangzhou"), 2012)
    assert rows.attrs["last"] == 2011
    overview = load_figures("hangzhou").query("source == 'hangzhou overview 2011'")
    assert rows["indicator"].head(len(overview)).tolist() == overview["indicator"].tolist()
    assert len(rows) == 67
    cumulative = rows[(rows["measure"] == "cumulative") & (rows["indicator"] == "people trained")]
    assert cumulative[["since", "unit", "category"]].to_numpy().tolist() == [["2007", "person", ""]]


def test_the_csv_file_is_what_excel_writes_and_no_guide_is_a_formula(desk):
    raw = new_year(2011, area="here", data_dir=desk).path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") and raw.count(b"\r\n") == raw.count(b"\n") == 7
    assert rows_of(desk / "here" / "2011.csv")[1]["last_year"] == "'-9.8 percent"


def test_an_id_that_excel_takes_for_a_formula_is_refused_in_csv():
    rows = to_fill_in(load_figures("hangzhou"), 2012).assign(category="=1+1", of="@x", note="=1+1")
    with pytest.raises(DataError) as caught:
        csv_text(rows)
    said = "Excel takes it for a formula; choose another id"
    assert caught.value.faults == [f"category: found =1+1; {said}", f"of: found @x; {said}"]


@pytest.mark.parametrize("xlsx", [False, True])
def test_the_same_figures_give_the_same_bytes(desk, xlsx):
    first = new_year(2011, area="here", data_dir=desk, xlsx=xlsx).path
    raw = first.read_bytes()
    first.unlink()
    assert new_year(2011, area="here", data_dir=desk, xlsx=xlsx).path.read_bytes() == raw


def test_a_workbook_carries_no_clock_and_no_name(desk):
    properties = openpyxl.load_workbook(new_year(2011, area="here", data_dir=desk, xlsx=True).path).properties
    assert (properties.created.year, properties.modified.year) == (2000, 2000)
    assert not properties.creator and not properties.lastModifiedBy


def test_a_workbook_holds_the_rows_of_the_csv_file(desk):
    expected = to_fill_in(load_figures("here", data_dir=desk), 2011)
    header, *rows = sheet_of(new_year(2011, area="here", data_dir=desk, xlsx=True).path).iter_rows(values_only=True)
    assert list(header) == list(expected)
    assert [[str(word or "") for word in row] for row in rows] == expected.to_numpy().tolist()
    assert rows[0][header.index("year")] == 2011


def test_what_is_typed_in_a_workbook_is_text_and_what_is_counted_is_locked(desk):
    sheet = sheet_of(new_year(2011, area="here", data_dir=desk, xlsx=True).path)
    header = [cell.value for cell in sheet[1]]
    assert sheet.protection.sheet and not sheet.protection.password
    assert all(cell.protection.locked for cell in sheet[1])
    assert {name for name, cell in zip(header, sheet[2], strict=True) if not cell.protection.locked} == set(TYPED)
    form = {name: cell.number_format for name, cell in zip(header, sheet[2], strict=True)}
    assert {name for name in header if form[name] != "@"} == {"since"}
    assert sheet.freeze_panes == "C2"


def test_rows_below_the_last_are_open(desk):
    columns = sheet_of(new_year(2011, area="here", data_dir=desk, xlsx=True).path).column_dimensions.values()
    assert sum(column.max - column.min + 1 for column in columns) == len([*GUIDES, *COLUMNS])
    assert not [column.index for column in columns if column.protection.locked]


def test_drop_down_lists_offer_the_words_of_the_codebook(desk):
    path = new_year(2011, area="here", data_dir=desk, xlsx=True).path
    book = openpyxl.load_workbook(path)
    assert [(sheet.title, sheet.sheet_state) for sheet in book] == [
        (title, "visible") for title in ("figures", "lists", "how to")
    ]
    header = [cell.value for cell in book["figures"][1]]
    offered = {}
    for rule in book["figures"].data_validations.dataValidation:
        (cells,) = rule.sqref.ranges
        assert (cells.min_row, cells.max_row) == (2, 307)
        if rule.type == "list":
            sheet, _, place = rule.formula1.partition("!")
            words = [cell.value for (cell,) in book[sheet][place.replace("$", "")]]
            offered[header[cells.min_col - 1]] = (rule.errorStyle, words)
        else:
            assert header[cells.min_col - 1] == "value" and "66.10" in rule.prompt
    assert list(offered) == ["indicator", "category", "source", "flow", "measure", "unit", "qualifier", "currency"]
    assert offered["source"] == ("warning", list(codebook("sources")["id"]))
    assert offered["indicator"] == ("warning", list(codebook("indicators")["id"]))
    assert offered["unit"] == (None, list(UNITS))
    assert offered["qualifier"] == (None, ["over", "under", "about", "unclear", "suppressed"])


@pytest.mark.parametrize("there", ["2011.csv", "2011.xlsx"])
@pytest.mark.parametrize("words", [[], ["--xlsx"]])
def test_a_file_that_is_there_is_never_replaced(desk, there, words):
    (desk / "here" / there).write_text("mine")
    done = run("2011", "--area", "here", "--data-dir", str(desk), *words)
    assert done.exit_code == 1
    assert f"{there} is there already; fill it in, or move it away" in done.stderr
    assert (desk / "here" / there).read_text() == "mine"
    assert len(list((desk / "here").iterdir())) == 2


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_file_is_there_whole_or_not_at_all(tmp_path, monkeypatch, step):
    def fail(*words):
        raise OSError("the disk is full")

    monkeypatch.setattr(f"pathlib.Path.{step}", fail)
    with pytest.raises(OSError, match="the disk is full"):
        write_aside(tmp_path / "there" / "2011.csv", b"text")
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["20x1"], 2, "year: found '20x1'; write a four-digit year"),
        (["2011", "--source", "devott"], 2, "source: found 'devott' (did you mean devott 2011?); add a new source"),
        (["2011", "--area", "her"], 2, "area: found 'her' (did you mean here?)"),
        (["2011", "--area", "there"], 2, "; for a new area say whose figures to list, as in --like here"),
        (["2011", "--area", "there", "--like", "hre"], 2, "like: found 'hre' (did you mean here?)"),
        (["2011", "--area", "../out", "--like", "here"], 2, "area: found '../out'; write the name of a folder"),
        (["2009"], 1, "year: there are no figures before 2009; years with figures: 2009, 2010"),
    ],
)
def test_wrong_use_is_one_message_with_what_is_allowed(desk, words, status, message):
    done = run("--data-dir", str(desk), *(words if "--area" in words else [*words, "--area", "here"]))
    assert done.exit_code == status
    assert message in done.stderr
    assert [path.name for path in desk.iterdir()] == ["here"]
    assert len(list((desk / "here").iterdir())) == 1


def test_all_wrong_arguments_are_named_together(desk):
    with pytest.raises(ValueError, match=r"(?s)year: found.*\narea: found.*\nsource: found"):
        new_year("x", area="y", source="z", data_dir=desk)


def test_what_the_command_says(desk):
    done = run("2011", "--area", "here", "--data-dir", str(desk), "--source", "devott 2011")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"{desk / 'here' / '2011.csv'}: 6 rows, one for each figure of 2010",
        "  left out: 1 figure of unclear meaning",
        "Fill in value, source and locator; leave blank what is not published. A new source needs a row in",
        "sources.csv of the data folder. Then",
        f"  hzso check --area here --data-dir {desk}",
        f"  hzso report --area here --year 2011 --data-dir {desk}",
    ]
    assert {row["source"] for row in rows_of(desk / "here" / "2011.csv")} == {"devott 2011"}


def test_a_year_without_figures_is_passed_over_and_that_is_said(desk):
    done = run("2013", "--area", "here", "--data-dir", str(desk), "--xlsx")
    assert "2013.xlsx: 6 rows, one for each figure of 2010\n  2012 has no figures to list\n" in done.stdout


def test_a_new_area_begins_with_the_figures_of_another(desk):
    made = new_year(2011, area="there", like="here", data_dir=desk)
    assert made.path == desk / "there" / "2011.csv"
    assert {row["year"] for row in rows_of(made.path)} == {"2011"} and made.rows == 6
    done = CliRunner().invoke(main, ["check", "--area", "there", "--data-dir", str(desk)])
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "there: no figures yet, no faults")
    assert "there/2011.csv: 6 of 6 figures are still blank: lines 2 (contracts executed, offshore), " in done.stdout
    done = CliRunner().invoke(main, ["report", "--area", "there", "--data-dir", str(desk), "--out", str(desk / "out")])
    assert (done.exit_code, "there has no figures for 2011; there are none yet" in done.stderr) == (1, True)


def test_what_is_still_blank_is_said_by_file_with_the_first_few(desk):
    figures = load_figures("here", data_dir=desk)
    assert still_blank(figures) == []
    blank = figures.head(5).assign(file="here/2011.csv", year=2011)
    figures.attrs["blank"] = pd.concat([blank, blank.head(1).assign(file="here/2010.csv", year=2010)]).to_dict(
        "records"
    )
    assert still_blank(figures) == [
        "here/2010.csv: 1 of 10 figures is still blank: line 2 (enterprises registered)",
        "here/2011.csv: 5 of 5 figures are still blank: lines 2 (enterprises registered), "
        "3 (contracts signed, offshore), 4 (people trained), ...; 2011 has no figures yet",
    ]


@pytest.mark.parametrize("xlsx", [False, True])
def test_the_table_reads_as_figures_that_are_missing(desk, xlsx):
    table = read_table(new_year(2011, area="here", data_dir=desk, xlsx=xlsx).path)
    assert table["value"].isna().all() and table["source"].eq("").all()
    assert table["line"].tolist() == [2, 3, 4, 5, 6, 7]
    assert table["indicator"].tolist() == to_fill_in(load_figures("here", data_dir=desk), 2011)["indicator"].tolist()


def test_a_blank_sum_names_its_first_year_as_a_whole_number():
    figures = load_figures("hangzhou").query("year == 2011 and category == 'total' and indicator == 'people trained'")
    assert set(figures["measure"]) == {"level", "cumulative", "average"}
    figures.attrs["blank"] = figures.to_dict("records")
    assert "cumulative since 2007), " in still_blank(figures)[0]
