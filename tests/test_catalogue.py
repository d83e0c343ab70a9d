"""The list of all reports: complete, and harmless whatever stands in the data."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from made_reports import ATTACKS, make

from hzso_analysis import catalogue
from hzso_analysis.catalogue import check_place, find_reports, hash_source, write_catalogue


class Page(HTMLParser):
    """The links, ids, tags and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.tags, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if tag == "a" and name == "href"]

    def handle_data(self, data):
        self.text += data


def read(out):
    return Page(write_catalogue(out).read_text(encoding="utf-8"))


def test_areas_stand_by_name_and_years_newest_first_and_every_link_leads_somewhere(tmp_path):
    for area, year in [("hangzhou", 2010), ("hangzhou", 2012), ("china", 2011), ("hangzhou", 2011)]:
        make(tmp_path, area, year)
    page = read(tmp_path)
    links = [link for link in page.links if not link.startswith("#")]
    reports = [link for link in links if link.endswith("index.html")]
    years = ["china/2011", "hangzhou/2012", "hangzhou/2011", "hangzhou/2010"]
    assert reports == [f"{year}/index.html" for year in years]
    assert "hangzhou/2012/01_scale.html#table-1" in links
    assert len(links) == 4 + 4 * 2 + 4 * 4
    assert all((tmp_path / unquote(link.split("#")[0])).is_file() for link in links)
    for words in ["4 reports, 2 areas, 16 findings", "2 contradictions", "1 contradiction", "No contradiction"]:
        assert words in page.text
    assert "Offshore contracts in 2012: USD 2,033–2,034 million" in page.text


def test_a_folder_with_strange_signs_is_linked_in_percent(tmp_path):
    make(tmp_path, "a #b%c 杭", 2011)
    links = [link for link in read(tmp_path).links if not link.startswith("#")]
    assert links[0] == "a%20%23b%25c%20%E6%9D%AD/2011/index.html"
    assert all((tmp_path / unquote(link.split("#")[0])).is_file() for link in links)


def test_what_has_no_words_can_still_be_followed(tmp_path):
    exhibits = [{"id": "table-1", "name": "Table 1", "title": ""}]
    pages = [{"page": "01_scale.html", "name": "Scale", "question": "", "exhibits": exhibits}]
    make(tmp_path, "new_town", 2011, {"name": " ", "title": "", "headline": "", "chapters": pages})
    text = write_catalogue(tmp_path).read_text(encoding="utf-8")
    assert '<h2 id="area-1">New Town</h2>' in text
    assert '<a href="new_town/2011/01_scale.html#table-1">Table 1</a>' in text


def test_what_is_no_report_is_passed_over(tmp_path):
    make(tmp_path, "hangzhou", 2011)
    for folder in [".hidden/2011", "hangzhou/.2011-x3ab", "hangzhou/latest", "hangzhou/20111", "hangzhou/２０１２"]:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "index.html").write_text("A page")
    (tmp_path / "hangzhou" / "2010").mkdir()
    (tmp_path / "notes" / "2011").parent.mkdir()
    (tmp_path / "notes" / "2011").write_text("A file")
    assert [(report["area"], report["year"]) for report in find_reports(tmp_path)] == [("hangzhou", 2011)]


@pytest.mark.parametrize(
    "contents",
    [
        *["", "{", "[]", "null", "[" * 100_000, '{"area": "new_town", "year": 2012}'],
        json.dumps({"area": "hangzhou", "name": "Hangzhou", "year": 2012, "title": "", "headline": "", "misfits": 0}),
        *[{"misfits": "2"}, {"misfits": True}, {"headline": None}, {"chapters": {}}, {"chapters": [{"page": "a"}]}],
        *[{"year": 2010}, {"area": "hangzhou"}, {"name": ["a"]}, {"title": "\ud800"}, b"\xff\xfe"],
    ],
)
def test_a_report_whose_contents_cannot_be_read_is_listed_by_area_and_year(tmp_path, contents):
    make(tmp_path, "new_town", 2011)
    folder = make(tmp_path, "new_town", 2012, contents if isinstance(contents, dict) else {})
    if isinstance(contents, str):
        (folder / "contents.json").write_text(contents)
    if isinstance(contents, bytes):
        (folder / "contents.json").write_bytes(contents)
    page = read(tmp_path)
    assert [link for link in page.links if link.startswith("new_town/2012/")] == ["new_town/2012/index.html"]
    assert "Its findings are not listed; make the report again" in page.text
    (folder / "contents.json").unlink()
    assert [link for link in read(tmp_path).links if link.startswith("new_town/2012/")] == ["new_town/2012/index.html"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_stands_in_the_data_is_only_text(tmp_path, attack):
    pages = [{"page": attack, "name": attack, "question": attack, "exhibits": [dict.fromkeys(["id", "name"], attack)]}]
    pages[0]["exhibits"][0]["title"] = attack
    make(tmp_path, "hangzhou", 2011, dict.fromkeys(["name", "title", "headline"], attack) | {"chapters": pages})
    text = write_catalogue(tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("script") == 1
    assert text.count("<script>") == 1 and text.count("</script>") == 1
    assert page.text.count(attack) == 6
    assert attack not in text


def test_only_the_script_of_the_page_may_run(tmp_path):
    make(tmp_path, "hangzhou", 2011)
    text = write_catalogue(tmp_path).read_text(encoding="utf-8")
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)[1]
    script = re.search(r"<script>(.*)</script>", text, re.S)[1]
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        f"script-src '{hash_source(script)}'"
    )
    assert "innerHTML" not in script and "insertAdjacentHTML" not in script
    assert not re.search(r'(src|href)="(https?:)?//', text)


def test_the_same_reports_give_the_same_bytes_and_nothing_is_left_beside_the_page(tmp_path):
    for area, year in [("china", 2011), ("hangzhou", 2011)]:
        make(tmp_path, area, year)
    first = write_catalogue(tmp_path).read_bytes()
    for area, year in [("hangzhou", 2011), ("china", 2011)]:
        make(tmp_path / "elsewhere", area, year)
    assert write_catalogue(tmp_path / "elsewhere").read_bytes() == first
    assert b"\r" not in first and str(tmp_path).encode() not in first
    assert {path.name for path in tmp_path.iterdir()} == {"china", "hangzhou", "elsewhere", "index.html"}


def test_a_page_of_somebody_else_is_refused_and_stays(tmp_path):
    check_place(tmp_path / "not yet there")
    (tmp_path / "index.html").write_text("My own page on hzso_analysis catalogue")
    for refused in (check_place, write_catalogue):
        with pytest.raises(FileExistsError, match=r"index\.html is in the way: .*; move it or choose another folder$"):
            refused(tmp_path)
    assert (tmp_path / "index.html").read_text() == "My own page on hzso_analysis catalogue"
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").mkdir()
    with pytest.raises(FileExistsError):
        check_place(tmp_path)
    (tmp_path / "index.html").rmdir()
    (tmp_path / "index.html").symlink_to(tmp_path / "on a disk that is not here")
    with pytest.raises(FileExistsError):
        check_place(tmp_path)


def test_a_place_that_cannot_hold_the_list_is_named_before_reports_are_made(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"file is a file; choose a folder$"):
        check_place(tmp_path / "file")
    monkeypatch.setattr("os.access", lambda *_: False)  # whoever runs the tests may write anywhere
    with pytest.raises(PermissionError, match=r"nothing can be written there; choose another folder$"):
        check_place(tmp_path)


def test_without_reports_the_page_says_how_to_make_one(tmp_path):
    page = read(tmp_path / "new")
    assert "Make one with: hzso report" in page.text
    assert "script" not in page.tags
    check_place(tmp_path / "new")


def test_a_report_that_another_run_finishes_meanwhile_is_listed(tmp_path, monkeypatch):
    make(tmp_path, "china", 2011)
    arriving = iter([2012, 2013])

    def slowly(path, raw):
        for year in arriving:
            make(tmp_path, "china", year)
            break
        path.write_bytes(raw)

    monkeypatch.setattr(catalogue, "write_aside", slowly)
    links = read(tmp_path).links
    assert [f"china/{year}/index.html" in links for year in (2011, 2012, 2013)] == [True] * 3
