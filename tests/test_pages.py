"""The pages in a browser without a network, and what they hold: for the eye, the keyboard, the screen reader, paper."""

import base64
import csv
import io
import json
import re
import shutil
from collections import Counter
from html import unescape
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest
from executed import committed, executed, write_pages
from test_downloads import columns_of, shown

from hzso_analysis import pages
from hzso_analysis.cells import bounds
from hzso_analysis.edition import open_edition
from hzso_analysis.folders import DATA_DIR
from hzso_analysis.provenance import NOTEBOOKS_DIR

STEMS = [path.stem for path in sorted(NOTEBOOKS_DIR.glob("*.ipynb"))]
PAGES = ["index", *STEMS]
CHINA = ["01_scale", "03_leading_enterprises", "07_data_quality"]
ATTACKED = ["00_overview", "01_scale", "02_sector_mix", "05_talent_training"]
TAG, FORMULA, CHINESE = "<script>alert(1)</script>", '=HYPERLINK("http://example.org","here")', "杭州市服务外包"
MARK = '"><img src=x onerror=alert(1)> $x^2$ and $y$'
LINK = "[a](http://example.org) ![b](http://example.org/c.png) *d* `e` {f} %s \\\\ \\n"


def written(folder, chapters, **parameters):
    """Write the pages of an edition to a folder."""
    edition = open_edition(**parameters)
    folder.mkdir(parents=True)
    write_pages(folder, chapters, edition, pages.front(edition))
    (folder / "print.html").write_text(pages.whole_page(folder, chapters, edition), encoding="utf-8")


def attacked(folder):
    """A copy of the data whose labels, titles and notes are no plain text."""
    shutil.copytree(DATA_DIR, folder)
    changes = [
        ("categories", "ITO", "label_en", TAG),
        ("indicators", "contracts executed", "label_en", FORMULA),
        ("indicators", "people trained", "label_en", f"{CHINESE}人才"),
        ("sources", "hangzhou overview 2011", "title", f"{CHINESE}发展概况"),
        ("sources", "hangzhou overview 2011", "publisher", MARK),
        ("sources", "shanghai daily 2012-04-23", "publisher", LINK),
    ]
    for name, ident, column, text in changes:
        table = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        assert (table["id"] == ident).sum() == 1
        table.loc[table["id"] == ident, column] = text
        table.to_csv(folder / f"{name}.csv", index=False)
    path = folder / "hangzhou" / "2011.csv"
    figures = pd.read_csv(path, dtype=str, keep_default_na=False)
    figures["locator"], figures["note"] = f"+1 {TAG}", f"-1 {MARK}"
    figures.to_csv(path, index=False)
    return folder


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Reports of two editions, one of them twice, and of data that attack."""
    folder = tmp_path_factory.mktemp("pages")
    written(folder / "hangzhou", committed())
    written(folder / "again", committed())
    china, hostile = {"area": "china", "year": 2022}, {"data_dir": str(attacked(folder / "data"))}
    with pytest.MonkeyPatch.context() as patch:
        written(folder / "china", executed(patch, CHINA, **china), **china)
        written(folder / "attacked", executed(patch, ATTACKED, **hostile), **hostile)
    return folder


def text(desk, report, name):
    return (desk / report / f"{name}.html").read_text(encoding="utf-8")


def test_the_same_edition_gives_the_same_bytes(desk):
    first, second = ({p.name: p.read_bytes() for p in (desk / name).iterdir()} for name in ("hangzhou", "again"))
    assert first == second and len(first) == 2 * len(STEMS) + 4


# what is on the pages


def test_the_opening_lines_name_parameters_and_sources(desk):
    page = text(desk, "china", "01_scale")
    assert re.findall(r'<p class="edition">(.*?)</p>', page) == [
        "China, 2022. Not compared with another area. Totals as estimated from all published figures.",
        "Source: China News Service in Tibet.cn (2023-02-02)",
    ]


def test_the_contents_lead_to_every_section(desk):
    for stem in STEMS:
        page = text(desk, "hangzhou", stem)
        links = re.findall(
            r'<li><a href="#([^"]+)">(.*?)</a></li>', page.partition('class="toc"')[2].partition("</nav>")[0]
        )
        assert links == re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', page) and len(links) >= 5


def test_ids_are_there_once(desk):
    for report in ("hangzhou", "china", "attacked"):
        for page in (desk / report).glob("*.html"):
            ids = re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8"))
            assert not [name for name, times in Counter(ids).items() if times > 1], page


def test_links_within_and_between_pages_lead_somewhere(desk):
    for page in (desk / "hangzhou").glob("*.html"):
        html = page.read_text(encoding="utf-8")
        for link in re.findall(r'<a [^>]*href="([^"]+)"', html):
            file, _, ident = link.partition("#")
            if link.startswith("data:") or file == "../../index.html":
                continue
            target = (page.parent / file).read_text(encoding="utf-8") if file.endswith(".html") else html
            assert not ident or f'id="{ident}"' in target, (page, link)
            assert not file or (page.parent / file).is_file(), (page, link)


def test_every_exhibit_offers_its_data_as_csv(desk):
    for chapter in committed():
        page = text(desk, "hangzhou", chapter.stem)
        links = re.findall(
            r'<a class="copy" download="([^"]+)" href="data:text/csv;charset=utf-8;base64,([^"]+)"', page
        )
        shown = [record for record in pages.records(chapter.notebook) if record["rows"]]
        assert len(links) == len(shown) > 0
        for (name, data), record in zip(links, shown, strict=True):
            rows = list(csv.reader(io.StringIO(base64.b64decode(data).decode("utf-8-sig"))))
            assert (
                name
                == f"hangzhou-2011-{chapter.stem[3:].replace('_', '-')}-{record['name'].lower().replace(' ', '-')}.csv"
            )
            assert rows[0] == record["columns"] and len(rows) > len(record["rows"])


def test_a_unit_that_holds_for_a_column_stands_under_its_head(desk):
    table = text(desk, "hangzhou", "04_markets").partition('id="table-1"')[2].partition("</table>")[0]
    heads = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", table)
    units = re.findall(r"<td[^>]*>(.*?)</td>", table.partition('<tr class="units">')[2].partition("</tr>")[0])
    cells = re.findall(r"<td[^>]*>(.*?)</td>", table.partition("<tbody>")[2].partition("</tr>")[0])
    assert dict(zip(heads, units, strict=True)) == {
        "Item": "",
        "Value": "USD million",
        "Share printed": "%",
        "Share computed": "%",
        "Status": "",
        "Source": "",
    }
    assert cells[:3] == ["1,395", "68.58", "68.58"]


def test_statuses_are_marked_and_explained_below(desk):
    page = text(desk, "hangzhou", "01_scale").partition('id="table-1"')[2].partition("</div>")[0]
    rows, note = page.split("</table>")
    marks = set(re.findall(r'<span class="status (\w+)">', rows))
    assert marks == set(re.findall(r'<span class="status (\w+)">\1</span>: \w+', note)) >= {"corrected", "disputed"}


def test_headline_numbers_have_a_small_line_where_several_years_are_known(desk):
    index = text(desk, "hangzhou", "index")
    tile = re.search(r"<li>\s*<span class=\"item\">Contracts executed, offshore</span>.*?</li>", index, re.S)[0]
    assert (
        'aria-label="2007–2011: 2007: 139–142; 2008: 198–210; 2009: 916–922; 2010: 1,553–1,554; 2011: 2,033–2,034"'
        in tile
    )
    assert 'href="tables.xlsx"' in index and "report.pdf" not in index


def test_contents_for_a_catalogue(desk):
    found = json.loads((desk / "hangzhou" / "contents.json").read_text(encoding="utf-8"))
    assert (found["area"], found["year"], found["misfits"], found["files"]) == ("hangzhou", 2011, 2, ["tables.xlsx"])
    for chapter in found["chapters"]:
        page = (desk / "hangzhou" / chapter["page"]).read_text(encoding="utf-8")
        assert chapter["exhibits"] and all(f'id="{exhibit["id"]}"' in page for exhibit in chapter["exhibits"])


def test_bounds_of_a_record_are_in_the_unit_of_its_text():
    compared = 0
    for chapter in committed():
        for record in pages.records(chapter.notebook):
            for row in (dict(zip(record["columns"], row, strict=True)) for row in record["rows"]):
                said = bounds(str(row.get("value") or row.get("text") or ""))
                for known, text in zip((row.get("low"), row.get("high")), said or (), strict=False):
                    if known and text and not isinstance(known, str):
                        assert 0.5 < known / text < 2, (chapter.stem, record["name"], row)
                        compared += 1
    assert compared > 200


def cells_of(page, number):
    """The cells of a table of a page by heading, with the unit that stands under the heading."""
    table = page.partition(f'id="{number}"')[2].partition("</table>")[0]
    heads = [unescape(text) for text in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)]
    units = re.findall(r"<td[^>]*>(.*?)</td>", table.partition('<tr class="units">')[2].partition("</tr>")[0])
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.S)
    cells = [re.findall(r"<t[dh][^>]*>(?:<span[^>]*>)?(.*?)(?:</span>)?</t[dh]>", row) for row in rows]
    columns = {head: [unescape(row[place]) for row in cells] for place, head in enumerate(heads)}
    return columns, dict(zip(heads, units or [""] * len(heads), strict=True))


@pytest.mark.parametrize("report", ["hangzhou", "china"])
def test_the_workbook_shows_every_number_of_the_pages(desk, report):
    book = openpyxl.load_workbook(desk / report / "tables.xlsx")
    seen = numbers = 0
    for stem in sorted(path.stem for path in (desk / report).glob("0*.html")):
        page = text(desk, report, stem)
        for number in re.findall(r'<div class="numbered" id="(table-\d+)">\s*<div class="exhibit', page):
            columns, units = cells_of(page, number)
            name = f"{int(stem[:2])} {stem[3:].replace('_', ' ').capitalize()} T{number.partition('-')[2]}"
            cells = columns_of(book[name])
            for head, texts in columns.items():
                percent = " %" if units[head] == "%" else ""
                expected = [word if word == "–" else f"{word}{percent}" for word in texts]
                assert [shown(cell) for cell in cells[head]] == expected, (name, head)
                numbers += sum(isinstance(cell.value, int | float) for cell in cells[head])
            seen += 1
    assert seen >= (30 if report == "hangzhou" else 5) and numbers > 3 * seen


# data that attack


def test_text_from_the_data_is_text_on_every_page(desk):
    for page in [f"{stem}" for stem in ("index", "print", *ATTACKED)]:
        html = text(desk, "attacked", page)
        assert not re.search(r"<script|<img", html), page
        for picture in re.findall(r"<svg.*?</svg>", html, re.S):
            elements = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(picture).iter()}
            assert elements <= {"svg", "g", "path", "defs", "use", "style", "clipPath", "rect", "circle"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text(desk, "attacked", "02_sector_mix")
    assert LINK in text(desk, "attacked", "index") and LINK in text(desk, "attacked", "01_scale")
    assert "=HYPERLINK(&quot;http://example.org&quot;,&quot;here&quot;)" in text(desk, "attacked", "01_scale")


def test_text_from_the_data_is_text_in_the_workbook_and_the_copies(desk):
    book = openpyxl.load_workbook(desk / "attacked" / "tables.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert not [cell.hyperlink.target for cell in cells if cell.hyperlink and cell.hyperlink.target]
    assert [cell for cell in cells if FORMULA in str(cell.value)] and [cell for cell in cells if TAG in str(cell.value)]
    for stem in ATTACKED:
        for data in re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', text(desk, "attacked", stem)):
            rows = csv.reader(io.StringIO(base64.b64decode(data).decode("utf-8-sig")))
            assert not [cell for row in rows for cell in row if re.match(r"[=+@]|-(?![\d.]+( %)?$)", cell)]


def test_dollars_stand_as_typed(desk):
    for page in ("00_overview", "02_sector_mix"):
        assert "$x^2$ and $y$" in text(desk, "attacked", page)


def test_chinese_letters_come_with_the_page_that_has_them_and_only_with_it(desk):
    assert "@font-face" in text(desk, "attacked", "00_overview") and "font-src data:" in text(
        desk, "attacked", "00_overview"
    )
    assert not [page for page in PAGES if "@font-face" in text(desk, "hangzhou", page)]


@pytest.mark.parametrize(
    "row",
    ["contracts executed,offshore,,,100,USD million,unclear", "contracts executed,offshore,share,china,5,percent,"],
    ids=["in doubt", "a share of an area that is not there"],
)
def test_an_area_of_whose_levels_nothing_is_known_has_pages_that_say_so(tmp_path, monkeypatch, row):
    (tmp_path / "aa").mkdir()
    head = "year,indicator,flow,measure,of,value,unit,qualifier,source"
    (tmp_path / "aa" / "2011.csv").write_text(f"{head}\n2011,{row},hangzhou overview 2011\n", encoding="utf-8")
    chapters = executed(monkeypatch, area="aa", compare_with="", data_dir=str(tmp_path))
    shown = [record for chapter in chapters for record in pages.records(chapter.notebook)]
    assert len(shown) > 30
    titles = [record["title"] for record in shown if record["rows"] and "publisher" not in record["columns"]]
    in_doubt = ["No estimate tests what was printed too unclearly to be used"] if "unclear" in row else []
    front = pages.front(open_edition(area="aa", year=2011, compare_with="", data_dir=str(tmp_path)))
    assert front["headline"] == "None of the main numbers was published for Aa in 2011"
    assert titles == ["No executed amount is known for 2011", *in_doubt, "2011 is covered best: 1 of 1 printed figures"]
