"""Which contract records count: every row of the two lists with its contract, market and the fault that leaves it out.

Everything is an ibis expression, so that it runs unchanged in DuckDB on one machine and in Spark on many. Amounts are
DECIMAL(18, 2) throughout: sums of floats are not even the same between two runs.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from hzso_analysis.figures import codebook
from hzso_analysis.vocabulary import TYPES

MONEY = "decimal(18, 2)"
COUNTS = ("approved", "changed")  # statuses of contracts that an office has audited
HOME = "CN"
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
# whole numbers in place of texts, which take twice the time to add up; `kind` stands for all its columns together
CODES = {"enterprise": ["enterprise_id"], "kind": ["area", "flow", "business_type", "industry", "named"]}


def _text(column: ir.Column) -> ir.StringColumn:
    return column.cast("string").fill_null("")


def _day(column: ir.Column) -> ir.DateColumn:
    """A day, null for what is no day; texts are read in one form only, so that 3/4/2011 is never guessed."""
    if not column.type().is_string():
        return column.cast("date")
    return ibis.ifelse(column.re_search(r"^\d{4}-\d{2}-\d{2}$"), column, ibis.null("string")).try_cast("date")


def _money(column: ir.Column) -> ir.DecimalColumn:
    if not column.type().is_string():
        return column.cast(MONEY)
    return ibis.ifelse(column.re_search(r"^-?\d{1,15}(\.\d{1,2})?$"), column, ibis.null("string")).try_cast(MONEY)


def _first_fault(faults: dict[str, ir.BooleanColumn], reasons: dict[str, str]) -> ir.StringColumn:
    return ibis.cases(*((faults[key], reason) for key, reason in reasons.items() if key in faults), else_="")


def checked_contracts(table: ir.Table) -> ir.Table:
    """Each different row of the contracts: `year`, market as `named` and `eu`, `fault`, and how many `copies` it had.

    A contract whose signed amount has no rate counts for its executions, which are in USD.
    """
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
        "type": ~rows.business_type.isin(TYPES),
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
    rows = rows.mutate(fault=fault, year=rows.signed_on.year(), eu=_in_eu(rows, rows.signed_on))
    return rows.mutate(named=rows.named.fill_null(""))


def _one_each(contracts: ir.Table) -> ir.Table:
    """What executions take from their contracts, one row for each number; of one with several contents only that."""
    carried = ["contract_id", "area", "flow", "business_type", "industry", "enterprise_id", "signed_on"]
    carried += ["market", "named", "eu_since", "eu_until", *CODES]
    single = contracts.filter(contracts.versions == 1)
    single = single.select(*carried, contract_fault=single.fault)
    double = contracts.filter(contracts.versions > 1).select("contract_id").distinct()
    nothing = {name: ibis.null(single[name].type()) for name in carried[1:]}
    return single.union(double.mutate(**nothing, contract_fault=ibis.literal(CONTRACT_FAULTS["twice"])))


def _in_eu(rows: ir.Table, day: ir.DateColumn) -> ir.BooleanColumn:
    """Whether the market was a member of the EU on that day."""
    text = day.cast("string")
    return (rows.eu_since != "") & (rows.eu_since <= text) & ((rows.eu_until == "") | (text < rows.eu_until))


def market_of(rows: ir.Table) -> ir.StringColumn:
    """The category of a market: the EU where it was a member on that day, a country that is named, other markets."""
    return ibis.ifelse(rows.eu, "EU", rows.named)


def checked_executions(table: ir.Table, contracts: ir.Table) -> ir.Table:
    """Each different row of the executions with what its contract says of it, `fault`, and its `copies`.

    Rows that repeat another one in every column are one filing; that there were more shows in `copies`.
    """
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
    rows = rows.mutate(fault=fault, year=rows.executed_on.year(), eu=_in_eu(rows, rows.executed_on))
    return rows.mutate(market=market_of(rows)).drop("named", "eu_since", "eu_until", "contract_fault", "signed_on")
