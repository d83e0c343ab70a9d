"""Size bands of firms and what was published beside them, checked: which sums are known, and which firms share them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import accumulate
from numbers import Real
from typing import Any, NamedTuple

import pandas as pd

NEAR = 1e-9  # two sums closer than this part of themselves are the same
LAST = 1e-12  # the same, where only the last digits of a computed sum may differ
BRACKETS = {"left": ("[", ")"), "right": ("(", "]"), "both": ("[", "]")}
Range = tuple[float, float]


class BandError(ValueError):
    """A table of size bands that cannot be read or cannot be true; `code` names the reason and does not change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Band(NamedTuple):
    """`n` firms of a size from `lo` to `hi` (infinite: open); `total` is what they hold together, NaN where unknown.

    `outside` marks the firms below the lowest band: they may hold nothing.
    """

    lo: float
    hi: float
    n: float
    total: float = math.nan
    outside: bool = False


class Pool(NamedTuple):
    """Firms with one known sum: their bands, lowest first, and what they hold together."""

    name: str
    bands: list[Band]
    held: float


class Corner(NamedTuple):
    """One value for each number that may be a range; `group` is NaN where no sum of all bands is known."""

    total: float
    group: float
    rest: float


class Market(NamedTuple):
    """A checked table: bands, lowest first, and ranges of the total, the sum of all bands and the firms outside them.

    `edge` is the most that a firm outside can hold, NaN where there can be none. `share` is kept where it says more
    than total and group do.
    """

    bands: list[Band]
    closed: str
    unit: float | None
    edge: float
    total: Range
    group: Range | None
    share: Range | None
    rest: Range

    @property
    def listed(self) -> Range:
        """What the firms of all bands hold together, as far as sums and edges tell."""
        _, others, added = split(self.bands)
        least, most = limits(others)
        return self.group or (added + least, added + most)

    def room(self, rest: float) -> float:
        """The most that so many firms outside the bands can hold."""
        return rest * self.edge if rest and self.edge > 0 else 0.0

    def needed(self, left: float) -> float:
        """The fewest firms outside the bands that can hold what is left to them; 0 where none can hold anything."""
        if not self.edge > 0:
            return 0.0
        ratio = left / self.edge
        return math.floor(ratio + NEAR) + 1.0 if self.closed == "left" else math.ceil(ratio - NEAR) * 1.0


def read_market(
    bands: pd.DataFrame | Iterable[dict[str, Any]],
    *,
    total: float | Range | None = None,
    group_total: float | Range | None = None,
    group_share: float | Range | None = None,
    n_rest: float | Range | None = None,
    closed: str = "left",
    unit: float | None = None,
) -> Market:
    """Check size bands and the sums published beside them; raise BandError with the code of the first kind of fault.

    >>> market = read_market([{"lo": 100, "hi": None, "n": 2}], group_total=300, n_rest=0)
    >>> market.total, market.group, market.rest
    ((300.0, 300.0), (300.0, 300.0), (0.0, 0.0))
    """
    if closed not in list(BRACKETS):
        raise BandError("bad_closed", f"closed: found {closed!r}; write left ([lo, hi)), right ((lo, hi]) or both")
    table = _bands(bands, closed)
    whole, share = _range(total, "total", "bad_total"), _range(group_share, "group_share", "bad_share")
    group = _range(group_total, "group_total", "bad_total")
    edge = table[0].lo or math.nan
    table = [band for band in table if band.n or band.total > 0]
    if unit is not None:
        table, edge = _on_grid(table, edge, closed, unit)
        closed = "both"
    totals = [Pool(f"band {name(band, closed)} total", [band], band.total) for band in split(table)[0]]
    _raise([fault for pool in totals for fault in _misfit(pool, pool.held, closed, "band_total")])
    rest = _number_of_rest(n_rest, edge, alone=whole is None and share is None)
    whole, group, share = _sums(table, whole, group, share, closed)
    if group is None and n_rest is None:
        raise BandError(
            "missing_rest",
            "without group_total the listed and the remaining firms share one sum, so n_rest is needed: "
            "0 where the bands hold all firms, (0, inf) where it is not known",
        )
    market = _clipped(Market(table, closed, unit, edge, whole, group, share, rest))
    if unit is not None:
        _check_grid([market.total, market.group or market.total, *((b.total,) * 2 for b in split(table)[0])], unit)
    return market


def pools(market: Market, corner: Corner) -> list[Pool]:
    """The firms by the sums that are known of them.

    Every band with a total of its own is a pool, the other bands are one, the remaining firms are one; where no sum of
    all bands is known, the last two are one.
    """
    own, others, added = split(market.bands)
    left = " without a band total" if own else ""
    found = [Pool(f"band {name(band, market.closed)}", [band], band.total) for band in own]
    rest = [Band(0.0, market.edge, corner.rest, outside=True)] if corner.rest else []
    if math.isnan(corner.group):
        return [*found, Pool(f"all firms{left}", rest + others, corner.total - added)]
    found += [Pool(f"listed firms{left}", others, corner.group - added)] if others else []
    return found + ([Pool("remaining firms", rest, max(0.0, corner.total - corner.group))] if rest else [])


def name(band: Band, closed: str) -> str:
    """A band as intervals are written.

    >>> name(Band(100, math.inf, 2), "left"), name(Band(30, 50, 7), "right")
    ('[100, inf)', '(30, 50]')
    """
    first, last = BRACKETS[closed]
    return f"{first}{band.lo:.10g}, {band.hi:.10g}{')' if band.hi == math.inf else last}"


def barred(band: Band, closed: str) -> float:
    """The edge of a band that no firm can sit on; NaN where both belong to it."""
    if band.lo == band.hi or closed == "both" or (closed == "right" and band.outside):
        return math.nan
    return band.hi if closed == "left" else band.lo


def limits(bands: list[Band]) -> Range:
    """The least and the most that the firms of some bands can hold together, edges included.

    >>> limits([Band(10, 30, 2), Band(100, math.inf, 1)])
    (120.0, inf)
    """
    return math.fsum(b.n * b.lo for b in bands if b.n and b.lo), math.fsum(b.n * b.hi for b in bands if b.n and b.hi)


def split(bands: list[Band]) -> tuple[list[Band], list[Band], float]:
    """Bands with a total of their own, the others, and the sum of those totals."""
    own = [band for band in bands if not math.isnan(band.total)]
    return own, [band for band in bands if math.isnan(band.total)], math.fsum(band.total for band in own)


def strained(pool: Pool, closed: str) -> bool:
    """Whether the firms could hold their sum only by all sitting on edges that do not belong to their bands."""
    least, most = limits(pool.bands)
    at_edge = pool.held >= most * (1 - LAST) if closed == "left" else pool.held <= least * (1 + LAST)
    return at_edge and any(not math.isnan(barred(band, closed)) for band in pool.bands)


def _text(value: float) -> str:
    return f"{value:.15g}" if value % 1 == 0 or abs(value) >= 1e5 else f"{value:.6g}"


def _bands(bands: pd.DataFrame | Iterable[dict[str, Any]], closed: str) -> list[Band]:
    try:
        frame = pd.DataFrame(bands if isinstance(bands, pd.DataFrame) else list(bands))
    except TypeError:
        raise BandError("no_firms", f"there are no bands in {bands!r}; give lo, hi and n of each") from None
    if frame.empty:
        raise BandError("no_firms", "there are no bands; give lo, hi and n of each")
    columns = ["lo", "hi", "n", "total"]
    missing = [column for column in columns[:3] if column not in frame]
    if missing or frame.columns.duplicated().any():
        found = ", ".join(map(str, frame.columns))
        said = f"bands have no {' and '.join(missing)}" if missing else "bands"
        raise BandError("bad_edges", f"{said}; found {found}; lo, hi and n are needed, each once")
    written = frame.reindex(columns=columns)
    numbers = written.apply(pd.to_numeric, errors="coerce").astype(float)
    lost = (numbers.isna() & written.notna() & (written != "")).to_dict("records")
    table, faults = [], []
    rows = numbers.fillna({"hi": math.inf}).to_numpy().tolist()
    for row, bad, said in zip(rows, lost, written.to_dict("records"), strict=True):
        band = Band(*row)
        table.append(band)
        if bad["lo"] or bad["hi"] or not 0 <= band.lo <= band.hi or band.lo == math.inf:
            faults.append(("bad_edges", f"band lo {said['lo']}, hi {said['hi']}: write numbers with 0 <= lo <= hi"))
        elif bad["n"] or not band.n >= 0 or band.n % 1:
            why = "; a negative number means that cumulative counts disagree" if band.n < 0 else ""
            faults.append(
                ("bad_count", f"band {name(band, closed)}: found {said['n']} firms; write a whole number from 0{why}")
            )
        elif bad["total"] or band.total < 0 or math.isinf(band.total):
            text = f"its total is {said['total']}; write a number from 0 or leave it out"
            faults.append(("bad_total", f"band {name(band, closed)}: {text}"))
    _raise(faults or _overlaps(sorted(table), closed))
    if not sum(band.n for band in table):
        raise BandError("no_firms", "no band has a firm in it")
    return sorted(table)


def _overlaps(table: list[Band], closed: str) -> list[tuple[str, str]]:
    """A fault for each band that begins before the bands below it end."""
    faults: list[tuple[str, str]] = []
    reach: Iterator[Band] = accumulate(table, lambda a, b: a if a.hi > b.hi else b)
    for lower, upper in zip(reach, table[1:], strict=False):
        if upper.lo < lower.hi or upper[:2] == lower[:2]:
            pair = f"{name(lower, closed)} and {name(upper, closed)}"
            if lower.hi == math.inf:
                faults.append(("open_not_top", f"only the top band may be open; found {pair}"))
            else:
                text = (
                    f"bands overlap: {pair}; a firm must belong to one band (subtract nested 'of which' counts first)"
                )
                faults.append(("overlap", text))
    return faults


def _raise(faults: list[tuple[str, str]]) -> None:
    if faults:
        raise BandError(faults[0][0], "; ".join(text for _, text in faults))


def _misfit(pool: Pool, high: float, closed: str, code: str) -> list[tuple[str, str]]:
    """The fault, `code`_low or _high, of firms that can hold nothing from `pool.held` to `high`."""
    least, most = limits(pool.bands)
    text = " + ".join(f"{band.n:.15g} x {name(band, closed)}" for band in pool.bands)
    if high < least * (1 - NEAR) or (closed == "right" and strained(pool._replace(held=high), closed)):
        said = f"need at least {_text(least)}, but only {_text(high)} is available"
        return [(f"{code}_low", f"{pool.name}: {text} {said}")]
    if pool.held > most * (1 + NEAR) or (closed == "left" and strained(pool, closed)):
        ends = "less than" if any(barred(band, closed) == band.hi for band in pool.bands if band.n) else "at most"
        said = f"hold {ends} {_text(most)}, but {_text(pool.held)} is to be held"
        return [(f"{code}_high", f"{pool.name}: {text} {said}")]
    return []


def _fit(pool: Pool, high: float, closed: str) -> Range:
    """The part of `pool.held` to `high` that the firms can hold."""
    _raise(_misfit(pool, high, closed, "group"))
    least, most = limits(pool.bands)
    return min(max(pool.held, least), most), max(min(high, most), least)


def _on_grid(table: list[Band], edge: float, closed: str, unit: float) -> tuple[list[Band], float]:
    """Bands with their edges moved to the outermost multiples of the unit that belong to them, and the edge below."""
    if not isinstance(unit, Real) or isinstance(unit, bool) or not 0 < unit < math.inf:
        raise BandError("bad_unit", f"unit: found {unit!r}; write a positive number, such as 1")
    snapped, faults = [], []
    for band in table:
        low, high = math.ceil(band.lo / unit - NEAR), band.hi / unit
        high = math.floor(high + NEAR) if high < math.inf else high
        if band.lo < band.hi:
            low += closed == "right" and abs(low * unit - band.lo) <= NEAR * unit
            high -= closed == "left" and abs(high * unit - band.hi) <= NEAR * unit
        if high < low:
            faults.append(("empty_band", f"band {name(band, closed)} has no multiple of {unit:g} in it"))
        snapped.append(band._replace(lo=low * unit * 1.0, hi=high * unit * 1.0))
    _raise(faults)
    if edge > 0:
        edge = (math.ceil(edge / unit - NEAR) - 1) * unit if closed == "left" else math.floor(edge / unit + NEAR) * unit
    return snapped, edge


def _check_grid(sums: list[Range], unit: float) -> None:
    off = [_text(a) for a, b in dict.fromkeys(sums) if a == b and abs(a / unit - round(a / unit)) > 1e-6]
    off += [f"the range {_text(a)} to {_text(b)}" for a, b in dict.fromkeys(sums) if a < b]
    if off:
        text = f"sizes are whole multiples of {unit:g}, so every sum must be one number that is one"
        raise BandError("off_grid", f"{text}; found {', '.join(off)}")


def _range(value: Any, what: str, code: str) -> Range | None:
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


def _number_of_rest(n_rest: Any, edge: float, *, alone: bool) -> Range:
    """Least and most remaining firms; not given, it is any number, or none where the bands are all there is."""
    if n_rest is None:
        return 0.0, 0.0 if alone or math.isnan(edge) else math.inf
    ends = list(n_rest) if isinstance(n_rest, tuple | list) else [0 if n_rest == math.inf else n_rest, n_rest]
    ends = [math.inf if end is None and place else end for place, end in enumerate(ends)]
    good = len(ends) == 2 and all(isinstance(end, Real) and not isinstance(end, bool) for end in ends)
    if not good or not 0 <= ends[0] <= ends[1] or ends[0] == math.inf or any(e % 1 for e in ends if e < math.inf):
        raise BandError("bad_count", f"n_rest: found {n_rest}; write a whole number from 0 or a range (least, most)")
    if ends[0] and math.isnan(edge):
        raise BandError("rest_no_room", f"the lowest band starts at 0, so no firm is below it; n_rest is {n_rest}")
    return float(ends[0]), 0.0 if math.isnan(edge) else float(ends[1])


def _sums(
    table: list[Band], whole: Range | None, group: Range | None, share: Range | None, closed: str
) -> tuple[Range, Range | None, Range | None]:
    """Ranges of the total and of the sum of all bands, and of the share where it says more than they do."""
    own, others, added = split(table)
    if group is None and share and whole:
        group = whole[0] * share[0], whole[1] * share[1]
    elif group and whole and share:
        _check_share(group, whole, share)
        share = share if share[0] < share[1] else None
    if group and (added > group[1] * (1 + NEAR) or (not others and added < group[0] * (1 - NEAR))):
        said = " to ".join(map(_text, dict.fromkeys(group)))
        word = "exceed" if added > group[1] else "are less than"
        raise BandError("band_totals_mismatch", f"band totals add up to {_text(added)} and {word} group_total {said}")
    if not others:
        group = added, added
    elif group:
        pool = Pool(f"listed firms{' without a band total' if own else ''}", others, max(0.0, group[0] - added))
        low, high = _fit(pool, group[1] - added, closed)
        group = low + added, high + added
    if whole is None:
        if group is None:
            text = "no total is given; give total, or group_total (with group_share, if published)"
            raise BandError("missing_total", text)
        whole = (group[0] / share[1], group[1] / share[0]) if share else group
    if not whole[1] > 0:
        raise BandError("bad_total", "the firms hold 0 together, so there are no shares")
    return whole, group, share


def _check_share(group: Range, whole: Range, share: Range) -> None:
    """The stated share must agree with the sums within half a unit of its last decimal (at least one of a percent)."""
    decimals = max(2, len(f"{share[0]:.12f}".rstrip("0").partition(".")[2]))
    half = NEAR + (10.0**-decimals / 2 if share[0] == share[1] else 0.0)
    if group[0] / whole[1] > share[1] + half or group[1] / whole[0] < share[0] - half:
        raise BandError(
            "share_conflict",
            f"group_total / total = {group[0] / whole[0]:.4%}, but group_share says {share[0]:.4%} "
            f"(which implies total = {_text(group[0] / share[0])}); choose one",
        )


def _clipped(market: Market) -> Market:
    """The market with the parts of its ranges that can be true together; BandError where there are none."""
    (low, high), most, edge = market.total, market.rest[1], market.edge
    room = market.room(most)
    if market.group is None:
        _, others, added = split(market.bands)
        others = [*others, *([Band(0.0, edge, most, outside=True)] if most else [])]
        ends = _fit(Pool("all firms", others, max(0.0, low - added)), high - added, market.closed)
        return market._replace(total=(ends[0] + added, ends[1] + added))
    first, last = market.group
    if first > high * (1 + NEAR):
        raise BandError("group_exceeds_total", f"group_total {_text(first)} is more than total {_text(high)}")
    part = 1 - market.share[1] if market.share else 0.0  # of every total is left to the remaining firms
    left = max(low - last, low * part, first * part / (1 - part))
    left = left if left > NEAR * low else 0.0
    if left and not edge > 0:
        why = "the lowest band starts at 0" if math.isnan(edge) else "no firm below them can hold anything"
        raise BandError("rest_no_room", f"{_text(left)} remains outside the bands, but {why}: no firm can hold it")
    if left and market.needed(left) > most:
        text = f"{_text(left)} remains outside the bands; {most:.15g} firm(s) each below {_text(edge)} cannot hold it"
        raise BandError("rest_too_few", f"{text} (at least {market.needed(left):.15g} needed)")
    if part:
        last, high = min(last, room * (1 - part) / part), min(high, room / part)
    first, last = max(first, low - room), min(last, high)
    low, high = max(low, first), min(high, last + room)
    # ends that differ by the last digits of a computed sum are one number
    first, low = (a if b - a > LAST * b else b for a, b in ((first, last), (low, high)))
    return market._replace(group=(first, last), total=(low, high))
