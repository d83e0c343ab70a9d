"""Figures that repeat or contradict each other, and any legal mess of valid figures."""

import re
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messy import (
    CLEAN,
    COLUMNS,
    assert_clean_or_refused,
    assert_is_clean,
    assert_refused,
    csv_text,
    edited,
    read,
    write_csv,
)

ITO = CLEAN[5]
SAME = {  # a row put after row 7 that says what row 6 says
    "exact copy": ITO,
    "copy with spaces": [f" {cell} " for cell in ITO],
    "copy in full width": ["２０１１", *ITO[1:4], "１３４５", *ITO[5:]],
    "copy with a thousands mark": [*ITO[:4], "1,345", *ITO[5:]],
    "copy with a no-break space": ["2011", "contracts\u00a0executed", *ITO[2:]],
    "copy with a decimal": [*ITO[:4], "1345.0", *ITO[5:]],
    "copy in another unit": [*ITO[:4], "13.45", "亿美元", ITO[6]],
}
OTHER = {  # the same cell with another value, or none
    "two digits swapped": [*ITO[:4], "1354", *ITO[5:]],
    "two digits swapped, spaced": [" 2011", *ITO[1:4], " 1,354 ", *ITO[5:]],
    "another value in another unit": [*ITO[:4], "13.54", "亿美元", ITO[6]],
}
APART = {  # another figure, although most of it is the same
    "another source": [*ITO[:6], "China Daily 2012"],
    "another source and value": [*ITO[:4], "1354", ITO[5], "China Daily 2012"],
    "another year": ["2010", *ITO[1:]],
    "another flow": [*ITO[:2], "onshore", *ITO[3:]],
    "another currency": [*ITO[:4], "8500", "CNY million", ITO[6]],
}


@pytest.mark.parametrize("row", SAME.values(), ids=SAME)
def test_a_copy_is_dropped_and_named_or_refused(tmp_path, row):
    path = write_csv(tmp_path, [*CLEAN[:7], row, *CLEAN[7:]])
    assert_clean_or_refused(path, rows=(6, 8), told=(6, 8))


@pytest.mark.parametrize("row", OTHER.values(), ids=OTHER)
def test_two_values_for_one_figure_are_refused(tmp_path, row):
    path = write_csv(tmp_path, [*CLEAN[:7], row, *CLEAN[7:]])
    assert_refused(read(path), path, rows=(6, 8), said=("1345", "1,?354|13.54"))


@pytest.mark.parametrize("row", APART.values(), ids=APART)
def test_figures_that_differ_in_their_key_both_stay(tmp_path, row):
    table = [*CLEAN[:7], row, *CLEAN[7:]]
    assert_is_clean(read(write_csv(tmp_path, table)), rows=table)


def with_measure(cells: dict, measures: dict[int, str]) -> list[list[str]]:
    table = edited(cells)
    return [[*row, "measure" if i == 1 else measures.get(i, "")] for i, row in enumerate(table, 1)]


SHARE = {"B12": "contracts executed", "E5": "2033.6"}
PLAIN_SHARES = {"E12": "0.6614", "E13": "0.7723", "E14": "0.13", "E15": "0.27", "E16": "0.6858"}
CONTRADICTIONS = {  # table, rows of which one must be named, words
    "part in thousands": (edited({"E6": "1345000"}), (6, 5), "thousand|000|unit"),
    "part in 万美元": (edited({"E6": "134500"}), (6, 5), "万|10{2}|unit"),
    "part in USD": (edited({"E6": "1345000000"}), (6, 5), "unit|USD"),
    "whole in billions": (edited({"E5": "1.872"}), (5,), "billion|1000|unit"),
    "whole in 亿美元": (edited({"E5": "18.72"}), (5,), "亿|100|unit"),
    "offshore above all a thousand times": (edited({"E5": "1872000"}), (5, 3), "thousand|1000|unit"),
    "part in 亿元 typed as 亿美元 by 10000": (edited({"E6": "134500", "F6": "亿美元"}), (6, 5), "unit"),
    "share as fraction": (with_measure({**SHARE, "E12": "0.6614"}, {12: "share"}), (12,), r"66\.14"),
    "share as fraction of two decimals": (with_measure({**SHARE, "E12": "0.66"}, {12: "share"}), (12,), "66"),
}
NO_CONTRADICTIONS = {  # a suspect for the solver at most, so it loads
    "part a little larger": {"E6": "1900"},
    "part twice as large": {"E6": "3744"},
    "part three times as large": {"E6": "5600"},
    "offshore above all": {"E5": "2300"},
    "band above its parent": {"E7": "1880"},
    "disjoint part as large as its whole": {"E10": "1872"},
    "growth below one percent": {"E11": "-0.6"},
    "growth of a fraction": {"E11": "0.3092"},
    "part that is small": {"E9": "0.55"},
    "CNY beside USD": {"E6": "85000", "F6": "CNY million"},
    "part without a value": {"E5": "-"},
}


@pytest.mark.parametrize(("table", "rows", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_of_units_is_refused(tmp_path, table, rows, said):
    path = write_csv(tmp_path, table)
    outcome = read(path)
    assert_refused(outcome, path, rows=rows[:1], said=(said,))


@pytest.mark.parametrize("cells", NO_CONTRADICTIONS.values(), ids=NO_CONTRADICTIONS)
def test_a_contradiction_of_figures_loads(tmp_path, cells):
    expected = {cell: "nan" if text == "-" else text for cell, text in cells.items()}
    assert_is_clean(read(write_csv(tmp_path, edited(cells))), expected)


def test_a_small_share_that_is_small_loads(tmp_path):
    table = with_measure({**SHARE, "E8": "10", "B14": "contracts executed", "E14": "0.49"}, {12: "share", 14: "share"})
    assert_is_clean(read(write_csv(tmp_path, table)), {**SHARE, "E8": "10", "B14": "contracts executed", "E14": "0.49"})


@pytest.mark.parametrize("cells", [PLAIN_SHARES, {"E12": "0.6614"}, {**PLAIN_SHARES, "E5": "2033.6"}], ids=str)
def test_shares_named_in_the_indicator_are_never_fractions(tmp_path, cells):
    path = write_csv(tmp_path, edited(cells))
    rows = tuple(int(cell[1:]) for cell in cells if cell != "E5")
    assert_clean_or_refused(path, {"E5": cells.get("E5", "1872")}, rows=rows, said=("value|unit",))


FULL_WIDTH = str.maketrans(string.digits + ",.-", "０１２３４５６７８９，．－")
FORMS = [str, "{:,}".format, lambda n: f"{n:,}".replace(",", "\u00a0"), lambda n: f" {n} ", lambda n: f"{n:,}.0"]
FORMS += [lambda n: f"{n:,}".translate(FULL_WIDTH), lambda n: str(n).replace("-", "−")]
YEARS = ["{}", "{}.0", "{}年", " {} ", '"{}"', "\u3000{}"]
SOURCES = ["杭州服务外包概况2011 一(1)", "浙江省商务厅统计公报，第三部分", "China Daily, 2012; p. 3"]
WORDS = st.text(string.ascii_letters + " ,;&-\"'服务外包", min_size=1, max_size=12).map(lambda text: f"k {text} k")
ROW = st.tuples(
    *(st.integers(1990, 2030), st.sampled_from(YEARS), st.sampled_from(["", "all", "offshore", "onshore"]), WORDS),
    *(st.integers(-(10**9), 10**9), st.sampled_from(FORMS), st.booleans(), st.sampled_from(SOURCES)),
)
BOMS = {"utf-8": "", "utf-8-sig": "", "gb18030": "", "utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}


def messy_line(i: int, row: tuple, sep: str) -> list[str]:
    year, year_form, flow, category, number, form, wide, source = row
    typed, value = year_form.format(year), form(number)
    if sep == ";":  # where a comma may be a decimal point
        value = re.sub("[,，]", "", value)
    return [typed.translate(FULL_WIDTH) if wide else typed, f"i{i}", flow, category, value, "CNY million", source]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.lists(ROW, min_size=1, max_size=8), st.sampled_from(sorted(BOMS)), st.sampled_from(",;\t"))
def test_any_legal_mess_reads_equal(tmp_path, data, rows, codec, sep):
    order = data.draw(st.permutations(range(7)))
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [[line[k] for k in order] for line in [COLUMNS, *(messy_line(i, row, sep) for i, row in enumerate(rows))]]
    for at in data.draw(st.lists(st.integers(1, len(lines)), max_size=3)):
        lines.insert(at, [""] * 7)
    path = write_csv(tmp_path, (BOMS[codec] + csv_text(lines, sep=sep, end=end)).encode(codec))
    expected = [[row[0], f"i{i}", row[2], row[3], row[4], "CNY million", row[7]] for i, row in enumerate(rows)]
    assert_is_clean(read(path), rows=[COLUMNS, *expected])
