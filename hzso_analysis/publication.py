"""Contract records as figures of a data folder: checked, added up, and nothing in them that tells of one enterprise."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from hzso_analysis import wording
from hzso_analysis.aggregation import Aggregate, aggregate, figure_rows
from hzso_analysis.confidentiality import suppress
from hzso_analysis.faults import DataError, nearest
from hzso_analysis.figures import argument_faults, is_synthetic
from hzso_analysis.folders import DATA_DIR
from hzso_analysis.ledger import connect, coverage, keep
from hzso_analysis.numerals import whole_year
from hzso_analysis.template import csv_text
from hzso_analysis.vocabulary import INTERNAL, LEDGER, SYNTHETIC
from hzso_analysis.workshop import write_aside


class Published(NamedTuple):
    """The files that were written or, where none was asked for, the rows as CSV text."""

    paths: list[Path]
    text: str


def publish(
    contracts: str | Path,
    executions: str | Path,
    *,
    areas: Iterable[str],
    years: Iterable[object],
    as_of: str = "",
    cut_off: bool = False,
    engine: str = "duckdb",
    store: str | Path = "ledger",
    internal: bool = False,
    out: str | Path = "",
    progress: bool = False,
    note: Callable[[str], object] = lambda line: None,
) -> Published:
    """Make the figures of areas and years from contract records, see `ledger.keep` and `aggregation.aggregate`.

    With `out` each area and year goes to `out/AREA/ledger-YEAR.csv`, a file of figures; else the rows of one area come
    back as text. Unless `internal`, figures are suppressed by the rules of `confidentiality.suppress`. `note` is called
    with each line on what was found, and `progress` shows a bar on a terminal while records are checked. Raises
    ValueError for wrong arguments, all at once, and DataError for faults of the records, for areas and years without
    records, and for an extra that is not installed.
    """
    areas = list(dict.fromkeys(areas))
    numbers, day = _checked(areas, years, as_of, out)
    kept = keep(contracts, executions, store, engine=engine, progress=progress)
    for line in kept.lines:
        note(line)
    if kept.rejected:
        note(f"what was left out is listed in {kept.folder}/rejected-*.csv")
    with tempfile.TemporaryDirectory(dir=kept.folder, prefix=".spill-") as scratch:
        con = connect(engine, scratch)
        _check_there(coverage(con, kept.folder), areas, numbers)
        found = aggregate(con, kept.folder, areas=areas, years=numbers, as_of=day, cut_off=cut_off)
    if found.late[0]:
        amount = wording.amount(wording.half_up(float(found.late[1]), 2), "USD million")
        note(f"executions: {found.late[0]:,} filed after their cut-off, {amount}, left out")
    where = f"{Path(contracts).name} and {Path(executions).name}" + (f", filed up to {as_of}" if as_of else "")
    where += ", without what was filed after the cut-off of 31 March" if cut_off else ""
    files = _files(found, where, internal, note)
    if not out:
        text = csv_text(pd.concat(files.values(), ignore_index=True)).decode("utf-8-sig")
        return Published([], text.replace("\r\n", "\n"))
    Path(out).mkdir(parents=True, exist_ok=True)
    for path, rows in files.items():
        write_aside(Path(out) / path, csv_text(rows))
    return Published([Path(out) / path for path in files], "")


def _checked(
    areas: list[str], years: Iterable[object], as_of: str, out: str | Path
) -> tuple[list[int], datetime.date | None]:
    """The years as numbers and the day, or ValueError naming every wrong argument."""
    faults = [fault for area in areas for fault in argument_faults(area, "", DATA_DIR)]
    numbers: dict[int, None] = {}
    for year in years:
        try:
            numbers[whole_year(year)] = None
        except ValueError as error:
            faults.append(f"year: found {year!r}; {error}")
    try:
        day = datetime.date.fromisoformat(as_of) if as_of else None
    except ValueError:
        faults.append(f"as_of: found {as_of!r}; write a day such as 2012-03-31")
    if not out and len(areas) > 1:
        faults.append("out: figures of several areas need a folder to go to")
    if faults:
        raise ValueError("\n".join(faults))
    return list(numbers), day


def _check_there(known: dict[str, list[int]], areas: list[str], years: list[int]) -> None:
    """Raise DataError for an area or a year without a record that counts, naming those that are there."""
    faults = []
    for area in areas:
        if area not in known:
            names = ", ".join(known) or "none"
            faults.append(f"area: no records of {area}{nearest(area, known)}; there are records of {names}")
        elif missing := [str(year) for year in years if year not in known[area]]:
            own = ", ".join(map(str, known[area]))
            faults.append(f"year: {area} has no records of {', '.join(missing)}; there are records of {own}")
    if faults:
        raise DataError(faults)


def _files(found: Aggregate, where: str, internal: bool, note: Callable[[str], object]) -> dict[str, pd.DataFrame]:
    """The rows of each area and year by the path of their file."""
    withheld = None if internal else suppress(found.cells, leading=found.leading)
    if withheld is not None:
        primary, secondary, omitted = (int((withheld == mark).sum()) for mark in ("primary", "secondary", "omitted"))
        said = f"{primary:,} suppressed, {secondary:,} more so that nobody can compute them"
        said += f", {omitted:,} size bands left out that would tell too much by their difference" if omitted else ""
        note(f"{len(withheld):,} figures: {said}")
    files = {}
    for (area, year), cells in found.cells.groupby(["area", "year"]):
        source = " ".join([SYNTHETIC] * is_synthetic(area) + [LEDGER] + [INTERNAL] * internal)
        files[f"{area}/ledger-{year}.csv"] = figure_rows(cells, withheld, source=source, locator=where)
    return files
