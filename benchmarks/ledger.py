"""How long contract records take to add up: ours, the same figures by pandas and polars, and reading the columns alone.

Run with `python benchmarks/ledger.py`; ways are whole processes that take turns over the same Parquet files of checked
records, medians count. Each works out totals by flow, type, industry and market, sums of each enterprise, size bands,
the k largest and the HHI of each area and year. `limit` is DuckDB reading every value of the columns and no more. The
last line is the time of pandas divided by ours at the first size.

    python benchmarks/ledger.py --rows 10000000 --rows 100000000 --areas 1 --keep /tmp/records
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

KEYS = ["area", "year", "flow"]
COLUMNS = [*KEYS, "business_type", "industry", "market", "enterprise_id"]
LISTS = {"executions": "amount_usd", "contracts": "signed_usd"}
EDGES = [0, 1e6, 5e6, 1e7, 3e7, 5e7, 1e8, float("inf")]
LEADING = (1, 2, 4, 8, 20)


def limit(store: str) -> float:
    import duckdb  # noqa: PLC0415 (only the way that is measured loads its library)

    texts = ", ".join(f"max({name})" for name in [*COLUMNS, "fault"] if name != "year")
    found = []
    for name, amount in LISTS.items():
        asked = f"select sum({amount}), sum(year), {texts} from '{store}/{name}.parquet'"
        found.append(duckdb.sql(asked).fetchone()[0])
    return float(found[0])


def ours(store: str, engine: str = "duckdb") -> float:
    import hzso_analysis.cli  # noqa: F401, PLC0415 (sets how garbage is looked for)
    from hzso_analysis import aggregation, ledger  # noqa: PLC0415

    found = aggregation.aggregate(ledger.connect(engine), store).cells
    total = found.query("indicator == 'contracts executed' and category == 'total' and flow == 'all'")["value"].sum()
    return float(total) * 1e6


def spark(store: str) -> float:
    return ours(store, f"local[{os.cpu_count()}]")


def in_pandas(store: str) -> float:
    import pandas as pd  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    for name, amount in reversed(LISTS.items()):
        table = pq.read_table(f"{store}/{name}.parquet", columns=[*COLUMNS, amount], filters=[("fault", "=", "")])
        # decimals would become objects of Python, with many times the time and memory
        place = table.column_names.index(amount)
        rows = table.set_column(place, amount, table[amount].cast("float64")).to_pandas()
        for flows in (KEYS, KEYS[:2]):
            for column in COLUMNS[3:]:
                rows.groupby([*flows, column])[amount].sum()
    for flows in (KEYS, KEYS[:2]):
        firms = rows.groupby([*flows, "enterprise_id"])["amount_usd"].sum().reset_index()
        firms = firms.sort_values([*flows, "amount_usd"], ascending=False)
        firms["rank"] = firms.groupby(flows).cumcount() + 1
        firms["band"] = pd.cut(firms["amount_usd"], EDGES, right=False)
        firms.groupby([*flows, "band"], observed=True)["amount_usd"].agg(["sum", "count"])
        totals = firms.groupby(flows)["amount_usd"].sum()
        for k in LEADING:
            firms[firms["rank"] <= k].groupby(flows)["amount_usd"].sum() / totals
        (firms.assign(square=firms["amount_usd"] ** 2).groupby(flows)["square"].sum()) / totals**2
    return float(totals.sum())


def in_polars(store: str) -> float:
    import polars as pl  # noqa: PLC0415

    asked = []
    for name, amount in reversed(LISTS.items()):
        rows = pl.scan_parquet(f"{store}/{name}.parquet").filter(pl.col("fault") == "").select([*COLUMNS, amount])
        for flows in (KEYS, KEYS[:2]):
            asked += [rows.group_by([*flows, column]).agg(pl.col(amount).sum()) for column in COLUMNS[3:]]
    tables = pl.collect_all(asked, engine="streaming")[-2 * len(COLUMNS[3:]) :]
    every = tables[-1]
    for flows, firms in ((KEYS, tables[3]), (KEYS[:2], every)):
        amount = pl.col("amount_usd").cast(pl.Float64)
        ranked = firms.with_columns(amount, rank=pl.col("amount_usd").rank("ordinal", descending=True).over(flows))
        band = pl.sum_horizontal([amount >= edge for edge in EDGES[1:-1]]).alias("band")
        ranked.group_by([*flows, band]).agg(amount.sum(), pl.len())
        tops = [(amount * (pl.col("rank") <= k)).sum().alias(f"top{k}") for k in LEADING]
        ranked.group_by(flows).agg(amount.sum(), (amount**2).sum().alias("squares"), *tops)
    return float(every["amount_usd"].sum())


WAYS = {"limit": limit, "ours": ours, "polars": in_polars, "pandas": in_pandas, "ours on Spark": spark}


def measured(way: str, store: Path) -> tuple[float, float, float]:
    """Seconds of the whole process, the megabytes it held at most, and the total it found."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, __file__, "--way", way, str(store)], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{way} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024, float(said)


def records(folder: Path, rows: int, areas: int) -> Path:
    """The checked records of a synthetic ledger, made once in a folder that is kept."""
    from hzso_analysis import ledger, synthetic  # noqa: PLC0415

    place = folder / f"{rows}-{areas}"
    if not (place / "store").exists():
        names = [f"synthetic-{number}" for number in range(areas)]
        if not (place / "in").exists():
            synthetic.make_ledger(place / "in", executions=rows, areas=names, progress=True)
        ledger.keep(place / "in" / "contracts", place / "in" / "executions", place / "store")
    return place / "store"


def compare(store: Path, rows: int, ways: list[str], repeat: int) -> float:
    """Print a line for each way and return the time of pandas divided by ours."""
    found: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
    for _ in range(repeat):
        for way in ways:
            found[way].append(measured(way, store))
    seconds = {way: statistics.median(run[0] for run in runs) for way, runs in found.items()}
    for way, runs in found.items():
        ratio, most = seconds[way] / seconds["limit"], max(run[1] for run in runs)
        print(f"{way:16}{rows:13,}{seconds[way]:10.1f}{ratio:11.1f}{most:9,.0f}{runs[0][2]:22,.2f}", flush=True)
    return seconds.get("pandas", float("nan")) / seconds["ours"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=int, action="append", help="executions; 10,000,000 by default, may be given again"
    )
    parser.add_argument("--areas", type=int, default=1, help="areas they are spread over")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each way; the median counts")
    parser.add_argument("--ways", default="limit,ours,polars,pandas", help=f"of {', '.join(WAYS)}")
    parser.add_argument("--keep", help="folder in which the records stay for the next time")
    parser.add_argument("--way", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(WAYS[options.way[0]](options.way[1]))
        return
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(f"{'':16}{'executions':>13}{'seconds':>10}{'it / limit':>11}{'peak MB':>9}{'total, USD':>22}")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows or [10_000_000]:
            # in a process of its own, whose memory would be counted as that of what this one starts
            with ProcessPoolExecutor(1) as aside:
                store = aside.submit(records, Path(options.keep or folder), rows, options.areas).result()
            ratios.append(compare(store, rows, options.ways.split(","), options.repeat))
    print(f"ratio: {ratios[0]:.2f}")


if __name__ == "__main__":
    main()
