"""One connected system of constraints: is it consistent, which figures do not fit, what can each level be.

Linear programs are solved by HiGHS. Localisation is the error localisation of Fellegi and Holt (1976) by implicit
hitting sets: conflicts come from Farkas duals of infeasible linear programs, the cheapest set of figures that hits
every conflict from a small integer program; a set is an answer only when the program without it is feasible.
"""

from __future__ import annotations

import math
import os
import statistics
import threading
from collections.abc import Iterable, Mapping

import highspy
import numpy as np

from hzso_analysis.constraints import Cell, Constraint

MOST_SETS = 50
ZERO = 1e-7  # what is smaller is the tolerance of the solver
DECIDED = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnbounded)
_CONSOLE = threading.Lock()


def quiet_highs() -> highspy.Highs:
    """A solver that prints nothing; its constructor writes a banner to file descriptor 1 whatever the options say."""
    with _CONSOLE, open(os.devnull, "wb") as devnull:
        saved = os.dup(1)
        try:
            os.dup2(devnull.fileno(), 1)
            highs = highspy.Highs()
        finally:
            os.dup2(saved, 1)
            os.close(saved)
    options: dict[str, bool | str | int] = {"output_flag": False, "presolve": "off", "solver": "simplex", "threads": 1}
    for option, value in options.items():
        highs.setOptionValue(option, value)
    return highs


def run(highs: highspy.Highs) -> highspy.HighsModelStatus:
    """Solve; from scratch where the warm start leaves the answer open, as it can after an unbounded program."""
    highs.run()
    if highs.getModelStatus() not in DECIDED:
        highs.clearSolver()
        highs.run()
    return highs.getModelStatus()


def add_row(highs: highspy.Highs, low: float, high: float, terms: Iterable[tuple[int, float]]) -> None:
    """Add `low` <= sum of `terms` (column, factor) <= `high`; terms without a factor are left out."""
    used = [(column, factor) for column, factor in terms if factor]
    index = np.array([column for column, _ in used], dtype=np.int32)
    highs.addRow(low, high, len(used), index, np.array([factor for _, factor in used]))


def extremes(
    highs: highspy.Highs, least: float = -math.inf, duals: list[list[float]] | None = None
) -> tuple[float, float]:
    """Least and greatest value of the objective; `least` and infinity where it is unbounded.

    Where `duals` is given, those of the rows at either end are added to it, none where that is open.
    """
    ends = []
    for sense, open_end in ((highspy.ObjSense.kMinimize, least), (highspy.ObjSense.kMaximize, math.inf)):
        highs.changeObjectiveSense(sense)
        done = run(highs) == highspy.HighsModelStatus.kOptimal
        ends.append(highs.getInfo().objective_function_value if done else open_end)
        if duals is not None:
            duals.append(highs.getSolution().row_dual if done else [])
    highs.changeObjectiveSense(highspy.ObjSense.kMinimize)
    return ends[0], ends[1]


class System:
    """A linear program over cells whose figures can be switched off; `weights` maps each figure to its weight."""

    def __init__(self, cells: list[Cell], constraints: list[Constraint], weights: dict[int, float]) -> None:
        self.cells, self.constraints, self.weights = cells, constraints, weights
        self.column = {cell: place for place, cell in enumerate(cells)}
        self.rows: dict[int, list[int]] = {figure: [] for figure in weights}
        for place, constraint in enumerate(constraints):
            if constraint.figure >= 0:
                self.rows[constraint.figure].append(place)
        ends = [abs(end) for c in constraints for end in (c.low, c.high) if end and math.isfinite(end)]
        # a typical level is scaled to a thousand, so that the solver's absolute tolerance means the same everywhere;
        # not the largest: a misprint of a factor of a million would blur all the others
        self.scale = statistics.median(ends or [1.0]) / 1000
        self.highs = quiet_highs()
        self.off: frozenset[int] = frozenset()
        self.conflicts: list[list[int]] = []  # found so far, for they stay true whatever is switched off
        for _ in cells:
            self.highs.addVar(0.0, highspy.kHighsInf)
        for constraint in constraints:
            add_row(self.highs, *self._ends(constraint), self._placed(constraint.terms))

    def _placed(self, terms: Mapping[Cell, float]) -> list[tuple[int, float]]:
        return [(self.column[cell], factor) for cell, factor in terms.items()]

    def _ends(self, constraint: Constraint) -> tuple[float, float]:
        return constraint.low / self.scale, constraint.high / self.scale

    def without(self, figures: Iterable[int]) -> System:
        """The same system with exactly these figures switched off."""
        figures = frozenset(figures)
        for figure in figures ^ self.off:
            for row in self.rows[figure]:
                ends = (-math.inf, math.inf) if figure in figures else self._ends(self.constraints[row])
                self.highs.changeRowBounds(row, *ends)
        self.off = figures
        return self

    def consistent(self) -> bool:
        """Whether some levels satisfy everything that is switched on."""
        self._aim({})
        return run(self.highs) == highspy.HighsModelStatus.kOptimal

    def conflict(self) -> list[int]:
        """Figures that cannot all be right, none of which can be left out; empty if the system is consistent."""
        if self.consistent():
            return []
        off = self.off
        found = [f for f in self._farkas() if f not in off]
        if self.without(set(self.weights) - set(found)).consistent():  # a weak certificate: start from all figures
            found = [f for f in sorted(self.weights) if f not in off]
        for figure in list(found):
            fewer = [f for f in found if f != figure]
            if not self.without(set(self.weights) - set(fewer)).consistent():
                found = fewer
        self.without(off)
        return found

    def _farkas(self) -> list[int]:
        _, exists, ray = self.highs.getDualRay()  # type: ignore[attr-defined]  # missing in the stubs of highspy
        ray = np.abs(ray) if exists else np.zeros(0)
        used = np.flatnonzero(ray > 1e-9 * ray.max()).tolist() if ray.size else []
        return sorted({self.constraints[row].figure for row in used} - {-1})

    def localise(self) -> tuple[list[frozenset[int]], bool]:
        """The smallest-weight sets of figures without which the rest is consistent, and whether these are all.

        Past `MOST_SETS` the search stops and the last item is False; the sets then still hold every figure that is in
        some smallest set, and no figure is in all of them that some smallest set spares.
        """
        sets: list[frozenset[int]] = []
        best = math.inf
        while len(sets) <= MOST_SETS:
            guess, weight = self._lightest(sets)
            if weight > best + 1e-9:
                return sorted(sets, key=sorted), True
            sets.append(guess)
            best = weight
        for figure in sorted({figure for conflict in self.conflicts for figure in conflict}):
            for inside in (True, False):
                if all((figure in known) != inside for known in sets):
                    guess, weight = self._lightest([], (figure, inside))
                    if weight <= best + 1e-9:
                        sets.append(guess)
        return sorted(sets, key=sorted), False

    def instead(self, figure: int) -> float:
        """By what weight the lightest set with this figure right exceeds the others of the lightest set of all.

        Where every figure weighs one, that is how many at least must be wrong in its place; infinite where it cannot
        be right.
        """
        lightest = self._lightest([])[1]
        return self._lightest([], (figure, False))[1] - lightest + self.weights[figure]

    def _lightest(
        self, known: list[frozenset[int]], fixed: tuple[int, bool] | None = None
    ) -> tuple[frozenset[int], float]:
        """The lightest set, none of the known ones, without which the rest is consistent."""
        while True:
            guess, weight = self._hitting_set(known, fixed)
            before, off = len(self.conflicts), guess
            while math.isfinite(weight) and (found := self.without(off).conflict()):
                self.conflicts.append(found)
                off = off.union(found)  # further conflicts that share nothing with it save integer programs
            if len(self.conflicts) == before:
                return guess, weight

    def _hitting_set(self, known: list[frozenset[int]], fixed: tuple[int, bool] | None) -> tuple[frozenset[int], float]:
        """The lightest set with a figure of every conflict that contains none of the known sets.

        `fixed` names a figure that must be in it (True) or not (False).
        """
        figures = sorted({figure for conflict in self.conflicts for figure in conflict})
        if frozenset() in known:
            return frozenset(), math.inf
        if not figures:
            return frozenset(), 0.0
        column = {figure: place for place, figure in enumerate(figures)}
        highs = quiet_highs()
        highs.setOptionValue("presolve", "on")
        highs.setOptionValue("mip_rel_gap", 0.0)
        for place, figure in enumerate(figures):
            highs.addVar(0.0, 1.0)
            highs.changeColCost(place, self.weights[figure])
            highs.changeColIntegrality(place, highspy.HighsVarType.kInteger)
        if fixed and fixed[0] in column:
            highs.changeColBounds(column[fixed[0]], float(fixed[1]), float(fixed[1]))
        for low, high, group in [(1, math.inf, c) for c in self.conflicts] + [(0, len(s) - 1, s) for s in known]:
            add_row(highs, low, high, [(column[figure], 1.0) for figure in sorted(group)])
        if run(highs) != highspy.HighsModelStatus.kOptimal:
            return frozenset(), math.inf
        chosen = frozenset(f for f, z in zip(figures, highs.getSolution().col_value, strict=True) if z > 0.5)
        return chosen, sum(self.weights[figure] for figure in chosen)

    def _aim(self, terms: Mapping[Cell, float]) -> None:
        costs = np.zeros(len(self.cells))
        for cell, factor in terms.items():
            costs[self.column[cell]] += factor
        self.highs.changeColsCost(len(costs), np.arange(len(costs), dtype=np.int32), costs)

    def bounds(self, terms: Mapping[Cell, float]) -> tuple[float, float]:
        """Least and greatest value of a sum of levels over everything that is switched on."""
        self._aim(terms)
        low, high = extremes(self.highs)
        return low * self.scale, high * self.scale

    def grounds(self, cell: Cell) -> frozenset[int]:
        """The figures that force the bounds of a level: those with a dual, without the others the bounds are the same.

        No figure is needed for a level to be at least nothing.
        """
        duals: list[list[float]] = []
        self.highs.clearSolver()  # whatever was asked before, the same duals of several that are right
        self._aim({cell: 1.0})
        low, _ = extremes(self.highs, duals=duals)
        used = [place for dual in duals[low <= ZERO :] for place in np.flatnonzero(np.abs(dual) > ZERO)]
        return frozenset(self.constraints[place].figure for place in used) - {-1}

    def ratio(self, numerator: Mapping[Cell, float], denominator: Mapping[Cell, float]) -> tuple[float, float]:
        """Least and greatest quotient of two sums of levels, by the transformation of Charnes and Cooper (1962)."""
        highs = quiet_highs()
        for _ in range(len(self.cells) + 1):
            highs.addVar(0.0, highspy.kHighsInf)
        whole = len(self.cells)
        add_row(highs, 1.0, 1.0, self._placed(denominator))
        for constraint in self.constraints:
            if constraint.figure not in self.off:
                low, high = self._ends(constraint)
                terms = self._placed(constraint.terms)
                if math.isfinite(low):
                    add_row(highs, 0.0, math.inf, [*terms, (whole, -low)])
                if math.isfinite(high):
                    add_row(highs, -math.inf, 0.0, [*terms, (whole, -high)])
        for column, factor in self._placed(numerator):
            highs.changeColCost(column, factor)
        return extremes(highs, least=-math.inf if min(numerator.values()) < 0 else 0.0)
