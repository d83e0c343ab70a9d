"""Sums of contract records against plain pandas in whole cents, the same in both engines."""

import datetime
import itertools
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("duckdb")
pytest.importorskip("ibis")

from hzso_analysis import aggregation, ledger
from hzso_analysis.figures import codebook
from hzso_analysis.synthetic import make_ledger

KEY = ["area", "year", "indicator", "flow", "category"]
BANDS = {"above USD 1 million": (1, None), "above USD 5 million": (5, None), "above USD 10 million": (10, None)}
BANDS |= {"USD 10 to 30 million": (10, 30), "USD 30 to 50 million": (30, 50), "USD 50 to 100 million": (50, 100)}
BANDS |= {"above USD 100 million": (100, None)}
HUNDRED_MILLION_CENTS = 100_000_000


def records(contracts, executions):
    """Contracts and executions that count, in plain pandas, with amounts in whole cents."""
    contracts = contracts[contracts["status"].isin(["approved", "changed"])].copy()
    countries = codebook("countries").set_index("iso")
    for table, days in ((contracts, ["signed_on"]), (executions, ["executed_on", "filed_on"])):
        for column in days:
            table[column] = pd.to_datetime(table[column])
    contracts["cents"] = [int(value * 100) if pd.notna(value) else -1 for value in contracts["signed_usd"]]
    executions = executions.drop_duplicates().merge(contracts, on="contract_id", suffixes=("", "_contract"))
    executions = executions[executions["executed_on"] >= executions["signed_on"]].copy()
    executions["cents"] = [int(value * 100) for value in executions["amount_usd"]]
    for table, day in ((contracts, "signed_on"), (executions, "executed_on")):
        table["year"] = table[day].dt.year
        own = countries.loc[table["market"]]
        since, until = (pd.to_datetime(own[name].replace("", None)).to_numpy() for name in ("eu_since", "eu_until"))
        date = table[day].to_numpy()
        member = (since <= date) & ~(until <= date)
        table["market"] = np.where(member, "EU", own["category"])
    return contracts[contracts["cents"] >= 0], executions


def with_all(table):
    return pd.concat([table, table.assign(flow="all")], ignore_index=True)


def by_category(table, indicator):
    """Sums in cents and the number of enterprises, the largest and the second of each cell."""
    found = {}
    table = with_all(table).assign(total="total")
    for column in ("total", "business_type", "industry", "market"):
        part = table[table[column] != ""]
        firms = part.groupby(["area", "year", "flow", column, "enterprise_id"])["cents"].sum()
        for (area, year, flow, category), own in firms.groupby(level=[0, 1, 2, 3]):
            top = sorted(own, reverse=True)
            found[area, year, indicator, flow, category] = (sum(top), len(top), top[0], top[1] if len(top) > 1 else 0)
    return found


def by_firm(executions):
    """Bands, numbers of enterprises and concentration of each flow."""
    found = {}
    sums = with_all(executions).groupby(["area", "year", "flow", "enterprise_id"])["cents"].sum()
    for (area, year, flow), own in sums.groupby(level=[0, 1, 2]):
        top, place = sorted(map(int, own), reverse=True), (area, year)
        found[*place, "enterprises", flow, "total"] = (len(top),)
        for name, (low, high) in BANDS.items():
            inside = [
                c for c in top if c >= low * HUNDRED_MILLION_CENTS and (not high or c < high * HUNDRED_MILLION_CENTS)
            ]
            found[*place, "enterprises", flow, name] = (len(inside),)
            found[*place, "contracts executed", flow, name] = (sum(inside), len(inside), *[*inside, 0, 0][:2])
        for k in (1, 2, 4, 8, 20):
            if k < len(top):
                share = Decimal(100 * sum(top[:k])) / sum(top)
                found[*place, f"CR{k}", flow, "total"] = (share.quantize(Decimal("1e-6"), ROUND_HALF_UP),)
        index = Decimal(10_000 * sum(c * c for c in top)) / sum(top) ** 2
        found[*place, "HHI", flow, "total"] = (index.quantize(Decimal("1e-4"), ROUND_HALF_UP),)
    return found


def expected(contracts, executions):
    contracts, executions = records(contracts, executions)
    found = by_category(executions, "contracts executed") | by_category(contracts, "contracts signed")
    found |= by_firm(executions)
    for key, rows in with_all(contracts).groupby(["area", "year", "flow"]):
        area, year, flow = key
        found[area, year, "number of contracts signed", flow, "total"] = (len(rows),)
    return found


def assert_the_same(cells, wanted):
    """Each cell to the cent, with its largest enterprises; what is not expected is a zero."""
    assert not cells.duplicated(KEY).any()
    found = {
        tuple(row[:5]): row[5:]
        for row in cells[[*KEY, "unit", "value", "firms", "largest", "second"]].itertuples(index=False)
    }
    for key, (unit, value, firms, largest, second) in found.items():
        if key not in wanted:
            assert (value, firms) == (0, 0), key
        elif unit == "USD million":
            cents = tuple(int(amount * 100_000_000) for amount in (value, largest, second))
            assert (cents[0], firms, *cents[1:]) == wanted[key], key
        else:
            assert value == wanted[key][0], key
    assert not wanted.keys() - found.keys()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    make_ledger(folder / "in", executions=20_000, seed=7, areas=("synthetic", "synthetic-b"), enterprises=90)
    tables = [pd.read_parquet(folder / "in" / name) for name in ("contracts", "executions")]
    return folder, ledger.keep(folder / "in" / "contracts", folder / "in" / "executions", folder / "store"), tables


def test_every_figure_is_that_of_plain_pandas(small):
    _, kept, tables = small
    found = aggregation.aggregate(ledger.connect(), kept.folder)
    assert_the_same(found.cells, expected(*tables))
    assert found.cells["area"].nunique() == 2 and {*range(2008, 2013)} <= {*found.cells["year"]}
    assert found.late == (0, 0)


def test_the_largest_enterprises_are_listed_from_the_first(small):
    _, kept, tables = small
    found = aggregation.aggregate(ledger.connect(), kept.folder, areas=["synthetic"], years=[2010]).leading
    _, executions = records(*tables)
    own = executions[(executions["area"] == "synthetic") & (executions["year"] == 2010)]
    for flow, rows in with_all(own).groupby("flow"):
        top = rows.groupby("enterprise_id")["cents"].sum().sort_values(ascending=False).head(24)
        listed = found[found["flow"] == flow]
        assert listed["rank"].tolist() == list(range(1, len(top) + 1))
        assert [int(amount * 100_000_000) for amount in listed["amount"]] == top.tolist()


def test_an_area_and_a_year_alone_are_what_they_are_among_all(small):
    _, kept, _ = small
    con = ledger.connect()
    every = aggregation.aggregate(con, kept.folder).cells
    alone = aggregation.aggregate(con, kept.folder, areas=["synthetic-b"], years=[2009, 2011]).cells
    same = every[(every["area"] == "synthetic-b") & every["year"].isin([2009, 2011])].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, same)


def test_what_is_filed_or_signed_after_a_day_does_not_count(small):
    _, kept, (contracts, executions) = small
    found = aggregation.aggregate(ledger.connect(), kept.folder, as_of=datetime.date(2011, 6, 30)).cells
    day = pd.Timestamp(2011, 6, 30)
    contracts, executions = records(contracts, executions)
    executions, contracts = executions[executions["filed_on"] <= day], contracts[contracts["signed_on"] <= day]
    wanted = (
        by_category(executions, "contracts executed") | by_category(contracts, "contracts signed") | by_firm(executions)
    )
    for key, rows in with_all(contracts).groupby(["area", "year", "flow"]):
        wanted[*key[:2], "number of contracts signed", key[2], "total"] = (len(rows),)
    assert_the_same(found, wanted)


# up to 31 March from 1 July of the year before; later from 1 January of the same year
FILED = {
    ("2017-07-01", "2018-03-31"): True,
    ("2017-06-30", "2018-03-31"): False,
    ("2017-12-31", "2018-04-01"): False,
    ("2018-01-01", "2018-04-01"): True,
    ("2018-01-01", "2018-12-31"): True,
    ("2016-12-31", "2018-01-01"): False,
    ("2018-02-01", "2018-03-31"): True,
    ("2018-12-31", "2019-03-31"): True,
    ("2018-12-31", "2019-04-01"): False,
}


def test_the_cut_off_is_the_rule_of_march_2018(tmp_path):
    head = "contract_id,enterprise_id,area,flow,business_type,subtype,industry,market,signed_on,currency,signed_amount"
    contract = f"{head},signed_usd,status\nC1,E1,here,offshore,ITO,,,US,2010-01-01,USD,100,,approved\n"
    (tmp_path / "contracts.csv").write_text(contract, encoding="utf-8")
    rows = [f"C1,{executed},{2**place}.00,{filed}" for place, (executed, filed) in enumerate(FILED)]
    (tmp_path / "executions.csv").write_text(
        "\n".join(["contract_id,executed_on,amount_usd,filed_on", *rows]), encoding="utf-8"
    )
    kept = ledger.keep(tmp_path / "contracts.csv", tmp_path / "executions.csv", tmp_path / "store")
    con = ledger.connect()
    sums = []
    for cut_off in (False, True):
        found = aggregation.aggregate(con, kept.folder, cut_off=cut_off)
        cells = found.cells.query("indicator == 'contracts executed' and flow == 'all' and category == 'total'")
        sums.append(int(cells["value"].sum() * 1_000_000))
    kept_bits = sum(2**place for place, counts in enumerate(FILED.values()) if counts)
    assert sums == [2 ** len(FILED) - 1, kept_bits]
    assert found.late == (list(FILED.values()).count(False), Decimal(sums[0] - kept_bits) / 1_000_000)


def test_a_year_has_a_zero_where_a_type_a_flow_or_a_band_is_empty(tmp_path):
    head = "contract_id,enterprise_id,area,flow,business_type,subtype,industry,market,signed_on,currency,signed_amount"
    contract = f"{head},signed_usd,status\nC1,E1,here,offshore,ITO,,,US,2010-01-01,USD,100,,approved\n"
    (tmp_path / "contracts.csv").write_text(contract, encoding="utf-8")
    (tmp_path / "executions.csv").write_text(
        "contract_id,executed_on,amount_usd,filed_on\nC1,2011-01-01,1,2011-01-01\n", encoding="utf-8"
    )
    kept = ledger.keep(tmp_path / "contracts.csv", tmp_path / "executions.csv", tmp_path / "store")
    cells = aggregation.aggregate(ledger.connect(), kept.folder, years=[2011]).cells
    executed = cells[cells["indicator"] == "contracts executed"].set_index(["flow", "category"])["value"]
    for flow, name in itertools.product(("all", "offshore", "onshore"), ("total", "ITO", "BPO", "KPO", *BANDS)):
        there = flow != "onshore" and name in ("total", "ITO")
        assert executed[flow, name] == (Decimal("0.000001") if there else 0)
    rows = aggregation.figure_rows(cells, None, source="ledger", locator="here").set_index(
        ["indicator", "flow", "category"]
    )
    assert rows.loc[("contracts executed", "offshore", "ITO"), "value"] == "0.00000100"
    assert rows.loc[("HHI", "offshore", ""), "value"] == "10000.0000"
