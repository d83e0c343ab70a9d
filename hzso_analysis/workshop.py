"""The folder in which a report is made, and its move into place: whole, by one run at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hzso_analysis.faults import ReportError

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]  # a module elsewhere

SECONDS = 600.0  # that a chapter may take
LOCK, OLD = "lock", "old"


@dataclass(frozen=True)
class How:
    """How reports are made; none of it changes a page. The options are those of `report.build_report`."""

    out_dir: Path
    pdf: bool = False
    force: bool = False
    progress: bool = False
    jobs: int | None = None
    cold: bool = False
    timeout: float = SECONDS
    scheduler: str = ""


@contextmanager
def workshop(target: Path, name: str) -> Iterator[Path]:
    """A hidden folder beside `target` for one run, gone afterwards.

    What a run that was killed left there is removed first, and the report it had just moved away is put back. Raises
    ReportError where another run makes the report `name`, and where something that is no report is in the way.
    """
    if target.exists() and not (target / "index.html").is_file():
        raise ReportError(f"{name}: {target} is in the way: it holds no report; move it or choose another folder")
    folder = target.parent / f".{target.name}-new"
    target.parent.mkdir(parents=True, exist_ok=True)
    handle = -1
    try:
        handle = _taken(folder, target, name)
        _put_back(folder, target)
        for left in folder.iterdir():
            if left.name != LOCK:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        yield folder
    finally:
        if handle >= 0:
            with suppress(OSError):
                _put_back(folder, target)
            # an old report that could not be moved back stays there, for the next run to find
            if target.exists() or not (folder / OLD).exists():
                shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
        with suppress(OSError):
            target.parent.rmdir()  # only an empty folder goes: one made for a report that failed


def _taken(folder: Path, target: Path, name: str) -> int:
    """Lock the folder for this process: the lock ends with it, however it ends."""
    busy = f"{name}: another run is making this report in {target}; wait for it to end"
    while True:
        try:
            folder.mkdir(exist_ok=fcntl is not None)
        except FileExistsError:
            raise ReportError(f"{busy}, or remove {folder} if none is") from None
        try:
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
        except FileNotFoundError:
            continue  # the run before has just removed it
        if fcntl is None:
            return handle
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise ReportError(busy) from None
        except OSError:
            return handle  # a file system without locks
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), (folder / LOCK).stat()):
                return handle
        os.close(handle)  # the run before removed it after it was opened here


def _put_back(folder: Path, target: Path) -> None:
    if (folder / OLD).is_dir() and not target.exists():
        (folder / OLD).rename(target)


def swap(draft: Path, target: Path) -> None:
    """Put a finished draft in a workshop where the report belongs; the old report comes back if that cannot be done."""
    try:
        if target.exists():
            target.rename(draft.parent / OLD)
        draft.rename(target)
    except BaseException:  # an interrupt may come between the two
        _put_back(draft.parent, target)
        raise


def write_aside(path: Path, raw: bytes) -> None:
    """Write a file beside its place and move it there when it is whole; the folder is made if it is not there."""
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # another process may be writing the same one
    try:
        draft.write_bytes(raw)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
