"""What is withheld of contract records: each rule by hand, and random worlds that `reconcile` tries to see through."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from hzso_analysis import DataError, codebook, reconcile
from hzso_analysis.confidentiality import CONCENTRATION, KEY, _definitions, _vague, suppress
from hzso_analysis.constraints import Cell, Constraint, build_constraints
from hzso_analysis.solver import System

COLUMNS = [*KEY, "value", "firms", "largest", "second"]
SUPPRESSED = ["primary", "secondary"]
AMOUNTS = ["contracts executed", "contracts signed"]
MARKETS = ["USA", "EU", "Japan", "other markets"]
TYPES = ["ITO", "BPO", "KPO"]
INDUSTRIES = ["financial services", "network R&D"]
BANDS = {
    **{"above USD 1 million": (1, math.inf), "above USD 5 million": (5, math.inf)},
    **{"above USD 10 million": (10, math.inf), "USD 10 to 30 million": (10, 30), "USD 30 to 50 million": (30, 50)},
    **{"USD 50 to 100 million": (50, 100), "above USD 100 million": (100, math.inf)},
}
# what bands leave between them, by the two of which it is the difference
SLICES = {
    "[0, 1)": ("total", "above USD 1 million"),
    "[1, 5)": ("above USD 1 million", "above USD 5 million"),
    "[5, 10)": ("above USD 5 million", "above USD 10 million"),
}
CENTS = 10**8  # of USD million


def contracts(seed: int) -> pd.DataFrame:
    """Contracts of 5 to 60 firms with heavy-tailed amounts in cents."""
    random = np.random.default_rng(seed)
    firms = int(random.integers(5, 61))
    firm = np.repeat(np.arange(firms), random.integers(1, 5, firms))
    n = len(firm)
    size = random.lognormal(random.uniform(-1, 2), random.uniform(0.5, 2), firms)[firm]
    flow = random.choice(["offshore", "onshore"], n, p=[0.7, 0.3])
    return pd.DataFrame(
        {
            **{"firm": firm, "flow": flow, "type": random.choice(TYPES, n, p=[0.6, 0.25, 0.15])},
            "industry": random.choice([*INDUSTRIES, ""], n, p=[0.3, 0.3, 0.4]),
            "market": np.where(flow == "offshore", random.choice(MARKETS, n, p=[0.5, 0.2, 0.2, 0.1]), ""),
            "executed": (size * random.lognormal(0, 1, n) * CENTS).astype(np.int64) + CENTS // 100,
            "signed": (size * random.lognormal(0, 1, n) * CENTS * (random.random(n) < 0.7)).astype(np.int64),
        }
    )


def decimals(found: pd.DataFrame, column: str) -> list[Decimal]:
    """The sums of the firms, the largest first."""
    sums = np.bincount(found["firm"], found[column]).astype(np.int64)
    return [Decimal(int(n)) / CENTS for n in np.sort(sums[sums > 0])[::-1]]


def amount_rows(found: pd.DataFrame, flow: str, category: str) -> list[tuple]:
    """The two amounts and the number of contracts of one category of one flow."""
    rows = []
    for indicator, column in zip(AMOUNTS, ["executed", "signed"], strict=True):
        sums = decimals(found, column)
        ends = [*sums, Decimal(0), Decimal(0)][:2]
        rows.append((indicator, flow, category, "USD million", sum(sums, Decimal(0)), len(sums), *ends))
    each = np.sort(np.bincount(found.loc[found["signed"] > 0, "firm"]))[::-1]
    ends = [Decimal(int(n)) for n in [*each, 0, 0][:2]]
    count = Decimal(int(each.sum()))
    rows.append(("number of contracts signed", flow, category, "count", count, np.count_nonzero(each), *ends))
    return rows


def band_rows(sums: list[Decimal], flow: str) -> list[tuple]:
    rows = [("enterprises", flow, "total", "count", Decimal(len(sums)), len(sums), Decimal(1), Decimal(1))]
    for category, (low, high) in BANDS.items():
        inside = [n for n in sums if low <= n < high]
        ends = [*inside, Decimal(0), Decimal(0)][:2]
        rows.append(("enterprises", flow, category, "count", Decimal(len(inside)), len(inside), Decimal(1), Decimal(1)))
        amount = sum(inside, Decimal(0))
        rows.append(("contracts executed", flow, category, "USD million", amount, len(inside), *ends))
    return rows


def concentration_rows(sums: list[Decimal], flow: str) -> list[tuple]:
    total, none = sum(sums, Decimal(0)), Decimal(0)
    if not total:
        return []
    shares = [100 * n / total for n in sums]
    measures = {f"CR{k}": ("percent", sum(shares[:k])) for k in (1, 2, 4, 8, 20)}
    measures["HHI"] = ("points", sum(share**2 for share in shares))
    return [(name, flow, "total", *found, len(sums), none, none) for name, found in measures.items()]


def aggregate(records: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frame of cells and that of the leading enterprises, as they come from a ledger."""
    rows, leading = [], []
    for flow in ("all", "offshore", "onshore"):
        own = records if flow == "all" else records[records["flow"] == flow]
        sums = decimals(own, "executed")
        groups = {"total": own} | {name: own[own["type"] == name] for name in TYPES}
        groups |= {name: own[own["industry"] == name] for name in INDUSTRIES}
        groups |= {name: own[own["market"] == name] for name in MARKETS if flow != "onshore"}
        for category, found in groups.items():
            rows += amount_rows(found, flow, category)
        rows += band_rows(sums, flow) + concentration_rows(sums, flow)
        leading += [("x", 2025, flow, rank, n) for rank, n in enumerate(sums[:24], 1)]
    cells = pd.DataFrame([("x", 2025, *row) for row in rows], columns=COLUMNS)
    return cells, pd.DataFrame(leading, columns=["area", "year", "flow", "rank", "amount"])


def figures(cells: pd.DataFrame, marks: pd.Series) -> pd.DataFrame:
    """What is published, without the rows of concentration, of which `reconcile` has no definition."""
    hidden, amount = marks.isin(SUPPRESSED), cells["unit"] == "USD million"
    frame = cells[KEY].assign(
        **{"months": "", "measure": "level", "value": cells["value"].astype(float).mask(hidden)},
        # nothing is nothing to the cent
        precision=np.where(amount & (cells["value"] > 0), 0.5e-8, 0.0),
        **{"qualifier": np.where(hidden, "suppressed", ""), "source": "ledger", "weight": 2},
    )
    return frame[~cells["indicator"].isin(CONCENTRATION) & (marks != "omitted")]


def plain(cells: pd.DataFrame) -> pd.Series:
    """The rows that are not zero and not about concentration."""
    return ~cells["indicator"].isin(CONCENTRATION) & (cells["value"] > 0)


def tight(name: tuple, value: float, low: float, high: float) -> list[str]:
    """A complaint where bounds leave less than the rule wants: a tenth for amounts, for counts at least 1."""
    gap = max(0.1 * value, 1.0 if name[-1] == "count" else 0.0)
    near = 1e-6 * gap
    fine = low <= max(0.0, value - gap) + near and high >= value + gap - near
    return [] if fine else [f"{name}: {value} is known to be {low} to {high}"]


def seen_by_reconcile(cells: pd.DataFrame, marks: pd.Series) -> list[str]:
    """Complaints about withheld cells, by the estimates that any reader of the figures can make."""
    found = reconcile(figures(cells, marks))
    estimates, complaints = found.estimates.set_index(KEY), []
    if len(found.suspects) or len(found.alternatives):
        complaints.append("figures contradict each other")
    for row in cells[marks.isin(SUPPRESSED) & plain(cells)].itertuples():
        name = tuple(getattr(row, column) for column in KEY)
        known = estimates.loc[name]
        if known["status"] != "suppressed":
            complaints.append(f"{name} has status {known['status']}")
        complaints += tight(name, float(row.value), known["low"], known["high"])
    return complaints


def seen_by_insiders(cells: pd.DataFrame, marks: pd.Series) -> list[str]:
    """Complaints of one who knows that markets add up, about withheld cells and slices of one or two firms."""
    frame = figures(cells, marks)
    frame = frame.assign(since=pd.NA, of="", currency=np.where(frame["unit"] == "count", "", "USD"))
    names, constraints = build_constraints(frame)
    for whole in [name for name in names if name.category == "total" and name.flow == "offshore"]:
        parts = [part for market in MARKETS if (part := whole._replace(category=market)) in names]
        if parts:
            constraints.append(Constraint("", dict.fromkeys(parts, 1.0) | {whole: -1.0}, 0.0, 0.0))
    system = System(names, constraints, dict.fromkeys(frame.index, 2.0))
    values = {Cell(*row[:2], "", *row[2:-1]): float(row[-1]) for row in cells[[*KEY, "value"]].itertuples(index=False)}
    marked = zip(values, marks.isin(SUPPRESSED), strict=True)
    wanted = {name: values[name] for name, mark in marked if mark and name in system.column}
    for firms in [name for name in names if name.indicator == "enterprises" and name.category in SLICES]:
        money = firms._replace(indicator="contracts executed", unit="USD million")
        for name in (firms, money):
            more, less = (values[name._replace(category=band)] for band in SLICES[name.category])
            wanted[name] = more - less
        if not 0 < wanted[firms] < 3:
            del wanted[firms], wanted[money]
    found = [] if system.consistent() else ["figures contradict each other"]
    return found + [text for name, value in wanted.items() for text in tight(name, value, *system.bounds({name: 1.0}))]


def table(*rows: tuple, indicator: str = "contracts signed", flow: str = "all", unit: str = "USD million"):
    """Cells of one indicator; a row is category, value, firms, largest, second."""
    made = [("x", 2025, indicator, flow, row[0], unit, Decimal(row[1]), row[2], *map(Decimal, row[3:])) for row in rows]
    return pd.DataFrame(made, columns=COLUMNS)


def marked(cells: pd.DataFrame, **arguments) -> dict[str, str]:
    """Marks by category, or by indicator and flow where there are several."""
    marks = suppress(cells, **arguments)
    names = ["category", "flow", "indicator"]
    varied = [name for name in names if len(set(cells[name])) > 1] or names[:1]
    return {" ".join(row[:-1]): row[-1] for row in cells[varied].assign(mark=marks).itertuples(index=False)}


# Primary cells


def test_amounts_of_few_firms_are_primary():
    cells = table(("financial services", 20, 2, 11, 9), ("network R&D", 20, 3, 8, 7))
    assert marked(cells) == {"financial services": "primary", "network R&D": ""}
    assert marked(cells, minimum=4) == {"financial services": "primary", "network R&D": "primary"}


@pytest.mark.parametrize(("rest", "mark"), [("1.00000000", ""), ("0.99999999", "primary")])
def test_what_the_two_largest_leave_must_be_a_tenth_of_the_largest(rest, mark):
    value = Decimal(rest) + 15
    assert marked(table(("financial services", value, 5, 10, 5))) == {"financial services": mark}
    assert marked(table(("financial services", value, 5, 10, 5)), percent=5) == {"financial services": ""}


@pytest.mark.parametrize("indicator", ["enterprises", "number of contracts signed"])
def test_counts_of_few_firms_are_primary(indicator):
    cells = table(("total", 2, 2, 1, 1), indicator=indicator, unit="count")
    assert marked(cells) == {"total": "primary"}
    assert marked(table(("total", 40, 3, 38, 1), indicator=indicator, unit="count")) == {"total": ""}
    assert marked(table(("total", 0, 1, 0, 0), indicator=indicator, unit="count")) == {"total": ""}


def test_nothing_is_no_secret():
    assert marked(table(("financial services", 0, 0, 0, 0), ("USA", 0, 2, 0, 0))) == {
        "financial services": "",
        "USA": "",
    }


# Secondary cells


def test_the_cells_that_move_must_be_large_enough_together():
    """ITO must be open by 150; BPO is cheaper, but all of it is 50 only."""
    rows = [("total", 2000, 20, 300, 200), ("ITO", 1500, 2, 800, 700), ("BPO", 50, 9, 9, 8), ("KPO", 450, 9, 90, 80)]
    cells = table(*rows)
    assert marked(cells) == {"total": "", "ITO": "primary", "BPO": "secondary", "KPO": "secondary"}
    assert seen_by_reconcile(cells, suppress(cells)) == []


def test_the_smaller_of_two_cells_is_withheld():
    rows = [("total", 900, 20, 300, 200), ("ITO", 50, 2, 30, 20), ("BPO", 350, 9, 50, 40), ("KPO", 500, 9, 90, 80)]
    assert marked(table(*rows)) == {"total": "", "ITO": "primary", "BPO": "secondary", "KPO": ""}


def test_a_total_is_withheld_where_nothing_else_is_left():
    rows = [("total", 60, 5, 30, 10), ("ITO", 60, 2, 31, 29), ("BPO", 0, 0, 0, 0), ("KPO", 0, 0, 0, 0)]
    assert marked(table(*rows)) == {"total": "secondary", "ITO": "primary", "BPO": "", "KPO": ""}


def test_more_categories_are_withheld_rather_than_totals():
    """Two totals and one more cell would do for a start."""
    flows = {"all": (245, 140, 105, 0), "offshore": (45, 40, 5, 0), "onshore": (200, 100, 100, 0)}
    rows = {
        flow: [(name, n, 9 * (n > 0), n and 3, n and 3) for name, n in zip(["total", *TYPES], values, strict=True)]
        for flow, values in flows.items()
    }
    rows["offshore"][1] = ("ITO", 40, 2, 21, 19)
    cells = pd.concat([table(*found, flow=flow) for flow, found in rows.items()], ignore_index=True)
    marks = suppress(cells)
    assert (marks[cells["category"] == "total"] == "").all()


def test_a_cent_lost_by_rounding_moves_nothing():
    sums = [("total", "90.00000001", 20, 9, 8), ("ITO", 45, 10, 9, 8), ("BPO", 45, 10, 9, 8), ("KPO", 0, 0, 0, 0)]
    assert set(marked(table(*sums, ("financial services", "0.00000010", 2, "6e-8", "4e-8"))).values()) == {
        "",
        "primary",
    }


def test_a_category_is_withheld_in_a_second_flow_too():
    rows = [(("USA", 50, 9, 9, 8), "all"), (("USA", 30, 2, 20, 10), "offshore"), (("USA", 20, 7, 5, 4), "onshore")]
    cells = pd.concat([table(row, flow=flow) for row, flow in rows], ignore_index=True)
    assert marked(cells) == {"all": "", "offshore": "primary", "onshore": "secondary"}


def test_a_secondary_cell_is_open_by_a_tenth_itself():
    """KPO could hide ITO of 1, but ITO cannot hide KPO of 500: BPO must be withheld with them."""
    rows = [("total", 1001, 30, 90, 80), ("ITO", 1, 1, 1, 0), ("BPO", 500, 15, 90, 80), ("KPO", 500, 15, 90, 80)]
    cells = table(*rows)
    assert marked(cells) == {"total": "", "ITO": "primary", "BPO": "secondary", "KPO": "secondary"}
    assert seen_by_reconcile(cells, suppress(cells)) == []


def test_a_contract_count_is_open_by_one():
    rows = [("total", 9, 7, 2, 2), ("ITO", 2, 2, 1, 1), ("BPO", 3, 3, 1, 1), ("KPO", 4, 4, 1, 1)]
    cells = table(*rows, indicator="number of contracts signed", unit="count")
    assert marked(cells) == {"total": "", "ITO": "primary", "BPO": "secondary", "KPO": ""}
    assert seen_by_reconcile(cells, suppress(cells)) == []


def test_signed_and_executed_do_not_touch_each_other():
    few = [("total", 90, 9, 20, 9), ("ITO", 50, 4, 20, 9), ("BPO", 30, 3, 12, 9), ("KPO", 10, 2, 6, 4)]
    many = [(name, value, 9, 5, 4) for name, value, *_ in few]
    cells = pd.concat([table(*few), table(*many, indicator="contracts executed")], ignore_index=True)
    assert suppress(cells).tolist() == ["", "", "secondary", "primary", "", "", "", ""]


def test_everything_is_withheld_where_values_contradict_each_other():
    """ITO cannot be larger where all are nothing: no movement is possible, so none is known to be safe."""
    cells = table(("total", 0, 0, 0, 0), ("ITO", 5, 2, 4, 1), ("financial services", 7, 5, 2, 2), ("USA", 0, 0, 0, 0))
    assert suppress(cells).tolist() == ["", "primary", "secondary", ""]


@pytest.mark.parametrize(("other", "known"), [("20.00000001", True), ("19", False)])
def test_markets_are_known_to_be_the_total_where_they_are(other, known):
    cells = table(("total", 70, 9, 9, 8), ("USA", 50, 9, 9, 8), ("other markets", other, 9, 9, 8), ("ITO", 70, 9, 9, 8))
    names = [Cell(*row[:2], "", *row[2:]) for row in cells[KEY].itertuples(index=False)]
    book = codebook("categories").set_index("id")
    definitions = _definitions(cells, dict(zip(names, cells["value"], strict=True)), book, None)
    sums = [c.terms for c in definitions if c.low == c.high == 0 and names[1] in c.terms]
    assert sums == ([{names[1]: 1.0, names[2]: 1.0, names[0]: -1.0}] if known else [])


def sized(*counts: int, each: dict[str, int]) -> pd.DataFrame:
    """Bands with so many firms, which all have the same amount."""
    firms = [(band, n, n, 1, 1) for band, n in zip(each, counts, strict=True)]
    money = [(band, n * each[band], n, each[band], each[band]) for band, n in zip(each, counts, strict=True)]
    made = table(*firms, indicator="enterprises", unit="count"), table(*money, indicator="contracts executed")
    return pd.concat(made, ignore_index=True)


def test_a_band_of_one_firm_is_withheld_with_another_band_by_count_and_amount():
    each = dict(zip(list(BANDS)[2:], [0, 20, 40, 70, 150], strict=True))
    cells = sized(0, 9, 5, 4, 1, each=each)
    cells.loc[[0, 5], ["value", "firms"]] = [[Decimal(19), 19], [Decimal(810), 19]]
    cells.loc[5, ["largest", "second"]] = [Decimal(150), Decimal(70)]
    marks = suppress(cells)
    assert marks[[4, 9]].tolist() == ["primary", "primary"]
    assert marks[[0, 5]].tolist() == ["", ""]
    assert (marks[:5] == "secondary").any() and (marks[5:] == "secondary").any()
    assert seen_by_reconcile(cells, marks) == []


def test_a_band_is_omitted_where_its_difference_from_another_is_one_firm():
    cells = sized(7, 6, each={"above USD 5 million": 20, "above USD 10 million": 20})
    marks = suppress(cells)
    assert (marks[:2] == "omitted").any() and (marks[2:] == "omitted").any() and not marks.isin(SUPPRESSED).any()
    assert (suppress(sized(9, 6, each={"above USD 5 million": 20, "above USD 10 million": 20})) == "").all()


# Concentration


def ranked(amounts: list[int], bands: tuple[str, ...] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Total, bands and concentration of enterprises with these amounts, the largest first, and the leading ones."""
    sums = list(map(Decimal, amounts))
    total = ("contracts executed", "all", "total", "USD million", sum(sums), len(sums), *sums[:2])
    rows = [total, *(row for row in band_rows(sums, "all") if row[2] in ("total", *bands))]
    cells = pd.DataFrame([("x", 2025, *row) for row in rows + concentration_rows(sums, "all")], columns=COLUMNS)
    leading = [("x", 2025, "all", rank, amount) for rank, amount in enumerate(sums[:24], 1)]
    return cells, pd.DataFrame(leading, columns=["area", "year", "flow", "rank", "amount"])


def concentration(amounts: list[int], *bands: str, **arguments) -> dict[str, str]:
    cells, leading = ranked(amounts, bands)
    marks = suppress(cells, leading=leading, **arguments)
    return {name: mark for name, mark in zip(cells["indicator"], marks, strict=True) if name in CONCENTRATION}


def opened(amounts: list[int], *bands: str) -> set[str]:
    return {name for name, mark in concentration(amounts, *bands).items() if not mark}


def test_groups_of_firms_of_like_size_can_be_known_but_never_the_first_two():
    amounts = list(range(40, 0, -1))
    assert concentration(amounts) == {
        "CR1": "primary",
        "CR2": "primary",
        "CR4": "",
        "CR8": "",
        "CR20": "",
        "HHI": "primary",
    }
    assert concentration(amounts, minimum=5)["CR4"] == "primary"


def test_without_the_leading_enterprises_nothing_of_concentration_is_published():
    cells, leading = ranked(list(range(40, 0, -1)))
    rows = cells["indicator"].isin(CONCENTRATION)
    assert (suppress(cells)[rows] != "").all()
    assert (suppress(cells, leading=leading.assign(area="y"))[rows] != "").all()


def test_a_share_that_leaves_two_firms_at_the_end_is_withheld():
    assert opened([9, 8, 8, 8, 8, 8]) == {"CR8", "CR20"}  # of all six: 100 %
    assert opened([9, 8, 8, 8, 8, 8, 8]) >= {"CR4", "CR8"}


def test_a_share_whose_firms_are_few_beside_the_largest_is_withheld():
    assert "CR4" not in opened([1000, 100, 50, 49, *[10] * 30])
    assert "CR4" in opened([1000, 100, 50, 50, *[10] * 30])
    assert "CR8" not in opened([1000, 900, 800, 700, 600, 300, 30, 29, *[10] * 30])
    assert "CR8" in opened([1000, 900, 800, 700, 600, 300, 30, 30, *[10] * 30])


def test_the_firms_after_the_last_share_are_a_group_as_well():
    amounts = [100] * 20
    assert "CR20" not in opened([*amounts, 90, 50, 8])
    assert "CR20" in opened([*amounts, 90, 50, 9])


def test_a_share_next_to_the_edge_of_a_band_is_withheld():
    assert "CR4" in opened([*range(150, 110, -10), *range(99, 60, -1)])
    assert "CR4" in opened([150, 140, 130, 120, *range(99, 60, -1)], "above USD 100 million")  # the band itself
    assert "CR4" not in opened([150, 140, 130, *range(99, 60, -1)], "above USD 100 million")
    assert "CR8" not in opened([150, 140, 130, *range(99, 93, -1), *range(49, 20, -1)], *BANDS)  # nine above 50
    assert "CR8" in opened([150, 140, 130, *range(99, 90, -1), *range(49, 20, -1)], *BANDS)  # twelve above 50


def test_a_band_that_is_withheld_takes_all_shares_with_it():
    found = concentration([150, 140, *range(99, 60, -1)], "above USD 100 million")
    assert found["CR20"] == found["HHI"] == "secondary"


def test_a_total_that_is_withheld_takes_all_shares_with_it():
    assert opened([9, 8]) == set()


def test_an_index_that_tells_the_largest_is_withheld():
    assert "HHI" not in opened([10] * 40)  # all are equal and so known
    assert "HHI" not in opened([500, *[10] * 40])  # the others are too small to matter
    assert "HHI" in opened([30, 25, 20, 18, 15, 14, 12, 11, *range(10, 0, -1), *[1] * 20])


def test_the_index_bounds_the_largest_from_both_sides():
    """With all firms as the only group: x^2 + (100 - x)^2 / 9 = Q, and Q / 100 from below."""
    ten = (Decimal(100), Decimal(100)), (10, 10), Decimal("0.1")
    upper = Decimal("37.5") / Decimal("1.1")  # Q = 1840 leaves 37.5 at most, 18.4 at least
    index = Decimal("37.5") ** 2 + Decimal("62.5") ** 2 / 9
    assert _vague(upper - Decimal("0.01"), index, *ten)
    assert not _vague(upper + Decimal("0.01"), index, *ten)
    lower = index / 100 / Decimal("0.9")
    assert _vague(lower + Decimal("0.01"), index, *ten)
    assert not _vague(lower - Decimal("0.01"), index, *ten)


def test_the_index_is_read_with_the_sum_of_the_leading_group():
    """Five of ten firms have 80 of 100; the squares of the others are at least 20^2 / 5."""
    index = Decimal("37.5") ** 2 + Decimal("42.5") ** 2 / 4 + 80
    upper, known = Decimal("37.5") / Decimal("1.1"), ((Decimal(80), Decimal(100)), (5, 10), Decimal("0.1"))
    assert _vague(upper - Decimal("0.01"), index, *known)
    assert not _vague(upper + Decimal("0.01"), index, *known)


def test_bands_are_those_of_the_folder(tmp_path):
    known = codebook("categories")
    known.loc[known["id"] == "above USD 100 million", "id"] = "huge"
    known.to_csv(tmp_path / "categories.csv", index=False)
    cells, leading = ranked([150, 140, 130, *range(99, 60, -1)], ("above USD 100 million",))
    cells["category"] = cells["category"].replace("above USD 100 million", "huge")
    marks = suppress(cells, leading=leading, data_dir=tmp_path)
    assert marks[cells["indicator"] == "CR4"].tolist() == ["primary"]


# The frame


def test_rows_in_another_order_get_the_same_marks():
    for seed in range(5):
        cells, leading = aggregate(contracts(seed))
        marks = suppress(cells, leading=leading)
        mixed = cells.sample(frac=1, random_state=seed)
        again = suppress(mixed, leading=leading.sample(frac=1, random_state=seed))
        assert again.index.equals(mixed.index)
        pd.testing.assert_series_equal(again.sort_index(), marks)


def test_areas_and_years_are_apart_and_the_index_is_kept():
    (first, first_leading), (second, second_leading) = (aggregate(contracts(seed)) for seed in (1, 7))
    second, second_leading = second.assign(year=2026), second_leading.assign(year=2026)
    both = pd.concat([first, second, first.assign(area="y")])
    leading = pd.concat([first_leading, second_leading, first_leading.assign(area="y")])
    alone = [suppress(first, leading=first_leading), suppress(second, leading=second_leading)]
    pd.testing.assert_series_equal(suppress(both, leading=leading), pd.concat([*alone, alone[0]]))


def test_faults_of_the_frames_are_named_all_at_once():
    cells = table(("total", 9, 5, 2, 2), ("ITO", -1, 5, 2, 2), ("total", 9, 5, 2, 2))
    leading = pd.DataFrame([("x", 2025, "all", 2, Decimal(4))], columns=["area", "year", "flow", "rank", "amount"])
    with pytest.raises(DataError) as caught:
        suppress(cells, leading=leading)
    assert caught.value.faults == [
        "cells: row 2: this figure has two rows; keep one",
        "cells: row 1: value: is negative; write 0 or more",
        "leading: x 2025 all: rank: write each rank from 1 once",
    ]


def test_categories_are_those_of_the_folder(tmp_path):
    known = codebook("categories")
    known.loc[known["id"] == "KPO", "id"] = "fishing"
    known.to_csv(tmp_path / "categories.csv", index=False)
    rows = [("total", 90, 9, 20, 9), ("ITO", 50, 4, 20, 9), ("BPO", 30, 2, 20, 10), ("fishing", 10, 3, 4, 3)]
    assert marked(table(*rows))["fishing"] == ""
    assert marked(table(*rows), data_dir=tmp_path)["fishing"] == "secondary"


def test_no_rows_no_marks():
    assert suppress(table(("total", 9, 5, 2, 2))[:0]).tolist() == []


# The audit


@pytest.mark.parametrize("case", range(5))
def test_no_withheld_cell_of_a_random_world_can_be_bounded_more_tightly_than_the_rule(case):
    shares, totals = [], []
    for seed in range(20 * case, 20 * case + 20):
        cells, leading = aggregate(contracts(seed))
        # what is signed has the same definitions as what is executed, and nothing joins them
        cells = cells[(cells["indicator"] != "contracts signed") | (seed % 4 == 0)]
        marks = suppress(cells, leading=leading)
        assert seen_by_reconcile(cells, marks) == [], f"world {seed}"
        shares.append((marks[plain(cells)] == "").mean())
        totals.extend(marks[plain(cells) & (cells["category"] == "total")] == "")
    # half of the worlds have less than 35 firms, so that a fifth of all cells are of one or two firms
    assert np.median(shares) > 0.55
    assert np.mean(totals) > 0.85


@pytest.mark.parametrize("case", range(4))
def test_insiders_learn_no_more_and_slices_between_bands_are_open_too(case):
    for seed in range(10 * case, 10 * case + 10):
        cells, leading = aggregate(contracts(seed))
        marks = suppress(cells, leading=leading)
        assert seen_by_insiders(cells, marks) == [], f"world {seed}"
