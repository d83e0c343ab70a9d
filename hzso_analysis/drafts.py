"""A report under way: begun when its chapters are handed out, finished when all are there and it is in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from jupyter_core.paths import jupyter_runtime_dir
from nbformat import NotebookNode

from hzso_analysis import printing, provenance
from hzso_analysis.answers import cache_folder, kept
from hzso_analysis.crew import Crew
from hzso_analysis.edition import Edition, open_edition, parameter_faults, rows_hash
from hzso_analysis.execution import Executed, Order
from hzso_analysis.faults import ReportError, first_line
from hzso_analysis.folders import areas, data_files, data_folder
from hzso_analysis.provenance import library_hash, pins
from hzso_analysis.workshop import How, swap, workshop


class Sources(NamedTuple):
    """The notebooks of a report by name, and the hashes they had before they were read."""

    notebooks: dict[str, NotebookNode]
    hashes: dict[str, str]


@dataclass
class Draft:
    """A report whose chapters are kept from the one before or will come; `shown` are its parameters as pages show them.

    `data` are the hashes of the data files, `rows` is that of what is in them.
    """

    name: str
    target: Path
    folder: Path
    edition: Edition
    shown: dict[str, Any]
    data: dict[str, str]
    rows: str
    sources: Sources
    found: dict[str, Any] = field(default_factory=dict)
    chapters: dict[str, Future[Executed]] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)

    def waiting(self) -> int:
        """How many chapters are still to come."""
        return sum(not future.done() for future in self.chapters.values())

    def give_up_if_failed(self, future: Future[Executed]) -> None:
        """Begin no other chapter once one has failed."""
        if not future.cancelled() and future.exception():
            self.cancel()

    def cancel(self) -> None:
        """Take back the chapters that have not begun."""
        for future in self.chapters.values():
            future.cancel()


def check_parameters(wanted: list[dict[str, Any]]) -> None:
    """Raise ValueError naming every wrong parameter of all reports.

    >>> check_parameters([{"area": "hangzhou", "year": "next"}])
    Traceback (most recent call last):
    ...
    ValueError: ...
    """
    if faults := dict.fromkeys(text for order in wanted for text in parameter_faults(**order)):
        raise ValueError("\n".join(faults))


def begin(order: dict[str, Any], how: How, sources: Sources, hands: Crew) -> Draft:
    """Open the edition, take the workshop, and hand out the chapters that have changed.

    Raises DataError for faults in the data, ReportError for what is in the way.
    """
    # the folder as the user wrote it is shown: an absolute path would tell one machine from another
    folder = str(data_folder(order["data_dir"])) if order["data_dir"] else ""
    data = provenance.data_hashes(order["area"], order["compare_with"], folder)
    edition = open_edition(**order | {"data_dir": folder})
    shown = order | {"year": edition.year, "show_code": edition.show_code}
    name, target = f"{edition.area} {edition.year}", how.out_dir / edition.area / str(edition.year)
    with ExitStack() as closing, _naming(name):
        made = closing.enter_context(workshop(target, name))
        draft = Draft(name, target, made, edition, shown, data, rows_hash(edition), sources)
        closing.callback(draft.cancel)
        same = {} if how.force else provenance.unchanged_chapters(target, sources.hashes, shown, draft.rows)
        for stem, notebook in sources.notebooks.items():
            if stem in same:
                draft.chapters[stem] = _from_before(target / f"{stem}.ipynb", same[stem])
                continue
            run = shown | {"data_dir": folder}
            task = Order(f"{name}: {stem}.ipynb", notebook, run, shown, how.timeout, how.cold, os.getcwd(), data)
            draft.chapters[stem] = hands.submit(task)
            draft.chapters[stem].add_done_callback(draft.give_up_if_failed)
        from hzso_analysis.pages import front  # noqa: PLC0415 (heavy: it loads while the first kernels start)

        # nothing but what stands in the key goes into it, and it takes half a second
        draft.found = kept(
            provenance.digest("front", shown, draft.rows, library_hash(), pins()), lambda: front(edition)
        )
        draft.closing = closing.pop_all()
    return draft


def finish(draft: Draft, *, pdf: bool) -> Path:
    """Write the report when its chapters are there, put it in its place, and return the path of its index.html.

    Raises ReportError for the first notebook that failed and for what cannot be written; the old report stays.
    """
    from hzso_analysis.pages import PDF, report_title, whole_page, write_rest  # noqa: PLC0415

    with draft.closing, _naming(draft.name):
        new = draft.folder / "new"
        new.mkdir()
        chapters, extra = _written(draft, new)
        write_rest(new, chapters, draft.edition, draft.found, pdf=pdf)
        if pdf:
            page = draft.folder / "print.html"
            page.write_text(whole_page(new, chapters, draft.edition), encoding="utf-8", newline="\n")
            printing.print_pdf(page, new / PDF, title=report_title(draft.edition))
        made = {c.stem: {"hash": c.hash, "files": extra[c.stem]} for c in chapters}
        parts = {"parameters": draft.shown, "data": draft.data, "rows": draft.rows, "chapters": made}
        provenance.write_manifest(new, parts)
        swap(new, draft.target)
    return draft.target / "index.html"


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Say which report it is that a full disk or a folder that cannot be written to has stopped."""
    try:
        yield
    except OSError as error:
        cause = error.strerror or first_line(str(error)) or type(error).__name__
        raise ReportError(f"{name}: {cause}" + (f": {error.filename}" if error.filename else "")) from None


def _from_before(path: Path, told: dict[str, Any]) -> Future[Executed]:
    """A chapter of the report before, as if it had just been executed."""
    future: Future[Executed] = Future()
    notebook = nbformat.v4.reads(path.read_text(encoding="utf-8"))  # it was valid when it was written
    future.set_result(Executed(notebook, list(told["files"])))
    return future


def _written(draft: Draft, folder: Path) -> tuple[list[Any], dict[str, dict[str, str]]]:
    """The chapters, their pages written as they come, and the hashes of the files that each read besides the data.

    Chapters begin in order, so the first that fails does not depend on how many run at once.
    """
    from hzso_analysis.pages import chapter_of, write_page  # noqa: PLC0415

    known = {*map(str, data_files(data_folder(draft.edition.data_dir), areas(draft.edition.data_dir)).values())}
    own = tuple(str(place) for place in (cache_folder(), jupyter_runtime_dir()) if place)
    chapters = [chapter_of(stem, notebook) for stem, notebook in draft.sources.notebooks.items()]
    extra = {}
    # what is there already is written first, while the rest is still to come
    for place, (stem, future) in sorted(enumerate(draft.chapters.items()), key=lambda each: not _is_there(each[1][1])):
        done = _result(future, draft)
        others = [path for path in done.files if path not in known and not path.startswith(own)]
        extra[stem] = provenance.extra_files(sorted(map(_from_here, others)))
        hashed = provenance.chapter_hash(stem, draft.sources.hashes[stem], draft.shown, draft.rows, extra[stem])
        files = (f"{stem}.ipynb", *draft.data, *extra[stem])
        chapters[place] = chapter_of(stem, done.notebook)._replace(hash=hashed, files=files)
        write_page(folder, place, chapters, draft.edition)
    return chapters, extra


def _is_there(future: Future[Executed]) -> bool:
    return future.done() and not future.cancelled() and not future.exception()


def _result(future: Future[Executed], draft: Draft) -> Executed:
    """An executed notebook, or the error of the first in order that failed, for which others were taken back."""
    try:
        return future.result()
    except CancelledError:
        errors = (other.exception() for other in draft.chapters.values() if not other.cancelled())
        raise next(filter(None, errors), ReportError(f"{draft.name}: given up")) from None


def _from_here(path: str) -> str:
    """A file as it is named from the working directory, so that no name of a machine's folders gets into a page."""
    try:
        return Path(os.path.relpath(path)).as_posix() if os.path.isabs(path) else path
    except ValueError:  # another drive
        return path
