"""Contract records: two lists of a registration system are checked once and kept as Parquet, for `aggregation`."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import pandas as pd
from tqdm import tqdm

from hzso_analysis.faults import DataError, first_line, nearest
from hzso_analysis.folders import DATA_DIR, DESCRIBED
from hzso_analysis.provenance import digest, file_hash, library_hash
from hzso_analysis.records import CODES, checked_contracts, checked_executions
from hzso_analysis.sheets import guarded
from hzso_analysis.workshop import swap

MEMORY = "1GB"  # what DuckDB may take to add up; beyond that it writes to a temporary folder
SORTING = "4GB"  # and what to join and sort the records, once
TOLD = "ledger.json"
ANSWERS_WITHIN = 5  # seconds for a master of Spark
MOST = 10  # lines that a message names
DUPLICATES = {"contracts": "the same row again", "executions": "duplicate filing"}
ORDER = ["fault", "year", "area", "enterprise"]


class Kept(NamedTuple):
    """Checked records in a folder: Parquet files `contracts` and `executions`, and lines that say what was found."""

    folder: Path
    lines: list[str]
    rejected: int


def connect(engine: str = "duckdb", scratch: str | Path | None = None, memory: str = MEMORY) -> Any:
    """An ibis connection: `duckdb` in this process, `spark` on this machine, or the Spark cluster of a master's URL.

    `scratch` is a folder in which DuckDB may write what does not fit into `memory`.
    """
    if engine not in ("duckdb", "spark") and not re.match(r"local\b|\w+://", engine):
        rule = "write duckdb, spark, or the URL of a Spark master such as spark://10.0.0.5:7077"
        raise ValueError(f"engine: found {engine}; {rule}")
    if engine != "duckdb":
        return ibis.pyspark.connect(_spark(engine))
    con = ibis.duckdb.connect()
    con.raw_sql(f"SET memory_limit='{memory}'")
    con.raw_sql("SET preserve_insertion_order=false")  # the rows are sorted where their order counts
    if scratch:
        quoted = str(scratch).replace("'", "''")
        con.raw_sql(f"SET temp_directory='{quoted}'")
    return con


def _check_master(engine: str) -> None:
    """Raise ConnectionError where no master of a Spark cluster answers: Java would try for a minute to find out."""
    why: OSError | None = None
    for host, port in re.findall(r"([^/,]+):(\d+)", engine):
        try:
            socket.create_connection((host.strip("[]"), int(port)), ANSWERS_WITHIN).close()
        except OSError as error:
            why = error
        else:
            return
    if why:
        raise ConnectionError(f"engine: no master answers at {engine} ({why.strerror or why}); is it up?")


def _spark(engine: str) -> Any:
    if engine.startswith("spark:"):
        _check_master(engine)
    # nothing but Arrow tables passes between the two
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    from pyspark.sql import SparkSession  # noqa: PLC0415 (an extra)

    os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")
    master = "local[*]" if engine == "spark" else engine
    settings: dict[str, Any] = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    settings |= {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "false"}
    settings["spark.log.level"] = "FATAL"  # errors come as exceptions, and need no trace of Java beside them
    settings["spark.sql.csv.parser.columnPruning.enabled"] = "false"  # it would not see the ends of lines
    if master.startswith("local"):
        # it makes this folder, though nothing is put into it
        settings["spark.sql.warehouse.dir"] = str(Path(tempfile.gettempdir()) / "spark-warehouse")
        settings["spark.sql.shuffle.partitions"] = str(os.cpu_count() or 2)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # or its workers are whatever is called python3
    handler = signal.getsignal(signal.SIGINT)
    try:
        session = SparkSession.builder.master(master).appName("hzso").config(map=settings).getOrCreate()
    except Exception as error:  # those of Java have no class of their own
        raise ConnectionError(f"engine: no session on {engine} ({first_line(str(error))}); is the master up?") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)  # Spark takes Ctrl-C for itself, and keeps it when it has stopped
    return session


def keep(
    contracts: str | Path, executions: str | Path, store: str | Path, *, engine: str = "duckdb", progress: bool = False
) -> Kept:
    """Check the records of two lists and keep them in the folder `store` as Parquet, sorted by year and area.

    A list is a CSV or Parquet file or a folder of them, hive partitions (`year=2011/`) included; its columns are those
    of `contracts` and `executions` in `datapackage.json`. Rows that cannot count are kept with the reason in column
    `fault`, and as CSV in `rejected-contracts.csv` and `rejected-executions.csv`. A store of the same files is used
    as it is. `progress` shows a bar on stderr where that is a terminal. Raises DataError for columns that are missing
    and files that cannot be read, ValueError for a folder in the way; the store is replaced only when it is whole.
    """
    store, paths = Path(store), {"contracts": Path(contracts), "executions": Path(executions)}
    made_of = _inputs(paths)
    told = _told(store)
    if told.get("made_of") == made_of:
        return Kept(store, told["lines"], told["rejected"])
    if store.exists() and not told and (not store.is_dir() or any(store.iterdir())):
        raise ValueError(f"store: {store} is no folder of checked records; choose another one")
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.parent, prefix=f".{store.name}-") as aside:
        new = Path(aside) / "new"
        new.mkdir()
        con = connect(engine, Path(aside) / "spill", SORTING)
        try:
            lines, rejected = _write(con, paths, Path(aside), new, progress)
        except Exception as error:
            faults = [fault for path in paths.values() for fault in _ragged(path)]
            if not faults and "MALFORMED_RECORD" in str(error):  # Spark reads lines, to share them out
                file = re.search(r"reading file \S*/([^/\s]+\.csv)", str(error))
                rule = "no text in double quotes may run over several lines in Spark; take out the breaks or use DuckDB"
                faults = [f"{file[1] if file else 'records'}: {rule}"]
            if faults:
                raise DataError(faults) from None
            raise
        told = {"made_of": made_of, "lines": lines, "rejected": rejected}
        (new / TOLD).write_text(json.dumps(told), encoding="utf-8")
        swap(new, store)
    return Kept(store, lines, rejected)


def frame(table: ir.Table) -> pd.DataFrame:
    """What an expression comes to; through Arrow, as ibis and Spark make frames in ways that pandas 3 warns of."""
    con = table.get_backend()
    if con.name == "pyspark":
        from pyspark.sql import SparkSession  # noqa: PLC0415 (an extra)

        found = SparkSession.active().sql(con.compile(table)).toArrow().to_pandas()
    else:
        found = table.to_pyarrow().to_pandas()
    # engines count in 32 or 64 bits
    return found.astype({name: "int64" for name, kind in found.dtypes.items() if kind == "int32"})


def coverage(con: Any, store: Path) -> dict[str, list[int]]:
    """The years of each area in which something was executed that counts."""
    table = con.read_parquet(store / "executions.parquet")
    found = frame(table.filter(table.fault == "").select("area", "year").distinct().order_by(["area", "year"]))
    return {str(area): [int(year) for year in years] for area, years in found.groupby("area")["year"]}


def _inputs(paths: dict[str, Path]) -> str:
    """The hash of what the records are: names, sizes and times of their files, and what checks them."""
    files = []
    for name, path in paths.items():
        if not path.exists():
            raise DataError([f"{name}: found {path}; there is no such file or folder"])
        found = sorted(p for p in path.rglob("*") if p.suffix in (".csv", ".parquet")) if path.is_dir() else [path]
        if not found or len({p.suffix.lower() for p in found}) > 1:
            raise DataError([f"{name}: {path} holds no CSV or Parquet files, or both; keep files of one kind in it"])
        files += [[name, p.relative_to(path).as_posix(), p.stat().st_size, p.stat().st_mtime_ns] for p in found]
    # the checks know countries and industries from tables beside the data
    return digest(files, library_hash(), [file_hash(DATA_DIR / f"{name}.csv") for name in ("countries", "categories")])


def _told(store: Path) -> dict[str, Any]:
    """What was found when the store was made; nothing where there is no store."""
    try:
        return dict(json.loads((store / TOLD).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write(con: Any, paths: dict[str, Path], aside: Path, new: Path, progress: bool) -> tuple[list[str], int]:
    """Write both tables and the rejected rows; lines with counts and examples of each reason, and how many rows."""
    read, faults = {}, []
    for name, path in paths.items():
        try:
            read[name] = _read(con, name, path)
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    lines, rejected = [], 0
    checked, kept = aside / "checked.parquet", {name: new / f"{name}.parquet" for name in paths}
    with tqdm(total=5, unit="step", file=sys.stderr, disable=not (progress and sys.stderr.isatty())) as bar:
        with _step(bar, "checking contracts"):
            con.to_parquet(checked_contracts(read["contracts"]), checked)
        with _step(bar, "sorting contracts"):
            con.to_parquet(_coded(con, checked, new).order_by(ORDER), kept["contracts"])
        with _step(bar, "checking executions"):
            executions = checked_executions(read["executions"], con.read_parquet(kept["contracts"]))
            con.to_parquet(executions.order_by(ORDER), kept["executions"])
        for name, path in kept.items():
            with _step(bar, f"counting {name}"):
                said, out = _left_out(con, name, path, aside)
                lines += said
                rejected += out
    return lines, rejected


@contextmanager
def _step(bar: Any, name: str) -> Iterator[None]:
    """A step of a progress bar: named while it is under way, counted when it is done."""
    bar.set_description(name)
    yield
    bar.update()


def _left_out(con: Any, name: str, kept: Path, aside: Path) -> tuple[list[str], int]:
    """List the rejected rows of a table beside it; lines with counts and examples of each reason, and how many rows."""
    table = con.read_parquet(kept)
    again = table.filter((table.fault == "") & (table.copies > 1))
    again = again.mutate(fault=ibis.literal(DUPLICATES[name]), copies=again.copies - 1)
    wrong = table.filter(table.fault != "").union(again)
    found = frame(wrong.group_by("fault").agg(rows=wrong.copies.sum(), first=wrong.contract_id.min()))
    out, count = int(found["rows"].sum()), int(frame(table.agg(rows=table.copies.sum()))["rows"].fillna(0)[0])
    lines = [f"{name}: {count:,} rows, of which {count - out:,} count"]
    for fault, rows, first in found.sort_values(["rows", "fault"], ascending=[False, True]).itertuples(index=False):
        lines.append(f"  {int(rows):,} left out: {fault}, such as contract {first or '(blank)'}")
    if out:
        con.to_parquet(wrong.order_by(["fault", "contract_id", "raw"]), aside / kept.name)
        _list(aside / kept.name, kept.with_name(f"rejected-{name}.csv"))
    return lines, out


def _coded(con: Any, checked: Path, new: Path) -> ir.Table:
    """Checked contracts with the columns of `CODES`; what `kind` stands for is kept beside them in `kind.parquet`."""
    rows = con.read_parquet(checked)
    for code, columns in CODES.items():
        number = ibis.row_number().over(ibis.window(order_by=columns)).cast("int32")
        con.to_parquet(rows.select(columns).distinct().mutate(**{code: number}), new / f"{code}.parquet")
        rows = rows.inner_join(con.read_parquet(new / f"{code}.parquet"), columns)
    return rows


def _list(parquet: Path, path: Path) -> None:
    """Write rows as CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    import pyarrow.dataset  # noqa: PLC0415 (takes a moment, and is not needed where a store is used again)

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        for place, batch in enumerate(pyarrow.dataset.dataset(parquet, format="parquet").to_batches()):
            texts = batch.to_pandas().astype("string").fillna("")
            texts.apply(guarded).to_csv(file, index=False, header=place == 0)


def _read(con: Any, name: str, path: Path) -> ir.Table:
    """One of the lists, every column that its schema names as text or as the type of its Parquet file."""
    schema = json.loads((DATA_DIR / DESCRIBED).read_text(encoding="utf-8"))["resources"]
    wanted = [field["name"] for r in schema if r["name"] == name for field in r["schema"]["fields"]]
    is_csv = path.suffix.lower() == ".csv" if path.is_file() else any(path.rglob("*.csv"))
    spark = con.name == "pyspark"
    place = str(path) if spark or path.is_file() else str(path / "**" / ("*.csv" if is_csv else "*.parquet"))
    parts = {} if spark else {"hive_partitioning": path.is_dir()}
    try:
        if is_csv:
            # Spark would fill up or cut a line with too few or too many fields
            as_text = {"inferSchema": False, "mode": "FAILFAST"} if spark else {"all_varchar": True}
            table = con.read_csv(place, header=True, **as_text, **parts)
        else:
            table = con.read_parquet(place, **parts)
        columns = table.columns
    except Exception as error:  # engines have errors of their own for what is no such file
        raise DataError([f"{name}: {path}: cannot be read: {first_line(str(error))}"]) from None
    if missing := [column for column in wanted if column not in columns]:
        hints = (f"column {column} is missing{nearest(column, columns)}" for column in missing)
        raise DataError([f"{path.name}:1: {hint}; it has {', '.join(columns)}" for hint in hints])
    table = table.select(wanted)
    if not is_csv:
        return table
    # ibis would have Spark strip the letters f and v too
    return table.mutate(**{column: table[column].re_replace(r"^\s+|\s+$", "") for column in wanted})


def _ragged(path: Path) -> list[str]:
    """Lines of CSV files with more or fewer fields than their header, of which an engine makes anything."""
    faults = []
    for file in sorted(path.rglob("*.csv")) if path.is_dir() else [path] if path.suffix.lower() == ".csv" else []:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            delimiter = max(",;\t|", key=lines.readline().count)
            lines.seek(0)
            rows = csv.reader(lines, delimiter=delimiter)
            wanted = len(next(rows, []))
            with suppress(csv.Error):  # what is no CSV at all has the engine's own message
                for row in rows:
                    if row and len(row) != wanted:
                        faults.append(f"{file.name}:{rows.line_num}: {len(row)} fields where {wanted} are expected")
    more = [f"and {len(faults) - MOST} further lines"] if len(faults) > MOST else []
    return faults[:MOST] + more
