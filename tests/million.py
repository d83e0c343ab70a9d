"""A million executions, from two lists to the report: the same sums in DuckDB, Spark and plain pandas.

Run with `make million`; it takes a minute or two and needs Java. `make test` does the same with a few thousand.
"""

from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
from test_aggregation import assert_the_same, expected, leaving_sockets

from hzso_analysis import aggregation, ledger
from hzso_analysis.publication import publish
from hzso_analysis.report import build_report
from hzso_analysis.synthetic import make_ledger


@leaving_sockets
def test_a_million_executions_are_the_same_in_duckdb_spark_and_pandas(spark, tmp_path):
    lists = make_ledger(tmp_path / "in", executions=1_000_000, seed=11)
    store = ledger.keep(*lists, tmp_path / "store").folder
    found = {name: aggregation.aggregate(con, store) for name, con in (("duckdb", ledger.connect()), ("spark", spark))}
    pd.testing.assert_frame_equal(found["duckdb"].cells, found["spark"].cells)
    pd.testing.assert_frame_equal(found["duckdb"].leading, found["spark"].leading)
    assert_the_same(found["spark"].cells, expected(*(pd.read_parquet(path) for path in lists)))
    # and the report of it, from end to end
    publish(*lists, areas=["synthetic"], years=range(2008, 2013), store=store, out=tmp_path / "figures")
    page = build_report(area="synthetic", year=2011, data_dir=tmp_path / "figures", out_dir=tmp_path / "out")
    total = found["duckdb"].cells.query("indicator == 'contracts executed' and category == 'total' and year == 2011")
    offshore = total.set_index("flow")["value"]["offshore"]
    assert f"{offshore.quantize(Decimal('0.01'), ROUND_HALF_UP):,}" in page.read_text(encoding="utf-8")
