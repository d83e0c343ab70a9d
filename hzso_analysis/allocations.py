"""The least and the most concentrated list of firms that checked size bands allow, and the measures of a list.

A list is kept as runs of equal firms, largest first. Least concentrated is water-filling, most concentrated is filling
the firms one by one from the top band down: by majorisation they are so for every measure of concentration at once.
Method: Marshall, Olkin and Arnold 2011, Inequalities, chapter 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from hzso_analysis.bands import NEAR, Band, Corner, Market, Pool, barred, limits, pools, strained

Fill = Callable[[Pool, float | None], list[tuple[Band, float, float]]]  # a pool and the unit of sizes
Measured = dict[str, tuple[float, bool]]  # measures, and for each whether a list reaches it


class Run(NamedTuple):
    """`n` firms of the size `value` in a band of the pool with the number `pool`."""

    value: float
    n: float
    band: Band
    pool: int


def allocate(market: Market, corner: Corner, fill: Fill) -> list[Run]:
    """A list of firms in runs, largest first."""
    runs = []
    for number, pool in enumerate(pools(market, corner)):
        runs += [Run(value, count, band, number) for band, value, count in fill(pool, market.unit) if count]
    return sorted(runs, key=lambda run: (run.band[:2], run.value), reverse=True)


def least(pool: Pool, unit: float | None) -> list[tuple[Band, float, float]]:
    """Water-filling: every firm at one level, or at the edge of its band that is nearest to it.

    >>> [(size, n) for _, size, n in least(Pool("all firms", [Band(0, 10, 2), Band(10, 30, 1)], 24), None)]
    [(7.0, 2), (10, 1)]
    """
    held, _ = limits(pool.bands)
    ends = [(band.lo, band.n) for band in pool.bands] + [(b.hi, -b.n) for b in pool.bands if b.hi < math.inf]
    slope, level = 0.0, min(band.lo for band in pool.bands)
    for edge, firms in sorted(ends):
        if held + slope * (edge - level) > pool.held:
            break
        held, level, slope = held + slope * (edge - level), edge, slope + firms
    level += max(0.0, pool.held - held) / slope if slope else 0.0
    if unit is None:
        return [(band, min(max(level, band.lo), band.hi), band.n) for band in pool.bands]
    return _least_in_units(pool, math.floor(level / unit + NEAR) * unit, unit)


def _least_in_units(pool: Pool, level: float, unit: float) -> list[tuple[Band, float, float]]:
    """The same in whole units: what is left over gives one more unit to as many firms at the level."""
    found = [(band, min(max(level, band.lo), band.hi), band.n) for band in pool.bands]
    more: float = round((pool.held - math.fsum(value * n for _, value, n in found)) / unit)
    split = []
    for band, value, n in reversed(found):
        lifted = min(more, n) if band.lo <= level < band.hi else 0
        more -= lifted
        split += [(band, value + unit, lifted), (band, value, n - lifted)]
    return split


def greatest(pool: Pool, unit: float | None) -> list[tuple[Band, float, float]]:
    """Greedy: all firms at their lower edge, and what is left fills them up one by one from the top band down.

    >>> [(size, n) for _, size, n in greatest(Pool("all firms", [Band(0, 10, 2), Band(10, 30, 1)], 36), None) if n]
    [(30, 1), (6.0, 1.0), (0, 1.0)]
    """
    excess, found = pool.held - limits(pool.bands)[0], []
    for band in sorted(pool.bands, reverse=True):
        wide = band.hi - band.lo
        full = min(band.n, math.floor(excess / wide + NEAR)) if 0 < wide < math.inf else 0.0
        excess -= full * wide if full else 0.0
        part = 1.0 if full < band.n and wide and excess > NEAR * NEAR * pool.held else 0.0
        size = band.lo + excess if not unit else round((band.lo + excess) / unit) * unit
        found += [(band, band.hi, full), (band, size, part), (band, band.lo, band.n - full - part)]
        excess = 0.0 if part else max(0.0, excess)
    return found


def measures(runs: list[Run], total: float, ks: list[int]) -> dict[str, float]:
    """All measures of a list of firms, largest first, that holds the total.

    >>> found = measures([Run(30, 1, Band(10, 30, 1), 0), Run(5, 2, Band(0, 10, 2), 0)], 40, [1])
    >>> found["CR1"], found["HHI"]
    (0.75, 0.59375)
    """
    n = sum(run.n for run in runs)
    tops = {k: math.fsum(run.value * count for run, count in zip(runs, _leading(runs, k), strict=True)) for k in ks}
    hhi = math.fsum(run.n * (run.value / total) ** 2 for run in runs)
    shares = [(run.n, run.value / total) for run in runs if run.value > 0]
    entropy = max(0.0, -math.fsum(count * share * math.log(share) for count, share in shares))
    ranked = [run.value * run.n * (n - rank - (run.n - 1) / 2) for run, rank in zip(runs, _ranks(runs), strict=True)]
    return {
        **{f"TOP{k}": held for k, held in tops.items()},
        **{f"CR{k}": min(1.0, held / total) for k, held in tops.items()},
        **{"HHI": hhi, "HHI_10000": 1e4 * hhi, "N_eff": 1 / hhi, "entropy": entropy, "exp_entropy": math.exp(entropy)},
        "theil": max(0.0, math.log(n) - entropy),
        "gini": max(0.0, (2 * math.fsum(ranked) - (n + 1) * total) / (n * total)),
    }


def _ranks(runs: list[Run]) -> list[float]:
    """How many firms are larger than those of each run."""
    return list(accumulate((run.n for run in runs), initial=0.0))[:-1]


def _leading(runs: list[Run], k: float) -> list[float]:
    """How many firms of each run are among the k largest."""
    return [min(run.n, max(0.0, k - rank)) for run, rank in zip(runs, _ranks(runs), strict=True)]


def evaluate(market: Market, corner: Corner, fill: Fill, ks: list[int]) -> Measured:
    """Measures of an extreme list, and for each whether a list inside the bands reaches it."""
    runs = allocate(market, corner, fill)
    possible = not any(strained(pool, market.closed) for pool in pools(market, corner))
    inside = possible and all(run.value != barred(run.band, market.closed) for run in runs)
    leading = {k: possible and _reached(runs, k, market.closed, fill is least) for k in ks}
    reached = {f"{measure}{k}": met for k, met in leading.items() for measure in ("TOP", "CR")}
    values = measures(runs, corner.total, ks)
    return {measure: (value, reached.get(measure, inside)) for measure, value in values.items()}


def _reached(runs: list[Run], k: int, closed: str, lowest: bool) -> bool:
    """Whether firms inside their bands can hold exactly what the k largest of an extreme list hold.

    Pools of which all or no firms are among the largest do not matter. In the others neither the largest nor the rest
    may all have to sit on edges that do not belong to their bands; for the least sum neither the band that is cut nor
    the bands beyond it, as there all firms of a band stay on one level.
    """
    for pool in {run.pool for run in runs}:
        mine = [(run, count) for run, count in zip(runs, _leading(runs, k), strict=True) if run.pool == pool]
        top = [run._replace(n=count) for run, count in mine if count]
        bottom = [run._replace(n=run.n - count) for run, count in mine if run.n > count]
        if not top or not bottom:
            continue
        sides = top, bottom
        if lowest:
            cut = {run.band for run in top} & {run.band for run in bottom}
            beyond = bottom if closed == "left" else top
            sides = [run for run in top if run.band in cut], [run for run in beyond if run.band not in cut]
        if any(_forced(side, closed) for side in sides):
            return False
    return True


def _forced(runs: list[Run], closed: str) -> bool:
    """Whether these firms can hold their sum only on edges that do not belong to their bands."""
    held = math.fsum(run.n * run.value for run in runs)
    return strained(Pool("", [run.band._replace(n=run.n) for run in runs], held), closed)
