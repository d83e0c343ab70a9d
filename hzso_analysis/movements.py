"""How far levels can move from their true values within the definitions, while what is published stays where it is.

All is told as a difference from the truth, so nothing depends on how well a solver adds large and small numbers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import highspy
import numpy as np

from hzso_analysis.constraints import Cell, Constraint, is_hidden
from hzso_analysis.solver import add_row, quiet_highs, run

FREE = 1e-5  # movements of what is withheld cost next to nothing; nothing at all would let them run away
MOVED = 1e-6  # of the movement that is asked for; what is smaller is the tolerance of the solver


def implied(values: Mapping[Cell, Decimal], definitions: list[Constraint]) -> dict[Cell, Decimal]:
    """The values, and those of further cells, such as slices of bands, that follow from sums one by one.

    >>> whole = Cell("x", 2025, "", "contracts signed", "all", "total", "USD million")
    >>> ito, bpo = whole._replace(category="ITO"), whole._replace(category="BPO")
    >>> split = Constraint("ITO + BPO = total", {ito: 1.0, bpo: 1.0, whole: -1.0}, 0.0, 0.0)
    >>> implied({whole: Decimal(9), ito: Decimal(7)}, [split])[bpo]
    Decimal('2')
    """
    truth, found = dict(values), dict(values)
    sums = [c.terms for c in definitions if c.low == c.high == 0]
    while found:
        found = {}
        for terms in sums:
            unknown = [cell for cell in terms if cell not in truth]
            if len(unknown) == 1:
                rest = sum(Decimal(factor) * truth[cell] for cell, factor in terms.items() if cell in truth)
                found[unknown[0]] = max(Decimal(0), -rest / Decimal(terms[unknown[0]]))
        truth |= found
    return truth


class Movements:
    """A linear program with a column for how far each cell goes up and one for how far it goes down.

    `prices` are what it costs to withhold a cell, `withheld` those that are already. A cell that is zero stays so: it
    is no secret, and that nothing can be there is often known.
    """

    def __init__(
        self,
        definitions: list[Constraint],
        truth: Mapping[Cell, Decimal],
        prices: Mapping[Cell, float],
        withheld: set[Cell],
    ) -> None:
        self.cells = sorted({cell for c in definitions for cell in c.terms} | {*prices, *withheld})
        self.column = {cell: place for place, cell in enumerate(self.cells)}
        self.priced = set(prices)
        self.reached: dict[tuple[Cell, bool], float] = defaultdict(float)  # with only withheld cells moving
        self.room = np.array([float(truth.get(cell, 0)) for cell in self.cells])
        fixed = [cell in truth and not truth[cell] and not is_hidden(cell) for cell in self.cells]
        self.most = np.where(fixed, 0.0, math.inf)
        slack = [_slack(c, truth) for c in definitions]
        self.loose = {row: ends for row, ends in enumerate(slack) if any(end and math.isfinite(end) for end in ends)}
        self.highs = quiet_highs()
        costs = [FREE if cell in withheld else prices.get(cell, FREE) for cell in self.cells]
        for place, cost in enumerate(costs * 2):
            self.highs.addVar(0.0, highspy.kHighsInf)
            self.highs.changeColCost(place, cost)
        for c, ends in zip(definitions, slack, strict=True):
            up = [(self.column[cell], factor) for cell, factor in c.terms.items()]
            add_row(self.highs, *ends, up + [(place + len(self.cells), -factor) for place, factor in up])

    def free(self, cell: Cell, need: float) -> set[Cell]:
        """Withhold what it takes that this cell could be `need` higher, and so much (or zero) lower; what that is.

        Each direction is the program of Kelly, Golden and Assad: the cheapest movement of published cells. It may move
        several a little where one would do.
        """
        found: set[Cell] = set()
        for by in (need, -min(need, self.room[self.column[cell]])):
            if self.reached[cell, by > 0] >= abs(by) * (1 - MOVED):
                continue
            moves = self._cheapest(cell, by)
            # no answer can come of values that contradict each other only: then nothing is published
            found |= self.priced if moves is None else self.priced & set(moves)
            for place in (self.column[other] + down for other in found for down in (0, len(self.cells))):
                self.highs.changeColCost(place, FREE)
            for other, move in (moves or {}).items():
                self.reached[other, move > 0] = max(self.reached[other, move > 0], abs(move))
        return found

    def _cheapest(self, cell: Cell, by: float) -> dict[Cell, float] | None:
        """What moves with a cell; the program measures all in that movement, so that its tolerance is small."""
        unit, n = abs(by), len(self.cells)
        low, high = np.zeros(2 * n), np.concatenate([self.most, self.room / unit])
        up, down = self.column[cell], self.column[cell] + n
        low[up], high[up], low[down], high[down] = (1.0, 1.0, 0.0, 0.0) if by > 0 else (0.0, 0.0, 1.0, 1.0)
        self.highs.changeColsBounds(2 * n, np.arange(2 * n, dtype=np.int32), low, high)
        for row, ends in self.loose.items():
            self.highs.changeRowBounds(row, ends[0] / unit, ends[1] / unit)
        if run(self.highs) != highspy.HighsModelStatus.kOptimal:
            return None
        found = np.array(self.highs.getSolution().col_value)
        moves = found[:n] - found[n:]
        return {self.cells[place]: moves[place] * unit for place in np.flatnonzero(abs(moves) > MOVED)}


def _slack(constraint: Constraint, truth: Mapping[Cell, Decimal]) -> tuple[float, float]:
    """How far the sum of a constraint may move down and up; what is true fits, cents that were rounded or not."""
    now = sum(Decimal(factor) * truth[cell] for cell, factor in constraint.terms.items() if cell in truth)
    low, high = (float(Decimal(end) - now) if math.isfinite(end) else end for end in (constraint.low, constraint.high))
    return (min(low, 0.0), max(high, 0.0)) if all(cell in truth for cell in constraint.terms) else (low, high)
