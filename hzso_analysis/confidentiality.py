"""Which figures made from contract records have to be withheld, so that nobody can work out what one firm has done.

Every definition is homogeneous: parts minus whole are zero and n firms of a band hold n lo to n hi. So the truth times
any factor from 0 to 2 satisfies them as well, and withholding all cells that are not zero would protect each of them:
the search for fewer cells cannot fail, however tight the edges of a band are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hzso_analysis.constraints import Cell, Constraint, build_constraints
from hzso_analysis.faults import DataError
from hzso_analysis.figures import AMOUNTS, codebook
from hzso_analysis.movements import Movements, implied
from hzso_analysis.vocabulary import EXECUTED, FIRMS, LEADING, SUPPRESSED, TYPES

KEY = ["area", "year", "indicator", "flow", "category", "unit"]
FLOW = ["area", "year", "flow"]
RANKS = {f"CR{k}": k for k in LEADING}
CONCENTRATION = [*RANKS, "HHI"]
NUMBERS = [FIRMS, "number of contracts signed"]
HALF_CENT = Decimal("0.5e-8")  # in USD million
DEAR = {"total": 1000.0} | dict.fromkeys(TYPES, 30.0)
MARGIN = 1.0001  # more than the rule asks, so that no rounding on the way brings a cell below it


class Rule(NamedTuple):
    """The fewest firms a figure may be of, and the fraction within which nobody may know a firm's amount."""

    minimum: int
    p: Decimal

    def need(self, value: Decimal, unit: str) -> float:
        """How far from its value a cell that is withheld must possibly be."""
        return float(self.p * value if unit in AMOUNTS else max(Decimal(1), self.p * value)) * MARGIN


def suppress(
    cells: pd.DataFrame,
    *,
    data_dir: str | Path | None = None,
    leading: pd.DataFrame | None = None,
    minimum: int = 3,
    percent: float = 10,
) -> pd.Series:
    """Return "", "primary", "secondary" or "omitted" for each row of `cells`, with its index.

    What is primary or secondary is to be suppressed, what is omitted is to be left out.

    `cells`: a row per figure with area, year, indicator, flow, category, unit, value, firms (how many contribute),
    largest and second (what the two largest of them contribute); numbers are Decimal, amounts in USD million with
    cents. `leading`: area, year, flow, rank, amount of the largest enterprises by contracts executed (22 are enough);
    without it CRk and HHI are all withheld. Primary are figures of fewer than `minimum` firms, and amounts where the
    firms besides the two largest have less than `percent` of the largest. Secondary ones are chosen so that what is
    published leaves each withheld amount open by `percent` up and down, and each count by at least 1. Bands are
    omitted where their difference would tell of too few firms (above 5 without above 10 million): a band that holds
    almost all could have an interval of its own only if the total were suppressed as well.
    Raises DataError for figures in two rows, negative values and leading enterprises with a rank missing. Source of
    the method: p%-rule and the linear programs of Kelly, Golden and Assad (1992), Networks 22, 397-417.

    >>> rows = [("total", 90, 9, 20), ("ITO", 50, 4, 20), ("BPO", 30, 3, 12), ("KPO", 10, 2, 6)]
    >>> table = [("x", 2025, "contracts signed", "all", name, "USD million", *numbers) for name, *numbers in rows]
    >>> frame = pd.DataFrame(table, columns=[*KEY, "value", "firms", "largest"]).assign(second=4)
    >>> suppress(frame).tolist()
    ['', '', 'secondary', 'primary']
    """
    rule, book = Rule(minimum, Decimal(str(percent)) / 100), codebook("categories", data_dir).set_index("id")
    rows = cells.reset_index(drop=True).sort_values(KEY)
    largest = {} if leading is None else {key: g.sort_values("rank") for key, g in leading.groupby(FLOW)}
    _check(rows, largest)
    rows["mark"] = _primary(rows, rule).map({True: "primary", False: ""})
    plain = ~rows["indicator"].isin(CONCENTRATION)
    for _, part in rows[plain].groupby(["area", "year"]):
        names = [Cell(area, int(year), "", *rest) for area, year, *rest in part[KEY].to_numpy().tolist()]
        values = dict(zip(names, map(Decimal, part["value"]), strict=True))
        primary = {name for name, mark in zip(names, part["mark"], strict=True) if mark}
        withheld, omitted = _withheld(values, primary, _definitions(part, values, book, data_dir), rule)
        for mark, chosen in (("secondary", withheld - primary), ("omitted", omitted - withheld)):
            rows.loc[part.index[[name in chosen for name in names]], "mark"] = mark
    others = dict(list(rows[plain].groupby(FLOW)))
    for key, part in rows[~plain].groupby(FLOW):
        same = others.get(key, rows[:0])
        leaders = list(map(Decimal, largest[key]["amount"])) if key in largest else []
        rows.loc[part.index, "mark"] = part["indicator"].map(_concentration(part, same, leaders, book, rule))
    return pd.Series(rows["mark"].sort_index().to_numpy(), index=cells.index, dtype=object)


def _check(rows: pd.DataFrame, largest: Mapping[Any, pd.DataFrame]) -> None:
    faults = [f"cells: row {row}: this figure has two rows; keep one" for row in rows.index[rows.duplicated(KEY)]]
    faults += [f"cells: row {row}: value: is negative; write 0 or more" for row in rows.index[rows["value"] < 0]]
    for key, found in largest.items():
        if found["rank"].tolist() != list(range(1, len(found) + 1)):
            faults.append(f"leading: {' '.join(map(str, key))}: rank: write each rank from 1 once")
    if faults:
        raise DataError(faults)


def _primary(rows: pd.DataFrame, rule: Rule) -> pd.Series:
    amount, some = rows["unit"].isin(AMOUNTS), rows["value"] > 0
    few = (rows["firms"] > 0) & (rows["firms"] < rule.minimum) & (amount | rows["indicator"].isin(NUMBERS))
    rest = rows["value"] - rows["largest"] - rows["second"]
    return some & (few | amount & (rest < rows["largest"].map(lambda value: rule.p * value)))


def _definitions(
    part: pd.DataFrame, values: Mapping[Cell, Decimal], book: pd.DataFrame, data_dir: str | Path | None
) -> list[Constraint]:
    """What holds between the cells of one area and year: the definitions of `reconcile`, and that markets add up.

    They do so where no contract lacks a market; where the true values do not add up, nobody can use it.
    """
    known = {"months": "", "measure": "level", "of": "", "qualifier": SUPPRESSED}
    figures = part[KEY].assign(**known, currency=part["unit"].str[:3].where(part["unit"].isin(AMOUNTS), ""))
    figures.attrs["data_dir"] = data_dir
    definitions = build_constraints(figures)[1]
    markets = book.index[(book["dimension"] == "market") & (book["relation"] == "disjoint")]
    for whole in (cell for cell in values if cell.category == "total" and cell.indicator != FIRMS):
        parts = [cell for name in markets if (cell := whole._replace(category=name)) in values]
        if parts and abs(sum(values[cell] for cell in parts) - values[whole]) <= HALF_CENT * (len(parts) + 1):
            terms = dict.fromkeys(parts, 1.0) | {whole: -1.0}
            definitions.append(Constraint("the markets are the total", terms, 0.0, 0.0))
    return definitions


def _withheld(
    values: Mapping[Cell, Decimal], primary: set[Cell], definitions: list[Constraint], rule: Rule
) -> tuple[set[Cell], set[Cell]]:
    """The primary cells and those without which each of them, and of these, could be bounded too tightly; the omitted.

    Withholding more later takes nothing away from a cell that is free, so each is looked at once, the largest first.
    """
    truth = implied(values, definitions)
    prices = {cell: DEAR.get(cell.category, 1.0) * (1 + math.log1p(n)) for cell, n in values.items() if n}
    program = Movements(definitions, truth, prices, primary)
    withheld, pending = set(primary), set(primary)
    while pending:
        need, cell = max((rule.need(truth[cell], cell.unit), cell) for cell in pending)
        fresh = program.free(cell, need) - withheld
        withheld, pending = withheld | fresh, (pending | fresh) - {cell}
    thin = sorted(_thin(truth, values, rule))
    omitted = set().union(*(program.free(cell, rule.need(truth[cell], cell.unit)) for cell in thin))
    return withheld, omitted


def _thin(truth: Mapping[Cell, Decimal], values: Mapping[Cell, Decimal], rule: Rule) -> set[Cell]:
    """Counts and amounts of too few firms that no row has but differences of bands tell, as from 5 to 10 million."""
    few = [cell for cell, n in truth.items() if cell.indicator == FIRMS and 0 < n < rule.minimum]
    both = {c for n in few for c in (n, n._replace(indicator=EXECUTED, unit="USD million"))}
    return {cell for cell in both if cell not in values and truth.get(cell)}


def _concentration(
    part: pd.DataFrame, same: pd.DataFrame, leading: list[Decimal], book: pd.DataFrame, rule: Rule
) -> dict[str, str]:
    """The mark of each CRk and of the HHI of one area, year and flow; `same` are the other rows of these.

    CR1 and CR2 tell the amounts of firms. Another CRk is a sum of firms between ranks up to which sums are known
    already, so that each group which it cuts off must be one that could be published itself.
    """
    marks = {name: "primary" if name in ("CR1", "CR2") else "secondary" for name in part["indicator"]}
    sized = same[same["category"].isin(["total", *book.index[book["low"].notna()]])]
    sized = sized[sized["indicator"].isin([EXECUTED, FIRMS])]
    if sized["mark"].any() or not leading or not (sums := _known_sums(sized, book)):
        return marks
    cuts, n = {0, *sums}, max(sums)
    sums |= {rank: sum(leading[:rank], Decimal(0)) for rank in range(len(leading) + 1)}
    for name in [name for name, k in RANKS.items() if k > 2 and name in marks]:
        k = RANKS[name]
        if k < n and k not in cuts:
            first, last = max(cut for cut in cuts if cut < k), min(cut for cut in cuts if cut > k)
            if not all(_apart(*ends, sums, leading, rule) for ends in ((first, k), (k, last))):
                marks[name] = "primary"
                continue
        marks[name] = ""
        cuts.add(min(k, n))
    if "HHI" in marks:
        m, index = min(cuts - {0}), Decimal(part.loc[part["indicator"] == "HHI", "value"].iloc[0])
        marks["HHI"] = "" if _vague(leading[0], index, (sums[m], sums[n]), (m, n), rule.p) else "primary"
    return marks


def _known_sums(sized: pd.DataFrame, book: pd.DataFrame) -> dict[int, Decimal]:
    """What all firms down to a rank have, for ranks at edges of bands and the last; nothing if one is unclear."""
    executed = sized[sized["indicator"] == EXECUTED]
    money = dict(zip(executed["category"], map(Decimal, executed["value"]), strict=True))
    firms = sized[sized["indicator"] == FIRMS].set_index("category")["value"].to_dict()
    if not money.get("total"):
        return {}
    above = {math.inf: (0, Decimal(0))}
    bands = book.loc[book.index.isin({*money, *firms} - {"total"}), ["low", "high"]].fillna({"high": math.inf})
    for name, low, high in bands.sort_values("low", ascending=False).itertuples():
        if high not in above or name not in money or name not in firms:
            return {}
        above[low] = above[high][0] + int(firms[name]), above[high][1] + money[name]
    sums = {rank: amount for rank, amount in above.values() if rank}
    return sums | {int(executed.loc[executed["category"] == "total", "firms"].iloc[0]): money["total"]}


def _apart(first: int, last: int, sums: Mapping[int, Decimal], leading: list[Decimal], rule: Rule) -> bool:
    """Whether the sum of the firms from rank first + 1 to last may be known."""
    if last - first < rule.minimum or first + 2 > len(leading) or last not in sums:
        return False
    rest = sums[last] - sums[first] - leading[first] - leading[first + 1]
    return rest >= rule.p * leading[first]


def _vague(largest: Decimal, index: Decimal, sums: tuple[Decimal, Decimal], ranks: tuple[int, int], p: Decimal) -> bool:
    """Whether the HHI, with the sum of the first m of n firms, leaves the largest open by a fraction p both ways.

    The squares of the others are least where they are equal, which bounds the largest from above.
    """
    (top, total), (m, n) = sums, ranks
    squares = index * total**2 / 10_000
    own = squares - ((total - top) ** 2 / (n - m) if n > m else 0)
    # the larger root of x^2 + (top - x)^2 / (m - 1) = own
    high = (top + max((m - 1) * (m * own - top**2), Decimal(0)).sqrt()) / m
    low = max(top / m, squares / total)
    return low <= (1 - p) * largest and high >= (1 + p) * largest
