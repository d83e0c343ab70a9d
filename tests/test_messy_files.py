"""CSV files that are messy as a whole: bytes, lines, header, notes, duplicates and contradictions."""

import csv
import io

import pytest
from messy import (
    CLEAN,
    COLUMNS,
    assert_clean_or_refused,
    assert_is_clean,
    assert_refused,
    csv_text,
    edited,
    names_row,
    notes_of,
    read,
    write_csv,
)

from hzso_analysis.faults import DataError

SIMPLE = "杭州服务外包概况2011 一(1)，执行额、合同额与培训人数"
TRADITIONAL = "杭州服務外包概況2011 一(1)，執行額、合同額與培訓人數"
GBK_LINE = "2011,contracts executed,offshore,ITO,1345,USD million,杭州服务外包概况2011 一(2)"


def cited(source: str, codec: str, *, sep: str = ",", bom: bytes = b"", end: str = "\n") -> bytes:
    """The clean table, all of it from one source, in this encoding."""
    return bom + csv_text(from_source(source), sep=sep, end=end).encode(codec)


def from_source(source: str) -> list[list[str]]:
    return [COLUMNS, *([*row[:-1], source] for row in CLEAN[1:])]


# source text, bytes, what the load report must call the encoding
ENCODED = {
    "utf-8": (SIMPLE, cited(SIMPLE, "utf-8"), ""),
    "utf-8 with BOM and CRLF": (SIMPLE, cited(SIMPLE, "utf-8-sig", end="\r\n"), ""),
    "gb18030": (SIMPLE, cited(SIMPLE, "gb18030"), "gb18030"),
    "gbk CRLF": (SIMPLE, cited(SIMPLE, "gbk", end="\r\n"), "gb18030"),
    "gb2312": ("杭州", cited("杭州", "gb2312"), "gb18030"),
    "gb18030 of four bytes": (f"{SIMPLE}㐂𠮷", cited(f"{SIMPLE}㐂𠮷", "gb18030"), "gb18030"),
    "gb18030 whose only sign is a minus of four bytes": ("p. −1", cited("p. −1", "gb18030"), "gb18030"),
    "Excel Unicode text": (SIMPLE, cited(SIMPLE, "utf-16-le", bom=b"\xff\xfe", sep="\t", end="\r\n"), "utf-16"),
    "utf-16 little endian, commas": (SIMPLE, cited(SIMPLE, "utf-16-le", bom=b"\xff\xfe"), "utf-16"),
    "utf-16 big endian, tabs": (SIMPLE, cited(SIMPLE, "utf-16-be", bom=b"\xfe\xff", sep="\t"), "utf-16"),
    "ascii": ("bulletin", cited("bulletin", "ascii"), ""),
}
ENCODED_OR_REFUSED = {
    "utf-16 without BOM": (SIMPLE, cited(SIMPLE, "utf-16-le"), ""),
    "utf-16 big endian without BOM": (SIMPLE, cited(SIMPLE, "utf-16-be"), ""),
    "utf-32": (SIMPLE, cited(SIMPLE, "utf-32"), ""),
    "gb18030 with its own BOM": (SIMPLE, cited(f"{SIMPLE}", "gb18030", bom=b"\x84\x31\x95\x33"), "gb18030"),
    "big5": (TRADITIONAL, cited(TRADITIONAL, "big5"), "big5"),
    "big5 of two letters": ("臺北", cited("臺北", "big5"), "big5"),
    "big5 hkscs": (f"{TRADITIONAL}嘅", cited(f"{TRADITIONAL}嘅", "big5hkscs"), "big5"),
    "shift-jis": ("杭州サービスの概況", cited("杭州サービスの概況", "shift-jis"), ""),
    "latin-1": ("Büro für Statistik, São Paulo", cited("Büro für Statistik, São Paulo", "latin-1"), ""),
    "cp1252": ("Overview – “2011” café", cited("Overview – “2011” café", "cp1252"), ""),
    "BOM twice": (SIMPLE, b"\xef\xbb\xbf" + cited(SIMPLE, "utf-8-sig"), ""),
}


@pytest.mark.parametrize(("source", "content", "said"), ENCODED.values(), ids=ENCODED)
def test_encoding_is_told_and_reported(tmp_path, source, content, said):
    table = read(write_csv(tmp_path, content))
    assert_is_clean(table, rows=from_source(source))
    assert said in notes_of(table).lower()


@pytest.mark.parametrize(("source", "content", "said"), ENCODED_OR_REFUSED.values(), ids=ENCODED_OR_REFUSED)
def test_encoding_is_told_or_refused_and_never_garbled(tmp_path, source, content, said):
    path = write_csv(tmp_path, content)
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, said=("UTF-8|utf-8",))
    else:
        assert_is_clean(outcome, rows=from_source(source))
        assert said in notes_of(outcome).lower()


BROKEN_BYTES = {
    "one byte lost inside a letter": csv_text(CLEAN).encode().replace("杭".encode(), "杭".encode()[:2], 1),
    "cut in the middle of a letter": csv_text(CLEAN).encode()[:-6],
    "one line of another encoding": csv_text(CLEAN).encode().replace(GBK_LINE.encode(), GBK_LINE.encode("gbk")),
    "BOM of utf-8, body of gbk": b"\xef\xbb\xbf" + csv_text(CLEAN).encode("gbk"),
    "utf-16 of odd length": cited(SIMPLE, "utf-16-le", bom=b"\xff\xfe")[:-1],
}


@pytest.mark.parametrize("content", BROKEN_BYTES.values(), ids=BROKEN_BYTES)
def test_broken_bytes_are_refused(tmp_path, content):
    path = write_csv(tmp_path, content)
    assert_refused(read(path), path, said=("UTF-8|utf-8",))


LINES = csv_text(CLEAN).splitlines()
TITLES = ["杭州服务外包概况,,,,,,", "单位：亿美元,,,,,,", ",,,,,,"]
NOTES = ["注：[1] 不含在岸。", "Note: * preliminary.", "数据来源：杭州市商务委员会"]


def layout(*, head: list[str] = LINES[:1], before: list = (), after: list = (), at: int = 25, sep: str = "\n") -> str:
    """The clean file with lines before the header and lines put in after line `at`."""
    body = [*before, *head, *LINES[1:at], *after, *LINES[at:]]
    return sep.join([*body, ""])


def swapped(sep: str, end: str = "\n") -> str:
    return csv_text(CLEAN, sep=sep, end=end)


def redone(change, *, first: int = 1) -> str:
    """Every line from line `first` on after `change`."""
    return "\n".join([*LINES[: first - 1], *map(change, LINES[first - 1 :]), ""])


LAYOUTS = {
    "CRLF": swapped(",", "\r\n"),
    "CR alone": swapped(",", "\r"),
    "line ends of three kinds": redone(str).replace("\n", "\r\n", 9).replace("\r\n", "\r", 3),
    "no line end at the end": swapped(",").rstrip("\n"),
    "semicolons": swapped(";"),
    "tabs": swapped("\t"),
    "every field in quotes": "\n".join(",".join(f'"{cell}"' for cell in row) for row in CLEAN),
    "spaces after commas in the header": LINES[0].replace(",", ", ") + "\n" + "\n".join(LINES[1:]),
    "blank lines, lines of commas, lines of spaces": layout(after=["", ",,,,,,", "   ", "　, ,,\u00a0,,,"], at=9),
    "blank lines at both ends": layout(before=["", ""], after=["", "", ""]),
    "header with BOM inside quotes": "\ufeff" + "\n".join(['"year"' + LINES[0][4:], *LINES[1:]]),
    "header in capitals, full width, spaced": layout(head=[" Year ,INDICATOR,Flow,category　,ｖａｌｕｅ,Unit,Source"]),
    "header in Chinese": layout(head=["年份,指标,流向,类别,数值,单位,来源"]),
    "header in both": layout(head=["年份,indicator,流向,category,数值,unit,来源"]),
}
LAYOUTS_OR_REFUSED = {  # text, the rows named in the error or, when left out, with the words in the load report
    "pipes": (swapped("|"), ()),
    "full-width commas": (redone(lambda line: line.replace(",", "，")), ()),
    "sep= line of Excel": ("sep=;\n" + swapped(";"), ()),
    "trailing commas on all lines": (redone(lambda line: f"{line},,,"), ()),
    "trailing commas under the header": (redone(lambda line: f"{line},", first=2), ()),
    "spaces after all commas": (redone(lambda line: line.replace(",", ", ").replace(' "', '"')), ()),
    "semicolons and decimal commas": (swapped(";").replace(".", ","), (11, 12, 13, 16)),
    "titles above the header": (layout(before=TITLES), ("杭州服务外包概况", "单位：亿美元")),
    "one cell of title above the header": (layout(before=["杭州服务外包概况", ""]), ("杭州服务外包概况",)),
    "notes below": (layout(after=NOTES), (26, 27, 28)),
    "notes below, after a blank line, with commas": (layout(after=["", "注：不含在岸, 且, 包括"]), (27,)),
    "note below in the second field": (layout(after=[",注：不含在岸,,,,,"]), (26,)),
    "section heading in the middle": (layout(after=["二、离岸,,,,,,"], at=3), (4,)),
    "header again in the middle": (layout(after=LINES[:1], at=12), (13,)),
    "second header in Chinese": (layout(after=["年份,指标,流向,类别,数值,单位,来源"], at=1), (2,)),
    "extra column": (redone(lambda line: f"{line},remark"), ()),
    "extra column that is blank and has no name": (redone(lambda line: f",{line}"), ()),
    "two columns that are one by name": (redone(lambda line: f"{line},{line.split(',')[-1]}"), ()),
    "NUL bytes at the end": (layout() + "\0" * 16, ()),
    "NUL byte in a value": (layout().replace("1872", "18\x0072"), ()),
    "unit in the header": (layout(head=[LINES[0].replace("value", "value (see unit)")]), ()),
    "control character of old systems at the end": (layout() + "\x1a", ()),
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_layout_reads_right(tmp_path, text):
    assert_is_clean(read(write_csv(tmp_path, text)))


@pytest.mark.parametrize(("text", "told"), LAYOUTS_OR_REFUSED.values(), ids=LAYOUTS_OR_REFUSED)
def test_layout_reads_right_or_is_refused(tmp_path, text, told):
    assert_clean_or_refused(
        write_csv(tmp_path, text), rows=tuple(part for part in told if isinstance(part, int)), told=told
    )


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\n", "\r\n", "\r"])
def test_a_line_sign_inside_quotes_does_not_part_the_row(tmp_path, sign):
    path = write_csv(tmp_path, redone(str).replace("杭州服务外包概况2011 一(3)", f'"杭州服务外包概况2011{sign}一(3)"'))
    assert_clean_or_refused(path, rows=(7, 13))


# Rows are counted as seen in an editor: name, file with a bad year in the row given, that row
SHIFTED = {
    "blank lines": (layout(after=["", ",,,,,,", "20l1,x,all,total,1,count,s"], at=9), 12),
    "titles": (layout(before=["杭州服务外包概况", ""], after=["20l1,x,all,total,1,count,s"]), 28),
    "quoted newline": (layout(after=['2011,x,all,total,1,count,"s\n\nt"', "20l1,y,all,total,1,count,s"], at=4), 8),
    "row that has the newline itself": (layout(after=['20l1,x,all,total,1,count,"s\nt"'], at=4), 5),
    "CR alone": (layout(after=["20l1,x,all,total,1,count,s"], at=9, sep="\r"), 10),
    "CRLF": (layout(after=["20l1,x,all,total,1,count,s"], at=9, sep="\r\n"), 10),
    "line separator": (layout(after=["2011,x,all,total,1,count,s\u2028t", "20l1,y,all,total,1,count,s"], at=9), 11),
}


@pytest.mark.parametrize(("text", "row"), SHIFTED.values(), ids=SHIFTED)
def test_rows_are_counted_as_seen(tmp_path, text, row):
    path = write_csv(tmp_path, text)
    outcome = read(path)
    assert isinstance(outcome, DataError)
    assert [fault for fault in outcome.faults if "20l1" in fault and names_row(fault, row)]


DOUBLED = [*COLUMNS, "value"], [*COLUMNS, "数值"]
NO_UNIT = [row[:5] + row[6:] for row in CLEAN]


def torn(row: int, opens: str, until: int = 0, closes: str = "") -> str:
    """A file in which a quote opens before one word and closes only after a word some rows below, or never."""
    lines = [line.replace('"', "") if row <= i <= (until or 25) else line for i, line in enumerate(LINES, 1)]
    lines[row - 1] = lines[row - 1].replace(opens, f'"{opens}', 1)
    lines[until - 1] = lines[until - 1].replace(closes, f'{closes}"', 1) if until else lines[-1]
    return "\n".join([*lines, ""])


WRONG = {  # text, rows, words
    "unquoted comma": (redone(lambda line: line.replace('"', "")), (10, 16), ("double quotes", "8", "7")),
    "thousands comma without quotes": (layout().replace("19700", "19,700"), (23,), ("8", "7")),
    "fields missing in the middle": (layout(after=["2011,x,offshore,ITO,1345"], at=9), (10,), ("5", "7")),
    "last line cut": (layout()[:-60].rstrip(","), (25,), ()),
    "last two lines with semicolons": (redone(lambda line: line.replace(",", ";"), first=24), (24, 25), ()),
    "last two lines with tabs": (redone(lambda line: line.replace(",", "\t"), first=24), (24, 25), ()),
    "last line in quotes as a whole": (redone(lambda line: f'"{line}"', first=25), (25,), ()),
    "a line in quotes as a whole": (layout(after=[f'"{LINES[1]}"'], at=9), (10,), ()),
    "points for thousands, commas for decimals": (swapped(";").replace(".", ",").replace("3132", "3.132"), (11,), ()),
    "year alone": (layout(after=["2012,,,,,,"]), (26,), ("indicator", "unit", "source")),
    "no year": (layout(after=[",x,all,total,5,count,s"]), (26,), ("year",)),
    "value alone": (layout(after=[",,,,1345,,"], at=4), (5,), ("year",)),
    "all but the unit": (layout(after=["2012,x,all,total,5,,s"]), (26,), ("unit",)),
    "quote never closed": (torn(10, "Europe"), (10,), ()),
    "quote closed six rows on": (torn(10, "Europe", 16, "Japan"), (10,), ()),
    "quote of a category that swallows rows": (torn(6, "ITO", 9, "R&D"), (6,), ()),
    "quote of a source that swallows rows": (torn(6, "杭州", 8, "一(4)"), (6,), ()),
    "no header": ("\n".join(LINES[1:]), (), tuple(COLUMNS)),
    "header of others": (layout(head=["a,b,c,d,e,f,g"]), (), tuple(COLUMNS)),
    "one column missing": (csv_text(NO_UNIT), (), ("unit",)),
    "three columns missing": (csv_text([row[:4] for row in CLEAN]), (), ("value", "unit", "source")),
    "a column twice": (csv_text([[*row, row[4]] for row in CLEAN]), (), ("value",)),
    "a column twice, not alike": (csv_text([DOUBLED[0], *([*row, "1"] for row in CLEAN[1:])]), (), ("value",)),
    "a column twice in two languages": (csv_text([DOUBLED[1], *([*row, "1"] for row in CLEAN[1:])]), (), ("value",)),
    "a column misspelt": (layout(head=[LINES[0].replace("source", "sorce")]), (), ("source", "sorce")),
    "a column without a name": (layout(head=[LINES[0].replace("unit", "")]), (), ("unit",)),
    "unit only in the header": (csv_text(NO_UNIT).replace("value", "value(亿美元)", 1), (), ("unit",)),
    "nothing": ("", (), ()),
    "spaces only": (" \n\n", (), ()),
    "BOM only": ("\ufeff", (), ()),
    "commas only": (",,,,,,\n,,,,,,\n", (), ()),
    "a page": ("<html><body><table><tr><td>2011</td></tr></table></body></html>", (), ()),
    "a record": ('{"year": 2011, "value": 1872}', (), ()),
}


@pytest.mark.parametrize(("text", "rows", "said"), WRONG.values(), ids=WRONG)
def test_wrong_layout_is_refused(tmp_path, text, rows, said):
    path = write_csv(tmp_path, text)
    assert_refused(read(path), path, rows=rows, said=said)


def test_header_only_is_no_table_of_zeros(tmp_path):
    path = write_csv(tmp_path, csv_text(CLEAN[:1]))
    outcome = read(path)
    assert path.name in str(outcome) if isinstance(outcome, DataError) else len(outcome) == 0


def test_all_faults_of_all_kinds_come_at_once(tmp_path):
    table = edited({"A3": "11", "B6": "", "E8": "1,87", "F12": "百万", "D18": "30-Oct", "G20": "", "E23": "~"})
    text = csv_text([*table, ["2011", "x", "all", "a", " b", "1", "count", "s"]]).replace(" b,", "b,")
    path = write_csv(tmp_path, text)
    said = ("year", "indicator", "value", "unit", "category", "source", "double quotes")
    assert_refused(read(path), path, rows=(3, 6, 8, 12, 18, 20, 26), said=said)


NOT_TABLES = {
    "gone.csv": None,
    "gone.xlsx": None,
    "empty.csv": b"",
    "empty.xlsx": b"",
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "locked.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "old.csv": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "cut.xlsx": b"PK\x03\x04" + bytes(100),
    "picture.csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "report.pdf": b"%PDF-1.7\n",
    "figures.parquet": b"PAR1" + bytes(64),
    "杭州 2011.csv": b"a,b\n1,2\n",
}


@pytest.mark.parametrize("name", NOT_TABLES)
def test_what_is_no_table_is_refused_by_name(tmp_path, name):
    path = tmp_path / name
    if NOT_TABLES[name] is not None:
        path.write_bytes(NOT_TABLES[name])
    assert_refused(read(path), path)


@pytest.mark.parametrize("name", ["folder.csv", "folder.xlsx", "folder"])
def test_a_folder_is_refused_by_name(tmp_path, name):
    (tmp_path / name).mkdir()
    assert_refused(read(tmp_path / name), tmp_path / name)


@pytest.mark.parametrize("name", ["MESSY.CSV", "杭州 服务外包.csv", "a.b.csv"])
def test_any_name_of_a_csv_will_do(tmp_path, name):
    assert_is_clean(read(write_csv(tmp_path, CLEAN, name=name)))


@pytest.mark.parametrize("name", ["messy.txt", "messy.tsv", "messy", "messy.xlsx"])
def test_a_table_under_another_name_reads_right_or_is_refused(tmp_path, name):
    assert_clean_or_refused(write_csv(tmp_path, csv_text(CLEAN, sep="\t"), name=name))


def test_a_path_may_be_text_and_reading_changes_nothing(tmp_path):
    path = write_csv(tmp_path, CLEAN)
    before = path.read_bytes()
    first, second = read(str(path)), read(str(path))
    assert_is_clean(first)
    assert first.equals(second) and first.attrs == second.attrs
    assert path.read_bytes() == before and str(tmp_path) not in notes_of(first)


def test_what_we_write_can_be_read_again(tmp_path):
    """Edited in Excel and fed back: a table written with BOM gives the same table."""
    first = read(write_csv(tmp_path, CLEAN))
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, *first[COLUMNS].astype(str).to_numpy().tolist()])
    assert_is_clean(read(write_csv(tmp_path, ("\ufeff" + text.getvalue()).encode(), name="again.csv")))
