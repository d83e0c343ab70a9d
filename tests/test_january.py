"""The January job on a copy of the data: a table of the new year, filled in, checked, and a report that compares."""

import csv
import io
import shutil

import openpyxl
import pytest
from click.testing import CliRunner

from hzso_analysis.chapters import scale
from hzso_analysis.cli import main
from hzso_analysis.edition import find, open_edition
from hzso_analysis.folders import DATA_DIR
from hzso_analysis.provenance import NOTEBOOKS_DIR
from hzso_analysis.report import build_report

SOURCE = "hangzhou overview 2012"
EXECUTED, SIGNED = "contracts executed", "contracts signed"
TYPED = {  # what a made-up overview prints, by what its row counts
    (SIGNED, "all", "", ""): "3.950",
    (EXECUTED, "all", "", ""): "2.780",
    (EXECUTED, "offshore", "", ""): "2.450",
    (EXECUTED, "offshore", "ITO", ""): "1.588",
    (EXECUTED, "offshore", "ITO", "share"): "64.8",
    ("people trained", "", "", ""): "21,300",
}
NEW = {"year": "2012", "indicator": EXECUTED, "flow": "offshore", "category": "BPO", "value": "0.410"}
NEW |= {"unit": "USD billion", "source": SOURCE}  # was not published last year


def run(*words):
    return CliRunner().invoke(main, words)


def typed(row):
    """What is typed into a row, nothing where the overview prints no such number."""
    value = TYPED.get(tuple(row[name] or "" for name in ("indicator", "flow", "category", "measure")))
    return {"value": value, "source": SOURCE, "locator": "I(1)"} if value else {}


def fill_in_csv(path):
    header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    named = [dict(zip(header, row, strict=True)) for row in rows]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, header, restval="")
        writer.writeheader()
        writer.writerows([*(row | typed(row) for row in named), NEW])


def fill_in_xlsx(path):
    book = openpyxl.load_workbook(path)
    sheet = book["figures"]
    place = {cell.value: cell.column for cell in sheet[1]}
    last = sheet.max_row
    for line in range(2, last + 1):
        row = {name: sheet.cell(line, column).value for name, column in place.items()}
        for name, text in typed(row).items():
            sheet.cell(line, place[name]).value = text
    for name, text in NEW.items():
        sheet.cell(last + 1, place[name]).value = text
    book.save(path)


@pytest.fixture(scope="module", params=["csv", "xlsx"])
def january(request, tmp_path_factory):
    """A copy of the data with the table of 2012: blank, what check says of it, and then filled in."""
    folder = tmp_path_factory.mktemp(request.param) / "data"
    shutil.copytree(DATA_DIR, folder)
    words = ["--area", "hangzhou", "--data-dir", str(folder)]
    made = run("new-year", "2012", *words, *(["--xlsx"] if request.param == "xlsx" else []))
    assert made.exit_code == 0, made.output
    blank = run("check", *words)
    with (folder / "sources.csv").open("a", encoding="utf-8", newline="") as file:
        file.write(f"{SOURCE},A made-up overview,A bureau,2013-01,,2\n")
    (fill_in_xlsx if request.param == "xlsx" else fill_in_csv)(folder / "hangzhou" / f"2012.{request.param}")
    return folder, request.param, blank


def growth_of_2012():
    """The growth that the typed 2.450 and what is known of 2011 without it leave, as a reader sees it."""
    before = find(open_edition(area="hangzhou", year=2011, compare_with=""), EXECUTED, "offshore")
    return f"{100 * (2449.5 / before.high - 1):.1f}–{100 * (2450.5 / before.low - 1):.1f} %"


def test_a_blank_table_is_no_fault_and_is_counted(january):
    _, ending, blank = january
    assert blank.exit_code == 0
    assert "hangzhou: 131 figures, 2008 to 2021, " in blank.stdout
    assert (
        f"hangzhou/2012.{ending}: 67 of 67 figures are still blank: lines 2 (national demonstration cities), "
        in blank.stdout
    )
    assert "; 2012 has no figures yet\n" in blank.stdout


def test_check_says_what_is_still_blank(january):
    folder, ending, _ = january
    done = run("check", "--area", "hangzhou", "--data-dir", str(folder))
    assert done.exit_code == 0, done.output
    assert "hangzhou: 138 figures, 2008 to 2021, " in done.stdout
    assert (
        f"hangzhou/2012.{ending}: 61 of 68 figures are still blank: lines 2 (national demonstration cities), "
        in done.stdout
    )
    assert "no figures yet" not in done.stdout


def test_the_new_year_is_compared_with_the_estimate_of_2011(january):
    edition = open_edition(area="hangzhou", year=2012, compare_with="", data_dir=str(january[0]))
    chart = scale.growth(edition)
    found = chart.frame.set_index("label")["text"]
    assert found["2012"] == growth_of_2012() == "20.4–20.5 %"
    assert chart.source.endswith("; A bureau (2013-01)")
    bpo = find(edition, EXECUTED, "offshore", "BPO")
    assert (bpo.low, bpo.high, bpo.status) == (pytest.approx(409.5), pytest.approx(410.5), "published")


@pytest.fixture
def two_notebooks(tmp_path, monkeypatch):
    """The notebooks whose pages show growth: all of them would take a minute."""
    for name in ("00_overview.ipynb", "01_scale.ipynb"):
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        shutil.copy(NOTEBOOKS_DIR / name, tmp_path / "notebooks")
    monkeypatch.setattr("hzso_analysis.provenance.NOTEBOOKS_DIR", tmp_path / "notebooks")


@pytest.mark.usefixtures("two_notebooks")
@pytest.mark.parametrize("january", ["xlsx"], indirect=True)  # one report is enough
def test_the_report_of_the_new_year_shows_the_growth(january, tmp_path):
    index = build_report(area="hangzhou", year=2012, out_dir=tmp_path, data_dir=january[0])
    assert growth_of_2012() in index.with_name("01_scale.html").read_text(encoding="utf-8")
    assert len(list(index.parent.glob("*.html"))) == 3
