"""DuckDB and Spark check and add up alike; a million executions, from two lists to the report, also in plain pandas.

Run with `make million`; it takes a minute or two and needs Java.
`make test` compares DuckDB and pandas, with thousands.
"""

import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from test_aggregation import assert_the_same, expected

from hzso_analysis import aggregation, ledger
from hzso_analysis.faults import DataError
from hzso_analysis.publication import publish
from hzso_analysis.report import build_report
from hzso_analysis.synthetic import make_ledger

# the client of Spark leaves its sockets to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def test_both_engines_check_and_add_up_alike(spark, tmp_path):
    make_ledger(tmp_path / "in", executions=5_000, seed=5, faults=0.05, kind="csv")
    lists = tmp_path / "in" / "contracts.csv", tmp_path / "in" / "executions.csv"
    kept = {name: ledger.keep(*lists, tmp_path / name, engine=name) for name in ("duckdb", "local")}
    assert kept["duckdb"].lines == kept["local"].lines and kept["duckdb"].rejected > 300
    for name in ("contracts", "executions"):
        texts = [(each.folder / f"rejected-{name}.csv").read_bytes() for each in kept.values()]
        assert texts[0] == texts[1]
        tables = [pd.read_parquet(each.folder / f"{name}.parquet") for each in kept.values()]
        both = [table.sort_values([*table.columns], ignore_index=True)[sorted(table)] for table in tables]
        pd.testing.assert_frame_equal(*both, check_dtype=False)
    cons = {"duckdb": ledger.connect(), "local": spark}
    found = [aggregation.aggregate(con, kept[name].folder, cut_off=True) for name, con in cons.items()]
    pd.testing.assert_frame_equal(found[0].cells, found[1].cells)
    pd.testing.assert_frame_equal(found[0].leading, found[1].leading)
    assert found[0].late == found[1].late and found[0].late[0] > 10


def test_spark_names_ragged_lines_without_a_trace_of_java(tmp_path):
    make_ledger(tmp_path / "in", executions=500, kind="csv")
    lists = tmp_path / "in" / "contracts.csv", tmp_path / "in" / "executions.csv"
    # a column that nobody asked for: Spark would not even look at it
    lines = [f"{line},remark" for line in lists[1].read_text(encoding="utf-8").splitlines()]
    lines[3], lines[5] = f"{lines[3]},9", lines[5].rpartition(",")[0]
    lists[1].write_text("\n".join(lines), encoding="utf-8")
    words = [*map(str, lists), "--area", "synthetic", "--year", "2011", "--engine", "local[1]"]
    command = [sys.executable, "-c", "from hzso_analysis.cli import main; main()", "aggregate", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not (tmp_path / "ledger").exists()
    for said in ("executions.csv:4: 6 fields where 5 are expected", "executions.csv:6: 4 fields where 5 are expected"):
        assert said in done.stderr
    assert "Exception" not in done.stderr and "\tat " not in done.stderr, done.stderr


def test_a_text_over_several_lines_is_refused_by_spark(spark, tmp_path):
    make_ledger(tmp_path / "in", executions=100, kind="csv")
    lists = tmp_path / "in" / "contracts.csv", tmp_path / "in" / "executions.csv"
    text = lists[0].read_text(encoding="utf-8")
    lists[0].write_text(text.replace('"offshore"', '"offshore\n"', 1), encoding="utf-8")
    with pytest.raises(
        DataError, match=r"contracts\.csv: no text in double quotes may run over several lines in Spark"
    ):
        ledger.keep(*lists, tmp_path / "store", engine="local")


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
