"""Size bands of firms and what was published beside them, checked: which sums are known, and which firms share them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from numbers import Real
from typing import NamedTuple

import pandas as pd

NEAR = 1e-9  # two sums closer than this part of themselves are the same
BRACKETS = {"left": "[)", "right": "(]", "both": "[]"}


class BandError(ValueError):
    """A table of size bands that cannot be read or cannot be true; `code` names the reason and does not change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Band(NamedTuple):
    """`n` firms of a size from `lo` to `hi` (infinite: open); `total` is what they hold together, NaN where unknown."""

    lo: float
    hi: float
    n: float
    total: float = math.nan


class Pool(NamedTuple):
    """Firms with one known sum: their bands, lowest first, and what they hold together."""

    name: str
    bands: list[Band]
    held: float


class Corner(NamedTuple):
    """One value for each number that was published as a range; `group` is NaN where no total of the bands is known."""

    total: float
    group: float
    rest: float


class Market(NamedTuple):
    """A checked table: bands (lowest first), the corners of the ranges published beside them, units of money.

    `endless` says that the number of remaining firms has no upper end, `edge` is the lower edge of the lowest band.
    """

    bands: list[Band]
    closed: str
    unit: float | None
    edge: float
    corners: list[Corner]
    endless: bool


def read_market(
    bands: pd.DataFrame | Iterable[dict],
    *,
    total: float | tuple[float, float] | None = None,
    group_total: float | tuple[float, float] | None = None,
    group_share: float | tuple[float, float] | None = None,
    n_rest: float | tuple[float, float] | None = None,
    closed: str = "left",
    unit: float | None = None,
) -> Market:
    """Check size bands and the sums published beside them; raise BandError with the code of the first kind of fault.

    >>> market = read_market([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0)
    >>> market.corners
    [Corner(total=300.0, group=300.0, rest=0.0)]
    """
    if closed not in BRACKETS:
        raise BandError("bad_closed", f"closed: found {closed!r}; write left ([lo, hi)), right ((lo, hi]) or both")
    table = _bands(bands, closed)
    edge = table[0].lo
    table = [band for band in table if band.n or band.total > 0]
    if unit is not None:
        table = _on_grid(table, closed, unit, [total, group_total])
        below = math.ceil(edge / unit - NEAR) - 1 if closed == "left" else math.floor(edge / unit + NEAR)
        edge, closed = max(0.0, below * unit), "both"
    for band in table:
        if not math.isnan(band.total):
            fit(
                Pool(f"band {name(band, closed)} total", [band], band.total),
                band.total,
                band.total,
                closed,
                "band_total",
            )
    whole, share = _range(total, "total", "bad_total"), _range(group_share, "group_share", "bad_share")
    group = _group(table, _range(group_total, "group_total", "bad_total"), whole, share, closed)
    if whole is None and group is None:
        raise BandError(
            "missing_total", "no total is given; give total, or group_total (with group_share, if published)"
        )
    least, most = _number_of_rest(n_rest, alone=whole is None and share is None, grouped=group is not None)
    if least and not edge:
        raise BandError("rest_no_room", f"the lowest band starts at 0, so no firm is below it; n_rest is {least:g}")
    if group is None:
        ends = _all_firms(table, edge, most, closed, *whole)
    else:
        ends = _listed_and_rest(group, whole, share, edge, most, closed)
    corners = []
    for whole_end, group_end in ends:
        fewest = max(least, min(most, _needed(table, edge, whole_end, group_end, closed)))
        corners += [Corner(whole_end, group_end, n) for n in (fewest, most if edge else fewest) if n < math.inf]
    return Market(table, closed, unit, edge, list(dict.fromkeys(corners)), bool(edge) and most == math.inf)


def pools(market: Market, corner: Corner) -> list[Pool]:
    """The firms by the sums that are known of them, those of the highest bands first.

    Every band with a total of its own is a pool, the other bands are one, the remaining firms are one; where no total
    of the bands is known, the last two are one.
    """
    own = [band for band in market.bands if not math.isnan(band.total)]
    others = [band for band in market.bands if math.isnan(band.total)]
    left = math.fsum(band.total for band in own)
    more = " without a band total" if own else ""
    found = [Pool(f"band {name(band, market.closed)}", [band], band.total) for band in own]
    rest = [Band(0.0, market.edge, corner.rest)] if corner.rest else []
    if math.isnan(corner.group):
        return [*found, Pool(f"all firms{more}", rest + others, corner.total - left)]
    found += [Pool(f"listed firms{more}", others, corner.group - left)] if others else []
    return found + ([Pool("remaining firms", rest, max(0.0, corner.total - corner.group))] if rest else [])


def name(band: Band, closed: str) -> str:
    """A band as intervals are written.

    >>> name(Band(100, math.inf, 2), "left"), name(Band(30, 50, 7), "right")
    ('[100, inf)', '(30, 50]')
    """
    first, last = BRACKETS[closed]
    return f"{first}{band.lo:.10g}, {band.hi:.10g}{')' if band.hi == math.inf else last}"


def fit(pool: Pool, low: float, high: float, closed: str, code: str) -> tuple[float, float]:
    """The part of `low` to `high` that the firms of a pool can hold together; BandError `code`_low or _high if none."""
    need, room = (math.fsum(band.n * band[end] for band in pool.bands if band.n and band[end]) for end in (0, 1))
    text = " + ".join(f"{band.n:,.0f} x {name(band, closed)}" for band in pool.bands)
    under, over = need - NEAR * abs(need), room + NEAR * abs(room)
    point = need == room
    if high < under or (closed == "right" and not point and high <= need):
        raise BandError(
            f"{code}_low", f"{pool.name}: {text} need at least {need:.10g}, but only {high:.6g} is available"
        )
    if low > over or (closed == "left" and not point and low >= room):
        ends = "at most" if closed != "left" or point else "less than"
        raise BandError(f"{code}_high", f"{pool.name}: {text} hold {ends} {room:.10g}, but {low:.6g} is to be held")
    return min(max(low, need), room), max(min(high, room), need)


def _bands(bands: pd.DataFrame | Iterable[dict], closed: str) -> list[Band]:
    frame = pd.DataFrame(bands if isinstance(bands, pd.DataFrame) else list(bands))
    if frame.empty:
        raise BandError("no_firms", "there are no bands; give lo, hi and n of each")
    if missing := [column for column in ("lo", "hi", "n") if column not in frame]:
        raise BandError(
            "bad_edges", f"bands have no {' and '.join(missing)}; found {', '.join(map(str, frame.columns))}"
        )
    numbers = frame.reindex(columns=Band._fields).apply(pd.to_numeric, errors="coerce").astype(float)
    written = frame.reindex(columns=Band._fields)
    lost = (numbers.isna() & written.notna() & (written != "")).to_dict("records")
    table = [Band(*row)._replace(hi=math.inf if math.isnan(row[1]) else row[1]) for row in numbers.to_numpy().tolist()]
    faults = []
    for band, bad, said in zip(table, lost, written.to_dict("records"), strict=True):
        text = name(band, closed)
        if bad["lo"] or bad["hi"] or math.isnan(band.lo) or math.isinf(band.lo) or band.lo < 0 or band.hi < band.lo:
            faults.append(("bad_edges", f"band lo {said['lo']}, hi {said['hi']}: write numbers with 0 <= lo < hi"))
        elif not band.n >= 0 or band.n % 1:
            why = "; a negative one means that cumulative counts disagree" if band.n < 0 else ""
            faults.append(("bad_count", f"band {text}: found {said['n']} firms; write a whole number from 0{why}"))
        elif bad["total"] or band.total < 0 or math.isinf(band.total):
            faults.append(
                ("bad_total", f"band {text}: its total is {said['total']}; write a number from 0 or leave it out")
            )
    if faults:
        raise BandError(faults[0][0], "; ".join(text for _, text in faults))
    table.sort(key=lambda band: (band.lo, band.hi))
    _check_order(table, closed)
    return table


def _check_order(table: list[Band], closed: str) -> None:
    faults = []
    for lower, upper in pairwise(table):
        pair = f"{name(lower, closed)} and {name(upper, closed)}"
        if lower.hi == math.inf and upper.hi == math.inf:
            faults.append(("open_not_top", f"only the top band may be open; found {pair}"))
        elif upper.lo < lower.hi or (upper.lo, upper.hi) == (lower.lo, lower.hi):
            code = "open_not_top" if lower.hi == math.inf else "overlap"
            more = (
                "only the top band may be open" if lower.hi == math.inf else "subtract nested 'of which' counts first"
            )
            faults.append((code, f"bands overlap: {pair}; a firm must belong to one band ({more})"))
    if faults:
        raise BandError(faults[0][0], "; ".join(text for _, text in faults))
    if not sum(band.n for band in table):
        raise BandError("no_firms", "no band has a firm in it")


def _on_grid(table: list[Band], closed: str, unit: float, sums: list) -> list[Band]:
    if not isinstance(unit, Real) or not 0 < unit < math.inf:
        raise BandError("bad_unit", f"unit: found {unit!r}; write a positive number, such as 1")
    sums = [*(s for s in sums if s is not None), *(band.total for band in table if not math.isnan(band.total))]
    off = [s for s in sums if isinstance(s, tuple | list) or abs(s / unit - round(s / unit)) > NEAR * max(1, s / unit)]
    if off:
        text = ", ".join(map(str, off))
        raise BandError("off_grid", f"sizes are whole multiples of {unit:g}, so sums are too; found {text}")
    snapped = []
    for band in table:
        low, high = math.ceil(band.lo / unit - NEAR) * unit, math.inf
        if band.hi < math.inf:
            high = math.floor(band.hi / unit + NEAR) * unit
        if band.lo < band.hi:
            low += unit if closed == "right" and abs(low - band.lo) <= NEAR * unit else 0
            high -= unit if closed == "left" and abs(high - band.hi) <= NEAR * unit else 0
        if high < low - NEAR * unit:
            raise BandError("empty_band", f"band {name(band, closed)} has no multiple of {unit:g} in it")
        snapped.append(band._replace(lo=float(low), hi=float(high)))
    return snapped


def _range(value: object, what: str, code: str) -> tuple[float, float] | None:
    """A number or a range of numbers as a range; every end positive, shares at most 1."""
    if value is None:
        return None
    ends = tuple(value) if isinstance(value, tuple | list) else (value, value)
    good = len(ends) == 2 and all(isinstance(end, Real) and not isinstance(end, bool) for end in ends)
    if good and 0 < ends[0] <= ends[1] < math.inf and (code != "bad_share" or ends[1] <= 1):
        return float(ends[0]), float(ends[1])
    if code == "bad_share":
        hint = "; divide the percentage by 100" if good and ends[1] > 1 else ""
        raise BandError(code, f"{what} must be a fraction in (0, 1], found {value}{hint}")
    raise BandError(code, f"{what}: found {value}; write a positive number or a range (low, high) of them")


def _group(table, group, whole, share, closed) -> tuple[float, float] | None:
    """What all bands hold together, as far as their firms can hold it; None where nothing says."""
    own, others = ([b for b in table if math.isnan(b.total) == blank] for blank in (False, True))
    added = math.fsum(band.total for band in own)
    if group is None and share and whole:
        group, share = (whole[0] * share[0], whole[1] * share[1]), None
    if group and (added > group[1] * (1 + NEAR) or (not others and added < group[0] * (1 - NEAR))):
        word = "exceed" if added > group[1] else "are less than"
        said = f"{group[0]:.10g}" if group[0] == group[1] else f"{group[0]:.10g} to {group[1]:.10g}"
        raise BandError("band_totals_mismatch", f"band totals add up to {added:.10g} and {word} group_total {said}")
    if not others:
        group = added, added
    elif group:
        pool = Pool(f"listed firms{' without a band total' if own else ''}", others, math.nan)
        low, high = fit(pool, max(0.0, group[0] - added), group[1] - added, closed, "group")
        group = low + added, high + added
    if group and whole and group[0] > whole[1] * (1 + NEAR):
        raise BandError("group_exceeds_total", f"group_total {group[0]:.10g} is more than total {whole[1]:.10g}")
    if group and whole:
        group = min(group[0], whole[1]), min(group[1], whole[1])
    if group and whole and share:
        _check_share(group, whole, share)
    return group


def _check_share(group, whole, share) -> None:
    """The stated share must agree with the sums within half a unit of its last decimal (at least one of a percent)."""
    decimals = [max(2, len(f"{end:.12f}".rstrip("0").partition(".")[2])) for end in share]
    half = [10.0**-d / 2 if share[0] == share[1] else 0.0 for d in decimals]
    if group[0] / whole[1] > share[1] + half[1] + NEAR or group[1] / whole[0] < share[0] - half[0] - NEAR:
        found, said = group[0] / whole[0], share[0]
        raise BandError(
            "share_conflict",
            f"group_total / total = {found:.4%}, but group_share says {said:.4%} "
            f"(which implies total = {group[0] / said:.6g}); choose one",
        )


def _number_of_rest(n_rest: object, *, alone: bool, grouped: bool) -> tuple[float, float]:
    """Least and most remaining firms; not given, it is any number, or none where the bands are all there is."""
    if n_rest is None and not grouped:
        raise BandError(
            "missing_rest",
            "without group_total the listed and the remaining firms share one sum, so n_rest is needed: "
            "0 where the bands hold all firms, (0, inf) where it is not known",
        )
    if n_rest is None:
        return 0.0, 0.0 if alone else math.inf
    ends = list(n_rest) if isinstance(n_rest, tuple | list) else [n_rest, n_rest]
    ends = [math.inf if end is None and place else end for place, end in enumerate(ends)]
    good = len(ends) == 2 and all(isinstance(end, Real) and not isinstance(end, bool) for end in ends)
    if not good or not 0 <= ends[0] <= ends[1] or ends[0] == math.inf or any(e % 1 for e in ends if e < math.inf):
        raise BandError("bad_count", f"n_rest: found {n_rest}; write a whole number from 0 or a range (least, most)")
    return float(ends[0]), float(ends[1])


def _listed_and_rest(group, whole, share, edge, most, closed) -> list[tuple[float, float]]:
    """Corners (total, group) that leave the remaining firms a sum they can hold."""
    room = most * edge if edge else 0.0
    if whole and group[0] < whole[0] - room <= group[1]:
        group = whole[0] - room, group[1]
    ends, faults = [], []
    for held in dict.fromkeys(group):
        low, high = whole or ((held / share[1], held / share[0]) if share else (held, held))
        left = max(0.0, low - held)
        if left > NEAR * low and (left > room * (1 + NEAR) or (closed == "left" and low == high and left >= room)):
            faults.append(_too_few(left, most, edge, closed))
        else:
            ends += [(max(low, held), held), (min(max(high, held), held + room), held)]
    if not ends:
        raise faults[0]
    return list(dict.fromkeys(ends))


def _too_few(left: float, most: float, edge: float, closed: str) -> BandError:
    if not edge:
        return BandError(
            "rest_no_room",
            f"{left:.6g} remains outside the bands, but the lowest band starts at 0: no firm can hold it",
        )
    needed = _at_least(left, edge, closed)
    text = f"{left:.6g} remains outside the bands; {most:g} firm(s) each below {edge:g} cannot hold it"
    return BandError("rest_too_few", f"{text} (at least {needed:g} needed)")


def _all_firms(table, edge, most, closed, low, high) -> list[tuple[float, float]]:
    """Corners (total, NaN) where no total of the bands is known: listed and remaining firms share what is left."""
    added = math.fsum(band.total for band in table if not math.isnan(band.total))
    others = [band for band in table if math.isnan(band.total)]
    others += [Band(0.0, edge, most)] if most and edge else []
    low, high = fit(Pool("all firms", others, math.nan), max(0.0, low - added), high - added, closed, "group")
    return [(end + added, math.nan) for end in dict.fromkeys((low, high))]


def _needed(table, edge, whole, group, closed) -> float:
    """The fewest remaining firms that can hold what the bands leave them."""
    if math.isnan(group):
        group = math.fsum(band.n * band.hi if math.isnan(band.total) else band.total for band in table)
    left = whole - group
    return _at_least(left, edge, closed) if left > NEAR * whole and edge else 0.0


def _at_least(left: float, edge: float, closed: str) -> float:
    ratio = left / edge
    return math.floor(ratio + NEAR) + 1.0 if closed == "left" else math.ceil(ratio - NEAR) * 1.0
