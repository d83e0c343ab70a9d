"""Environment and policy: what the sources print and name, the fund against contracts, and pages without figures."""

import csv
import inspect
import shutil

import pytest

from hzso_analysis.chapters import environment_and_policy as chapter
from hzso_analysis.edition import open_edition
from hzso_analysis.exhibits import table_html
from hzso_analysis.faults import DataError
from hzso_analysis.figures import codebook, load_policies
from hzso_analysis.folders import DATA_DIR

EXHIBITS = [
    name
    for name, function in inspect.getmembers(chapter, inspect.isfunction)
    if function.__module__ == chapter.__name__ and not name.startswith("_")
]


def policies_as_written(**key):
    with (DATA_DIR / "policies.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if all(row[name] == value for name, value in key.items())]


def column(exhibit, name, key="item"):
    return exhibit.frame.set_index(key)[name].to_dict()


def test_the_environment_as_the_overview_prints_it(hangzhou):
    exhibit = chapter.environment(hangzhou)
    assert column(exhibit, "value") == {
        "Successive years of double-digit growth": "18",
        "Financial institutions": "203",
        "Financial institutions, share": "over 60",
        "Flights": "193",
        "Flights, international": "38",
        "Countries and regions with direct trade": "over 200",
        "Days enterprises spend on contacts with the government": "8.1",
        "Rank by total financial volume": "5th",
        "Balance of deposits": "over 1,000,000",
        "Distance to Shanghai": "about 170",
        "Rail time to Shanghai": "40",
        "Employees of software enterprises above designated size, R&D personnel, share": "under 45",
    }
    assert set(exhibit.frame["status"]) == {"published"} and exhibit.frame["source"].ne("").all()
    assert column(exhibit, "note")["Financial institutions, share"] == "share of the number in the province"
    assert column(exhibit, "unit")["Balance of deposits"] == "CNY million"


def test_every_figure_of_the_chapter_is_shown_once(hangzhou):
    figures = hangzhou.reconciliation.figures.query("area == 'hangzhou' and year == 2011")
    book = codebook("indicators")
    own = figures[figures["indicator"].isin(book.loc[book["chapter"] == "environment_and_policy", "id"])]
    shown = [chapter.environment, chapter.activities, chapter.places, chapter.counts]
    rows = sum(len(function(hangzhou).frame) for function in shown)
    # a share of staff comes from another chapter; the fund and the target have exhibits of their own
    assert rows == len(own[~own["indicator"].isin([chapter.FUND, chapter.TARGET])]) + 1


def test_ratios_of_the_printed_numbers(hangzhou):
    exhibit = chapter.ratios(hangzhou)
    assert exhibit.title == "Students enrolled for each graduate a year: at most 26.5 people"  # 450,000 / 17,000
    assert column(exhibit, "value")["International flights among all"] == "19.7"
    assert column(exhibit, "value")["Related majors for each university"] == "6.50"


def test_a_printed_count_that_the_list_does_not_bear_out_is_named(hangzhou):
    exhibit = chapter.counts(hangzhou)
    listed = policies_as_written(area="hangzhou", year="2011", kind="key industries planned")
    assert len(listed) == 7
    assert exhibit.title == "Key service outsourcing industries planned: 8 printed, 7 named"
    assert exhibit.frame[["printed", "named", "agrees"]].values.tolist() == [
        ["8", "7", "no"],
        ["2", "2", "yes"],
        ["5", "5", "yes"],
        ["3", "3", "yes"],
        ["6", "6", "yes"],
        ["4", "4", "yes"],
    ]
    assert "read as two they make eight" in exhibit.frame["note"].iloc[0]


def test_the_amounts_of_the_fund_and_the_one_that_does_not_fit(hangzhou):
    exhibit = chapter.fund(hangzhou)
    assert exhibit.title == "CNY 200 million printed for 2009 does not fit: the other figures allow at most 81"
    assert exhibit.frame[["item", "printed", "unit", "agrees"]].values.tolist() == [
        ["2008", "100", "CNY million", "yes"],
        ["2009", "200", "CNY million", "no"],
        ["2008 to 2011", "180", "CNY million", "yes"],
    ]
    assert "china daily 2008-10-28, paragraph 3; china daily 2008-12-01" in exhibit.frame["source"].iloc[0]


def test_the_fund_against_contracts_by_hand(hangzhou):
    exhibit = chapter.per_executed(hangzhou)
    marks = exhibit.frame.set_index("label")[["low", "high"]]
    base = 2033.40454, 2034.47494  # where the shares of the overview meet
    last_three = [x * (1 + (1 + 1 / g) / f) for x, f, g in zip(base, (1.30925, 1.30915), (1.695, 1.685), strict=True)]
    first = base[0] / 1.955**4, base[1] / 1.945**4
    four = 4850.5 - first[1], 4851.5 - first[0]
    eight = four[0] - last_three[1], four[1] - last_three[0]
    by_hand = {
        "2008": ((99.5, 100.5), eight),
        "2009 to 2011": ((79, 81), last_three),
        "2008 to 2011": ((179.5, 180.5), four),
    }
    assert marks.index.tolist() == list(by_hand)
    for label, (amount, executed) in by_hand.items():
        assert marks.loc[label, "low"] == pytest.approx(1000 * amount[0] / executed[1], rel=1e-3)
        assert marks.loc[label, "high"] == pytest.approx(1000 * amount[1] / executed[0], rel=1e-3)
    assert "CNY 38.1–38.3 in 2008 to 2011" in exhibit.title and "nothing is converted" in exhibit.note
    bars = [patch.get_width() for patch in exhibit.figure.axes[0].patches]
    assert bars[0] == pytest.approx(marks.loc["2008", "low"])


def test_the_aim_for_output_a_year(hangzhou):
    exhibit = chapter.target(hangzhou)
    low, high = exhibit.frame.loc[0, ["low", "high"]]
    assert low < 100 * (2**0.2 - 1) < high < low + 0.2
    assert exhibit.frame["text"].tolist() == ["14.8–14.9 %", "30.92 %"]


def test_places_count_down_and_say_how_many_sources_agree():
    exhibit = chapter.evaluation(open_edition(year=2020))
    assert exhibit.frame["text"].tolist() == ["4 (1 of 1 source)", *["4 (2 of 2 sources)"] * 3, "4 (1 of 1 source)"]
    assert exhibit.title == "Hangzhou: place 4 in the evaluation of demonstration cities, 2016 to 2020"
    axes = exhibit.figure.axes[0]
    assert axes.yaxis_inverted()
    assert axes.lines[-1].get_xydata().tolist() == [[year, 4] for year in range(2016, 2021)]
    parts = column(chapter.places(open_edition(year=2020)), "value")
    assert list(parts.values()) == ["4th", "1st", "1st", "4th"]


def test_steps_carry_the_years_that_the_source_states(hangzhou):
    drawn = chapter.timeline(hangzhou).frame.set_index("label")
    rows = policies_as_written(area="hangzhou", year="2011")
    stated = {row["label_en"]: (int(row["since"]), int(row["until"] or row["since"])) for row in rows if row["since"]}
    assert dict(zip(drawn.index, zip(drawn["low"], drawn["high"], strict=True), strict=True)) == stated
    assert column(chapter.documents(hangzhou), "date")["Training scheme for talents"] == "no year stated"
    assert chapter.documents(hangzhou).title == "9 policy documents named, 8 without a year"


def test_an_edition_knows_what_was_printed_or_dated_by_its_year():
    early, late = open_edition(year=2009), open_edition(year=2018)
    assert chapter.documents(early).frame["date"].tolist() == ["2009"]
    assert chapter.aims(early).frame.empty and chapter.aims(late).frame.empty
    assert len(chapter.documents(late).frame) == 9
    assert "for Hangzhou in 2018" in chapter.fund(late).note


@pytest.mark.parametrize("name", EXHIBITS)
def test_pages_show_the_own_area_or_say_what_is_missing(name, china_2022):
    exhibit = getattr(chapter, name)(china_2022)
    assert "Hangzhou M" not in exhibit.source  # its bureau and its government
    if exhibit.frame.empty:
        assert name not in ("timeline", "documents")
        assert "for China" in exhibit.note or "of China" in exhibit.note
    else:
        known = {row["label_en"] for row in policies_as_written(area="china")}
        assert set(exhibit.frame[exhibit.frame.columns[0]]) <= known


@pytest.fixture
def own_folder(tmp_path):
    (tmp_path / "ningbo").mkdir()
    rows = "2011,departments assessed,9,count,own report\n2011,featured industries,4,count,own report"
    (tmp_path / "ningbo" / "2011.csv").write_text(f"year,indicator,value,unit,source\n{rows}\n", encoding="utf-8")
    (tmp_path / "sources.csv").write_text(
        "id,title,publisher,date,url,weight\nown report,Report,Ningbo,2012,,2\n", encoding="utf-8"
    )
    return tmp_path


def test_a_folder_of_your_own_without_policies_makes_pages(own_folder):
    edition = open_edition(area="ningbo", compare_with="", data_dir=str(own_folder))
    shown = {name: getattr(chapter, name)(edition) for name in EXHIBITS}
    assert [name for name, exhibit in shown.items() if len(exhibit.frame)] == ["activities", "counts"]
    assert shown["counts"].frame[["printed", "named", "agrees"]].values.tolist() == [["4", "none", ""]]
    assert "9 departments assessed each year" in table_html(shown["activities"], "Table 1")


def test_faults_in_a_table_of_policies_of_your_own_are_named(own_folder):
    shutil.copy(DATA_DIR / "policies.csv", own_folder)
    with pytest.raises(DataError) as caught:
        open_edition(area="ningbo", data_dir=str(own_folder))
    assert caught.value.faults[0] == "policies.csv:2: source: hangzhou overview 2011 is not in the codebook"
    head = (own_folder / "policies.csv").read_text(encoding="utf-8").splitlines()[0]
    rows = ["ningbo,2011,document,MMX,,Plan,规划,own reprot,,", "ningbo,2011,document,2010,soon,Plan,规划,own report,,"]
    (own_folder / "policies.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_policies("ningbo", data_dir=own_folder)
    assert caught.value.faults == [
        "policies.csv:2: since: found MMX; write a number",
        "policies.csv:3: until: found soon; write a number",
    ]
