"""One cell of the clean table typed another way: it reads right, or it is refused by row and column; never wrong.

Each text is tried in a CSV, those with one right answer also as text in a workbook. The cells stand apart from part and
whole, so that only the text decides: E24 is 4851 USD million, E11 30.92 percent, E22 663 (count), E25 84700 persons.
"""

import re

import pytest
from messy import (
    ADVICE,
    CLEAN,
    COLUMNS,
    MISSING,
    assert_clean_or_refused,
    assert_is_clean,
    assert_refused,
    edited,
    names_row,
    notes_of,
    place,
    read,
    shows,
    write_csv,
    write_texts,
)

from hzso_analysis.faults import DataError

SPACES = ["\u00a0", "\u2007", "\u2009", "\u202f"]
INVISIBLE = ["4\u200b851", "\u200e4851", "\ufeff4851", "48\u00ad51", "4851\u200d", "4851\u2060"]
# A mark behind the number is dropped or refused. Unicode folding would make 48511 of the first ones.
MARKS = [
    *("¹", "²", "¹²", "¹,²", "⁰", "₁", "①", "⑴", "⒈", "⓵", "➀", "❶", "㊀", "㈠", "ⅰ", "ª", "ᵃ", "₍₁₎", "¹⁾", "†", "‡"),
    *("^1", "<sup>1</sup>", "(1)", "（1）", "[1]", "［1］", "【1】", "〔1〕", "[a]", "(a)", "[注1]", "（注2）", "注1"),
    *(
        "§",
        "¶",
        "#",
        "|",
        "｜",
        "*",
        "**",
        "※",
        " a",
        " a)",
        " 1)",
        " ¹",
        " r",
        "p",
        " (r)",
        " (p)",
        "[1][2]",
        " [1], [2]",
    ),
]

LOADS = {
    "E24": {
        **dict.fromkeys([" 4851 ", "4851.0", "4,851", "4,851.00", "４８５１", "４，８５１", "4，851．00"], 4851),
        **dict.fromkeys([f"4{space}851" for space in SPACES], 4851),
        **dict.fromkeys(["$4851", "US$ 4,851", "USD4851", "＄4,851.00", "\u202d4,851\u202c"], 4851),
        **{"4.851": 4.851, "4．851": 4.851, "0": 0, "0.00": 0, "1,234,567.5": 1234567.5},
        **dict.fromkeys(["-", "－", "–", "—", "——", "−", "…", "..", "n/a", "N/A", "NA", "", "  ", "\u3000"], MISSING),
    },
    "E11": {
        **dict.fromkeys(["30.92%", "30.92％", "30.92 %", "３０．９２％", " 30.92 "], 30.92),
        **dict.fromkeys(["-5.2", "−5.2", "－5.2", "(5.2)", "-5.2%", "－５．２％"], -5.2),
        **{"-0.6": -0.6, "0.6": 0.6, "0%": 0},
    },
    "E25": {"84,700": 84700, "84\u00a0700": 84700, "８４，７００": 84700},
    "A6": dict.fromkeys(["2011.0", "2011年", " 2011 ", "２０１１", "２０１１年", '"2011"', "\u30002011"], 2011),
    "B24": {text: text for text in ["NA", "nan", "null", "TRUE"]},
    "C24": {"": "", "onshore": "onshore"},
    "D8": {
        **{text: text for text in ["NA", "N/A", "None", "null", "NULL", "nan", "NaN", "n/a", "<NA>", "TRUE", "inf"]},
        **{text: text for text in ["=1+1", "+1", "@SUM(A1)", "1e5", "007", "1.0", 'so-called "new"', "a;b", "O'Brien"]},
        **{text: text for text in ["KPO1", "Web 2.0", "10 to 30", "R&D (software)"]},
        **dict.fromkeys([f"financial{space}services" for space in ["\u00a0", "\u3000", "  "]], "financial services"),
    },
    "G8": {text: text for text in ["NA", "nan", "None", "杭州，2011；一（1）", "2011"]},
}

LOADS_OR_REFUSED = {
    "E24": {
        **dict.fromkeys([f"4851{mark}" for mark in MARKS], 4851),
        **dict.fromkeys(["*4851", "#4851", "¹4851", "①4851", "†4851", "(1) 4851", "1) 4851"], 4851),
        **dict.fromkeys(["4,851¹", "4,851.00†", "４８５１①", "4.851×10³", "4.851*10^3", "[4851]"], 4851),
        **{"(4851)": -4851, "4851 thousand": 4.851, "4851k": 4.851, "4.851 billion": 4851, "4851百万": 4851},
        **dict.fromkeys(INVISIBLE, 4851),
        **dict.fromkeys(["4851.", "+4851", "4 851", "4'851", "4’851", "4, 851", "4\u3000851", "04851"], 4851),
        **dict.fromkeys(["4.851e3", '"4851"', "'4851", "4851.00000000000000000000001", "٤٨٥١", "𝟒𝟖𝟓𝟏"], 4851),
        **dict.fromkeys(["$4,851", "USD 4851", "4851 USD million", "48.51亿", "48.51亿美元", "485100万美元"], 4851),
        **{"1e3": 1000, "-0": 0, "(1)": -1, "4851½": 4851.5, "9" * 26: 1e26, "四千八百五十一": 4851},
        **dict.fromkeys(["……", "...", "--", "---", "n.a.", "null", "None", "nan", "#N/A", "无", "不详"], MISSING),
        **dict.fromkeys([".", "·", "*", "?", ":", "空", "/", "x", "(-)", "- -", "保密", "²", "①"], MISSING),
    },
    "E11": {
        **dict.fromkeys(["（5.2）", "–5.2", "—5.2", "‐5.2", "﹣5.2", "- 5.2", "(5.2%)", "(5.2)%"], -5.2),
        **dict.fromkeys(["30.92﹪", "30.92٪", "30.92 percent", "30.92¹", "30.92%¹", "30.92 a)", "30.92*"], 30.92),
        **dict.fromkeys(
            ["△5.2", "▲5.2", "▼5.2", "↓5.2", "下降5.2", "负5.2", "减少5.2%", "minus 5.2", "down 5.2", "5.2-"], -5.2
        ),
        **{"30.92‰": 3.092, "100.00%": 100, "1.5倍": 150, "+30.92%": 30.92, "增长30.92%": 30.92, "增30.92": 30.92},
    },
    "E22": {**dict.fromkeys(["663家", "663项", "663 次"], 663), "663.5": 663.5, "-5": -5},
    "E25": dict.fromkeys(["8.47万", "84.7千", "84700人", "8.47万人", "84.7 thousand"], 84700),
    "A6": {
        **dict.fromkeys(["2011¹", "2011①", "2011*", "2011(1)", "2011 r", "2011年度", "2011 年", "FY2011"], 2011),
        **dict.fromkeys(["2,011", "'2011", "2011.00", "20\u200b11", "二〇一一年", "2011年1-12月"], 2011),
        **dict.fromkeys(["2011₁", "2011⒈", "①2011", "2011e", "民国100年", "year 2011"], 2011),
        **{"1899": 1899, "9999": 9999},
    },
    "C8": dict.fromkeys(["Offshore", "离岸", "OFFSHORE", "offshore¹", "ｏｆｆｓｈｏｒｅ"], "offshore"),
    "D8": {
        **{text: text for text in ["-", "…", "#N/A", "10-30"]},
        **dict.fromkeys(["financial \u200bservices", "financial\u00ad services"], "financial services"),
    },
    "G8": {text: text for text in ["表1²", "2011-10-30", "=HYPERLINK(1)"]},
}

REFUSED = {
    "E24": [
        *("4,85", "4,8512", "48,51", ",851", "4,,851", "4,851,", "4,851,00", "12,34,567", "1,2345", "3,13,2", "1,87"),
        *("4.851,00", "4851,00", "4851,5", "1.872.000", "1.2.3", "4 85 1", "48 51", "4851 4852", "4\u00a085", "4，85"),
        *("++5", "--5", "0x10", "1_000", "inf", "-inf", "Infinity", "1e400", "∞", "Ⅻ", "4⁸51", "48511)"),
        *("4851%", "4851％", "%", "¥4851", "€4851", "4851元", "4851 CNY million", "4851㎡", "4851 m²", "USD", "4851 1"),
        *("4800-4900", "4800～4900", "4800 to 4900", "4851/2", "1/2", "4:30", "4851 or 4852", "485l", "485O", "four"),
        *("TRUE", "2011-01-01", "9-Jan", "1月9日", "=1+1", "=E2", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "see note"),
        *("########", "##", "€ 4851", "HK$4851", "$"),
    ],
    "E11": [
        *("30,92", "30.92%%", "30.92 percentage points", "30.92个百分点", "30.92 pp", "30.92 bps", "30.92 USD"),
        *("30.92-31.5", "(5.2", "5.2)%(", "翻一番"),
    ],
    "E22": ["6,63", "663%", "663 USD", "66 3"],
    "E25": ["84,70", "8.47亿美元", "84700%", "84.700,0"],
    "A6": [
        *("20l1", "2O11", "2011/12", "11", "'11", "2011.5", "2011-12", "2011-2012", "2007-2011", "2011 2012", "2011,5"),
        *("", "-", "…", "n/a", "NA", "20111", "201", "0", "-2011", "TRUE", "0011", "inf", "2011%", "2011.9", "Jan-11"),
        *("2011-01-01", "01/01/2011", "2011年1-9月", "2011年9月", "2011Q3", "2011 Q3", "2011H1", "2011上半年"),
    ],
    "B8": ["", "   ", "\u3000"],
    "D18": ["30-Oct", "Oct-30", "24-May", "10月30日", "2011-10-30", "2011/10/30", "2011-10-30 00:00:00", "30/10/2011"],
    "G8": ["", "\u3000"],
}
ASKED = {"A": "four-digit year", "D": "words"}  # what the message must tell the user to write, by column


def cases(table: dict) -> list:
    """One case for each cell and text, named so that it can be picked with -k."""
    return [pytest.param(cell, text, id=f"{cell}-{text!a}") for cell, texts in table.items() for text in texts]


@pytest.mark.parametrize(("cell", "text"), cases(LOADS))
def test_reads_right(tmp_path, cell, text):
    assert_is_clean(read(write_csv(tmp_path, edited({cell: text}))), {cell: LOADS[cell][text]})


@pytest.mark.parametrize(("cell", "text"), cases(LOADS_OR_REFUSED))
def test_reads_right_or_is_refused(tmp_path, cell, text):
    row, column = place(cell)
    path = write_csv(tmp_path, edited({cell: text}))
    assert_clean_or_refused(path, {cell: LOADS_OR_REFUSED[cell][text]}, rows=(row + 1,), said=(COLUMNS[column],))


@pytest.mark.parametrize(("cell", "text"), cases(REFUSED))
def test_is_refused(tmp_path, cell, text):
    row, column = place(cell)
    path = write_csv(tmp_path, edited({cell: text}))
    outcome = read(path)
    assert_refused(outcome, path, rows=(row + 1,), said=(COLUMNS[column], ASKED.get(cell[0], ADVICE)))
    assert shows(str(outcome), text)
    assert len(outcome.faults) == 1


def in_one_table(cell: str, contents: list) -> list[list]:
    """The row of this cell once for each content, as figures of their own, under the header."""
    row, column = place(cell)
    rows = [list(CLEAN[row]) for _ in contents]
    for i, content in enumerate(contents):
        rows[i][1 if cell[0] == "D" else 3] = f"k{i}"
        rows[i][column] = content
    return [COLUMNS, *rows]


@pytest.mark.parametrize("cell", LOADS)
def test_all_texts_read_right_in_one_workbook(tmp_path, cell):
    table = read(write_texts(tmp_path, in_one_table(cell, list(LOADS[cell]))))
    assert_is_clean(table, rows=in_one_table(cell, list(LOADS[cell].values())))


@pytest.mark.parametrize("cell", REFUSED)
def test_all_texts_are_refused_at_once_in_one_workbook(tmp_path, cell):
    path = write_texts(tmp_path, in_one_table(cell, REFUSED[cell]))
    outcome = read(path)
    assert_refused(outcome, path, rows=tuple(range(2, len(REFUSED[cell]) + 2)), said=(COLUMNS[place(cell)[1]],))
    assert len(outcome.faults) == len(REFUSED[cell])


@pytest.mark.parametrize("mark", ["¹", "①", "₁", "†", "[1]"])
def test_a_mark_on_a_text_is_never_folded_into_it(tmp_path, mark):
    path = write_csv(tmp_path, edited({"D8": f"KPO{mark}"}))
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, rows=(8,), said=("category",))
    else:
        assert outcome["category"].iloc[6] == f"KPO{mark}" or names_row(notes_of(outcome), 8)
        assert outcome["category"].iloc[6] in (f"KPO{mark}", "KPO")


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_that_was_dropped_stands_in_the_report(tmp_path, mark):
    table = read(write_csv(tmp_path, edited({"E24": f"4851{mark}"})))
    if not isinstance(table, DataError):
        report = notes_of(table)
        assert names_row(report, 24) and set(mark) - set(", ") <= set(report + table["note"].iloc[22])


def test_a_mark_of_a_break_says_where_a_break_is_written_down(tmp_path):
    table = read(write_csv(tmp_path, edited({"E23": "#4851", "E24": "4851|"})))
    (note,) = [note for note in table.attrs["notes"] if "breaks.csv" in note]
    assert names_row(note, 24) and table["note"].iloc[22] == "marked |"


@pytest.mark.parametrize("mark", ["-", "－", "—", "…", "..", "n/a", ""])
def test_each_missing_mark_stands_in_the_report_with_its_row(tmp_path, mark):
    table = read(write_csv(tmp_path, edited({"E9": "…", "E14": mark, "E22": "n/a"})))
    assert_is_clean(table, {"E9": MISSING, "E14": MISSING, "E22": MISSING})
    notes = table.attrs["notes"]
    assert [
        note
        for note in notes
        if names_row(note, 14) and (shows(note, mark) if mark else re.search("blank|empty", note))
    ]
    assert [note for note in notes if names_row(note, 9) and "…" in note and re.search("smallest|below", note)]


QUALIFIED = {
    "over": [">4851", "≥4851", "4851以上", "超过4851", "至少4851", "4851多", "4851余", "over 4851", "more than 4851"],
    "under": ["<4851", "不足4851", "under 4851", "4851以下", "less than 4851", "近4851"],
    "about": ["约4851", "about 4851", "~4851", "≈4851", "4851左右", "c. 4851", "约 4,851", "大约4851", "±4851"],
}
QUALIFIED_TEXTS = [(qualifier, text) for qualifier, texts in QUALIFIED.items() for text in texts]


@pytest.mark.parametrize(("qualifier", "text"), QUALIFIED_TEXTS)
def test_a_word_that_qualifies_is_kept_or_refused(tmp_path, qualifier, text):
    path = write_csv(tmp_path, edited({"E24": text}))
    assert_clean_or_refused(path, {"E24": 4851}, rows=(24,), said=("value",))
    outcome = read(path)
    if not isinstance(outcome, DataError):
        near = {"近4851": ("under", "about")}.get(text, (qualifier,))
        assert outcome["qualifier"].iloc[22] in near


# value typed, unit typed, the cells they stand in, value and unit that must come back
UNITS = [
    ("4.851", "USD billion", 4851, "USD million"),
    ("48.51", "亿美元", 4851, "USD million"),
    ("485100", "万美元", 4851, "USD million"),
    ("4851", " USD million ", 4851, "USD million"),
    ("4851", "USD  million", 4851, "USD million"),
    ("4851", "USD\u00a0million", 4851, "USD million"),
    ("4851", "USD\u3000million", 4851, "USD million"),
    ("4851", "ＵＳＤ million", 4851, "USD million"),
    ("48.51", " 亿美元　", 4851, "USD million"),
    ("48.51", "亿元", 4851, "CNY million"),
    ("485,100", "万元", 4851, "CNY million"),
    ("4.851", "CNY billion", 4851, "CNY million"),
    ("4,851", "CNY million", 4851, "CNY million"),
]
UNITS_OR_REFUSED = [
    *(("4851", unit, 4851, "USD million") for unit in ["usd million", "USD Million", "million USD", "USD mn", "USD m"]),
    *(("4851", unit, 4851, "USD million") for unit in ["US$ million", "US$m", "百万美元", "$ million", "mln USD"]),
    *(("4.851", unit, 4851, "USD million") for unit in ["USD bn", "十亿美元", "10亿美元", "billion USD"]),
    *(
        ("48.51", unit, 4851, "USD million")
        for unit in ["亿美元(现价)", "亿美元（现价）", "亿 美元", "億美元", "亿美元¹"]
    ),
    *(("48.51", unit, 4851, "USD million") for unit in ["单位：亿美元", "USD 100 million", "亿\u200b美元"]),
    *(("4851000", unit, 4851, "USD million") for unit in ["千美元", "USD thousand", "thousand USD"]),
    *(("4851000000", unit, 4851, "USD million") for unit in ["美元", "USD"]),
    *(("48.51", unit, 4851, "CNY million") for unit in ["亿元人民币", "人民币亿元", "亿人民币"]),
    ("48.51亿美元", "", 4851, "USD million"),
    *(("663", unit, 663, "count") for unit in ["家", "个", "项", "Count", "次"]),
    *(("84700", unit, 84700, "person") for unit in ["人", "persons", "people", "人次", "Person"]),
    *(("8.47", unit, 84700, "person") for unit in ["万人", "万人次"]),
    *(("30.92", unit, 30.92, "percent") for unit in ["%", "％", "per cent", "Percent", "pct"]),
    ("30.92%", "", 30.92, "percent"),
]
NO_UNITS = [
    *(
        "",
        "  ",
        "million",
        "百万",
        "亿",
        "万",
        "RMB million",
        "EUR million",
        "亿欧元",
        "HKD million",
        "亿港元",
        "亿日元",
    ),
    *("HK$ million", "AUD million", "USD million/CNY million", "USD milion", "亿美元 or 万美元", "dollars?", "元/人"),
    *("USD million (2005 prices)", "亿美元(不变价)", "百分点", "percentage points", "pp", "percent of GDP"),
    *("-", "n/a", "…", "NA", "2011", "4851", "1000", "=F2", "#REF!"),
]


def edits_of(value: str, unit: str, normal: str) -> tuple[str, dict]:
    row = {"count": "22", "person": "25", "percent": "11"}.get(normal, "24")
    return row, {f"E{row}": value, f"F{row}": unit}


@pytest.mark.parametrize(("value", "unit", "expected", "normal"), UNITS)
def test_unit_is_converted_to_the_normal_one(tmp_path, value, unit, expected, normal):
    row, edits = edits_of(value, unit, normal)
    table = read(write_csv(tmp_path, edited(edits)))
    assert_is_clean(table, {f"E{row}": expected, f"F{row}": normal})
    assert shows(notes_of(table), unit) or float(value.replace(",", "")) == expected, "the conversion is reported"


@pytest.mark.parametrize(("value", "unit", "expected", "normal"), UNITS_OR_REFUSED)
def test_unit_is_understood_or_refused(tmp_path, value, unit, expected, normal):
    row, edits = edits_of(value, unit, normal)
    path = write_csv(tmp_path, edited(edits))
    assert_clean_or_refused(path, {f"E{row}": expected, f"F{row}": normal}, rows=(int(row),), said=("unit",))


@pytest.mark.parametrize("unit", NO_UNITS)
def test_no_unit_is_guessed(tmp_path, unit):
    path = write_csv(tmp_path, edited({"F4": unit, "F8": unit}))
    outcome = read(path)
    assert_refused(outcome, path, rows=(4, 8), said=("unit", "USD million", "亿美元", "percent", "person"))
    assert shows(str(outcome), unit)


MONTHS = {**dict.fromkeys(["1 to 9", "1-9", "１ to ９", " 1 to 9 "], "1 to 9"), **{"": "", "3-3": "3 to 3"}}
MONTHS_OR_REFUSED = dict.fromkeys(
    ["1–9", "1—9", "1－9", "1～9", "1~9", "1至9", "1-9月", "1到9月", "01-09", "1 TO 9"], "1 to 9"
)
NO_MONTHS = [
    *(
        "9-Jan",
        "Jan-09",
        "1-Sep",
        "1月9日",
        "2011-01-09",
        "2011/1/9",
        "Jan",
        "1 to 13",
        "9 to 1",
        "0 to 9",
        "1.9",
        "1/9",
    ),
    *("1 to", "to 9", "half", "-", "NA", "1 to 9 to 12", "2011-01-09 00:00:00", "40552"),
]


def with_months(text: str) -> list[list[str]]:
    return [["months", *edited({})[0]], *([text if i == 24 else "", *row] for i, row in enumerate(edited({})[1:], 2))]


@pytest.mark.parametrize(("text", "expected"), MONTHS.items())
def test_months_read_right(tmp_path, text, expected):
    table = read(write_csv(tmp_path, with_months(text)))
    assert_is_clean(table)
    assert table["months"].tolist() == ["" if row != 24 else expected for row in range(2, 26)]


@pytest.mark.parametrize(("text", "expected"), MONTHS_OR_REFUSED.items())
def test_months_read_right_or_are_refused(tmp_path, text, expected):
    path = write_csv(tmp_path, with_months(text))
    assert_clean_or_refused(path, rows=(24,), said=("months",))
    outcome = read(path)
    assert isinstance(outcome, DataError) or outcome["months"].iloc[22] == expected


@pytest.mark.parametrize("text", NO_MONTHS)
def test_months_that_became_a_date_are_refused(tmp_path, text):
    path = write_csv(tmp_path, with_months(text))
    outcome = read(path)
    assert_refused(outcome, path, rows=(24,), said=("months", "1 to 9"))
    assert shows(str(outcome), text)
