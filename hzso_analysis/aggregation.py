"""From checked contract records to figures: levels, size bands, the largest enterprises, exact concentration.

One pass over the executions makes a table of enterprises by area, year, flow and category, from which everything
else follows. All areas and years are added up together; all of it are ibis expressions, see `records`.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import pandas as pd

from hzso_analysis.figures import codebook
from hzso_analysis.ledger import frame
from hzso_analysis.records import CODES, MONEY, market_of
from hzso_analysis.vocabulary import COLUMNS, EXECUTED, FIRMS, LEADING, SIGNED, SUPPRESSED, TYPES

NUMBER = "number of contracts signed"
LISTED = 24  # of the largest enterprises of a flow, for the rules of confidentiality
MILLION = Decimal(1_000_000)
PLACES = {"USD million": Decimal("0.00000001"), "percent": Decimal("0.000001"), "points": Decimal("0.0001")}
CELL = ["area", "year", "indicator", "flow", "category", "unit", "value", "firms", "largest", "second"]


class Aggregate(NamedTuple):
    """Exact sums of contract records.

    `cells` has a row per figure: area, year, indicator, flow, category, unit, value (Decimal), and of the enterprises
    that contribute to it how many there are (`firms`) and what the `largest` and the `second` contribute (in the unit
    of the value). `leading` lists the largest enterprises: area, year, flow, rank, amount (Decimal, USD million).
    `late` is the number of executions that the cut-off left out, and their sum in USD million.
    """

    cells: pd.DataFrame
    leading: pd.DataFrame
    late: tuple[int, Decimal]


def aggregate(
    con: Any,
    store: str | Path,
    *,
    areas: Iterable[str] = (),
    years: Iterable[int] = (),
    as_of: datetime.date | None = None,
    cut_off: bool = False,
) -> Aggregate:
    """Add up the records that `ledger.keep` has put into `store`, for all areas and years or for those named.

    `con` is a connection of `ledger.connect`. Executions filed and contracts signed after the day `as_of` do not count.
    With `cut_off` the rule of 16 March 2018 of the ministry applies: what is filed up to 31 March must have been
    executed since 1 July of the year before, what is filed later since 1 January of the same year.
    """
    executions, contracts = (_chosen(con, Path(store), name, areas, years) for name in ("executions", "contracts"))
    if as_of:
        executions = executions.filter(executions.filed_on <= as_of)
        contracts = contracts.filter(contracts.signed_on <= as_of)
    late = (0, Decimal(0))
    if cut_off:
        found = executions.filter(~in_time(executions))
        rows, amount = frame(found.agg(rows=found.count(), amount=found.amount_usd.sum())).iloc[0]
        late = int(rows), _decimal(amount) / MILLION
        executions = executions.filter(in_time(executions))
    firms = _by_firm(executions, "amount_usd", EXECUTED).union(_by_firm(contracts, "signed_usd", SIGNED))
    firms = firms.inner_join(con.read_parquet(Path(store) / "kind.parquet"), "kind")
    firms = firms.mutate(market=market_of(firms)).cache()
    ranked = _ranked(firms.filter(firms.indicator == EXECUTED))
    found = [_by_category(firms), _bands(ranked), _concentration(ranked), _numbers(firms)]
    cells = _with_zeros(pd.concat(found, ignore_index=True)[CELL]).sort_values(CELL[:5], ignore_index=True)
    return Aggregate(cells, _leading(ranked), late)


def in_time(rows: ir.Table) -> ir.BooleanColumn:
    """Whether an execution was filed within the time that the ministry's rule of 16 March 2018 gives."""
    year, month = rows.executed_on.year(), rows.executed_on.month()
    filed, early = rows.filed_on.year(), rows.filed_on.month() <= 3
    return ibis.ifelse(early, (year >= filed) | ((year == filed - 1) & (month >= 7)), year >= filed)


def _chosen(con: Any, store: Path, name: str, areas: Iterable[str], years: Iterable[int]) -> ir.Table:
    table = con.read_parquet(store / f"{name}.parquet")
    table = table.filter(table.fault == "")
    for column, wanted in (("area", list(areas)), ("year", list(years))):
        table = table.filter(table[column].isin(wanted)) if wanted else table
    return table


def _by_firm(rows: ir.Table, what: str, indicator: str) -> ir.Table:
    """Sums of an amount by year, enterprise and kind of contract, inside the EU and out: the pass over all records."""
    sums = {"amount": rows[what].sum().cast(MONEY), "records": rows.count()}
    return rows.group_by(["year", *CODES, "eu"]).agg(**sums).mutate(indicator=ibis.literal(indicator))


def _spread(rows: ir.Table, column: str, values: list[Any]) -> ir.Table:
    """Each row once with every value, without blank ones; a union would read the rows as often as there are values."""
    many = rows.cross_join(ibis.range(len(values)).unnest().name("number").as_table())
    cases = [(ibis._.number == number, value) for number, value in enumerate(values)]
    return many.mutate(**{column: ibis.cases(*cases)}).drop("number").filter(ibis._[column] != "")


def _flows(firms: ir.Table) -> ir.Table:
    """Each row twice: for its own flow and for all flows."""
    return _spread(firms, "flow", [ibis._.flow, "all"])


def _by_category(firms: ir.Table) -> pd.DataFrame:
    """Of each area, year, indicator, flow and category: value, number of enterprises, the largest and the second."""
    keys = ["area", "year", "indicator", "flow", "category"]
    named = (ibis.literal("total"), firms.business_type, firms.industry, firms.market)
    every = (firms.mutate(category=name).group_by([*keys, "enterprise"]) for name in named)
    every = ibis.union(*(part.agg(amount=ibis._.amount.sum().cast(MONEY)) for part in every))
    every = _flows(every.filter(every.category != ""))
    every = every.group_by([*keys, "enterprise"]).agg(amount=every.amount.sum().cast(MONEY))
    return _cells(_largest(every, keys, "amount"))


def _largest(every: ir.Table, keys: list[str], what: str) -> ir.Table:
    """Sums by `keys` of a table with a row per enterprise, how many these are, and what the two largest contribute."""
    amount = every[what]
    sums = {"value": amount.sum(), "firms": every.count(), "largest": amount.max()}
    return every.group_by(keys).agg(**sums, second=-(-amount).collect().sort()[1])


def _ranked(firms: ir.Table) -> ir.Table:
    """The enterprises of each area, year and flow with what they executed, ranked from the largest."""
    keys, every = ["area", "year", "flow"], _flows(firms)
    every = every.group_by([*keys, "enterprise"]).agg(amount=every.amount.sum().cast(MONEY))
    order = [ibis.desc("amount"), "enterprise"]
    return every.mutate(rank=ibis.row_number().over(ibis.window(group_by=keys, order_by=order)) + 1).cache()


def _decimal(value: Any) -> Decimal:
    """A sum as an engine gives it; nothing where there was nothing to add."""
    return Decimal(0) if pd.isna(value) else Decimal(str(value))


def _cells(table: ir.Table, unit: str = "USD million") -> pd.DataFrame:
    """Sums of amounts in USD million, or of what is counted."""
    found, one = frame(table), Decimal(1) if unit == "count" else MILLION
    for name in ("value", "largest", "second"):
        found[name] = [_decimal(value) / one for value in found[name]]
    return found.assign(unit=unit)


def _numbers(firms: ir.Table) -> pd.DataFrame:
    """How many contracts were signed, by flow; what the enterprises with most of them contribute is in `largest`."""
    every, keys = _flows(firms.filter(firms.indicator == SIGNED)), ["area", "year", "flow"]
    every = every.group_by([*keys, "enterprise"]).agg(records=every.records.sum())
    return _cells(_largest(every, keys, "records"), "count").assign(indicator=NUMBER, category="total")


def _edges() -> list[tuple[str, float, float]]:
    """The size bands of the codebook, and the total, with their edges in USD million."""
    book = codebook("categories")
    bands = book.loc[book["low"].notna(), ["id", "low", "high"]].fillna({"high": math.inf})
    return [*bands.itertuples(index=False, name=None), ("total", 0.0, math.inf)]


def _bands(ranked: ir.Table) -> pd.DataFrame:
    """Of each size band, by what enterprises executed in that flow: their number, and what they hold together."""
    named = [_if_inside(*edges) for edges in _edges()]
    every = _spread(ranked, "category", named)
    found = _cells(_largest(every, ["area", "year", "flow", "category"], "amount")).assign(indicator=EXECUTED)
    counts = found.assign(indicator=FIRMS, unit="count", value=found["firms"].map(Decimal), largest=Decimal(1))
    counts["second"] = [Decimal(int(n > 1)) for n in found["firms"]]
    return pd.concat([found[found["category"] != "total"], counts], ignore_index=True)


def _if_inside(name: str, low: float, high: float) -> ir.Deferred:
    """The name of a size band where the amount lies in it, else blank."""
    amount = ibis._.amount
    inside = amount >= Decimal(str(low)) * MILLION
    inside = inside if math.isinf(high) else inside & (amount < Decimal(str(high)) * MILLION)
    return ibis.ifelse(inside, name, "")


def _concentration(ranked: ir.Table) -> pd.DataFrame:
    """Exact shares of the k largest enterprises in percent, and the Herfindahl-Hirschman index in points."""
    amount, rank = ranked.amount, ranked["rank"]
    wide = amount.cast("decimal(19, 2)")  # DuckDB multiplies up to 18 digits in 64 bits
    squares = (wide * wide).cast("decimal(38, 4)").sum()  # or ibis would give it two decimals
    tops = {f"CR{k}": amount.sum(where=rank <= k) for k in LEADING}
    found = ranked.group_by(["area", "year", "flow"]).agg(
        total=amount.sum(), firms=ranked.count(), squares=squares, **tops
    )
    rows = []
    for row in frame(found).to_dict("records"):
        total = _decimal(row["total"])
        values = {f"CR{k}": ("percent", 100 * _decimal(row[f"CR{k}"]) / total) for k in LEADING if k < row["firms"]}
        values["HHI"] = ("points", 10_000 * _decimal(row["squares"]) / total**2)
        for name, (unit, value) in values.items():
            exact = value.quantize(PLACES[unit], ROUND_HALF_UP)
            cell = {"indicator": name, "category": "total", "unit": unit, "value": exact}
            rows.append(row | cell | {"largest": Decimal(0), "second": Decimal(0)})
    return pd.DataFrame(rows, columns=CELL)


def _leading(ranked: ir.Table) -> pd.DataFrame:
    found = frame(ranked.filter(ranked["rank"] <= LISTED).select("area", "year", "flow", "rank", "amount"))
    found["amount"] = [_decimal(value) / MILLION for value in found["amount"]]
    return found.sort_values(["area", "year", "flow", "rank"], ignore_index=True)


def _with_zeros(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with a zero for each business type, flow and size band in which a year has nothing."""
    bands = [name for name, *_ in _edges()]
    wanted = [
        *((SIGNED, "USD million", category) for category in ("total", *TYPES)),
        *((EXECUTED, "USD million", category) for category in (*TYPES, *bands)),
        *((FIRMS, "count", category) for category in bands),
        (NUMBER, "count", "total"),
    ]
    named = pd.DataFrame(wanted, columns=["indicator", "unit", "category"])
    zeros = cells[CELL[:3]].drop_duplicates().merge(named, on="indicator")
    zeros = zeros.merge(pd.DataFrame({"flow": ["all", "offshore", "onshore"]}), how="cross")
    zeros = zeros.assign(value=Decimal(0), firms=0, largest=Decimal(0), second=Decimal(0))
    return pd.concat([cells, zeros], ignore_index=True).drop_duplicates(CELL[:5])


def figure_rows(cells: pd.DataFrame, withheld: pd.Series | None, *, source: str, locator: str) -> pd.DataFrame:
    """Rows of the figures' file format, all text, of the cells of one area; `withheld` are the marks of `suppress`.

    A suppressed cell has the qualifier `suppressed` and no value, an omitted one has no row.

    >>> cell = ("here", 2011, "contracts signed", "all", "ITO", "USD million", Decimal("1.5"), 4, 1, 0)
    >>> rows = figure_rows(pd.DataFrame([cell], columns=CELL), None, source="ledger", locator="a list")
    >>> rows[["category", "value", "qualifier"]].iloc[0].tolist()
    ['ITO', '1.50000000', '']
    """
    marked = cells.assign(mark="" if withheld is None else withheld)
    rows = []
    for cell in marked[marked["mark"] != "omitted"].itertuples(index=False):
        row = dict.fromkeys(COLUMNS, "") | {"year": str(cell.year), "indicator": cell.indicator, "flow": cell.flow}
        row |= {"unit": cell.unit, "category": "" if cell.category == "total" else cell.category, "source": source}
        if cell.mark:
            row["qualifier"] = SUPPRESSED
        else:
            row["value"] = _written(cell)
            # a sum of records is exact; a zero with half a cent beside it would only be trouble for the solver
            row["precision"] = "" if cell.value else "0"
        rows.append(row | {"locator": locator})
    return pd.DataFrame(rows, columns=COLUMNS)


def _written(cell: Any) -> str:
    return f"{cell.value.quantize(PLACES[cell.unit], ROUND_HALF_UP):f}" if cell.unit in PLACES else str(int(cell.value))
