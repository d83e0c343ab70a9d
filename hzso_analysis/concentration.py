"""Sharp bounds on the concentration of a market of which only size bands are published.

Firms are never published, only how many fall into a band and what groups of them hold together. Among all lists of
firms that such a table allows, one is least and one most concentrated by every measure at once (majorisation), so two
lists give every bound. They are kept as runs of equal firms: cost depends on the bands, not on the firms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd

from hzso_analysis import densities
from hzso_analysis.allocations import Run, allocate, evaluate, greatest, least, measures
from hzso_analysis.bands import NEAR, BandError, Corner, Market, pools, read_market

SCANNED = 2000  # numbers of remaining firms tried one by one where a measure is not monotone in it


class Extremes(NamedTuple):
    """The least and the most concentrated list of firms, each as (size, number of firms), largest first."""

    least: list[tuple[float, int]]
    greatest: list[tuple[float, int]]


def concentration_bounds(
    bands: pd.DataFrame | Iterable[dict],
    *,
    total: float | tuple[float, float] | None = None,
    group_total: float | tuple[float, float] | None = None,
    group_share: float | tuple[float, float] | None = None,
    n_rest: float | tuple[float, float] | None = None,
    closed: str = "left",
    ks: Iterable[int] = (1, 2, 4, 8, 20),
    unit: float | None = None,
) -> pd.DataFrame:
    """Sharp bounds of concentration measures over every list of firms that a table of size bands allows.

    Parameters
    ----------
    bands : frame or records with lo, hi (None or inf: open), n and, where published, total; any order, no overlap.
    total : what all firms of the market hold, or its range (low, high).
    group_total, group_share : what the firms of all bands hold together, as amount or as fraction of the total. Without
        `total` it is `group_total / group_share`; with neither the bands are all firms.
    n_rest : number of firms below the lowest band, its range (least, most), or None or inf where it has no upper end.
    closed : which end belongs to a band, left ([lo, hi)), right or both. It decides what is feasible and attained.
    ks : numbers of leading firms for TOPk and CRk.
    unit : sizes are whole multiples of it; leave it out for money, which is published rounded.

    Returns
    -------
    DataFrame indexed by measure with columns low, high: TOPk (amount), CRk and HHI (fractions), HHI_10000, N_eff,
    entropy, exp_entropy, theil, gini. Trivial ends are infinite (gini: 1). `.attrs["attained"]` tells of each measure
    whether a list of firms reaches its low and its high end, or comes as close as one likes.

    Raises BandError, a ValueError with the attribute `code`, where the input is wrong or no list of firms fits.

    Ends of ranges are combined where every measure is monotone in them: total and group total each way, n_rest unless
    it is a range and group_total is unknown; there each number is tried, beyond 2,000 of them gini and theil start
    at 0. Method: least list by water-filling, most concentrated by filling the highest bands first; Marshall, Olkin
    and Arnold 2011, Inequalities, chapter 5; for the Gini index with class totals also Gastwirth 1972.

    >>> bounds = concentration_bounds([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0, ks=[1])
    >>> bounds.loc[["TOP1", "CR1", "HHI"]].round(4).values.tolist()
    [[150.0, 200.0], [0.5, 0.6667], [0.5, 0.5556]]
    """
    market = read_market(
        bands, total=total, group_total=group_total, group_share=group_share, n_rest=n_rest, closed=closed, unit=unit
    )
    ks = _leading(ks)
    found = [evaluate(market, corner, fill, ks) for corner in market.corners for fill in (least, greatest)]
    found += [*_between_corners(market, ks), *(_without_end(market, ks) if market.endless else [])]
    rows, attained = {}, {}
    for measure in found[0][0]:
        ends = [(values[measure], reached[measure]) for values, reached in found if measure in values]
        rows[measure] = [min(ends)[0], max(ends)[0]]
        attained[measure] = [
            any(met for value, met in ends if math.isclose(value, end, rel_tol=1e-12)) for end in rows[measure]
        ]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["low", "high"]).rename_axis("measure")
    frame.attrs["attained"] = attained
    return frame


def extreme_allocations(bands: pd.DataFrame | Iterable[dict], **published) -> Extremes:
    """The two lists of firms behind the bounds, for the arguments of `concentration_bounds` (but `ks`).

    Where numbers are ranges, the least concentrated list is that of the lowest group total, the highest total and the
    fewest firms, the most concentrated one that of the other ends (the fewest firms, where they have no upper end).

    >>> extreme_allocations([{"lo": 0, "hi": 10, "n": 3}], group_total=15, n_rest=0)
    Extremes(least=[(5.0, 3)], greatest=[(10.0, 1), (5.0, 1), (0.0, 1)])
    """
    market = read_market(bands, **published)
    group = [0.0 if math.isnan(corner.group) else corner.group for corner in market.corners]
    order = sorted(zip(group, market.corners, strict=True), key=lambda pair: (pair[0], -pair[1].total, pair[1].rest))
    last = max(order, key=lambda pair: (pair[0], -pair[1].total, pair[1].rest))
    ends = allocate(market, order[0][1], least), allocate(market, last[1], greatest)
    return Extremes(*([(run.value, int(run.count)) for run in runs] for runs in ends))


def point_estimate(
    bands: pd.DataFrame | Iterable[dict], *, method: str = "maxent", ks: Iterable[int] = (1, 2, 4, 8, 20), **published
) -> pd.Series:
    """One list of firms inside the bounds, from an assumed density of sizes: to be shown beside them, never instead.

    Takes the arguments of `concentration_bounds`, each number being one value, not a range. `maxent` is the density of
    greatest entropy given counts and sums, `pareto` has a heavier top. Returns the same measures; `.attrs` holds
    `parameters` (theta or alpha of each pool) and `firms` (size, number), largest first.

    >>> point_estimate([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0).attrs["firms"]
    [(175.0, 1), (125.0, 1)]
    """
    if method not in ("maxent", "pareto"):
        raise BandError("bad_method", f"method: found {method!r}; write maxent or pareto")
    market = read_market(bands, **published)
    if market.endless or len({corner.rest for corner in market.corners}) > 1:
        raise BandError(
            "missing_rest", "a point estimate is for one number of remaining firms; give n_rest as a number"
        )
    if len(market.corners) > 1:
        raise BandError("bad_total", "a point estimate is for one total; give numbers, not ranges")
    parameters, runs, corner = {}, [], market.corners[0]
    for number, pool in enumerate(pools(market, corner)):
        name, value = densities.solve(pool, method)
        parameters[pool.name] = {name: value}
        for band in sorted(pool.bands, reverse=True):
            runs += [Run(*firms, band.lo, band.hi, number) for firms in densities.sizes(band, name, value)]
    runs.sort(key=lambda run: (-run.lo, -run.hi, -run.value))
    estimate = pd.Series(measures(runs, corner.total, _leading(ks)), name="estimate").rename_axis("measure")
    estimate.attrs |= {"parameters": parameters, "firms": [(run.value, int(run.count)) for run in runs]}
    return estimate


def lorenz_envelope(bands: pd.DataFrame | Iterable[dict], **published) -> pd.DataFrame:
    """Band in which the Lorenz curve lies, for the arguments of `concentration_bounds` (but `ks`).

    Columns: firms (fraction of all firms, smallest first), low and high (fraction of the total that they hold). Both
    ends are curves of a list of firms that the table allows; without an upper end of `n_rest` the lower one is 0.

    >>> lorenz_envelope([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0).round(4).values.tolist()
    [[0.0, 0.0, 0.0], [0.5, 0.3333, 0.5], [1.0, 1.0, 1.0]]
    """
    market = read_market(bands, **published)
    curves = {
        fill: [_lorenz(allocate(market, corner, fill)) for corner in market.corners] for fill in (least, greatest)
    }
    firms = np.unique(np.concatenate([curve[0] for both in curves.values() for curve in both]).round(15))
    ends = [
        pick([np.interp(firms, *curve) for curve in curves[fill]], axis=0)
        for pick, fill in ((np.min, greatest), (np.max, least))
    ]
    if market.endless:
        ends[0] = np.where(firms < 1, 0.0, 1.0)
    return pd.DataFrame({"firms": firms, "low": ends[0], "high": ends[1]})


def _leading(ks: Iterable[int]) -> list[int]:
    ks = [ks] if isinstance(ks, Real) else list(ks)
    wrong = [k for k in ks if not isinstance(k, Real) or isinstance(k, bool) or not 1 <= k < math.inf or k % 1]
    if wrong:
        raise BandError("bad_k", f"ks: found {', '.join(map(str, wrong))}; write whole numbers from 1")
    return [int(k) for k in ks]


def _without_end(market: Market, ks: list[int]) -> list[tuple[dict, dict]]:
    """What the measures come close to as the remaining firms grow in number without end and each to nothing."""
    found, firms = [], sum(band.n for band in market.bands)
    lowest = math.fsum(band.n * band.lo if math.isnan(band.total) else band.total for band in market.bands)
    for corner in market.corners:
        group = lowest if math.isnan(corner.group) else corner.group
        values, reached = evaluate(market, Corner(corner.total, group, 0.0), least, ks)
        values |= {"theil": math.inf, "gini": 1.0}
        kept = set(values) - {"theil", "gini"}
        if corner.total - group > NEAR * corner.total:
            values |= {"entropy": math.inf, "exp_entropy": math.inf}
            kept = {f"{measure}{k}" for measure in ("TOP", "CR") for k in ks if k <= firms}
        found.append((values, {measure: met and measure in kept for measure, met in reached.items()}))
    return found


def _between_corners(market: Market, ks: list[int]) -> list[tuple[dict, dict]]:
    """Extremes inside the ranges where no total of the bands is known: there measures need not be monotone."""
    if not math.isnan(market.corners[0].group):
        return []
    low, high = (pick(corner.total for corner in market.corners) for pick in (min, max))
    first, last = (pick(corner.rest for corner in market.corners) for pick in (min, max))
    most = last
    if market.endless:  # beyond it the listed firms stay at their lower edges and more firms only add to inequality
        most = max(last, math.ceil(high / market.edge))
    found = []
    if most > first and (low < high or most - first > SCANNED):
        found.append((dict.fromkeys(("theil", "gini"), 0.0), dict.fromkeys(("theil", "gini"), False)))
    elif most > first:
        rests = np.arange(first + 1, most + 1)
        found += [evaluate(market, Corner(low, math.nan, rest), least, ks) for rest in rests]
    for corner, fill in _turning_points(market, low, high, last, ks) if low < high else []:
        found.append(evaluate(market, corner, fill, ks))
    return found


def _turning_points(market: Market, low: float, high: float, rest: float, ks: list[int]) -> Iterable[tuple]:
    """Totals between `low` and `high` at which an extreme can lie, with the allocation that it belongs to.

    Between two totals at which the water level meets an edge, HHI and Theil of the least list fall, then rise. The most
    concentrated list has its extremes where whole firms are full: in their number each measure rises, then falls.
    """
    pool = pools(market, Corner(low, math.nan, rest))[-1]
    others = low - pool.held

    def value(total: float, fill: Callable, measure: str) -> float:
        sign = -1 if fill is least else 1
        return sign * evaluate(market, Corner(total, math.nan, rest), fill, ks)[0][measure]

    levels = {edge for band in pool.bands for edge in (band.lo, band.hi) if edge < math.inf}
    knots = [others + math.fsum(b.n * min(max(level, b.lo), b.hi) for b in pool.bands) for level in levels]
    pieces = pairwise(sorted({low, high, *(knot for knot in knots if low < knot < high)}))
    spans = [(a, b, 2**40, least, measure) for a, b in pieces for measure in ("HHI", "theil")]
    start = others + math.fsum(band.n * band.lo for band in pool.bands)
    for band in sorted(pool.bands, reverse=True):
        wide = band.hi - band.lo if band.hi < math.inf else 0.0
        first = math.ceil(max(0.0, low - start) / wide) if wide else 0
        last = math.floor(min(band.n, (high - start) / wide)) if wide else -1
        if first <= last:
            ends = start + first * wide, start + last * wide
            spans += [(*ends, last - first, greatest, m) for m in ("HHI", "theil", "gini", *(f"CR{k}" for k in ks))]
        start += band.n * wide
    for a, b, steps, fill, measure in spans:
        yield Corner(a, math.nan, rest), fill
        step = _peak(lambda m, span=(a, b, steps), of=(fill, measure): value(_at(m, *span), *of), steps)
        yield Corner(_at(step, a, b, steps), math.nan, rest), fill
        yield Corner(b, math.nan, rest), fill


def _at(step: int, low: float, high: float, steps: int) -> float:
    return low + (high - low) * step / steps if steps else low


def _peak(rises_then_falls: Callable[[int], float], last: int) -> int:
    """The place between 0 and `last` at which a function that rises, then falls, is greatest."""
    first = 0
    while last - first > 2:
        third = (last - first) // 3
        if rises_then_falls(first + third) < rises_then_falls(last - third):
            first += third
        else:
            last -= third
    return max(range(first, last + 1), key=rises_then_falls)


def _lorenz(runs: list[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the Lorenz curve of a list of firms: fraction of firms, fraction of what they hold."""
    steps = np.array([(0.0, 0.0), *((run.count, run.count * run.value) for run in reversed(runs))]).cumsum(axis=0)
    firms, held = (steps / steps[-1]).T
    return firms, held
