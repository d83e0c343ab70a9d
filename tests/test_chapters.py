"""Each chapter says what the figures say: main numbers, names of bases, and gaps where nothing was published."""

import importlib
import itertools
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.text import Text

from hzso_analysis import answers, charts
from hzso_analysis.chapters import (
    data_quality,
    firm_sizes,
    leading_enterprises,
    markets,
    overview,
    scale,
    sector_mix,
    talent_training,
)
from hzso_analysis.chapters import shares as shares_of
from hzso_analysis.edition import find, open_edition, share
from hzso_analysis.exhibits import Exhibit, alt_text, mark, table_html
from hzso_analysis.folders import DATA_DIR

NOTEBOOKS = sorted(Path(__file__).resolve().parents[1].glob("notebooks/*.ipynb"))
CALLS = [
    match.groups()
    for path in NOTEBOOKS
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
    if (match := re.search(r"hz\.show\((?!hz\.)(\w+)\.(\w+)\(edition\)", "".join(cell["source"])))
]


def made(edition, module, name):
    return getattr(importlib.import_module(f"hzso_analysis.chapters.{module}"), name)(edition)


def values(exhibit, column="value"):
    return exhibit.frame.set_index("item")[column].to_dict()


def test_scale_of_2011(hangzhou):
    table = values(scale.headline(hangzhou))
    assert table["Contracts executed, offshore"] == "2,033–2,034"
    assert table["Contracts signed, offshore"] == "2,408"
    assert table["Contracts signed, all"] == "3,132–3,285"
    assert table["Contracts executed, onshore"] == "226–228"
    assert table["Contracts executed, offshore, average growth a year, 2007 to 2011"] == "95"
    status = values(scale.headline(hangzhou), "status")
    assert (status["Contracts executed, offshore"], status["Contracts signed, all"]) == ("corrected", "disputed")


def test_the_recovered_series(hangzhou):
    frame = scale.recovered(hangzhou).frame
    ours = frame[frame["series"] == "from all figures together"].set_index("year")[["low", "high"]].round(1)
    assert ours.to_dict("index") == {
        2007: {"low": 139.2, "high": 142.2},
        2008: {"low": 197.5, "high": 209.5},
        2009: {"low": 916.3, "high": 922.3},
        2010: {"low": 1553.1, "high": 1554.0},
        2011: {"low": 2033.4, "high": 2034.5},
    }
    assert frame[frame["series"] != "from all figures together"][["year", "low"]].to_numpy().tolist() == [[2011, 1872]]
    assert "15,500 printed for 2010" in scale.recovered(hangzhou).note


def test_growth_is_joined_on_the_year_before(hangzhou):
    table = scale.growth(hangzhou).frame.set_index("label")["text"].to_dict()
    assert table == {
        "2008": "39–51 %",
        "2009": "337–367 %",
        "2010": "69 % (printed 69 %)",
        "2011": "30.92 % (printed 30.92 %)",
    }
    assert scale.growth_between(hangzhou, find(hangzhou, "contracts executed", "all").cell) is None


def test_growth_of_a_part_of_the_year_names_it_in_bar_and_title():
    exhibit = scale.growth(open_edition(year=2020))
    assert exhibit.frame["label"].tolist() == ["January to September 2008"]
    assert exhibit.title == "Offshore executed grew by 89 % in January to September 2008; no later year is known"
    assert "January to September 2008" in charts.twin(exhibit.figure)


def test_an_unclear_growth_rate_is_an_independent_check(hangzhou):
    frame = scale.unused(hangzhou).frame.set_index("printed")
    assert frame.loc["350 %", ["implied", "agrees"]].tolist() == ["337–367 %", "yes"]


def test_shares_name_their_base_and_follow_the_basis(hangzhou):
    frame = sector_mix.headline(hangzhou).frame.set_index("item")
    assert frame.loc["ITO", ["share printed", "share computed"]].tolist() == ["66.14 %", "66.14 %"]
    assert "between USD 2,033 and 2,034 million (estimated total" in sector_mix.headline(hangzhou).note
    assert "Shares are rounded once and need not add up." in sector_mix.headline(hangzhou).note
    assert shares_of.subtitle(hangzhou, sector_mix.mixed(hangzhou)).endswith("2011; base USD 2,033–2,034 million")
    published = open_edition(total_basis="published")
    frame = sector_mix.headline(published).frame.set_index("item")
    assert frame.loc["ITO", ["share printed", "share computed"]].tolist() == ["66.14 %", "71.8–71.9 %"]
    assert "USD 1,872 million (published total" in sector_mix.headline(published).note


def test_what_was_not_published_apart_is_bounded_together(hangzhou):
    assert sector_mix.split(hangzhou).title.endswith("BPO and KPO together 33.86 %, between USD 688 and 689 million")


def test_the_rest_of_shares_above_the_whole_is_nothing_and_never_negative(hangzhou, monkeypatch):
    for ends, rest in (((0.48, 0.52), [[0, 4]]), ((0.51, 0.52), [])):
        marks = [mark(name, *ends, pd.DataFrame(), fraction=True, name=name) for name in ("ITO", "BPO")]
        monkeypatch.setattr(shares_of, "share_marks", lambda *_, marks=marks, **__: marks)
        assert sector_mix.split(hangzhou).frame[["low", "high"]].round(9).to_numpy().tolist()[2:] == rest


def test_overlapping_industries_are_never_summed(hangzhou):
    exhibit = sector_mix.industries(hangzhou)
    assert "would add up to 106 %" in exhibit.title
    assert exhibit.frame["label"].tolist() == ["ITO", "Network (communication) R&D", "Financial services"]


def test_size_bands_with_the_implied_one(hangzhou):
    frame = leading_enterprises.headline(hangzhou).frame.set_index("item")
    assert frame["firms"].to_dict() == {
        "above USD 10 million": "24",
        "above USD 100 million": "2",
        "USD 50 to 100 million": "4",
        "USD 30 to 50 million": "7",
        "USD 10 to 30 million": "11",
    }
    assert frame.loc["above USD 100 million", ["amount", "share"]].tolist() == ["491–1,051", "24–52 %"]
    assert "as printed" in leading_enterprises.concentration(hangzhou).title
    assert "the source prints 77.23 %" in leading_enterprises.concentration(open_edition(total_basis="published")).title


def test_what_the_size_bands_allow(hangzhou):
    assert "**the two largest enterprises hold between 24 % and 52 %**" in firm_sizes.summary(hangzhou)
    ratios = firm_sizes.ratios(hangzhou)
    assert dict(zip(ratios.frame["label"], ratios.frame["text"], strict=True)) == {
        **{"largest": "12–47 %", "2 largest": "24–52 %", "4 largest": "34–57 %", "8 largest": "49–64 %"},
        **{"20 largest": "71–75 %", "24 largest": "77.23 %"},
    }
    assert ratios.frame["estimate"].round(1).tolist() == [26.2, 38.1, 46.7, 57.4, 74.6, 77.2]
    bounds = firm_sizes.measures(hangzhou).frame.set_index("item")
    assert bounds.loc["Largest enterprise", ["bounds", "if exponential", "if Pareto"]].tolist() == [
        "245–951",
        "532",
        "693",
    ]
    assert bounds.loc["Gini coefficient", "bounds"] == "at least 0.75"
    assert "No upper end of the number of enterprises" in firm_sizes.measures(hangzhou).note
    assert "smaller half of 800 enterprises holds at most 11.8 %" in firm_sizes.lorenz(hangzhou).title


def test_every_class_that_the_index_touches_is_named(hangzhou):
    classes = firm_sizes.classes(hangzhou)
    assert [text.partition(": ")[2] for text in classes.frame["text"]] == [
        "unconcentrated, moderate or high",
        "unconcentrated or moderate",
        "unconcentrated, moderate or high",
    ]
    nation = open_edition(area="china", year=2011)
    assert "means unconcentrated by each guideline" in firm_sizes.classes(nation).title
    assert firm_sizes.ratios(nation).frame["text"].iloc[-1] == "16.4 %"


def test_what_one_more_number_would_tell_and_what_the_total_changes(hangzhou):
    more = firm_sizes.one_more(hangzhou).frame.set_index("item")
    top = more.loc["amount of the 2 enterprises above USD 100 million"]
    assert top[["if it were", "index", "largest"]].tolist() == ["771", "791–1,254", "19–33 %"]
    both = firm_sizes.sensitivity(hangzhou)
    assert both.title == "The two largest hold 24–52 % on the estimated total, 26–56 % on the printed one"
    assert both.frame.columns[1:].tolist() == ["on USD 2,033–2,034 million", "on USD 1,872 million"]
    agreed = firm_sizes.sensitivity(open_edition(area="china", year=2011))
    assert agreed.frame.empty and "no second one to try" in agreed.note


def test_diversification_is_bounded_by_a_group_and_exact_for_single_markets(hangzhou, china_2013):
    assert values(markets.diversification(hangzhou)) == {
        "largest of Europe, USA and Japan": "23–69 %",
        "index of the three markets Europe, USA and Japan alone": "0.157–0.470",
        "index that all other markets add": "0–0.099",
        "index of all markets": "0.157–0.569",
    }
    single = markets.diversification(china_2013)
    assert single.title == "USA, the largest single market with a figure, holds 25.9 % of offshore executed, 2013"
    assert values(single)["index of USA, EU, Hong Kong and Japan alone"] == "0.119"


def test_no_size_bands_give_a_gap(china_2022):
    assert "was published for China in 2022" in firm_sizes.summary(china_2022)
    for name in ("ratios", "classes", "lorenz", "measures", "one_more", "sensitivity"):
        exhibit = getattr(firm_sizes, name)(china_2022)
        assert exhibit.frame.empty and "was published for China in 2022" in exhibit.note


def test_markets_and_the_least_of_the_largest(hangzhou):
    assert markets.headline(hangzhou).title.startswith("Europe, USA and Japan awarded 68.58 %")
    assert "at least 22.9 %" in markets.diversification(hangzhou).title
    assert "different groups" in markets.nation(hangzhou).note


def test_training_against_the_claim(hangzhou):
    assert talent_training.claim(hangzhou).startswith("Over 84,700 people")
    assert "at least 16,930 a year; the source prints over 17,000. The two can both be true" in talent_training.claim(
        hangzhou
    )
    assert values(talent_training.ratios(hangzhou))["Courses per organization"] == "12.5"
    assert (
        talent_training.years(hangzhou).title
        == "19,700 people were trained in 2011, on average at least 16,225 a year before"
    )


def test_overview_names_the_total_the_shares_were_computed_on(hangzhou):
    exhibit = overview.against_printed_total(hangzhou)
    assert exhibit.title == "Every share was computed on USD 2,033–2,034 million, not on the printed 1,872"
    second = exhibit.frame.set_index("label")["second_text"].to_dict()
    assert second["ITO"] == "71.85 %" and second["Enterprises above USD 10 million"] == "83.92 %"


def test_the_share_of_the_nation_cites_both_sides(hangzhou):
    source = overview.nation(hangzhou).source
    assert "Hangzhou Municipal" in source and "China Economic Net" in source


def test_data_quality_names_the_headline(hangzhou):
    first, tie = data_quality.sentences(hangzhou)
    assert "contradicts itself: it prints contracts executed, offshore, 2011 as USD 1.872 billion" in first
    assert first.endswith("For USD 1.872 billion to be right, at least five other figures would have to be wrong.")
    assert all(text in tie for text in ("USD 3.132 billion", "USD 3.28 billion", "42 %", "USD 2.3 billion"))
    assert data_quality.suspects(hangzhou).frame["instead"].tolist() == ["5", "2", "2"]
    frame = data_quality.implied(hangzhou).frame.set_index("label")["text"].to_dict()
    assert frame["ITO, share 66.14 %"] == "2,033–2,034"
    assert frame["Financial services, share 13 %"] == "1,922–2,084"
    assert frame["USD 1,872 million, as printed"] == "1,872"


def test_a_tie_is_told_where_it_moves_an_estimate_of_the_year_though_its_figures_are_of_others():
    texts = {year: data_quality.sentences(open_edition(area="hangzhou", year=year)) for year in (2008, 2009)}
    assert not any("A tie" in text for text in texts[2008])
    assert texts[2009][-1].startswith("A tie: wrong is either (1) USD 2.3 billion for contracts signed, all, 2010 (")
    assert "; or (3) USD 3.132 billion for contracts signed, all, 2011 (" in texts[2009][-1]
    *_, tie = data_quality.sentences(open_edition(area="china", year=2011, compare_with=""))
    assert "(2) 364.9 % for contracts signed, offshore, growth, 2012 (" in tie
    assert tie.count("34.4 %") == 1  # two papers print it


def test_a_series_that_ends_before_the_year_says_so(hangzhou):
    late = open_edition(area="hangzhou", year=2017)
    for call, title in ((scale.recovered, "2,033–2,034 in 2011"), (scale.growth, "69 % the year before")):
        assert call(hangzhou).title.endswith(title)
        assert call(late).title.endswith(f"{title}; no later year is known")


def test_currencies_stay_apart(china_2022):
    found = find(china_2022, "contracts executed", "offshore", "ITO")
    base = share(china_2022, found).base
    assert (found.cell.unit, base.cell.unit) == ("CNY million", "CNY million")
    assert find(china_2022, "contracts executed", "offshore").cell.unit == "USD million"


EDITIONS = ["hangzhou", "china_2011", "china_2022"]


@pytest.fixture(scope="module", params=itertools.product(EDITIONS, dict.fromkeys(CALLS)), ids=str)
def exhibit(request):
    """Every table, chart and sentence that the notebooks show, in several editions."""
    edition, call = request.param
    return made(request.getfixturevalue(edition), *call)


def test_every_edition_shows_numbers_or_says_what_is_missing(exhibit):
    if isinstance(exhibit, str):
        assert exhibit.endswith(".")
        return
    assert isinstance(exhibit, Exhibit) and exhibit.title
    words = f"{exhibit.title} {exhibit.note} {alt_text(exhibit, 'Figure 1') if exhibit.figure else ''}"
    assert not re.search(r"\b(nan|inf|None)\b", words), words
    if exhibit.frame.empty:
        assert re.search(r"No |no |Nothing |Not |There is no|prints none|All |can be true|fewer than", exhibit.note), (
            exhibit.note
        )


def test_words_of_a_chart_stand_apart_inside_the_picture(exhibit):
    if not getattr(exhibit, "figure", None):
        return
    figure, boxes = exhibit.figure, []
    figure.draw_without_rendering()
    scales = [(axis, sorted(axis.get_view_interval())) for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    ticks = [(tick.get_loc(), tick.label1, *ends) for axis, ends in scales for tick in axis.get_major_ticks()]
    beyond = [text for place, text, low, high in ticks if not low <= place <= high]
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in beyond:
            boxes.append((text.get_text(), Text.get_window_extent(text)))  # without the arrow of an annotation
    for said, box in boxes:
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < figure.bbox.x1 + 1 and box.y1 < figure.bbox.y1 + 1, said
    for (one, first), (two, second) in itertools.combinations(boxes, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert min(wide, high) < 3, f"{one!r} and {two!r} overlap by {wide:.0f} x {high:.0f} pixels"


def test_percent_is_drawn_at_the_scale_it_is_written_in(exhibit):
    if not getattr(exhibit, "figure", None) or not exhibit.note.startswith("Percent"):
        return
    for low, text in exhibit.frame.rename(columns={"first": "low", "first_text": "text"})[["low", "text"]].to_numpy():
        assert "%" in text
        assert low == 0 or abs(float(re.search(r"[\d.]+", text)[0]) - low) <= 1, text


def test_a_rate_of_growth_is_not_computed_across_a_break(tmp_path):
    shutil.copytree(DATA_DIR / "hangzhou", tmp_path / "hangzhou")
    (tmp_path / "breaks.csv").write_text("indicator,area,year,why\ncontracts executed,,2010,recount\n", "utf-8")
    edition = open_edition(data_dir=str(tmp_path))
    years = scale.growth(edition).frame["label"].tolist()
    assert "2011" in years and "2010" not in years
    before = open_edition(data_dir=str(tmp_path), year=2010)
    assert overview.headline(before).frame.set_index("item").loc["Contracts executed, offshore", "change"] == "–"
    assert "Contracts executed, offshore, growth computed" not in values(scale.headline(before))


def test_a_change_of_shares_is_both_shares_and_no_rate(china_2013):
    exhibit = sector_mix.change(china_2013)
    first, last = re.fullmatch(r"\w+: (.+) of the total in \d{4}, (.+) in \d{4}", exhibit.title).groups()
    assert {first, last} < set(exhibit.frame["text"])


def test_one_check_fails_and_two_fail():
    titles = [data_quality.checks(open_edition(area="china", year=year)).title for year in (2013, 2012)]
    assert re.match(r"1 of \d+ checks .* fails$", titles[0]) and re.match(r"\d+ of \d+ checks .* fail$", titles[1])


def test_gaps_are_honest(china_2022):
    exhibit = leading_enterprises.headline(china_2022)
    assert exhibit.frame.empty and "was published for China in 2022" in exhibit.note
    assert "There is no area to compare with" in scale.nation(china_2022).note


def test_labels_from_the_data_are_escaped_in_tables(hangzhou):
    exhibit = sector_mix.headline(hangzhou)
    frame = exhibit.frame.assign(item="<script>alert(1)</script>", source="=HYPERLINK(1)")
    html = table_html(exhibit._replace(frame=frame, title="<b>"), "Table 1")
    assert "<script" not in html and "<b>" not in html and "&lt;script&gt;" in html


def test_wrong_parameters_are_named_all_at_once():
    with pytest.raises(ValueError) as caught:
        open_edition(area="hangzou", year="20l1", total_basis="guess")
    said = str(caught.value)
    assert "did you mean 'hangzhou'" in said or "did you mean hangzhou" in said
    assert "four-digit year" in said and "estimated or published" in said


@pytest.mark.parametrize("year", [2011, "2011", 2011.0, "２０１１", " 2011 "])
def test_years_are_the_same_however_written(year):
    assert open_edition(year=year).year == 2011


def test_a_year_without_figures_stops_with_the_years_there_are():
    with pytest.raises(ValueError, match=r"hangzhou has no figures for 1999; there are 2007, 2008"):
        open_edition(year=1999)


def test_kernels_of_a_report_take_the_answer_instead_of_reconciling_anew(hangzhou, monkeypatch, tmp_path):
    monkeypatch.setenv(answers.FOLDER, str(tmp_path / "kept"))
    open_edition(area="hangzhou", year=2010)
    monkeypatch.setattr("hzso_analysis.edition.reconcile", lambda figures: pytest.fail("reconciled anew"))
    again = open_edition(area="hangzhou", year=2011)
    assert again.reconciliation.estimates.equals(hangzhou.reconciliation.estimates)
    assert scale.growth(again).title == scale.growth(hangzhou).title


def test_the_bands_tell_how_many_enterprises_executed_offshore_contracts_at_least(hangzhou):
    """What the 24 leave, USD 463 million at least, is in firms below 10 million each: 47 of them or more."""
    first = leading_enterprises.honours(hangzhou).frame.iloc[0]
    assert first[["item", "value", "status"]].tolist() == [
        "Enterprises with contracts executed, offshore",
        "at least 71",
        "bounded",
    ]


def test_an_index_that_lies_in_more_classes_of_one_guideline_than_of_another_says_so(hangzhou):
    """453 to 2,266 reaches the highest class of 1982 and 2023, from 1,800 on, and not that of 2010, from 2,500 on."""
    exhibit = firm_sizes.classes(hangzhou)
    assert exhibit.title.endswith("between 453 and 2,266, may lie in two or three classes, by the guidelines")
    assert [row.count(",") + row.count(" or ") for row in exhibit.frame["text"].str.partition(": ")[2]] == [2, 1, 2]


def test_findings_name_no_heading_and_parts_of_years_are_named_where_they_are_compared(hangzhou):
    early = open_edition(area="hangzhou", year=2008)
    assert overview.findings(early).count("\n") == 0
    assert sector_mix.change(hangzhou).title.startswith(
        "Financial services: 43 % of the total in January to September 2008"
    )


def test_a_figure_in_doubt_that_nothing_tests_is_shown_in_its_year():
    table = scale.unused(open_edition(area="hangzhou", year=2019))
    assert "USD 7.87 billion" in table.frame["printed"].tolist()
    row = table.frame[table.frame["printed"] == "USD 7.87 billion"].iloc[0]
    assert (row["implied"], row["agrees"]) == ("nothing known", "")


def test_all_markets_of_the_bar_are_in_its_title():
    title = markets.split(open_edition(area="china", year=2022, compare_with="")).title
    assert title.startswith("USA 21.0 %, ") and title.endswith("; all other markets together 46.1–46.2 %")


def test_a_share_of_the_nation_that_fell_is_not_told_as_a_rise(hangzhou):
    said = "8.5 % of China's offshore contracts in 2011, after 10.7–10.8 % in 2010 and 4.2–4.5 % in 2008"
    assert scale.nation(hangzhou).title == f"Hangzhou executed {said}"
    assert leading_enterprises.nation(hangzhou).title.startswith(
        "Hangzhou's enterprises above USD 100 million hold 24–52 %"
    )
