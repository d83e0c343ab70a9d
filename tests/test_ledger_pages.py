"""Pages of contract records: exact where the records say it, bounds where they withhold it, stamped wherever shown."""

import itertools
import math
import re

import pandas as pd
import pytest
import test_chapters
from ledgers import EXECUTED, FIRMS, MARKETS, concentrations, folder, many, records
from pandas.api.types import is_numeric_dtype

from hzso_analysis.chapters import data_quality, firm_sizes, leading_enterprises, markets, overview, scale, sector_mix
from hzso_analysis.charts import twin
from hzso_analysis.edition import find, open_edition
from hzso_analysis.exhibits import Exhibit

LARGEST = (1, 2, 4, 8, 20)
CALLS = list(dict.fromkeys(test_chapters.CALLS))


def largest_two(indicator, flow, category):
    """The shares of the largest enterprise and of the two largest, and one market and one type of each flow."""
    return indicator in ("CR1", "CR2") or category in ("USA", "BPO", "KPO", "USD 30 to 50 million")


CASES = {
    "exact": {},
    "some": {"which": largest_two},
    "no shares": {"which": concentrations},
    "many": {"which": many()},
    "all": {"which": lambda *_: True},
    "one year": {"years": (2011,)},
}


SHOWN = ["exact", "some", "many", "all", "one year"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The edition of a case, made once."""
    made = {}

    def edition(case):
        if case not in made:
            path = folder(tmp_path_factory.mktemp("ledger"), **CASES[case])
            made[case] = open_edition(area="synthetic", year=2011, data_dir=path)
        return made[case]

    return edition


@pytest.fixture(scope="module")
def sizes():
    """What each firm executed offshore in 2011, largest first."""
    contracts = records(2011)
    offshore = contracts[contracts["flow"] == "offshore"]
    return offshore.groupby("firm")["contracts executed"].sum().sort_values(ascending=False)


def written(tmp_path, case):
    """The figures of a data folder as a plain table."""
    path = folder(tmp_path / case.replace(" ", "-"), **CASES[case])
    return pd.concat([pd.read_csv(f"{path}/synthetic/ledger-{year}.csv", dtype=str) for year in (2010, 2011)])


def test_shares_of_the_largest_are_those_of_the_records(opened, sizes):
    exhibit, shares = firm_sizes.ratios(opened("exact")), 100 * sizes / sizes.sum()
    shown = exhibit.frame.set_index("label")
    for k in LARGEST:
        row, share = shown.loc[f"{k} largest" if k > 1 else "largest"], shares.head(k).sum()
        assert (row["low"], row["high"]) == pytest.approx((share, share), abs=1e-6)
        assert row["text"] == f"{share:.2f} %"
    assert "estimate" not in exhibit.frame and "exact, from contract records" in exhibit.note
    assert exhibit.title == f"The two largest enterprises hold {shares.head(2).sum():.2f} % of offshore executed"
    said = firm_sizes.summary(opened("exact"))
    assert f"**The two largest enterprises hold {shares.head(2).sum():.2f} %**" in said
    assert "Exact from contract records: the shares of the k largest enterprises for k = 1, 2, 4, 8 and 20" in said
    assert "ounds from" not in said


def test_the_index_of_the_records_lies_in_one_class(opened, sizes):
    exhibit, index = firm_sizes.classes(opened("exact")), ((100 * sizes / sizes.sum()) ** 2).sum()
    assert (exhibit.frame["low"] == exhibit.frame["high"]).all()
    assert exhibit.frame["low"].tolist() == pytest.approx([index] * 3, abs=1e-4)
    assert f"The Herfindahl-Hirschman index, {index:.0f}, means" in exhibit.title
    assert "exact from contract records" in exhibit.note
    assert f"line #5790fc ({index:.6g}, 0.16) ({index:.6g}, 0.16)" in twin(exhibit.figure)
    assert [line.get_marker() for line in exhibit.figure.axes[0].lines] == ["D"] * 3  # a line of no length is unseen
    assert firm_sizes.one_more(opened("exact")).note.startswith("The index is exact")


def test_a_class_is_named_by_each_guideline_that_has_it():
    found = {"1982": ["moderate"], "2010": ["unconcentrated"], "2023": ["moderate"]}
    said = firm_sizes._classes_title("1,200", found)
    assert said.endswith(
        "means moderate by the guidelines of 1982 and 2023 and unconcentrated by the guidelines of 2010"
    )


def test_measures_mark_what_is_exact_and_keep_bounds_for_the_rest(opened, sizes):
    frame = firm_sizes.measures(opened("exact")).frame.set_index("item")
    assert frame.loc["Share of the 4 largest enterprises (CR4)", "status"] == "published"
    index = frame.loc["Herfindahl-Hirschman index, 0 to 10,000"]
    assert index["status"] == "published" and index["low"] == index["high"]
    top = frame.loc["Largest enterprise"]
    assert (top["status"], top["low"]) == ("computed", pytest.approx(sizes.iloc[0] / 1e8, abs=1e-4))
    gini = frame.loc["Gini coefficient"]
    assert gini["status"] == "bounded" and gini["low"] < gini["high"]
    hidden = firm_sizes.measures(opened("no shares")).frame.set_index("item")
    assert set(hidden["status"]) == {"bounded"}
    assert hidden.loc["Largest enterprise", "low"] <= sizes.iloc[0] / 1e8 <= hidden.loc["Largest enterprise", "high"]


def test_a_share_that_is_withheld_has_bounds_and_the_page_says_which_is_which(opened, sizes):
    exhibit, shares = firm_sizes.ratios(opened("some")), 100 * sizes / sizes.sum()
    shown = exhibit.frame.set_index("label")
    for k, label in ((1, "largest"), (2, "2 largest")):
        row = shown.loc[label]
        assert row["low"] < shares.head(k).sum() < row["high"] and row["low"] <= row["estimate"] <= row["high"]
    assert shown.loc["4 largest", "low"] == shown.loc["4 largest", "high"] and math.isnan(
        shown["estimate"]["4 largest"]
    )
    assert re.search("exact from contract records for 4, 8,.* whiskers are bounds", exhibit.note)
    said = firm_sizes.summary(opened("some"))
    assert "hold between" in said and "for k = 4, 8 and 20 and the Herf" in said
    assert "Withheld in contract records or not in them, so bounds from the size bands" in said
    assert said.endswith("for k = 1 and 2.")


def test_without_any_share_the_bands_bound_all_and_the_page_says_so(opened, sizes):
    said, exhibit = firm_sizes.summary(opened("no shares")), firm_sizes.ratios(opened("no shares"))
    assert "Exact from" not in said and "so bounds from the size bands: the shares of the k largest" in said
    shares, shown = 100 * sizes / sizes.sum(), exhibit.frame.set_index("label")
    assert all(shown["estimate"].between(shown["low"] - 1e-6, shown["high"] + 1e-6))
    assert shown.loc["2 largest", "low"] < shares.head(2).sum() < shown.loc["2 largest", "high"]
    index = firm_sizes.classes(opened("no shares")).frame.iloc[0]
    assert index["low"] < (shares**2).sum() < index["high"]


def test_published_figures_claim_no_records(hangzhou):
    for text in (firm_sizes.summary(hangzhou), firm_sizes.ratios(hangzhou).note, markets.headline(hangzhou).note):
        assert "contract records" not in text
    assert markets.headline(hangzhou).note.endswith(
        "Levels come from published figures: known within their rounding, or bounds."
    )
    assert data_quality.suppressed(hangzhou) == ""


def test_a_level_to_the_cent_does_not_contradict_its_estimate_of_nine_digits(opened):
    assert scale.recovered(opened("exact")).frame["series"].unique().tolist() == ["from all figures together"]


@pytest.mark.parametrize("seed", range(4))
def test_a_sum_that_is_estimated_fits_the_levels_that_are_exact(tmp_path, seed):
    groups = ("above USD 1 million", "above USD 5 million", "above USD 10 million")

    def which(indicator, flow, category):
        return concentrations(indicator, flow, category) or category in groups[: 3 if indicator == EXECUTED else 2]

    data = folder(tmp_path, years=(2011,), which=which, seed=seed)
    table = firm_sizes.size_table(open_edition(area="synthetic", year=2011, data_dir=data))
    assert math.fsum(band["total"] for band in table.published["bands"]) == table.published["group_total"][0]


def test_a_total_without_an_upper_end_has_no_shares(tmp_path):
    """All totals are withheld and so are the types and all enterprises, so only the group is known."""

    def which(indicator, _flow, category):
        return category != "above USD 10 million"

    edition = open_edition(area="synthetic", year=2011, data_dir=folder(tmp_path, years=(2011,), which=which))
    assert math.isinf(find(edition, EXECUTED, "offshore").high)
    assert firm_sizes.size_table(edition) is None and firm_sizes.measures(edition).frame.empty
    assert leading_enterprises.concentration(edition).frame.empty and overview.findings(edition)


def test_a_closed_band_alone_bounds_no_largest_firm(tmp_path):
    """Its amount tells its number of firms, one, but firms above it may be larger: nothing is said of the largest."""
    kept = ("total", "USD 30 to 50 million")
    data = folder(tmp_path, years=(2011,), which=lambda name, _, band: name != EXECUTED or band not in kept)
    edition = open_edition(area="synthetic", year=2011, data_dir=data)
    assert find(edition, FIRMS, "offshore", kept[1]).high == 1
    assert firm_sizes.size_table(edition) is None and firm_sizes.ratios(edition).frame.empty


def test_no_firm_is_in_two_bars_and_none_is_left_out(opened, sizes):
    shown = leading_enterprises.counts(opened("exact")).frame.set_index("label")["low"]
    assert shown.sum() == len(sizes)
    assert shown["USD 5 to 10 million"] == sizes.between(5e8, 10e8 - 1).sum()
    assert "18 enterprises above USD 10 million" in leading_enterprises.headline(opened("exact")).title


def test_markets_of_the_records_leave_nothing(opened):
    contracts = records(2011).query("flow == 'offshore'")
    held = contracts.groupby("market")["contracts executed"].sum() / contracts["contracts executed"].sum()
    edition = opened("exact")
    table = markets.headline(edition)
    assert sorted(table.frame["item"].str.lower()) == sorted(name.lower() for name in MARKETS)
    assert table.note.endswith("Levels are exact, from contract records.")
    split = markets.split(edition).frame
    assert 2 <= len(split) <= 6 and split["low"].sum() == pytest.approx(100, abs=1e-6)
    first = held.drop("other markets").sort_values(ascending=False)
    assert (
        split["low"].iloc[0] == pytest.approx(100 * first.iloc[0], abs=1e-6)
        and split["label"].iloc[0] == first.index[0]
    )
    found = markets.diversification(edition).frame.set_index("item")["low"]
    assert found[f"index of all {len(held)} markets"] == pytest.approx((held**2).sum(), abs=1e-6)
    assert found["three largest markets together"] == pytest.approx(100 * first.head(3).sum(), abs=1e-6)
    assert len(markets.trend(edition).frame["series"].unique()) <= 5


def test_a_market_that_is_withheld_is_a_bound_in_the_table_and_part_of_the_rest_in_the_chart(opened):
    edition = opened("some")
    table = markets.headline(edition)
    row = table.frame.set_index("item").loc["USA"]
    assert row["status"] == "suppressed" and row["high"] > 0 and row["share computed"] not in ("–", "0 %")
    assert table.note.endswith("those that are suppressed are bounds that the others leave.")
    assert "USA" not in markets.split(edition).frame["label"].tolist()
    assert "leads" not in markets.split(edition).title
    found = markets.diversification(edition).frame.set_index("item")["low"]
    assert "index that all other markets add" in found
    shown = table.frame[(table.frame["status"] == "published") & (table.frame["item"] != "Other markets")]
    squares = (shown["low"] / find(edition, "contracts executed", "offshore").low) ** 2
    known = int((shown["low"] > 0).sum())
    # what is left over may be many markets, so it is no square of its own here
    assert found[f"index of the {known} markets with a figure alone"] == pytest.approx(squares.sum(), abs=1e-6)


def test_what_may_be_smaller_than_a_withheld_part_does_not_lead(opened):
    split = sector_mix.split(opened("some"))
    assert split.frame["label"].tolist() == ["ITO", "BPO and KPO: withheld for confidentiality"]
    assert ("leads" in split.title) == (split.frame["low"].iloc[0] >= split.frame["high"].iloc[1])
    assert "makes up" in sector_mix.split(opened("many")).title


def words_of(exhibit):
    """All that a reader sees of an exhibit in words."""
    if isinstance(exhibit, str):
        return exhibit
    columns = [name for name, cells in exhibit.frame.items() if name != "edges" and not is_numeric_dtype(cells)]
    cells = exhibit.frame[columns].astype(str).to_numpy().ravel() if len(exhibit.frame) else []
    drawn = twin(exhibit.figure).partition("\n")[0] if exhibit.figure else ""
    return " | ".join([exhibit.title, exhibit.note, drawn, *cells])


def assert_bounds_where_suppressed(frame):
    """What is suppressed is shown as a bound: neither as missing nor as zero."""
    for row in frame[frame["status"] == "suppressed"].to_dict("records"):
        shown = [row[name] for name in ("value", "firms", "amount", "share computed") if name in row]
        assert shown and not {"–", "", "0", "0 %", "0.00", "not published"} & set(shown), row


@pytest.mark.parametrize(
    ("case", "module"), list(itertools.product(SHOWN, dict.fromkeys(module for module, _ in CALLS)))
)
def test_every_chapter_shows_every_case(opened, case, module):
    for name in [name for each, name in CALLS if each == module]:
        exhibit = test_chapters.made(opened(case), module, name)
        words = words_of(exhibit)
        assert words and not re.search(r"\b(nan|inf)\b|\bNone[^ ]|\d\.\d{4,}", words), (name, words)
        if isinstance(exhibit, Exhibit):
            test_chapters.test_words_of_a_chart_stand_apart_inside_the_picture(exhibit)
            if "status" in exhibit.frame:
                assert_bounds_where_suppressed(exhibit.frame)


def test_suppressed_totals_stand_in_the_tables(opened):
    frame = overview.headline(opened("all")).frame
    assert len(frame) == 5 and set(frame["status"]) == {"suppressed"} and set(frame["value"]) == {"no upper bound"}
    frame = scale.headline(opened("all")).frame
    assert len(frame) == 6 and set(frame["status"]) == {"suppressed"}
    bands = leading_enterprises.headline(opened("many")).frame.set_index("item")
    assert len(bands) == 7 and "suppressed" in set(bands["status"])
    assert set(leading_enterprises.headline(opened("all")).frame["share"]) == {"at most 100 %"}


def test_a_suppressed_number_of_firms_is_whole(opened):
    found = find(opened("many"), "enterprises", "offshore", "USD 50 to 100 million")
    assert found.status == "suppressed" and found.high % 1 == 0 and found.low % 1 == 0


def test_the_data_quality_chapter_counts_what_is_suppressed(opened, tmp_path):
    rows = written(tmp_path, "many").query("year == '2011'")
    number = (rows["qualifier"] == "suppressed").sum()
    assert f"- {number} of {len(rows)} figures from contract records of 2011 are suppressed" in data_quality.listed(
        opened("many")
    )
    assert f"None of the {len(rows)} figures" in data_quality.listed(opened("exact"))
    assert "Coverage" in data_quality.coverage(opened("all")).title
