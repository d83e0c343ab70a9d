"""The wheel in an empty environment, far from the checkout: `make wheel`, which takes about a minute and a half."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def run(*command, cwd, expected=0):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of what git knows of, so that nothing that lies about in the checkout can help."""
    folder = tmp_path_factory.mktemp("built")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, "./source", cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs of an environment with the wheel and what it asks for, in the pinned versions."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "env", with_pip=True)
    pins = (line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("-e"))
    (folder / "pins.txt").write_text("\n".join(pins))
    programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", "-c", "pins.txt", wheel, cwd=folder)
    return programs


def test_the_wheel_has_every_figure_notebook_phrase_and_template(wheel):
    there = set(zipfile.ZipFile(wheel).namelist())
    kinds = ("data/**/*", "notebooks/*.ipynb", "hzso_analysis/phrases/*", "hzso_analysis/templates/*")
    files = [path.relative_to(ROOT) for kind in kinds for path in ROOT.glob(kind) if path.is_file()]
    wanted = {
        path.as_posix() if path.parts[0] == "hzso_analysis" else f"hzso_analysis/{path.as_posix()}" for path in files
    }
    assert len(wanted) > 50 and wanted <= there
    assert not [name for name in there if "tests" in name or name.endswith(".pyc")]


def test_a_report_is_made_where_only_the_wheel_is_installed(installed, tmp_path):
    where = run(installed / "python", "-c", "import hzso_analysis; print(hzso_analysis.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where
    said = run(installed / "hzso", "report", "--area", "hangzhou", "--year", "2011", cwd=tmp_path)
    made = tmp_path / "reports" / "hangzhou" / "2011"
    assert str(Path("reports") / "hangzhou" / "2011" / "index.html") in said
    assert sorted(path.stem for path in made.glob("[0-9]*.html")) == CHAPTERS
    assert "2,033–2,034 million" in (made / "00_overview.html").read_text(encoding="utf-8")


def test_the_figures_of_the_package_are_copied_before_they_are_added_to(installed, tmp_path):
    refused = run(installed / "hzso", "new-year", "2012", cwd=tmp_path, expected=2)
    assert "hzso init FOLDER" in refused and "Traceback" not in refused
    run(installed / "hzso", "init", "work", cwd=tmp_path)
    made = run(installed / "hzso", "new-year", "2012", "--data-dir", "work/data", cwd=tmp_path)
    assert (tmp_path / "work" / "data" / "hangzhou" / "2012.csv").is_file() and "--data-dir work/data" in made
    assert "67 of 67 figures are still blank" in run(
        installed / "hzso", "check", "--area", "hangzhou", "--data-dir", "work/data", cwd=tmp_path
    )


def test_a_copied_notebook_runs_under_papermill_with_the_copied_figures(installed, tmp_path):
    run(installed / "hzso", "init", "work", cwd=tmp_path)
    figures = tmp_path / "work" / "data" / "hangzhou" / "2011.csv"
    figures.write_text(figures.read_text(encoding="utf-8").replace("66.14", "66.15"), encoding="utf-8")
    run(installed / "papermill", "work/notebooks/02_sector_mix.ipynb", "out.ipynb", cwd=tmp_path)
    made = (tmp_path / "out.ipynb").read_text(encoding="utf-8")
    assert "66.15 %" in made and "66.14 %" not in made
