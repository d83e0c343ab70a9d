"""Notebooks executed by the workers of a Dask cluster, one at a time for each thread that asks."""

from __future__ import annotations

import logging
import warnings
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from hzso_analysis import execution, provenance, wording
from hzso_analysis.execution import Executed, Order
from hzso_analysis.faults import ReportError, first_line

NO_DASK = 'a scheduler needs distributed; install it: pip install "hzso-analysis[dask]"'
CONNECT_SECONDS = 10
SAME = "install the same versions on the scheduler and its workers"
Data = tuple[str, str, str, dict[str, str]]  # area, area to compare with, folder, and the hashes of the files


class Cluster:
    """The workers behind a scheduler; `threads` are theirs in all when the run begins."""

    def __init__(self, client: Any, address: str) -> None:
        self.threads = sum(client.nthreads().values())
        self._client, self._address = client, address
        self._tasks: weakref.WeakSet[Any] = weakref.WeakSet()
        if not self.threads:
            raise ReportError(f"the Dask scheduler at {address} has no workers; start some: dask worker {address}")

    def execute(self, order: Order, data: Data) -> Executed:
        """Have a worker execute a notebook, another one if it dies meanwhile, and wait; ReportError if none can."""
        versions = {"hzso_analysis": provenance.library()} | provenance.pins()
        try:
            # pure=False: an order is never answered from what another one gave
            task = self._client.submit(execute_there, order, versions, data, pure=False)
            self._tasks.add(task)
            return task.result()
        except ReportError:
            raise
        except CancelledError:
            lost = f"the Dask scheduler at {self._address} was lost"
            raise ReportError(f"{order.where}: {'interrupted' if execution.stopping.is_set() else lost}") from None
        except Exception as error:
            raise ReportError(f"{order.where}: {_said(error)}") from None

    def give_up(self) -> None:
        """Wake all that wait, and take back what no worker has begun; what one has begun comes to its end there."""
        self._client.cancel(list(self._tasks))


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """The cluster behind a scheduler, or ReportError where none answers or distributed is not installed."""
    try:
        from distributed import Client  # noqa: PLC0415
    except ImportError:
        raise ReportError(NO_DASK) from None
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
            return (await there.identity())["type"]

    try:
        kind = LoopRunner().run_sync(ask, callback_timeout=CONNECT_SECONDS + 1)
        reason = "" if kind == "Scheduler" else f"it is a {kind.lower()}"
    except Exception as error:
        reason = first_line(str(error)) or "it takes calls and says nothing"
    if reason:
        raise ReportError(f"no Dask scheduler answers at {address}: {reason}")


def execute_there(order: Order, versions: dict[str, str], data: Data) -> Executed:
    """Execute on another machine what the asking one would: the same code on the same data, or ReportError."""
    there = {"hzso_analysis": provenance.library()} | provenance.pins()
    if other := [name for name in sorted({*versions, *there}) if versions.get(name) != there.get(name)]:
        raise ReportError(f"{order.where}: a worker has another version of {wording.listing(other)}; {SAME}")
    area, compared, folder, hashes = data
    if provenance.data_hashes(area, compared, folder) != hashes:
        raise ReportError(f"{order.where}: a worker sees other data in {folder or 'its package'}; share the folder")
    return execution.execute(order)


def _said(error: Exception) -> str:
    """What is wrong with a cluster, in a line."""
    from distributed import KilledWorker  # noqa: PLC0415

    if isinstance(error, KilledWorker):
        tried = error.allowed_failures + 1
        return f"{tried} workers died while they ran it, for want of memory perhaps; their logs say more"
    said = f"{type(error).__name__}: {first_line(str(error))}"
    return f"{said} {SAME}" if isinstance(error, ImportError | RuntimeError | TypeError | AttributeError) else said


@contextmanager
def _quiet() -> Iterator[None]:
    """While this lasts distributed logs nothing here: what there is to say is said by ReportError."""
    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
