"""Printing: tagged, with an outline, the same bytes each time, nothing loaded, and plain words where it cannot be."""

import asyncio
import os
import stat
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browsers import browser_or_skip

from hzso_analysis import printing
from hzso_analysis.printing import PrintingError, check_printing, find_browser, print_pdf

TITLE = "Hangzhou (杭州), 2011"
PAGE = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><title>Another title</title>
<style>@page {{ margin: 20mm; @bottom-right {{ content: "page " counter(page) " of " counter(pages) }} }}
h1 {{ break-before: page }}</style>
<script>document.write("<h1>A script ran</h1>")</script><script src="{server}/a.js"></script></head>
<body><h1 id="one">How large?</h1><p>Ümläut <a href="#two">below</a>, <a href="01 page.html#two">here</a>,
<a href="tables.xlsx">workbook</a>, <a href="https://example.org/a">elsewhere</a> <img alt="" src="{server}/a.png">
<iframe title="x" src="{server}/frame"></iframe> <iframe title="y" src="{secret}"></iframe>
<h2 id="two">Growth (in %)</h2><table><tr><th scope="col">a</th><th scope="col">b</th></tr>
<tr><th scope="row">c</th><td>d</td></tr></table><h1>Markets 市场</h1><h2>Japan</h2></body></html>"""


@pytest.fixture
def server():
    """A server on this machine and the list of what it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


@pytest.fixture
def scratch(monkeypatch):
    """A folder for temporary files; not below `tmp_path`, as the path of a socket of Chromium must be short."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


async def _print_in_a_loop(page, target):
    print_pdf(page, target, title=TITLE)


def _titles(outline):
    return [name for item in outline for name in (_titles(item) if isinstance(item, list) else [item.title])]


def test_a_page_prints_tagged_with_an_outline_the_same_each_time_and_loads_nothing(server, scratch, tmp_path):
    browser_or_skip()
    pypdf = pytest.importorskip("pypdf")
    address, asked = server
    page, first, second = tmp_path / "01 page.html", tmp_path / "pdf" / "one.pdf", tmp_path / "two.pdf"
    secret = tmp_path / "secret.txt"
    secret.write_text("Nobody may read this")
    page.write_text(PAGE.format(server=address, secret=secret.as_uri()), encoding="utf-8")
    print_pdf(page, first, title=TITLE)
    asyncio.run(_print_in_a_loop(page, second))  # as in a notebook
    assert list(scratch.iterdir()) == []

    raw = first.read_bytes()
    assert raw == second.read_bytes()
    assert asked == []
    assert b"file:" not in raw and str(tmp_path).encode() not in raw
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {page, first, second, secret}

    reader = pypdf.PdfReader(first)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == "en-GB"
    assert reader.metadata.title == TITLE
    assert reader.metadata["/CreationDate"] == reader.metadata["/ModDate"] == "D:20000101000000+00'00'"
    assert _titles(reader.outline) == ["How large?", "Growth (in %)", "Markets 市场", "Japan"]
    texts = [sheet.extract_text() for sheet in reader.pages]
    assert "page 1 of 2" in texts[0] and "Ümläut" in texts[0]
    assert "A script ran" not in "".join(texts) and "Nobody" not in "".join(texts)
    assert [float(side) for side in reader.pages[0].mediabox[2:]] == pytest.approx([595.3, 841.9], abs=1)  # A4
    links = [note.get_object() for note in reader.pages[0]["/Annots"]]
    assert [link["/A"]["/URI"] for link in links if "/A" in link] == ["https://example.org/a"]
    assert sum("/Dest" in link for link in links) == 2


def test_a_file_that_is_no_browser_is_named_and_the_old_print_stays(tmp_path, monkeypatch):
    pytest.importorskip("playwright.sync_api")
    broken, page, target = tmp_path / "broken", tmp_path / "page.html", tmp_path / "page.pdf"
    broken.write_text("#!/bin/sh\necho 'broken: cannot open shared object file' >&2\nexit 1\n")
    broken.chmod(stat.S_IRWXU)
    page.write_text("<p>A page</p>")
    target.write_bytes(b"old")
    monkeypatch.setenv("HZSO_BROWSER", str(broken))
    with pytest.raises(PrintingError) as caught:
        print_pdf(page, target, title="A page")
    said = f"{broken} could not print page.html: cannot open shared object file; to try another browser, "
    assert str(caught.value) == f"{said}set HZSO_BROWSER to its path"
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "page.html", "page.pdf"]


def test_a_browser_that_is_set_but_not_there_is_named(monkeypatch):
    monkeypatch.setenv("HZSO_BROWSER", "/nowhere/chromium")
    with pytest.raises(PrintingError, match=r"^HZSO_BROWSER: there is no file /nowhere/chromium; set it to the path"):
        find_browser()


def test_a_browser_that_cannot_be_run_is_named_before_anything_is_made(tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.touch(mode=0o644)
    monkeypatch.setenv("HZSO_BROWSER", str(page))
    with pytest.raises(PrintingError, match=r"^HZSO_BROWSER: .*page\.html is no program; set it to the path"):
        check_printing()


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without any browser; returns the one folder on its PATH."""
    monkeypatch.delenv("HZSO_BROWSER", raising=False)
    for variable in ("PATH", "PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(printing, "_downloaded", lambda: str(tmp_path / "never downloaded"))
    monkeypatch.setattr(printing, "MAC", [])
    return tmp_path


def _program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(stat.S_IRWXU)
    return str(path)


def test_the_first_browser_is_taken(bare, monkeypatch):
    pytest.importorskip("playwright.sync_api")
    own = _program(bare / "cache" / "chrome")
    monkeypatch.setattr(printing, "_downloaded", lambda: own)
    assert check_printing() == own
    windows = _program(bare / "Microsoft" / "Edge" / "Application" / "msedge.exe")
    assert find_browser() == windows
    chrome = _program(bare / "google-chrome")
    assert find_browser() == chrome
    assert find_browser() != _program(bare / "msedge")
    chromium = _program(bare / "chromium")
    assert find_browser() == chromium
    monkeypatch.setenv("HZSO_BROWSER", own)
    assert find_browser() == own


@pytest.mark.usefixtures("bare")
def test_what_to_install_is_said_where_there_is_no_browser():
    pytest.importorskip("playwright.sync_api")
    with pytest.raises(
        PrintingError, match="apt install chromium, or playwright install chromium; or set HZSO_"
    ) as none:
        check_printing()
    assert "pip install" not in str(none.value)


def test_what_to_install_is_said_where_there_is_no_playwright(bare, monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(PrintingError, match=r"apt install chromium(.|\n)*pip install \"hzso-analysis\[pdf\]\"$"):
        check_printing()
    browser = _program(bare / "chromium")
    assert find_browser() == browser
    with pytest.raises(PrintingError, match=r"^printing needs playwright; install it: pip install"):
        check_printing()


def test_where_playwright_keeps_its_browser_is_an_absolute_path():
    pytest.importorskip("playwright.sync_api")
    assert os.path.isabs(printing._apart(printing._downloaded))
