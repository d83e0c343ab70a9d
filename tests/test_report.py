"""The report: whole or not at all, the same bytes each time, nothing loaded from elsewhere."""

import gc
import json
import os
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from hzso_analysis import answers, drafts, edition, execution, kernels, provenance, workshop
from hzso_analysis.execution import Executed
from hzso_analysis.exhibits import Exhibit
from hzso_analysis.faults import DataError
from hzso_analysis.report import ReportError, build_report, build_reports, refresh_notebooks

ATTACK = "<script>alert(1)</script>"
PARAMETERS = """\
area = "hangzhou"  # type: str Area
year = 2011  # type: int Year
compare_with = "china"  # type: str Area to compare with
total_basis = "estimated"  # type: str Which totals
data_dir = ""  # type: str Folder with the data
show_code = False  # type: bool Whether code is unfolded"""
SVG = (
    '<svg role="img" aria-label="A chart"><g id="figure1-a"/><use href="#figure1-a" clip-path="url(#figure1-a)"/></svg>'
)
CHART = f"""\
from IPython.display import display
display({{"image/svg+xml": {SVG!r}, "text/plain": "A chart"}}, raw=True)"""
GAP = """\
from IPython.display import HTML
HTML('<p class="gap">Nobody published it.</p>')"""
FIGURES = (
    "year,indicator,flow,value,unit,source\n2011,contracts executed,offshore,1872,USD million,hangzhou overview 2011\n"
)


def make(folder, name, *code, title="How large?", tagged=1, parameters=PARAMETERS, kernel="python3"):
    """Write a tiny notebook with a title, cells tagged parameters and cells with `code`."""
    cells = [nbformat.v4.new_code_cell(parameters, id=f"parameters-{n}") for n in range(tagged)]
    for cell in cells:
        cell.metadata.tags = ["parameters"]
    cells += [nbformat.v4.new_code_cell(text, id=f"code-{n}") for n, text in enumerate(code)]
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\nWhy we ask.", id="title"), *cells]
    kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), folder / f"{name}.ipynb")


def unexecuted(order):
    return Executed(order.notebook, [])


def set_up(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Notebooks, data and stand-ins for the chapters the index asks, below `folder`, the working directory."""
    tiles = [{"item": ATTACK, "value": "2,033 to 2,034", "unit": "USD million", "status": "corrected"}]
    patch.setattr(provenance, "NOTEBOOKS_DIR", folder / "notebooks")
    patch.setattr("hzso_analysis.chapters.overview.headline", lambda edition: Exhibit("Headline", pd.DataFrame(tiles)))
    patch.setattr(
        "hzso_analysis.chapters.data_quality.sentences", lambda edition: [f"**1,872** {ATTACK} does not fit."]
    )
    patch.chdir(folder)
    (folder / "figures" / "hangzhou").mkdir(parents=True)
    (folder / "figures" / "hangzhou" / "2011.csv").write_text(FIGURES, encoding="utf-8")
    kernel = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["/another/python"], "display_name": "Broken", "language": "python"}', encoding="utf-8")
    patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))  # a kernel of another environment, which must not be used
    return folder


def build(out="out", **more):
    return build_report(**({"area": "hangzhou", "year": 2011, "out_dir": out, "data_dir": "figures"} | more))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return set_up(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The same report built twice, in two places."""
    with pytest.MonkeyPatch.context() as patch:
        folder = set_up(tmp_path_factory.mktemp("whole"), patch)
        shown = f"from pathlib import Path\nprint(year + 1, Path(data_dir).is_absolute())\nprint({ATTACK!r})"
        said = f"from IPython.display import Markdown\nMarkdown('**ITO** {ATTACK}')"
        make(folder / "notebooks", "00_overview", shown, said, CHART, title="What *does* it say?", kernel="py39_new")
        make(folder / "notebooks", "01_scale", CHART, title="How large & fast?")
        make(folder / "notebooks", "02_markets", GAP, title="Where from?")
        yield [build(folder / "first"), build(folder / "second")]


def text(reports, name):
    return (reports[0].parent / name).read_text(encoding="utf-8")


def test_a_report_holds_an_index_a_page_and_a_notebook_a_chapter(reports):
    stems = ["00_overview", "01_scale", "02_markets"]
    files = {f"{stem}.{ending}" for stem in stems for ending in ("html", "ipynb")}
    files |= {"index.html", "tables.xlsx", "contents.json", "manifest.json"}
    assert {path.name for path in reports[0].parent.iterdir()} == files
    assert reports[0].parts[-4:] == ("first", "hangzhou", "2011", "index.html")


def test_the_same_input_gives_the_same_bytes_and_no_path_of_the_machine(reports):
    first, second = ({p.name: p.read_bytes() for p in r.parent.iterdir()} for r in reports)
    assert first == second
    root = str(reports[0].parents[4]).encode()
    assert not [name for name, content in first.items() if root in content]


def test_pages_load_nothing_and_run_nothing(reports):
    for page in reports[0].parent.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|iframe|object|embed|base)\b", html), page.name
        loaded = re.findall(r'\bsrc="([^"]*)"|<link[^>]*href="([^"]*)"|url\(([^)]*)\)|@import\s+(\S+)', html)
        assert not [name for found in loaded for name in found if name and not name.startswith(("data:", "#"))]
        assert "default-src 'none'" in html


def test_pages_lead_to_each_other(reports):
    middle = text(reports, "01_scale.html")
    assert re.findall(r'<a rel="(prev|next)" href="([^"]+)"', middle) == [
        ("prev", "00_overview.html"),
        ("next", "02_markets.html"),
    ]
    assert 'href="index.html"' in middle
    assert '<a href="01_scale.html" aria-current="page">Scale</a>' in middle
    for page in reports[0].parent.glob("*.html"):
        links = re.findall(r'<a [^>]*href="([^"#]+)"', page.read_text(encoding="utf-8"))
        assert {"00_overview.html", "01_scale.html", "02_markets.html"} <= set(links)
        assert not [link for link in links if not (page.parent / link).is_file()]


def test_a_chapter_page_has_one_title_the_parameters_in_words_and_its_code_folded(reports):
    page = text(reports, "00_overview.html")
    assert re.findall(r"<h1>(.*?)</h1>", page) == ["What does it say?"]
    assert "<title>What does it say? – Hangzhou service outsourcing, 2011</title>" in page
    assert '<html lang="en">' in page and not re.search(r"\b(In|Out) ?\[|ipykernel|No description", page)
    assert "Hangzhou, 2011. Not compared: China has no figures. Totals as estimated from all published figures." in page
    assert '<pre class="stream">2012 True\n&lt;script&gt;alert(1)&lt;/script&gt;\n</pre>' in page
    assert page.index('<pre class="stream">') < page.index('<details class="code"><summary>Code</summary>')
    assert "area = &#34;hangzhou&#34;  # type: str Area" in page


def test_the_index_shows_headline_numbers_misfits_and_a_card_a_chapter(reports):
    index = text(reports, "index.html")
    assert "<h1>Hangzhou service outsourcing, 2011</h1>" in index
    assert '<span class="status corrected">corrected</span>' in index
    assert "<strong>1,872</strong>" in index.split("What does not fit")[1]
    assert '<h2><a href="01_scale.html">How large &amp; fast?</a></h2>' in index
    assert '<p class="gap">Nobody published it.</p>' in index
    ids = re.findall(r'\bid="([^"]+)"', index)
    assert len(ids) == len(set(ids))
    assert {"c00-figure1-a", "c01-figure1-a"} <= set(ids)
    assert 'href="#c01-figure1-a" clip-path="url(#c01-figure1-a)"' in index


def test_wide_tables_scroll_on_the_screen_and_are_whole_on_paper(reports):
    style = re.search(r"<style>(.*)</style>", text(reports, "00_overview.html"), re.S)[1]
    screen, paper = style.split("@media print", 1)
    assert re.search(r"\.exhibit \{[^}]*overflow-x: auto", screen) and re.search(
        r"\.number \{ text-align: right", screen
    )
    assert re.search(r"\.exhibit \{ overflow: visible", paper) and "thead { display: table-header-group; }" in paper


def test_text_from_the_data_is_never_markup(reports):
    for name in ("index.html", "00_overview.html"):
        page = text(reports, name)
        assert ATTACK not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_executed_notebooks_hold_nothing_of_the_run(reports):
    notebook = json.loads(text(reports, "00_overview.ipynb"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert notebook["metadata"] == {"kernelspec": kernel, "language_info": {"name": "python"}}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in notebook["cells"])
    assert [cell["id"] for cell in notebook["cells"]][:3] == ["title", "parameters-0", "injected-parameters"]
    assert notebook["cells"][2]["source"][-2:] == ['data_dir = "figures"\n', "show_code = False"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        (f"raise ValueError('first {ATTACK}\\nsecond')", f"ValueError: first {ATTACK}"),
        ("import sys\nprint('old option', file=sys.stderr)", "wrote to stderr: old option"),
        ("import os\nos._exit(3)", "Kernel died"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_a_failed_notebook_is_named_and_the_old_report_stays(desk, code, said):
    old = desk / "out" / "hangzhou" / "2011" / "index.html"
    old.parent.mkdir(parents=True)
    old.write_text("last month", encoding="utf-8")
    make(desk / "notebooks", "00_overview", "x = 1", code, "y = 2")
    with pytest.raises(ReportError) as error:
        build()
    assert str(error.value) == f"hangzhou 2011: 00_overview.ipynb, code cell 3: {said}"
    assert [path.relative_to(desk / "out").as_posix() for path in (desk / "out").rglob("*")] == [
        "hangzhou",
        "hangzhou/2011",
        "hangzhou/2011/index.html",
    ]
    assert old.read_text(encoding="utf-8") == "last month"


def test_a_cell_that_never_ends_is_stopped_with_a_message_and_nothing_else_is_said(desk, caplog, capfd):
    make(desk / "notebooks", "00_overview", "import time\ntime.sleep(60)")
    with pytest.raises(ReportError) as error:
        build(timeout=1)
    said = "hangzhou 2011: 00_overview.ipynb, code cell 2: the notebook took longer than 1 seconds"
    assert str(error.value) == said
    gc.collect()  # what still waited for the cell would complain now
    assert (capfd.readouterr(), [r for r in caplog.records if r.name == "asyncio"]) == (("", ""), [])


@pytest.mark.skipif(os.name != "posix", reason="sockets are files on these systems only")
def test_kernels_that_start_together_cannot_take_each_others_ports(monkeypatch):
    assert kernels.OwnKernel().transport == "ipc"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/" + "a" * 100)
    assert kernels.OwnKernel().transport == "tcp", "a name too long for a socket"


def test_an_interrupt_leaves_no_folder_behind(desk, monkeypatch):
    def interrupt(*_):
        assert list((desk / "out" / "hangzhou").glob(".2011-*")), "the test must stop a run that is under way"
        raise KeyboardInterrupt

    monkeypatch.setattr(drafts, "rows_hash", interrupt)
    make(desk / "notebooks", "00_overview")
    with pytest.raises(KeyboardInterrupt):
        build()
    assert not (desk / "out" / "hangzhou").exists()


def test_a_new_report_takes_the_place_of_the_old_one(desk, monkeypatch):
    monkeypatch.setattr(execution, "execute", unexecuted)
    make(desk / "notebooks", "00_overview")
    make(desk / "notebooks", "01_scale")
    build()
    (desk / "notebooks" / "01_scale.ipynb").unlink()
    page = build()
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "00_overview.html",
        "00_overview.ipynb",
        "contents.json",
        "index.html",
        "manifest.json",
        "tables.xlsx",
    ]
    assert [path.name for path in page.parents[1].iterdir()] == ["2011"]
    assert page.parent.stat().st_mode == page.parents[1].stat().st_mode, "others may read it as far as the umask says"


def test_the_old_report_comes_back_when_the_new_one_cannot_be_moved_in(tmp_path):
    (tmp_path / "2011").mkdir()
    (tmp_path / "2011" / "index.html").write_text("last month", encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        workshop.swap(tmp_path / "no draft", tmp_path / "2011")
    assert (tmp_path / "2011" / "index.html").read_text(encoding="utf-8") == "last month"


def test_the_old_report_comes_back_after_an_interrupt_right_behind_its_move(tmp_path, monkeypatch):
    target, draft = tmp_path / "2011", tmp_path / "new"
    (target / "index.html").parent.mkdir()
    (target / "index.html").write_text("last month", encoding="utf-8")
    draft.mkdir()
    move, moved = Path.rename, []

    def interrupted(source, place):
        move(source, place)
        moved.append(source)
        if len(moved) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workshop.swap(draft, target)
    assert (target / "index.html").read_text(encoding="utf-8") == "last month"


def test_a_folder_that_is_no_report_is_not_replaced(desk):
    notes = desk / "out" / "hangzhou" / "2011" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine", encoding="utf-8")
    make(desk / "notebooks", "00_overview")
    with pytest.raises(ReportError, match="is in the way: it holds no report"):
        build()
    assert notes.read_text(encoding="utf-8") == "mine"


def test_all_notebooks_that_cannot_take_the_parameters_are_named_before_one_runs(desk, monkeypatch):
    monkeypatch.setattr(execution, "execute", lambda *_: pytest.fail("a notebook ran"))
    make(desk / "notebooks", "00_overview", tagged=0)
    make(desk / "notebooks", "01_scale", tagged=2)
    make(desk / "notebooks", "02_markets", parameters=PARAMETERS.replace("year =", "yaer ="))
    (desk / "notebooks" / "03_broken.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(ReportError) as error:
        build()
    assert str(error.value).splitlines() == [
        "00_overview.ipynb: 0 cells are tagged parameters; exactly one must be",
        "01_scale.ipynb: 2 cells are tagged parameters; exactly one must be",
        "02_markets.ipynb: has no parameter year (did you mean yaer?); "
        "it has area, yaer, compare_with, total_basis, data_dir and show_code",
        "03_broken.ipynb: is no notebook that can be read",
    ]


def test_wrong_parameters_stop_before_anything_is_written(desk):
    make(desk / "notebooks", "00_overview")
    with pytest.raises(ValueError, match=r"area: found 'hangzo' \(did you mean hangzhou\?\)"):
        build(area="hangzo")
    assert not (desk / "out").exists()


def test_a_page_cannot_refer_to_a_picture_outside_it(desk, monkeypatch):
    monkeypatch.setattr(execution, "execute", unexecuted)
    make(desk / "notebooks", "00_overview", title="What?\n\n![logo](logo.png)")
    with pytest.raises(ReportError, match=r"00_overview\.html: refers to the picture logo\.png"):
        build()


def test_code_is_unfolded_where_that_is_asked(desk, monkeypatch):
    monkeypatch.setattr(execution, "execute", unexecuted)
    make(desk / "notebooks", "00_overview")
    for asked, start in (("Yes", '<details class="code" open><'), ("false", '<details class="code"><')):
        page = build(show_code=asked).with_name("00_overview.html").read_text(encoding="utf-8")
        assert start in page


def test_several_years_are_reconciled_once_and_those_without_figures_are_named(desk, monkeypatch):
    calls = []
    reconcile = edition.reconcile
    monkeypatch.setattr(edition, "reconcile", lambda figures: calls.append(figures) or reconcile(figures))
    monkeypatch.setattr(execution, "execute", unexecuted)
    monkeypatch.setenv(answers.FOLDER, str(desk / "kept"))
    make(desk / "notebooks", "00_overview")
    (desk / "figures" / "hangzhou" / "2010.csv").write_text(FIGURES.replace("2011,", "2010,", 1), encoding="utf-8")
    pages = []
    with pytest.raises(ReportError) as error:
        build_reports(["hangzhou"], ["2010", 2011.0, 2012, 2011], pages.append, out_dir="out", data_dir="figures")
    assert str(error.value).splitlines() == [
        "1 of 3 reports were not made; what stood in their place is as it was before",
        "  year: hangzhou has no figures for 2012; there are 2010, 2011",
    ]
    assert [page.parent.name for page in pages] == ["2010", "2011"]
    assert len(calls) == 1


def test_a_year_that_fails_keeps_its_old_report_and_the_next_is_made(desk):
    make(desk / "notebooks", "00_overview", "1 / (year - 2010)")
    (desk / "figures" / "hangzhou" / "2010.csv").write_text(FIGURES.replace("2011,", "2010,", 1), encoding="utf-8")
    old = desk / "out" / "hangzhou" / "2010" / "index.html"
    old.parent.mkdir(parents=True)
    old.write_text("last month", encoding="utf-8")
    pages = []
    with pytest.raises(ReportError, match=r"^1 of 2 reports were not made") as error:
        build_reports(["hangzhou"], [2010, 2011], pages.append, out_dir="out", data_dir="figures")
    failed = "  hangzhou 2010: 00_overview.ipynb, code cell 2: ZeroDivisionError: division by zero"
    assert str(error.value).splitlines()[1:] == [failed]
    assert old.read_text(encoding="utf-8") == "last month"
    assert [page.parent.name for page in pages] == ["2011"] and pages[0].is_file()


def test_a_fault_of_the_data_is_named_once_and_the_other_area_is_reported(desk, monkeypatch):
    monkeypatch.setattr(execution, "execute", unexecuted)
    make(desk / "notebooks", "00_overview")
    (desk / "figures" / "ningbo").mkdir()
    (desk / "figures" / "ningbo" / "2011.csv").write_text(FIGURES.replace("1872", "many"), encoding="utf-8")
    pages, parameters = [], {"out_dir": "out", "data_dir": "figures"}
    with pytest.raises(ReportError, match="3 of 4 reports were not made") as error:
        build_reports(["ningbo", "hangzhou"], [2011, 2010], pages.append, **parameters)
    assert str(error.value).count("ningbo/2011.csv:2: value: found many") == 1
    assert [page.parts[-3:-1] for page in pages] == [("hangzhou", "2011")]
    with pytest.raises(DataError):
        build_reports(["ningbo"], [2011], pages.append, **parameters)


def test_refreshing_twice_changes_nothing(desk):
    path = desk / "notebooks" / "00_overview.ipynb"
    make(path.parent, path.stem, "print(year)")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        del cell["id"]
    notebook.nbformat_minor = 4
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    refresh_notebooks()
    first = path.read_bytes()
    refresh_notebooks()
    assert path.read_bytes() == first
    cells = json.loads(first)["cells"]
    assert [cell["id"] for cell in cells] == ["cell-0", "cell-1", "cell-2"]
    assert cells[2]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["2011\n"]}]
