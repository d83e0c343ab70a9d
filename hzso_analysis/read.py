"""Read one file of published figures into a clean, typed table, or say everything that is wrong with it."""

from __future__ import annotations

import csv
import difflib
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pandas as pd

MANDATORY = ["year", "indicator", "value", "unit", "source"]
COLUMNS = [
    *("year", "months", "indicator", "flow", "category", "measure", "since", "of", "value", "unit"),
    *("currency", "precision", "qualifier", "source", "locator", "note"),
]
MEASURES = ["level", "share", "growth", "average growth", "cumulative", "average"]
FLOWS = ["", "all", "offshore", "onshore"]
QUALIFIERS = ["", "over", "under", "about", "unclear"]
CURRENCIES = ["", "USD", "CNY"]


class Unit(NamedTuple):
    """The normal unit a printed unit belongs to and what one printed unit is worth in it."""

    normal: str
    factor: Decimal


UNITS = {
    "USD million": Unit("USD million", Decimal(1)),
    "USD billion": Unit("USD million", Decimal(1000)),
    "亿美元": Unit("USD million", Decimal(100)),
    "万美元": Unit("USD million", Decimal("0.01")),
    "CNY million": Unit("CNY million", Decimal(1)),
    "CNY billion": Unit("CNY million", Decimal(1000)),
    "CNY trillion": Unit("CNY million", Decimal(1_000_000)),
    "亿元": Unit("CNY million", Decimal(100)),
    "万元": Unit("CNY million", Decimal("0.01")),
    **{name: Unit(name, Decimal(1)) for name in ("percent", "count", "person", "rank", "year", "day", "minute", "km")},
}
EXACT_UNITS = {"count", "rank", "year"}

_NUMBER = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")
_MONTHS = re.compile(r"(\d{1,2})(?: to |-)(\d{1,2})")


class DataError(ValueError):
    """Faults in data, all of them, each as `file:line: column: what is wrong, what is allowed`.

    >>> print(DataError(["a.csv:3: unit: found RMB; write one of USD million, CNY million"]))
    1 fault in the data
      a.csv:3: unit: found RMB; write one of USD million, CNY million
    """

    def __init__(self, faults: list[str]) -> None:
        self.faults = list(faults)
        count = f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''} in the data"
        super().__init__("\n  ".join([count, *self.faults]))


def nearest(word: str, known: list[str]) -> str:
    """A hint that names the known word nearest to `word`, or nothing.

    >>> nearest("contract executed", ["contracts executed", "enterprises"])
    ' (did you mean contracts executed?)'
    """
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def half_width(value: Decimal, decimals: int, unit: str) -> Decimal:
    """Half the step a printed value was rounded to, in its printed unit.

    A count is exact, a number of persons is rounded at its last digit that is not zero, anything else at its last
    printed decimal.

    >>> half_width(Decimal("1.345"), 3, "USD billion"), half_width(Decimal(19700), 0, "person")
    (Decimal('0.0005'), Decimal('5E+1'))
    """
    if unit in EXACT_UNITS:
        return Decimal(0)
    exponent = -decimals
    if unit == "person" and value == value.to_integral_value() and value != 0:
        digits = str(abs(int(value)))
        exponent = len(digits) - len(digits.rstrip("0"))
    return Decimal(5).scaleb(exponent - 1)


def read_table(path: str | Path) -> pd.DataFrame:
    """Return the figures of one CSV file: one row per published number, values in the normal unit.

    Columns: those of the file format (`year` whole number, `months` blank or like `1 to 9`, `measure` filled in), with
    `value` and `precision` (its half-width) in the normal unit, and `printed` (value and unit as printed), `file`,
    `line`. Ids stay as typed: the codebook is the business of `load_figures`. `.attrs["notes"]` is the load report.

    Raises DataError with every fault of the file.
    """
    path = Path(path)
    faults: list[str] = []
    notes: list[str] = []
    lines = _lines(path, notes)
    header = [name.strip().lower() for name in lines[0][1]] if lines else []
    _check_header(path, header, faults)
    if faults:
        raise DataError(faults)
    records = []
    for line, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            faults.append(
                f"{path.name}:{line}: has {len(cells)} fields where {len(header)} are expected; "
                "put a text that holds a comma in double quotes"
            )
            continue
        row = dict.fromkeys(COLUMNS, "") | {n: c.strip() for n, c in zip(header, cells, strict=True)}
        records.append(_record(row, f"{path.name}:{line}", faults) | {"file": path.name, "line": line})
    if faults:
        raise DataError(faults)
    table = pd.DataFrame(records, columns=[*COLUMNS, "printed", "file", "line"])
    table = table.astype({"year": "int64", "since": "Int64", "value": "float64", "precision": "float64"})
    table.attrs["notes"] = notes
    return table


def _lines(path: Path, notes: list[str]) -> list[tuple[int, list[str]]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError([f"{path}: cannot be read: {error.strerror}"]) from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        notes.append(f"{path.name}: read as {encoding}")
        reader = csv.reader(io.StringIO(text, newline=""))
        return [(reader.line_num, cells) for cells in reader]
    raise DataError([f"{path.name}: neither UTF-8 nor GB18030; save it as CSV UTF-8"])


def _check_header(path: Path, header: list[str], faults: list[str]) -> None:
    for name in MANDATORY:
        if name not in header:
            faults.append(f"{path.name}:1: column {name} is missing; found {', '.join(header) or 'nothing'}")
    for name in header:
        if name not in COLUMNS:
            hint = nearest(name, COLUMNS) or f"; known are {', '.join(COLUMNS)}"
            faults.append(f"{path.name}:1: unknown column {name or '(blank)'}{hint}")
        elif header.count(name) > 1:
            faults.append(f"{path.name}:1: column {name} appears more than once; keep one")


def _record(row: dict[str, str], where: str, faults: list[str]) -> dict[str, object]:
    def fault(column: str, rule: str) -> None:
        faults.append(f"{where}: {column}: found {row[column] or 'nothing'}; {rule}")

    if not re.fullmatch(r"\d{4}", row["year"]):
        fault("year", "write a four-digit year such as 2011")
    for column in ("indicator", "source"):
        if not row[column]:
            fault(column, "write an id")
    row["measure"] = row["measure"] or "level"
    allowed = {"measure": MEASURES, "flow": FLOWS, "qualifier": QUALIFIERS, "currency": CURRENCIES}
    for column, words in allowed.items():
        if row[column] not in words:
            fault(column, f"write one of {', '.join(w or '(blank)' for w in words)}")
    row["months"] = _months(row["months"], fault)
    since = _since(row, fault)
    value, precision = _amount(row, fault)
    unit = UNITS[row["unit"]].normal if row["unit"] in UNITS else row["unit"]
    printed = f"{row['value']} {row['unit']}"
    return row | {"since": since, "value": value, "precision": precision, "unit": unit, "printed": printed}


def _months(text: str, fault) -> str:
    if not text:
        return ""
    match = _MONTHS.fullmatch(text)
    first, last = map(int, match.groups()) if match else (0, 0)
    if not 1 <= first <= last <= 12:
        fault("months", "leave blank for the whole year or write the first and last month as in 1 to 9")
        return text
    return "" if (first, last) == (1, 12) else f"{first} to {last}"


def _since(row: dict[str, str], fault) -> int | None:
    needs = row["measure"] in ("average growth", "cumulative", "average")
    if needs and not re.fullmatch(r"\d{4}", row["since"]):
        fault("since", f"write the first year of the {row['measure']}, such as 2007")
    elif needs and row["year"].isdigit() and int(row["since"]) >= int(row["year"]):
        fault("since", f"must lie before {row['year']}")
    elif row["since"] and not needs:
        fault("since", f"leave blank for a {row['measure']}")
    return int(row["since"]) if needs and row["since"].isdigit() else None


def _amount(row: dict[str, str], fault) -> tuple[float, float]:
    unit = UNITS.get(row["unit"])
    if unit is None:
        fault("unit", f"write one of {', '.join(UNITS)}")
    elif row["measure"] in ("share", "growth", "average growth") and row["unit"] != "percent":
        fault("unit", f"a {row['measure']} is written in percent")
    if row["currency"] and row["unit"] != "percent":
        fault("currency", "leave blank where the unit names the currency")
    match = _NUMBER.fullmatch(row["value"])
    if match is None:
        fault("value", "write a number such as 1872, 1,872 or 66.14")
    if unit is None or match is None:
        return float("nan"), float("nan")
    value = Decimal(row["value"].replace(",", ""))
    half = half_width(value, len(match[3] or ".") - 1, row["unit"])
    if row["precision"]:
        half = _precision(row["precision"], fault) or half
    return float(value * unit.factor), float(half * unit.factor)


def _precision(text: str, fault) -> Decimal | None:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        fault("precision", "write the half-width as a number of the printed unit, or leave blank")
        return None
    return Decimal(text)
