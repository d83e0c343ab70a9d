"""Which figures made from contract records have to be withheld, so that nobody can work out what one firm has done.

Every definition is homogeneous: sums are zero and n firms of a band hold n lo to n hi. So what is true, times any
factor from 0 to 2, satisfies them as well, and withholding all cells that are not zero always protects each of them:
the search for fewer cells cannot fail, however tight the edges of a band are.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import highspy
import numpy as np
import pandas as pd

from hzso_analysis.constraints import Cell, Constraint, build_constraints, is_hidden
from hzso_analysis.faults import DataError
from hzso_analysis.figures import AMOUNTS, codebook
from hzso_analysis.solver import add_row, quiet_highs, run
from hzso_analysis.vocabulary import SUPPRESSED

KEY = ["area", "year", "indicator", "flow", "category", "unit"]
FLOW = ["area", "year", "flow"]
RANKS = {"CR1": 1, "CR2": 2, "CR4": 4, "CR8": 8, "CR20": 20}
CONCENTRATION = [*RANKS, "HHI"]
COUNTED = ["enterprises", "number of contracts signed"]
HALF_CENT = Decimal("0.5e-8")  # in USD million
DEAR = {"total": 1000.0} | dict.fromkeys(["ITO", "BPO", "KPO"], 30.0)
FREE = 1e-5  # movements of what is withheld cost next to nothing; nothing at all would let them run away
MOVED = 1e-6  # of the movement that is asked for; what is smaller is the tolerance of the solver
MARGIN = 1.0001  # asked beyond the rule, so that no rounding on the way brings a cell below it


def suppress(
    cells: pd.DataFrame,
    *,
    data_dir: str | Path | None = None,
    leading: pd.DataFrame | None = None,
    minimum: int = 3,
    percent: float = 10,
) -> pd.Series:
    """Return "", "primary" or "secondary" for each row of `cells`, with its index: what is not "" is to be withheld.

    `cells`: a row per figure with area, year, indicator, flow, category, unit, value, firms (how many contribute),
    largest and second (what the two largest of them contribute); numbers are Decimal, amounts in USD million with
    cents. `leading`: area, year, flow, rank from 1, amount of the (at least 22) largest enterprises by contracts
    executed; without it CRk and HHI are all withheld. A figure of fewer than `minimum` firms is primary, and an amount
    where what is left without the two largest is less than `percent` of the largest. Secondary ones are chosen so that
    what is published leaves at least `percent` below and above each amount that is withheld, and at least 1 for counts.
    Raises DataError where a figure stands in two rows. Source of the method: p%-rule and linear programs of Kelly,
    Golden and Assad (1992), Networks 22, 397-417.

    >>> rows = [("total", 90, 9, 20), ("ITO", 50, 4, 20), ("BPO", 30, 3, 12), ("KPO", 10, 2, 6)]
    >>> table = [("x", 2025, "contracts signed", "all", name, "USD million", *numbers) for name, *numbers in rows]
    >>> frame = pd.DataFrame(table, columns=[*KEY, "value", "firms", "largest"]).assign(second=4)
    >>> suppress(frame).tolist()
    ['', '', 'secondary', 'primary']
    """
    rows = cells.reset_index(drop=True).sort_values(KEY)
    if len(twice := rows[rows.duplicated(KEY, keep=False)]):
        raise DataError([f"cells: row {row}: this figure stands in two rows; keep one" for row in twice.index])
    book, p = codebook("categories", data_dir).set_index("id"), Decimal(str(percent)) / 100
    marks = pd.Series("", index=rows.index)
    marks[_sensitive(rows, minimum, p)] = "primary"
    plain = ~rows["indicator"].isin(CONCENTRATION)
    for _, part in rows[plain].groupby(["area", "year"]):
        names = [Cell(r.area, int(r.year), "", r.indicator, r.flow, r.category, r.unit) for r in part.itertuples()]
        values = dict(zip(names, map(Decimal, part["value"]), strict=True))
        primary = {name for name, mark in zip(names, marks[part.index], strict=True) if mark}
        withheld = _withheld(values, primary, _definitions(part, values, book, data_dir), minimum, p)
        marks[[i for i, name in zip(part.index, names, strict=True) if name in withheld - primary]] = "secondary"
    largest = {} if leading is None else {k: g.sort_values("rank")["amount"] for k, g in leading.groupby(FLOW)}
    for key, part in rows[~plain].groupby(FLOW):
        same = rows[plain & (rows[FLOW] == key).all(axis=1)]
        amounts = list(map(Decimal, largest.get(key, ())))
        for indicator, mark in _concentration(part, same, marks, amounts, book, minimum, p).items():
            marks[part.index[part["indicator"] == indicator]] = mark
    return pd.Series(marks.sort_index().to_numpy(), index=cells.index, dtype=object)


def _sensitive(rows: pd.DataFrame, minimum: int, p: Decimal) -> pd.Series:
    amount = rows["unit"].isin(AMOUNTS) & (rows["value"] > 0)
    few = (rows["firms"] > 0) & (rows["firms"] < minimum)
    rest = rows["value"] - rows["largest"] - rows["second"]
    dominated = amount & (rest < rows["largest"].map(lambda value: p * value))
    return few & (amount | rows["indicator"].isin(COUNTED)) | dominated


def _definitions(
    part: pd.DataFrame, values: Mapping[Cell, Decimal], book: pd.DataFrame, data_dir: str | Path | None
) -> list[Constraint]:
    """What holds between the cells of one area and year: the definitions of `reconcile`, and that markets add up.

    They do so where no contract lacks a market; where the true values do not add up, nobody can use it.
    """
    known = {"months": "", "measure": "level", "of": "", "qualifier": SUPPRESSED}
    currency = part["unit"].str[:3].where(part["unit"].isin(AMOUNTS), "")
    figures = part[KEY].assign(**known, currency=currency)
    figures.attrs["data_dir"] = data_dir
    definitions = build_constraints(figures)[1]
    markets = book.index[(book["dimension"] == "market") & (book["relation"] == "disjoint")]
    for whole in (cell for cell in values if cell.category == "total" and cell.indicator != "enterprises"):
        parts = [cell for name in markets if (cell := whole._replace(category=name)) in values]
        if parts and abs(sum(values[cell] for cell in parts) - values[whole]) <= HALF_CENT * (len(parts) + 1):
            terms = dict.fromkeys(parts, 1.0) | {whole: -1.0}
            definitions.append(Constraint("the markets are the total", terms, 0.0, 0.0))
    return definitions


def _truth(values: Mapping[Cell, Decimal], definitions: list[Constraint]) -> dict[Cell, Decimal]:
    """The values, and those of further cells, such as slices of bands, that follow from them one by one."""
    truth, found = dict(values), dict(values)
    equalities = [c for c in definitions if c.low == c.high == 0]
    while found:
        found = {}
        for terms in (c.terms for c in equalities):
            unknown = [cell for cell in terms if cell not in truth]
            if len(unknown) == 1:
                rest = sum(Decimal(factor) * truth[cell] for cell, factor in terms.items() if cell in truth)
                found[unknown[0]] = max(Decimal(0), -rest / Decimal(terms[unknown[0]]))
        truth |= found
    return truth


def _withheld(
    values: Mapping[Cell, Decimal], primary: set[Cell], definitions: list[Constraint], minimum: int, p: Decimal
) -> set[Cell]:
    """The primary cells and those without which each of them, and of these, could be bounded too tightly.

    A cell is done once it has been moved as far as it needs with only cells moving that are withheld: withholding
    more later cannot take that away, so each is looked at once.
    """
    truth = _truth(values, definitions)
    program = _Movements(definitions, truth, set(values), primary)
    withheld, pending = set(primary), primary | _thin(truth, values, minimum)
    reached: dict[tuple[Cell, bool], float] = defaultdict(float)
    while pending:
        needs = {cell: float(p * truth[cell] if cell.unit in AMOUNTS else max(1, p * truth[cell])) for cell in pending}
        cell = max(pending, key=lambda cell: (needs[cell], cell))
        pending.remove(cell)
        up = needs[cell] * MARGIN
        for by in (up, -min(up, float(truth[cell]))):
            if reached[cell, by > 0] >= abs(by) * (1 - MOVED):
                continue
            moves = program.move(cell, by)
            # no answer can come of values that contradict each other only: then nothing is published
            fresh = (program.listed if moves is None else program.listed & set(moves)) - withheld
            program.release(fresh)
            withheld, pending = withheld | fresh, pending | fresh
            for other, move in (moves or {}).items():
                reached[other, move > 0] = max(reached[other, move > 0], abs(move))
    return withheld & set(values)


def _thin(truth: Mapping[Cell, Decimal], values: Mapping[Cell, Decimal], minimum: int) -> set[Cell]:
    """Counts and amounts of too few firms that no row gives, but differences of bands would, as 5 to 10 million."""
    few = [cell for cell, n in truth.items() if cell.indicator == "enterprises" and 0 < n < minimum]
    both = {c for n in few for c in (n, n._replace(indicator="contracts executed", unit="USD million"))}
    return {cell for cell in both if cell not in values and truth.get(cell, 0) > 0}


class _Movements:
    """The cheapest ways to move one cell from its true value within the definitions, as a linear program.

    A column is how far a cell goes up, another how far down. `listed` are the cells that can be withheld; a cell that
    is zero stays so: it is no secret, and that nothing can be there is often known.
    """

    def __init__(
        self, definitions: list[Constraint], truth: Mapping[Cell, Decimal], listed: set[Cell], withheld: set[Cell]
    ) -> None:
        self.cells = sorted({cell for c in definitions for cell in c.terms} | listed)
        self.column = {cell: place for place, cell in enumerate(self.cells)}
        self.listed = {cell for cell in listed if truth[cell] > 0}
        self.room = np.array([float(truth.get(cell, 0)) for cell in self.cells])
        fixed = [cell in truth and not truth[cell] and not is_hidden(cell) for cell in self.cells]
        self.most = np.where(fixed, 0.0, math.inf)
        self.ends = np.array([_slack(c, truth) for c in definitions]).reshape(-1, 2)
        self.highs = quiet_highs()
        for cell in self.cells * 2:
            self.highs.addVar(0.0, highspy.kHighsInf)
            price = DEAR.get(cell.category, 1.0) * (1 + math.log1p(truth.get(cell, 0)))
            cost = price if cell in self.listed - withheld else FREE
            self.highs.changeColCost(self.highs.getNumCol() - 1, cost)
        for c in definitions:
            terms = [(self.column[cell], factor) for cell, factor in c.terms.items()]
            add_row(self.highs, 0.0, 0.0, terms + [(place + len(self.cells), -factor) for place, factor in terms])

    def release(self, cells: set[Cell]) -> None:
        """From now on these move for nothing."""
        for cell in cells:
            for place in (self.column[cell], self.column[cell] + len(self.cells)):
                self.highs.changeColCost(place, FREE)

    def move(self, cell: Cell, by: float) -> dict[Cell, float] | None:
        """What moves with the cell, and how far; all is measured in that movement, so that the tolerance is small."""
        unit, n = abs(by), len(self.cells)
        low, high = np.zeros(2 * n), np.concatenate([self.most, self.room / unit])
        here, back = (self.column[cell], self.column[cell] + n)[:: 1 if by > 0 else -1]
        low[here], high[here], high[back] = 1.0, 1.0, 0.0
        self.highs.changeColsBounds(2 * n, np.arange(2 * n, dtype=np.int32), low, high)
        rows = np.arange(len(self.ends), dtype=np.int32)
        self.highs.changeRowsBounds(len(rows), rows, *(np.ascontiguousarray(end) for end in self.ends.T / unit))
        if run(self.highs) != highspy.HighsModelStatus.kOptimal:
            return None
        found = np.array(self.highs.getSolution().col_value)
        moves = found[:n] - found[n:]
        return {self.cells[place]: moves[place] * unit for place in np.flatnonzero(abs(moves) > MOVED)}


def _slack(constraint: Constraint, truth: Mapping[Cell, Decimal]) -> tuple[float, float]:
    """How far the sum of a constraint may move down and up; nothing moves where all is true, cents rounded or not."""
    now = sum(Decimal(factor) * truth[cell] for cell, factor in constraint.terms.items() if cell in truth)
    low, high = (float(Decimal(end) - now) if math.isfinite(end) else end for end in (constraint.low, constraint.high))
    return (min(low, 0.0), max(high, 0.0)) if all(cell in truth for cell in constraint.terms) else (low, high)


def _concentration(
    part: pd.DataFrame,
    same: pd.DataFrame,
    marks: pd.Series,
    leading: Sequence[Decimal],
    book: pd.DataFrame,
    minimum: int,
    p: Decimal,
) -> dict[str, str]:
    """Marks of the rows of CRk and HHI of one area, year and flow; `same` are the other rows of these.

    CR1 and CR2 tell the amounts of firms. The others give sums of firms between ranks at which cumulative sums are
    known already, so each group that one cuts must be one that could be published itself.
    """
    marked = dict.fromkeys(part["indicator"], "secondary") | dict.fromkeys(
        {"CR1", "CR2"} & {*part["indicator"]}, "primary"
    )
    sized = same[same["category"].isin(["total", *book.index[book["low"].notna()]])]
    sized = sized[sized["indicator"].isin(["contracts executed", "enterprises"])]
    sums = _known_sums(sized, book)
    if not sums or not leading or (marks[sized.index] != "").any():
        return marked
    n = max(sums)

    def apart(first: int, last: int) -> bool:
        """Whether the firms of ranks first + 1 to last can be known together."""
        if last - first < minimum or len(leading) < first + 2:
            return False
        ends = [sum(leading[:rank]) if rank <= len(leading) else sums[rank] for rank in (first, last)]
        return ends[1] - ends[0] - leading[first] - leading[first + 1] >= p * leading[first]

    cuts = {0, *sums}
    for indicator, k in RANKS.items():
        if k > 2 and indicator in marked:
            first, last = max(cut for cut in cuts if cut < k), min((cut for cut in cuts if cut >= k), default=k)
            open_ = k in cuts or k >= n or (apart(first, k) and apart(k, last))
            marked[indicator] = "" if open_ else "primary"
            cuts |= {k} if open_ and k < n else set()
    if "HHI" in marked:
        m = min(cuts - {0})
        index = Decimal(part.loc[part["indicator"] == "HHI", "value"].iloc[0])
        top = sums[m] if m in sums else sum(leading[:m])
        marked["HHI"] = "" if _vague(leading[0], index, (top, sums[n]), (m, n), p) else "primary"
    return marked


def _known_sums(sized: pd.DataFrame, book: pd.DataFrame) -> dict[int, Decimal]:
    """Ranks at which the sum of all firms up to there is published, by edges of bands; nothing if one is not known."""
    money = sized[sized["indicator"] == "contracts executed"].set_index("category")
    firms = sized[sized["indicator"] == "enterprises"].set_index("category")["value"]
    if "total" not in money.index or money.loc["total", "value"] <= 0:
        return {}
    above = {math.inf: (0, Decimal(0))}
    bands = book.loc[book.index.isin({*money.index, *firms.index}), ["low", "high"]].fillna({"high": math.inf})
    for name, low, high in bands.sort_values("low", ascending=False).itertuples():
        if high not in above or name not in money.index or name not in firms.index:
            return {}
        above[low] = above[high][0] + int(firms[name]), above[high][1] + money.loc[name, "value"]
    sums = {rank: total for rank, total in above.values() if rank}
    return sums | {int(money.loc["total", "firms"]): money.loc["total", "value"]}


def _vague(largest: Decimal, index: Decimal, sums: tuple[Decimal, Decimal], ranks: tuple[int, int], p: Decimal) -> bool:
    """Whether the index, with the sum of the first m of n firms, leaves the largest firm open by a fraction p.

    The sum of squares is least for the others where they are equal, which bounds the largest from above.
    """
    (top, total), (m, n) = sums, ranks
    squares = index * total**2 / 10_000
    own = squares - ((total - top) ** 2 / (n - m) if n > m else 0)
    # x^2 + (top - x)^2 / (m - 1) = own
    root = (m - 1) * (m * own - top**2)
    high = (top + max(root, Decimal(0)).sqrt()) / m
    low = max(top / m, squares / total)
    return low <= (1 - p) * largest and high >= (1 + p) * largest
