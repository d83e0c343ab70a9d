"""Sharp bounds on the concentration of a market of which only size bands are published.

Firms are never published, only how many fall into a band and what groups of them hold together. Among all lists of
firms that such a table allows, one is least and one most concentrated by every measure at once (majorisation), so two
lists give every bound. They are kept as runs of equal firms: cost depends on the bands, not on the firms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from numbers import Real
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from hzso_analysis.allocations import Fill, Measured, Run, allocate, evaluate, greatest, least, measures
from hzso_analysis.bands import NEAR, BandError, Corner, Market, Pool, barred, limits, pools, read_market, split

Table: TypeAlias = pd.DataFrame | Iterable[dict[str, Any]]  # size bands as they are given
SCANNED = 200  # numbers of remaining firms tried one by one where a measure is not monotone, a tenth with ranges


class Extremes(NamedTuple):
    """The least and the most concentrated list of firms, each as (size, number of firms), largest first."""

    least: list[tuple[float, int]]
    greatest: list[tuple[float, int]]


def concentration_bounds(
    bands: Table,
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
    whether a list of firms is known to reach its low and its high end, or comes as close as one likes.

    Raises BandError, a ValueError with the attribute `code`, where the input is wrong or no list of firms fits.

    Ranges are combined each way. Where a measure is not monotone in a range, all places are tried where it can turn;
    where that would take too many numbers of remaining firms, gini and theil start at 0. A range of the share
    bounds the share of all bands; the other measures are then bounded, but not to the last digit.

    Method: least list by water-filling, most concentrated by filling the highest bands first; Marshall, Olkin and
    Arnold 2011, Inequalities, chapter 5; for the Gini index with class totals also Gastwirth 1972.

    >>> bounds = concentration_bounds([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0, ks=[1])
    >>> bounds.loc[["TOP1", "CR1", "HHI"]].round(4).values.tolist()
    [[150.0, 200.0], [0.5, 0.6667], [0.5, 0.5556]]
    """
    market = read_market(
        bands, total=total, group_total=group_total, group_share=group_share, n_rest=n_rest, closed=closed, unit=unit
    )
    ks = _checked(ks)
    found = _extremes(market, ks)
    found += [_without_end(market, ks)] if market.rest[1] == math.inf else []
    return _ends(market, found, ks)


def extreme_allocations(bands: Table, **published: Any) -> Extremes:
    """The two lists of firms behind the bounds, for the arguments of `concentration_bounds` (but `ks`).

    Where numbers are ranges, the least concentrated list is that of the lowest group total, the highest total and the
    fewest firms, the most concentrated one that of the other ends (the fewest firms, where they have no upper end).

    >>> extreme_allocations([{"lo": 0, "hi": 10, "n": 3}], group_total=15, n_rest=0)
    Extremes(least=[(5.0, 3)], greatest=[(10.0, 1), (5.0, 1), (0.0, 1)])
    """
    market = read_market(bands, **published)
    last = _rests(market)[1]
    low, high = _line(market, least, last)[0], _line(market, greatest, _most(market))[-1]
    ends = allocate(market, low, least), allocate(market, high, greatest)
    return Extremes(*([(run.value, int(run.n)) for run in runs] for runs in ends))


def point_estimate(
    bands: Table, *, method: str = "maxent", ks: Iterable[int] = (1, 2, 4, 8, 20), **published: Any
) -> pd.Series:
    """One list of firms inside the bounds, from an assumed density of sizes: to be shown beside them, never instead.

    Takes the arguments of `concentration_bounds`, each number being one value, not a range. `maxent` is the density of
    greatest entropy given counts and sums, `pareto` has a heavier top. Returns the same measures; `.attrs` holds
    `parameters` (theta or alpha of each pool) and `firms` (size, number), largest first.

    >>> estimate = point_estimate([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0)
    >>> [(round(size, 6), n) for size, n in estimate.attrs["firms"]]
    [(175.0, 1), (125.0, 1)]
    """
    if method not in ("maxent", "pareto"):
        raise BandError("bad_method", f"method: found {method!r}; write maxent or pareto")
    market = read_market(bands, **published)
    if market.unit:
        raise BandError("bad_unit", "a point estimate is for sizes of any value; leave unit out")
    if market.rest[0] < market.rest[1]:
        raise BandError(
            "missing_rest", "a point estimate is for one number of remaining firms; give n_rest as a number"
        )
    if any(low < high for low, high in (market.total, market.group or market.total)):
        wanted = "numbers, not ranges" if market.group else "a number, not a range"
        raise BandError("bad_total", f"a point estimate is for one total; give {wanted}")
    corner = _corner(market, least, market.total[0], market.rest[0])
    from hzso_analysis import densities  # noqa: PLC0415 (half a second of scipy, for those who ask for an estimate)

    parameters, runs = {}, []
    for number, pool in enumerate(pools(market, corner)):
        name, value = densities.solve(pool, method)
        parameters[pool.name] = {name: value}
        for band in pool.bands:
            runs += [Run(*firms, band, number) for firms in densities.sizes(band, name, value)]
    runs.sort(key=lambda run: (run.band[:2], run.value), reverse=True)
    estimate = pd.Series(measures(runs, corner.total, _checked(ks)), name="estimate").rename_axis("measure")
    estimate.attrs |= {"parameters": parameters, "firms": [(run.value, int(run.n)) for run in runs]}
    return estimate


def lorenz_envelope(bands: Table, **published: Any) -> pd.DataFrame:
    """Band in which the Lorenz curve lies, for the arguments of `concentration_bounds` (but `ks`).

    Columns: firms (fraction of all firms, smallest first), low and high (fraction of the total that they hold). Both
    ends are curves of a list of firms that the table allows; without an upper end of `n_rest` the lower one is 0.

    >>> lorenz_envelope([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0).round(4).values.tolist()
    [[0.0, 0.0, 0.0], [0.5, 0.3333, 0.5], [1.0, 1.0, 1.0]]
    """
    market = read_market(bands, **published)
    first, last = _rests(market)
    if last - first > SCANNED:
        raise BandError("missing_rest", "the envelope needs group_total or a smaller range of n_rest")
    upper = [
        _lorenz(allocate(market, corner, least))
        for rest in range(int(first), int(last) + 1)
        for *ends, _ in _stretches(market, least, rest)
        for corner in ends
    ]
    cuts = _stretches(market, greatest, _most(market))
    if sum(steps for *_, steps in cuts) > 10 * SCANNED and market.rest[1] < math.inf:
        raise BandError("bad_total", "the envelope is for one total here; give a number, not a range")
    lower = [
        _lorenz(allocate(market, _between(start, end, step, steps), greatest))
        for start, end, steps in (cuts if market.rest[1] < math.inf else cuts[:1])
        for step in range(steps + 1)
    ]
    firms = np.unique(np.concatenate([curve[0] for curve in (*upper, *lower)]).round(15))
    high = np.max([np.interp(firms, *curve) for curve in upper], axis=0)
    low = np.min([np.interp(firms, *curve) for curve in lower], axis=0)
    if market.rest[1] == math.inf:
        firms, low, high = np.append(firms, 1.0), np.append(0 * low, 1.0), np.append(high, 1.0)
    return pd.DataFrame({"firms": firms, "low": low, "high": high})


def _ends(market: Market, found: list[Measured], ks: list[int]) -> pd.DataFrame:
    """The lowest and the highest of each measure, and whether a list reaches them."""
    rows, attained = {}, {}
    for measure in found[0]:
        ends = [values[measure] for values in found]
        rows[measure] = [min(ends)[0], max(ends)[0]]
        attained[measure] = [
            any(met for value, met in ends if math.isclose(value, end, rel_tol=1e-12)) for end in rows[measure]
        ]
    if market.share and market.group and market.group[0] < market.group[1]:
        attained = {measure: [False, False] for measure in attained}
    listed = sum(band.n for band in market.bands)
    for k in ks:
        low, high = rows[f"CR{k}"]
        least_share, most_share = market.share or (low, high)  # known better than the sums that it links
        rows[f"CR{k}"] = [max(low, least_share) if k >= listed else low, min(high, most_share) if k <= listed else high]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["low", "high"]).rename_axis("measure")
    frame.attrs["attained"] = attained
    return frame


def _checked(ks: Iterable[int]) -> list[int]:
    ks = list(ks) if isinstance(ks, Iterable) else [ks]
    wrong = [k for k in ks if not isinstance(k, Real) or isinstance(k, bool) or not 1 <= k < math.inf or k % 1]
    if wrong:
        raise BandError("bad_k", f"ks: found {', '.join(map(str, wrong))}; write whole numbers from 1")
    return [int(k) for k in ks]


def _rests(market: Market) -> tuple[float, float]:
    """Numbers of remaining firms between which gini and theil need not be monotone; beyond the last one they rise."""
    (low, high), (fewest, most) = market.total, market.rest
    first, last = low - market.listed[1], high - market.listed[0]
    # without a sum of all bands the listed firms would have to sit on their upper edges if nothing were left
    full = market.group is None and any(barred(band, market.closed) == band.hi for band in split(market.bands)[1])
    first = market.needed(first) if first > (-NEAR if full else NEAR) * low else 0.0
    last = market.needed(last) if last > NEAR * high else 0.0
    return max(fewest, min(most, first)), max(fewest, min(most, max(first, last)))


def _most(market: Market) -> float:
    """The most remaining firms, or enough of them where there is no upper end."""
    return market.rest[1] if market.rest[1] < math.inf else _rests(market)[1]


def _corner(market: Market, fill: Fill, total: float, rest: float) -> Corner:
    """The sum of all bands with which a list is extreme for a total: the lowest for the least concentrated one."""
    if market.group is None:
        return Corner(total, math.nan, rest)
    first, last = market.group
    return Corner(total, min(last, max(first, total - market.room(rest)) if fill is least else total), rest)


def _line(market: Market, fill: Fill, rest: float) -> tuple[Corner, Corner]:
    """Where in the ranges a list can be extreme for so many remaining firms: between two corners, mostly at one.

    Concentration falls with the total and rises with the sum of all bands, so it is extreme at one corner or, if that
    is out of reach, on the line where the remaining firms are full (least) or hold nothing (greatest).
    """
    (low, high), (first, last), room = market.total, market.listed, market.room(rest)
    start, end = low, max(low, min(high, last + room))
    if market.group and fill is greatest:
        end = max(low, last)
    elif market.group:
        start = max(low, first + room) if first + room * (1 + NEAR) < high else high
        end = max(start, end)
    return _corner(market, fill, start, rest), _corner(market, fill, end, rest)


def _extremes(market: Market, ks: list[int]) -> list[Measured]:
    """Measures of the extreme lists for the numbers of remaining firms that matter."""
    (first, last), most = _rests(market), _most(market)
    start, end = _line(market, least, first)
    scanned = last - first <= (SCANNED if start == end else SCANNED // 10)
    rests = {*(range(int(first), int(last) + 1) if scanned else [last]), most}
    # what the k largest hold as an amount rises with the total, unlike their share
    lows = {_corner(market, least, market.total[0], most)}.union(*(_turns(market, least, rest, ks) for rest in rests))
    highs = {_corner(market, greatest, market.total[1], most)} | _turns(market, greatest, most, ks)
    found = [evaluate(market, corner, least, ks) for corner in lows]
    found += [evaluate(market, corner, greatest, ks) for corner in highs]
    return found if scanned else [*found, found[0] | {"theil": (0.0, False), "gini": (0.0, False)}]


def _without_end(market: Market, ks: list[int]) -> Measured:
    """What the measures come close to as the remaining firms grow in number without end and each to nothing."""
    firms, total, group = sum(band.n for band in market.bands), market.total[1], market.listed[0]
    endless = {"theil": (math.inf, False), "gini": (1.0, False)}
    if market.unit:  # no more firms than units can hold anything
        return evaluate(market, _corner(market, least, total, (total - group) / market.unit), least, ks) | endless
    found = evaluate(market, Corner(total, group, 0.0), least, ks) | endless
    if total - group > NEAR * total:
        leading = {f"{measure}{k}" for measure in ("TOP", "CR") for k in ks if k <= firms}
        found = {measure: (value, met and measure in leading) for measure, (value, met) in found.items()}
        found |= {"entropy": (math.inf, False), "exp_entropy": (math.inf, False)}
    return found


def _turns(market: Market, fill: Fill, rest: float, ks: list[int]) -> set[Corner]:
    """All corners at which a measure of the lists for so many remaining firms can be extreme.

    One pool changes on the way. Where its water level meets no edge, HHI and Theil of the least list fall, then rise.
    The most concentrated list is extreme where whole firms are full: in their number each measure rises, then falls.
    The other measures are monotone between these places.
    """
    found = set()
    turning = ("HHI", "theil") if fill is least else ("HHI", "theil", "gini", *(f"CR{k}" for k in ks))
    for start, end, steps in _stretches(market, fill, rest):
        found |= {start, end}
        if steps > 1:
            found |= {_turn(market, fill, (start, end, steps), measure, ks) for measure in turning}
    return found


def _between(first: Corner, last: Corner, step: float, steps: float) -> Corner:
    return Corner(*(a if a == b else a + (b - a) * step / steps for a, b in zip(first, last, strict=True)))


def _stretches(market: Market, fill: Fill, rest: float) -> list[tuple[Corner, Corner, int]]:
    """The line for so many remaining firms cut where the list changes its shape: ends of each cut and its steps."""
    first, last = _line(market, fill, rest)
    if first == last:
        return [(first, first, 1)]
    start, end = max(
        zip(pools(market, first), pools(market, last), strict=True), key=lambda pair: abs(pair[1].held - pair[0].held)
    )

    def at(held: float) -> Corner:
        return _between(first, last, held - start.held, end.held - start.held)

    cuts = (_levels if fill is least else _fillings)(start, end.held)
    return [(first, last, 1), *((at(low), at(high), steps) for low, high, steps in cuts)]


def _levels(pool: Pool, end: float) -> list[tuple[float, float, int]]:
    """Stretches of what a pool holds in which its water level meets no edge, each in many small steps."""
    edges = {edge for band in pool.bands for edge in (band.lo, band.hi) if edge < math.inf}
    knots = {math.fsum(b.n * min(max(level, b.lo), b.hi) for b in pool.bands) for level in edges}
    return [(a, b, 2**24) for a, b in pairwise(sorted({pool.held, end, *(k for k in knots if pool.held < k < end)}))]


def _fillings(pool: Pool, end: float) -> list[tuple[float, float, int]]:
    """Stretches of what a pool holds in which the firms of one band are filled up, a firm a step."""
    found, start = [], limits(pool.bands)[0]
    for band in sorted(pool.bands, reverse=True):
        wide = band.hi - band.lo
        if 0 < wide < math.inf:
            first = math.ceil(max(0.0, pool.held - start) / wide)
            last = math.floor(min(band.n, (end - start) / wide))
            found += [(start + first * wide, start + last * wide, last - first)] if first < last else []
            found += [(start + first * wide, end, 1)] if first == last else []
            start += band.n * wide
        elif wide:
            break
    return found


def _turn(market: Market, fill: Fill, stretch: tuple[Corner, Corner, int], measure: str, ks: list[int]) -> Corner:
    """The corner on a stretch at which a measure of the least list is least, of the most concentrated one greatest."""
    start, end, steps = stretch
    sign = -1 if fill is least else 1

    def height(step: int) -> float:
        corner = _between(start, end, step, steps)
        return sign * measures(allocate(market, corner, fill), corner.total, ks)[measure]

    first, last = 0, steps
    while last - first > 2:
        third = (last - first) // 3
        if height(first + third) < height(last - third):
            first += third
        else:
            last -= third
    return _between(start, end, max(range(first, last + 1), key=height), steps)


def _lorenz(runs: list[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the Lorenz curve of a list of firms: fraction of firms, fraction of what they hold."""
    steps = np.array([(0.0, 0.0), *((run.n, run.n * run.value) for run in reversed(runs))]).cumsum(axis=0)
    firms, held = (steps / steps[-1]).T
    return firms, held
