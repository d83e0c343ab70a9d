"""Sources: each number is credited to those who print it, or to the figures that it is computed or follows from."""

from __future__ import annotations

import pytest

from hzso_analysis import reconcile
from hzso_analysis.chapters import environment_and_policy, leading_enterprises, overview, scale, talent_training
from hzso_analysis.constraints import Cell
from hzso_analysis.edition import Edition
from hzso_analysis.exhibits import Exhibit


@pytest.fixture(scope="module")
def china(hangzhou: Edition) -> Edition:
    return hangzhou._replace(area="china", compare_with="")


def column(exhibit: Exhibit, name: str = "source") -> dict[str, str]:
    """The texts of a column by the item of the row."""
    return dict(zip(exhibit.frame["item"], exhibit.frame[name], strict=True))


def test_a_corrected_value_is_credited_to_who_prints_it_and_what_else_is_printed_is_named(china):
    assert column(scale.headline(china))["Contracts signed, all"] == (
        "china daily 2012 nanjing conference; china daily 2012 sourcing summit prints USD 32.39 billion, "
        "which does not fit"
    )
    credited, *others = column(scale.headline(china._replace(year=2012)))["Contracts executed, offshore"].split(
        "; research note 2014 foreign exchange policy prints "
    )
    assert credited == "mofcom 2013 business review; china daily 2013 fuzhou forum; cns 2013 fifth outsourcing fair"
    assert others == [
        "369.6 hundred million USD, which does not fit; "
        "china daily 2016 software outsourcing prints USD 34.46 billion, which does not fit"
    ]


def test_a_corrected_value_that_nobody_prints_names_the_figures_it_follows_from(hangzhou):
    assert column(scale.headline(hangzhou))["Contracts executed, offshore"] == (
        "hangzhou overview 2011, I(1) sentence 1 prints USD 1.872 billion, which does not fit; follows from figures "
        "of hangzhou overview 2011, I(2) sentence 1 and I(3) sentence 2"
    )


def test_sources_that_contradict_each_other_are_each_told_with_what_they_print(hangzhou):
    assert column(scale.headline(hangzhou))["Contracts signed, all"] == (
        "hangzhou overview 2011, I(1) sentence 1 prints USD 3.132 billion; "
        "shanghai daily 2012-04-23, paragraph 6 prints USD 3.28 billion"
    )


@pytest.mark.parametrize(
    ("year", "publishers"),
    [
        (2008, {"Zhejiang Province (2011)", "Hangzhou Municipal Foreign Trade and Economic Cooperation Bureau (2011)"}),
        (2009, {"Zhejiang Province (2011)", "Hangzhou Municipal Foreign Trade and Economic Cooperation Bureau (2011)"}),
        (2020, {"Xinhua (2021-10-31)"}),
    ],
)
def test_a_chart_of_implied_values_cites_what_they_follow_from(hangzhou, year, publishers):
    cited = scale.flows(hangzhou._replace(year=year)).source.removeprefix("Source: ").split("; ")
    assert set(cited) == publishers


def test_the_figures_behind_a_value_are_enough_for_it(hangzhou):
    known = hangzhou.reconciliation
    rows = known.estimates[known.estimates["status"].isin(["derived", "bounded", "corrected"])]
    rows = rows[rows["area"] == "hangzhou"]
    assert len(rows) > 20
    for row in rows.itertuples(index=False):
        cell = Cell(*row[:7])
        behind = known.behind(cell)
        assert 0 < len(behind) < 20
        alone = reconcile(behind).estimates
        ends = alone[(alone[list(Cell._fields)] == list(cell)).all(axis=1)][["low", "high"]].to_numpy().tolist()
        assert ends == [pytest.approx([row.low, row.high], rel=1e-6)], cell


def test_each_printed_growth_has_a_row_with_those_who_print_it(hangzhou, china):
    rows = column(scale.headline(hangzhou._replace(year=2008)))
    item = "Contracts executed, offshore, printed growth, January to"
    assert rows[f"{item} September 2008"] == "china daily 2008-10-28, paragraph 4; china daily 2008-12-01, paragraph 6"
    assert rows[f"{item} October 2008"] == "xiasha forum 2008, paragraph 3"
    frame = scale.headline(china).frame
    printed = frame[frame["item"].str.endswith("printed growth")][["value", "source"]].to_numpy().tolist()
    assert printed == [
        ["65.0", "mofcom 2012 briefing on 2011"],
        ["6.3", "china daily 2012 outsourcing outlook prints 6.3 %, which does not fit"],
    ]


def test_a_printed_growth_in_cny_says_so(china):
    item = "Contracts executed, offshore, printed growth"
    values = column(scale.headline(china._replace(year=2022)), "value")
    assert (values[item], values[f"{item}, in CNY"]) == ("5.0", "4.1")


def test_computed_rows_name_the_sources_of_all_amounts(hangzhou, china):
    rows = column(scale.headline(china._replace(year=2014)))
    assert rows["Contracts executed, offshore, growth computed"] == (
        "estimates of both years; mofcom 2014 business review; mofcom 2013 annual operation"
    )
    assert rows["Executed as a share of signed, offshore"] == "mofcom 2014 business review"
    assert column(talent_training.ratios(hangzhou))["People trained for each 100 employees"] == (
        "19,700 / over 220,000; hangzhou overview 2011, I(1) paragraph 2 sentence 2; "
        "shanghai daily 2012-04-23, paragraph 7"
    )


def test_a_chart_of_growth_cites_both_amounts_and_only_the_rate_it_shows(china):
    exhibit = scale.growth(china)
    assert exhibit.frame["text"].tolist()[-1] == "65.0 % (printed 65.0 %)"
    assert "China Economic Net (mirror 1330.cn) (2012-02-16)" in exhibit.source and "(2011-06-09)" in exhibit.source


def test_changes_and_shares_of_the_nation_cite_the_other_amount_too(hangzhou):
    source = overview.headline(hangzhou).source
    assert "China Economic Net (mirror 1330.cn) (2012-02-16)" in source  # the nation's amounts
    assert "China Daily (2011-05-31" in source  # what was signed in the year before


def test_an_implied_number_of_firms_names_its_figures(hangzhou):
    assert column(leading_enterprises.headline(hangzhou))["USD 10 to 30 million"] == (
        "follows from figures of hangzhou overview 2011, I(3) sentence 1 and I(3) sentence 3"
    )


def test_each_figure_too_unclear_to_be_used_names_its_source(hangzhou):
    sources = scale.unused(hangzhou).frame["source"].tolist()
    assert sources[-1] == "shanghai daily 2012-04-23, paragraph 6" and all(sources)


def test_what_is_counted_on_a_day_is_dated_by_it(hangzhou):
    honours = leading_enterprises.honours(hangzhou._replace(year=2009)).frame["item"].tolist()
    assert honours == [
        "Enterprises registered, end of August 2009",
        "Enterprises newly registered, January to August 2009",
    ]
    absorbed = talent_training.headline(hangzhou._replace(year=2021))
    assert absorbed.title == "Over 495,000 people had been absorbed by the end of October 2021"
    assert talent_training.employment(hangzhou._replace(area="china", year=2021)).title == (
        "13,950,000 people had been absorbed by service outsourcing by the end of 2021"
    )


def test_places_are_ordinals_and_what_is_national_says_so(hangzhou):
    exhibit = environment_and_policy.activities(hangzhou)
    rows = exhibit.frame.set_index("item")[["value", "unit"]].T.to_dict("list")
    assert rows["First edition of the conference held with the city"] == ["7th", ""]
    assert rows["Years the financial IT conference has been held"] == ["11", "years"]
    assert rows["National demonstration cities"] == ["21", ""]
    assert exhibit.title.startswith("Hangzhou, 2011: 21 national demonstration cities, ")
