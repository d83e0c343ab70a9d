"""Kernels forked from a warm process: as isolated as ordinary ones, the same to a notebook, and gone afterwards."""

import gc
import json
import multiprocessing
import os
import py_compile
import re
import signal
import time
import tomllib

import jupyter_client
import pytest
from kernel_runs import KIND, ROOT, notebook, printed, run, told, untraced

from hzso_analysis import execution, kernel_process, kernels
from hzso_analysis.execution import Order, execute
from hzso_analysis.faults import ReportError

pytestmark = pytest.mark.skipif(not kernel_process.CAN_FORK, reason="this system cannot fork")
BOTH = pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
SURVEY = """
import importlib.util, json, locale, multiprocessing, multiprocessing.process, os, re, signal, sys, threading, warnings
import matplotlib, numpy, pandas

def plain(value):
    return re.sub(" at 0x[0-9a-f]+", "", str(value))

process = multiprocessing.current_process()
print(json.dumps({
    "columns": pandas.get_option("display.max_columns"),
    "options": {name: plain(pandas.get_option(name)) for name in ("display.width", "display.max_rows")},
    "backend": matplotlib.get_backend(),
    "rc": plain(dict(matplotlib.rcParams)),
    "start": [multiprocessing.get_start_method(True), multiprocessing.get_start_method()],
    "process": [process.daemon, process.name, plain(multiprocessing.parent_process())],
    "path": sys.path,
    "cwd": os.getcwd(),
    "argv": [sys.argv[0], sys.argv[1], *sys.argv[3:]],
    "signals": {plain(s): plain(signal.getsignal(s)) for s in signal.valid_signals()},
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "main": [__name__, vars(sys.modules["__main__"]) is globals()],
    "importable": [name for name in ("rfc3987_syntax", "debugpy") if sys.modules.get(name, 1) is None],
    "flags": plain(sys.flags),
    "group": [os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid()],
    "environment": {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"},
    "warnings": sorted(map(plain, warnings.filters)),
    "hooks": [plain(sys.excepthook), plain(sys.displayhook), plain(threading.excepthook)],
    "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), os.nice(0)],
    "stdin": os.read(0, 9).decode(),
    "umask": os.umask(0),
    "locale": [locale.getlocale(), sys.getfilesystemencoding(), sys.stdout.encoding],
    "main thread": threading.current_thread() is threading.main_thread(),
    "python": [sys.executable, sys.prefix, sys.getprofile(), sys.gettrace()],
}))
"""
CHANGE = """
import json, os, random, sys, warnings
import matplotlib, numpy, pandas
matplotlib.use("svg")
matplotlib.rcParams["font.size"] = 33
json.touched = True
pandas.set_option("display.max_columns", 3)
random.seed(1)
numpy.random.seed(1)
os.environ["TOUCHED"] = "1"
os.chdir("/")
sys.path.insert(0, "/touched")
warnings.simplefilter("error")
"""
SEE = """
import json, os, random, sys, warnings
import matplotlib, numpy, pandas
print(json.dumps([
    matplotlib.get_backend(), matplotlib.rcParams["font.size"], hasattr(json, "touched"),
    pandas.get_option("display.max_columns"), "TOUCHED" in os.environ, os.getcwd(), "/touched" in sys.path,
    ("error", None, Warning, None, 0) in warnings.filters,
]))
print(random.getstate() == random.Random(1).getstate(), numpy.random.get_state()[1][0] == 1)
"""
DRAW = "import random, numpy\nprint(random.random(), numpy.random.random(), numpy.random.default_rng().random())"
POOLS = """
import json
import multiprocessing
for how in ("fork", "spawn", "forkserver"):
    with multiprocessing.get_context(how).Pool(2) as pool:
        print(how, pool.map(abs, range(-2, 2)))
with multiprocessing.Pool(1) as pool:
    print(pool.apply(repr, [multiprocessing.get_context().get_start_method()]))
print(multiprocessing.Process(target=print).name)
"""
READ = """
import colorsys, helper, os
open("read.txt").read()
os.close(os.open("also.txt", os.O_RDONLY))
open(".hidden").close()
open("written.txt", "w").close()
open("appended.txt", "a").close()
open("gone.txt", "x").close()
open("gone.txt").close()
os.remove("gone.txt")
open(colorsys.__file__).close()
"""
SLEEP = "import time\nprint('it begins')\ntime.sleep(60)"
ABILITIES = {
    "import threading\nt = threading.Thread(target=print, args=['thread'])\nt.start()\nt.join()": "thread",
    "%%bash\necho from bash": "from bash",
    "!echo from a shell": "from a shell",
    # a thread of the kernel reads what programs print, and what it reads after the cell has ended is lost
    "import os, time\nos.system('echo from the system')\ntime.sleep(0.5)": "from the system",
    "import subprocess\nsubprocess.run(['cat'], check=True).returncode": "0",
    "import asyncio\nawait asyncio.sleep(0.01, 'awaited')": "'awaited'",
    "def later():\n    import asyncio\n    return asyncio.get_running_loop().is_running()\nlater()": "True",
    "import multiprocessing\nmultiprocessing.Value('i', 3).value": "3",
    "%timeit -n1 -r1 pass": "per loop",
    "import ctypes, sys\nctypes.CDLL(None).getpid() == os.getpid()": "True",
    "from hzso_analysis import numerals\nnumerals.whole_year('2011')": "2011",
}


@pytest.fixture(scope="module")
def surveys():
    """What a notebook sees in a warm kernel and in an ordinary one."""
    return told(SURVEY), told(SURVEY, cold=True)


def test_a_notebook_does_not_touch_the_next():
    before, _, after = printed(SEE), run(CHANGE), printed(SEE)
    assert before == after
    assert after[0].endswith("False False")


@untraced
def test_a_notebook_sees_the_same_in_a_warm_kernel_as_in_an_ordinary_one(surveys):
    warm, cold = surveys
    assert warm == cold


@untraced
def test_a_notebook_sees_a_process_of_its_own(surveys):
    seen = surveys[0]
    assert (seen["columns"], seen["process"]) == (20, [False, "MainProcess", "None"])
    assert (seen["cwd"], seen["main"], seen["group"]) == (os.getcwd(), ["__main__", True], [True, True])
    assert seen["backend"].endswith("inline") and seen["importable"] == [] and seen["stdin"] == ""
    assert re.search("default_int_handler", seen["signals"]["2"]) and seen["blocked"] == []


@BOTH
def test_what_the_runner_added_to_its_own_is_not_seen(monkeypatch, tmp_path, cold):
    run("1")  # the warm process is there
    monkeypatch.syspath_prepend("/added")
    monkeypatch.setattr("json.added", True, raising=False)
    monkeypatch.setenv("ADDED", "is passed on")
    code = "import json, os, sys\nprint('/added' in sys.path, hasattr(json, 'added'), os.environ['ADDED'], os.getcwd())"
    assert printed(code, cold=cold, folder=tmp_path) == [f"False False is passed on {tmp_path}"]


def test_a_warm_kernel_can_what_an_ordinary_one_can():
    found = printed(*ABILITIES)
    assert [text for text, wanted in zip(found, ABILITIES.values(), strict=True) if wanted not in text] == []


@BOTH
def test_a_notebook_may_have_processes_of_its_own_however_they_start(cold):
    default = multiprocessing.get_context().get_start_method()
    pools = [f"{how} [2, 1, 0, 1]" for how in ("fork", "spawn", "forkserver")]
    assert printed(POOLS, cold=cold) == ["\n".join([*pools, repr(default), "Process-8"])]


@BOTH
def test_a_cell_that_raises_is_named(cold):
    with pytest.raises(ReportError, match=r"^few\.ipynb, code cell 3: KeyError: 'a'$"):
        run("1", "{}['a']", "2", cold=cold)


def test_no_two_kernels_draw_the_same_random_numbers():
    import random  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    random.seed(1)
    np.random.seed(1)
    own = [random.Random(1).random(), np.random.RandomState(1).random()]
    draws = [float(text) for _ in range(2) for text in printed(DRAW)[0].split()] + own
    assert len(set(draws)) == len(draws) == 8


@pytest.mark.parametrize(
    ("code", "cold"), [(SLEEP, False), (SLEEP, True), ("import re\nre.match('(a+)+b', 40 * 'a')", False)]
)
def test_a_cell_that_never_ends_is_interrupted_in_time(caplog, code, cold):
    began = time.monotonic()
    with pytest.raises(ReportError, match=r"^few\.ipynb, code cell 3: the notebook took longer than 1\.1 seconds$"):
        run("1", code, cold=cold, timeout=1.1)
    assert time.monotonic() - began < 8
    gc.collect()
    assert [each.message for each in caplog.records if each.name == "asyncio"] == []


def test_a_kernel_is_an_ordinary_one_where_no_process_can_be_forked(monkeypatch):
    warm = printed(SEE)

    def refuse(*_):
        raise OSError("no")

    monkeypatch.setattr(kernels, "ForkedProcess", refuse)
    done = execute(Order("few.ipynb", notebook(KIND, SEE), {}, {}))
    assert [cell.outputs[0].text.strip() for cell in done.notebook.cells[1:]] == ["False", *warm]


def test_a_kernel_that_dies_as_it_starts_is_tried_once_more(monkeypatch):
    async def die(self, command, **settings):
        return await kernels.LocalProvisioner.launch_kernel(self, ["false"], **settings)

    monkeypatch.setattr(kernels.ForkedProvisioner, "launch_kernel", die)
    assert execute(Order("few.ipynb", notebook("1"), {}, {})).notebook.cells[1].execution_count == 2


def test_a_notebook_whose_kernel_does_not_start_twice_is_named(monkeypatch):
    tried = []

    def die(_notebook, _order, _started, cold):
        tried.append(cold)
        raise RuntimeError("Kernel died before replying to kernel_info\nmore")

    monkeypatch.setattr(execution, "_papermill", die)
    with pytest.raises(ReportError, match=r"\Afew\.ipynb: Kernel died before replying to kernel_info\Z"):
        run("1")
    assert tried == [False, True]


@pytest.fixture
def sleeper(tmp_path):
    """A forked process, a kernel that nobody speaks to."""
    forked = kernels.ForkedProcess(["-f", str(tmp_path / "kernel.json")], dict(os.environ), str(tmp_path))
    yield forked
    forked.kill()
    forked.wait()


def test_a_forked_process_runs_until_it_is_told_to_end(sleeper):
    assert sleeper.poll() is None
    os.kill(sleeper.pid, 0)
    sleeper.kill()
    assert (sleeper.wait(), sleeper.poll()) == (-signal.SIGKILL, -signal.SIGKILL)
    for step in (sleeper.kill, sleeper.terminate, lambda: sleeper.send_signal(signal.SIGINT)):
        step()  # nobody is there any more, and nobody else is hit
    assert sleeper.wait() == -signal.SIGKILL


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGUSR1])
def test_a_forked_process_gets_signals(sleeper, ending):
    sleeper.terminate() if ending == signal.SIGTERM else sleeper.send_signal(ending)
    assert sleeper.wait() == -ending


@BOTH
def test_the_files_a_notebook_read_are_told(tmp_path, cold):
    for name in ("read.txt", "also.txt", ".hidden"):
        (tmp_path / name).write_text("7", encoding="utf-8")
    (tmp_path / "helper.py").write_text("from json import load", encoding="utf-8")
    py_compile.compile(str(tmp_path / "helper.py"))  # then only the compiled copy is opened
    done = run(READ, cold=cold, folder=tmp_path)
    assert done.files == [str(tmp_path / name) for name in ("also.txt", "helper.py", "read.txt")]


def test_the_kernelspec_and_the_package_name_the_same_provisioner():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    spec = json.loads((ROOT / "kernels" / "hzso-warm" / "kernel.json").read_text(encoding="utf-8"))
    named = spec["metadata"]["kernel_provisioner"]["provisioner_name"]
    points = project["entry-points"]["jupyter_client.kernel_provisioners"]
    assert points == {named: "hzso_analysis.kernels:ForkedProvisioner"}
    assert spec["argv"][1:] == kernels.COMMAND[1:] and named == kernels.PROVISIONER


@pytest.fixture
def jupyter(monkeypatch):
    """A kernel as JupyterLab starts it, with its client."""
    monkeypatch.setenv("JUPYTER_PATH", str(ROOT))
    manager = jupyter_client.KernelManager(kernel_name="hzso-warm")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def evaluated(client, expression):
    """The value of an expression in a kernel, or the name of the error."""
    reply = client.execute("", user_expressions={"value": expression}, reply=True, timeout=30)["content"]
    value = reply["user_expressions"]["value"]
    return value["data"]["text/plain"] if value["status"] == "ok" else value["ename"]


def test_jupyter_starts_interrupts_and_restarts_the_warm_kernel(jupyter):
    manager, client = jupyter
    first = evaluated(client, "__import__('os').getpid()")
    assert evaluated(client, "'hzso_analysis.preload' in __import__('sys').modules") == "True"
    waiting = client.execute(SLEEP)
    while client.get_iopub_msg(timeout=30)["header"]["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=10))["parent_header"]["msg_id"] != waiting:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=30)
    assert evaluated(client, "__import__('os').getpid()") != first
