"""From published figures to estimates: what each cell can be, which figures do not fit, and what nobody published.

The method is that of the package: every published number is an interval, every definition a constraint. Infeasibility
proves a contradiction; which figure is wrong is the simplest explanation, the lightest set of figures without which
the rest holds together.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from hzso_analysis.constraints import (
    Bounds,
    Cell,
    Constraint,
    build_constraints,
    connected,
    is_hidden,
    is_level,
    printed_levels,
    reached,
    solve_for,
    suppressed_cells,
)
from hzso_analysis.figures import completed, distinct
from hzso_analysis.solver import ZERO, System
from hzso_analysis.vocabulary import SUPPRESSED

CELL = list(Cell._fields)
Terms = Mapping[Cell, float]


@dataclass
class Part:
    """A connected system with its answer: the smallest sets of figures that do not fit; `complete` if these are all."""

    cells: list[Cell]
    constraints: list[Constraint]
    weights: dict[int, float]
    sets: list[frozenset[int]]
    complete: bool

    @functools.cached_property
    def system(self) -> System:
        """The linear program, built when it is first asked."""
        return System(self.cells, self.constraints, self.weights)

    @functools.cached_property
    def counting(self) -> System:
        """The same where every figure weighs one, whoever printed it."""
        return System(self.cells, self.constraints, dict.fromkeys(self.weights, 1.0))

    def __getstate__(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def removals(self) -> list[frozenset[int]]:
        """The sets to be left out in turn; past the most that are listed, all of their figures together.

        One of the sets comes along, so that a cell shows where they differ.
        """
        return self.sets if self.complete else [frozenset().union(*self.sets), self.sets[0]]

    def remainders(self) -> Iterator[System]:
        """The system without each of the removals in turn; it is the same one, so use it before the next is asked."""
        return (self.system.without(off) for off in self.removals)

    def bounds(self, terms: Terms) -> tuple[float, float]:
        """Bounds of a sum of levels that hold whichever removal is right."""
        return hull(system.bounds(terms) for system in self.remainders())

    def moved(self, cell: Cell, options: list[frozenset[int]]) -> bool:
        """Whether it matters to a cell which of these options is wrong, beside what else the first set leaves out."""
        rest = self.sets[0] - frozenset().union(*options)
        found = {_ends(self.system.without(rest | option), cell) for option in options}
        return len(found) > 1


@dataclass(frozen=True)
class Reconciliation:
    """Figures and what follows from them.

    `figures`: the rows that went in, without suppressed ones. `estimates`: a row per cell with `low`, `high`, `status`.
    `suspects`: figures in every smallest set, with `low`, `high` of what the rest implies (in the unit of the row),
    `misses_by` in half-widths and `kind`. `alternatives`: all smallest sets where there are several, a row per figure.
    `constraints`: every constraint with what the printed levels make of it and its `gap`, 0 within rounding.
    """

    figures: pd.DataFrame
    estimates: pd.DataFrame
    suspects: pd.DataFrame
    alternatives: pd.DataFrame
    constraints: pd.DataFrame
    parts: list[Part] = field(repr=False)
    witness_rows: dict[int, list[int]] = field(repr=False)

    def __getstate__(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}  # look-ups are soon made again

    @functools.cached_property
    def known(self) -> dict[tuple[str, int, str, str, str], list[tuple[Cell, float, float, str]]]:
        """What is known of each (area, year, indicator, flow, category): cell, low, high and status, as estimated."""
        found = defaultdict(list)
        columns = (self.estimates[name].tolist() for name in [*CELL, "low", "high", "status"])
        for *key, low, high, status in zip(*columns, strict=True):
            if status != "unknown" and (status != "suppressed" or low > 0 or high < math.inf):
                cell = Cell(*key)
                place = (cell.area, cell.year, cell.indicator, cell.flow, cell.category)
                found[place].append((cell, low, high, status))
        return dict(found)

    @functools.cached_property
    def _told(self) -> dict[object, Any]:
        """What was looked up before: a chapter asks hundreds of times, and for the same share again and again."""
        return {}

    @functools.cached_property
    def _home(self) -> dict[Cell, Part]:
        return {cell: part for part in self.parts for cell in part.cells}

    def printed(self, **key: object) -> pd.DataFrame:
        """The rows of `figures` that have these values in these columns."""
        names, values = tuple(key), tuple(key.values())
        if names not in self._told:
            places = self._told[names] = defaultdict(list)
            for place, found in enumerate(zip(*(self.figures[name].tolist() for name in names), strict=True)):
                places[found].append(place)
        if (names, values) not in self._told:
            self._told[names, values] = self.figures.take(self._told[names].get(values, []))
        rows: pd.DataFrame = self._told[names, values].copy()
        return rows

    def behind(self, cell: Cell) -> pd.DataFrame:
        """The rows of `figures` that the estimate of a cell follows from where it is not printed."""
        if ("behind", cell) not in self._told:
            systems = self._home[cell].remainders() if cell in self._home else ()
            figures = frozenset().union(*(system.grounds(cell) for system in systems))
            rows = sorted(row for figure in figures for row in self.witness_rows[figure])
            self._told["behind", cell] = self.figures.loc[rows]
        found: pd.DataFrame = self._told["behind", cell].copy()
        return found

    def ratio(self, numerator: Cell | Terms, denominator: Cell | Terms) -> tuple[float, float]:
        """Bounds of the quotient of two cells, or of two sums (cell -> factor); NaN where a cell is not known.

        Sharp, except where one system feeds both sums while another takes part too: then they hold but can be wider.
        """
        both = (numerator, denominator)
        sums = [dict(terms) if isinstance(terms, Mapping) else {Cell(*terms): 1.0} for terms in both]
        asked = tuple(tuple(terms.items()) for terms in sums)
        if asked not in self._told:
            self._told[asked] = self._ratio(*sums)
        low, high = self._told[asked]
        return low, high

    def _ratio(self, *sums: dict[Cell, float]) -> tuple[float, float]:
        home = self._home
        if not all(cell in home for terms in sums for cell in terms):
            return math.nan, math.nan
        homes = {id(home[cell]): home[cell] for terms in sums for cell in terms}
        if len(homes) == 1:
            part = next(iter(homes.values()))
            return hull(system.ratio(*sums) for system in part.remainders())
        (low, high), (base_low, base_high) = (self._sum(terms, home) for terms in sums)
        least = _quotient(low, base_high if low >= 0 else base_low)
        return least, _quotient(high, base_low if high >= 0 else base_high)

    def _sum(self, terms: Terms, home: dict[Cell, Part]) -> tuple[float, float]:
        """Bounds of a sum over independent systems: the sum of their bounds."""
        ends = [0.0, 0.0]
        for part in {id(home[cell]): home[cell] for cell in terms}.values():
            own = {cell: factor for cell, factor in terms.items() if home[cell] is part}
            low, high = part.bounds(own)
            ends = [ends[0] + low, ends[1] + high]
        return 0.0 if abs(ends[0]) < ZERO else ends[0], 0.0 if abs(ends[1]) < ZERO else ends[1]

    def instead(self, row: int) -> float:
        """How many other figures at least would have to be wrong if this suspect were right; infinite where it cannot.

        `row` is its index in `figures`. Those that are wrong anyway do not count, nor does the weight of sources.
        """
        if ("instead", row) not in self._told:
            figure = next(number for number, rows in self.witness_rows.items() if row in rows)
            part = next(part for part in self.parts if figure in part.weights)
            self._told["instead", row] = part.counting.instead(figure)
        found: float = self._told["instead", row]
        return found

    def explain(self, cell: tuple[str, int, str, str, str, str, str]) -> pd.DataFrame:
        """The figures that touch a cell and what each alone, with the printed level of its partner, implies for it.

        Columns: `figure` (index in `figures`), `low`, `high`, `agrees` (whether that reaches the estimate). Partners
        whose own printed level is in doubt bound nothing.
        """
        cell = Cell(*cell)
        part = next((part for part in self.parts if cell in part.cells), None)
        if part is None:
            return pd.DataFrame(columns=["figure", "low", "high", "agrees"])
        levels = printed_levels(part.constraints, without=frozenset().union(*part.sets))
        low, high = part.bounds({cell: 1.0})
        rows: dict[int, tuple[float, float]] = {}
        for constraint in part.constraints:
            if constraint.figure >= 0 and constraint.terms.get(cell):
                known, implied = rows.get(constraint.figure, (0.0, math.inf)), solve_for(cell, constraint, levels)
                rows[constraint.figure] = max(known[0], implied[0]), min(known[1], implied[1])
        listed = [(row, *ends) for figure, ends in rows.items() for row in self.witness_rows[figure]]
        frame = pd.DataFrame(listed, columns=["figure", "low", "high"])
        agrees = (frame["low"] <= high * (1 + 1e-9)) & (frame["high"] >= low * (1 - 1e-9))
        return frame.assign(agrees=agrees).sort_values("figure", ignore_index=True)


def reconcile(figures: pd.DataFrame) -> Reconciliation:
    """Reconcile checked figures of one area or several; see `Reconciliation`.

    Order of the rows and repeated agreeing figures change nothing. The rounding of `estimates` is nine significant
    digits, so that the same figures give the same bytes. Levels are in the normal unit (USD million, person, count).

    >>> from hzso_analysis.figures import load_figures
    >>> reconcile(load_figures("hangzhou")).suspects[["year", "printed", "low", "high"]].round(1).values.tolist()[-1]
    [2011, '1.872 USD billion', 2033.4, 2034.5]
    """
    figures = completed(figures)
    witnesses, members = distinct(figures)
    (cells, constraints), withheld = build_constraints(witnesses), suppressed_cells(witnesses)
    weights = dict(zip(witnesses.index, witnesses["weight"].astype(float), strict=True))
    parts, estimates, suspects, alternatives = [], [], [], []
    for number, piece in enumerate(connected(cells, constraints)):
        part = _solve(*piece, weights)
        estimates += _estimates(part, withheld)
        suspects += _suspects(part, witnesses, members)
        alternatives += _alternatives(number, part, members)
        del part.system  # it takes memory, and few are asked again
        parts.append(part)
    levels = pd.DataFrame(sorted(estimates), columns=[*CELL, "low", "high", "status"])
    misfits = _figure_rows(figures, suspects, ["low", "high", "misses_by", "kind"])
    ties = _figure_rows(figures, alternatives, ["component", "alternative"])
    figures = figures[figures["qualifier"] != SUPPRESSED]
    return Reconciliation(figures, levels, misfits, ties, _gaps(parts, witnesses), parts, members)


def hull(intervals: Iterable[Bounds]) -> Bounds:
    """The smallest interval that covers all of these.

    >>> hull([(1.0, 2.0), (1.5, 4.0)])
    (1.0, 4.0)
    """
    lows, highs = zip(*intervals, strict=True)
    return min(lows), max(highs)


def _quotient(end: float, base: float) -> float:
    if math.isinf(base):
        return 0.0
    return end / base if base else math.copysign(math.inf, end)


def _solve(cells: list[Cell], constraints: list[Constraint], weights: dict[int, float]) -> Part:
    own = {c.figure: weights[c.figure] for c in constraints if c.figure >= 0}
    part = Part(cells, constraints, own, [frozenset()], True)
    if not part.system.consistent():
        part.sets, part.complete = part.system.localise()
    return part


def _estimates(part: Part, withheld: set[Cell]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    common, anywhere = frozenset.intersection(*part.sets), frozenset().union(*part.sets)
    own: dict[Cell, set[int]] = {}
    for constraint in part.constraints:
        if is_level(constraint):
            own.setdefault(next(iter(constraint.terms)), set()).add(constraint.figure)
    bounds: dict[Cell, set[Bounds]] = {cell: set() for cell in part.cells if not is_hidden(cell)}
    for system in part.remainders():
        for cell, found in bounds.items():
            found.add(_ends(system, cell))
    for cell, found in bounds.items():
        low, high = hull(found)
        mine = own.get(cell, set())
        disputed = len(found) > 1 or (not part.complete and bool(mine & anywhere))
        status = "disputed" if disputed else _status(low, high, mine, common, anywhere)
        rows.append((*cell, low, high, "suppressed" if cell in withheld else status))
    return rows


def _status(low: float, high: float, own: set[int], common: frozenset[int], anywhere: frozenset[int]) -> str:
    if own & common:
        return "corrected"
    if own - anywhere:
        return "published"
    if math.isfinite(high) and high - low <= 0.01 * high:
        return "derived"
    return "bounded" if low > 0 or math.isfinite(high) else "unknown"


def _ends(system: System, cell: Cell) -> Bounds:
    low, high = system.bounds({cell: 1.0})
    return _digits(low), _digits(high)


def _digits(value: float) -> float:
    """Nine significant digits; what is zero but for the solver's tolerance is zero.

    Twelve come first, so that the last bits of a solver do not decide which way a half is rounded.
    """
    return max(0.0, _round(float(f"{value:.12g}"))) if abs(value) > ZERO else 0.0


def _suspects(part: Part, witnesses: pd.DataFrame, members: dict[int, list[int]]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for figure in sorted(frozenset.intersection(*part.sets)):
        row = witnesses.loc[figure]
        low, high = hull(_implied(system, figure, row["measure"]) for system in part.remainders())
        misses_by = max(low - row["value"], row["value"] - high, 0.0) / (row["precision"] or 0.5)
        kind = _kind(part, figure, row, (low, high), witnesses)
        rows += [(member, _round(low), _round(high), misses_by, kind) for member in members[figure]]
    return rows


def _round(value: float) -> float:
    return value if math.isinf(value) or math.isnan(value) else float(f"{value:.9g}")


def _implied(system: System, figure: int, measure: str) -> tuple[float, float]:
    """What the switched-on figures imply for the quantity that a figure prints, in the unit it is printed in."""
    terms = system.constraints[system.rows[figure][0]].terms
    if measure in ("level", "cumulative", "average"):
        return system.bounds(terms)
    cell, base = terms
    low, high = system.ratio({cell: 1.0}, {base: 1.0})
    if measure == "share":
        return 100 * low, 100 * high
    steps = cell.year - base.year
    return 100 * (low ** (1 / steps) - 1), 100 * (high ** (1 / steps) - 1)


def _kind(part: Part, figure: int, row: pd.Series, implied: tuple[float, float], witnesses: pd.DataFrame) -> str:
    step = 2 * row["precision"]  # what is cut off makes a number smaller, a negative one less negative
    low, high = row["value"] - step * (row["value"] <= 0), row["value"] + step * (row["value"] >= 0)
    if implied[0] <= high and implied[1] >= low and step > 0:
        return "last digit"
    others = [f for f in part.weights if witnesses.loc[f, "source"] != row["source"]]
    off = {*others, *(f for f in part.sets[0] if f != figure)}
    alone = part.system.without(off).consistent()
    return "between sources or vintages" if alone else "within one source"


def _alternatives(number: int, part: Part, members: dict[int, list[int]]) -> list[tuple[object, ...]]:
    if len(part.sets) == 1:
        return []
    rows = [(choice, figure) for choice, figures in enumerate(part.sets, 1) for figure in sorted(figures)]
    return [(row, number, choice) for choice, figure in rows for row in members[figure]]


def _figure_rows(figures: pd.DataFrame, rows: list[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    """Figure rows by index, with further columns."""
    if not rows:
        return pd.DataFrame(columns=[*figures.columns, *columns])
    extra = pd.DataFrame(rows, columns=["row", *columns]).set_index("row")
    return figures.loc[extra.index].assign(**extra)


def _gaps(parts: list[Part], witnesses: pd.DataFrame) -> pd.DataFrame:
    """Every constraint, what printed levels make of its sum, and by how much that misses the constraint."""
    rows = []
    for part in parts:
        levels = printed_levels(part.constraints)
        for constraint in part.constraints:
            first = next(iter(constraint.terms))
            if is_level(constraint):
                continue
            low, high, gap = reached(constraint, levels)
            figure = witnesses.loc[constraint.figure, "row"] if constraint.figure >= 0 else -1
            rows.append((*first, constraint.text, figure, low, high, constraint.low, constraint.high, _round(gap)))
    columns = [*CELL, "constraint", "figure", "printed_low", "printed_high", "low", "high", "gap"]
    return pd.DataFrame(sorted(rows, key=lambda r: r[:10]), columns=columns)
