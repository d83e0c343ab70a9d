"""What is made up or not for publication says so wherever it is shown, and made-up figures never meet real ones."""

import base64
import csv
import io
import json
import re
import shutil

import openpyxl
import pytest
from executed import committed, executed, write_pages
from ledgers import MARKETS, added_up, folder, records

from hzso_analysis import pages
from hzso_analysis.catalogue import write_catalogue
from hzso_analysis.chapters import markets, overview
from hzso_analysis.edition import describe, open_edition, stamps
from hzso_analysis.faults import DataError
from hzso_analysis.figures import load_figures
from hzso_analysis.folders import DATA_DIR

MADE_UP, INTERNAL = "Synthetic data: made up", "Internal: not for publication"


def assert_stamped(text, said):
    """Every stamp stands in a text."""
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    for stamp in said:
        assert stamp in plain


def csv_texts(html):
    """The CSV copies that a page carries."""
    for raw in re.findall(r"data:text/csv;charset=utf-8;base64,([\w+/=]+)", html):
        yield base64.b64decode(raw).decode("utf-8-sig")


REPORTS = [
    ("synthetic", "synthetic ledger", [MADE_UP]),
    ("synthetic", "synthetic ledger internal", [MADE_UP, INTERNAL]),
    ("city", "ledger internal", [INTERNAL]),
    ("city", "ledger", []),
]


@pytest.mark.parametrize(("area", "source", "marks"), REPORTS)
def test_the_stamps_of_an_edition_follow_its_sources(tmp_path, area, source, marks):
    edition = open_edition(area=area, year=2011, data_dir=folder(tmp_path, area=area, source=source, years=(2011,)))
    said = stamps(edition)
    assert len(said) == len(marks) and all(text.startswith(mark) for text, mark in zip(said, marks, strict=True))
    assert_stamped(describe(edition), said)
    assert all(mark not in describe(edition) for mark in {MADE_UP, INTERNAL} - set(marks))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of synthetic records that are not for publication, its catalogue and its page to print."""
    out = tmp_path_factory.mktemp("reports")
    data = folder(tmp_path_factory.mktemp("data"), source="synthetic ledger internal", years=(2011,))
    with pytest.MonkeyPatch.context() as patch:
        chapters = executed(patch, area="synthetic", year=2011, data_dir=data)
    edition = open_edition(area="synthetic", year=2011, data_dir=data)
    target = out / "synthetic" / "2011"
    target.mkdir(parents=True)
    write_pages(target, chapters, edition, pages.front(edition))
    (target / "print.html").write_text(pages.whole_page(target, chapters, edition), encoding="utf-8")
    write_catalogue(out)
    return out, edition


def test_every_page_is_stamped(report):
    out, edition = report
    files = sorted(out.rglob("*.html"))
    assert len(files) == 11  # chapters, index, page to print, catalogue
    for file in files:
        html = file.read_text(encoding="utf-8")
        banners = re.findall(r'<div class="stamp" role="note">(.*?)</div>', html)
        assert set(banners) == set(stamps(edition)), file.name
        if file.name == "print.html":
            assert len(banners) == 2 * 9  # each part carries them, and each sheet of paper does on top
        if file.parent != out:
            assert re.search(r"@top-left \{ content: \"\w+", html)


def test_every_copy_is_stamped(report):
    out, edition = report
    texts = [text for file in out.glob("*/*/0*.html") for text in csv_texts(file.read_text(encoding="utf-8"))]
    assert len(texts) > 20
    for text in texts:
        rows = list(csv.reader(io.StringIO(text)))
        assert_stamped(rows[-1][0], stamps(edition))  # behind the rows, beside the source
        assert {"item", "low"} & set(rows[0])  # a reader finds the header where it always was
    book = openpyxl.load_workbook(out / "synthetic" / "2011" / pages.WORKBOOK)
    assert len(book.sheetnames) > 10
    for sheet in book:
        assert_stamped(sheet.cell(2, 2).value, stamps(edition))
        assert_stamped(sheet.oddHeader.left.text, stamps(edition))


def test_every_chart_and_notebook_is_stamped(report):
    out, edition = report
    for file in out.glob("*/*/*.ipynb"):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        assert_stamped("".join("".join(output["text"]) for output in outputs if "text" in output), stamps(edition))
        for output in outputs:
            if "image/svg+xml" in output.get("data", {}):
                assert_stamped("".join(output["data"]["text/plain"]), stamps(edition))


def test_a_report_of_published_figures_has_no_stamp(tmp_path, hangzhou):
    write_pages(tmp_path, committed(), hangzhou, pages.front(hangzhou))
    (tmp_path / "print.html").write_text(pages.whole_page(tmp_path, committed(), hangzhou), encoding="utf-8")
    files = [file for file in tmp_path.iterdir() if file.suffix in (".html", ".json", ".ipynb")]
    assert len(files) == 19
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert MADE_UP not in text and INTERNAL not in text and "stamp" not in text, file.name
    assert [sheet.cell(2, 2).value for sheet in openpyxl.load_workbook(tmp_path / pages.WORKBOOK)].count(None) > 10


def test_a_synthetic_figure_in_a_real_area_is_refused(tmp_path):
    shutil.copytree(DATA_DIR / "hangzhou", tmp_path / "hangzhou")
    rows = added_up(records(2011, firms=3), 2011, "synthetic ledger").head(2)
    rows.to_csv(tmp_path / "hangzhou" / "ledger-2011.csv", index=False)
    with pytest.raises(DataError) as caught:
        load_figures("hangzhou", data_dir=tmp_path)
    said = str(caught.value)
    assert "hangzhou/ledger-2011.csv:2: source: found synthetic ledger" in said and "(lines 2, 3)" in said
    assert "does not begin with synthetic" in said


def test_a_real_figure_in_a_synthetic_area_is_refused(tmp_path):
    path = folder(tmp_path, years=(2011,))
    added_up(records(2010, firms=3), 2010, "ledger").head(1).to_csv(f"{path}/synthetic/real.csv", index=False)
    with pytest.raises(DataError, match=r"synthetic/real\.csv:2: source: found ledger; .* begins with synthetic"):
        load_figures("synthetic", data_dir=path)


@pytest.mark.parametrize(("area", "other"), [("synthetic", "hangzhou"), ("hangzhou", "synthetic_city")])
def test_what_is_made_up_is_not_compared_with_what_is_real(tmp_path, area, other):
    path = folder(tmp_path, area="synthetic", years=(2011,))
    folder(tmp_path, area="synthetic_city", years=(2011,))
    shutil.copytree(DATA_DIR / "hangzhou", tmp_path / "hangzhou")
    edition = open_edition(area=area, year=2011, compare_with=other, data_dir=path)
    assert edition.compare_with == "" and set(edition.reconciliation.figures["area"]) == {area}
    assert (
        "one of the two is made up" in describe(edition)
        and "one of the two is made up" in pages.edition_lines(edition)[0]
    )


def test_two_synthetic_areas_are_compared(tmp_path):
    path = folder(tmp_path, area="synthetic", years=(2011,))
    folder(tmp_path, area="synthetic_nation", years=(2011,), seed=2)
    edition = open_edition(area="synthetic", year=2011, compare_with="synthetic_nation", data_dir=path)
    assert edition.compare_with == "synthetic_nation"
    places = markets.nation(edition).frame["label"].str.partition(": ")[0]
    assert set(places) == {"Synthetic", "Synthetic Nation"} and places.value_counts().max() <= len(MARKETS)
    assert overview.nation(edition).figure
