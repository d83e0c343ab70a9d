"""Synthetic ledgers: the schema of real ones, plausible numbers, faults as asked, whole or not at all."""

import csv
import hashlib
import json
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet

from hzso_analysis import synthetic_rows
from hzso_analysis.cli import main
from hzso_analysis.folders import DATA_DIR
from hzso_analysis.synthetic import make_ledger
from hzso_analysis.synthetic_rows import RATES, TYPES

RESOURCES = json.loads((DATA_DIR / "datapackage.json").read_text(encoding="utf-8"))["resources"]
SCHEMAS = {resource["name"]: resource.get("schema") for resource in RESOURCES}
MONEY = ["signed_amount", "signed_usd", "amount_usd"]


def fields_of(name):
    return {field["name"]: field for field in SCHEMAS[name]["fields"]}


def rows(path):
    """A table of a ledger in pandas, money in cents."""
    table = parquet.read_table(path, partitioning=None) if path.is_dir() else None
    made = table.to_pandas() if table else pd.read_csv(path, dtype=str)
    for column in made.columns.intersection(MONEY):
        made[column] = pd.to_numeric(made[column]).mul(100).round()
    for column in made.columns[made.columns.str.endswith("_on")]:
        made[column] = pd.to_datetime(made[column])
    return made


def ledger(folder, **options):
    return [rows(path) for path in make_ledger(folder, **options)]


def texts(table):
    return table.astype(object).where(table.notna(), "").astype(str)


def in_order(table):
    return table.sort_values(list(table.columns), ignore_index=True)


def hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the ledger that is made by default."""
    folder = tmp_path_factory.mktemp("ledgers") / "made"
    make_ledger(folder)
    return folder


@pytest.fixture(scope="module")
def contracts(made):
    return rows(made / "contracts")


@pytest.fixture(scope="module")
def executions(made, contracts):
    """The executions with the contracts they belong to."""
    return rows(made / "executions").merge(contracts, how="left", on="contract_id", validate="many_to_one")


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(tmp_path, kind):
    asked = {"executions": 4_000, "faults": 0.1, "kind": kind}
    for name, seed in [("one", 3), ("again", 3), ("other", 4)]:
        make_ledger(tmp_path / name, seed=seed, **asked)
    one, again, other = (hashes(tmp_path / name) for name in ["one", "again", "other"])
    assert one == again
    assert one.keys() == other.keys()
    assert not [name for name in one if one[name] == other[name]]
    ending = ".csv" if kind == "csv" else ""
    first, second = (rows(tmp_path / name / f"contracts{ending}") for name in ["one", "other"])
    assert (first["signed_on"] == second["signed_on"]).mean() < 0.01


def test_files_lie_where_readers_of_partitions_look_for_them(made):
    years = [f"executions/year={year}/part-0000.parquet" for year in range(2008, 2013)]
    assert list(hashes(made)) == ["contracts/part-0000.parquet", *years]
    for path in (made / "executions").iterdir():
        days = parquet.read_table(path / "part-0000.parquet", partitioning=None)["executed_on"].to_pylist()
        assert {f"year={day.year}" for day in days} == {path.name}


@pytest.mark.parametrize("name", ["contracts", "executions"])
def test_columns_and_their_types_are_those_of_the_schema(made, name):
    types = {"string": pa.string(), "date": pa.date32(), "number": pa.decimal128(18, 2)}
    table = parquet.read_table(made / name, partitioning=None)
    wanted = [(column, types[field["type"]]) for column, field in fields_of(name).items()]
    assert list(zip(table.schema.names, table.schema.types, strict=True)) == wanted


def test_words_are_those_of_the_schema_and_of_the_dimensions(contracts):
    for column, field in fields_of("contracts").items():
        limits = field.get("constraints", {})
        assert not (limits.get("required") and contracts[column].isna().any()), column
        if "enum" in limits:
            assert set(contracts[column]) == set(limits["enum"]), column
    categories = pd.read_csv(DATA_DIR / "categories.csv")
    assert set(contracts["industry"].dropna()) <= set(categories.loc[categories["dimension"] == "industry", "id"])
    countries = pd.read_csv(DATA_DIR / "countries.csv", keep_default_na=False)
    assert set(contracts["market"]) <= set(countries["iso"])
    in_eu = countries.loc[countries["eu_since"] != "", "iso"]
    assert {"US", "JP", "HK", "KR", "SG", "TW", "IN", "GB", "CN"} <= set(contracts["market"])
    assert contracts["market"].isin(in_eu).mean() > 0.1


def test_sub_types_and_industries_fit_the_business_type(contracts):
    found = contracts.groupby("business_type")[["subtype", "industry"]].agg(lambda words: set(words.dropna()))
    assert found.loc["ITO", "industry"] == {"software outsourcing", "network R&D", "financial services"}
    assert found.loc["BPO", "industry"] == {"financial services"}
    assert found.loc["BPO", "subtype"] == {"data processing", "call centre", "supply-chain management"}
    assert {"industrial design", "animation and game design"} < found.loc["KPO", "subtype"]
    assert sum(map(len, found["subtype"])) == contracts["subtype"].nunique()
    assert contracts["industry"].isna().mean() > 0.1
    fields = pd.Series({name: part for name, _, part in synthetic_rows.FIELDS[4:7]})
    parts = contracts.loc[contracts["business_type"] == "BPO", "subtype"].value_counts(normalize=True)
    assert (parts - fields / 100).abs().max() < 0.05


def test_types_flows_and_statuses_are_as_common_as_said(contracts):
    parts = contracts["business_type"].value_counts(normalize=True)
    assert all(abs(parts[name] - part) < 0.05 for name, part in TYPES.items())
    assert abs((contracts["flow"] == "offshore").mean() - 0.8) < 0.05
    assert ((contracts["flow"] == "onshore") == (contracts["market"] == "CN")).all()
    assert 0.9 < contracts["status"].isin(["approved", "changed"]).mean() < 0.98
    assert (contracts["currency"] == "USD").mean() > 0.6


def test_a_firm_has_one_area_and_a_main_type_and_market(contracts, tmp_path):
    groups = contracts.groupby("enterprise_id").filter(lambda rows: len(rows) >= 20).groupby("enterprise_id")
    for column, part in [("business_type", 0.8), ("market", 0.7)]:
        assert groups[column].agg(lambda words: words.value_counts(normalize=True).max()).mean() > part
    areas = ("synthetic", "synthetic-east", "synthetic-west")
    several, filed = ledger(tmp_path / "several", areas=areas, executions=20_000, enterprises=50)
    assert set(several["area"]) == set(areas)
    assert (several["area"] == np.array(areas)[(several["enterprise_id"].str[5:].astype(int) - 1) // 50]).all()
    assert len(several[["enterprise_id", "area"]].drop_duplicates()) == several["enterprise_id"].nunique() == 150
    joined = filed.merge(several)
    totals = joined[joined["executed_on"].dt.year == 2011].groupby("area")["amount_usd"].sum() / 1e8
    assert totals.between(1999, 2001).all()


def test_every_row_is_marked_as_made_up(contracts, executions):
    assert contracts["contract_id"].str.fullmatch(r"SYN-C\d{9}").all()
    assert contracts["contract_id"].is_unique
    assert contracts["enterprise_id"].str.fullmatch(r"SYN-E\d{6}").all()
    assert set(contracts["area"]) == {"synthetic"}
    assert executions["contract_id"].str.fullmatch(r"SYN-C\d{9}").all()


def test_days_are_in_order(executions):
    signed, executed, filed = (executions[f"{name}_on"] for name in ["signed", "executed", "filed"])
    assert (signed < executed).all()  # a missing contract would fail here, too
    assert (executed < filed).all()
    assert set(executed.dt.year) == set(range(2008, 2013))
    after_march = filed > pd.to_datetime({"year": executed.dt.year + 1, "month": 3, "day": 31})
    assert 0.025 < after_march.mean() < 0.06
    assert after_march.groupby(executed.dt.year).mean().min() > 0.02


@pytest.mark.parametrize("options", [{}, {"executions": 3_000}, {"enterprises": 30}, {"seed": 9}])
def test_totals_of_the_years_do_not_depend_on_the_rows(tmp_path, executions, options):
    found = ledger(tmp_path / "it", **options)[1] if options else executions
    assert len(found) == options.get("executions", 100_000)
    assert found["amount_usd"].min() >= 1
    totals = found.groupby(found["executed_on"].dt.year)["amount_usd"].sum() / 1e8
    assert totals.round(0).to_dict() == {2008: 910, 2009: 1183, 2010: 1538, 2011: 2000, 2012: 2600}


def test_rows_become_more_from_year_to_year_without_a_heap_at_the_end(executions):
    counts = executions["executed_on"].dt.year.value_counts().sort_index()
    assert counts.is_monotonic_increasing
    assert counts[2012] < 1.3 * counts[2011]
    months = executions["executed_on"].dt.to_period("M").value_counts().sort_index()
    assert months.iloc[-1] < 1.3 * months.iloc[-6]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sizes_of_firms_are_heavy_tailed(tmp_path, seed):
    contracts, filed = ledger(tmp_path / "it", seed=seed)
    sizes = filed.merge(contracts).groupby("enterprise_id")["amount_usd"].sum().sort_values(ascending=False)
    assert len(sizes) == 800
    shares = sizes / sizes.sum()
    assert 0.3 < shares.head(20).sum() < 0.65
    assert shares.iloc[0] < 0.3
    # log size falls with log rank by about 1 / alpha
    slope = np.polyfit(np.log(np.arange(5, 401)), np.log(sizes.iloc[4:400]), 1)[0]
    assert abs(-1 / slope - synthetic_rows.ALPHA) < 0.25


def test_contracts_have_several_executions_of_mostly_no_more_than_was_signed(contracts, executions):
    done = executions.groupby("contract_id")["amount_usd"].agg(["sum", "size"])
    joined = contracts.set_index("contract_id").join(done, how="left")
    assert abs(len(executions) / len(contracts) - 4) < 0.01
    assert 0.05 < joined["sum"].isna().mean() < 0.25
    assert done["size"].max() > 30
    assert 0.01 < (joined["sum"] > joined["signed_usd"]).mean() < 0.05
    assert (joined["sum"] / joined["signed_usd"]).max() < 1.25


def test_amounts_in_usd_are_the_signed_ones_at_the_rate_to_the_cent(made):
    table = parquet.read_table(made / "contracts", columns=["currency", "signed_amount", "signed_usd"])
    for currency, amount, usd in zip(*(column.to_pylist() for column in table.columns), strict=True):
        assert abs(amount * RATES[currency] / 10_000 - usd) <= Decimal("0.005")
    assert set(table["currency"].to_pylist()) == set(RATES)


def faults_in(contracts, filed):
    joined = filed.merge(contracts, how="left", on="contract_id")
    rated = contracts["signed_usd"].notna()
    return {
        "country": (contracts["market"] == "XX").mean(),
        "rate": (~rated & (contracts["currency"] != "USD")).mean(),
        "rate of USD": (~rated & (contracts["currency"] == "USD")).mean(),
        "contract": joined["area"].isna().mean(),
        "early": (joined["executed_on"] < joined["signed_on"]).mean(),
        "twice": filed.duplicated().mean(),
    }


def test_faults_are_about_as_common_as_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_rows, "CHUNK", 2_000)  # what one chunk does not know another might
    clean = ledger(tmp_path / "clean", executions=40_000)
    assert set(faults_in(*clean).values()) == {0.0}
    spoilt = ledger(tmp_path / "spoilt", executions=40_000, faults=0.12)
    found = faults_in(*spoilt)
    wanted = {"country": 0.06, "rate": 0.06, "rate of USD": 0, "contract": 0.04, "early": 0.04, "twice": 0.04}
    assert {name: abs(found[name] - part) < 0.01 for name, part in wanted.items()} == dict.fromkeys(wanted, True)
    assert [len(table) for table in spoilt] == [len(table) for table in clean]
    same = (texts(clean[0]) == texts(spoilt[0])).all(axis=1).mean()
    assert abs(same - 0.88) < 0.01  # the other rows are as they were


def test_chunks_make_one_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_rows, "CHUNK", 700)
    contracts, filed = ledger(tmp_path / "it", executions=9_999)
    assert len(list((tmp_path / "it" / "contracts").iterdir())) == 4
    assert contracts["contract_id"].tolist() == [f"SYN-C{number:09}" for number in range(1, 2_501)]
    assert len(filed) == 9_999
    assert set(filed["contract_id"]) <= set(contracts["contract_id"])
    assert filed.groupby(filed["executed_on"].dt.year)["amount_usd"].sum()[2011] / 1e8 == pytest.approx(2000, rel=0.01)


def test_csv_and_parquet_hold_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_rows, "CHUNK", 1_000)
    asked = {"executions": 9_000, "faults": 0.1}
    one, other = (ledger(tmp_path / kind, kind=kind, **asked) for kind in ["csv", "parquet"])
    # the order differs: parts are by year
    for pair in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(*(in_order(texts(table)) for table in pair))
    with (tmp_path / "csv" / "executions.csv").open(encoding="utf-8") as lines:
        header, first = list(csv.reader(lines))[:2]
    assert header == list(fields_of("executions"))
    assert len(first[2].partition(".")[2]) == 2


@pytest.mark.parametrize("executions", [1, 2, 5, 9])
def test_the_smallest_ledgers_are_whole(tmp_path, executions):
    contracts, filed = ledger(
        tmp_path / "it", executions=executions, enterprises=1, years=(2100, 2100), faults=0.5, kind="csv"
    )
    assert (len(contracts), len(filed)) == (-(-executions // 4), executions)
    assert set(filed["executed_on"].dt.year) == {2100}


def test_all_wrong_arguments_are_named_at_once(tmp_path):
    wrong = {"executions": 0, "seed": -1, "years": (2012, 2008), "areas": ("hangzhou", "ningbo")}
    with pytest.raises(ValueError, match="executions is 0") as error:
        make_ledger(tmp_path / "it", **wrong, enterprises=0, faults=0.6, kind="xlsx")
    said = str(error.value)
    assert not [
        name
        for name in ["seed is -1", "2012 to 2008", "hangzhou", "ningbo", "enterprises is 0", "faults is 0.6", "xlsx"]
        if name not in said
    ]
    assert said.count(";") >= 7
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        *({"years": years} for years in [(1989, 2000), (2000, 2101)]),
        *({"areas": areas} for areas in [(), ("synthetic", "synthetic")]),
        {"faults": -0.1},
        {"faults": float("nan")},
    ],
)
def test_each_wrong_argument_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))}"):
        make_ledger(tmp_path / "it", executions=10, **wrong)


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    for taken in [tmp_path, tmp_path / "mine.txt"]:
        with pytest.raises(FileExistsError, match="there already; remove it or choose another folder"):
            make_ledger(taken, executions=10)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_nothing_is_left_behind_by_a_ledger_that_fails(tmp_path, monkeypatch, kind):
    real = synthetic_rows.chunk

    def chunk(plan, number):
        if number:
            assert [path for path in tmp_path.rglob("*") if path.is_file()]  # chunks are written as they are made
            raise OSError("disk full")
        return real(plan, number)

    monkeypatch.setattr(synthetic_rows, "CHUNK", 100)
    monkeypatch.setattr(synthetic_rows, "chunk", chunk)
    with pytest.raises(OSError, match="disk full"):
        make_ledger(tmp_path / "new" / "er" / "it", executions=1_000, kind=kind)
    assert not list(tmp_path.iterdir())
    (tmp_path / "new" / "er").mkdir(parents=True)
    with pytest.raises(OSError, match="disk full"):
        make_ledger(tmp_path / "new" / "er" / "it", executions=1_000, kind=kind)
    assert list(tmp_path.rglob("*")) == [tmp_path / "new", tmp_path / "new" / "er"]


def run(*words):
    return CliRunner().invoke(main, ["synthetic", *map(str, words)])


def test_the_command_writes_what_is_asked(tmp_path):
    words = ["--executions", 500, "--seed", 2, "--years", "2010-2011", "--enterprises", 5, "--faults", 0.1, "--csv"]
    done = run(tmp_path / "it", *words, "--area", "synthetic-a", "--area", "synthetic-b")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'it' / 'contracts.csv'}\n{tmp_path / 'it' / 'executions.csv'}\n"
    assert "made up" in done.stderr
    options = {"areas": ("synthetic-a", "synthetic-b"), "enterprises": 5, "faults": 0.1, "kind": "csv"}
    make_ledger(tmp_path / "same", executions=500, seed=2, years=(2010, 2011), **options)
    assert hashes(tmp_path / "it") == hashes(tmp_path / "same")
    assert run(tmp_path / "parts", "--executions", "50").stdout.split() == [
        str(tmp_path / "parts" / name) for name in ["contracts", "executions"]
    ]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--area", "hangzhou", "--faults", "2"], 2, "area hangzhou: .*; faults is 2"),
        (["--years", "2008,2011"], 2, "write the first and the last one, such as 2008-2012"),
        (["--years", "soon"], 2, "four-digit year"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, words, status, said):
    done = run(tmp_path / "it", *words)
    assert done.exit_code == status
    assert pd.Series([done.stderr.replace("\n", " ")]).str.contains(said)[0], done.stderr
    assert not list(tmp_path.iterdir())


def test_the_command_refuses_a_folder_that_is_there(tmp_path):
    done = run(tmp_path)
    assert (done.exit_code, done.stderr.startswith(f"Error: {tmp_path} is there already")) == (1, True)


def test_what_to_install_is_said_where_there_is_no_pyarrow(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "hzso_analysis.synthetic")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run(tmp_path / "it")
    assert done.exit_code == 1
    assert done.stderr.endswith('install it with: pip install "hzso-analysis[ledger]"\n')
    assert not list(tmp_path.iterdir())
