"""Who executes the notebooks: threads of this process, each with a kernel, or the workers of a Dask cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager

from hzso_analysis import execution, kernels, provenance
from hzso_analysis.execution import Executed, Order
from hzso_analysis.faults import ReportError

NO_DASK = 'a scheduler needs distributed; install it: pip install "hzso-analysis[dask]"'
CONNECT_SECONDS = 30


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """Takes orders for notebooks; `hands` is how many are executed at once."""

    def __init__(self, pool: Executor, hands: int, *, far: bool) -> None:
        self.hands = hands
        self._pool, self._far = pool, far
        self._futures: set[Future] = set()

    def submit(self, order: Order, data: tuple[str, str, str, dict]) -> Future:
        """Have a notebook executed; `data` are area, area to compare with, folder and hashes of the files."""
        if self._far:
            future = self._pool.submit(_execute_far, order, provenance.library(), data)
        else:
            future = self._pool.submit(execution.execute, order)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def stop(self) -> None:
        """Give up all that is under way: what waits is not begun, kernels are ended."""
        execution.stopping.set()
        try:
            for future in list(self._futures):
                future.cancel()
            while not self._far and any(future.running() for future in list(self._futures)):
                kernels.end_all()
                time.sleep(0.05)
        finally:
            execution.stopping.clear()


@contextmanager
def crew(jobs: int | None = None, scheduler: str = "") -> Iterator[Crew]:
    """A crew of `jobs` threads, by default one a core, or of the cluster behind `scheduler`.

    Raises ReportError where no cluster answers or distributed is not installed.
    """
    if scheduler:
        with _cluster(scheduler) as far:
            yield far
        return
    hands = jobs or cores()
    with ThreadPoolExecutor(hands, thread_name_prefix="chapter") as pool:
        here = Crew(pool, hands, far=False)
        try:
            yield here
        except BaseException:
            here.stop()
            raise


@contextmanager
def _cluster(scheduler: str) -> Iterator[Crew]:
    try:
        from distributed import Client  # noqa: PLC0415
    except ImportError:
        raise ReportError(NO_DASK) from None
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ReportError(f"no Dask scheduler answers at {scheduler}: {error or type(error).__name__}") from None
    with client:
        hands = sum(client.nthreads().values())
        if not hands:
            raise ReportError(f"the Dask scheduler at {scheduler} has no workers; start some: dask worker {scheduler}")
        # pure=False: an order is never answered from what another one gave
        far = Crew(client.get_executor(pure=False), hands, far=True)
        try:
            yield far
        except BaseException:
            far.stop()
            raise


def _execute_far(order: Order, library: str, data: tuple[str, str, str, dict]) -> Executed:
    """Execute on another machine what this one would: the same code on the same data, or ReportError."""
    area, other, folder, hashes = data
    if provenance.library() != library:
        raise ReportError(f"{order.where}: a worker has another version of hzso_analysis; install the same one there")
    if provenance.data_hashes(area, other, folder) != hashes:
        raise ReportError(f"{order.where}: a worker sees other data in {folder or 'its package'}; share the folder")
    return execution.execute(order)
