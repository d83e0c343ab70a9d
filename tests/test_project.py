"""What holds the project together: pins, and the size of the library."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()


def test_every_direct_dependency_is_pinned():
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    names = {re.match(r"[\w-]+", text)[0].lower() for text in wanted}
    pinned = {line.split("==")[0].split("[")[0].lower() for line in LINES if "==" in line and not line.startswith(" ")}
    assert names - pinned == set()


def test_requirements_say_how_they_were_made_and_install_the_project_last():
    assert "uv pip compile --universal" in LINES[1]
    assert LINES[-1] == "-e ."
    assert not [line for line in LINES if line.startswith(("--index", "--extra-index", "-i "))]


def test_every_test_that_the_list_of_traps_names_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\w+\.py)::(\w+)`", text.partition("## Known traps")[2])
    assert len(named) > 30
    assert [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text("utf-8")] == []
