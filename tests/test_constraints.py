"""Cells and constraints: what each figure and each definition says, one rule a test."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from hzso_analysis.constraints import Cell, Constraint, build_constraints, interval

ROW = {
    **{"area": "hangzhou", "year": 2011, "months": "", "indicator": "contracts executed", "flow": "offshore"},
    **{"category": "total", "measure": "level", "since": pd.NA, "of": "", "value": 100.0, "precision": 0.5},
    **{"qualifier": "", "currency": "USD"},
}
TOTAL = Cell("hangzhou", 2011, "", "contracts executed", "offshore", "total", "USD million")
TEN_UP = ["USD 10 to 30 million", "USD 30 to 50 million", "USD 50 to 100 million", "above USD 100 million"]


def build(*rows: dict, data_dir=None) -> tuple[list[Cell], list[Constraint]]:
    frame = pd.DataFrame([ROW | row for row in rows])
    frame.attrs["data_dir"] = data_dir
    return build_constraints(frame)


def firms(**changes) -> dict:
    return {"indicator": "enterprises", "currency": "", "value": 5.0, "precision": 0.0} | changes


def definitions(constraints: list[Constraint], field: str) -> dict[frozenset, tuple[float, float]]:
    """The definitions whose cells differ from each other in one field only: {(value, factor), ...} -> (low, high)."""
    found = {}
    for c in constraints:
        if c.figure < 0 and len({cell._replace(**{field: ""}) for cell in c.terms}) == 1:
            found[frozenset((getattr(cell, field), factor) for cell, factor in c.terms.items())] = (c.low, c.high)
    return found


def published(row: dict) -> list[tuple[dict[Cell, float], float, float]]:
    return [(c.terms, c.low, c.high) for c in build(row)[1] if c.figure == 0]


# Published figures


@pytest.mark.parametrize(
    ("qualifier", "ends"),
    [("", (99.5, 100.5)), ("over", (99.5, math.inf)), ("under", (0.0, 100.5)), ("about", (99.0, 101.0))],
)
def test_level_is_an_interval(qualifier, ends):
    assert published({"qualifier": qualifier}) == [({TOTAL: 1.0}, *ends)]


def test_interval_of_a_negative_bound_is_not_turned_round():
    low, high = interval(pd.Series({"value": -10, "precision": 0.5, "qualifier": "under"}))
    assert low <= high < 0


def test_share_binds_a_category_to_the_total_of_its_flow():
    ito = TOTAL._replace(category="ITO")
    (low, *_), (high, *_) = published({"category": "ITO", "measure": "share", "value": 66.14, "precision": 0.005})
    assert low == pytest.approx({ito: 1.0, TOTAL: -0.66135})
    assert high == pytest.approx({ito: 1.0, TOTAL: -0.66145})


def test_share_of_a_flow_is_a_share_of_all_flows():
    (low, *_), _ = published({"measure": "share", "value": 80.0})
    assert low == pytest.approx({TOTAL: 1.0, TOTAL._replace(flow="all"): -0.795})


def test_share_of_another_area_binds_only_when_that_area_is_present():
    share = {"measure": "share", "of": "china", "value": 8.0}
    assert build(share) == ([], [])
    cells, constraints = build(share, {"area": "china", "value": 1000.0})
    china = TOTAL._replace(area="china")
    assert cells == [china, TOTAL]
    assert constraints[0].terms == pytest.approx({TOTAL: 1.0, china: -0.075})


def test_growth_binds_the_same_months_of_two_years():
    (low, *_), (high, *_) = published({"months": "1 to 8", "measure": "growth", "value": 25.0})
    now, before = (TOTAL._replace(year=year, months="1 to 8") for year in (2011, 2010))
    assert low == pytest.approx({now: 1.0, before: -1.245})
    assert high == pytest.approx({now: 1.0, before: -1.255})


def test_average_growth_compounds_over_the_steps():
    (low, *_), (high, *_) = published({"measure": "average growth", "since": 2007, "value": 95.0})
    first = TOTAL._replace(year=2007)
    assert low == pytest.approx({TOTAL: 1.0, first: -(1.945**4)})
    assert high == pytest.approx({TOTAL: 1.0, first: -(1.955**4)})


def test_growth_under_a_rate_may_be_a_fall():
    (low, *_), (high, *_) = published({"measure": "growth", "qualifier": "under", "value": 5.0})
    assert low == pytest.approx({TOTAL: 1.0, TOTAL._replace(year=2010): 0.0})
    assert high == pytest.approx({TOTAL: 1.0, TOTAL._replace(year=2010): -1.055})


@pytest.mark.parametrize(("measure", "weight"), [("cumulative", 1.0), ("average", 0.2)])
def test_cumulative_and_average_run_over_all_years(measure, weight):
    years = {TOTAL._replace(year=year): weight for year in range(2007, 2012)}
    assert published({"measure": measure, "since": 2007}) == [(years, 99.5, 100.5)]


def test_unclear_figures_constrain_nothing():
    assert build({"qualifier": "unclear"}) == ([], [])


def test_currencies_never_meet():
    cells, constraints = build({}, {"currency": "CNY", "value": 650.0})
    assert {cell.unit for cell in cells} == {"USD million", "CNY million"}
    assert all(len({cell.unit for cell in c.terms}) == 1 for c in constraints)


@pytest.mark.parametrize(
    "row",
    [
        {"category": "ITO", "measure": "share", "value": 130.0},
        {"category": "financial services", "measure": "share", "value": 130.0},
        {"category": "ITO", "measure": "share", "value": -5.0},
        {"measure": "growth", "value": -130.0},
        {"measure": "average growth", "since": 2009, "value": -130.0},
    ],
)
def test_impossible_rates_exclude_even_levels_of_zero(row):
    assert any(low > 0 or high < 0 for _, low, high in published(row))


# Breaks


def test_growth_across_a_break_is_not_linked():
    employees = {"indicator": "employees", "flow": "", "currency": "", "measure": "growth", "value": 10.0}
    assert build(employees | {"year": 2019}) == ([], [])
    assert build(employees | {"year": 2020, "measure": "average growth", "since": 2017}) == ([], [])
    assert [cell.year for cell in build(employees | {"year": 2018})[0]] == [2017, 2018]
    assert [cell.year for cell in build(employees | {"year": 2020})[0]] == [2019, 2020]


def test_a_break_of_one_area_leaves_the_others_linked(tmp_path):
    (tmp_path / "breaks.csv").write_text("indicator,area,year,why\ncontracts executed,china,2011,recount\n", "utf-8")
    growth = {"measure": "growth", "value": 10.0}
    cells, _ = build(growth, growth | {"area": "china"}, data_dir=tmp_path)
    assert {cell.area for cell in cells} == {"hangzhou"}


# Siblings and children


def test_one_child_of_a_complete_split_makes_all_of_them_cells():
    cells, constraints = build({"category": "ITO"})
    assert {cell.category for cell in cells} == {"ITO", "BPO", "KPO", "total"}
    split = frozenset({("ITO", 1.0), ("BPO", 1.0), ("KPO", 1.0), ("total", -1.0)})
    assert definitions(constraints, "category") == {split: (0.0, 0.0)}


def test_a_parent_alone_has_no_children():
    assert build({}) == ([TOTAL], [Constraint("level as printed", {TOTAL: 1.0}, 99.5, 100.5, 0)])


def test_disjoint_children_sum_to_at_most_the_parent():
    _, constraints = build({}, {"category": "USA"}, {"category": "Japan"})
    markets = frozenset({("USA", 1.0), ("Japan", 1.0), ("total", -1.0)})
    assert definitions(constraints, "category") == {markets: (-math.inf, 0.0)}


def test_different_dimensions_are_not_added_up():
    _, constraints = build({}, {"category": "USA"}, {"category": "private enterprises"})
    alone = {frozenset({(name, 1.0), ("total", -1.0)}) for name in ("USA", "private enterprises")}
    assert set(definitions(constraints, "category")) == alone


def test_overlapping_children_are_each_at_most_the_parent():
    names = ("financial services", "network R&D")
    _, constraints = build({}, *({"category": name} for name in names))
    each = {frozenset({(name, 1.0), ("total", -1.0)}): (-math.inf, 0) for name in names}
    assert definitions(constraints, "category") == each


GROUP = "Europe, USA and Japan"


@pytest.mark.parametrize(
    ("members", "low"), [(["Europe", "USA", "Japan"], 0.0), (["USA", "Japan"], -math.inf), (["EU", "USA"], -math.inf)]
)
def test_a_named_group_is_the_sum_of_its_members_only_when_all_are_cells(members, low):
    _, constraints = build({"category": GROUP}, *({"category": name} for name in members))
    inside = [(name, 1.0) for name in members if name != "EU"]
    assert definitions(constraints, "category")[frozenset([*inside, (GROUP, -1.0)])] == (low, 0.0)


# Flows


def test_the_third_flow_becomes_a_cell_and_the_flows_add_up():
    cells, constraints = build({"flow": "all"}, {"flow": "offshore"})
    assert {cell.flow for cell in cells} == {"all", "offshore", "onshore"}
    assert definitions(constraints, "flow") == {frozenset({("all", -1.0), ("offshore", 1.0), ("onshore", 1.0)}): (0, 0)}


def test_one_flow_alone_needs_no_other():
    cells, _ = build({"flow": "offshore"})
    assert {cell.flow for cell in cells} == {"offshore"}


def test_numbers_of_firms_do_not_add_up_over_flows():
    cells, constraints = build(firms(flow="all"), firms(flow="offshore"))
    assert "onshore" not in {cell.flow for cell in cells}
    assert not definitions(constraints, "flow")


def test_amounts_in_size_bands_do_not_add_up_over_flows():
    """A firm with 6 offshore and 6 onshore is above 10 million by all flows and by neither one."""
    cells, constraints = build(*({"category": "above USD 10 million", "flow": flow} for flow in ("all", "offshore")))
    assert {cell.category for cell in cells if cell.flow == "onshore"} == {"total"}
    flows = [c for c in constraints if c.text == "offshore + onshore = all"]
    assert {cell.category for c in flows for cell in c.terms} == {"total"}


# Months


def test_a_part_of_the_year_fits_into_longer_parts_that_hold_it():
    spans = ["", "1 to 6", "1 to 9", "3 to 12"]
    _, constraints = build(*({"months": months} for months in spans))
    pairs = {(a, b) for a, b in [("1 to 6", "1 to 9"), ("1 to 6", ""), ("1 to 9", ""), ("3 to 12", "")]}
    expected = {frozenset({(inner, 1.0), (outer, -1.0)}): (-math.inf, 0.0) for inner, outer in pairs}
    assert definitions(constraints, "months") == expected


def test_stocks_do_not_nest():
    _, constraints = build(*(firms(months=months, category="total") for months in ("", "1 to 9")))
    assert not definitions(constraints, "months")


def test_firms_outgrow_a_band_with_an_upper_edge_in_the_course_of_a_year():
    spans = [{"category": "USD 10 to 30 million", "months": months} for months in ("", "1 to 9")]
    cells, constraints = build(*spans)
    assert {*TEN_UP, "above USD 10 million"} < {cell.category for cell in cells if cell.months == "1 to 9"}
    nested = [c for c in constraints if c.text.startswith("months")]
    assert {c.category for n in nested for c in n.terms} == {"above USD 10 million", "above USD 100 million", "total"}
    assert {(c.low, c.high) for c in nested} == {(-math.inf, 0.0)}


# Size bands


def test_a_band_makes_its_printed_group_cells_in_numbers_and_in_money():
    cells, constraints = build(firms(category="USD 30 to 50 million"))
    for indicator in ("enterprises", "contracts executed"):
        names = {cell.category for cell in cells if cell.indicator == indicator and not cell.category.startswith("[")}
        assert names == {*TEN_UP, "above USD 10 million", "total"}
    group = frozenset([*((name, 1.0) for name in TEN_UP), ("above USD 10 million", -1.0)])
    sums = [c for c in constraints if frozenset((cell.category, f) for cell, f in c.terms.items()) == group]
    assert {next(iter(c.terms)).indicator for c in sums} == {"enterprises", "contracts executed"}
    assert all((c.low, c.high) == (0.0, 0.0) for c in sums)


def test_bands_are_sliced_at_every_edge_in_use():
    rows = [firms(category=f"above USD {size} million") for size in (1, 5, 10)]
    _, constraints = build(*rows, firms(category="total", value=40.0))
    slices = {}
    for c in constraints:
        if c.text.endswith("is the sum of its size bands") and next(iter(c.terms)).indicator == "enterprises":
            (band,) = (cell.category for cell, factor in c.terms.items() if factor < 0)
            slices[band] = {cell.category for cell, factor in c.terms.items() if factor > 0}
    above = {"above USD 10 million"}
    assert slices == {
        "above USD 5 million": {"[5, 10)"} | above,
        "above USD 1 million": {"[1, 5)", "[5, 10)"} | above,
        "total": {"[0, 1)", "[1, 5)", "[5, 10)"} | above,
    }


def test_firms_in_a_band_hold_between_its_edges():
    _, constraints = build(firms(category="USD 30 to 50 million"))
    count = TOTAL._replace(indicator="enterprises", unit="count", category="USD 30 to 50 million")
    money = TOTAL._replace(category="USD 30 to 50 million")
    ends = [(c.terms[count], c.low, c.high) for c in constraints if c.terms.keys() == {money, count}]
    assert ends == [(-30.0, 0.0, math.inf), (-50.0, -math.inf, 0.0)]


def test_open_band_has_no_upper_edge():
    _, constraints = build(firms(category="above USD 100 million"))
    count = TOTAL._replace(indicator="enterprises", unit="count", category="above USD 100 million")
    money = TOTAL._replace(category="above USD 100 million")
    assert [(c.terms[count], c.high) for c in constraints if c.terms.keys() == {money, count}] == [(-100.0, math.inf)]


def test_bands_say_nothing_about_renminbi():
    _, constraints = build(
        firms(category="above USD 10 million"), {"category": "above USD 10 million", "currency": "CNY"}
    )
    assert all({cell.unit for cell in c.terms} <= {"count", "USD million"} for c in constraints if c.figure != 1)
