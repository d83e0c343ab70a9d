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
FORMS = {"date": r"^\d{4}-\d{2}-\d{2}$", MONEY: r"^-?\d{1,15}(\.\d{1,2})?$"}
COUNTS = ("approved", "changed")  # statuses of contracts that an office has audited
NO_RATE = "currency without rate"
TWICE = "contract number twice with different content"
UNAUDITED = "contract is neither approved nor changed"
# whole numbers in place of texts, which take twice the time to add up; `kind` stands for all its columns together
CODES = {"enterprise": ["enterprise_id"], "kind": ["area", "flow", "business_type", "industry", "named"]}


def _text(column: ir.Column) -> ir.StringColumn:
    return column.cast("string").fill_null("")


def _read_as(kind: str, column: ir.Column) -> ir.Column:
    """Days or amounts, null for what is none; texts are read in one form only, so that 3/4/2011 is never guessed."""
    if not column.type().is_string():
        return column.cast(kind)
    return ibis.ifelse(column.re_search(FORMS[kind]), column, ibis.null("string")).try_cast(kind)


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
    day, amount = _read_as("date", rows.signed_on), _read_as(MONEY, rows.signed_amount)
    own = ibis.ifelse(rows.currency == "USD", amount, ibis.null(MONEY))
    usd = ibis.coalesce(_read_as(MONEY, rows.signed_usd), own)
    raw = _text(rows.signed_on).concat(" ", _text(rows.signed_amount), " ", _text(rows.signed_usd))
    rows = rows.mutate(raw=raw, signed_on=day, signed_amount=amount, signed_usd=usd)
    rows = rows.left_join(known, "market").drop("market_right")
    negative = (rows.signed_amount < 0) | (rows.signed_usd.fill_null(0) < 0)
    unnamed = (rows.contract_id == "") | (rows.enterprise_id == "") | (rows.area == "")
    crosses = (rows.flow == "offshore") == (rows.market == "CN")
    fault = ibis.cases(
        (unnamed, "a contract, enterprise or area is not named"),
        (rows.versions > 1, TWICE),
        (~rows.flow.isin(["offshore", "onshore"]), "flow is neither offshore nor onshore"),
        (~rows.business_type.isin(TYPES), "business type is none of ITO, BPO, KPO"),
        (~rows.industry.isin(["", *industries["id"]]), "unknown industry"),
        (rows.named.isnull(), "unknown country"),
        (crosses, "flow does not fit the country: offshore is every country but CN"),
        (rows.signed_on.isnull(), "day of signing is no date such as 2011-06-30"),
        (rows.signed_amount.isnull() | negative, "signed amount is no number with at most two decimals, or below zero"),
        (~rows.status.isin(["draft", "submitted", "returned", "deleted", *COUNTS]), "unknown status"),
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
    return single.union(double.mutate(**nothing, contract_fault=ibis.literal(TWICE)))


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
    days = {name: _read_as("date", rows[name]) for name in ("executed_on", "filed_on")}
    rows = rows.mutate(raw=raw, amount_usd=_read_as(MONEY, rows.amount_usd), **days)
    rows = rows.left_join(_one_each(contracts), "contract_id").drop("contract_id_right")
    undated = rows.executed_on.isnull() | rows.filed_on.isnull()
    rejected = ~rows.contract_fault.isin(["", NO_RATE, UNAUDITED])
    fault = ibis.cases(
        (undated, "day of execution or of filing is no date such as 2011-06-30"),
        (rows.amount_usd.isnull() | (rows.amount_usd <= 0), "amount is no number above zero with at most two decimals"),
        (rows.contract_fault.isnull() | (rows.contract_id == ""), "unknown contract"),
        (rejected, "its contract was rejected"),
        (rows.executed_on < rows.signed_on, "executed before signed"),
        (rows.filed_on < rows.executed_on, "filed before executed"),
        (rows.contract_fault == UNAUDITED, UNAUDITED),
        else_="",
    )
    rows = rows.mutate(fault=fault, year=rows.executed_on.year(), eu=_in_eu(rows, rows.executed_on))
    return rows.mutate(market=market_of(rows)).drop("named", "eu_since", "eu_until", "contract_fault", "signed_on")
