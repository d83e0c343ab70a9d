"""Whatever goes wrong: one line says what, the old report stays whole, the others are made, nothing is left behind."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from jupyter_core.paths import jupyter_runtime_dir
from test_report import FIGURES, build, make, set_up

from hzso_analysis import catalogue, execution, workshop
from hzso_analysis.faults import ReportError
from hzso_analysis.report import build_reports

OLD = "last month"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A good notebook, figures of two years, and old reports of both, in a folder that is looked through afterwards."""
    runtime = Path("/tmp") / f"hzso-{os.getpid()}" if os.name == "posix" else tmp_path / "runtime"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    folder = set_up(tmp_path, monkeypatch)
    make(folder / "notebooks", "00_overview", "print(year)")
    (folder / "figures" / "hangzhou" / "2010.csv").write_text(FIGURES.replace("2011,", "2010,", 1), encoding="utf-8")
    for year in (2010, 2011):
        page = folder / "out" / "hangzhou" / str(year) / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(OLD, encoding="utf-8")
    yield folder
    assert not list((folder / "out").rglob(".*")), "a hidden file or folder is left"
    assert not runtime.exists() or not [*runtime.iterdir()], "a socket or a connection file is left"
    assert not kernels_left(), "a kernel is left"


def kernels_left():
    """Kernels below this process that still run: those of nbval and of other tests are not, they wait for their end."""
    left = []
    for process in psutil.Process().children(recursive=True):
        try:
            environment = process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
        except psutil.Error:
            continue
        if environment.get("JUPYTER_RUNTIME_DIR") == jupyter_runtime_dir() and "-f" in process.cmdline():
            left.append(process)
    return left


def old(folder, year=2011):
    return (folder / "out" / "hangzhou" / str(year) / "index.html").read_text(encoding="utf-8") == OLD


def faults_of(years, **more):
    """The lines that name what failed, and the years of the reports that were made."""
    pages = []
    with pytest.raises(ReportError) as error:
        build_reports(["hangzhou"], years, pages.append, out_dir="out", data_dir="figures", **more)
    return str(error.value).splitlines(), [int(page.parent.name) for page in pages]


FAILING = [
    ("1 / (year - 2011)", "code cell 2: ZeroDivisionError: division by zero"),
    ("import os, signal\nif year == 2011:\n    os.kill(os.getpid(), signal.SIGKILL)", "code cell 2: Kernel died"),
    ("import sys\nif year == 2011:\n    sys.exit(0)", "code cell 2: SystemExit: 0"),
    ("import time\ntime.sleep(60 * (year - 2010))", "code cell 2: the notebook took longer than 3 seconds"),
    ("if year == 2011:\n    year = 2010", "code cell 2: year became 2010; year 2011 was asked for"),
    ("import hzso_analysis as hz\narea = 'hangzho'", "code cell 2: area became hangzho; area hangzhou was asked for"),
    (
        "import hzso_analysis as hz\nedition = hz.open_edition(year=2010, data_dir=data_dir)",
        "code cell 2: shows hangzhou 2010; hangzhou 2011 was asked for",
    ),
]
# what a kernel does to itself looks different where it is a process of its own; what it shows does not
FAILING_COLD = FAILING[:3]


@pytest.mark.parametrize(
    ("code", "said", "cold"), [(*case, False) for case in FAILING] + [(*case, True) for case in FAILING_COLD]
)
def test_a_notebook_that_fails_is_one_line_and_the_other_report_is_made(desk, code, said, cold):
    make(desk / "notebooks", "00_overview", code)
    years = [2011] if "hangzho'" in code else [2010, 2011]
    if len(years) == 1:
        with pytest.raises(ReportError) as error:
            build(cold=cold)
        assert str(error.value) == f"hangzhou 2011: 00_overview.ipynb, {said}"
    else:
        lines, made = faults_of(years, cold=cold, timeout=3)
        assert lines[0].startswith("1 of 2 reports were not made") and len(lines) == 2
        assert lines[1].startswith(f"  hangzhou 2011: 00_overview.ipynb, {said}")
        assert made == [2010] and not old(desk, 2010)
    assert old(desk)


def test_a_kernel_that_ends_itself_before_the_last_cell_makes_no_page(desk):
    make(desk / "notebooks", "00_overview", "exit()", "import time\ntime.sleep(2)\nprint(1)")
    with pytest.raises(ReportError, match=r"^hangzhou 2011: 00_overview\.ipynb, code cell 3: "):
        build()
    assert old(desk)


def test_the_first_chapter_in_order_that_fails_is_named_however_many_run_at_once(desk):
    make(desk / "notebooks", "00_overview", "import time\ntime.sleep(1)\n1 / 0")
    make(desk / "notebooks", "01_scale", "raise KeyError('level')")
    make(desk / "notebooks", "02_markets", "print(1)")
    for jobs in (1, 3):
        with pytest.raises(ReportError, match=r"^hangzhou 2011: 00_overview\.ipynb, code cell 2: ZeroDivision"):
            build(jobs=jobs)


def test_a_report_that_failed_is_not_waited_for(desk):
    make(desk / "notebooks", "00_overview", "1 / 0")
    make(desk / "notebooks", "01_scale", "import time\ntime.sleep(90)")
    begun = time.monotonic()
    with pytest.raises(ReportError, match="ZeroDivisionError"):
        build(jobs=2)
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("place", ["write_text", "write_bytes", "mkdir", "rename"])
def test_a_full_disk_is_named_with_the_report_and_the_next_one_is_made(desk, monkeypatch, place):
    monkeypatch.setattr(execution, "execute", lambda order: execution.Executed(order.notebook, []))
    does = getattr(Path, place)

    def full(path, *given, **options):
        if ".2011-new" in path.parts and path.name != "old":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return does(path, *given, **options)

    monkeypatch.setattr(Path, place, full)
    lines, made = faults_of([2010, 2011])
    monkeypatch.undo()
    assert len(lines) == 2
    assert lines[1].startswith("  hangzhou 2011: No space left on device: out")
    assert (made, old(desk)) == ([2010], True)


def test_a_disk_that_is_really_full(desk):
    small = desk / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "none", small]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made by root, on Linux")
    try:
        with pytest.raises(ReportError, match=r"^hangzhou 2011: No space left on device") as error:
            build(out=small)
        assert "\n" not in str(error.value)
        assert not [*small.iterdir()]
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_folder_that_cannot_be_written_to_is_named(desk):
    (desk / "out" / "hangzhou" / "2011" / "index.html").unlink()
    (desk / "out" / "hangzhou" / "2011").rmdir()
    (desk / "out" / "hangzhou" / "2010" / "index.html").unlink()
    (desk / "out" / "hangzhou" / "2010").rmdir()
    (desk / "out" / "hangzhou").rmdir()
    (desk / "out" / "hangzhou").write_text("a file where a folder belongs", encoding="utf-8")
    with pytest.raises(ReportError, match=r"^hangzhou 2011: (File exists|Not a directory): out"):
        build()
    if os.name == "posix" and os.getuid():
        (desk / "locked").mkdir(mode=0o500)
        with pytest.raises(PermissionError, match="locked: nothing can be written there"):
            build(out="locked")
    if sys.platform == "linux":
        with pytest.raises((ReportError, OSError), match=r"/proc/self"):
            build(out="/proc/self/fdinfo")


def test_two_runs_at_once_make_one_report_and_one_message(desk):
    make(desk / "notebooks", "00_overview", "import time\ntime.sleep(2)")
    code = f"""
import sys
from hzso_analysis import provenance, report
provenance.NOTEBOOKS_DIR = __import__('pathlib').Path({str(desk / "notebooks")!r})
report.build_report(area='hangzhou', year=2011, out_dir='out', data_dir='figures')
"""
    runs = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate()[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 1]
    last = next(text for text in said if text).splitlines()[-1]
    where = Path("out/hangzhou/2011")
    assert last.endswith(f"hangzhou 2011: another run is making this report in {where}; wait for it to end")
    assert not old(desk)


def test_another_year_can_be_made_meanwhile(desk, monkeypatch):
    monkeypatch.setattr(execution, "execute", lambda order: execution.Executed(order.notebook, []))
    with workshop.workshop(Path("out/hangzhou/2011"), "hangzhou 2011"):
        lines, made = faults_of([2010, 2011])
    assert len(lines) == 2 and "another run is making this report" in lines[1]
    assert (made, old(desk)) == ([2010], True)


def test_what_a_killed_run_left_is_removed_and_the_old_report_comes_back(desk, monkeypatch):
    left = desk / "out" / "hangzhou" / ".2011-new"
    (left / "new").mkdir(parents=True)
    (left / "new" / "00_overview.html").write_text("half", encoding="utf-8")
    (left / "print.html").write_text("half", encoding="utf-8")
    (left / "lock").touch()
    (desk / "out" / "hangzhou" / "2011").rename(left / "old")  # it was killed between its two moves
    make(desk / "notebooks", "00_overview", "1 / 0")
    with pytest.raises(ReportError, match="ZeroDivisionError"):
        build()
    assert old(desk)
    monkeypatch.setattr(execution, "execute", lambda order: execution.Executed(order.notebook, []))
    assert not {"print.html", "lock"} & {path.name for path in build().parent.iterdir()}


def test_a_lock_is_free_again_when_its_run_is_killed(desk):
    code = (
        "import sys, time; from pathlib import Path; from hzso_analysis.workshop import workshop\n"
        "with workshop(Path('out/hangzhou/2011'), 'hangzhou 2011'):\n    print('mine', flush=True); time.sleep(60)"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "mine\n"
    with pytest.raises(ReportError, match="another run"):
        build()
    run.kill()
    run.communicate()
    assert build().read_text(encoding="utf-8") != OLD


def test_where_there_are_no_locks_a_folder_that_is_there_is_named(desk, monkeypatch):
    monkeypatch.setattr(workshop, "fcntl", None)
    with (
        workshop.workshop(Path("out/hangzhou/2011"), "hangzhou 2011"),
        pytest.raises(ReportError, match=r"another run is making this report in .*, or remove .*2011-new if none is"),
    ):
        build()
    assert not (desk / "out" / "hangzhou" / ".2011-new").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("cold", [[], ["--cold"]], ids=["warm", "cold"])
def test_an_interrupt_keeps_what_is_finished_and_ends_what_runs(desk, cold):
    make(
        desk / "notebooks",
        "00_overview",
        f"if year == 2011:\n    open({str(desk / 'begun')!r}, 'w').close()\n    while True: pass",
    )
    code = (
        "import sys; from pathlib import Path; from hzso_analysis import cli, provenance\n"
        f"provenance.NOTEBOOKS_DIR = Path({str(desk / 'notebooks')!r}); cli.main(sys.argv[1:])"
    )
    words = ["report", "--years", "2010-2011", "--out", "out", "--data-dir", "figures", "--jobs", "1", *cold]
    patient = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert patient.stdout.readline().strip() == str(Path("out/hangzhou/2010/index.html"))
    while not (desk / "begun").exists():
        assert patient.poll() is None
        threading.Event().wait(0.05)
    os.killpg(patient.pid, 2)
    _, said = patient.communicate(timeout=20)
    assert patient.returncode == 130
    line = "interrupted in hangzhou 2011: 00_overview.ipynb; reports that were not finished are as they were before"
    assert said.rstrip().endswith(f"\n{line}")
    assert "Traceback" not in said
    assert (old(desk, 2010), old(desk, 2011)) == (False, True)
    assert catalogue.MARK in (desk / "out" / "index.html").read_text(encoding="utf-8")
