"""Notebooks of a few cells, run in real kernels by this process or by a script of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

import nbformat
import pytest

from hzso_analysis.execution import Executed, Order, execute

ROOT = Path(__file__).parents[1]
untraced = pytest.mark.skipif(sys.gettrace() is not None, reason="kernels see what measures coverage in them")
KIND = "import sys\nprint('hzso_analysis.preload' in sys.modules)"


def notebook(*cells, parameters="year = 2011"):
    """A notebook whose first cell is tagged parameters."""
    made = [nbformat.v4.new_code_cell(text, id=f"code-{place}") for place, text in enumerate([parameters, *cells])]
    made[0].metadata["tags"] = ["parameters"]
    return nbformat.v4.new_notebook(cells=made)


def run(*cells, cold=False, folder="", timeout=60.0) -> Executed:
    """The notebook of these cells, executed in a kernel that is warm or cold as asked."""
    order = Order("few.ipynb", notebook(*cells, KIND), {}, {}, timeout, cold, str(folder))
    with mock.patch.dict(os.environ):
        os.environ.pop("PYTEST_CURRENT_TEST", None)  # in which kernels do not catch what other programs print
        done = execute(order)
    if _printed(done.notebook.cells.pop()) != str(not cold):
        raise RuntimeError("the kernel was of the other kind")
    return done


def printed(*cells, **how) -> list[str]:
    """What each of these cells printed, or the plain text of what it showed."""
    return [_printed(cell) for cell in run(*cells, **how).notebook.cells[1:]]


def told(code, **how):
    """The plain data that a cell printed as JSON."""
    return json.loads(printed(code, **how)[0])


def start(code, folder, **streams):
    """Start a Python script, or one to be read from stdin, in a session of its own.

    What it and all it starts leave behind lies below `folder`.
    """
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    word = "-" if streams.get("stdin") == subprocess.PIPE else str(script)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    settings = {"cwd": folder, "env": environment(folder), "start_new_session": True, "text": True}
    return subprocess.Popen([sys.executable, word], **settings, **streams)


def environment(folder):
    """The variables of such a script."""
    places = {"TMPDIR": folder / "tmp", "JUPYTER_RUNTIME_DIR": folder / "run"}
    for place in places.values():
        place.mkdir(exist_ok=True)
    words = {name: str(place) for name, place in places.items()}
    return os.environ | words | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


def left(folder) -> list[str]:
    """The files and folders such a script has left."""
    return sorted(path.name for place in ("tmp", "run") for path in (folder / place).iterdir())


def alive(folder) -> dict[int, str]:
    """The command lines of the processes of such a script; one that has ended and was not waited for has none."""
    mark, found = f"JUPYTER_RUNTIME_DIR={folder / 'run'}".encode(), {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (place / "environ").read_bytes().split(b"\0"):
                found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue  # it has just ended, or is somebody else's
    return found


def short_folder():
    """A folder whose name leaves room for the names of sockets, and which goes when the context is left."""
    return tempfile.TemporaryDirectory(prefix="hzso", ignore_cleanup_errors=True)


def _printed(cell):
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(texts).strip()
