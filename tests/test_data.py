"""The shipped data: valid as a data package, declared file by file, and equal to what the sources print."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from hzso_analysis.faults import DataError
from hzso_analysis.figures import check_figures, codebook, load_figures
from hzso_analysis.folders import DATA_DIR, areas
from hzso_analysis.sheets import plain
from hzso_analysis.vocabulary import CLOSED, COLUMNS

PACKAGE = json.loads((DATA_DIR / "datapackage.json").read_text(encoding="utf-8"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_data_package_is_valid():
    from frictionless import Package  # noqa: PLC0415

    report = Package(str(DATA_DIR / "datapackage.json")).validate()
    assert report.flatten(["rowNumber", "fieldName", "type", "message"]) == []
    assert report.stats["tasks"] == len(PACKAGE["resources"])


def test_every_table_is_declared_and_every_declared_table_exists():
    on_disk = {path.relative_to(DATA_DIR).as_posix() for path in DATA_DIR.glob("**/*.csv")}
    assert {resource["path"] for resource in PACKAGE["resources"] if "path" in resource} == on_disk
    assert [resource["name"] for resource in PACKAGE["resources"] if "data" in resource] == ["contracts", "executions"]


def test_the_reader_and_the_schema_name_the_same_columns_and_words():
    schema = json.loads((DATA_DIR / "figures.schema.json").read_text(encoding="utf-8"))
    fields = {field["name"]: field.get("constraints", {}) for field in schema["fields"]}
    assert list(fields) == COLUMNS
    assert {*CLOSED} == {"measure", "flow", "qualifier", "currency"}
    for column, known in CLOSED.items():
        assert fields[column]["enum"] == [word for word in known if word], column


def test_files_are_plain_utf8_with_line_feeds():
    for path in DATA_DIR.glob("**/*.csv"):
        raw = path.read_bytes()
        assert b"\r" not in raw and not raw.startswith(b"\xef\xbb\xbf") and raw.endswith(b"\n"), path.name


def test_both_areas_load_without_faults():
    assert areas() == ["china", "hangzhou"]
    figures = load_figures(["hangzhou", "china"])
    assert figures.groupby("area").size().to_dict() == {"china": 319, "hangzhou": 131}
    assert set(figures["weight"]) == {1, 2}


def test_the_overview_of_2011_is_transcribed_number_by_number():
    overview = load_figures("hangzhou").query("source == 'hangzhou overview 2011'")
    assert len(overview) == 63
    assert overview["locator"].ne("").all()
    printed = {
        ("contracts signed", "all", "total", "level"): "3.132 USD billion",
        ("contracts executed", "all", "total", "level"): "2.261 USD billion",
        ("contracts signed", "offshore", "total", "level"): "2.408 USD billion",
        ("contracts executed", "offshore", "total", "level"): "1.872 USD billion",
        ("contracts executed", "offshore", "total", "growth"): "30.92 percent",
        ("contracts executed", "offshore", "total", "cumulative"): "4.851 USD billion",
        ("contracts executed", "offshore", "total", "average growth"): "95 percent",
        ("contracts executed", "offshore", "ITO", "level"): "1.345 USD billion",
        ("contracts executed", "offshore", "ITO", "share"): "66.14 percent",
        ("contracts executed", "offshore", "above USD 10 million", "level"): "1.571 USD billion",
        ("contracts executed", "offshore", "above USD 10 million", "share"): "77.23 percent",
        ("contracts executed", "offshore", "financial services", "level"): "260 USD million",
        ("contracts executed", "offshore", "financial services", "share"): "13 percent",
        ("contracts executed", "offshore", "network R&D", "level"): "550 USD million",
        ("contracts executed", "offshore", "network R&D", "share"): "27 percent",
        ("contracts executed", "offshore", "Europe, USA and Japan", "level"): "1.395 USD billion",
        ("contracts executed", "offshore", "Europe, USA and Japan", "share"): "68.58 percent",
        ("enterprises", "offshore", "above USD 10 million", "level"): "24 count",
        ("enterprises", "offshore", "USD 30 to 50 million", "level"): "7 count",
        ("enterprises", "offshore", "USD 50 to 100 million", "level"): "4 count",
        ("enterprises", "offshore", "above USD 100 million", "level"): "2 count",
        ("people trained", "", "total", "level"): "19,700 person",
        ("people trained", "", "total", "cumulative"): "84,700 person",
        ("people trained", "", "total", "average"): "17,000 person",
        ("support fund", "", "total", "cumulative"): "180 CNY million",
    }
    found = overview.set_index(["indicator", "flow", "category", "measure"])["printed"].to_dict()
    assert {key: found.get(key) for key in printed} == printed


def test_misprints_stand_as_printed_and_doubtful_labels_are_unclear():
    figures = load_figures("hangzhou")
    by_text = figures.set_index("printed")["qualifier"].to_dict()
    assert by_text["5,030 USD million"] == "" and by_text["155 亿美元"] == ""
    assert {by_text[text] for text in ("6,630 USD million", "2.03 USD billion", "350 percent", "7.87 USD billion")} == {
        "unclear"
    }


def test_codebook_is_complete_and_consistent():
    indicators, categories, breaks = codebook("indicators"), codebook("categories"), codebook("breaks")
    assert set(categories["parent"]) <= {"total", *categories["id"]}
    members = {name for text in categories["members"] if text for name in text.split(";")}
    assert members <= set(categories["id"])
    assert set(breaks["indicator"]) <= set(indicators["id"])
    bands = categories[categories["dimension"] == "size band"]
    assert bands["low"].notna().all() and (bands["high"].isna() | (bands["high"] > bands["low"])).all()


def figures_with(**change) -> pd.DataFrame:
    figures = load_figures("hangzhou").query("file == 'hangzhou/2011.csv'").head(3).copy()
    for column, word in change.items():
        figures.loc[figures.index[0], column] = word
    figures.attrs = {"data_dir": str(DATA_DIR)}
    return figures


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"indicator": "contract executed"},
            "indicator: contract executed is not in the codebook (did you mean contracts executed?)",
        ),
        ({"category": "IT0"}, "category: IT0 is not in the codebook (did you mean ITO?)"),
        ({"source": "hangzhou overview 2012"}, "source: hangzhou overview 2012 is not in the codebook (did you mean"),
        ({"flow": "offshore"}, "flow: found offshore; demonstration cities has no flows"),
        ({"unit": "person", "printed": "21 person"}, "unit: found 21 person; demonstration cities is counted in count"),
        (
            {"value": 1.9, "printed": "1.9 count"},
            "value: found 1.9 count; demonstration cities is counted in whole numbers",
        ),
    ],
)
def test_codebook_faults_name_file_line_and_the_nearest_id(change, said):
    with pytest.raises(DataError) as caught:
        check_figures(figures_with(**change))
    assert caught.value.faults[0].startswith(f"hangzhou/2011.csv:2: {said}")


def test_faults_of_all_files_of_an_area_come_together(tmp_path):
    header = "year,indicator,value,unit,source"
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.csv").write_text(f"{header}\n2011,people trained,1,RMB,{SOURCE}\n")
    (tmp_path / "here" / "b.csv").write_text(f"{header}\n11,people trained,1,person,{SOURCE}\n")
    with pytest.raises(DataError) as caught:
        load_figures("here", data_dir=tmp_path)
    assert [fault.split(": ")[0] for fault in caught.value.faults] == ["here/a.csv:2", "here/b.csv:2"]


@pytest.mark.parametrize("value", ["1872", "1873"])
def test_a_figure_in_two_files_of_an_area_is_refused(tmp_path, value):
    (tmp_path / "hangzhou").mkdir()
    row = "2011,contracts executed,offshore,{},USD million,hangzhou overview 2011"
    for name, number in (("a", "1872"), ("b", value)):
        text = f"year,indicator,flow,value,unit,source\n{row.format(number)}\n"
        (tmp_path / "hangzhou" / f"{name}.csv").write_text(text)
    with pytest.raises(DataError, match=r"hangzhou/b\.csv:2: value: .*hangzhou/a\.csv:2.*; keep it in one file"):
        load_figures("hangzhou", data_dir=tmp_path)


def test_an_unknown_area_is_named_with_the_known_ones():
    with pytest.raises(DataError, match=r"no figures for area hangzou \(did you mean hangzhou\?\).*china, hangzhou"):
        load_figures("hangzou")


def test_a_folder_of_your_own_uses_the_shipped_codebook(tmp_path):
    (tmp_path / "ningbo").mkdir()
    row = "2011,contracts executed,offshore,381,USD million,hangzhou overview 2011"
    Path(tmp_path, "ningbo", "2011.csv").write_text(f"year,indicator,flow,value,unit,source\n{row}\n")
    figures = load_figures("ningbo", data_dir=tmp_path)
    assert figures.loc[0, ["area", "category", "value"]].tolist() == ["ningbo", "total", 381.0]


def test_a_new_source_is_named_once_with_all_its_lines():
    row = figures_with(source="hangzhou overview 2012")
    figures = pd.concat([row, row.assign(line=5)], ignore_index=True)
    with pytest.raises(DataError) as caught:
        check_figures(figures)
    (fault,) = caught.value.faults
    assert fault.endswith("; add a new source to sources.csv (lines 2, 5)")


def test_control_characters_are_left_out_as_no_picture_can_hold_them(tmp_path):
    text = (DATA_DIR / "sources.csv").read_text(encoding="utf-8")
    (tmp_path / "sources.csv").write_text(text.replace("Hangzhou Municipal", "Hang\x08zhou\x0bMuni\uffff"), "utf-8")
    assert "Hang zhou Muni " in codebook("sources", tmp_path)["publisher"][0]
    assert plain("\x01a\x0bb\x1b\ufffe") == "a b"


def test_a_codebook_that_changes_is_read_anew_and_no_caller_spoils_it_for_the_next(tmp_path):
    book = tmp_path / "breaks.csv"
    book.write_text((DATA_DIR / "breaks.csv").read_text(encoding="utf-8"), encoding="utf-8")
    before, spoilt = codebook("breaks", tmp_path), codebook("breaks", tmp_path)
    spoilt.loc[:, "year"] = 1900
    spoilt.insert(0, "new", 1)
    pd.testing.assert_frame_equal(codebook("breaks", tmp_path), before)
    last = book.read_text(encoding="utf-8").splitlines()[-1]
    book.write_text(f"{book.read_text(encoding='utf-8')}{last}\n", encoding="utf-8")
    assert len(codebook("breaks", tmp_path)) == len(before) + 1


def test_a_break_of_an_unknown_indicator_or_without_a_year_is_a_fault_though_no_figure_has_it(tmp_path):
    (tmp_path / "hangzhou").mkdir()
    shutil.copy(DATA_DIR / "hangzhou" / "2011.csv", tmp_path / "hangzhou")
    book = tmp_path / "breaks.csv"
    book.write_text("indicator,area,year,why\nemployes,,2019,recount\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"breaks\.csv:2: indicator: employes is not in the codebook.*employees"):
        load_figures("hangzhou", data_dir=tmp_path)
    book.write_text("indicator,area,year,why\nemployees,,soon,recount\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"breaks\.csv:2: year: found soon; write a number"):
        load_figures("hangzhou", data_dir=tmp_path)


HEAD = "year,indicator,flow,category,measure,of,value,unit,source\n"
SOURCE = "hangzhou overview 2011"


def own_area(folder, **files: list[str]) -> pd.DataFrame:
    """Figures of an area of its own, each file a list of lines."""
    (folder / "aa").mkdir()
    for name, lines in files.items():
        (folder / "aa" / f"{name}.csv").write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return load_figures("aa", data_dir=folder)


def test_slips_of_typing_hide_no_fault_of_another_row_or_file(tmp_path):
    typed = [f"2010,contracts executed,offshore,,,,31O2,USD million,{SOURCE}"]
    typed += [f"2011,contracts executed,offshore,IT0,,,100,USD million,{SOURCE}"]
    other = ["2012,contracts executed,offshore,,,,100,USD million,nope"]
    other += [
        f"2011,contracts executed,offshore,{name},,,{n},USD million,{SOURCE}" for name, n in [("", 1), ("BPO", 99)]
    ]
    with pytest.raises(DataError) as caught:
        own_area(tmp_path, typed=typed, other=other)
    assert sorted(fault.split(";")[0].split(", ")[0] for fault in caught.value.faults) == [
        "aa/other.csv:2: source: nope is not in the codebook",
        "aa/other.csv:4: unit: found 99 USD million",
        "aa/typed.csv:2: value: found 31O2",
        "aa/typed.csv:3: category: IT0 is not in the codebook (did you mean ITO?)",
    ]


def test_a_slip_of_typing_hides_no_other_fault_of_its_row(tmp_path):
    lines = [
        f"2010,contract executed,offshore,IT0,,,31O2,USD million,{SOURCE}",  # ids
        "2O11,contracts executed,,,,,5,person,nope",  # what does not fit the indicator, and a new source
        f"2011,contracts executed,abroad,,share,aa,5,percnt,{SOURCE}",  # the area itself
        "2012,contracts executed,offshore,,,,5,USD million,nope",
        "2O13,contracts exectued,,,,,,USD million,",  # no figure, so nothing else is asked of it
        "2013,,offshore,,,,5,USD million,",  # what is blank is said once
    ]
    with pytest.raises(DataError) as caught:
        own_area(tmp_path, typed=lines)
    assert sorted(fault.split(";")[0].split(" (did")[0] for fault in caught.value.faults) == [
        "aa/typed.csv:2: category: IT0 is not in the codebook",
        "aa/typed.csv:2: indicator: contract executed is not in the codebook",
        "aa/typed.csv:2: value: found 31O2",
        "aa/typed.csv:3: flow: found nothing",
        "aa/typed.csv:3: source: nope is not in the codebook",
        "aa/typed.csv:3: unit: found 5 person",
        "aa/typed.csv:3: year: found 2O11",
        "aa/typed.csv:4: flow: found abroad",
        "aa/typed.csv:4: of: found aa, the area itself",
        "aa/typed.csv:4: unit: found percnt",
        "aa/typed.csv:6: year: found 2O13",
        "aa/typed.csv:7: indicator: found nothing",
        "aa/typed.csv:7: source: found nothing",
    ]
    assert "add a new source to sources.csv (lines 3, 5)" in str(caught.value)


def test_two_values_for_a_figure_are_one_fault(tmp_path):
    lines = [f"2011,contracts executed,offshore,,,,{n},USD million,{SOURCE}" for n in (100, 110)]
    with pytest.raises(DataError) as caught:
        own_area(tmp_path, both=lines)
    assert [fault.split(";")[0] for fault in caught.value.faults] == ["aa/both.csv:3: value: found 110 USD million"]


def test_a_share_of_the_area_itself_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"aa/own\.csv:2: of: found aa, the area itself; leave blank, or name another"):
        own_area(tmp_path, own=[f"2011,contracts executed,offshore,,share,aa,50,percent,{SOURCE}"])


@pytest.mark.parametrize("area", ["", ".", "hangzhou/..", "../data", "hangzhou/"])
def test_what_is_no_area_has_no_figures(area):
    with pytest.raises(DataError, match=f"no figures for area {area}"):
        load_figures(area)


def test_no_area_is_a_fault_and_one_named_twice_is_read_once():
    with pytest.raises(DataError, match="area: found none; name one"):
        load_figures([])
    assert load_figures(["hangzhou", "hangzhou"]).shape == load_figures("hangzhou").shape
