"""The committed notebooks: executed, clean, parametrized the same way, and red when a number or a chart changes.

Their outputs are compared by nbval, which pytest runs over `notebooks/` in the same suite.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from itertools import pairwise
from pathlib import Path

import nbformat
import papermill
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PARAMETERS = {"year": "int", "area": "str", "compare_with": "str", "total_basis": "str", "data_dir": "str"}
PARAMETERS |= {"show_code": "bool"}
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", "-p", "no:cacheprovider", "-q"]


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_the_chapters_are_there():
    names = [path.stem for path in NOTEBOOKS]
    assert names == [
        "00_overview",
        "01_scale",
        "02_sector_mix",
        "03_leading_enterprises",
        "04_markets",
        "05_talent_training",
        "06_environment_and_policy",
        "07_data_quality",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_executed_and_clean(path):
    notebook, code = nbformat.read(path, as_version=4), code_cells(path)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert [cell for cell in code if "parameters" in cell.metadata.get("tags", [])] == code[:1]
    outputs = [output for cell in code for output in cell.outputs]
    assert not [o for o in outputs if o.get("name") == "stderr" or o.output_type == "error"]
    assert max(cell.source.count("\n") + 1 for cell in code) <= 10
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[0].source.startswith(f"# {notebook.metadata.title}")
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|work|Users)/|papermill\"|execution_start|0x[0-9a-f]{8}", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_chart_has_a_text_twin_and_every_shown_cell_prose_before_it(path):
    cells = nbformat.read(path, as_version=4).cells
    charts = 0
    for before, cell in pairwise(cells):
        if cell.cell_type == "code" and "hz.show" in cell.source:
            assert before.cell_type == "markdown", cell.source
        for output in cell.get("outputs", []):
            if "image/svg+xml" in output.get("data", {}):
                charts += 1
                assert re.match(r"Figure \d+\. .+\n(bar|line) #", output.data["text/plain"].replace(" | ", " ")), (
                    cell.source
                )
                finding = output.data["text/plain"].split(" | ")[0]
                words = unescape(re.search(r'<svg role="img" aria-label="([^"]+)"', output.data["image/svg+xml"])[1])
                assert words.startswith(f"{finding}. ") and re.search(r": (at \w+ )?[-\d]", words), words
    assert charts >= 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_literals_with_type_and_help(path):
    known = papermill.inspect_notebook(str(path))
    assert {name: entry["inferred_type_name"] for name, entry in known.items()} == PARAMETERS
    assert all(entry["help"] for entry in known.values())
    first, *others = code_cells(path)
    assert all(re.fullmatch(r"\w+ = .+  # type: (int|str|bool) .+", line) for line in first.source.split("\n"))
    assert [type(ast.literal_eval(line.value)).__name__ for line in ast.parse(first.source).body] == [
        *PARAMETERS.values()
    ]
    later = {name.id for cell in others for name in ast.walk(ast.parse(cell.source)) if isinstance(name, ast.Name)}
    again = [cell for cell in others if re.search(rf"^({'|'.join(PARAMETERS)})\b *[:+-]?=", cell.source, re.M)]
    assert set(PARAMETERS) <= later and not again, "a parameter is used, and not set again"


def run(*command, cwd, **environment):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"} | environment
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False
    )


def test_papermill_runs_a_notebook_from_any_folder(tmp_path):
    words = ["-p", "year", "２０１０年", "-p", "show_code", "false"]
    done = run("papermill", str(ROOT / "notebooks" / "01_scale.ipynb"), "out.ipynb", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    text = (tmp_path / "out.ipynb").read_text(encoding="utf-8")
    assert "Hangzhou 2010: " in text and "in 2010, down from 337–367 % the year before" in text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-p", "year", "1999"], "hangzhou has no figures for 1999; there are 2007"),
        (
            ["-p", "year", "2012.5", "-p", "area", "hangzo", "-p", "show_code", "nein"],
            "year: found 2012.5; write a four-digit year such as 2011\n"
            "show_code: found 'nein'; write true, yes, 1, false, no or 0\n",
        ),
    ],
)
def test_papermill_stops_at_a_wrong_parameter_with_a_plain_reason(tmp_path, words, reason):
    notebook = str(ROOT / "notebooks" / "01_scale.ipynb")
    done = run("papermill", notebook, "out.ipynb", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert reason in done.stderr


@pytest.fixture
def copy(tmp_path):
    for name in ("hzso_analysis", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "02_sector_mix.ipynb", tmp_path / "notebooks")
    shutil.copy(ROOT / "tests" / "sanitize.cfg", tmp_path)
    return tmp_path


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


MUTATIONS = {
    "the number of a figure": ("notebooks/changed.ipynb", "figure=1)", "figure=2)"),
    "a value in the data": ("data/hangzhou/2011.csv", ",1.345,USD billion,", ",1.346,USD billion,"),
    "an argument of a chart": ("hzso_analysis/chapters/shares.py", "charts.parts, rows,", "charts.parts, rows[::-1],"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_change_turns_the_notebook_red(copy, name):
    shutil.copy(copy / "notebooks" / "02_sector_mix.ipynb", copy / "notebooks" / "changed.ipynb")
    changed = MUTATIONS[name][0]
    change(copy / changed, *MUTATIONS[name][1:])
    if not changed.startswith("notebooks"):  # what both show, one tells
        (copy / "notebooks" / "02_sector_mix.ipynb").unlink()
    done = run(
        "pytest",
        *NBVAL,
        "--nbval-sanitize-with=sanitize.cfg",
        "notebooks",
        cwd=copy,
        PYTHONPATH=str(copy),
        HZSO_CACHE="",
    )
    assert done.returncode == 1, done.stdout[-3000:]
    assert set(re.findall(r"^FAILED notebooks/(\w+)\.ipynb", done.stdout, re.M)) == {"changed"}  # the other is green
    assert "mismatch" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_chart_is_named_by_its_title_and_numbers(path):
    outputs = [output.get("data", {}) for cell in code_cells(path) for output in cell.outputs]
    for data in (data for data in outputs if "image/svg+xml" in data):
        name = unescape(re.match(r'<svg role="img" aria-label="([^"]*)"', data["image/svg+xml"])[1])
        title = data["text/plain"].split(" | ")[0].split("\n")[0]
        assert name.startswith(title) and re.search(r"\d", name.removeprefix(title)), name
