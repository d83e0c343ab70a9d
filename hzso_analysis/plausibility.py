"""Slips that show only when rows of a table stand side by side: repeated rows, wrong units, fractions for percent.

Each function takes the rows of a table of figures in normal units, as `itertuples` gives them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hzso_analysis.vocabulary import COUNTED, UNITS

FIGURE = ["year", *COUNTED, "source", "locator"]
# a part a little above its whole is a slip of the source, which the reconciliation finds; this much it is the unit
TOO_LARGE = 7
# powers of ten between a printed share and part / whole; a source may have taken it of another total
NEAR = 0.1
AS_PRINTED = "as printed"
ESCAPE = f"if the source prints it so, write {AS_PRINTED} in column note"


def numbered(row: Any) -> str:
    """The place of a row for who has only its file before him."""
    return f"row {row.line}"


def placed(row: Any) -> str:
    """The place of a row among those of several files."""
    return f"{row.file}:{row.line}"


def repeats(rows: Iterable[Any], place: Callable[[Any], str] = placed) -> Iterator[tuple[Any, str, bool]]:
    """Rows that repeat another one (true) or give the same figure another value (false), and what to say of the value.

    A figure is told by what it counts, its source and its locator: two sources for one level are two figures. `place`
    names the other row.

    >>> import pandas as pd
    >>> row = dict.fromkeys(FIGURE, "") | {"file": "a.csv", "line": 2, "value": 5.0, "printed": "5 count"}
    >>> rows = pd.DataFrame([row, row | {"line": 3}]).itertuples()
    >>> [(row.line, text, copy) for row, text, copy in repeats(rows)]
    [(3, 'repeats a.csv:2', True)]
    """
    seen: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        known = seen.setdefault(tuple(str(getattr(row, name)) for name in FIGURE), [])
        for old in known:
            if old.printed == row.printed or math.isclose(old.value, row.value, rel_tol=1e-9):
                yield row, f"repeats {place(old)}", True
                break
        else:
            if old := next((old for old in known if not math.isnan(old.value + row.value)), None):
                rule = f"{place(old)} gives {old.printed} for the same figure; keep one or name the source of each"
                yield row, f"found {row.printed}; {rule}", False
        known.append(row)


def wrong_units(rows: Iterable[Any]) -> Iterator[str]:
    """Levels so much larger than the whole they are a part of that one of the two has another unit."""
    for part, whole in _parts(rows):
        if not 0 < TOO_LARGE * whole.value < part.value:
            continue
        times = f"{part.value / whole.value:.0f} times its whole, {whole.printed} in {numbered(whole)}"
        guess = " or ".join(_likely(part, whole)) or "a slip of the decimal point"
        yield f"{placed(part)}: unit: found {part.printed}, {times}; likely {guess}; {ESCAPE} of the row that is odd"


def _likely(part: Any, whole: Any) -> Iterator[str]:
    """The largest smaller unit of the part and the smallest larger one of the whole that let the part fit."""
    for row, best, low, high in ((part, max, -math.inf, whole.value), (whole, min, part.value, math.inf)):
        number, _, printed = row.printed.partition(" ")
        worth = {name: row.value / float(UNITS[printed].factor) * float(unit.factor) for name, unit in UNITS.items()}
        names = [name for name, unit in UNITS.items() if unit.normal == row.unit and low <= worth[name] <= high]
        if names:
            yield f"{number} {best(names, key=worth.__getitem__)}" + ("" if row is part else f" in {numbered(row)}")


def fractions(rows: Iterable[Any]) -> Iterator[str]:
    """Shares a hundred times too small or too large for the levels in the table, as a fraction typed for percent is.

    Where there are such fractions, all percentages up to 1 are named: whoever typed one will have typed more.
    """
    pairs: dict[tuple[Any, ...], list[Any]] = {}
    for part, whole in _parts(rows):
        if 0 < part.value <= whole.value:
            pairs.setdefault(_about(part), []).append((part, whole))
    small = [row for row in rows if row.unit == "percent" and 0 < abs(row.value) <= 1]
    slips = {row.Index: slip for row in rows if (slip := _fraction(row, pairs.get(_about(row), [])))}
    yield from slips.values()
    if any(row.Index in slips for row in small):
        for row in small:
            if row.Index not in slips:
                rule = f"shares of this table are fractions; write {row.value * 100:.10g} if it is one, too"
                yield f"{placed(row)}: value: found {row.printed}; {rule}"


def _fraction(row: Any, pairs: list[Any]) -> str:
    """The fault of a share that is a hundred times too small or too large for one of the pairs of part and whole."""
    is_share = row.unit == "percent" and row.measure in ("share", "level") and not row.of and row.value > 0
    if not is_share or _excused(row) or re.search("growth|增|同比", row.indicator, re.I):
        return ""
    for part, whole in pairs:
        ratio = 100 * part.value / whole.value
        step = math.log10(row.value / ratio)
        if abs(abs(step) - 2) < NEAR:
            found = f"{part.printed} in {numbered(part)} of {whole.printed} in {numbered(whole)} is about {ratio:.3g} %"
            number = row.value * 100 if step < 0 else row.value / 100
            rule = f"write {number:.10g} if that is the share; {ESCAPE} of the row that is odd"
            return f"{placed(row)}: value: found {row.printed}, but {found}; {rule}"
    return ""


def _parts(rows: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Pairs of levels of which the first is a part of the second: a flow of all flows, a category of the total."""
    levels = [row for row in rows if row.measure == "level" and row.unit != "percent" and not math.isnan(row.value)]
    rows = [row for row in levels if not _excused(row)]
    cells: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        cells.setdefault((row.indicator, row.unit, _about(row)), []).append(row)
    pairs = []
    for row in rows:
        year, months, flow, category = _about(row)
        whole = (year, months, "all", category) if category == "total" else (year, months, flow, "total")
        if whole != _about(row):
            pairs += [(row, other) for other in cells.get((row.indicator, row.unit, whole), [])]
    return pairs


def _about(row: Any) -> tuple[Any, ...]:
    """What a row is about: year, months, flow and category, where blank means all."""
    return row.year, row.months, row.flow or "all", row.category or "total"


def _excused(row: Any) -> bool:
    """Whether the row itself says that its number is in doubt or stands so in the source."""
    return row.qualifier == "unclear" or bool(re.search(f"{AS_PRINTED}|照录|原文如此", row.note, re.I))
