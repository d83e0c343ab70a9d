"""Run the notebooks of editions and bind them into reports that need no network."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from hzso_analysis import kernel_process, provenance
from hzso_analysis.faults import DataError, ReportError, first_line
from hzso_analysis.folders import PACKAGE
from hzso_analysis.numerals import whole_year
from hzso_analysis.workshop import SECONDS, How

# a report that has not changed is told by its hashes alone, so what makes one is imported where it is made
CHAPTERS = [f"hzso_analysis.chapters.{path.stem}" for path in (PACKAGE / "chapters").glob("[!_]*.py")]


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
    force: bool = False,
    progress: bool = False,
    jobs: int | None = None,
    cold: bool = False,
    timeout: float = SECONDS,
    scheduler: str = "",
) -> Path:
    """Run all notebooks for an area and a year, write `out_dir/area/year/` and return the path of its index.html.

    The new report takes the place of the old one only when it is whole; the same input gives the same bytes. Chapters
    of the old report whose notebook, parameters, data, library and versions are the same are kept, unless `force`.
    `show_code` unfolds the code of the pages, `pdf` prints the whole report with a Chromium that is on the machine,
    `progress` shows a bar on stderr. `out_dir/index.html` then leads to all reports that are there.

    `jobs` notebooks run at once, by default one a core, each in a kernel forked from a warm process where the system
    can do that and `cold` does not forbid it, and for at most `timeout` seconds; or on the Dask cluster of `scheduler`.

    Raises ValueError for wrong parameters, DataError for faults in the data, OSError or ReportError for what is in the
    way, all before anything runs; then ReportError on the first notebook that fails, and the old report stays.

    >>> build_report(area="atlantis")
    Traceback (most recent call last):
    ...
    ValueError: ...
    """
    how = How(Path(out_dir), pdf, force, progress, jobs, cold, timeout, scheduler)
    order = {"area": area, "year": _year(year), "compare_with": compare_with, "total_basis": total_basis}
    order |= {"data_dir": str(data_dir), "show_code": show_code}
    made: list[Path] = []
    for _, error in _build([order], how, made.append):
        raise error
    return made[0]


def build_reports(
    areas: Sequence[str],
    years: Sequence[object],
    done: Callable[[Path], object],
    *,
    out_dir: str | Path = "reports",
    compare_with: str = "china",
    total_basis: str = "estimated",
    data_dir: str | Path = "",
    show_code: bool | str = False,
    **how: Any,
) -> None:
    """Build a report for each area and year in order and call `done` with each index.html.

    `how` are the other options of `build_report`; chapters of several reports run side by side. Raises ValueError
    naming every wrong parameter before anything runs. A report that fails does not stop the others: ReportError names
    all that failed at the end.
    """
    more = {"compare_with": compare_with, "total_basis": total_basis, "data_dir": str(data_dir), "show_code": show_code}
    chosen = dict.fromkeys((area, _year(year)) for area in areas for year in years)
    wanted = [{"area": area, "year": year} | more for area, year in chosen]
    failed, number = [], len(wanted)
    for name, error in _build(wanted, How(Path(out_dir), **how), done):
        if number == 1:
            raise error
        said = isinstance(error, (ReportError, DataError, OSError))
        reason = str(error) if said else f"{name}: {type(error).__name__}: {first_line(str(error))}"
        failed.append("\n".join(getattr(error, "faults", [reason])))
    if failed:
        head = f"{len(failed)} of {number} reports were not made; what stood in their place is as it was before"
        raise ReportError("\n".join([head, *dict.fromkeys(failed)]).replace("\n", "\n  "))


def refresh_notebooks() -> None:
    """Execute the committed notebooks with their defaults and save them in place, all of them or none."""
    kernel_process.warm_up(*CHAPTERS)
    with kernel_process.without("rfc3987_syntax"):
        from hzso_analysis import crew, execution, pages  # noqa: PLC0415

    with crew.crew() as hands:
        orders = {s: execution.Order(f"{s}.ipynb", nb, {}, {}) for s, nb in execution.load_notebooks({}).items()}
        coming = {stem: hands.submit(order) for stem, order in orders.items()}
        done = {stem: future.result().notebook for stem, future in coming.items()}
    for stem, notebook in done.items():
        pages.save_notebook(notebook, provenance.NOTEBOOKS_DIR / f"{stem}.ipynb")


def _build(wanted: list[dict[str, Any]], how: How, done: Callable[[Path], object]) -> list[tuple[str, Exception]]:
    """Make the reports in order, call `done` with each, and return the name of each that failed with its error."""
    current = [not how.force and _is_current(order, how) for order in wanted]
    if all(current) and (how.out_dir / "index.html").is_file():
        for order in wanted:
            done(_unchanged(order, how))
        return []
    if not how.cold and not how.scheduler:
        kernel_process.warm_up(*CHAPTERS)
    with kernel_process.without("rfc3987_syntax"):  # or jsonschema would build a grammar with it, for a second or two
        from hzso_analysis import catalogue, drafts, execution, printing  # noqa: PLC0415

    drafts.check_parameters(wanted)
    catalogue.check_place(how.out_dir)
    if how.pdf:
        printing.check_printing()
    hashes = provenance.notebook_hashes()
    sources = drafts.Sources(execution.load_notebooks(wanted[0]), hashes)
    made: list[Path] = []

    def note(page: Path) -> None:
        made.append(page)
        done(page)

    try:
        return _build_changed(wanted, current, how, sources, note)
    finally:
        if made:
            catalogue.write_catalogue(how.out_dir)


def _build_changed(
    wanted: list[dict[str, Any]], current: list[bool], how: How, sources: Any, done: Callable[[Path], object]
) -> list[tuple[str, Exception]]:
    """Make the reports that are not `current`, the chapters of some side by side."""
    from tqdm import tqdm  # noqa: PLC0415

    from hzso_analysis import crew, drafts  # noqa: PLC0415

    failed: list[tuple[str, Exception]] = []
    under_way: deque[tuple[str, Any]] = deque()
    bar = tqdm(
        total=current.count(False) * len(sources.notebooks), unit="chapter", file=sys.stderr, disable=not how.progress
    )

    def attempt(name: str, step: Callable[..., Any], *given: Any, **options: Any) -> Any:
        try:
            return step(*given, **options)
        except Exception as error:  # whatever is wrong with one report, the others are made
            failed.append((name, error))
            return None

    def finish_first() -> None:
        name, draft = under_way.popleft()
        page = draft if isinstance(draft, Path) else attempt(name, drafts.finish, draft, pdf=how.pdf)
        if page:
            with tqdm.external_write_mode():
                done(page)

    with bar, ExitStack() as workshops, crew.crew(how.jobs, how.scheduler) as hands:
        for order, same in zip(wanted, current, strict=True):
            name = _name(order)
            draft = _unchanged(order, how) if same else attempt(name, drafts.begin, order, how, sources, hands)
            if isinstance(draft, drafts.Draft):
                workshops.push(draft.closing)
                for future in draft.chapters.values():
                    future.add_done_callback(partial(lambda name, _: bar.set_description(name) or bar.update(), name))
            if draft:
                under_way.append((name, draft))
            # the first is finished once what follows keeps all hands busy meanwhile
            while sum(d.waiting() for _, d in list(under_way)[1:] if isinstance(d, drafts.Draft)) >= hands.at_once:
                finish_first()
        while under_way:
            finish_first()
        hands.stop()  # what still runs belongs to a report that failed
    return failed


def _year(year: object) -> object:
    """The year as a number, or as it was given if it is none: that is said with what else is wrong."""
    try:
        return whole_year(year)
    except ValueError:
        return year


def _name(order: dict[str, Any]) -> str:
    return f"{order['area']} {order['year']}"


def _target(order: dict[str, Any], how: How) -> Path:
    return how.out_dir.joinpath(order["area"], str(order["year"]))


def _is_current(order: dict[str, Any], how: How) -> bool:
    """Whether the report is there as it would come out now; not for parameters that are still to be checked."""
    if not isinstance(order["area"], str) or not isinstance(order["show_code"], bool):
        return False
    return provenance.is_current(_target(order, how), order, pdf=how.pdf)


def _unchanged(order: dict[str, Any], how: How) -> Path:
    if how.progress:
        print(f"{_name(order)}: nothing has changed, it is not made again (--force makes it)", file=sys.stderr)
    return _target(order, how) / "index.html"


if __name__ == "__main__":
    try:
        refresh_notebooks()
    except ReportError as fault:
        sys.exit(str(fault))
