"""A printed number as people type it: signs, separators, footnote marks, and the marks for a missing number."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

from hzso_analysis.sheets import folded, plain

# marks of a missing number and what they mean; a mark never stands for zero
MISSING = {
    **{"": "blank", "…": "below the smallest unit of the table", "..": "not available", "/": "not applicable"},
    **dict.fromkeys(["-", "n/a", "na", "n.a.", "nan", "null", "none", "nil", "x", ":"], "not given"),
    **dict.fromkeys(["无", "缺", "暂无", "不详", "未公布", "无数据", "未统计"], "not given"),
}
# marks that can be nothing else, also behind a name
_FIRM = r"<sup>[^<]{1,4}</sup>|[(（]注\d{0,2}[)）]|[*＊†‡§※★☆]"
_FIRM += r"|[\[［【〔](?:(?:注|附注|note ?)\d{0,2}|\d{1,2}|[a-z*])[\]］】〕]"
# marks beside a number: # is a part of a total, | a break in the series
_MARK = rf"{_FIRM}|注\d{{0,2}}|[(（](?:\d{{1,2}}|[a-z])[)）]|\^\w{{1,2}}|[¶#＃•°|｜]"
# a letter or a digit with a single bracket needs the gap: 18721) can be 1872 and 1), or 18721 and a slip
_LETTER = r"[a-z][)）]|(?<=\d)\s+\d[)）]|(?<=\d)\s*[apr]|(?<=\d)\s+[c-f]"
_BESIDE_NAME = re.compile(rf"^(?:{_FIRM})|(?:{_FIRM})$", re.I)
_BESIDE_NUMBER = re.compile(rf"^(?:{_MARK})|(?:{_MARK}|{_LETTER})$", re.I)
_DASHES = str.maketrans(dict.fromkeys("−–—―‐‑‒﹣－", "-"))
_GROUPS = re.compile(r"(\d{1,3})(?:([,' ’])(\d{3}))(?:\2\d{3})*(\.\d+)?")
_BRACKETS = re.compile(r"\((\d[\d,. ]*%?)\)(%?)")
_DIGITS = re.compile(r"\d+(\.\d+)?|\.\d+")
_YEAR = re.compile(r"(?:1[89]|20|21)\d\d")
YEAR_RULE = "write a four-digit year such as 2011"
NUMBER_RULE = "write the number alone, such as 1872, 1,872 or 66.14"


class Number(NamedTuple):
    """A printed number: its text with commas as separators, value, decimals, percent sign, footnote marks."""

    text: str
    value: Decimal
    decimals: int
    percent: bool
    marks: str


def split_marks(text: str, *, name: bool = False) -> tuple[str, str]:
    """A text and the footnote marks around it; around a `name` only marks that can be nothing else.

    To be asked before any folding: that would turn a raised 1 or a circled 1 into a digit.

    >>> split_marks("1,872[1]"), split_marks("1345¹"), split_marks("30.92 a)"), split_marks("19,700（注2）")
    (('1,872', '[1]'), ('1345', '¹'), ('30.92', 'a)'), ('19,700', '（注2）'))
    """
    whole = text = plain(text)
    pattern = _BESIDE_NAME if name else _BESIDE_NUMBER
    while text:
        if _raised(text[0]):
            text = text[1:].lstrip()
        elif _raised(text[-1]):
            text = text[:-1].rstrip()
        elif match := pattern.search(text):
            text = (text[: match.start()] if match.start() else text[match.end() :]).strip()
        else:
            break
    before, _, after = whole.partition(text) if text else (whole, "", "")
    return text, " ".join(filter(None, [before.strip(), after.strip()]))


def _raised(letter: str) -> bool:
    """Whether a character is a raised, circled or bracketed one, as only footnotes have."""
    shape = unicodedata.decomposition(letter)
    bracketed = shape.startswith("<compat> 0028") or "\u2488" <= letter <= "\u249b"
    return shape.startswith(("<super>", "<sub>", "<circle>")) or bracketed or "\u2776" <= letter <= "\u2793"


def missing_mark(text: str) -> str | None:
    """The mark of a missing number in its usual form, blank for a blank cell, or None where a number is given.

    >>> missing_mark("——"), missing_mark("......"), missing_mark("N/A"), missing_mark("0") is None
    ('-', '…', 'n/a', True)
    """
    bare = plain(text).translate(_DASHES).lower()
    if re.fullmatch(r"…+|\.{3,}|⋯+", bare):
        return "…"
    if re.fullmatch(r"-+", bare):
        return "-"
    if re.fullmatch("[#＃]{2,}", bare):
        return None
    if bare and not split_marks(bare)[0] and not any(letter.isdigit() for letter in bare):
        return bare
    return bare if bare in MISSING else None


def read_number(text: str) -> Number:
    """A number as printed, or ValueError saying what is wrong with it.

    Thousands may be set off by commas, spaces or apostrophes in well-formed groups; a negative number has a minus sign
    or stands in brackets.

    >>> read_number("３，１３２.50"), read_number("(5.2)").value, read_number("66.14％").percent
    (Number(text='3,132.50', value=Decimal('3132.50'), decimals=2, percent=False, marks=''), Decimal('-5.2'), True)
    """
    bare, marks = (text, "") if _BRACKETS.fullmatch(folded(text)) else split_marks(text)
    if any(_raised(letter) for letter in bare):
        raise ValueError(f"a raised or circled character stands inside it; {NUMBER_RULE}")
    bare = folded(bare).translate(_DASHES)
    if bracketed := _BRACKETS.fullmatch(bare):
        bare = f"-{bracketed[1]}{bracketed[2]}"
    percent = bare.endswith("%")
    if percent:  # a mark can stand before the sign, too
        bare, more = split_marks(bare[:-1])
        marks = " ".join(filter(None, [more, marks]))
    sign = "-" if bare.startswith("-") else ""
    digits = bare.lstrip("'").removeprefix("-" if sign else "+").strip()
    if _DIGITS.fullmatch(digits):
        pure = digits
    elif _GROUPS.fullmatch(digits) and not digits.startswith("0"):
        digits = re.sub("[' ’]", ",", digits)
        pure = digits.replace(",", "")
    else:
        raise ValueError(_why(bare or plain(text)))
    return Number(sign + digits, Decimal(sign + pure), len(pure.partition(".")[2]), percent, marks)


def _why(text: str) -> str:
    """What to do about a text that is no number."""
    if re.fullmatch("[#＃]{2,}", text):
        return "the column was too narrow for the number; widen it and save the file again"
    if re.fullmatch(r"[-+]?[\d., '’]+", text):
        return f"thousands are set off in groups of three and decimals by a point; {NUMBER_RULE}"
    if re.search("[万亿千百兆]|million|billion|thousand|trillion|USD|CNY|RMB|元|人|[$¥￥€£]", text, re.I):
        return f"million, 亿, 万, persons and currencies belong into column unit; {NUMBER_RULE}"
    if re.search("[约近余超逾>≥<≤~～]|以上|以下|不足|over|under|about|nearly|above|more|less", text, re.I):
        return f"over, under and about belong into column qualifier; {NUMBER_RULE}"
    return NUMBER_RULE


def whole_year(text: object) -> int:
    """The year as a whole number; 2012, "2012", 2012.0, 2012年 and full-width digits are the same year.

    >>> whole_year("２０１２年"), whole_year(2012.0)
    (2012, 2012)
    """
    bare = re.sub(r"\s*年度?$|\.0+$", "", folded(str(text)))
    if isinstance(text, bool) or not _YEAR.fullmatch(bare):
        raise ValueError(YEAR_RULE)
    return int(bare)


def years_in(text: str) -> list[str]:
    """The years of a list with ranges; what is neither a year nor a range of years is kept as it is written.

    >>> years_in("2008, 2010-2012"), years_in("２００８年至2009年"), years_in("2008-20x9")
    (['2008', '2010', '2011', '2012'], ['2008', '2009'], ['2008-20x9'])
    """
    years = []
    for piece in re.split("[,、]", folded(text)):
        try:
            first, last = sorted(whole_year(end) for end in re.split("[-–—~至]", piece))
        except ValueError:
            years.append(piece.strip())
        else:
            years += map(str, range(first, last + 1))
    return years
