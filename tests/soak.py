"""Many reports in a row in one process, warm, cold and failing: nothing may stay of one, and nothing may grow.

python tests/soak.py --reports 120 [--real 10]: one report of so many is of the real notebooks, the others of tiny ones.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import cycle, islice
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil

from hzso_analysis import answers, provenance
from hzso_analysis.report import ReportError, build_report

WARM = 20  # reports before anything is counted: each kind, each area and most years have been there once
# From the second quarter to the last, medians of memory: where free memory lies between what is used, allocators cannot
# give it back, which moves a few megabytes from report to report. 100 kB a report would be 5 in 100 reports.
MEGABYTES = 5.0
EDITIONS = [("hangzhou", 2011), ("china", 2013), ("hangzhou", 2010), ("china", 2008), ("china", 2022)]
PARAMETERS = 'area = "hangzhou"\nyear = 2011\ncompare_with = "china"\ntotal_basis = "estimated"\ndata_dir = ""'
PARAMETERS += "\nshow_code = False"
EDITION = "from hzso_analysis.edition import open_edition\n"
EDITION += "edition = open_edition(area=area, year=year, compare_with=compare_with)"
TINY = {
    "00_overview": [EDITION, "from hzso_analysis.chapters import overview\noverview.headline(edition)"],
    "01_scale": ["print(year)"],
}
KINDS = {
    "warm": TINY,
    "raises": TINY | {"01_scale": ["1 / 0"]},
    "killed": TINY | {"01_scale": ["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"]},
    "late": TINY | {"00_overview": ["import time\ntime.sleep(60)"]},
    "cold": TINY,
}
SAID = {"raises": "ZeroDivisionError", "killed": "Kernel died", "late": "took longer than"}
ORDER = ["warm", "warm", "raises", "warm", "killed", "warm", "cold", "warm", "late", "warm"]


class Seen(NamedTuple):
    """What there is of this process after a report."""

    files: frozenset[str]
    strangers: list[str]
    handles: int
    handles_warm: int
    threads: int
    megabytes: float
    megabytes_warm: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=120)
    parser.add_argument("--real", type=int, default=10, help="one of so many is of the real notebooks; 0 is none")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reports < WARM + 8:
        parser.error(f"--reports: at least {WARM + 8}")
    if options.inside:
        return soak(options.inside, options.reports, options.real)
    # a process of its own, which knows no other folders from its first import on
    with tempfile.TemporaryDirectory(prefix="soak") as name:
        places = {"TMPDIR": "tmp", "JUPYTER_RUNTIME_DIR": "run", answers.FOLDER: "kept"}
        for place in places.values():
            (Path(name) / place).mkdir(mode=0o700)
        environment = os.environ | {key: str(Path(name) / place) for key, place in places.items()}
        command = [sys.executable, *sys.orig_argv[1:], "--inside", name]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.stderr:
        print(f"soak: something was said:\n{done.stderr}", file=sys.stderr)
    return done.returncode or bool(done.stderr)


def soak(folder: Path, reports: int, real: int) -> int:
    """Make the reports and return the exit status."""
    seen: list[Seen] = []
    start = time.monotonic()
    for number, (kind, (area, year)) in enumerate(islice(orders(folder, real), reports), start=1):
        make(folder / "out" / kind, kind, area, year)
        seen.append(look(folder))
        if number % 10 == 0:
            print(f"{number:4} reports, {time.monotonic() - start:4.0f} s: {said(seen[-1])}", flush=True)
    faults = growth(seen[WARM - 1], seen[WARM:])
    for fault in faults:
        print(f"soak: {fault}")
    print(f"soak: {reports} reports, {'; '.join([said(seen[WARM]), said(seen[-1])])}: {'grows' if faults else 'flat'}")
    return bool(faults)


def orders(folder: Path, real: int) -> Iterator[tuple[str, tuple[str, int]]]:
    """What to make, without end: a kind, whose notebooks are then those of a report, and an area with a year."""
    committed = provenance.NOTEBOOKS_DIR
    for kind, notebooks in KINDS.items():
        (folder / kind).mkdir()
        for stem, code in notebooks.items():
            write_notebook(folder / kind / f"{stem}.ipynb", code)
    for number, (kind, edition) in enumerate(zip(cycle(ORDER), cycle(EDITIONS * 2 + EDITIONS[:1]), strict=False)):
        is_real = real and number % real == 0
        provenance.NOTEBOOKS_DIR = committed if is_real else folder / kind
        yield "real" if is_real else kind, edition


def write_notebook(path: Path, code: list[str]) -> None:
    cells = [nbformat.v4.new_markdown_cell("# How large?"), nbformat.v4.new_code_cell(PARAMETERS)]
    cells[1].metadata.tags = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells + [nbformat.v4.new_code_cell(c) for c in code]), path)


def make(out: Path, kind: str, area: str, year: int) -> None:
    """Make a report that must be made, or fail one that must fail."""
    how = {"force": True, "cold": kind == "cold", "timeout": 1 if kind == "late" else 120}
    try:
        build_report(area=area, year=year, out_dir=out, **how)
    except ReportError as error:
        if SAID.get(kind, "\n") not in str(error):
            raise
    else:
        assert kind not in SAID, f"{kind} was made"


def look(folder: Path) -> Seen:
    """Look at this process, its children and its folders."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # glibc only: free memory that it keeps is no leak
        ctypes.CDLL(None).malloc_trim(0)
    own, warm = psutil.Process(), psutil.Process(forkserver._forkserver._forkserver_pid)
    known = {warm.pid, resource_tracker._resource_tracker._pid}
    strangers = [f"{p.pid} {' '.join(p.cmdline())[:60]}" for p in own.children(recursive=True) if p.pid not in known]
    places = [folder / "tmp", folder / "run", *(folder / "out").glob("*/*/.*")]
    files = {str(path.relative_to(folder)) for place in places for path in place.rglob("*")}
    files |= {str(path.relative_to(folder)) for path in places[2:]}
    # not what is unique to a process: pages of libraries are, whenever no other Python runs on the machine
    memory = [(m.rss - getattr(m, "shared", 0)) / 2**20 for m in (p.memory_info() for p in (own, warm))]
    return Seen(frozenset(files), strangers, own.num_fds(), warm.num_fds(), threading.active_count(), *memory)


def said(seen: Seen) -> str:
    return (
        f"{seen.handles} + {seen.handles_warm} handles, {seen.threads} threads, {len(seen.files)} files, "
        f"{len(seen.strangers)} processes, {seen.megabytes:.1f} + {seen.megabytes_warm:.1f} MB"
    )


def growth(warm: Seen, seen: list[Seen]) -> list[str]:
    """What has grown since all was warm, or is left."""
    quarter = len(seen) // 4
    second, last = seen[quarter : 2 * quarter], seen[-quarter:]
    faults = [f"a process is left: {name}" for name in seen[-1].strangers]
    faults += [f"a file is left: {name}" for name in sorted(seen[-1].files - warm.files)]
    for name in ("handles", "handles_warm", "threads"):
        before, after = (max(getattr(one, name) for one in part) for part in (second, last))
        if after > before:
            faults.append(f"{name} grow from {before} to {after}")
    for name in ("megabytes", "megabytes_warm"):
        before, after = (statistics.median(getattr(one, name) for one in part) for part in (second, last))
        if after > before + MEGABYTES:
            faults.append(f"{name} grow from {before:.1f} to {after:.1f}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
