"""What holds the project together: pins, the settings of the tests, the list of known traps."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
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


def test_warnings_are_errors_and_the_tools_that_check_notebooks_are_bounded():
    options = SETTINGS["tool"]["pytest"]["ini_options"]
    assert options["filterwarnings"] == ["error"]
    assert {"--nbval", "--nbval-kernel-name=hzso-warm", "--nbval-cell-timeout=120"} <= set(options["addopts"])
    bounded = [text for text in PROJECT["optional-dependencies"]["dev"] if re.match(r"(pytest|nbval)>=.*,<", text)]
    assert len(bounded) == 2


def test_the_test_of_every_known_trap_exists():
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Known traps")[1].split("\n## ")[0]
    traps = [line for line in section.splitlines() if line.startswith("| ") and "](https://" in line]
    assert len(traps) >= 32
    assert not [line for line in traps if "::test_" not in line and "not tested: " not in line]
    for file, name in re.findall(r"`(tests/\w+\.py)::(\w+)`", section):
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"
