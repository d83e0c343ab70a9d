"""Reports made by the workers of a Dask cluster: the same pages and the same errors as here, and nothing left there.

Run with `make cluster`; it takes half a minute, most of it until clusters are up or given up.
"""

import gc
import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import nbformat
import pytest
from test_report import CHART, build, make, set_up

from hzso_analysis import answers, cluster, execution, kernels, provenance
from hzso_analysis.folders import PACKAGE
from hzso_analysis.report import ReportError, build_reports

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

ENOUGH = 20  # seconds in which all that is waited for here has long been
NOTE = "import os\nwith open('{}', 'a') as file:\n    print(os.getppid(), file=file)"  # the process of the worker
WAIT = f"import time\nfor _ in range({ENOUGH * 20}):\n    time.sleep(0 if os.path.exists('go') else 0.05)"
KILL = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"


def small(number, **more):
    """A cluster of some workers with one thread each; what they log goes nowhere."""
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    return distributed.LocalCluster(n_workers=number, **options, **more)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A cluster of two workers, each a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(answers.FOLDER, str(tmp_path_factory.mktemp("kept")))
        with small(2) as made:
            yield made


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return set_up(tmp_path, monkeypatch)


@pytest.fixture
def far(workers, desk, capfd):
    """Make a report on the cluster; nothing is said, and no client stays."""
    yield lambda out="out", **more: build(out, scheduler=workers.scheduler_address, **more)
    gc.collect()  # what was not closed complains now
    assert capfd.readouterr().err == ""
    assert set(workers.scheduler.clients) <= {"fire-and-forget"}


def until(true):
    """Wait until something is true, or fail."""
    end = time.monotonic() + ENOUGH
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def old_report(desk):
    page = desk / "out" / "hangzhou" / "2011" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("last month", encoding="utf-8")
    return page


def assert_only_the_old_report(desk, page):
    assert page.read_text(encoding="utf-8") == "last month"
    assert [path for path in (desk / "out").rglob("*") if path.is_file()] == [page]
    assert not list(page.parents[1].glob(".*")), "no workshop stays"


def files(page):
    return {path.name: path.read_bytes() for path in page.parent.iterdir()}


def test_a_cluster_makes_the_same_bytes_as_this_machine_in_any_way(desk, far):
    make(desk / "notebooks", "00_overview", "print(year + 1)", CHART, title="What?")
    make(desk / "notebooks", "01_scale", "import json\njson.load(open('notes.json'))")
    (desk / "notes.json").write_text('{"a": 1}', encoding="utf-8")
    made = files(far())
    assert b"2012" in made["00_overview.html"] and b"notes.json" in made["manifest.json"]
    for number, how in enumerate(({"jobs": 1}, {"jobs": 2}, {"cold": True})):
        assert files(build(f"here-{number}", **how)) == made, how


def test_what_a_killed_worker_had_begun_is_done_by_another(desk, far):
    make(desk / "notebooks", "00_overview", NOTE.format("begun"), WAIT)
    make(desk / "notebooks", "01_scale")

    def kill():
        until(lambda: (desk / "begun").exists() and (desk / "begun").read_text())
        os.kill(int((desk / "begun").read_text()), signal.SIGKILL)
        until(lambda: (desk / "begun").read_text().count("\n") == 2)
        (desk / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    assert far().is_file()
    killer.join()
    assert len(set((desk / "begun").read_text().split())) == 2


def test_a_chapter_that_kills_its_workers_is_named(desk, far, workers, monkeypatch):
    monkeypatch.setattr(workers.scheduler, "allowed_failures", 0)
    page = old_report(desk)
    make(desk / "notebooks", "00_overview", KILL)
    with pytest.raises(ReportError) as error:
        far()
    why = "1 worker died over it, for want of memory perhaps; the logs of the workers say more"
    assert str(error.value) == f"hangzhou 2011: 00_overview.ipynb: {why}"
    assert_only_the_old_report(desk, page)
    until(lambda: len(workers.scheduler.workers) == 2)


def test_the_first_notebook_that_fails_is_named_as_here_and_no_other_is_begun(desk, far, workers):
    page = old_report(desk)
    make(desk / "notebooks", "00_overview", "import time\ntime.sleep(1)", "1 / 0")
    make(desk / "notebooks", "01_scale", "{}['fails sooner']")
    for number in range(2, 6):
        make(desk / "notebooks", f"0{number}_more", NOTE.format(f"begun-{number}"))
    said = []
    for how in (far, lambda: build(jobs=2)):
        with pytest.raises(ReportError) as error:
            how()
        said.append(str(error.value))
        assert_only_the_old_report(desk, page)
    assert said == ["hangzhou 2011: 00_overview.ipynb, code cell 3: ZeroDivisionError: division by zero"] * 2
    until(lambda: not workers.scheduler.tasks)
    assert not list(desk.glob("begun-*"))


@pytest.mark.parametrize(
    ("name", "here", "said"),
    [
        ("library_hash", "0", "a worker has another version of hzso_analysis; install the same versions"),
        ("pins", {"numpy": "1"} | {n: v for n, v in provenance.pins().items() if n != "numpy"}, "version of numpy;"),
        ("data_hashes", {"2011.csv": "0"}, "a worker sees other data in {}/figures; share the folder"),
    ],
)
def test_a_worker_with_other_code_packages_or_data_is_named(desk, far, monkeypatch, name, here, said):
    monkeypatch.setattr(provenance, name, lambda *_: here)
    make(desk / "notebooks", "00_overview")
    with pytest.raises(ReportError) as error:
        far()
    assert str(error.value).startswith("hangzhou 2011: 00_overview.ipynb: ") and "\n" not in str(error.value)
    assert said.format(desk) in str(error.value)


def test_a_worker_without_this_package_is_named(desk, far, monkeypatch, workers):
    def ask(*_):
        return __import__("hzso_analysis.only_here")

    monkeypatch.setattr(cluster, "_sent", lambda: ask)
    make(desk / "notebooks", "00_overview")
    with pytest.raises(ReportError) as error:
        far()
    why = "No module named 'hzso_analysis.only_here'; install the same versions on the scheduler and its workers"
    assert str(error.value) == f"hangzhou 2011: 00_overview.ipynb: ModuleNotFoundError: {why}"


def test_what_is_sent_can_be_read_where_this_package_is_not(desk, monkeypatch):
    sent = []

    def submit(*given, pure):
        sent.append(given)
        raise OSError("enough")

    client = SimpleNamespace(status="running", nthreads=lambda: {"one": 1}, submit=submit)
    make(desk / "notebooks", "00_overview")
    notebook = execution.load_notebooks({})["00_overview"]
    with pytest.raises(ReportError, match="enough"):
        cluster.Cluster(client, "there").execute(execution.Order("00_overview", notebook, {}, {}))
    path = desk / "sent"
    path.write_bytes(cloudpickle.dumps(sent))
    bare = "import sys, pickle\nfor name in ('hzso_analysis', 'nbformat'):\n    sys.modules[name] = None\n"
    code = f"{bare}assert callable(pickle.load(open({str(path)!r}, 'rb'))[0][0])"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=desk)


def test_a_cluster_whose_workers_have_all_gone_is_named(desk, monkeypatch):
    monkeypatch.setattr(cluster, "LOOK", 0.2)
    make(desk / "notebooks", "00_overview", NOTE.format("begun"), WAIT)
    with small(1, processes=False) as left:
        address = left.scheduler_address

        def leave():
            until((desk / "begun").exists)
            left.scale(0)
            (desk / "go").touch()

        leaver = threading.Thread(target=leave)
        leaver.start()
        with pytest.raises(ReportError) as error:
            build(scheduler=address)
        leaver.join()
    gone = f"hangzhou 2011: 00_overview.ipynb: the Dask scheduler at {address} has no workers any more"
    assert str(error.value) == gone


def test_other_versions_of_a_client_warn_of_nothing_by_themselves(desk, far, monkeypatch):
    told = distributed.versions.get_versions()
    told["packages"]["msgpack"] = "0.1"
    monkeypatch.setattr(distributed.client.version_module, "get_versions", lambda: told)
    make(desk / "notebooks", "00_overview")
    assert far().is_file()


@pytest.fixture
def mute():
    """An address that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:1", "Timed out trying to connect to tcp://127.0.0.1:1 after 1 s"),
        ("mute", "timed out after 2 s."),
        ("127.0.0.1", "missing port number in address '127.0.0.1'"),
        ("carrier://pigeon", "unknown address scheme 'carrier'"),
        ("worker", "it is a worker"),
    ],
)
def test_an_address_where_no_scheduler_answers_is_named_soon(desk, monkeypatch, capfd, request, workers, address, said):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    make(desk / "notebooks", "00_overview")
    address = request.getfixturevalue("mute") if address == "mute" else address
    address = next(iter(workers.scheduler.workers)) if address == "worker" else address
    before = threading.active_count()
    with pytest.raises(ReportError) as error:
        build(scheduler=address)
    assert str(error.value).startswith(f"no Dask scheduler answers at {address}: {said}")
    assert "\n" not in str(error.value) and capfd.readouterr() == ("", "")
    assert threading.active_count() <= before, "no thread stays"
    assert not (desk / "out").exists()


def test_a_scheduler_without_workers_is_named(desk, capfd):
    make(desk / "notebooks", "00_overview")
    with small(0) as empty:
        address = empty.scheduler_address
        with pytest.raises(ReportError) as error:
            build(scheduler=address)
    asked = f"the Dask scheduler at {address} has no workers; start some: dask worker {address}"
    assert (str(error.value), capfd.readouterr().err) == (asked, "")


def test_without_distributed_it_is_said_how_to_install_it(desk, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    make(desk / "notebooks", "00_overview")
    with pytest.raises(ReportError, match=r'^a scheduler needs distributed; .*: pip install "hzso-analysis\[dask\]"$'):
        build(scheduler="tcp://127.0.0.1:1")


def test_a_scheduler_that_is_lost_is_named_and_nothing_else_is_said(desk, monkeypatch, caplog):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    page = old_report(desk)
    make(desk / "notebooks", "00_overview", NOTE.format("begun"), WAIT, "time.sleep(2)")
    with small(1, processes=False) as lost:
        address, log = lost.scheduler_address, logging.getLogger("distributed.client")
        monkeypatch.setattr(log, "level", logging.WARNING)
        log.addHandler(caplog.handler)

        def lose():
            until((desk / "begun").exists)
            (desk / "go").touch()
            lost.close()

        loser = threading.Thread(target=lose)
        loser.start()
        with pytest.raises(ReportError) as error:
            build(scheduler=address)
        loser.join()
        log.removeHandler(caplog.handler)
    assert str(error.value) == f"hangzhou 2011: 00_overview.ipynb: the Dask scheduler at {address} was lost"
    assert_only_the_old_report(desk, page)
    assert not [record for record in caplog.records if record.name == "distributed.client"]


def test_after_a_scheduler_is_lost_what_follows_is_told_the_same_and_nothing_is_taken_back():
    client = SimpleNamespace(status="closed", nthreads=lambda: {"one": 1})  # any other use of it is an error
    gone = cluster.Cluster(client, "there")
    gone.give_up()
    with pytest.raises(ReportError, match=r"^next: the Dask scheduler at there was lost$"):
        gone.execute(execution.Order("next", nbformat.v4.new_notebook(), {}, {}))


def test_progress_counts_the_chapters_and_no_result_stays_on_the_cluster(desk, workers, capfd):
    for number in range(3):
        make(desk / "notebooks", f"0{number}_chapter")
    asked = {"out_dir": "out", "data_dir": "figures", "progress": True, "scheduler": workers.scheduler_address}
    made = []

    def done(page):
        until(lambda: not workers.scheduler.tasks)
        made.append(page)

    build_reports(["hangzhou"], [2011], done, **asked)
    assert len(made) == 1
    shown = capfd.readouterr().err
    assert " 0/3 " in shown and " 3/3 " in shown and "hangzhou 2011" in shown


def test_an_interrupt_takes_back_what_waits_and_leaves_the_old_report(desk, far, workers):
    page = old_report(desk)
    for number in range(5):
        make(desk / "notebooks", f"0{number}_chapter", NOTE.format(f"begun-{number}"), WAIT)

    def interrupt():
        until(lambda: (desk / "begun-0").exists() and (desk / "begun-1").exists())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Thread(target=interrupt)
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        far()
    assert time.monotonic() - start < ENOUGH, "nobody waits for a chapter that is given up"
    timer.join()
    assert_only_the_old_report(desk, page)
    until(lambda: not workers.scheduler.tasks)
    (desk / "go").touch()
    time.sleep(1)  # what was taken back too late would begin now
    assert sorted(path.name for path in desk.glob("begun-*")) == ["begun-0", "begun-1"]


def test_an_order_holds_nothing_of_what_a_notebook_showed_before(desk):
    make(desk / "notebooks", "00_overview", "1")
    path = desk / "notebooks" / "00_overview.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="x" * 100)]
    nbformat.write(notebook, path)
    assert execution.load_notebooks({})["00_overview"].cells[-1].outputs == []


def test_a_daemon_starts_no_warm_process_that_it_could_not_use(monkeypatch):
    assert kernels.manager() is kernels.WarmKernel
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    assert kernels.manager() is kernels.OwnKernel


def test_a_folder_that_a_worker_does_not_have_is_other_data():
    versions = {"hzso_analysis": provenance.library_hash()} | provenance.pins()
    given = {"area": "hangzhou", "compare_with": "", "data_dir": "/no/such"}
    order = execution.Order("00_overview.ipynb", {}, given, given, data={"hangzhou/2011.csv": "0"})
    with pytest.raises(ReportError, match="a worker sees other data in /no/such; share the folder"):
        cluster.execute_there(order._asdict(), versions)


def test_this_package_is_read_from_one_place_by_all(workers):
    """Or all of the above would test another state of the code."""
    with distributed.Client(workers.scheduler_address, set_as_default=False) as client:
        places = client.run(lambda: __import__("hzso_analysis").__file__)
    assert {Path(place).parent for place in places.values()} == {PACKAGE}
