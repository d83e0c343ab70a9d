"""A file as it lies there: the lines and cells of a CSV file or a workbook, before anybody asks what they mean."""

from __future__ import annotations

import csv
import datetime
import io
import re
import warnings
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hzso_analysis.faults import DataError

if TYPE_CHECKING:
    import pandas as pd

BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# lead bytes of the common characters: the first level of GB 2312 (and its symbols), the first level of Big5
COMMON = {"gb18030": ("gb2312", 0xD7), "big5": ("big5", 0xC6)}
DELIMITERS = [",", "\t", ";", "|"]
SAVE_AGAIN = "save it as CSV UTF-8"
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what no XML can hold: neither SVG nor XLSX
# what a number format writes as it stands: quoted, a currency in brackets, escaped, or no ASCII; other brackets and
# fillers write nothing
LITERAL = re.compile(r'"([^"]*)"|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|[_*].|\\(.)|([^\x00-\x7f]|\$)')
FORMULA = ("=", "+", "-", "@")  # what Excel takes for a formula at the start of a cell of a CSV file


def guarded(texts: pd.Series) -> pd.Series:
    """Texts for a CSV file, with an apostrophe in front of what Excel would take for a formula.

    >>> import pandas as pd
    >>> guarded(pd.Series(["=1+1", "1+1"])).tolist()
    ["'=1+1", '1+1']
    """
    return texts.mask(texts.str.startswith(FORMULA), "'" + texts)


_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffe\uffff]")
# only these: folding by compatibility would make digits of raised and circled ones and dots of an ellipsis
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


class Cell(NamedTuple):
    """A cell as text.

    `kind` says what it is instead of a text or number: date, formula (without a result), error, scaled (shown in
    thousands or millions of what it holds). `decimals` is what the format of a number shows, None where the text does.
    `place` is the address in a workbook.
    """

    text: str
    kind: str = ""
    decimals: int | None = None
    place: str = ""


class Line(NamedTuple):
    """A line of a file with its number as seen there."""

    file: str
    number: int
    cells: list[Cell]
    hidden: bool = False

    @property
    def where(self) -> str:
        """Its place for messages."""
        return f"{self.file}:{self.number}"

    @property
    def text(self) -> str:
        """All that it shows, nothing for a blank line."""
        return plain(" ".join(cell.text for cell in self.cells))


class Sheet(NamedTuple):
    """The lines of a CSV file or of one sheet of a workbook; `merged` are its merged ranges as openpyxl has them."""

    name: str
    lines: list[Line]
    delimiter: str = ""
    merged: tuple[Any, ...] = ()


def plain(text: str) -> str:
    """The text without invisible characters, any run of white space being one space.

    >>> plain(" contracts\\u3000\\nsigned\\u200b ")
    'contracts signed'
    """
    return " ".join(_INVISIBLE.sub("", text).split())


def folded(text: str) -> str:
    """Plain text in normal width: full-width letters, digits and signs become ordinary ones.

    >>> folded("ＩＴＯ，　２０１１")
    'ITO, 2011'
    """
    return plain(text).translate(_FULL_WIDTH)


def open_sheets(path: Path, notes: list[str]) -> list[Sheet]:
    """The sheets of a file, by its content and not by its name; what was noticed on the way is added to `notes`.

    Raises DataError where the file cannot be read, in no known encoding, or is no text and no workbook.

    >>> open_sheets(Path("missing.csv"), [])
    Traceback (most recent call last):
    hzso_analysis.faults.DataError: 1 fault in the data
      missing.csv: cannot be read: No such file or directory
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError([f"{path}: cannot be read: {error.strerror}"]) from None
    if raw.startswith(OLD_WORKBOOK):
        rule = "an old workbook (.xls) or one with a password; save it as .xlsx without password"
        raise DataError([f"{path.name}: is {rule}"])
    is_workbook = raw.startswith(b"PK\x03\x04")
    if is_workbook != (path.suffix.lower() in (".xlsx", ".xlsm")):
        notes.append(f"{path.name}: is {'a workbook' if is_workbook else 'a text file'} despite its name")
    return _workbook(path, raw, notes) if is_workbook else [_csv(path, raw, notes)]


def _csv(path: Path, raw: bytes, notes: list[str]) -> Sheet:
    encoding = _encoding(path, raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise DataError([f"{path.name}: says it is {encoding} but has damaged characters; {SAVE_AGAIN}"]) from None
    notes.append(f"{path.name}: read as {encoding}")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError([f"{path.name}:{line}: holds NUL characters, so it is no text file; {SAVE_AGAIN}"])
    first = io.StringIO(text, newline="").readline()
    declared = re.fullmatch(r"\"?sep=(.)\"?\s*", first)
    delimiter = declared[1] if declared else _delimiter(text)
    if delimiter != ",":
        notes.append(f"{path.name}: columns are separated by {'tabs' if delimiter == chr(9) else delimiter}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, number = [], 1
    try:
        for cells in reader:
            lines.append(Line(path.name, number, [Cell(cell) for cell in cells]))
            number = reader.line_num + 1
    except csv.Error as error:
        rule = "a text in double quotes must end with a double quote, and those inside it are written twice"
        raise DataError([f"{path.name}:{number}: cannot be read ({error}); {rule}"]) from None
    return Sheet("", lines[1:] if declared else lines, delimiter)


def _encoding(path: Path, raw: bytes) -> str:
    """The encoding of a text: its mark, else strict UTF-8, else the Chinese one with more common characters."""
    for mark, name in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return name
    zeros = raw[:400].count(0)
    if zeros > len(raw[:400]) / 4:
        return "utf-16-le" if raw[1:400:2].count(0) > zeros / 2 else "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        tried = raw.decode("utf-8", errors="replace")
        if tried.count("\ufffd") < sum(ord(letter) > 0x7F for letter in tried) / 10:
            line = raw.count(b"\n", 0, error.start) + 1
            raise DataError([f"{path.name}:{line}: is UTF-8 with damaged characters; {SAVE_AGAIN}"]) from None
    else:
        return "utf-8"
    scores = {name: _common(raw, name) for name in COMMON}
    best = max(scores, key=scores.__getitem__)
    if scores[best] < 0.5:
        raise DataError([f"{path.name}: is neither UTF-8 nor UTF-16, GB18030 or Big5; {SAVE_AGAIN}"])
    return best


def _common(raw: bytes, encoding: str) -> float:
    """The part of the characters beyond ASCII that are common ones if the text is in this encoding."""
    try:
        letters = [letter for letter in raw.decode(encoding) if ord(letter) > 0x7F and not letter.isspace()]
    except UnicodeDecodeError:
        return 0.0
    codec, last = COMMON[encoding]
    codes = [letter.encode(codec, errors="ignore") for letter in letters]
    common = sum(len(code) == 2 and code[0] <= last for code in codes)
    four = sum(len(letter.encode(encoding)) == 4 for letter in letters)  # as GB 18030's minus; no other has such
    return (common + four) / len(letters) if letters else 1.0


def _delimiter(text: str) -> str:
    """The separator that cuts the first lines into most columns."""
    head = io.StringIO(text[:10000], newline="").readlines()[:20]
    return max(DELIMITERS, key=lambda sign: max((line.count(sign) for line in head), default=0))


def _workbook(path: Path, raw: bytes, notes: list[str]) -> list[Sheet]:
    import openpyxl  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that openpyxl does not know
            typed = openpyxl.load_workbook(io.BytesIO(raw), rich_text=True)
            shown = openpyxl.load_workbook(io.BytesIO(raw), data_only=True, rich_text=True)
    except (zipfile.BadZipFile, LookupError, ValueError, OSError, TypeError, SyntaxError, EOFError, AttributeError):
        raise DataError([f"{path.name}: is no workbook that can be read; open and save it in Excel as .xlsx"]) from None
    sheets = []
    for sheet in typed.worksheets:
        if sheet.sheet_state != "visible":
            notes.append(f"{path.name}: hidden sheet {sheet.title} was not read")
            continue
        sheets.append(_sheet(path.name, sheet, shown[sheet.title]))
        for column in (column for column in sheet.column_dimensions.values() if column.hidden):
            first, last = map(openpyxl.utils.get_column_letter, (column.min, column.max))
            span = first if first == last else f"{first} to {last}"
            notes.append(f"{path.name}: hidden columns of sheet {sheet.title} were read: {span}")
    return sheets


def _sheet(file: str, typed: Any, shown: Any) -> Sheet:
    hidden = {number for number, row in typed.row_dimensions.items() if row.hidden}
    pairs = zip(typed.iter_rows(), shown.iter_rows(), strict=True)
    lines = []
    for number, (row, results) in enumerate(pairs, start=1):
        cells = [
            _cell(cell, result)._replace(place=f"{typed.title}!{cell.coordinate}")
            for cell, result in zip(row, results, strict=True)
        ]
        lines.append(Line(file, number, cells, number in hidden))
    return Sheet(typed.title, lines, merged=tuple(sorted(typed.merged_cells.ranges, key=str)))


def _cell(typed: Any, shown: Any) -> Cell:
    value = shown.value
    if value is None:
        return Cell(str(getattr(typed.value, "text", typed.value)), "formula") if typed.data_type == "f" else Cell("")
    if shown.data_type == "e":
        return Cell(str(value), "error")
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return Cell(value.isoformat()[:10] if isinstance(value, datetime.date) else str(value), "date")
    if isinstance(value, bool):
        return Cell(str(value).upper())
    if isinstance(value, int | float):
        return _number(value, shown.number_format)
    return Cell("".join(map(_part, value)) if isinstance(value, list) else str(value))


def _part(part: Any) -> str:
    """A part of a text with several fonts; what is raised or lowered is a footnote mark, not a digit of a number."""
    raised = getattr(getattr(part, "font", None), "vertAlign", None) in ("superscript", "subscript")
    return f"<sup>{part.text}</sup>" if raised else str(part)


def _number(value: float, number_format: str) -> Cell:
    """A number as text: all digits it holds, the decimals its format shows, a percent sign and words of the format."""
    section = number_format.split(";", maxsplit=1)[0]
    shape = LITERAL.sub(lambda literal: " " * len(literal[0]), section)
    digits = len(re.split("[0#?]", shape, maxsplit=1)[0])
    words = ["", ""]  # before and behind the number
    for literal in LITERAL.finditer(section):
        words[literal.start() > digits] += "".join(filter(None, literal.groups()))
    before, behind = (word.strip(" -()") for word in words)
    number = Decimal(f"{value:.15g}") * (100 if "%" in shape else 1)
    if not re.search("[0#?]", shape) or re.search("[E/]", shape):
        text = f"{Decimal(f'{value:.10g}'):f}"  # General shows ten digits
        return Cell(f"{before}{number:f}{behind}", decimals=len(text.partition(".")[2]))
    if re.search(r"[0#?],+(?![0#?,])", shape):
        return Cell(f"{number:f}", "scaled")
    places = "".join(re.findall(r"\.([0#?]+)", shape)[:1])
    held = len(f"{number:f}".partition(".")[2].rstrip("0"))
    decimals = max(places.count("0"), min(len(places), held))
    text = f"{number:.{decimals}f}" if held <= decimals else f"{number:f}"
    return Cell(before + text + ("%" if "%" in shape else "") + behind, decimals=decimals)
