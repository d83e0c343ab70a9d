"""One density of firm sizes for all bands of a pool, solved for its known sum: a point estimate, an assumption.

`maxent` is the density of greatest entropy given the number of firms in each band and their sum, exponential inside
each band; `pareto` falls as a power of size, with a heavier top. A band with a lower edge of 0 admits only the first.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import exprel, gammaln

from hzso_analysis.bands import NEAR, Band, Pool, limits

SLICES = 10_000  # bands of more firms are cut into so many groups of equal firms


def solve(pool: Pool, method: str) -> tuple[str, float]:
    """Name and value of the parameter with which the firms of a pool hold their sum: theta or alpha.

    It is infinite where all firms sit on one edge of their band. The ends of the search are proven: in no band does the
    mean lie further from an edge than that of the density without the other edge.

    >>> name, value = solve(Pool("band", [Band(100, math.inf, 2)], 300), "maxent")
    >>> name, round(value, 6)
    ('theta', 0.02)
    """
    name = "alpha" if method == "pareto" and all(band.lo > 0 for band in pool.bands) else "theta"
    firms = sum(band.n for band in pool.bands)
    lows, highs = limits(pool.bands)
    above, below = pool.held - lows, highs - pool.held
    if above <= NEAR * pool.held or below <= NEAR * pool.held:
        return name, math.inf if above <= below else -math.inf
    top = max(pool.bands)
    if name == "theta":
        ends = top.n / above if math.isinf(top.hi) else -firms / below, firms / above
    else:
        ends = 1 + top.n * top.lo / above if math.isinf(top.hi) else 1 - highs / below, 1 + lows / above

    def surplus(parameter: float) -> float:
        means = (band.n * float(_mean(band.lo, band.hi, name, parameter)) for band in pool.bands)
        return math.fsum(means) / pool.held - 1

    scale = max(map(abs, ends))
    low, high = (end / scale + shift for end, shift in zip(ends, (-NEAR, NEAR), strict=True))
    if name == "theta" and math.isinf(top.hi):
        low = max(low, NEAR)
    return name, scale * brentq(lambda part: surplus(part * scale), low, high, xtol=1e-15, rtol=1e-14, maxiter=500)


def sizes(band: Band, name: str, parameter: float) -> list[tuple[float, float]]:
    """Sizes of the firms of a band as (size, number), largest first: they add up to what the density gives the band.

    Firms of an open band stand at their expected order statistics, others at the means of slices of equal probability.

    >>> sizes(Band(100, math.inf, 2), "theta", 0.02)
    [(175.0, 1.0), (125.0, 1.0)]
    """
    if math.isinf(parameter) or band.lo == band.hi:
        return [(band.lo if parameter > 0 or band.lo == band.hi else band.hi, band.n)]
    if math.isinf(band.hi) and band.n <= SLICES:
        return [(size, 1.0) for size in _order_statistics(band, name, parameter).tolist()]
    ranks = np.round(np.linspace(0, band.n, int(min(band.n, SLICES)) + 1))
    edges = _quantiles(ranks / band.n, band, name, parameter)
    means = _mean(edges[:-1], edges[1:], name, parameter)
    return list(zip(means[::-1].tolist(), np.diff(ranks)[::-1].tolist(), strict=True))


def _mean(low: float | np.ndarray, high: float | np.ndarray, name: str, parameter: float) -> np.ndarray:
    """Mean of the density between two sizes, numbers or arrays; the last size may be infinite."""
    start, end, rate = (np.asarray(value, dtype=float) for value in (low, high, parameter))
    endless = np.isinf(end)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if name == "alpha":  # reckoned from the end that keeps the exponents small
            span = np.log(np.where(endless, start, end) / start)
            if rate > 0.5:
                bounded: np.ndarray = start * exprel((1 - rate) * span) / exprel(-rate * span)
            else:
                bounded = end * exprel((rate - 1) * span) / exprel(rate * span)
            return np.where(endless, start * rate / (rate - 1), bounded)
        wide = np.where(endless, 0.0, end - start)
        steep = rate * wide
        series = 0.5 - steep / 12 + steep**3 / 720
        part = np.where(np.abs(steep) < 1e-3, series, 1 / steep - 1 / np.expm1(steep))
        return np.where(endless, start + 1 / rate, start + wide * part)


def _quantiles(parts: np.ndarray, band: Band, name: str, parameter: float) -> np.ndarray:
    """Sizes below which these parts of the firms of a band lie; a power law is exponential in the logarithm."""
    wide = math.log(band.hi / band.lo) if name == "alpha" else band.hi - band.lo
    with np.errstate(divide="ignore"):
        if math.isinf(wide):
            steps = -np.log1p(-parts) / parameter
        elif abs(parameter * wide) < 1e-9:
            steps = parts * wide
        elif parameter > 0:
            steps = -np.log1p(parts * np.expm1(-parameter * wide)) / parameter
        else:
            steps = wide - np.log1p((1 - parts) * np.expm1(parameter * wide)) / parameter
    found: np.ndarray = band.lo * np.exp(steps) if name == "alpha" else band.lo + steps
    return found.clip(band.lo, band.hi)


def _order_statistics(band: Band, name: str, parameter: float) -> np.ndarray:
    """Expected sizes of the firms of an open band, largest first."""
    ranks = np.arange(1, int(band.n) + 1)
    if name == "theta":
        return band.lo + np.cumsum(1 / ranks[::-1])[::-1] / parameter
    logs = gammaln(band.n + 1) - gammaln(band.n + 1 - 1 / parameter) + gammaln(ranks - 1 / parameter) - gammaln(ranks)
    return np.asarray(band.lo * np.exp(logs))
