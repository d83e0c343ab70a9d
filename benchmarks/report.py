"""How long reports take: ours warm and cold, the usual loop of `papermill` and `nbconvert`, and the bare cell code.

Run with `python benchmarks/report.py`; all ways take turns, each run begins without kept answers and in a folder of its
own, medians count. Memory is the most that the processes of a way held together, shared pages counted once. The last
line is the time of the loop divided by ours for one report. The loop over ten years takes a quarter of an hour: with
`--loops 1` it runs once instead of as often as the others.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import nbformat
import psutil

from hzso_analysis.provenance import notebooks

TOOLS = Path(sys.executable).parent
TEN = list(range(2008, 2018))
LOOK = 1.0  # seconds between two looks at the memory, which cost time themselves


def run(command: list[str], folder: str) -> None:
    """Run a command in a folder, or say what it said."""
    environment = os.environ | {"HZSO_CACHE": str(Path(folder) / "kept"), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")


def ours(folder: str, years: list[int], *options: str) -> None:
    wanted = ["--area", "china", "--years", ",".join(map(str, years)), "--out", "out"]
    run([sys.executable, "-m", "hzso_analysis.cli", "report", *wanted, *options], folder)


def loop(folder: str, years: list[int]) -> None:
    for year in years:
        for path in notebooks():
            done = f"{year}-{path.name}"
            asked = ["-p", "year", str(year), "-p", "area", "china", "-p", "compare_with", ""]
            run([str(TOOLS / "papermill"), "--no-progress-bar", str(path), done, *asked], folder)
            run([str(TOOLS / "jupyter"), "nbconvert", "--to", "html", done], folder)


def bare(folder: str, years: list[int]) -> None:
    run([sys.executable, __file__, "--bare", ",".join(map(str, years))], folder)


def execute_cells(task: tuple[Path, int]) -> None:
    """Execute the code of a notebook without a kernel and without a page."""
    from hzso_analysis import exhibits  # noqa: PLC0415

    path, year = task
    exhibits.display = lambda data, **options: None
    names: dict = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell.source, names)
            if "parameters" in cell.metadata.get("tags", []):
                names |= {"year": year, "area": "china", "compare_with": ""}


def measured(way: Callable[[str, list[int]], None], years: list[int]) -> tuple[float, float]:
    """Seconds of a run and the megabytes its processes held at most."""
    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(LOOK):
            held = 0.0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    held += process.memory_full_info().pss
            most[0] = max(most[0], held / 2**20)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        way(folder, years)
        seconds = time.perf_counter() - start
    over.set()
    watcher.join()
    return seconds, most[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="runs of each way; the median counts")
    parser.add_argument(
        "--loops", type=int, help="runs of the loop over all years; as many as of the others by default"
    )
    parser.add_argument("--years", type=int, default=10, help="years of the second comparison; 0 leaves it out")
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        from hzso_analysis.chapters import overview, scale  # noqa: F401, PLC0415 (loaded once, for all that are forked)

        tasks = [(path, int(year)) for year in options.bare.split(",") for path in notebooks()]
        with get_context("fork").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
            pool.map(execute_cells, tasks, chunksize=1)
        return
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; Linux counts memory, others may not")
    ways = {
        "the loop": loop,
        "hzso report --cold": lambda f, y: ours(f, y, "--cold"),
        "hzso report": ours,
        "bare cells": bare,
    }
    print(f"{'':22}{'reports':>9}{'seconds':>10}{'loop / it':>11}{'peak MB':>9}")
    ratios = []
    for years in [TEN[3:4], TEN[: options.years]] if options.years else [TEN[3:4]]:
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for turn in range(options.repeat):
            for name, way in ways.items():
                if name == "the loop" and len(years) > 1 and options.loops and turn >= options.loops:
                    continue
                found[name].append(measured(way, years))
        seconds = {name: statistics.median(s for s, _ in runs) for name, runs in found.items()}
        for name, runs in found.items():
            ratios.append(seconds["the loop"] / seconds[name])
            most = max(m for _, m in runs)
            print(f"{name:22}{len(years):9}{seconds[name]:10.1f}{ratios[-1]:11.1f}{most:9.0f}", flush=True)
    print(f"ratio: {ratios[2]:.2f}")


if __name__ == "__main__":
    main()
