"""Answers that take a second to compute, kept in a folder of the user for the next kernel and the next run."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path

from hzso_analysis.workshop import write_aside

FOLDER = "HZSO_CACHE"  # names another folder; blank keeps nothing
MOST = 64
T = TypeVar("T")


def kept(key: str, compute: Callable[[], T]) -> T:
    """The answer kept under `key`, or the one computed now; the key is a hash of all that the answer depends on."""
    folder = cache_folder()
    if folder is None:
        return compute()
    path = folder / f"{key}.pickle"
    with suppress(Exception):  # none, or one cut short: it is computed again
        answer: T = pickle.loads(path.read_bytes())
        os.utime(path)
        return answer
    answer = compute()
    with suppress(OSError):  # a full disk, or a home that cannot be written to
        write_aside(path, pickle.dumps(answer))  # another kernel may be reading
        by_use = sorted(folder.glob("*.pickle"), key=lambda other: other.stat().st_mtime)
        for old in by_use[:-MOST]:
            old.unlink(missing_ok=True)
    return answer


def cache_folder() -> Path | None:
    """Where answers are kept; None where nothing may be, or somebody else could have written what would be run."""
    named = os.environ.get(FOLDER)
    if named == "":
        return None
    folder = Path(named) if named else user_cache_path("hzso_analysis", appauthor=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told: Any = folder.stat()
    except OSError:
        return None
    mine = os.name != "posix" or (told.st_uid == os.getuid() and not told.st_mode & 0o022)
    return folder if mine else None
