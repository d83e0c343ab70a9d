"""The process of a kernel: how it starts, cold or forked, and what it can tell of the notebook it ran.

Run as a module it is an ordinary kernel. Only the standard library is imported here: a kernel starts with this file.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import process, util
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

CAN_FORK = "forkserver" in multiprocessing.get_all_start_methods()
starting = threading.Lock()
TELLING = "application/vnd.hzso.told+json"
ASK = "from hzso_analysis import kernel_process\nkernel_process.tell(globals())"
_PATH = [entry for entry in sys.path if entry]  # as it was before anybody added to it
_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr", "/var")
_opened: set[str] = set()


@contextmanager
def replaced(names: dict[str, Any], name: str, value: object) -> Iterator[None]:
    """While this lasts a name means another value, in `sys.modules` or among the names of a module.

    >>> names = {"depth": 1}
    >>> with replaced(names, "depth", 2):
    ...     print(names)
    {'depth': 2}
    >>> names
    {'depth': 1}
    """
    before = names.get(name)
    names[name] = value
    try:
        yield
    finally:
        if before is None:
            del names[name]
        else:
            names[name] = before


@contextmanager
def without(module: str) -> Iterator[None]:
    """While this lasts an import of `module` fails, for packages that can do without it, and no garbage is looked for.

    Imports make next to none, and looking for it takes a tenth of their time.

    >>> with without("colorsys"):
    ...     import colorsys
    Traceback (most recent call last):
    ...
    ModuleNotFoundError: import of colorsys halted; None in sys.modules
    """
    looked = gc.isenabled()
    gc.disable()
    try:
        with replaced(sys.modules, module, None):
            yield
    finally:
        if looked:
            gc.enable()


def import_kernel() -> type[Any]:
    """The application that runs a kernel, without what costs it most: a debugger, and a grammar of IRIs."""
    with without("rfc3987_syntax"), without("debugpy"):
        from ipykernel import debugger  # noqa: F401, PLC0415
        from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415
    return IPKernelApp


def warm_up(*modules: str) -> None:
    """Begin to warm a process, unless there is one, and come back at once; `modules` are imported in it besides."""
    if CAN_FORK:
        from multiprocessing import forkserver, resource_tracker  # noqa: PLC0415 (not on all systems)

        resource_tracker.ensure_running()  # which unblocks the signal, if it is not running yet
        # whatever options (-W, -P, -O) this Python was started with, an ordinary kernel has none
        plain = replaced(vars(util), "_args_from_interpreter_flags", list)
        # Ctrl-C reaches the whole group, also while it loads
        with starting, _blocked(signal.SIGINT), plain:
            multiprocessing.get_context("forkserver").set_forkserver_preload(["hzso_analysis.preload", *modules])
            forkserver.ensure_running()


def run_kernel(arguments: Sequence[str]) -> None:
    """Be the kernel that the command line of a kernelspec asks for, until it is shut down."""
    sys.addaudithook(_notice)
    import_kernel().launch_instance(argv=list(arguments))


def run_forked(arguments: Sequence[str], environment: dict[str, str], folder: str) -> None:
    """Be a kernel in a process that was forked from a warm one: as far as a notebook can tell, a new process."""
    os.setsid()
    # a Ctrl-C that came before this was a group of its own is not meant for it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.stdin:  # which is empty by now; programs that a notebook starts would wait for what the user types
        os.dup2(sys.stdin.fileno(), 0)
    own, parent = multiprocessing.current_process(), multiprocessing.parent_process()
    own.daemon = False  # a daemon could have no children, a notebook can
    # libraries ask whether they are in the main process, by its name or by its having no parent
    own.name, own._identity, process._parent_process = "MainProcess", (), None  # type: ignore[attr-defined]  # private
    multiprocessing.set_start_method(None, force=True)
    # who started the kernel may be killed; then nobody else would end it
    connection = Path(arguments[arguments.index("-f") + 1])
    if parent:
        threading.Thread(target=_end_with, args=(parent.sentinel, connection), daemon=True).start()
    os.environ.clear()
    # the poller of a kernel ends it where its parent is another process, and here that is the warm one
    os.environ.update({name: value for name, value in environment.items() if name != "JPY_PARENT_PID"})
    os.chdir(folder)
    sys.path[:], sys.argv = _PATH, [__file__, *arguments]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # or each kernel would draw the same numbers
    run_kernel(arguments)


def tell(names: dict[str, Any]) -> None:
    """Show, as plain data, the parameters and editions in the names of a notebook and the files it has read."""
    from IPython.display import display  # noqa: PLC0415

    plain = {name: names[name] for name in ("area", "year") if isinstance(names.get(name), str | int)}
    edition = sys.modules.get("hzso_analysis.edition")
    kind = edition.Edition if edition else ()
    editions = [[value.area, value.year] for value in list(names.values()) if isinstance(value, kind)]
    told = {"parameters": plain, "editions": editions, "files": files_read()}
    display({TELLING: json.loads(json.dumps(told))}, raw=True)


def files_read() -> list[str]:
    """The files this process has read since it is a kernel: not those of Python, of the system, or hidden ones."""
    own = (str(Path(__file__).parent), sys.prefix, sys.base_prefix, *_SYSTEM)
    paths = {*_opened, *(getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))}
    shown = (path for path in paths if not path.startswith(own) and "__pycache__" not in path)
    return sorted(path for path in shown if "/." not in path.replace(os.sep, "/") and os.path.isfile(path))


@contextmanager
def _blocked(number: int) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _notice(event: str, details: tuple[Any, ...]) -> None:
    """Note a file that is opened to be read; called by Python itself."""
    named = event == "open" and isinstance(details[0], str | bytes | os.PathLike)
    if named and not details[2] & (os.O_WRONLY | os.O_RDWR):
        _opened.add(os.path.abspath(os.fsdecode(details[0])))


def _end_with(sentinel: int, connection: Path) -> None:
    """End with another process, and so what a notebook has started, and remove the files this was spoken to through."""
    wait([sentinel])
    for path in connection.parent.glob(f"{connection.stem}*"):
        path.unlink(missing_ok=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    # `python -m` puts the working directory first; a kernel puts it back once its own modules are loaded
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]
    from hzso_analysis.kernel_process import run_kernel as run  # not the copy called __main__, which a kernel replaces

    run(sys.argv[1:])
