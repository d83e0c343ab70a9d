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

from hzso_analysis.bands import NEAR, Band, Corner, Market, Pool, pools


class Run(NamedTuple):
    """`count` firms of the size `value` in the band from `lo` to `hi` of the pool with the number `pool`."""

    value: float
    count: float
    lo: float
    hi: float
    pool: int


def allocate(market: Market, corner: Corner, fill: Callable) -> list[Run]:
    """A list of firms in runs, largest first."""
    runs = []
    for number, pool in enumerate(pools(market, corner)):
        for band, value, count in fill(pool, market.unit):
            runs.append(Run(value, count, band.lo, band.hi, number))
    return sorted((run for run in runs if run.count), key=lambda run: (-run.lo, -run.hi, -run.value))


def least(pool: Pool, unit: float | None) -> list[tuple[Band, float, float]]:
    """Water-filling: every firm at one level, or at the edge of its band that is nearest to it."""
    held = math.fsum(band.n * band.lo for band in pool.bands)
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
    more = round((pool.held - math.fsum(value * n for _, value, n in found)) / unit)
    split = []
    for band, value, n in reversed(found):
        lifted = min(more, n) if band.lo <= level < band.hi else 0
        more -= lifted
        split += [(band, value + unit, lifted), (band, value, n - lifted)]
    return split


def greatest(pool: Pool, unit: float | None) -> list[tuple[Band, float, float]]:
    """Greedy: all firms at their lower edge, and what is left fills them up one by one from the top band down."""
    excess, found = pool.held - math.fsum(band.n * band.lo for band in pool.bands), []
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
    """All measures of a list of firms, largest first, that holds the total."""
    n = sum(run.count for run in runs)
    tops = {k: _top(runs, k) for k in ks}
    hhi = math.fsum(run.count * (run.value / total) ** 2 for run in runs)
    shares = [(run.count, run.value / total) for run in runs if run.value > 0]
    entropy = max(0.0, -math.fsum(count * share * math.log(share) for count, share in shares))
    before, ranked = 0.0, []
    for run in reversed(runs):
        ranked.append(run.value * run.count * (before + (run.count + 1) / 2))
        before += run.count
    return {
        **{f"TOP{k}": held for k, held in tops.items()},
        **{f"CR{k}": min(1.0, held / total) for k, held in tops.items()},
        **{"HHI": hhi, "HHI_10000": 1e4 * hhi, "N_eff": 1 / hhi, "entropy": entropy, "exp_entropy": math.exp(entropy)},
        "theil": max(0.0, math.log(n) - entropy),
        "gini": max(0.0, (2 * math.fsum(ranked) - (n + 1) * total) / (n * total)),
    }


def _top(runs: list[Run], k: float) -> float:
    """What the k largest firms hold."""
    before = accumulate((run.count for run in runs), initial=0.0)
    return math.fsum(run.value * min(run.count, max(0.0, k - rank)) for run, rank in zip(runs, before, strict=False))


def evaluate(market: Market, corner: Corner, fill: Callable, ks: list[int]) -> tuple[dict, dict]:
    """Measures of an extreme list, and for each whether a list inside the bands reaches it."""
    runs = allocate(market, corner, fill)
    values = measures(runs, corner.total, ks)
    barred = [_excluded(run, market) for run in runs]
    reached = dict.fromkeys(values, all(run.value != edge for run, edge in zip(runs, barred, strict=True)))
    for k in ks:
        reached[f"TOP{k}"] = reached[f"CR{k}"] = _reached(runs, barred, k, market.closed, fill is least)
    return values, reached


def _excluded(run: Run, market: Market) -> float:
    """The edge of its band that no firm can sit on; NaN where there is none."""
    if run.lo == run.hi or market.closed == "both":
        return math.nan
    below = run.lo == 0 and market.edge > 0  # a remaining firm may hold nothing
    return run.hi if market.closed == "left" else math.nan if below else run.lo


def _reached(runs: list[Run], barred: list[float], k: int, closed: str, lowest: bool) -> bool:
    """Whether firms inside their bands can hold exactly what the k largest of an extreme list hold.

    Pools of which all or no firms are among the largest do not matter; in the others no firm may have to sit on an
    excluded edge (`barred`) for the sum of the largest to be what it is.
    """
    before = list(accumulate((run.count for run in runs), initial=0.0))
    for pool in {run.pool for run in runs}:
        sides = {"top": [], "bottom": []}
        for run, edge, rank in zip(runs, barred, before, strict=False):
            taken = min(run.count, max(0.0, k - rank)) if run.pool == pool else 0.0
            sides["top"] += [(run._replace(count=taken), edge)] if taken else []
            left = run.count - taken if run.pool == pool else 0.0
            sides["bottom"] += [(run._replace(count=left), edge)] if left else []
        if all(sides.values()) and not (_level_met if lowest else _filling_met)(sides["top"], sides["bottom"], closed):
            return False
    return True


def _level_met(top: list[tuple[Run, float]], bottom: list[tuple[Run, float]], closed: str) -> bool:
    """The least sum of the largest: neither the band that is cut nor all firms beyond it sit on excluded edges."""
    cut = {(run.lo, run.hi) for run, _ in top} & {(run.lo, run.hi) for run, _ in bottom}
    level = [(run, edge) for run, edge in top if (run.lo, run.hi) in cut]
    beyond = [(run, edge) for run, edge in (bottom if closed == "left" else top) if (run.lo, run.hi) not in cut]
    return not any(side and all(run.value == edge for run, edge in side) for side in (level, beyond))


def _filling_met(top: list[tuple[Run, float]], bottom: list[tuple[Run, float]], closed: str) -> bool:
    """The greatest sum of the largest: the largest have room for it, or the others need not sit at their lower edge."""
    room = math.fsum(run.count * run.hi for run, _ in top)
    spare = math.fsum(run.count * run.value for run, _ in top + bottom)
    spare -= math.fsum(run.count * run.lo for run, _ in bottom)
    tight = spare >= room * (1 - NEAR) if closed == "left" else spare <= room * (1 + NEAR)
    return not tight or all(math.isnan(edge) for _, edge in (top if closed == "left" else bottom))
