"""Synthetic ledgers: made-up contract records and executions of any number, marked synthetic wherever they land."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet
from tqdm import tqdm

from hzso_analysis import synthetic_rows

Chunks = Iterator[tuple[Any, list[Any]]]  # contracts as one table, their executions as a table a year


def make_ledger(
    folder: str | Path,
    *,
    executions: int = 100_000,
    seed: int = 1,
    years: tuple[int, int] = (2008, 2012),
    areas: Sequence[str] = ("synthetic",),
    enterprises: int = 800,
    faults: float = 0,
    kind: str = "parquet",
    progress: bool = False,
) -> tuple[Path, Path]:
    """Write made-up contract records and executions into a new folder, and return the paths of the two.

    `executions` rows of executions in the first to the last of `years`, a quarter as many contracts, in the columns of
    `datapackage.json`; `enterprises` are those of each area. As parquet they are folders of parts, executions by year
    (`contracts/part-0000.parquet`, `executions/year=2008/part-0000.parquet`); with `kind="csv"` they are
    `contracts.csv` and `executions.csv`. About USD 2,000 million are executed in each area in 2011, however many rows
    share them, and 30 % more in each year. `faults` is the part of the rows that get a fault: of contracts an unknown
    country or no USD amount, of executions an unknown contract, a day before the signing or the row before once more.

    The same arguments give the same bytes with the same versions of numpy and pyarrow. Memory does not grow with
    `executions`. Raises ValueError with all wrong arguments, FileExistsError where `folder` exists; nothing is left
    behind then.

    >>> make_ledger("ledger", executions=0, areas=["hangzhou"])
    Traceback (most recent call last):
    ValueError: executions is 0, it must be 1 or more; area hangzhou: names of made-up areas begin with synthetic
    """
    folder = Path(folder)
    if wrong := _wrong(executions, seed, years, areas, enterprises, faults, kind):
        raise ValueError("; ".join(wrong))
    if folder.exists() or folder.is_symlink():
        raise FileExistsError(f"{folder} is there already; remove it or choose another folder")
    plan = synthetic_rows.plan(executions, seed, years, tuple(areas), enterprises, faults)
    missing = [parent for parent in folder.parents if not parent.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as aside:
            draft = Path(aside, folder.name)
            draft.mkdir()
            if kind == "csv":
                _write_csv(draft, _chunks(plan, progress))
            else:
                _write_parts(draft, _chunks(plan, progress), years[0])
            draft.rename(folder)
    finally:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()  # only an empty folder goes: one made for a ledger that failed
    ending = ".csv" if kind == "csv" else ""
    return folder / f"contracts{ending}", folder / f"executions{ending}"


def _wrong(
    executions: int, seed: int, years: tuple[int, int], areas: Sequence[str], enterprises: int, faults: float, kind: str
) -> list[str]:
    """A sentence for each argument that is wrong."""
    least = [("executions", executions, 1), ("seed", seed, 0), ("enterprises", enterprises, 1)]
    wrong = [f"{name} is {value}, it must be {low} or more" for name, value, low in least if value < low]
    if not 1990 <= years[0] <= years[-1] <= 2100:
        wrong.append(f"years are {years[0]} to {years[-1]}; they must be in order and within 1990 to 2100")
    wrong += [f"area {a}: names of made-up areas begin with synthetic" for a in areas if not a.startswith("synthetic")]
    if not areas or len(set(areas)) < len(areas):
        wrong.append("areas: name at least one, and each once")
    if not 0 <= faults <= 0.5:
        wrong.append(f"faults is {faults}, it must be 0 to 0.5")
    return wrong if kind in ("parquet", "csv") else [*wrong, f"kind is {kind}, it must be parquet or csv"]


def _write_csv(folder: Path, chunks: Chunks) -> None:
    with (
        pa.OSFile(str(folder / "contracts.csv"), "wb") as one,
        pa.OSFile(str(folder / "executions.csv"), "wb") as other,
    ):
        for number, (contracts, executions) in enumerate(chunks):
            options = csv.WriteOptions(include_header=number == 0)
            csv.write_csv(contracts, one, options)
            csv.write_csv(pa.concat_tables(executions), other, options)


def _write_parts(folder: Path, chunks: Chunks, first_year: int) -> None:
    for number, (contracts, executions) in enumerate(chunks):
        years = {f"executions/year={year}": table for year, table in enumerate(executions, first_year)}
        for name, table in {"contracts": contracts, **years}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            parquet.write_table(table, folder / name / f"part-{number:04}.parquet")


def _chunks(plan: synthetic_rows.Plan, progress: bool) -> Chunks:
    with tqdm(total=plan.executions, unit="execution", unit_scale=True, file=sys.stderr, disable=not progress) as bar:
        for number in range(plan.chunks):
            contracts, executions = synthetic_rows.chunk(plan, number)
            yield contracts, executions
            bar.update(sum(table.num_rows for table in executions))
