"""Kernels of reports: the running interpreter as an ordinary kernel, or forked from a process that is warm already.

A kernel spends most of its start on imports. Where the system can fork, a process that has done them waits, and each
kernel is a fork of it: a real kernel in a process of its own, as isolated from the next as an ordinary one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import types
import uuid
import weakref
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.paths import jupyter_runtime_dir
from jupyter_core.utils import ensure_dir_exists
from traitlets import Type, default

from hzso_analysis.kernel_process import CAN_FORK, replaced, run_forked, starting, warm_up

MODULE = "hzso_analysis.kernel_process"
# the kernel talks to the terminal: of TCP, which here never leaves the machine, of being shut down
COMMAND = [sys.executable, "-m", MODULE, "-f", "{connection_file}", "--log-level=CRITICAL"]
MOMENT = 0.02  # seconds
LOOK = 0.005  # seconds between two looks whether a kernel has ended
PROVISIONER = "hzso-forked"
SHORT = 45  # letters of a folder in which the name of a socket still fits the 104 that systems allow
_managers: weakref.WeakSet[OwnKernel] = weakref.WeakSet()


def by_files() -> bool:
    """Whether kernels are spoken to through files: of two that start together, one could take the other's port."""
    return os.name == "posix" and len(jupyter_runtime_dir()) <= SHORT


def new_connection_file() -> str:
    """The path of a connection file that no other kernel has, in a folder for this user alone."""
    ensure_dir_exists(jupyter_runtime_dir(), mode=0o700)  # a new user has none
    return str(Path(jupyter_runtime_dir()) / f"kernel-{uuid.uuid4()}.json")


class PromptChannel(AsyncZMQSocketChannel):
    """Waits a moment for a message not to come, and not a fifth of a second, as a client does while a kernel starts."""

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]  # as theirs is
        """The next message, or `queue.Empty`."""
        return await super().get_msg(timeout=timeout and min(timeout, MOMENT))


class PromptClient(AsyncKernelClient):
    """A client with that channel."""

    iopub_channel_class = Type(PromptChannel)


class OwnKernel(AsyncKernelManager):
    """The running interpreter as kernel, whatever kernels the machine or the notebook know."""

    metadata: ClassVar[dict[str, Any]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        _managers.add(self)

    @default("client_factory")
    def _prompt_client(self) -> type:
        return PromptClient

    @default("transport")
    def _by_files(self) -> str:
        return "ipc" if by_files() else "tcp"

    @default("connection_file")
    def _of_its_own(self) -> str:
        return new_connection_file()

    async def _async_wait(self, pollinterval: float = LOOK) -> None:
        await super()._async_wait(pollinterval)

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start this interpreter as a kernel."""
        return KernelSpec(argv=COMMAND, display_name="Python 3", language="python", metadata=self.metadata)


class WarmKernel(OwnKernel):
    """The same, forked from a warm process."""

    metadata: ClassVar[dict[str, Any]] = {"kernel_provisioner": {"provisioner_name": PROVISIONER}}


class ForkedProvisioner(LocalProvisioner):
    """Starts kernels by a fork of the warm process; where that cannot be done, like any other kernel."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose files to speak through, for managers that would take ports."""
        if by_files() and (owner := self.parent) and owner.transport != "ipc":
            owner.connection_file = new_connection_file()
            owner.transport = "ipc"
            owner.ip = owner.connection_file.removesuffix(".json") + "-ipc"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel of a command line, `python -m` the module of this package."""
        self.cwd = kwargs.get("cwd") or Path.cwd()
        environment = kwargs.get("env") or dict(os.environ)
        try:
            process = ForkedProcess(cmd[cmd.index(MODULE) + 1 :], environment, str(self.cwd))
        except (OSError, ValueError, EOFError, AssertionError):  # none can be had, or this process may have no children
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment]  # has what is asked of a Popen
        self.pid = self.pgid = process.pid
        return self.connection_info


class ForkedProcess:
    """A forked kernel, with what a provisioner asks of a process it started."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: str) -> None:
        context = multiprocessing.get_context("forkserver")
        # daemon: should this process end in a way that nobody foresaw, it does not wait for its kernels
        self._process = context.Process(target=run_forked, args=(arguments, environment, folder), daemon=True)
        warm_up()
        # or multiprocessing would run the user's script again in the kernel, as it does for functions of it
        with starting, replaced(sys.modules, "__main__", types.ModuleType("__main__")):
            self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit status, or None while the kernel runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait for the end of the kernel and return its exit status."""
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel."""
        if self.pid and self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)


def manager(*, cold: bool = False) -> type[OwnKernel]:
    """The kind of kernel to use here.

    >>> manager(cold=True).__name__
    'OwnKernel'
    """
    # a daemon, as the workers of a Dask cluster are by default, may have no children of this kind
    if cold or not CAN_FORK or multiprocessing.current_process().daemon:
        return OwnKernel
    # known by its entry point where the package is installed, and like this where it only lies on the path
    entry = EntryPoint(PROVISIONER, f"{__name__}:ForkedProvisioner", KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.instance().provisioners.setdefault(PROVISIONER, entry)
    return WarmKernel


def end_all() -> None:
    """End all kernels of this process at once, those of notebooks under way in other threads."""
    for each in list(_managers):
        process = getattr(each.provisioner, "process", None)
        if process is None or process.poll() is not None:
            continue
        with suppress(OSError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
