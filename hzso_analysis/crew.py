"""Who executes the notebooks: threads of this process, each with a kernel, or the workers of a Dask cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from hzso_analysis import execution, kernels, wording
from hzso_analysis.cluster import cluster
from hzso_analysis.execution import Executed, Order

Execute = Callable[[Order], Executed]


def cores() -> int:
    """The cores this process may use.

    >>> cores() > 0
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """Takes orders for notebooks; `at_once` is how many it executes at a time, `end_all` wakes who waits for one."""

    def __init__(self, pool: ThreadPoolExecutor, at_once: int, execute: Execute, end_all: Callable[[], None]) -> None:
        self.at_once = at_once
        self._pool, self._execute, self._end_all = pool, execute, end_all
        self._orders: dict[Future[Executed], str] = {}

    def submit(self, order: Order) -> Future[Executed]:
        """Have a notebook executed."""
        future = self._pool.submit(self._execute, order)
        self._orders[future] = order.where
        future.add_done_callback(lambda done: self._orders.pop(done, None))
        return future

    def stop(self) -> str:
        """Give up all that is under way: what waits is not begun, kernels are ended; return what was running."""
        execution.stopping.set()
        try:
            orders = dict(self._orders)
            for future in orders:
                future.cancel()
            running = wording.listing(sorted(where for future, where in orders.items() if future.running()))
            while any(future.running() for future in list(self._orders)):
                self._end_all()
                time.sleep(0.05)
        finally:
            execution.stopping.clear()
        return running


@contextmanager
def crew(jobs: int | None = None, scheduler: str = "") -> Iterator[Crew]:
    """A crew of `jobs` threads, by default one a core, or of one for each thread of the cluster behind `scheduler`.

    Raises ReportError where no cluster answers or distributed is not installed.
    """
    with ExitStack() as held:
        at_once, execute, end_all = jobs or cores(), execution.execute, kernels.end_all
        if scheduler:
            far = held.enter_context(cluster(scheduler))
            at_once, execute, end_all = far.threads, far.execute, far.give_up
        pool = held.enter_context(ThreadPoolExecutor(at_once, thread_name_prefix="chapter"))
        made = Crew(pool, at_once, execute, end_all)
        try:
            yield made
        except KeyboardInterrupt:
            raise KeyboardInterrupt(made.stop()) from None
        except BaseException:
            made.stop()
            raise
