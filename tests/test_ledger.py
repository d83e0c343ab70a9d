"""Contract records: read, checked, kept; every row counts or is listed with the reason."""

import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("duckdb")
pytest.importorskip("ibis")

from hzso_analysis import ledger
from hzso_analysis.faults import DataError
from hzso_analysis.folders import DATA_DIR

CONTRACTS = "contract_id,enterprise_id,area,flow,business_type,subtype,industry,market,signed_on,currency"
CONTRACTS += ",signed_amount,signed_usd,status"
EXECUTIONS = "contract_id,executed_on,amount_usd,filed_on"
GOOD = "C1,E1,here,offshore,ITO,software R&D,,US,2011-01-05,USD,100.10,,approved"
DONE = "C1,2011-03-01,50.05,2011-03-31"
BAD_CONTRACTS = {
    ",E1,here,offshore,ITO,,,US,2011-01-05,USD,1,,approved": "a contract, enterprise or area is not named",
    "C2,E1,here,abroad,ITO,,,US,2011-01-05,USD,1,,approved": "flow is neither offshore nor onshore",
    "C2,E1,here,offshore,BTO,,,US,2011-01-05,USD,1,,approved": "business type is none of ITO, BPO, KPO",
    "C2,E1,here,offshore,ITO,,banking,US,2011-01-05,USD,1,,approved": "unknown industry",
    "C2,E1,here,offshore,ITO,,,XX,2011-01-05,USD,1,,approved": "unknown country",
    "C2,E1,here,offshore,ITO,,,us,2011-01-05,USD,1,,approved": "unknown country",
    "C2,E1,here,offshore,ITO,,,CN,2011-01-05,USD,1,,approved": "flow does not fit the country: offshore is every",
    "C2,E1,here,onshore,ITO,,,HK,2011-01-05,USD,1,,approved": "flow does not fit the country: offshore is every",
    "C2,E1,here,offshore,ITO,,,US,2011-1-5,USD,1,,approved": "day of signing is no date such as 2011-06-30",
    "C2,E1,here,offshore,ITO,,,US,2011-02-30,USD,1,,approved": "day of signing is no date such as 2011-06-30",
    "C2,E1,here,offshore,ITO,,,US,05/01/2011,USD,1,,approved": "day of signing is no date such as 2011-06-30",
    "C2,E1,here,offshore,ITO,,,US,2011-01-05,USD,1.005,,approved": "signed amount is no number with at most two",
    "C2,E1,here,offshore,ITO,,,US,2011-01-05,USD,-1,,approved": "signed amount is no number with at most two",
    'C2,E1,here,offshore,ITO,,,US,2011-01-05,USD,"1,000",,approved': "signed amount is no number with at most two",
    "C2,E1,here,offshore,ITO,,,US,2011-01-05,USD,1,,audited": "unknown status",
    "C2,E1,here,offshore,ITO,,,US,2011-01-05,USD,1,,draft": "contract is neither approved nor changed",
    "C2,E1,here,offshore,ITO,,,US,2011-01-05,EUR,1,,approved": "currency without rate",
}
BAD_EXECUTIONS = {
    "C1,2011-3-1,50.05,2011-03-31": "day of execution or of filing is no date",
    "C1,2011-03-01,50.05,": "day of execution or of filing is no date",
    "C1,2011-03-01,0.00,2011-03-31": "amount is no number above zero with at most two decimals",
    "C1,2011-03-01,-5,2011-03-31": "amount is no number above zero with at most two decimals",
    "C1,2011-03-01,5e3,2011-03-31": "amount is no number above zero with at most two decimals",
    "C9,2011-03-01,50.05,2011-03-31": "unknown contract",
    ",2011-03-01,50.05,2011-03-31": "unknown contract",
    "C1,2011-01-04,50.05,2011-03-31": "executed before signed",
    "C1,2011-03-01,50.05,2011-02-28": "filed before executed",
}


def write(folder, name, head, *rows):
    path = folder / f"{name}.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def kept(folder, contracts=(GOOD,), executions=(DONE,), **options):
    paths = write(folder, "contracts", CONTRACTS, *contracts), write(folder, "executions", EXECUTIONS, *executions)
    return ledger.keep(*paths, folder / "store", **options)


def listed(store, name):
    path = store / f"rejected-{name}.csv"
    return (
        pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig") if path.exists() else pd.DataFrame()
    )


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """All bad rows among good ones, each contract under a number of its own."""
    contracts = [row.replace("C2", f"B{place}") for place, row in enumerate(BAD_CONTRACTS)]
    return kept(tmp_path_factory.mktemp("bad"), [GOOD, *contracts], [DONE, *BAD_EXECUTIONS])


@pytest.mark.parametrize(("place", "reason"), list(enumerate(BAD_CONTRACTS.values())))
def test_a_contract_that_cannot_count_is_listed_with_the_reason(bad, place, reason):
    rows = listed(bad.folder, "contracts").set_index("contract_id")["fault"]
    assert rows.loc[f"B{place}" if place else ""].startswith(reason)


@pytest.mark.parametrize(("row", "reason"), BAD_EXECUTIONS.items())
def test_an_execution_that_cannot_count_is_listed_with_the_reason(bad, row, reason):
    rows = listed(bad.folder, "executions")
    number, _, raw = row.partition(",")
    (fault,) = rows.loc[(rows["contract_id"] == number) & (rows["raw"] == raw.replace(",", " ")), "fault"]
    assert fault.startswith(reason)


def test_the_list_shows_all_that_was_typed_of_an_amount(tmp_path):
    found = kept(tmp_path, [GOOD, GOOD.replace("C1", "C2").replace("USD,100.10,", 'EUR,100.10,"1,000"')])
    assert listed(found.folder, "contracts")["raw"].tolist() == ["2011-01-05 100.10 1,000"]


def test_every_row_counts_or_is_counted_with_a_reason(bad):
    wanted = {"contracts": BAD_CONTRACTS, "executions": BAD_EXECUTIONS}
    heads = [f"{name}: {len(rows) + 1} rows, of which 1 count" for name, rows in wanted.items()]
    assert [line for line in bad.lines if line[:2] != "  "] == heads
    assert bad.rejected == len(BAD_CONTRACTS) + len(BAD_EXECUTIONS)
    assert any(line.startswith("  3 left out: day of signing is no date such as 2011-06-30") for line in bad.lines)


def test_executions_go_the_way_of_their_contract(tmp_path):
    contracts = [row.replace("C2", f"C{n}") for n, row in enumerate(BAD_CONTRACTS, start=2)]
    executions = [f"C{n},2012-03-01,1.00,2012-03-31" for n in range(2, len(contracts) + 2)]
    found = kept(tmp_path, contracts, executions)
    rows = listed(found.folder, "executions").set_index("contract_id")["fault"]
    faults = dict(zip(executions, BAD_CONTRACTS.values(), strict=True))
    for execution, reason in faults.items():
        name = execution.partition(",")[0]
        if reason == "currency without rate":
            assert name not in rows, "its executions are in USD"
        elif reason.startswith("contract is neither"):
            assert rows[name] == reason
        elif reason.startswith("a contract"):
            assert rows[name] == "unknown contract"
        else:
            assert rows[name] == "its contract was rejected"


def test_a_filing_that_comes_twice_counts_once(tmp_path):
    found = kept(tmp_path, [GOOD, GOOD], [DONE, DONE, DONE, DONE.replace("50.05", "50.06")])
    assert "  1 left out: the same row again, such as contract C1" in found.lines
    assert "executions: 4 rows, of which 2 count" in found.lines
    assert "  2 left out: duplicate filing, such as contract C1" in found.lines
    assert listed(found.folder, "executions")["copies"].tolist() == ["2"]


def test_a_contract_number_with_two_contents_counts_neither(tmp_path):
    found = kept(tmp_path, [GOOD, GOOD.replace("100.10", "100.11")])
    assert "  2 left out: contract number twice with different content, such as contract C1" in found.lines
    assert "  1 left out: its contract was rejected, such as contract C1" in found.lines


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(tmp_path):
    found = kept(tmp_path, [GOOD, GOOD.replace("C1,E1", "C2,=1+1").replace("ITO", "BTO")])
    assert listed(found.folder, "contracts")["enterprise_id"].tolist() == ["'=1+1"]


def test_csv_parquet_folders_and_partitions_are_the_same(tmp_path):
    contracts = [GOOD, GOOD.replace("C1,E1", " C2 , E2 ").replace("approved", "changed")]
    executions = [DONE, "C2,2012-03-01,7.00,2012-03-31", "C9,2012-03-01,7.00,2012-03-31"]
    first = kept(tmp_path, contracts, executions)
    texts = {
        n: pd.read_csv(tmp_path / f"{n}.csv", dtype=str, skipinitialspace=True) for n in ("contracts", "executions")
    }
    parts = tmp_path / "parts"
    for name, text in texts.items():
        frame = text.apply(lambda column: column.str.strip())
        for column in ("signed_on", "executed_on", "filed_on"):
            if column in frame:
                frame[column] = pd.to_datetime(frame[column]).dt.date
        (parts / name).mkdir(parents=True)
        for place, piece in enumerate((frame.iloc[:1], frame.iloc[1:])):
            folder = parts / name / f"year={2011 + place}"
            folder.mkdir()
            piece.to_parquet(folder / "part-0.parquet", index=False)
    second = ledger.keep(parts / "contracts", parts / "executions", tmp_path / "again")
    assert second.lines == first.lines
    columns = ["contract_id", "enterprise_id", "year", "market", "amount_usd", "fault"]
    tables = [pd.read_parquet(each.folder / "executions.parquet")[columns] for each in (first, second)]
    tables = [table.sort_values(["contract_id", "year"], ignore_index=True) for table in tables]
    pd.testing.assert_frame_equal(*tables)


def test_the_market_is_that_of_the_day(tmp_path):
    contracts = [GOOD.replace("US", "GB"), GOOD.replace("C1,", "C2,").replace("US", "HR"), GOOD.replace("C1,", "C3,")]
    contracts.append(GOOD.replace("C1,", "C4,").replace("US", "NO"))
    days = {"C1": ["2020-01-31", "2020-02-01"], "C2": ["2013-06-30", "2013-07-01"], "C3": ["2011-02-01"]}
    days["C4"] = ["2011-02-01"]
    executions = [f"{name},{day},1.00,2021-01-01" for name, both in days.items() for day in both]
    table = pd.read_parquet(kept(tmp_path, contracts, executions).folder / "executions.parquet")
    found = table.sort_values(["contract_id", "executed_on"])["market"].tolist()
    assert found == ["EU", "United Kingdom", "other markets", "EU", "USA", "other markets"]


def test_columns_that_are_missing_are_all_named(tmp_path):
    contracts = write(tmp_path, "contracts", CONTRACTS.replace("market,", "").replace("status", "state"))
    executions = write(tmp_path, "executions", EXECUTIONS, DONE)
    with pytest.raises(DataError) as error:
        ledger.keep(contracts, executions, tmp_path / "store")
    assert [fault.split("; it has")[0] for fault in error.value.faults] == [
        "contracts.csv:1: column market is missing (did you mean area?)",
        "contracts.csv:1: column status is missing (did you mean state?)",
    ]
    assert not (tmp_path / "store").exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("contracts", "said"),
    [("nowhere.csv", "there is no such file or folder"), ("empty", "holds no CSV or Parquet files")],
)
def test_what_is_not_there_is_named(tmp_path, contracts, said):
    (tmp_path / "empty").mkdir()
    executions = write(tmp_path, "executions", EXECUTIONS, DONE)
    with pytest.raises(DataError, match=said):
        ledger.keep(tmp_path / contracts, executions, tmp_path / "store")


def test_a_file_that_is_no_table_is_one_plain_fault(tmp_path):
    (tmp_path / "contracts.parquet").write_bytes(b"no table")
    executions = write(tmp_path, "executions", EXECUTIONS, DONE)
    with pytest.raises(DataError, match=r"contracts: .*contracts\.parquet: cannot be read: "):
        ledger.keep(tmp_path / "contracts.parquet", executions, tmp_path / "store")


@pytest.mark.parametrize("rows", [3, 30_000], ids=["where the columns are guessed", "far below"])
def test_a_line_with_too_many_or_too_few_fields_is_named(tmp_path, rows):
    contracts = write(tmp_path, "contracts", CONTRACTS, GOOD)
    executions = write(tmp_path, "executions", EXECUTIONS, *[DONE] * rows, f"{DONE},9", "C1,2011-03-01", DONE)
    with pytest.raises(DataError) as caught:
        ledger.keep(contracts, executions, tmp_path / "store")
    assert caught.value.faults == [
        f"executions.csv:{rows + 2}: 5 fields where 4 are expected",
        f"executions.csv:{rows + 3}: 2 fields where 4 are expected",
    ]
    assert not (tmp_path / "store").exists()


def test_of_many_such_lines_the_first_are_named_and_the_others_counted(tmp_path):
    contracts = write(tmp_path, "contracts", CONTRACTS.replace(",", ";"), *["C2;a,b"] * 14)
    executions = write(tmp_path, "executions", EXECUTIONS, DONE)
    with pytest.raises(DataError) as caught:
        ledger.keep(contracts, executions, tmp_path / "store")
    assert caught.value.faults[9:] == ["contracts.csv:11: 2 fields where 13 are expected", "and 4 further lines"]


@pytest.mark.parametrize("engine", ["foo", "duckdb2", "", "localhost"])
def test_an_engine_that_there_is_not_is_refused_before_anything_starts(engine):
    with pytest.raises(ValueError, match=r"^engine: found .*; write duckdb, spark, or the URL of a Spark master"):
        ledger.connect(engine)


def test_a_master_that_does_not_answer_is_told_before_java_waits_for_it():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"spark://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"^engine: no master answers at {url} .*refused"):
            ledger.connect(url)


@pytest.mark.parametrize("table", ["countries", "categories"])
def test_a_store_is_made_again_when_what_the_checks_know_has_changed(tmp_path, monkeypatch, table):
    first = kept(tmp_path)
    stamp, known = first.folder.stat().st_ino, ledger.file_hash
    monkeypatch.setattr(ledger, "file_hash", lambda path: known(path) + "!" * (path.stem == table))
    ledger.keep(tmp_path / "contracts.csv", tmp_path / "executions.csv", first.folder)
    assert first.folder.stat().st_ino != stamp


def test_a_store_is_used_again_until_the_records_change(tmp_path):
    first = kept(tmp_path)
    stamp = first.folder.stat().st_ino
    again = ledger.keep(tmp_path / "contracts.csv", tmp_path / "executions.csv", first.folder)
    assert again == first and first.folder.stat().st_ino == stamp
    write(tmp_path, "executions", EXECUTIONS, DONE, DONE.replace("2011-03-01", "2011-03-02"))
    changed = ledger.keep(tmp_path / "contracts.csv", tmp_path / "executions.csv", first.folder)
    assert "executions: 2 rows, of which 2 count" in changed.lines
    assert not list(tmp_path.glob(".*")), "what it was made in is gone"


@pytest.mark.parametrize("terminal", [True, False])
def test_checking_shows_its_steps_on_a_terminal(tmp_path, monkeypatch, terminal):
    said = io.StringIO()
    monkeypatch.setattr(said, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", said)
    kept(tmp_path, progress=True)
    steps = ["checking contracts", "sorting contracts", "checking executions", "counting executions", "5/5"]
    assert [step for step in steps if step in said.getvalue()] == (steps if terminal else [])
    shown = said.tell()
    kept(tmp_path)
    assert said.tell() == shown, "no bar that was not asked for"


def test_an_interrupt_between_two_moves_keeps_the_old_store(tmp_path, monkeypatch):
    first, move = kept(tmp_path), Path.rename

    def rename(path, target):
        if path.name == "new":
            raise KeyboardInterrupt
        return move(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, [GOOD, GOOD.replace("C1,", "C2,")])
    assert len(pd.read_parquet(first.folder / "contracts.parquet")) == 1
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_is_no_store_is_never_replaced(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match=r"store: .* is no folder of checked records; choose another one"):
        kept(tmp_path)
    assert (tmp_path / "store" / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_the_schema_names_these_columns():
    resources = json.loads((DATA_DIR / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    names = {
        r["name"]: [f["name"] for f in r["schema"]["fields"]]
        for r in resources
        if r["name"] in ("contracts", "executions")
    }
    assert [",".join(columns) for columns in names.values()] == [CONTRACTS, EXECUTIONS]


def test_without_the_extra_the_command_says_which_line_installs_it(tmp_path):
    kept(tmp_path)
    blocked = "import sys\nfor name in ('duckdb', 'ibis', 'pyarrow'): sys.modules[name] = None\n"
    code = f"{blocked}from hzso_analysis.cli import main\n"
    lists = [str(tmp_path / f"{name}.csv") for name in ("contracts", "executions")]
    asked = ["aggregate", *lists, "--area", "here", "--year", "2011", "--store", str(tmp_path / "other")]
    done = subprocess.run([sys.executable, "-c", f"{code}main({asked!r})"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert 'install it with: pip install "hzso-analysis[ledger]"' in done.stderr
    done = subprocess.run([sys.executable, "-c", f"{code}main(['check'])"], capture_output=True, check=False)
    assert done.returncode == 0, "nothing else needs it"
