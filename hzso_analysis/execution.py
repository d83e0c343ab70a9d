"""Notebooks loaded, executed by papermill and checked: all cells ran, without complaint, on the year asked for."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellTimeoutError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from hzso_analysis import kernels, provenance, wording
from hzso_analysis.faults import ReportError, first_line, nearest
from hzso_analysis.kernel_process import ASK, TELLING
from hzso_analysis.workshop import SECONDS

LANGUAGE = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
INJECTED = "injected-parameters"
ASKING = "asking"
PAPERMILL = {"kernel_name": "python3", "progress_bar": False, "coalesce_streams": True, "record_timing": False}
PAPERMILL |= {"request_save_on_cell_execute": False, "shutdown_kernel": "immediate", "start_timeout": 60}
stopping = threading.Event()  # set while a run is given up, so that no kernel is started again
logging.getLogger("papermill").addHandler(logging.NullHandler())  # what it has to say is said by ReportError


class Order(NamedTuple):
    """A notebook to be executed: `where` names it in errors, `shown` are the parameters as they stand in it after.

    It may take `timeout` seconds from its first cell on; `folder` is its working directory, and `data` are the hashes
    of the files with the figures it is about.
    """

    where: str
    notebook: NotebookNode
    parameters: dict[str, Any]
    shown: dict[str, Any]
    timeout: float = SECONDS
    cold: bool = False
    folder: str = ""
    data: Mapping[str, str] = {}


class Executed(NamedTuple):
    """An executed notebook, tidy, and the files it read."""

    notebook: NotebookNode
    files: list[str]


def load_notebooks(parameters: dict[str, Any]) -> dict[str, NotebookNode]:
    """Return the notebooks by name, ready to run, or raise ReportError naming all that cannot take `parameters`."""
    notebooks, faults = {}, []
    for path in provenance.notebooks():
        try:
            notebook = _without_outputs(path)
        except (ValueError, LookupError, TypeError, AttributeError):
            faults.append(f"{path.name}: is no notebook that can be read")
            continue
        notebook.metadata |= LANGUAGE
        notebook.nbformat_minor = 5
        notebook.cells = [cell for cell in notebook.cells if INJECTED not in _tags(cell)]
        for place, cell in enumerate(notebook.cells):
            cell.setdefault("id", f"cell-{place}")  # papermill would draw a random one
        notebooks[path.stem] = notebook
        if (tagged := sum("parameters" in _tags(cell) for cell in notebook.cells)) != 1:
            faults.append(f"{path.name}: {tagged} cells are tagged parameters; exactly one must be")
            continue
        known = list(papermill.inspect_notebook(notebook))
        has = f"it has {wording.listing(known) or 'none'}"
        unknown = [name for name in parameters if name not in known]
        faults += [f"{path.name}: has no parameter {name}{nearest(name, known)}; {has}" for name in unknown]
    if faults:
        raise ReportError("\n".join(faults))
    if not notebooks:
        raise ReportError(f"{provenance.NOTEBOOKS_DIR}: no notebooks named like 00_overview.ipynb")
    return notebooks


def _without_outputs(path: Path) -> NotebookNode:
    """A notebook without what it showed when it was last run: most of it, and nothing that is used."""
    plain = json.loads(path.read_bytes())
    for cell in plain["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    notebook: NotebookNode = nbformat.reads(json.dumps(plain), as_version=4)
    return notebook


def execute(order: Order) -> Executed:
    """Execute a notebook in a kernel of its own; ReportError says where and in which cell it failed.

    A kernel that does not start is tried once more, then an ordinary one.
    """
    notebook = nbformat.from_dict(order.notebook)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK, id=ASKING))
    for cold in (order.cold, True):
        begun: list[NotebookNode] = []
        try:
            done = _papermill(notebook, order, begun, cold)
        except PapermillExecutionError as error:
            reason = f"{error.ename}: {first_line(error.evalue)}"
        except CellTimeoutError:
            reason = f"the notebook took longer than {order.timeout:g} seconds"
        except (RuntimeError, OSError) as error:  # the kernel died or did not start
            reason = first_line(str(error)) or type(error).__name__
        else:
            return _checked(done, order)
        if begun or stopping.is_set():
            break
    raise ReportError(f"{order.where}{_last(begun)}: {reason}")


def _papermill(notebook: NotebookNode, order: Order, begun: list[NotebookNode], cold: bool) -> NotebookNode:
    """Execute all cells, noting in `begun` those that began; they share the time the notebook may take."""
    if stopping.is_set():
        raise RuntimeError("interrupted")
    ends: list[float] = []  # set when the first cell begins: the start of a kernel has a limit of its own

    def begin(cell: NotebookNode, cell_index: int) -> None:
        begun.append(cell)
        ends.append(ends[0] if ends else time.monotonic() + order.timeout)

    def left(cell: NotebookNode) -> float:
        return max(0.01, ends[0] - time.monotonic())

    # not papermill's cwd: that changes the directory of the whole process, which other threads are using
    place = {"metadata": {"path": order.folder}} if Path(order.folder).is_dir() else {}
    options = PAPERMILL | {"kernel_manager_class": kernels.manager(cold=cold), "resources": place}
    options |= {"on_cell_start": begin, "timeout_func": left}
    loop = ensure_event_loop()
    try:
        done: NotebookNode = papermill.execute_notebook(notebook, None, order.parameters, **options)
        return done
    finally:
        _close(loop)  # each thread has its own, and nobody else would close it


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop with what a stopped cell left waiting in it, which would complain when it is freed."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()


def _last(begun: list[NotebookNode]) -> str:
    """The place of the cell that began last, its number among the code cells of the notebook as it was written."""
    code = [cell for cell in begun if cell.cell_type == "code" and cell.id != ASKING and INJECTED not in _tags(cell)]
    return f", code cell {len(code)}" if begun else ""


def _checked(done: NotebookNode, order: Order) -> Executed:
    """The executed notebook, or ReportError where a cell did not run, complained, or another edition was shown."""
    told = _told(done.cells.pop())
    code = [cell for cell in done.cells if cell.cell_type == "code" and INJECTED not in _tags(cell)]
    for number, cell in enumerate(code, start=1):
        where = f"{order.where}, code cell {number}"
        if cell.source.strip() and cell.execution_count is None:
            raise ReportError(f"{where}: did not run")
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise ReportError(f"{where}: wrote to stderr: {first_line(output.text)}")
            if output.output_type == "error":
                raise ReportError(f"{where}: {output.ename}: {first_line(output.evalue)}")
    asked = {name: order.parameters[name] for name in ("area", "year") if name in order.parameters}
    for name, value in asked.items():
        if str(told["parameters"].get(name, value)) != str(value):
            place = _assigning(code, name)
            found = told["parameters"][name]
            raise ReportError(f"{order.where}{place}: {name} became {found}; {name} {value} was asked for")
    if asked and told["editions"] and list(asked.values()) not in told["editions"]:
        shown = wording.listing(" ".join(map(str, edition)) for edition in told["editions"])
        place = _assigning(code, "edition")
        raise ReportError(f"{order.where}{place}: shows {shown}; {' '.join(map(str, asked.values()))} was asked for")
    return Executed(tidy(done, order.shown), told["files"])


def _told(cell: NotebookNode) -> dict[str, Any]:
    """What the kernel told of the notebook in the cell that asked for it."""
    found = (output.data[TELLING] for output in cell.outputs if TELLING in output.get("data", {}))
    return next(found, {"parameters": {}, "editions": [], "files": []})


def _assigning(code: list[NotebookNode], name: str) -> str:
    """The place of the last cell that gives a name another value, as far as its text tells."""
    places = [n for n, cell in enumerate(code, start=1) if f"{name} =" in cell.source]
    return f", code cell {places[-1]}" if places else ""


def tidy(notebook: NotebookNode, parameters: dict[str, Any]) -> NotebookNode:
    """Take out of an executed notebook what differs between runs and machines; return the same notebook.

    >>> notebook = nbformat.v4.new_notebook(metadata={"papermill": {"duration": 1.5}})
    >>> sorted(tidy(notebook, {}).metadata)
    ['kernelspec', 'language_info']
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata |= LANGUAGE
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if INJECTED in _tags(cell):
            quoted = {n: json.dumps(v, ensure_ascii=False) for n, v in parameters.items() if isinstance(v, str)}
            lines = [f"{name} = {text}" for name, text in (parameters | quoted).items()]
            cell |= {"id": INJECTED, "source": "\n".join(["# Parameters", *lines])}
        if not _tags(cell):
            cell.metadata.pop("tags", None)
    return notebook


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))
