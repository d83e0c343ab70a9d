"""Only what has changed is made again, and each page says what it was made from."""

import json
import re
import shutil

import nbformat
import pytest
from imported import assert_none_is_loaded_by, assert_nothing_heavy_is_loaded_by
from test_report import FIGURES, build, make, set_up

from hzso_analysis import drafts, execution, provenance
from hzso_analysis.folders import DATA_DIR
from hzso_analysis.report import build_reports


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Two notebooks that note in ran.txt when they run, without kernels; their report is there."""
    folder = set_up(tmp_path, monkeypatch)
    (folder / "notebooks").mkdir()
    for name in ("00_overview", "01_scale"):
        make(folder / "notebooks", name, "print(year)")
    monkeypatch.setattr(execution, "execute", lambda order: noted(folder, order))
    monkeypatch.setattr(provenance, "library_hash", lambda: "this library")
    return folder


def noted(folder, order):
    with (folder / "ran.txt").open("a") as ran:
        ran.write(order.where.split(": ")[1].removesuffix(".ipynb") + "\n")
    return execution.Executed(order.notebook, sorted(map(str, folder.glob("extra*.csv"))))


def ran(folder):
    """The chapters that ran since this was asked last, in no order: they run side by side."""
    path = folder / "ran.txt"
    names = sorted(path.read_text().split()) if path.exists() else []
    path.unlink(missing_ok=True)
    return names


def manifest(folder):
    return json.loads((folder / "out" / "hangzhou" / "2011" / "manifest.json").read_text(encoding="utf-8"))


def content(folder):
    return {path.name: path.read_bytes() for path in (folder / "out" / "hangzhou" / "2011").iterdir()}


def test_nothing_is_made_again_where_nothing_has_changed(desk):
    build()
    before, stamp = content(desk), (desk / "out" / "hangzhou" / "2011").stat().st_ino
    assert ran(desk) == ["00_overview", "01_scale"]
    build()
    assert (ran(desk), content(desk)) == ([], before)
    assert (desk / "out" / "hangzhou" / "2011").stat().st_ino == stamp, "the folder was replaced"
    build(force=True)
    assert (ran(desk), content(desk)) == (["00_overview", "01_scale"], before)


def change_notebook(folder):
    make(folder / "notebooks", "01_scale", "print(year + 1)")


def change_prose(folder):
    make(folder / "notebooks", "01_scale", "print(year)", title="How small?")


def remove_page(folder):
    (folder / "out" / "hangzhou" / "2011" / "01_scale.html").unlink()


def spoil_page(folder):
    (folder / "out" / "hangzhou" / "2011" / "01_scale.html").write_text("cut sho", encoding="utf-8")


def spoil_notebook(folder):
    (folder / "out" / "hangzhou" / "2011" / "01_scale.ipynb").write_text("{}", encoding="utf-8")


def change_extra(folder):
    (folder / "extra.csv").write_text("b\n", encoding="utf-8")


def change_figure(folder):
    (folder / "figures" / "hangzhou" / "2011.csv").write_text(FIGURES.replace("1872", "1873"), encoding="utf-8")


def add_year(folder):
    (folder / "figures" / "hangzhou" / "2010.csv").write_text(FIGURES.replace("2011,", "2010,", 1), encoding="utf-8")


def change_codebook(folder):
    text = (DATA_DIR / "sources.csv").read_text(encoding="utf-8")
    (folder / "figures" / "sources.csv").write_text(text.replace("Bureau", "Office", 1), encoding="utf-8")


def add_comparison(folder):
    shutil.copytree(folder / "figures" / "hangzhou", folder / "figures" / "china")


def outputs_only(folder):
    path = folder / "notebooks" / "01_scale.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="2011\n")]
    nbformat.write(notebook, path)


def touch(folder):
    path = folder / "figures" / "hangzhou" / "2011.csv"
    path.write_bytes(path.read_bytes())


def new_line_ends(folder):
    path = folder / "figures" / "hangzhou" / "2011.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def other_area(folder):
    shutil.copytree(folder / "figures" / "hangzhou", folder / "figures" / "ningbo")


BOTH, ONE, NONE = ["00_overview", "01_scale"], ["01_scale"], []


@pytest.mark.parametrize(
    ("change", "again"),
    [
        *((change, ONE) for change in (change_notebook, change_prose, spoil_notebook)),
        *((change, BOTH) for change in (change_figure, add_year, change_codebook, add_comparison, change_extra)),
        *((change, NONE) for change in (remove_page, spoil_page, outputs_only, touch, new_line_ends, other_area)),
    ],
)
def test_what_is_made_again(desk, change, again):
    (desk / "extra.csv").write_text("a\n", encoding="utf-8")
    build()
    ran(desk)
    change(desk)
    build()
    assert ran(desk) == again
    kept = content(desk)
    build(force=True)
    assert content(desk) == kept, "a report with kept chapters is another than one made anew"


def test_a_notebook_saved_while_the_report_is_made_is_made_again(desk, monkeypatch):
    """Who writes all day saves at any time; the page of the old text must not pass for one of the new."""
    execute = execution.execute

    def saved_meanwhile(order):
        change_notebook(desk)
        return execute(order)

    monkeypatch.setattr(execution, "execute", saved_meanwhile)
    build()
    ran(desk)
    monkeypatch.setattr(execution, "execute", execute)
    build()
    assert ran(desk) == ONE


@pytest.mark.parametrize("other", [{"total_basis": "published"}, {"show_code": True}, {"compare_with": ""}])
def test_other_parameters_make_it_again(desk, other):
    build()
    ran(desk)
    build(**other)
    assert ran(desk) == BOTH


def test_another_library_or_version_makes_it_again(desk, monkeypatch):
    build()
    ran(desk)
    monkeypatch.setattr(provenance, "library_hash", lambda: "that library")
    build()
    assert ran(desk) == BOTH
    monkeypatch.setattr(provenance, "pins", lambda: {"pandas": "0.1"})
    build()
    assert ran(desk) == BOTH


def test_a_manifest_that_cannot_be_read_is_no_reason_to_keep_anything(desk):
    build()
    ran(desk)
    for text in ("", "{", "[]", '{"chapters": []}', json.dumps(manifest(desk) | {"chapters": {"01_scale": {}}})):
        (desk / "out" / "hangzhou" / "2011" / "manifest.json").write_text(text, encoding="utf-8")
        build()
        assert ran(desk) == BOTH, text


def test_reports_that_are_kept_are_named_and_the_list_of_reports_is_made_where_it_is_gone(desk, capsys):
    add_year(desk)
    pages = []
    for _ in range(2):
        build_reports(["hangzhou"], [2010, 2011], pages.append, out_dir="out", data_dir="figures", progress=True)
        (desk / "out" / "index.html").unlink()
    build()
    assert (desk / "out" / "index.html").is_file()
    assert [page.parent.name for page in pages] == ["2010", "2011"] * 2
    assert ran(desk) == sorted(BOTH * 2)
    assert "hangzhou 2010: nothing has changed" in capsys.readouterr().err


def test_the_page_and_the_manifest_say_what_it_was_made_from(desk):
    (desk / "extra.csv").write_text("a\n", encoding="utf-8")
    build()
    told, page = manifest(desk), (desk / "out" / "hangzhou" / "2011" / "01_scale.html").read_text(encoding="utf-8")
    footer = page.split("<footer>")[1]
    assert f"<code>{told['chapters']['01_scale']['hash']}</code>" in footer
    assert told["chapters"]["01_scale"]["hash"] != told["chapters"]["00_overview"]["hash"]
    listed = re.findall(r"<li><code>(.*?)</code></li>", footer)
    tables = [f"{name}.csv" for name in ("breaks", "categories", "hangzhou/2011", "indicators", "policies", "sources")]
    tables.insert(2, "datapackage.json")
    assert listed == ["01_scale.ipynb", *tables, "extra.csv"]
    assert [*told["data"]] == tables and [*told["chapters"]["01_scale"]["files"]] == ["extra.csv"]
    assert f"What this page was made from: {len(listed)} files" in footer
    assert str(desk) not in page and str(desk) not in json.dumps(told)


IN_PLACE = (
    "from pathlib import Path; from hzso_analysis import provenance\n"
    "provenance.NOTEBOOKS_DIR = Path('notebooks'); provenance.library_hash = lambda: 'this library'\n"
)
BUILT = (
    "from hzso_analysis.report import build_report\n"
    "build_report(area='hangzhou', year=2011, out_dir='out', data_dir='figures')\n"
)


def test_a_rerun_does_not_load_what_makes_reports(desk):
    build()
    assert_nothing_heavy_is_loaded_by(IN_PLACE + BUILT, "jinja2")
    assert len(ran(desk)) == 2


def test_a_chapter_alone_is_made_again_without_loading_what_draws(desk, monkeypatch):
    monkeypatch.setattr(drafts, "library_hash", provenance.library_hash)
    build()
    make(desk / "notebooks", "01_scale", "print(year + 1)")
    unexecuted = "execution.execute = lambda order: execution.Executed(order.notebook, [])\n"
    stub = f"from hzso_analysis import execution\n{unexecuted}"
    assert_none_is_loaded_by(IN_PLACE + stub + BUILT, "matplotlib", "fontTools")
    assert "year + 1" in (desk / "out" / "hangzhou" / "2011" / "01_scale.html").read_text(encoding="utf-8")
