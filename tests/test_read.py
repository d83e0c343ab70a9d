"""One file of figures: what is read, and that every fault is named at once."""

from pathlib import Path

import pytest

from hzso_analysis.read import DataError, read_table
from hzso_analysis.vocabulary import COLUMNS, UNITS

HEADER = "year,indicator,flow,category,value,unit,source"


def write(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "figures.csv"
    path.write_bytes("\n".join([header, *rows]).encode(encoding))
    return path


def faults_of(path: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_table(path)
    return caught.value.faults


@pytest.mark.parametrize(
    ("value", "unit", "expected", "half", "normal"),
    [
        ("1.345", "USD billion", 1345, 0.5, "USD million"),
        ("1,872", "USD million", 1872, 0.5, "USD million"),
        ("23.83", "USD billion", 23830, 5, "USD million"),
        ("238.3", "亿美元", 23830, 5, "USD million"),
        ("155", "亿美元", 15500, 50, "USD million"),
        ("320", "万美元", 3.2, 0.005, "USD million"),
        ("2.87", "CNY trillion", 2_870_000, 5000, "CNY million"),
        ("17022.7", "亿元", 1_702_270, 5, "CNY million"),
        ("66.14", "percent", 66.14, 0.005, "percent"),
        ("-0.6", "percent", -0.6, 0.05, "percent"),
        ("19,700", "person", 19700, 50, "person"),
        ("400000", "person", 400000, 50000, "person"),
        ("24", "count", 24, 0, "count"),
    ],
)
def test_value_and_precision_come_from_the_text(tmp_path, value, unit, expected, half, normal):
    row = read_table(write(tmp_path, f'2011,x,,,"{value}",{unit},s')).iloc[0]
    assert (row["value"], row["unit"]) == (pytest.approx(expected, abs=1e-9), normal)
    assert row["precision"] == pytest.approx(half, abs=1e-12)
    assert row["printed"] == f"{value} {unit}"


def test_precision_column_overrides_the_decimals(tmp_path):
    row = read_table(write(tmp_path, "2011,x,40000,count,s,5000", header="year,indicator,value,unit,source,precision"))
    assert row["precision"].tolist() == [5000]


def test_all_faults_come_in_one_error_with_file_line_and_column(tmp_path):
    path = write(
        tmp_path,
        "20l1,x,,,1872,USD million,s",
        "2011,x,,,1872,RMB million,s",
        "2011,x,abroad,,many,USD million,s",
        "2011,,,,1872,USD million,",
    )
    faults = faults_of(path)
    assert [fault.split(":")[:3] for fault in faults] == [
        ["figures.csv", "2", " year"],
        ["figures.csv", "3", " unit"],
        ["figures.csv", "4", " flow"],
        ["figures.csv", "4", " value"],
        ["figures.csv", "5", " indicator"],
        ["figures.csv", "5", " source"],
    ]
    assert "four-digit year such as 2011" in faults[0]
    assert all(unit in faults[1] for unit in UNITS)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2011,1 to 13,x,,level,,1,count,s", "months: found 1 to 13"),
        ("2011,10-30,x,,level,,1,count,s", "months: found 10-30"),
        ("2011,,x,,cumulative,,1,count,s", "since: found nothing; write the first year of the cumulative"),
        ("2011,,x,,average growth,2011,1,percent,s", "since: found 2011; must lie before 2011"),
        ("2011,,x,,growth,2007,1,percent,s", "since: found 2007; leave blank for a growth"),
        ("2011,,x,,growth,,1,count,s", "unit: found count; a growth is written in percent"),
        ("2011,,x,,speed,,1,count,s", "measure: found speed; write one of level, share"),
        ("2011,,x,maybe,level,,1,count,s", "qualifier: found maybe"),
        ('2011,,x,,level,,"1,87",count,s', "value: found 1,87"),
    ],
)
def test_each_rule_of_a_row(tmp_path, row, said):
    header = "year,months,indicator,qualifier,measure,since,value,unit,source"
    (fault,) = faults_of(write(tmp_path, row, header=header))
    assert fault.startswith(f"figures.csv:2: {said}")


def test_header_faults(tmp_path):
    assert faults_of(write(tmp_path, "2011,x,1,s", header="year,indicator,value,source")) == [
        "figures.csv:1: column unit is missing; found year, indicator, value, source"
    ]
    (fault,) = faults_of(write(tmp_path, "", header=f"{HEADER},sorce"))
    assert "unknown column sorce (did you mean source?)" in fault


def test_a_comma_without_quotes_is_named_with_its_line(tmp_path):
    (fault,) = faults_of(write(tmp_path, "2011,x,,Europe, USA and Japan,1,count,s"))
    assert fault.startswith("figures.csv:2: has 8 fields where 7 are expected")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_read_alike(tmp_path, encoding):
    table = read_table(write(tmp_path, "2011,x,,,1,亿美元,杭州", encoding=encoding))
    assert table.loc[0, ["value", "source"]].tolist() == [100, "杭州"]
    assert ("gb18030" in table.attrs["notes"][0]) == (encoding == "gb18030")


def test_blank_lines_are_skipped_and_years_are_whole(tmp_path):
    table = read_table(write(tmp_path, "2010,x,,,1,count,s", ",,,,,,", "", "2011,x,,,2,count,s"))
    assert table["year"].tolist() == [2010, 2011]
    assert table["line"].tolist() == [2, 5]
    assert table["year"].dtype.kind == "i"


def test_an_exact_copy_is_left_out_and_said_and_another_value_is_a_fault(tmp_path):
    table = read_table(write(tmp_path, "2010,x,,,1,count,s", "2010,x,,,1,count,s", "2011,x,,,2,count,s"))
    assert table["value"].tolist() == [1, 2]
    assert "figures.csv: row 3 repeats row 2 and was left out" in table.attrs["notes"]
    (fault,) = faults_of(write(tmp_path, "2010,x,,,1345,count,s", "2010,x,,,1354,count,s"))
    assert all(text in fault for text in ("figures.csv:3: value: ", "1354", "row 2", "1345"))


def test_a_missing_file_is_one_plain_fault(tmp_path):
    (fault,) = faults_of(tmp_path / "nothing.csv")
    assert str(tmp_path / "nothing.csv") in fault


def test_columns_and_months(tmp_path):
    table = read_table(
        write(
            tmp_path,
            "2008,1-9,x,1,count,s",
            "2008,1 to 12,x,1,count,s",
            header="year,months,indicator,value,unit,source",
        )
    )
    assert [name for name in COLUMNS if name not in table] == []
    assert table["months"].tolist() == ["1 to 9", ""]
    assert table["measure"].tolist() == ["level", "level"]
    assert table["since"].isna().all()


def test_a_suppressed_figure_has_no_value_and_is_not_asked_for(tmp_path):
    head = "year,indicator,flow,category,value,unit,qualifier,source"
    path = tmp_path / "ledger.csv"
    path.write_text(f"{head}\n2011,contracts executed,offshore,USA,,USD million,suppressed,ledger\n", encoding="utf-8")
    table = read_table(path)
    assert (table["qualifier"].tolist(), table["value"].isna().tolist()) == (["suppressed"], [True])
    assert not any("missing" in note for note in table.attrs["notes"])
    path.write_text(f"{head}\n2011,contracts executed,offshore,USA,7,USD million,保密,ledger\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"ledger\.csv:2: value: found 7; leave it blank where .* suppressed"):
        read_table(path)


@pytest.mark.parametrize(
    ("heading", "word", "column", "found"),
    [
        ("market", "USA", "category", "USA"),
        ("Industry / 行业", "software outsourcing", "category", "software outsourcing"),
        ("业务类型", "ITO", "category", "ITO"),
        ("period", "1 to 9", "months", "1 to 9"),
        ("离在岸", "offshore", "flow", "offshore"),
    ],
)
def test_a_heading_that_says_what_a_number_is_of_is_not_left_out(tmp_path, heading, word, column, found):
    path = tmp_path / "figures.csv"
    text = f"year,indicator,{heading},value,unit,source\n2011,contracts executed,{word},500,USD million,a\n"
    path.write_text(text, encoding="utf-8")
    assert read_table(path)[column].tolist() == [found]
