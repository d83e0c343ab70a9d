"""Run the notebooks of an edition and bind them into one report that needs no network."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.paths import jupyter_runtime_dir
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm
from traitlets import default

from hzso_analysis import catalogue, printing, wording
from hzso_analysis.edition import Edition, open_edition, parameter_faults, share_answers
from hzso_analysis.faults import DataError, ReportError, nearest
from hzso_analysis.figures import data_folder
from hzso_analysis.numerals import whole_year
from hzso_analysis.pages import (
    PDF,
    WORKBOOK,
    Chapter,
    chapter_of,
    front,
    report_title,
    save_notebook,
    whole_page,
    write_index,
    write_pages,
)

NOTEBOOKS_DIR = Path(__file__).resolve().parents[1] / "notebooks"
CELL_SECONDS = 600
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
SHORT = 45  # letters of a folder in which the name of a socket still fits the 104 that systems allow
INJECTED = "injected-parameters"


class OwnKernel(AsyncKernelManager):
    """The running interpreter as kernel, whatever kernels the machine or the notebook know.

    It is spoken to through files where the system has that: of two kernels that start at the same time, one may take a
    port that the other was promised.
    """

    @default("transport")
    def _by_files(self) -> str:
        return "ipc" if os.name == "posix" and len(jupyter_runtime_dir()) <= SHORT else "tcp"

    @default("connection_file")
    def _of_its_own(self) -> str:
        return str(Path(jupyter_runtime_dir()) / f"kernel-{uuid.uuid4()}.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start this interpreter as a kernel."""
        return KernelSpec(resource_dir="", **get_kernel_dict())


PAPERMILL = {"kernel_name": "python3", "kernel_manager_class": OwnKernel, "execution_timeout": CELL_SECONDS}
PAPERMILL |= {"progress_bar": False, "coalesce_streams": True, "record_timing": False}
# the kernel talks to the terminal: of TCP, which here never leaves the machine, of being shut down
PAPERMILL |= {"extra_arguments": ["--log-level=CRITICAL"]}


def build_report(
    *,
    area: str = "hangzhou",
    year: int | str = 2011,
    out_dir: str | Path = "reports",
    compare_with: str = "china",
    total_basis: str = "estimated",
    data_dir: str | Path = "",
    show_code: bool | str = False,
    pdf: bool = False,
    progress: bool = False,
) -> Path:
    """Run all notebooks for an area and a year, write `out_dir/area/year/` and return the path of its index.html.

    The new report takes the place of the old one only when it is whole; the same input gives the same bytes.
    `show_code` unfolds the code of the pages, `pdf` prints the whole report with a Chromium that is on the machine,
    `progress` shows a bar on stderr. `out_dir/index.html` then leads to all reports that are there.

    Raises ValueError for wrong parameters, DataError for faults in the data, OSError or ReportError for what is in the
    way, all before anything runs; then ReportError on the first notebook that fails, and the old report stays.
    """
    parameters = {"area": area, "year": year, "compare_with": compare_with, "total_basis": total_basis}
    parameters |= {"data_dir": str(data_folder(data_dir)) if data_dir else "", "show_code": show_code}
    with share_answers():
        edition = open_edition(**parameters)
        parameters |= {"year": edition.year, "show_code": edition.show_code}
        target = Path(out_dir) / edition.area / str(edition.year)
        _check_surroundings(Path(out_dir), pdf)
        if target.exists() and not (target / "index.html").is_file():
            raise ReportError(f"{target} is in the way: it holds no report; move it or choose another folder")
        notebooks, found = load_notebooks(parameters), front(edition)
        target.parent.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{edition.year}-"))
        try:
            # a folder inside the workshop: mkdtemp lets only its owner in, a report is for others to read
            draft = workshop / "new"
            draft.mkdir()
            # the folder as the user wrote it: an absolute path would tell one machine from another
            shown = parameters | {"data_dir": str(data_dir)}
            chapters = _run(notebooks, f"{edition.area} {edition.year}", parameters, shown, progress)
            write_pages(draft, chapters, edition, found)
            if pdf:
                _print(draft, chapters, edition, found, workshop)
            _swap(draft, target, workshop / "old")
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
            with suppress(OSError):
                target.parent.rmdir()  # only an empty folder goes: one made for a report that failed
    catalogue.write_catalogue(Path(out_dir))
    return target / "index.html"


def build_reports(
    areas: Sequence[str],
    years: Sequence[object],
    done: Callable[[Path], object],
    *,
    out_dir: str | Path = "reports",
    pdf: bool = False,
    progress: bool = False,
    **parameters: Any,
) -> None:
    """Build a report for each area and year in order and call `done` with each index.html.

    The figures of an area are reconciled once for all years. Raises ValueError naming every wrong parameter before
    anything runs. A report that fails does not stop the others: ReportError names all that failed at the end.
    """
    asked = [(area, year) for area in areas for year in years]
    found = (parameter_faults(area=area, year=year, **parameters) for area, year in asked)
    if faults := dict.fromkeys(itertools.chain.from_iterable(found)):
        raise ValueError("\n".join(faults))
    _check_surroundings(Path(out_dir), pdf)
    orders, failed = dict.fromkeys((area, whole_year(year)) for area, year in asked), []
    with share_answers():
        for area, year in orders:
            try:
                page = build_report(area=area, year=year, out_dir=out_dir, pdf=pdf, progress=progress, **parameters)
            except Exception as error:  # whatever is wrong with one report
                if len(orders) == 1:
                    raise
                said = isinstance(error, (ReportError, DataError, OSError))
                reason = str(error) if said else f"{area} {year}: {type(error).__name__}: {_first_line(str(error))}"
                failed.append("\n".join(getattr(error, "faults", [reason])))
            else:
                done(page)
    if failed:
        head = f"{len(failed)} of {len(orders)} reports were not made; what stood in their place is as it was before"
        raise ReportError("\n".join([head, *dict.fromkeys(failed)]).replace("\n", "\n  "))


def refresh_notebooks() -> None:
    """Execute the committed notebooks with their defaults and save them in place, all of them or none."""
    done = {stem: execute(notebook, f"{stem}.ipynb", {}) for stem, notebook in load_notebooks({}).items()}
    for stem, notebook in done.items():
        save_notebook(tidy(notebook, {}), NOTEBOOKS_DIR / f"{stem}.ipynb")


def load_notebooks(parameters: dict[str, Any]) -> dict[str, NotebookNode]:
    """Return the notebooks by name, ready to run, or raise ReportError naming all that cannot take `parameters`."""
    notebooks, faults = {}, []
    for path in sorted(NOTEBOOKS_DIR.glob("[0-9][0-9]_*.ipynb")):
        try:
            notebook = nbformat.read(path, as_version=4)
        except ValueError:
            faults.append(f"{path.name}: is no notebook that can be read")
            continue
        notebook.metadata |= {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
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
        raise ReportError(f"{NOTEBOOKS_DIR}: no notebooks named like 00_overview.ipynb")
    return notebooks


def execute(notebook: NotebookNode, where: str, parameters: dict[str, Any]) -> NotebookNode:
    """Return the notebook executed by the running interpreter; ReportError says `where` and in which cell it failed."""
    started: list[int] = []
    try:
        done = papermill.execute_notebook(
            notebook, None, parameters, on_cell_start=lambda cell, cell_index: started.append(cell_index), **PAPERMILL
        )
    except PapermillExecutionError as error:
        reason = f"{error.ename}: {_first_line(error.evalue)}"
    except (RuntimeError, OSError) as error:  # the kernel died or did not start, a cell took too long
        reason = _first_line(str(error)) or type(error).__name__
    else:
        _check_ran(done, where)
        return done
    cell = f", code cell {_number(notebook, started[-1], bool(parameters))}" if started else ""
    raise ReportError(f"{where}{cell}: {reason}") from None


def _run(
    notebooks: dict[str, NotebookNode], report: str, parameters: dict[str, Any], shown: dict[str, Any], progress: bool
) -> list[Chapter]:
    """Execute the notebooks of a report, which hold the parameters as `shown` afterwards."""
    chapters = []
    with tqdm(notebooks.items(), unit="chapter", file=sys.stderr, disable=not progress) as bar:
        for stem, notebook in bar:
            bar.set_description(f"{report}, {stem[3:].replace('_', ' ')}")
            chapters.append(chapter_of(stem, tidy(execute(notebook, f"{report}: {stem}.ipynb", parameters), shown)))
    return chapters


def tidy(notebook: NotebookNode, parameters: dict[str, Any]) -> NotebookNode:
    """Take out of an executed notebook what differs between runs and machines; return the same notebook."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata |= {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if INJECTED in _tags(cell):
            texts = {name: json.dumps(value, ensure_ascii=False) for name, value in parameters.items()}
            texts |= {name: str(value) for name, value in parameters.items() if isinstance(value, bool)}
            lines = [f"{name} = {text}" for name, text in texts.items()]
            cell |= {"id": INJECTED, "source": "\n".join(["# Parameters", *lines])}
        if not _tags(cell):
            cell.metadata.pop("tags", None)
    return notebook


def _check_ran(notebook: NotebookNode, where: str) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and INJECTED not in _tags(cell)]
    for number, cell in enumerate(code, start=1):
        if cell.source.strip() and cell.execution_count is None:
            raise ReportError(f"{where}, code cell {number}: did not run")
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise ReportError(f"{where}, code cell {number}: wrote to stderr: {_first_line(output.text)}")
            if output.output_type == "error":
                raise ReportError(f"{where}, code cell {number}: {output.ename}: {_first_line(output.evalue)}")


def _number(notebook: NotebookNode, index: int, injected: bool) -> int:
    """The number among the code cells of a notebook of the cell that ran at `index`, an injected cell not counted."""
    tagged = next(place for place, cell in enumerate(notebook.cells) if "parameters" in _tags(cell))
    last = index - (injected and index > tagged)
    return sum(cell.cell_type == "code" for cell in notebook.cells[: last + 1])


def _check_surroundings(out_dir: Path, pdf: bool) -> None:
    """Raise an error where the catalogue has no place or nothing can print: better before the notebooks run."""
    catalogue.check_place(out_dir)
    if pdf:
        printing.check_printing()


def _print(folder: Path, chapters: list[Chapter], edition: Edition, found: dict[str, Any], workshop: Path) -> None:
    """Print the pages of a report as one PDF beside them and let the index lead to it."""
    page = workshop / "print.html"
    page.write_text(whole_page(folder, chapters, edition), encoding="utf-8", newline="\n")
    printing.print_pdf(page, folder / PDF, title=report_title(edition))
    write_index(folder, chapters, edition, found, files=[WORKBOOK, PDF])


def _swap(draft: Path, target: Path, old: Path) -> None:
    """Put the finished draft where the report belongs; the old report comes back if that cannot be done."""
    try:
        if target.exists():
            target.rename(old)
        draft.rename(target)
    except BaseException:  # an interrupt may come between the two
        if old.exists() and not target.exists():
            old.rename(target)
        raise


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


if __name__ == "__main__":
    try:
        refresh_notebooks()
    except ReportError as fault:
        sys.exit(str(fault))
