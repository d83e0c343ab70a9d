"""Notebooks executed by the workers of a Dask cluster, one at a time for each thread that asks."""

from __future__ import annotations

import json
import logging
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from hzso_analysis import execution, provenance, wording
from hzso_analysis.execution import Executed, Order
from hzso_analysis.faults import ReportError, first_line

CONNECT_SECONDS = 10
LOOK = 60  # seconds between two looks whether there are workers still
LOGS = ("distributed", "distributed.client")  # those with levels of their own
SAME = "install the same versions on the scheduler and its workers"


class Cluster:
    """The workers behind a scheduler; `threads` are theirs in all when the run begins."""

    def __init__(self, client: Any, address: str) -> None:
        self.threads = sum(client.nthreads().values())
        self._client, self._address = client, address
        self._tasks: weakref.WeakSet[Any] = weakref.WeakSet()
        if not self.threads:
            raise ReportError(f"the Dask scheduler at {address} has no workers; start some: dask worker {address}")

    def execute(self, order: Order) -> Executed:
        """Have a worker execute a notebook, another one if it dies meanwhile, and wait; ReportError if none can."""
        plain = order._asdict() | {"notebook": json.loads(json.dumps(order.notebook))}
        versions = {"hzso_analysis": provenance.library_hash()} | provenance.pins()
        try:
            # pure=False: an order is never answered from what another one gave
            task = self._client.submit(_sent(), plain, versions, pure=False)
            self._tasks.add(task)
            return self._result(task)
        except ReportError:
            raise
        except Exception as error:
            raise ReportError(f"{order.where}: {self._said(error)}") from None

    def _said(self, error: Exception) -> str:
        """What is wrong with the cluster, in a line."""
        from distributed import KilledWorker  # noqa: PLC0415

        if execution.stopping.is_set():
            return "interrupted"
        if isinstance(error, CancelledError) or self._client.status == "closed":
            return f"the Dask scheduler at {self._address} was lost"
        if isinstance(error, KilledWorker):
            died = wording.counted(error.allowed_failures + 1, "worker")
            return f"{died} died over it, for want of memory perhaps; the logs of the workers say more"
        if isinstance(error, OSError):
            return first_line(str(error)) or type(error).__name__
        said = f"{type(error).__name__}: {first_line(str(error))}"
        return f"{said}; {SAME}" if isinstance(error, ImportError | RuntimeError | TypeError) else said

    def _result(self, task: Any) -> Executed:
        while True:
            try:
                done: Executed = task.result(timeout=LOOK)
                return done
            except TimeoutError:
                if task.done():
                    raise
            if not self._client.nthreads():
                raise OSError(f"the Dask scheduler at {self._address} has no workers any more")

    def give_up(self) -> None:
        """Wake all that wait, and take back what no worker has begun; what one has begun comes to its end there."""
        if self._client.status != "closed":
            self._client.cancel(list(self._tasks))


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """The cluster behind a scheduler, or ReportError where none answers or distributed is not installed."""
    try:
        from distributed import Client  # noqa: PLC0415
    except ImportError:
        raise ReportError('a scheduler needs distributed; install it: pip install "hzso-analysis[dask]"') from None
    with _quiet():
        _greet(address)
        with warnings.catch_warnings():
            # that versions differ is said by `execute_there`, of those that matter
            warnings.filterwarnings("ignore", "Mismatched versions", Warning)
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        with client:
            yield Cluster(client, address)


def _greet(address: str) -> None:
    """Raise ReportError where no scheduler is: a client would wait without end for one that takes calls in silence."""
    from distributed import Security, rpc  # noqa: PLC0415
    from distributed.utils import LoopRunner  # noqa: PLC0415

    async def ask() -> str:
        safely = Security().get_connection_args("client")
        async with rpc(address, timeout=CONNECT_SECONDS, connection_args=safely) as there:
            return str((await there.identity())["type"])

    try:
        kind = LoopRunner().run_sync(ask, callback_timeout=CONNECT_SECONDS + 1)
        reason = "" if kind == "Scheduler" else f"it is a {kind.lower()}"
    except Exception as error:
        reason = first_line(str(error)) or "it takes calls and says nothing"
    if reason:
        raise ReportError(f"no Dask scheduler answers at {address}: {reason}")


def _sent() -> Callable[..., Executed]:
    """What is sent to a worker: pickled by what it says, as a scheduler or a worker without this package would end."""

    def ask(order: dict[str, Any], versions: dict[str, str]) -> Executed:
        from hzso_analysis.cluster import execute_there as execute  # noqa: PLC0415

        return execute(order, versions)

    return ask


def execute_there(plain: dict[str, Any], versions: dict[str, str]) -> Executed:
    """Execute on another machine what the asking one would: the same code on the same data, or ReportError."""
    order = Order(**plain)
    there = {"hzso_analysis": provenance.library_hash()} | provenance.pins()
    if other := [name for name in sorted({*versions, *there}) if versions.get(name) != there.get(name)]:
        raise ReportError(f"{order.where}: a worker has another version of {wording.listing(other)}; {SAME}")
    given = [order.parameters[name] for name in ("area", "compare_with", "data_dir")]
    if provenance.data_hashes(*given) != order.data:
        raise ReportError(f"{order.where}: a worker sees other data in {given[2] or 'its package'}; share the folder")
    return execution.execute(order)


@contextmanager
def _quiet() -> Iterator[None]:
    """While this lasts distributed logs nothing here: what there is to say is said by ReportError."""
    levels = {log: log.level for log in map(logging.getLogger, LOGS)}
    try:
        for log in levels:
            log.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for log, level in levels.items():
            log.setLevel(level)
