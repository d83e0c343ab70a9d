"""Contract records: two lists of a registration system are checked once and kept as Parquet, for `aggregation`.

Everything is an ibis expression, so that it runs unchanged in DuckDB on one machine and in Spark on many. Amounts are
DECIMAL(18, 2) throughout: sums of floats are not even the same between two runs.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from hzso_analysis.faults import DataError, first_line, nearest
from hzso_analysis.figures import codebook
from hzso_analysis.folders import DATA_DIR, DESCRIBED
from hzso_analysis.provenance import digest, library_hash
from hzso_analysis.sheets import FORMULA

if TYPE_CHECKING:
    import ibis.expr.types as ir

INSTALL = {"duckdb": "ledger", "ibis": "ledger", "pyarrow": "ledger", "pyspark": "spark"}
MEMORY = "1GB"  # what DuckDB may take to add up; beyond that it writes to a temporary folder
SORTING = "4GB"  # and what to join and sort the records, once
MONEY = "decimal(18, 2)"
COUNTS = ("approved", "changed")  # statuses of contracts that an office has audited
HOME = "CN"
TOLD = "ledger.json"
NO_RATE = "currency without rate"
CONTRACT_FAULTS = {
    "missing": "a contract, enterprise or area is not named",
    "twice": "contract number twice with different content",
    "flow": "flow is neither offshore nor onshore",
    "type": "business type is none of ITO, BPO, KPO",
    "industry": "unknown industry",
    "country": "unknown country",
    "crosses": "flow does not fit the country: offshore is every country but CN",
    "day": "day of signing is no date such as 2011-06-30",
    "amount": "signed amount is no number with at most two decimals, or below zero",
    "status": "unknown status",
}
EXECUTION_FAULTS = {
    "day": "day of execution or of filing is no date such as 2011-06-30",
    "amount": "amount is no number above zero with at most two decimals",
    "unknown": "unknown contract",
    "contract": "its contract was rejected",
    "before": "executed before signed",
    "filed": "filed before executed",
}
UNAUDITED = "contract is neither approved nor changed"
DUPLICATES = {"contracts": "the same row again", "executions": "duplicate filing"}
ORDER = ["fault", "year", "area"]


class Kept(NamedTuple):
    """Checked records in a folder: Parquet files `contracts` and `executions`, and lines that say what was found."""

    folder: Path
    lines: list[str]
    rejected: int


@contextmanager
def needs_extra() -> Iterator[None]:
    """Say which line installs what the records need and is not there."""
    try:
        yield
    except ImportError as error:
        extra = INSTALL.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        line = f'pip install "hzso-analysis[{extra}]"'
        raise DataError(
            [f"{error.name} is not installed, which contract records need; install it with: {line}"]
        ) from None


def connect(engine: str = "duckdb", scratch: str | Path | None = None, memory: str = MEMORY) -> Any:
    """An ibis connection: `duckdb` in this process, `spark` on this machine, or the Spark cluster of a master's URL.

    `scratch` is a folder in which DuckDB may write what does not fit into `memory`. Raises DataError naming the extra
    to install.
    """
    with needs_extra():
        import ibis  # noqa: PLC0415 (an extra)

        if engine == "duckdb":
            con = ibis.duckdb.connect()
            con.raw_sql(f"SET memory_limit='{memory}'")
            con.raw_sql("SET preserve_insertion_order=false")  # the rows are sorted where their order counts
            if scratch:
                quoted = str(scratch).replace("'", "''")
                con.raw_sql(f"SET temp_directory='{quoted}'")
            return con
        session = _spark(engine)
        return ibis.pyspark.connect(session)


def _spark(engine: str) -> Any:
    # nothing but Arrow tables passes between the two
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    from pyspark.sql import SparkSession  # noqa: PLC0415 (an extra)

    os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")
    build = SparkSession.builder.master("local[*]" if engine == "spark" else engine).appName("hzso")
    local = engine == "spark" or engine.startswith("local")
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    settings |= {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "false"}
    settings |= {"spark.sql.shuffle.partitions": str(os.cpu_count() or 2)} if local else {}
    for name, value in settings.items():
        build = build.config(name, value)
    handler = signal.getsignal(signal.SIGINT)
    session = build.getOrCreate()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)  # Spark takes Ctrl-C for itself, and keeps it when it has stopped
    session.sparkContext.setLogLevel("ERROR")
    return session


def keep(contracts: str | Path, executions: str | Path, store: str | Path, *, engine: str = "duckdb") -> Kept:
    """Check the records of two lists and keep them in the folder `store` as Parquet, sorted by year and area.

    A list is a CSV or Parquet file or a folder of them, hive partitions (`year=2011/`) included; its columns are those
    of `contracts` and `executions` in `datapackage.json`. Rows that cannot count are kept with the reason in column
    `fault`, and as CSV in `rejected-contracts.csv` and `rejected-executions.csv`. A store of the same files is used
    as it is. Raises DataError for columns that are missing and files that cannot be read, ValueError for a folder in
    the way; the store is replaced only when it is whole.
    """
    store, paths = Path(store), {"contracts": Path(contracts), "executions": Path(executions)}
    made_of = _inputs(paths)
    told = _told(store)
    if told and told["made_of"] == made_of:
        return Kept(store, told["lines"], told["rejected"])
    if store.exists() and not told and (not store.is_dir() or any(store.iterdir())):
        raise ValueError(f"store: {store} is no folder of checked records; choose another one")
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.parent, prefix=f".{store.name}-") as aside:
        new = Path(aside) / "new"
        new.mkdir()
        con = connect(engine, Path(aside) / "spill", SORTING)
        lines, rejected = _write(con, paths, Path(aside), new)
        (new / TOLD).write_text(
            json.dumps({"made_of": made_of, "lines": lines, "rejected": rejected}), encoding="utf-8"
        )
        if store.exists():
            store.rename(Path(aside) / "old")
        new.rename(store)
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
    """The hash of what the records are: names, sizes and times of their files, and the library that checks them."""
    files = []
    for name, path in paths.items():
        if not path.exists():
            raise DataError([f"{name}: found {path}; there is no such file or folder"])
        found = sorted(p for p in path.rglob("*") if p.suffix in (".csv", ".parquet")) if path.is_dir() else [path]
        if not found or len({p.suffix.lower() for p in found}) > 1:
            raise DataError([f"{name}: {path} holds no CSV or Parquet files, or both; keep files of one kind in it"])
        files += [[name, p.relative_to(path).as_posix(), p.stat().st_size, p.stat().st_mtime_ns] for p in found]
    return digest(files, library_hash())


def _told(store: Path) -> dict[str, Any] | None:
    try:
        return json.loads((store / TOLD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(con: Any, paths: dict[str, Path], aside: Path, new: Path) -> tuple[list[str], int]:
    """Write both tables and the rejected rows; lines with counts and examples of each reason."""
    read, faults = {}, []
    for name, path in paths.items():
        try:
            read[name] = _read(con, name, path)
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    con.to_parquet(checked_contracts(read["contracts"]).order_by(ORDER), new / "contracts.parquet")
    contracts = con.read_parquet(new / "contracts.parquet")
    executions = checked_executions(read["executions"], contracts)
    con.to_parquet(executions.order_by(ORDER), new / "executions.parquet")
    lines, rejected = [], 0
    for name in paths:
        table = con.read_parquet(new / f"{name}.parquet")
        again = table.filter((table.fault == "") & (table.copies > 1))
        again = again.mutate(fault=_said(DUPLICATES[name]), copies=again.copies - 1)
        wrong = table.filter(table.fault != "").union(again)
        found = frame(wrong.group_by("fault").agg(rows=wrong.copies.sum(), first=wrong.contract_id.min()))
        out, count = int(found["rows"].sum()), int(frame(table.agg(rows=table.copies.sum()))["rows"].fillna(0)[0])
        lines.append(f"{name}: {count:,} rows, of which {count - out:,} count")
        for fault, rows, first in found.sort_values(["rows", "fault"], ascending=[False, True]).itertuples(index=False):
            lines.append(f"  {int(rows):,} left out: {fault}, such as contract {first or '(blank)'}")
        if out:
            con.to_parquet(wrong.order_by(["fault", "contract_id", "raw"]), aside / f"{name}.parquet")
            _list(aside / f"{name}.parquet", new / f"rejected-{name}.csv")
        rejected += out
    return lines, rejected


def _list(parquet: Path, path: Path) -> None:
    """Write rows as CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    import pyarrow.dataset as ds  # noqa: PLC0415 (comes with ibis)

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        for place, batch in enumerate(ds.dataset(parquet, format="parquet").to_batches()):
            texts = batch.to_pandas().astype("string").fillna("")
            safe = {name: texts[name].mask(texts[name].str.startswith(FORMULA), "'" + texts[name]) for name in texts}
            texts.assign(**safe).to_csv(file, index=False, header=place == 0)


def _read(con: Any, name: str, path: Path) -> ir.Table:
    """One of the lists, every column that its schema names as text or as the type of its Parquet file."""
    schema = json.loads((DATA_DIR / DESCRIBED).read_text(encoding="utf-8"))["resources"]
    wanted = [field["name"] for r in schema if r["name"] == name for field in r["schema"]["fields"]]
    kind = path.suffix.lower() if path.is_file() else next(path.rglob("*.csv"), Path("x.parquet")).suffix
    spark = con.name == "pyspark"
    place = str(path) if spark or path.is_file() else str(path / "**" / f"*{kind}")
    try:
        if kind == ".csv":
            options = {"inferSchema": False, "header": True} if spark else {"all_varchar": True, "header": True}
            table = con.read_csv(place, **options | ({} if spark else {"hive_partitioning": path.is_dir()}))
        else:
            table = con.read_parquet(place, **({} if spark else {"hive_partitioning": path.is_dir()}))
        columns = table.columns
    except Exception as error:  # engines have errors of their own for what is no such file
        raise DataError([f"{name}: {path}: cannot be read: {first_line(str(error))}"]) from None
    if missing := [column for column in wanted if column not in columns]:
        hints = (f"column {column} is missing{nearest(column, columns)}" for column in missing)
        raise DataError([f"{path.name}:1: {hint}; it has {', '.join(columns)}" for hint in hints])
    table = table.select(wanted)
    if kind != ".csv":
        return table
    # ibis would have Spark strip the letters f and v too
    return table.mutate(**{column: table[column].re_replace(r"^\s+|\s+$", "") for column in wanted})


def _text(column: ir.Column) -> ir.StringColumn:
    return column.cast("string").fill_null("")


def _day(column: ir.Column) -> ir.DateColumn:
    """A day, null for what is no day; texts are read in one form only, so that 3/4/2011 is never guessed."""
    import ibis  # noqa: PLC0415 (an extra)

    if not column.type().is_string():
        return column.cast("date")
    return ibis.ifelse(column.re_search(r"^\d{4}-\d{2}-\d{2}$"), column, ibis.null("string")).try_cast("date")


def _money(column: ir.Column) -> ir.DecimalColumn:
    import ibis  # noqa: PLC0415 (an extra)

    if not column.type().is_string():
        return column.cast(MONEY)
    return ibis.ifelse(column.re_search(r"^-?\d{1,15}(\.\d{1,2})?$"), column, ibis.null("string")).try_cast(MONEY)


def _first_fault(faults: dict[str, ir.BooleanColumn], reasons: dict[str, str]) -> ir.StringColumn:
    import ibis  # noqa: PLC0415 (an extra)

    return ibis.cases(*((faults[key], reason) for key, reason in reasons.items() if key in faults), else_="")


def checked_contracts(table: ir.Table) -> ir.Table:
    """Each different row of the contracts with its year and market category, `fault`, and how many `copies` it had.

    A contract whose signed amount has no rate counts for its executions, which are in USD.
    """
    import ibis  # noqa: PLC0415 (an extra)
    import pyarrow as pa  # noqa: PLC0415 (comes with ibis)

    texts = [name for name in table.columns if name not in ("signed_on", "signed_amount", "signed_usd")]
    rows = table.mutate(**{name: _text(table[name]) for name in texts})
    rows = rows.group_by(list(rows.columns)).agg(copies=ibis._.count())
    rows = rows.mutate(versions=ibis._.count().over(ibis.window(group_by="contract_id")))
    countries, industries = codebook("countries").astype(str), codebook("categories").query("dimension == 'industry'")
    named = countries.rename(columns={"iso": "market", "category": "named"}).drop(columns="name")
    known = ibis.memtable(pa.table({name: named[name].tolist() for name in named}))
    day, amount = _day(rows.signed_on), _money(rows.signed_amount)
    own = ibis.ifelse(rows.currency == "USD", amount, ibis.null(MONEY))
    usd = ibis.coalesce(_money(rows.signed_usd), own)
    raw = _text(rows.signed_on).concat(" ", _text(rows.signed_amount))
    rows = rows.mutate(raw=raw, signed_on=day, signed_amount=amount, signed_usd=usd)
    rows = rows.left_join(known, "market").drop("market_right")
    faults = {
        "missing": (rows.contract_id == "") | (rows.enterprise_id == "") | (rows.area == ""),
        "twice": rows.versions > 1,
        "flow": ~rows.flow.isin(["offshore", "onshore"]),
        "type": ~rows.business_type.isin(["ITO", "BPO", "KPO"]),
        "industry": ~rows.industry.isin(["", *industries["id"]]),
        "country": rows.named.isnull(),
        "crosses": (rows.flow == "offshore") == (rows.market == HOME),
        "day": rows.signed_on.isnull(),
        "amount": rows.signed_amount.isnull() | (rows.signed_amount < 0) | (rows.signed_usd.fill_null(0) < 0),
        "status": ~rows.status.isin(["draft", "submitted", "returned", "deleted", *COUNTS]),
    }
    rows = rows.mutate(fault=_first_fault(faults, CONTRACT_FAULTS))
    fault = ibis.cases(
        (rows.fault != "", rows.fault),
        (~rows.status.isin(COUNTS), UNAUDITED),
        (rows.signed_usd.isnull(), NO_RATE),
        else_="",
    )
    category = market_of(rows, rows.signed_on)
    return rows.mutate(fault=fault, year=rows.signed_on.year(), category=category)


def _one_each(contracts: ir.Table) -> ir.Table:
    """What executions take from their contracts, one row for each number; of one with several contents only that."""
    import ibis  # noqa: PLC0415 (an extra)

    carried = ["contract_id", "area", "flow", "business_type", "industry", "enterprise_id", "signed_on"]
    carried += ["market", "named", "eu_since", "eu_until"]
    single = contracts.filter(contracts.versions == 1)
    single = single.select(*carried, contract_fault=single.fault)
    double = contracts.filter(contracts.versions > 1).select("contract_id").distinct()
    nothing = {name: ibis.null(single[name].type()) for name in carried[1:]}
    return single.union(double.mutate(**nothing, contract_fault=ibis.literal(CONTRACT_FAULTS["twice"])))


def _said(text: str) -> ir.StringScalar:
    import ibis  # noqa: PLC0415 (an extra)

    return ibis.literal(text)


def market_of(rows: ir.Table, day: ir.DateColumn) -> ir.StringColumn:
    """The category of a market on a day: the EU as composed then, a country that is named, or other markets."""
    import ibis  # noqa: PLC0415 (an extra)

    text = day.cast("string")
    member = (rows.eu_since != "") & (rows.eu_since <= text) & ((rows.eu_until == "") | (text < rows.eu_until))
    return ibis.ifelse(member, "EU", rows.named)


def checked_executions(table: ir.Table, contracts: ir.Table) -> ir.Table:
    """Each different row of the executions with what its contract says of it, `fault`, and its `copies`.

    Rows that repeat another one in every column are one filing; that there were more shows in `copies`.
    """
    import ibis  # noqa: PLC0415 (an extra)

    rows = table.mutate(contract_id=_text(table.contract_id))
    rows = rows.group_by(list(rows.columns)).agg(copies=ibis._.count())
    shown = [_text(rows[name]) for name in ("executed_on", "amount_usd", "filed_on")]
    raw = shown[0].concat(" ", shown[1], " ", shown[2])
    days = {name: _day(rows[name]) for name in ("executed_on", "filed_on")}
    rows = rows.mutate(raw=raw, amount_usd=_money(rows.amount_usd), **days)
    rows = rows.left_join(_one_each(contracts), "contract_id").drop("contract_id_right")
    faults = {
        "day": rows.executed_on.isnull() | rows.filed_on.isnull(),
        "amount": rows.amount_usd.isnull() | (rows.amount_usd <= 0),
        "unknown": rows.contract_fault.isnull() | (rows.contract_id == ""),
        "contract": ~rows.contract_fault.isin(["", NO_RATE, UNAUDITED]),
        "before": rows.executed_on < rows.signed_on,
        "filed": rows.filed_on < rows.executed_on,
    }
    rows = rows.mutate(fault=_first_fault(faults, EXECUTION_FAULTS))
    fault = ibis.ifelse((rows.fault == "") & (rows.contract_fault == UNAUDITED), UNAUDITED, rows.fault)
    rows = rows.mutate(fault=fault, year=rows.executed_on.year(), market=market_of(rows, rows.executed_on))
    return rows.drop("named", "eu_since", "eu_until", "contract_fault", "signed_on")
