"""What figures and definitions say about levels: cells and linear constraints between them.

A cell is one non-negative level: (area, year, months, indicator, flow, category, unit). Definitions come from the
codebook and always hold; each published figure gives constraints that hold unless the figure is wrong.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise, permutations
from typing import Any, NamedTuple

import pandas as pd

from hzso_analysis.figures import breaks_of, codebook
from hzso_analysis.vocabulary import EXECUTED, FIRMS, SUPPRESSED

LEVEL = "level as printed"
Bounds = tuple[float, float]
BANDED = ((FIRMS, "count"), (EXECUTED, "USD million"))


class Cell(NamedTuple):
    """One level."""

    area: str
    year: int
    months: str
    indicator: str
    flow: str
    category: str
    unit: str


class Constraint(NamedTuple):
    """`low` <= sum of `terms` (cell -> coefficient) <= `high`; `figure` is the row behind it, -1 for a definition."""

    text: str
    terms: dict[Cell, float]
    low: float
    high: float
    figure: int = -1


def interval(row: Any) -> tuple[float, float]:
    """The levels that a published row stands for, by its `value`, `precision` and `qualifier`.

    >>> rows = pd.DataFrame({"value": 170.0, "precision": 0.5, "qualifier": ["", "over", "under", "about"]})
    >>> [interval(row) for row in rows.itertuples()]
    [(169.5, 170.5), (169.5, inf), (0.0, 170.5), (169.0, 171.0)]
    """
    value, width = row.value, row.precision
    if row.qualifier == "over":
        return value - width, math.inf
    if row.qualifier == "under":
        return min(0.0, value + width), value + width
    width = 2 * width if row.qualifier == "about" else width
    return value - width, value + width


def build_constraints(figures: pd.DataFrame) -> tuple[list[Cell], list[Constraint]]:
    """Return the cells that the figures speak of, sorted, and all constraints between them.

    Figures that are `unclear`, and shares of an area that is not among the figures, constrain nothing; those that are
    `suppressed` are cells, of which only other figures say something.
    """
    data_dir = figures.attrs.get("data_dir")
    book = codebook("categories", data_dir).set_index("id")
    indicators = codebook("indicators", data_dir).set_index("id").to_dict("index")
    present = set(figures["area"])
    published: list[Constraint] = []
    cells: set[Cell] = set()
    for index, row in zip(figures.index, figures.itertuples(), strict=True):
        if row.qualifier == "unclear" or (row.measure == "share" and row.of and row.of not in present):
            continue
        unit = indicators[row.indicator]["unit"]
        if row.qualifier == SUPPRESSED:
            cells.add(cell_of(row, unit))
            continue
        published += _published(index, row, unit, data_dir)
    cells |= {cell for constraint in published for cell in constraint.terms}
    bands = set(book.index[book["low"].notna()])
    cells |= _relatives(cells, book, bands)
    cells |= _flows(cells, indicators, bands)
    definitions = _flow_sums(cells, indicators, bands) + _children(cells, book) + _groups(cells, book)
    definitions += _nested_months(cells, indicators, book) + _bands(cells, book)
    hidden = {cell for constraint in definitions for cell in constraint.terms} - cells
    return sorted(cells) + sorted(hidden), published + definitions


def connected(cells: list[Cell], constraints: list[Constraint]) -> list[tuple[list[Cell], list[Constraint]]]:
    """Cells joined by constraints, each group with its constraints.

    >>> staff = [Cell("hangzhou", year, "", "employees", "", "total", "person") for year in (2009, 2010, 2011)]
    >>> groups = connected(staff, [Constraint("the same", {staff[0]: 1.0, staff[2]: -1.0}, 0.0, 0.0)])
    >>> [([cell.year for cell in cells], len(constraints)) for cells, constraints in groups]
    [([2009, 2011], 1), ([2010], 0)]
    """
    root = {cell: cell for cell in cells}

    def find(cell: Cell) -> Cell:
        while root[cell] != cell:
            root[cell] = root[root[cell]]
            cell = root[cell]
        return cell

    for constraint in constraints:
        first, *others = constraint.terms
        for other in others:
            root[find(other)] = find(first)
    groups: dict[Cell, tuple[list[Cell], list[Constraint]]] = {}
    for cell in cells:
        groups.setdefault(find(cell), ([], []))[0].append(cell)
    for constraint in constraints:
        groups[find(next(iter(constraint.terms)))][1].append(constraint)
    return list(groups.values())


def suppressed_cells(figures: pd.DataFrame) -> set[Cell]:
    """The cells of which the figures say only that they are withheld for confidentiality."""
    units = codebook("indicators", figures.attrs.get("data_dir")).set_index("id")["unit"]
    rows = figures[figures["qualifier"] == SUPPRESSED].itertuples()
    return {cell_of(row, units[row.indicator]) for row in rows}


def is_level(constraint: Constraint) -> bool:
    """Whether a constraint is the printed level of its one cell."""
    return constraint.text == LEVEL


def printed_levels(constraints: list[Constraint], without: frozenset[int] = frozenset()) -> dict[Cell, Bounds]:
    """For each cell the interval of its printed level, the first where there are several; not of figures `without`."""
    levels = [c for c in constraints if is_level(c) and c.figure not in without]
    return {next(iter(c.terms)): (c.low, c.high) for c in reversed(levels)}


def solve_for(cell: Cell, constraint: Constraint, levels: dict[Cell, Bounds]) -> tuple[float, float]:
    """The values of one cell that a constraint allows when the others are at their printed levels.

    >>> part = Cell("hangzhou", 2011, "", "contracts executed", "offshore", "ITO", "USD million")
    >>> whole = share_base(part)
    >>> solve_for(whole, Constraint("half of it", {part: 2.0, whole: -1.0}, 0.0, 0.0), {part: (10.0, 11.0)})
    (20.0, 22.0)
    """
    factor = constraint.terms[cell]
    low, high = constraint.low, constraint.high
    for other, weight in constraint.terms.items():
        if other != cell and weight:
            ends = sorted(weight * end if end else 0.0 for end in levels.get(other, (0.0, math.inf)))
            low, high = low - ends[1], high - ends[0]
    ends = sorted((low / factor, high / factor))
    return max(ends[0], 0.0), ends[1]


def reached(constraint: Constraint, levels: dict[Cell, Bounds]) -> tuple[float, float, float]:
    """What levels make of the sum of a constraint, and by how much they miss it; NaN where one of them is not known.

    >>> whole, part = (Cell("aa", 2011, "", "employees", "", name, "person") for name in ("total", "degree"))
    >>> reached(Constraint("is in", {part: 1.0, whole: -1.0}, -math.inf, 0.0), {part: (11, 12), whole: (9, 10)})
    (1.0, 3.0, 1.0)
    """
    ends = [0.0, 0.0]
    for cell, factor in constraint.terms.items():
        low, high = sorted(factor * end for end in levels.get(cell, (math.nan, math.nan)))
        ends = [ends[0] + low, ends[1] + high]
    gap = max(constraint.low - ends[1], ends[0] - constraint.high, 0.0)
    return ends[0], ends[1], gap


def is_hidden(cell: Cell) -> bool:
    """Whether a cell is an auxiliary size class that no codebook entry names."""
    return cell.category.startswith("[")


def cell_of(row: Any, unit: str) -> Cell:
    """The cell that a row of figures is about, by `itertuples`; `unit` is that of its indicator."""
    unit = f"{row.currency} million" if row.currency else unit
    return Cell(row.area, int(row.year), row.months, row.indicator, row.flow, row.category, unit)


def _published(index: int, row: Any, unit: str, data_dir: str | None) -> list[Constraint]:
    cell = cell_of(row, unit)
    low, high = interval(row)
    text = f"{row.measure} as printed"
    if row.measure == "level":
        return [Constraint(LEVEL, {cell: 1.0}, low, high, index)]
    if row.measure == "share":
        possible = low <= 100 and high >= 0
        return _factor(text, cell, share_base(cell, row.of), low / 100, high / 100, index, possible)
    if row.measure in ("cumulative", "average"):
        years = range(int(row.since), cell.year + 1)
        weight = 1.0 if row.measure == "cumulative" else 1.0 / len(years)
        return [Constraint(text, {cell._replace(year=year): weight for year in years}, low, high, index)]
    since = cell.year - 1 if row.measure == "growth" else int(row.since)
    if any(since < year <= cell.year for year in breaks_of(cell.indicator, cell.area, data_dir)):
        return []
    base, steps = cell._replace(year=since), cell.year - since
    least = 0.0 if row.qualifier == "under" else max(0.0, 1 + low / 100)  # growth under 5 % can be a fall
    return _factor(text, cell, base, least**steps, (1 + high / 100) ** steps, index, possible=high >= -100)


def share_base(cell: Cell, of: str = "") -> Cell:
    """The cell that a share of `cell` is taken of: the same cell of area `of`, the total of its flow, or all flows."""
    if of:
        return cell._replace(area=of)
    return cell._replace(category="total") if cell.category != "total" else cell._replace(flow="all")


def _factor(text: str, cell: Cell, base: Cell, low: float, high: float, index: int, possible: bool) -> list[Constraint]:
    """A cell is `low` to `high` times its base; no levels satisfy what is not `possible`, such as a part of 130 %."""
    if not possible:
        return [Constraint(text, {cell: 0.0, base: 0.0}, 1.0, math.inf, index)]
    rows = [Constraint(text, {cell: 1.0, base: -low}, 0.0, math.inf, index)]
    if math.isfinite(high):
        rows.append(Constraint(text, {cell: 1.0, base: -high}, -math.inf, 0.0, index))
    return rows


def _relatives(cells: set[Cell], book: pd.DataFrame, bands: set[str]) -> set[Cell]:
    """Parents of cells, and theirs; all children of a complete split as soon as one is a cell; bands in both units."""
    family: dict[str, list[str]] = {}
    for parent, children in book.groupby("parent"):
        complete = children.index[children["relation"] == "complete"]
        family |= {child: [parent, *(complete if child in complete else [])] for child in children.index}
    added: set[Cell] = set()
    new = cells
    while new:
        kin = {cell._replace(category=name) for cell in new for name in family.get(cell.category, [])}
        banded = [cell for cell in new if cell.category in bands and (cell.indicator, cell.unit) in BANDED]
        kin |= {cell._replace(indicator=indicator, unit=unit) for cell in banded for indicator, unit in BANDED}
        new = kin - added
        added |= new
    return added


def _flows(cells: set[Cell], indicators: dict[str, Any], bands: set[str]) -> set[Cell]:
    """The third flow where two are cells."""
    seen = defaultdict(set)
    for cell in cells:
        if _adds_up(cell, indicators, bands):
            seen[cell._replace(flow="")].add(cell.flow)
    whole = {"all", "offshore", "onshore"}
    return {key._replace(flow=flow) for key, have in seen.items() if len(have) == 2 for flow in whole - have}


def _adds_up(cell: Cell, indicators: dict[str, Any], bands: set[str]) -> bool:
    """Whether offshore + onshore = all; not in a size band: a firm can be in it by all flows but by neither one."""
    return indicators[cell.indicator]["flows"] == "additive" and cell.category not in bands


def _flow_sums(cells: set[Cell], indicators: dict[str, Any], bands: set[str]) -> list[Constraint]:
    rows = []
    for cell in sorted(cells):
        parts = [cell._replace(flow="offshore"), cell._replace(flow="onshore")]
        if cell.flow == "all" and cells.issuperset(parts) and _adds_up(cell, indicators, bands):
            rows.append(Constraint("offshore + onshore = all", {cell: -1.0} | dict.fromkeys(parts, 1.0), 0.0, 0.0))
    return rows


def _sum(parts: list[Cell], whole: Cell, text: str, exact: bool) -> Constraint:
    """The parts are the whole where that is `exact`, else at most the whole."""
    return Constraint(text, dict.fromkeys(parts, 1.0) | {whole: -1.0}, 0.0 if exact else -math.inf, 0.0)


def _adding(parts: list[Cell], exact: bool) -> str:
    return f"{' + '.join(part.category for part in parts)} {'=' if exact else '<='}"


def _children(cells: set[Cell], book: pd.DataFrame) -> list[Constraint]:
    """Complete children sum to the parent, disjoint ones to at most it, overlapping ones are each at most it."""
    rows = []
    plain = book[book["low"].isna()]
    for (dimension, parent, relation), group in plain.groupby(["dimension", "parent", "relation"]):
        for cell in sorted(c for c in cells if c.category == parent):
            children = [child for name in group.index if (child := cell._replace(category=name)) in cells]
            if relation == "overlap":
                for child in children:
                    rows.append(_sum([child], cell, f"{child.category} is part of {parent}", exact=False))
            elif children:
                exact = relation == "complete" and len(children) == len(group)
                rows.append(_sum(children, cell, f"{_adding(children, exact)} {parent} ({dimension})", exact))
    return rows


def _groups(cells: set[Cell], book: pd.DataFrame) -> list[Constraint]:
    """A named group holds its members; it is their sum where all of them are cells."""
    rows = []
    for name, members in book["members"][book["members"] != ""].items():
        names = members.split(";")
        for cell in sorted(c for c in cells if c.category == name):
            parts = [part for member in names if (part := cell._replace(category=member)) in cells]
            if parts:
                exact = len(parts) == len(names)
                rows.append(_sum(parts, cell, f"{_adding(parts, exact)} {name}", exact))
    return rows


def _nested_months(cells: set[Cell], indicators: dict[str, Any], book: pd.DataFrame) -> list[Constraint]:
    """A part of the year is at most any longer part that holds it; only flows nest, and no band that firms outgrow."""
    spans = defaultdict(list)
    capped = set(book.index[book["high"].notna()])
    for cell in sorted(cells):
        if indicators[cell.indicator]["kind"] == "flow" and cell.category not in capped:
            spans[cell._replace(months="")].append(cell)
    rows = []
    for group in spans.values():
        for inner, outer in permutations(group, 2):
            (a, b), (c, d) = first_last(inner.months), first_last(outer.months)
            if c <= a and b <= d:
                text = f"months {inner.months} fit into {outer.months or 'the year'}"
                rows.append(_sum([inner], outer, text, exact=False))
    return rows


def first_last(months: str) -> tuple[int, int]:
    """The first and the last month of a period; blank is the whole year.

    >>> first_last("1 to 9"), first_last("")
    ((1, 9), (1, 12))
    """
    first, last = months.split(" to ") if months else ("1", "12")
    return int(first), int(last)


def _bands(cells: set[Cell], book: pd.DataFrame) -> list[Constraint]:
    """Size bands, cut at every edge in use: a band is the sum of its slices, n firms in [lo, hi) hold n lo to n hi."""
    edges = book.loc[book["low"].notna(), ["low", "high"]].fillna({"high": math.inf})
    groups = defaultdict(set)
    for cell in cells:
        if cell.category in edges.index and (cell.indicator, cell.unit) in BANDED:
            groups[cell._replace(indicator="", category="", unit="")].add(cell.category)
    names = {(low, high): name for name, low, high in edges.itertuples()}
    rows = []
    for key, bands in sorted(groups.items()):
        cuts = sorted({0.0, math.inf, *edges.loc[sorted(bands)].to_numpy().ravel()})
        slices = {(low, high): names.get((low, high), f"[{low:g}, {high:g})") for low, high in pairwise(cuts)}
        for indicator, unit in BANDED:
            at = key._replace(indicator=indicator, unit=unit)
            for name in [*sorted(bands), "total"]:
                band = at._replace(category=name)
                low, high = (0.0, math.inf) if name == "total" else edges.loc[name]
                inside = [at._replace(category=piece) for (a, b), piece in slices.items() if low <= a and b <= high]
                if band in cells and inside != [band]:
                    rows.append(_sum(inside, band, f"{name} is the sum of its size bands", exact=True))
        rows += _holdings(key, slices)
    return rows


def _holdings(key: Cell, slices: dict[tuple[float, float], str]) -> list[Constraint]:
    rows = []
    for (low, high), name in slices.items():
        firms = key._replace(indicator=FIRMS, category=name, unit="count")
        money = key._replace(indicator=EXECUTED, category=name, unit="USD million")
        text = f"each firm of {name} holds at least {low:g}"
        rows.append(Constraint(text, {money: 1.0, firms: -low}, 0.0, math.inf))
        if math.isfinite(high):
            text = f"each firm of {name} holds at most {high:g}"
            rows.append(Constraint(text, {money: 1.0, firms: -high}, -math.inf, 0.0))
    return rows
