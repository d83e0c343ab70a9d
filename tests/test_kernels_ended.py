"""Programs that run notebooks, however they are started and ended: no process and no file of a kernel stays."""

import json
import os
import pty
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from kernel_runs import alive, left, notebook, short_folder, start, untraced
from test_kernels import SURVEY

from hzso_analysis import kernel_process

pytestmark = pytest.mark.skipif(
    not (kernel_process.CAN_FORK and Path("/proc/self/environ").exists()), reason="processes are looked up in /proc"
)
PARAMETERS = "\n".join(
    f"{name} = ''" for name in ("area", "year", "compare_with", "total_basis", "data_dir", "show_code")
)
HERE = """
import pathlib, sys
from hzso_analysis import provenance
provenance.NOTEBOOKS_DIR = pathlib.Path("notebooks").resolve()
"""
COMMAND = f"{HERE}\nfrom hzso_analysis import cli\ncli.main(['report', '--jobs', '2'])"
SLEEP = """
import os, pathlib, subprocess, time
subprocess.Popen(["sleep", "60"])
pathlib.Path(f"{os.getpid()}.pid").touch()
time.sleep(60)
"""
GROUP, ALONE = os.killpg, os.kill
ENDINGS = {  # how it is ended, and how many seconds after the warm process is there; None is when kernels are at work
    "early": (GROUP, signal.SIGINT, 0.0),
    "loading": (GROUP, signal.SIGINT, 0.4),
    "late": (GROUP, signal.SIGINT, None),
    "terminated": (ALONE, signal.SIGTERM, None),
    "hung up": (GROUP, signal.SIGHUP, None),
    "killed": (ALONE, signal.SIGKILL, None),
}
BUILD = f"""
print("once")
{HERE}
from hzso_analysis import build_report
print(build_report(out_dir="reports"))
"""
LOOK = """
import json, os, pathlib, sys
seen = ["hzso_analysis.preload" in sys.modules, os.system("cat")]
pathlib.Path("seen.json").write_text(json.dumps(seen))
"""
SEE = f"""
import json
from kernel_runs import run, told
print(json.dumps({{name: value for name, value in told({SURVEY!r}).items() if name not in ("cwd", "environment")}}))
"""
EXECUTE = f"""{SEE}
run({LOOK!r})
print("more of the script")
"""
THREADS = """
import os
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # threads of theirs survive a fork
import threading, hzso_analysis.preload
names = [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]
# where pyarrow is installed, pandas loads it, and its allocator sees to its own thread in a fork
print(threading.active_count(), len(names) - names.count("jemalloc_bg_thd"))
"""


def seen_within(seconds, look):
    """What `look` finds, as soon as that is something."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def ended(name):
    """End a program in one of these ways; tell how it ended, what it said, and what is left of it."""
    end, number, after = ENDINGS[name]
    with short_folder() as place:
        folder = Path(place)
        (folder / "notebooks").mkdir()
        for stem in ("00_one", "01_two"):
            made = notebook(SLEEP, parameters=PARAMETERS)
            nbformat.write(made, folder / "notebooks" / f"{stem}.ipynb")
        program = start(COMMAND, folder)
        if after is None:
            seen_within(30, lambda: len(list(folder.glob("*.pid"))) == 2)
        else:
            seen_within(30, lambda: any("multiprocessing.forkserver" in line for line in alive(folder).values()))
            time.sleep(after)
        at_work = len(list(folder.glob("*.pid")))
        end(program.pid, number)
        _, said = program.communicate(timeout=20)
        seen_within(5, lambda: not alive(folder))
        return program.returncode, said, at_work, alive(folder), left(folder)


def started(code, more=""):
    """What a script prints and complains of, the first read from a terminal, and what its notebook saw."""
    with short_folder() as place:
        folder = Path(place)
        (folder / "notebooks").mkdir()
        made = notebook(LOOK, parameters=PARAMETERS)
        nbformat.write(made, folder / "notebooks" / "00_one.ipynb")
        if more == "terminal":
            return in_terminal(code, folder)
        program = start(code, folder, stdin=subprocess.PIPE if more == "stdin" else None)
        printed, said = program.communicate(code if more == "stdin" else None, timeout=60)
        seen = folder / "seen.json"
        return printed, said, json.loads(seen.read_text(encoding="utf-8")) if seen.exists() else None


def in_terminal(code, folder):
    """The same with a terminal of its own, which turns its lines differently."""
    ours, theirs = pty.openpty()
    program = start(code, folder, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    texts = []
    with suppress(OSError):  # the other end is closed
        while raw := os.read(ours, 9999):
            texts.append(raw.decode())
    os.close(ours)
    program.wait(20)
    return "".join(texts).replace("\r\n", "\n"), "", None


PROGRAMS = {
    **{name: (ended, name) for name in ENDINGS},
    "file": (started, BUILD),
    "stdin": (started, EXECUTE, "stdin"),
    "terminal": (started, SEE, "terminal"),
    "threads": (started, THREADS),
}


@pytest.fixture(scope="module")
def programs():
    """What came of all programs, of which some run at once."""
    with ThreadPoolExecutor(4) as pool:
        running = {name: pool.submit(*steps) for name, steps in PROGRAMS.items()}
        yield {name: each.result() for name, each in running.items()}


@pytest.mark.parametrize("name", ENDINGS)
def test_nothing_stays_of_a_program_that_was_ended(programs, name):
    status, said, at_work, running, files = programs[name]
    assert at_work == (2 if ENDINGS[name][2] is None else 0), "it was ended too early or too late"
    assert running == {}
    assert [file for file in files if name != "killed" or not file.startswith("pymp-")] == []
    if name != "killed":
        assert (status, "Traceback" in said) == (130, False), said
        what = " in hangzhou 2011: 00_one.ipynb and hangzhou 2011: 01_two.ipynb" if at_work else ""
        assert said.endswith(f"\ninterrupted{what}; reports that were not finished are as they were before\n")


def test_a_script_without_a_guard_is_not_run_again_in_kernels(programs):
    printed, said, seen = programs["file"]
    assert printed == "once\nreports/hangzhou/2011/index.html\n"
    assert (said, seen) == ("", [True, 0])


@untraced
def test_a_script_read_from_stdin_is_read_to_its_end(programs):
    printed, said, seen = programs["stdin"]
    assert printed.endswith("}\nmore of the script\n") and printed.count("\n") == 2
    assert (said, seen) == ("", [True, 0])


@untraced
def test_a_notebook_sees_nothing_of_the_terminal(programs):
    terminal, pipe = (json.loads(programs[name][0].splitlines()[0]) for name in ("terminal", "stdin"))
    assert terminal == pipe and pipe["columns"] == 20


def test_a_warm_process_has_no_threads_that_a_fork_would_lose(programs):
    assert programs["threads"][:2] == ("1 1\n", "")
