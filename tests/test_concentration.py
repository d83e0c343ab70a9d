"""Concentration: the cases of the method note, markets with a known list of firms, and brute force on small ones."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterable
from itertools import combinations_with_replacement, pairwise, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from hzso_analysis.bands import BandError
from hzso_analysis.concentration import concentration_bounds, extreme_allocations, lorenz_envelope, point_estimate

CASES = json.loads(Path(__file__).with_name("concentration_cases.json").read_text("utf-8"))["cases"]
MARKETS = settings(
    derandomize=True, deadline=None, max_examples=60, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
RANGES = settings(MARKETS, max_examples=40)
KS = (1, 2, 3, 5)


def bands(*rows: tuple) -> list[dict]:
    """Bands, each as lo, hi (None: open), n and, where known, its total."""
    return [dict(zip(("lo", "hi", "n", "total"), row, strict=False)) for row in rows]


HANGZHOU = bands((10, 30, 11), (30, 50, 7), (50, 100, 4), (100, None, 2))
LEADER = bands((10, None, 1))


def bounds(rows: list[dict], ks=KS, **published) -> pd.DataFrame:
    return concentration_bounds(rows, ks=ks, **published)


def error(*rows, **published) -> BandError:
    with pytest.raises(BandError) as caught:
        concentration_bounds(*rows, **published)
    assert isinstance(caught.value, ValueError)
    return caught.value


def measured(sizes, total: float | None = None) -> dict[str, float]:
    """All measures of a list of firms by their definitions, Gini from the differences of all pairs."""
    sizes = np.sort(np.asarray(sizes, dtype=float))[::-1]
    total = sizes.sum() if total is None else total
    shares, n = sizes / total, len(sizes)
    hhi, entropy = (shares**2).sum(), -sum(s * math.log(s) for s in shares if s > 0)
    tops = {f"TOP{k}": sizes[:k].sum() for k in KS} | {f"CR{k}": shares[:k].sum() for k in KS}
    pairs = np.abs(np.subtract.outer(sizes, sizes)).sum()
    return tops | {
        **{"HHI": hhi, "HHI_10000": 1e4 * hhi, "N_eff": 1 / hhi, "entropy": entropy, "exp_entropy": math.exp(entropy)},
        **{"theil": math.log(n) - entropy, "gini": pairs / (2 * n * total)},
    }


def spread(runs: list[tuple[float, int]]) -> list[float]:
    return [size for size, count in runs for _ in range(count)]


def holds(frame: pd.DataFrame, values: dict, slack: float = 1e-9) -> bool:
    """Whether every value lies inside its bounds."""
    ends = ((value, *frame.loc[measure, ["low", "high"]]) for measure, value in values.items())
    return all(
        low - slack * max(1, abs(value)) <= value <= high + slack * max(1, abs(value)) for value, low, high in ends
    )


# Cases of the method note


@pytest.mark.parametrize("case", [c for c in CASES if "expect" in c], ids=lambda case: case["id"])
def test_case_has_the_expected_bounds_lists_and_estimates(case):
    published = {key: value for key, value in case["input"].items() if key != "ks"}
    found = concentration_bounds(**case["input"])
    assert set(found.index) == set(case["expect"])
    for measure, ends in case["expect"].items():
        assert found.loc[measure].tolist() == pytest.approx([float(end) for end in ends], rel=1e-6, abs=1e-6), measure
    assert {measure: found.attrs["attained"][measure] for measure in case["attained"]} == case["attained"]
    lists = extreme_allocations(**published)
    for which in {"least", "greatest"} & set(case):
        assert getattr(lists, which) == [pytest.approx(run, rel=1e-6, abs=1e-6) for run in case[which]]
    for method, expected in case.get("point", {}).items():
        estimate = point_estimate(**case["input"], method=method)
        for pool, parameters in expected["params"].items():
            assert estimate.attrs["parameters"][pool] == pytest.approx(parameters, rel=1e-6, abs=1e-6)
        assert spread(estimate.attrs["firms"])[: len(expected["top"])] == pytest.approx(expected["top"], rel=1e-6)
        numbers = {measure: value for measure, value in expected.items() if measure not in ("params", "top")}
        assert estimate[list(numbers)].to_dict() == pytest.approx(numbers, rel=1e-6)


@pytest.mark.parametrize("case", [c for c in CASES if "error" in c], ids=lambda case: case["id"])
def test_case_is_refused_with_its_code_and_its_numbers(case):
    refused = error(**case["input"])
    assert refused.code == case["error"]["code"]
    assert set(re.findall(r"\d[\d.]*", case["error"]["message"])) <= set(re.findall(r"\d[\d.]*", str(refused)))


TABLE = """
TOP1 245.5 951 532.0 692.6       245.5 951 532.0 692.6
TOP2 491 1051 776.0 854.7        491 1051 776.0 854.7
CR1 12.07 46.75 26.15 34.05      13.11 50.80 28.42 37.00
CR2 24.14 51.67 38.15 42.02      26.23 56.14 41.45 45.66
CR4 33.97 56.58 46.68 49.88      36.91 61.49 50.72 54.20
CR8 48.72 64.45 57.38 59.96      52.94 70.03 62.35 65.15
CR20 71.33 75.26 74.57 75.01     77.51 81.78 81.03 81.51
CR24 77.23 77.23 77.23 77.23     83.92 83.92 83.92 83.92
HHI_10000 454.9 2263.0 923 1304  536.6 2667.5 1089 1539
N_eff 4.42 21.98 10.8 7.7        3.75 18.63 9.2 6.5
entropy 2.803 4.277 3.873 3.713  2.501 3.929 3.527 3.353
theil 2.408 3.882 2.812 2.972    2.756 4.183 3.158 3.332
gini 0.7513 0.9664 0.866 0.867   0.8190 0.9770 0.901 0.903
"""


def assert_digits(values: dict[str, list[float]], printed: str) -> None:
    for measure, *texts in map(str.split, printed.strip().splitlines()):
        scale = 100 if measure.startswith("CR") else 1
        places = [len(text.partition(".")[2]) for text in texts]
        found = [f"{scale * value:.{digits}f}" for value, digits in zip(values[measure], places, strict=True)]
        assert found == texts, measure


def test_hangzhou_has_the_table_of_the_method():
    columns = []
    for published in ({"group_share": 0.7723}, {"total": 1872}):
        published |= {"group_total": 1571, "n_rest": 776, "ks": (1, 2, 4, 8, 20, 24)}
        found = concentration_bounds(HANGZHOU, **published)
        points = [point_estimate(HANGZHOU, method=method, **published) for method in ("maxent", "pareto")]
        columns += [found["low"], found["high"], *points]
    assert_digits(pd.concat(columns, axis=1).T.to_dict("list"), TABLE)


def test_hangzhou_with_more_or_less_published():
    total = 1571 / 0.7723
    unknown = bounds(HANGZHOU, total=total, group_total=1571)
    assert_digits(unknown.T.to_dict("list"), "HHI_10000 454.2 2263.0")
    conflict = bounds(HANGZHOU, total=(1872, total), group_total=1571, n_rest=776)
    assert_digits(conflict.T.to_dict("list"), "CR1 12.07 50.80\nCR2 24.14 56.14\nHHI_10000 454.9 2667.5")
    top = [*HANGZHOU[:3], HANGZHOU[3] | {"total": 771}]
    known = bounds(top, total=total, group_total=1571, n_rest=776)
    assert_digits(known.T.to_dict("list"), "CR1 18.95 32.99\nHHI_10000 792 1253")


# Errors

THREE = bands((10, 20, 3))
FAULTS = [
    ("group_low", HANGZHOU, {"group_total": 700}, "2 x [100, inf) need at least 720, but only 700"),
    ("group_low", THREE, {"group_total": 30, "closed": "right"}, "(10, 20] need at least 30, but only 30"),
    ("group_high", THREE, {"group_total": 60}, "3 x [10, 20) hold less than 60, but 60"),
    ("group_high", THREE, {"group_total": 61, "closed": "both"}, "[10, 20] hold at most 60, but 61"),
    ("group_high", THREE, {"total": 90, "n_rest": 2}, "all firms: 3 x [10, 20) + 2 x [0, 10) hold less than 80"),
    ("band_total_low", bands((10, 20, 2, 19)), {}, "band [10, 20) total|need at least 20, but only 19"),
    ("band_total_high", bands((10, 20, 2, 45)), {}, "hold less than 40, but 45"),
    ("band_total_high", bands((5, 10, 0, 3), (10, 20, 2)), {"group_total": 30}, "hold at most 0, but 3"),
    ("band_totals_mismatch", bands((10, 20, 2, 30)), {"group_total": 35}, "30 and are less than group_total 35"),
    ("band_totals_mismatch", bands((1, 9, 1), (10, 20, 2, 30)), {"group_total": 25}, "30 and exceed group_total 25"),
    ("group_exceeds_total", LEADER, {"total": 40, "group_total": 50}, "group_total 50 is more than total 40"),
    ("rest_too_few", LEADER, {"total": 90, "group_total": 50, "n_rest": 4}, "40 remains|4 firm(s)|below 10|5 needed"),
    ("rest_no_room", bands((0, 9, 2)), {"total": 10, "group_total": 8}, "2 remains|lowest band starts at 0"),
    ("rest_no_room", bands((0, 9, 2)), {"group_total": 8, "n_rest": 4}, "no firm is below it; n_rest is 4"),
    ("share_conflict", LEADER, {"total": 90, "group_total": 50, "group_share": 0.5}, "55.5556%|50.0000%|total = 100)"),
    ("overlap", bands((10, 50, 3), (30, 50, 2)), {}, "[10, 50) and [30, 50)|subtract nested 'of which' counts"),
    ("overlap", bands((10, 50, 3), (10, 50, 3), (40, 60, 1)), {}, "[10, 50) and [10, 50)|[10, 50) and [40, 60)"),
    ("open_not_top", bands((10, None, 3), (30, 50, 2)), {}, "[10, inf) and [30, 50)|only the top band may be open"),
    ("open_not_top", bands((10, None, 3), (30, None, 2)), {}, "only the top band may be open"),
    ("bad_edges", bands((20, 10, 1), ("x", 5, 1), (-1, 5, 1)), {}, "lo 20, hi 10|lo x, hi 5|lo -1, hi 5"),
    ("bad_edges", [{"low": 10, "hi": 20, "n": 1}], {}, "no lo; found low, hi, n"),
    ("bad_count", bands((1, 2, -1), (2, 3, 1.5), (3, 4, None)), {}, "-1|cumulative counts|1.5 firms|[3, 4): found"),
    ("bad_count", LEADER, {"group_total": 50, "n_rest": 2.5}, "n_rest: found 2.5"),
    ("bad_count", LEADER, {"group_total": 50, "n_rest": (5, 3)}, "n_rest: found (5, 3); write a whole number"),
    ("bad_total", bands((1, 2, 1, -3), (2, 3, 1, "many")), {}, "[1, 2): its total is -3|[2, 3): its total is many"),
    ("bad_total", LEADER, {"total": math.nan}, "total: found nan; write a positive number"),
    ("bad_total", LEADER, {"group_total": (60, 50)}, "group_total: found (60, 50)"),
    ("no_firms", [], {"total": 5}, "no bands; give lo, hi and n"),
    ("no_firms", bands((10, 20, 0)), {"total": 5}, "no band has a firm in it"),
    ("missing_total", LEADER, {"group_share": 0.5}, "give total, or group_total"),
    ("missing_rest", LEADER, {"total": 50}, "without group_total|n_rest is needed"),
    ("bad_share", LEADER, {"group_total": 50, "group_share": 77.23}, "found 77.23; divide the percentage by 100"),
    ("bad_share", LEADER, {"group_total": 50, "group_share": 0}, "fraction in (0, 1], found 0"),
    ("bad_k", LEADER, {"group_total": 50, "ks": [1, 0, 2.5]}, "found 0, 2.5; write whole numbers from 1"),
    ("bad_closed", LEADER, {"group_total": 50, "closed": "open"}, "'open'; write left ([lo, hi)), right ((lo, hi])"),
    ("bad_unit", LEADER, {"group_total": 50, "unit": 0}, "unit: found 0; write a positive number"),
    ("off_grid", LEADER, {"group_total": 50.5, "unit": 1}, "whole multiples of 1|found 50.5"),
    ("empty_band", bands((1.2, 1.8, 1)), {"group_total": 5, "unit": 1}, "[1.2, 1.8) has no multiple of 1"),
]
FAULTS += [  # no traceback, no result for an impossible table, no words that leave the fault open
    ("bad_total", LEADER, {"group_total": "50", "unit": 1}, "found 50"),
    ("bad_total", LEADER, {"group_total": math.nan, "unit": 1}, "found nan"),
    ("bad_total", LEADER, {"group_total": math.inf, "unit": 1}, "found inf"),
    ("bad_unit", LEADER, {"group_total": 50, "unit": True}, "found True"),
    ("bad_closed", LEADER, {"group_total": 50, "closed": ["left"]}, "found ['left']"),
    ("bad_k", LEADER, {"group_total": 50, "ks": None}, "found None"),
    ("no_firms", None, {"group_total": 50}, "no bands"),
    ("bad_total", bands((0, 10, 3, 0)), {}, "hold 0 together"),
    ("bad_edges", pd.DataFrame([[1, 2, 3, 3]], columns=["lo", "hi", "n", "n"]), {"group_total": 4}, "hi, n, n;"),
    ("group_high", bands((1, 1.1, 3)), {"group_total": 3.3}, "less than 3.3"),
    ("rest_too_few", bands((0.1, None, 1)), {"total": 0.5, "group_total": 0.2, "n_rest": 3}, "4 needed"),
    ("rest_too_few", LEADER, {"total": (60, 70), "group_total": 50, "n_rest": 1}, "2 needed"),
    ("group_low", bands((1e6, None, 2)), {"group_total": 1999999}, "need at least 2000000, but only 1999999"),
    ("off_grid", LEADER, {"group_total": 1e9 + 0.5, "unit": 1}, "1000000000.5"),
    ("off_grid", LEADER, {"group_total": 50, "group_share": 0.7, "n_rest": 9, "unit": 1}, "71.4"),
    ("off_grid", LEADER, {"group_total": (50, 60), "unit": 1}, "range"),
    ("overlap", bands((0, 90, 2), (10, 20, 1), (30, 40, 1)), {}, "[0, 90) and [10, 20)|[0, 90) and [30, 40)"),
    ("empty_band", bands((1.1, 1.9, 1), (2.1, 2.9, 1)), {"group_total": 4, "unit": 1}, "[1.1, 1.9)|[2.1, 2.9)"),
    ("band_total_high", bands((1, 2, 1, 5), (2, 3, 1, 9)), {}, "[1, 2)|[2, 3)"),
    # a share says that something remains, whatever the ranges of the sums say
    ("rest_too_few", LEADER, {"group_total": (40, 60), "group_share": (0.7, 0.8), "n_rest": 0}, "10 remains|2 needed"),
    ("rest_no_room", bands((0, 9, 2)), {"total": (9, 12), "group_share": 0.9, "n_rest": 0}, "0.9 remains"),
]


@pytest.mark.parametrize(("code", "rows", "published", "words"), FAULTS)
def test_fault_is_named(code, rows, published, words):
    refused = error(rows, **published)
    assert refused.code == code
    assert [word for word in words.split("|") if word not in str(refused)] == []


def test_point_estimate_is_for_numbers():
    for code, published in [("missing_rest", {}), ("bad_total", {"n_rest": 9, "total": (90, 99)})]:
        with pytest.raises(BandError, match="a point estimate is for one") as caught:
            point_estimate(LEADER, **{"total": 90, "group_total": 50} | published)
        assert caught.value.code == code
    with pytest.raises(BandError, match="write maxent or pareto"):
        point_estimate(LEADER, group_total=50, method="normal")


@pytest.mark.parametrize("hi", [None, math.nan, math.inf, "inf", ""])
def test_spellings_of_one_table_give_one_result(hi):
    expected = bounds(LEADER, total=90, group_total=50, n_rest=(5, 7))
    rows = [{"lo": "10", "hi": hi, "n": np.int64(1), "name": "top"}]
    published = {"total": np.float64(90), "group_total": np.int32(50), "n_rest": [np.int64(5), 7.0]}
    pd.testing.assert_frame_equal(bounds(rows, ks=(k for k in KS), **published), expected)
    pd.testing.assert_frame_equal(bounds(pd.DataFrame(rows, index=[7]), **published), expected)
    assert bounds(LEADER, ks=np.int64(9), group_total=50).loc["CR9"].tolist() == [1, 1]


# Markets with a known list of firms


class World(NamedTuple):
    """Bands, the firms in them and below them, and what is published of them."""

    rows: list[dict]
    listed: list[float]
    rest: list[float]
    published: dict

    @property
    def sizes(self) -> list[float]:
        return [*self.rest, *self.listed]

    @property
    def grouped(self) -> bool:
        """Whether it is known what all bands hold together."""
        return bool({"group_total", "group_share"} & set(self.published))


@st.composite
def worlds(draw, exact: bool, small: bool = False) -> World:
    """A market in eighths, so that sums are exact; `exact` publishes numbers; `small` is in whole units."""
    closed, parts = draw(st.sampled_from(["left", "right", "both"])), 1 if small else 8

    def inside(low: float, wide: float, first: int) -> float:
        return low + (draw(st.integers(first, wide * parts - (closed == "left"))) / parts if wide else 0)

    def around(value: float, most: float = math.inf) -> object:
        low, high = (0, 0) if exact else draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
        return (value * (1 - low / 16), min(most, value * (1 + high / 16))) if low or high else value

    edge = low = draw(st.sampled_from([0, 2, 3] if small else [0, 1, 5, 10]))
    rows, listed = [], []
    for _ in range(draw(st.integers(1, 3 if small else 4))):
        wide = draw(st.sampled_from([0, 1, 2, 4] if small else [0, 1, 5, 20]))
        own = [inside(low, wide, closed == "right") for _ in range(draw(st.integers(0, 2 if small else 3)))]
        rows += bands((low, low + wide, len(own), sum(own) if own and draw(st.integers(0, 3)) == 0 else None))
        listed += own
        low += wide + (draw(st.sampled_from([0, 3])) if wide else 3)
    if wide and draw(st.booleans()):
        rows[-1]["hi"] = None
    rest = [inside(0, edge, 0) for _ in range(draw(st.integers(0, 3)))] if edge else []
    group, total, n = sum(listed), sum(listed) + sum(rest), len(rest)
    assume(group > 0)
    published = draw(
        st.sampled_from(
            [
                {"group_total": around(group)} if group == total else {"total": around(total)},
                {"total": around(total)},
                {"total": around(total), "group_total": around(group)},
                {"group_total": around(group), "group_share": around(group / total, 1)},
                {"total": total, "group_share": around(group / total, 1)},
            ]
        )
    )
    numbers = [n]
    if edge and not exact:
        numbers += [(max(0, n - draw(st.integers(0, 2))), n + draw(st.integers(0, 2))), (0, None), (n, math.inf)]
        numbers += [None] if len(published) > 1 else []
    return World(rows, listed, rest, {**published, "n_rest": draw(st.sampled_from(numbers)), "closed": closed})


def fits(world: World, sizes: list[float]) -> bool:
    """Whether firms, largest first, fill the closed bands from the top and add up to what was published."""
    left, good = list(sizes), [sum(sizes) == pytest.approx(sum(world.sizes))]
    for row in reversed(world.rows):
        own, left = left[: row["n"]], left[row["n"] :]
        good += [row["lo"] - 1e-9 <= size <= (math.inf if row["hi"] is None else row["hi"] + 1e-9) for size in own]
        good += [row["total"] is None or sum(own) == pytest.approx(row["total"])]
    good += [len(left) == len(world.rest), *(-1e-9 <= size <= world.rows[0]["lo"] + 1e-9 for size in left)]
    if world.grouped:
        good += [sum(sizes) - sum(left) == pytest.approx(sum(world.listed))]
    return all(good)


@RANGES
@given(worlds(exact=False))
def test_true_list_is_inside_the_bounds(world):
    assert holds(bounds(world.rows, **world.published), measured(world.sizes))


@RANGES
@given(worlds(exact=False))
def test_true_lorenz_curve_is_inside_the_envelope(world):
    envelope = lorenz_envelope(world.rows, **world.published)
    sizes = np.sort(world.sizes)
    ranks, held = np.arange(len(sizes) + 1) / len(sizes), np.cumsum([0, *sizes]) / sizes.sum()
    low, high = (np.interp(ranks, envelope["firms"], envelope[end]) for end in ("low", "high"))
    assert (low <= held + 1e-9).all()
    assert (held <= high + 1e-9).all()


@MARKETS
@given(worlds(exact=True))
def test_extreme_lists_fit_the_table_and_attain_the_bounds(world):
    found = bounds(world.rows, **world.published)
    lists = [spread(runs) for runs in extreme_allocations(world.rows, **world.published)]
    assert all(fits(world, sizes) for sizes in lists)
    ends = pd.DataFrame([measured(sizes) for sizes in lists])
    for measure in ends:
        assert found.loc[measure].tolist() == pytest.approx(sorted(ends[measure]), rel=1e-9, abs=1e-9), measure
    assert holds(found, measured(world.sizes))


@MARKETS
@given(worlds(exact=True), st.sampled_from(["maxent", "pareto"]))
def test_point_estimate_fits_the_table_and_is_inside_the_bounds(world, method):
    estimate = point_estimate(world.rows, method=method, ks=KS, **world.published)
    sizes = spread(estimate.attrs["firms"])
    assert fits(world, sizes)
    assert estimate.to_dict() == pytest.approx(measured(sizes), rel=1e-9, abs=1e-9)
    assert holds(bounds(world.rows, **world.published), estimate.to_dict())


@RANGES
@given(worlds(exact=False), st.sampled_from([2.0**-30, 1e-9, 3.0, 1e12]), st.permutations(range(4)))
def test_money_unit_and_order_of_bands_change_nothing(world, scale, order):
    found = bounds(world.rows, **world.published)
    frame = pd.DataFrame(world.rows).assign(name="band")
    frame = frame.loc[[place for place in order if place < len(frame)]]
    pd.testing.assert_frame_equal(bounds(frame, **world.published), found)
    money = frame.assign(**{name: frame[name].astype(float) * scale for name in ("lo", "hi", "total")})
    sums = {name: world.published[name] for name in ("total", "group_total") if name in world.published}
    sums = {name: tuple(np.multiply(value, scale)) if np.ndim(value) else value * scale for name, value in sums.items()}
    kept = [measure for measure in found.index if not measure.startswith("TOP")]
    scaled = bounds(money, **world.published | sums)
    pd.testing.assert_frame_equal(scaled.loc[kept], found.loc[kept], rtol=1e-7, atol=1e-9)


@RANGES
@given(worlds(exact=False), st.sampled_from(["total", "group_total", "group_share", "n_rest", "band"]))
def test_narrower_table_never_widens_a_bound(world, what):
    rows, published = [dict(row) for row in world.rows], dict(world.published)
    truth = {"total": sum(world.sizes), "group_total": sum(world.listed), "n_rest": len(world.rest)}
    truth["group_share"] = truth["group_total"] / truth["total"]
    if what == "band":
        rows[-1]["total"] = sum(world.listed[len(world.listed) - rows[-1]["n"] :])
    elif what in published or (what == "group_total" and "group_share" not in published):
        published[what] = truth[what]
    wide, narrow = bounds(world.rows, **world.published), bounds(rows, **published)
    assert holds(wide, narrow["low"].to_dict())
    assert holds(wide, narrow["high"].to_dict())


# Brute force on small markets


def all_lists(world: World) -> Iterable[list[int]]:
    """Every list of whole firms that a small market allows."""
    closed, total, group = world.published["closed"], sum(world.sizes), sum(world.listed)
    choices = []
    for row in world.rows:
        last = int(total) + 1 if row["hi"] is None else row["hi"]
        inside = range(row["lo"] + (closed == "right"), last + (closed != "left"))
        own = combinations_with_replacement([row["lo"]] if last == row["lo"] else inside, row["n"])
        choices.append([firms for firms in own if row["total"] in (None, sum(firms))])
    edge = world.rows[0]["lo"]
    below = list(combinations_with_replacement(range(edge + (closed != "left")), len(world.rest)))
    for listed in product(*choices):
        left = total - sum(map(sum, listed))
        if not world.grouped or left == total - group:
            yield from ([*rest, *sum(listed, ())] for rest in below if sum(rest) == left)


@MARKETS
@given(worlds(exact=True, small=True))
def test_bounds_in_whole_units_are_those_of_all_lists(world):
    found = bounds(world.rows, unit=1, **world.published)
    ends = pd.DataFrame([measured(sizes) for sizes in all_lists(world)]).agg(["min", "max"])
    for measure in ends:
        assert found.loc[measure].tolist() == pytest.approx(ends[measure].tolist(), rel=1e-12, abs=1e-12), measure
    assert all(all(both) for both in found.attrs["attained"].values())


def room(world: World, k: int, held: float) -> float:
    """How far firms, sorted, can stay from excluded edges where the k largest hold a sum; -1 where they cannot."""
    closed, edge = world.published["closed"], world.rows[0]["lo"]
    boxes = [(0, edge, -1)] * len(world.rest)
    boxes += [(row["lo"], row["hi"], place) for place, row in enumerate(world.rows) for _ in range(row["n"])]
    n, equal, above = len(boxes), [([1] * len(boxes), sum(world.sizes))], []
    equal.append(([place >= n - k for place in range(n)], held))
    if world.grouped:
        equal.append(([place >= 0 for *_, place in boxes], sum(world.listed)))
    for number, row in enumerate(world.rows):
        equal += [([place == number for *_, place in boxes], row["total"])] if row["total"] is not None else []
    for place, (lo, hi, band) in enumerate(boxes):
        one = np.eye(n)[place]
        if lo != hi and closed == "left" and hi is not None:
            above.append(([*one, 1], hi))
        if lo != hi and closed == "right" and band >= 0:
            above.append(([*-one, 1], -lo))
        if place:
            above.append(([*(np.eye(n)[place - 1] - one), 0], 0))
    sides = {"A_eq": [[*map(float, row), 0] for row, _ in equal], "b_eq": [value for _, value in equal]}
    sides |= {"A_ub": [row for row, _ in above] or None, "b_ub": [value for _, value in above] or None}
    solved = linprog([0] * n + [-1], bounds=[box[:2] for box in boxes] + [(0, 1)], **sides)
    return -solved.fun if solved.status == 0 else -1


@MARKETS
@given(worlds(exact=True, small=True))
def test_ends_of_the_leading_firms_are_attained_where_a_linear_program_says_so(world):
    found = bounds(world.rows, **world.published)
    for k in KS:
        expected = [room(world, k, held) > 1e-7 for held in found.loc[f"TOP{k}"]]
        assert found.attrs["attained"][f"TOP{k}"] == found.attrs["attained"][f"CR{k}"] == expected


@pytest.mark.parametrize("seed", range(3))
def test_total_as_a_range_is_a_scan_of_totals(seed):
    rng = random.Random(seed)
    cuts = sorted(rng.sample(range(1, 30), 3))
    rows = bands(*((lo, hi, rng.randint(1, 4)) for lo, hi in pairwise([*cuts, None if seed % 2 else 40])))
    need, n_rest = sum(row["lo"] * row["n"] for row in rows), rng.randint(0, 3)
    low, high = need * rng.uniform(1.01, 1.1), need * rng.uniform(1.2, 1.3)
    found = bounds(rows, total=(low, high), n_rest=n_rest)
    scan = [bounds(rows, total=total, n_rest=n_rest) for total in np.linspace(low, high, 200)]
    ends = pd.DataFrame({"low": np.min([s["low"] for s in scan], 0), "high": np.max([s["high"] for s in scan], 0)})
    ends.index = found.index
    assert (found["low"] <= ends["low"] + 1e-12).all()
    assert (found["high"] >= ends["high"] - 1e-12).all()
    np.testing.assert_allclose(found, ends, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("closed", ["left", "right", "both"])
def test_remaining_firms_as_a_range_are_a_scan_of_their_numbers(closed):
    """Without group_total: nine firms of 10 beside one of 10 are equal, fewer and more are not."""
    rows = bands((10, 20, 2), (25, None, 1))
    found = bounds(rows, total=120, n_rest=(1, 14), closed=closed)
    scan = [bounds(rows, total=120, n_rest=n, closed=closed) for n in range(1, 15)]
    assert found["low"].tolist() == pytest.approx(np.min([one["low"] for one in scan], 0).tolist())
    assert found["high"].tolist() == pytest.approx(np.max([one["high"] for one in scan], 0).tolist())
    assert bounds(LEADER, total=100, n_rest=(5, 20), closed=closed).loc["gini", "low"] == pytest.approx(0, abs=1e-9)


def test_cost_depends_on_bands_not_on_firms():
    many = 4_000_000
    rows = [row | {"n": row["n"] * many} for row in HANGZHOU]
    small, large = (
        extreme_allocations(given, group_total=1571 * times, group_share=0.7723, n_rest=776 * times)
        for given, times in ((HANGZHOU, 1), (rows, many))
    )
    assert [len(runs) for runs in large] <= [len(runs) for runs in small] == [5, 8]
    assert sum(count for _, count in large.greatest) == 800 * many
    firms = point_estimate(rows, group_total=1571 * many).attrs["firms"]
    assert len(firms) <= 4 * 10_000
    assert sum(count for _, count in firms) == 24 * many
    assert sum(size * count for size, count in firms) == pytest.approx(1571 * many)


# Ranges, whole units and scales: one market each


def test_more_remaining_firms_are_needed_for_a_higher_total():
    """10 and 10 are equal: the total of 20 lies inside its range, one remaining firm inside its own."""
    for n_rest in (None, (1, 2)):
        found = bounds(LEADER, total=(11, 25), group_total=10, n_rest=n_rest, closed="both")
        assert found.loc[["gini", "theil"], "low"].tolist() == pytest.approx([0, 0], abs=1e-9)


def test_half_open_bands_that_cannot_hold_the_total_need_a_remaining_firm():
    """Two firms below 20 cannot hold 40: the most equal list is 15, 15, 10."""
    found = bounds(bands((10, 20, 2)), total=40, n_rest=(0, 1))
    assert found.loc["gini", "low"] == pytest.approx(measured([15, 15, 10])["gini"])


def test_group_total_as_a_range_moves_the_total():
    """Without another total it is the total: the two largest have their greatest share of 26, 9 + 9."""
    found = bounds(bands((4, 6, 2), (6, 9, 2)), group_total=(25.9, 29), n_rest=0)
    assert found.loc["CR2", "high"] == pytest.approx(18 / 26)


def test_group_total_and_share_are_as_far_as_the_rest_has_room():
    """Six firms below 10 hold less than 60, which is half of all."""
    found = bounds(LEADER, group_total=(50, 100), group_share=0.5, n_rest=6)
    assert found.loc["TOP1"].tolist() == pytest.approx([50, 60])
    assert found.attrs["attained"]["TOP1"] == [False, False]


def test_group_total_is_as_low_as_the_rest_has_room():
    """Five firms below 10 hold less than 50 of 100."""
    found = bounds(LEADER, total=100, group_total=(30, 60), n_rest=5)
    assert found.loc["TOP1"].tolist() == pytest.approx([50, 60])
    assert found.attrs["attained"]["TOP1"] == [False, True]


def test_share_of_a_total_that_is_a_range_stays_the_share():
    found = bounds(LEADER, total=(50, 100), group_share=0.5, n_rest=20)
    assert found.loc["CR1"].tolist() == pytest.approx([0.5, 0.5])


def test_lorenz_envelope_has_the_most_equal_number_of_remaining_firms():
    """Ten firms of 10 are equal."""
    envelope = lorenz_envelope(LEADER, total=100, n_rest=(5, 20), closed="both")
    assert envelope["high"].tolist() == pytest.approx(envelope["firms"].tolist())


def test_lorenz_envelope_holds_between_the_ends_of_a_total():
    """With 20 below the open band there is one firm at 10 and one at 10: equal, though the ends are not."""
    envelope = lorenz_envelope(bands((5, 10, 1), (10, None, 1)), total=(16, 40), n_rest=0, closed="both")
    assert envelope["high"].tolist() == pytest.approx(envelope["firms"].tolist())


def test_lorenz_envelope_is_drawn_with_its_jump():
    """Without an upper end of remaining firms nearly all of them may hold nothing."""
    envelope = lorenz_envelope(LEADER, total=100, group_total=60)
    assert np.interp(0.99, envelope["firms"], envelope["low"]) == 0


def test_firms_of_one_size_give_no_room():
    """Three largest of 17/3 need 1 and 1 below them, but those are below 1; the two of 3 cannot give way."""
    found = bounds(bands((0, 1, 2), (3, 3, 2), (4, None, 3)), group_total=25, n_rest=0)
    assert found.attrs["attained"]["CR1"] == [False, True]


def test_end_of_a_range_beyond_what_bands_hold_is_not_attained():
    cut = bounds(LEADER, total=(60, 200), group_total=50, n_rest=5)
    assert (cut.loc["CR1", "low"], cut.attrs["attained"]["CR1"]) == (0.5, [False, True])
    cut = bounds(bands((10, 20, 2)), group_total=(30, 100), n_rest=0)
    assert (cut.loc["TOP2", "high"], cut.attrs["attained"]["TOP2"]) == (40, [True, False])


def test_known_firms_and_remaining_firms_without_business_are_feasible():
    found = bounds(bands((4, 4, 1)), total=4, n_rest=3, closed="right")
    assert found.loc["CR1"].tolist() == [1, 1]


def test_no_upper_end_of_remaining_firms_is_named_by_infinity():
    published = {"total": 90, "group_total": 50}
    pd.testing.assert_frame_equal(bounds(LEADER, n_rest=math.inf, **published), bounds(LEADER, **published))


def test_remaining_firms_below_one_unit_have_no_business():
    found = bounds(bands((1, 5, 3)), total=6, group_total=6, n_rest=5, unit=1)
    assert found.loc["gini"].tolist() == pytest.approx(
        [measured([*one, *[0] * 5])["gini"] for one in ([2] * 3, [1, 1, 4])]
    )
    assert bounds(bands((1, 5, 3)), total=6, group_total=6, unit=1).loc["gini", "high"] == 1


@pytest.mark.parametrize("edge", [1, 3])
@pytest.mark.parametrize("group", [{}, {"group_total": 15}])
def test_whole_units_without_an_upper_end_are_shared_by_no_more_firms_than_units(edge, group):
    rows = bands((edge, 8, 3))
    found, many = (bounds(rows, total=15 if edge == 1 else 20, n_rest=(0, n), unit=1, **group) for n in (None, 50))
    free = ["theil", "gini"]
    pd.testing.assert_frame_equal(found.drop(free), many.drop(free))
    assert found.loc[free, "high"].tolist() == [math.inf, 1]


def test_bands_with_a_total_do_not_call_for_remaining_firms():
    """The sum of all bands follows here, so giving it changes nothing."""
    rows = bands((1, 1, 0), (4, 9, 2, 12.25), (9, 9, 2))
    found = [bounds(rows, total=(25, 33), n_rest=(0, None), **more) for more in ({}, {"group_total": 30.25})]
    pd.testing.assert_frame_equal(*found)


def test_last_digits_of_a_computed_sum_are_no_range():
    """The share leaves exactly what the one firm outside can hold."""
    rows = bands((1, 1, 2), (4, None, 2))
    estimate = point_estimate(rows, total=34.5, group_share=33.5 / 34.5, n_rest=1, closed="right")
    assert estimate["TOP4"] == pytest.approx(33.5)


@pytest.mark.parametrize("method", ["maxent", "pareto"])
def test_a_level_density_is_solved(method):
    """Firms that hold the middle of their band on average: theta is 0 (alpha is -1)."""
    firms = point_estimate(bands((17, 22, 2)), group_total=39, n_rest=0, method=method).attrs["firms"]
    assert [size for size, _ in firms] == pytest.approx([20.75, 18.25])


def test_a_point_estimate_knows_no_whole_units():
    with pytest.raises(BandError) as error:
        point_estimate(bands((3, 5, 3)), group_total=10, n_rest=0, unit=1)
    assert error.value.code == "bad_unit"


@pytest.mark.parametrize("scale", [1e-9, 1e6, 1e12])
def test_point_estimate_does_not_depend_on_the_unit_of_money(scale):
    """Amounts in USD as in USD million."""
    rows = [{**row, "lo": row["lo"] * scale, "hi": row["hi"] and row["hi"] * scale} for row in HANGZHOU]
    one, other = (
        point_estimate(given, group_total=sum_, n_rest=0) for given, sum_ in ((HANGZHOU, 1571), (rows, 1571 * scale))
    )
    assert other[["CR1", "HHI", "gini"]].tolist() == pytest.approx(one[["CR1", "HHI", "gini"]].tolist(), rel=1e-9)
