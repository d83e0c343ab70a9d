"""What holds the project together: pins, the settings of the tests, the list of known traps."""

import ast
import re
import tomllib
from inspect import isfunction
from pathlib import Path

import hzso_analysis as hz

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "hzso_analysis"
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


def imported(path):
    """The modules of the package that a module imports, at its top or in a function, but for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typed = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    skipped = {id(each) for node in typed for each in ast.walk(node)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and id(node) not in skipped
            and (node.module or "").startswith(PACKAGE.name)
        ):
            for name in node.names:
                whole = PACKAGE.parent / f"{node.module}.{name.name}".replace(".", "/")
                found = whole if whole.with_suffix(".py").is_file() else PACKAGE.parent / node.module.replace(".", "/")
                yield found.relative_to(PACKAGE).as_posix()


def test_imports_point_one_way():
    listed = re.search(r"reads this list:\n\n((?: {4}.+\n)+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    lines = [re.findall(r"[\w/]+", line) for line in listed[1].splitlines()]
    place = {name: line for line, names in enumerate(lines) for name in names}
    paths = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}
    modules = {name: path for name, path in paths.items() if path.stem != "__init__"}
    assert sorted(place) == sorted(modules)
    edges = [(name, other) for name, path in modules.items() for other in imported(path)]
    upward = [
        (name, other) for name, other in edges if other in place and name != other and place[other] >= place[name]
    ]
    assert len(edges) > 200 and not upward


def test_files_and_functions_stay_short_enough_to_read():
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert max(text.count("\n") for text in texts.values()) <= 400
    nodes = [node for text in texts.values() for node in ast.walk(ast.parse(text))]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert len(functions) > 500
    assert not [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines" for node in functions if len(code_lines(node)) > 50
    ]


def code_lines(function):
    """The lines of a function that hold code, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return {line for node in body for line in range(node.lineno, node.end_lineno + 1)}


def test_every_public_function_shows_what_it_returns():
    functions = [getattr(hz, name) for name in hz.__all__ if isfunction(getattr(hz, name))]
    silent = [function.__name__ for function in functions if ">>>" not in (function.__doc__ or "")]
    assert len(functions) > 8 and silent == ["show"]  # which displays, in a notebook
