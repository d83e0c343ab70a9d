"""The rows of synthetic ledgers: firms, contracts and executions drawn chunk by chunk, and their faults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK = 250_000  # contracts made at once: memory is bounded whatever the length of the ledger
EXECUTIONS = 4  # of a contract, on average
ALPHA = 1.1  # of the Pareto distribution of firm sizes
LEVEL, LEVEL_YEAR, GROWTH = 2_000e6, 2011, 1.3  # USD executed in an area in that year; factor from year to year
GROWING = 20  # years after which amounts grow no more: they must fit into 18 digits
LEAD, LATE = 180, 0.03  # days contracts are signed before the first year; part filed too late for the yearly figures
TYPES = {"ITO": 0.66, "BPO": 0.14, "KPO": 0.2}
MARKETS = {"CN": 0.2, "US": 0.25, "JP": 0.14, "HK": 0.09, "DE": 0.05, "GB": 0.05, "FI": 0.03, "FR": 0.03, "NL": 0.02}
MARKETS |= {"SE": 0.02, "KR": 0.03, "SG": 0.03, "TW": 0.03, "IN": 0.02, "MO": 0.01, "XX": 0}  # XX is no country
# USD for 10,000 of each currency, made up; whole numbers, as products with cents must be exact
RATES = {"USD": 10_000, "EUR": 13_500, "JPY": 120, "HKD": 1_285, "CNY": 1_550}
LOCAL = {"CN": "CNY", "JP": "JPY", "HK": "HKD"} | dict.fromkeys(["DE", "FI", "FR", "NL"], "EUR")
STATUSES = {"approved": 0.86, "changed": 0.08, "draft": 0.015, "submitted": 0.02, "returned": 0.015, "deleted": 0.01}
# sub-type, industry, and percent of its type, in the order of the types
FIELDS: list[tuple[str, str | None, int]] = [
    ("software R&D", "software outsourcing", 40),
    ("embedded software R&D", "network R&D", 25),
    ("information system operation and maintenance", None, 20),
    ("information system operation and maintenance", "financial services", 15),
    ("data processing", "financial services", 40),
    ("call centre", None, 20),
    ("supply-chain management", None, 40),
    ("industrial design", "design, R&D and biopharmaceuticals", 35),
    ("pharmaceutical and biotechnology R&D", "medicine and biotech R&D", 30),
    ("communication product R&D", "network R&D", 20),
    ("animation and game design", None, 15),
]
Numbers = np.ndarray[Any, np.dtype[Any]]


class Plan(NamedTuple):
    """What all chunks share. Firms are in order of area and size; `chance` is that of a contract to be theirs."""

    executions: int
    contracts: int
    seed: int
    starts: Numbers  # 1 January of each year and of the one after the last, as days since 1970
    levels: Numbers  # cents executed in an area in each year
    areas: Sequence[str]
    faults: float
    chance: Numbers
    types: Numbers
    markets: Numbers

    @property
    def chunks(self) -> int:
        return -(-self.contracts // CHUNK)

    def area(self, firm: Numbers) -> Numbers:
        return firm // (self.chance.size // len(self.areas))

    def year(self, day: Numbers) -> Numbers:
        return np.searchsorted(self.starts, day, side="right") - 1


def plan(
    executions: int, seed: int, years: tuple[int, int], areas: Sequence[str], enterprises: int, faults: float
) -> Plan:
    """The plan of a ledger; the arguments are those of `synthetic.make_ledger`.

    >>> made = plan(10, 1, (2010, 2011), ["synthetic"], 3, 0)
    >>> made.contracts, made.chunks, made.chance.round(3).tolist()
    (3, 1, [0.474, 0.304, 0.222])
    """
    contracts, (first, last) = -(-executions // EXECUTIONS), years
    starts = np.array([f"{year}-01-01" for year in range(first, last + 2)], "datetime64[D]").astype(np.int64)
    levels = 100 * LEVEL * GROWTH ** np.minimum(np.arange(first, last + 1) - LEVEL_YEAR, GROWING)
    rng = np.random.default_rng([seed, 0])
    # one quantile of the Pareto distribution a rank: the largest firm is never as large as all others together
    ranks = np.arange(1, enterprises + 1) - rng.uniform(0.3, 0.7, (len(areas), enterprises))
    # a firm of four times the size has twice as many contracts, of twice the amount
    root = ranks ** (-1 / ALPHA / 2)
    chance = (root / root.sum(axis=1, keepdims=True) / len(areas)).ravel()
    types, markets = (_drawn(rng, parts.values(), chance.size) for parts in (TYPES, MARKETS))
    return Plan(executions, contracts, seed, starts, levels, areas, faults, chance, types, markets)


def _drawn(rng: np.random.Generator, weights: Iterable[float], size: int) -> Numbers:
    """Positions among `weights`, each as often as its weight says."""
    edges = np.cumsum([*weights])
    return np.searchsorted(edges[:-1] / edges[-1], rng.random(size), side="right")


def chunk(plan: Plan, number: int) -> tuple[Any, list[Any]]:
    """A chunk of the contracts as an Arrow table, and their executions as a table for each year."""
    rng = np.random.default_rng([plan.seed, 1 + number])
    first, last = number * CHUNK, min((number + 1) * CHUNK, plan.contracts)
    count = last - first
    rows = plan.executions * last // plan.contracts - plan.executions * first // plan.contracts
    firm = _drawn(rng, plan.chance, count)
    signed, at, day, filed = _dates(plan, rng, count, rows)
    worth = plan.chance[firm] * rng.lognormal(0, 1, count)
    raw = worth[at] * rng.lognormal(0, 0.5, rows)
    # the total of an area and year is given, so that it does not depend on the number of rows
    cell = plan.area(firm)[at] * plan.levels.size + plan.year(day)
    sums = np.bincount(cell, raw, len(plan.areas) * plan.levels.size)
    scale = np.tile(plan.levels, len(plan.areas)) * (rows / plan.executions) / np.where(sums > 0, sums, 1)
    cents = np.maximum(1, np.rint(raw * scale[cell])).astype(np.int64)
    done = np.bincount(at, cents, count)
    usd = np.where(done > 0, done, worth * done.sum() / worth.sum())
    usd /= np.where(rng.random(count) < 0.97, rng.uniform(0.4, 1, count), rng.uniform(1, 1.2, count))
    ids = _ids("SYN-C", np.append(0, np.arange(first, last) + 1), 9)  # number 0 is no contract of any chunk
    contracts = _contracts(plan, rng, ids[1:], firm, signed, usd)
    return contracts, _executions(plan, rng, ids, signed, at, day, cents, filed)


def _dates(plan: Plan, rng: np.random.Generator, count: int, rows: int) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Day of signing of each contract; contract, day and day of filing of each execution. Days are since 1970."""
    begin, end = plan.starts[0] - LEAD, plan.starts[-1] - 31
    signed = begin + ((end - begin) * rng.random(count) ** 0.75).astype(np.int64)  # more from year to year
    opened = np.maximum(signed + 1, plan.starts[0])
    closed = np.minimum(signed + rng.integers(LEAD + 20, 900, count), plan.starts[-1] - 1)
    often = rng.gamma(2, size=count) * (closed - opened)  # the longer it runs; no heap before the end of the last year
    at = np.repeat(np.arange(count), rng.multinomial(rows, often / often.sum()))
    day = opened[at] + (rng.random(rows) * (closed - opened + 1)[at]).astype(np.int64)
    after_march = plan.starts[plan.year(day) + 1] + 91 + rng.integers(0, 180, rows)
    soon = day + 3 + rng.exponential(25, rows).astype(np.int64)
    return signed, at, day, np.where(rng.random(rows) < LATE, after_march, soon)


def _contracts(plan: Plan, rng: np.random.Generator, ids: Any, firm: Numbers, signed: Numbers, usd: Numbers) -> Any:
    """The table of contracts; `usd` are cents."""
    count, markets, currencies = firm.size, list(MARKETS), list(RATES)
    kind = np.where(rng.random(count) < 0.85, plan.types[firm], _drawn(rng, TYPES.values(), count))
    field = np.searchsorted(np.cumsum([part for *_, part in FIELDS]), 100 * kind + rng.integers(0, 100, count), "right")
    market = np.where(rng.random(count) < 0.7, plan.markets[firm], _drawn(rng, MARKETS.values(), count))
    onshore = market == markets.index("CN")
    local = np.array([currencies.index(LOCAL.get(name, "USD")) for name in markets])[market]
    currency = np.where(rng.random(count) < np.where(onshore, 0.9, 0.3), local, currencies.index("USD"))
    rate = np.array(list(RATES.values()))[currency]
    amount = np.ceil(usd * 10_000 / rate).astype(np.int64)
    spoilt = _spoilt(plan, rng, count, 2)
    market[spoilt == 0] = markets.index("XX")
    currency[(spoilt == 1) & (currency == currencies.index("USD"))] = currencies.index("EUR")
    return pa.table(
        {
            "contract_id": ids,
            "enterprise_id": _ids("SYN-E", firm + 1, 6),
            "area": _words(plan.areas, plan.area(firm)),
            "flow": _words(["offshore", "onshore"], onshore.astype(np.int64)),
            "business_type": _words(TYPES, kind),
            "subtype": _words([name for name, _, _ in FIELDS], field),
            "industry": _words([name for _, name, _ in FIELDS], field),
            "market": _words(markets, market),
            "signed_on": _days(signed),
            "currency": _words(currencies, currency),
            "signed_amount": _money(amount),
            "signed_usd": _money((amount * rate + 5_000) // 10_000, blank=spoilt == 1),
            "status": _words(STATUSES, _drawn(rng, STATUSES.values(), count)),
        }
    )


def _executions(
    plan: Plan, rng: np.random.Generator, ids: Any, signed: Numbers, at: Numbers, *columns: Numbers
) -> list[Any]:
    """The executions of each year as a table; `columns` are day, cents and day of filing."""
    day, cents, filed = columns
    spoilt = _spoilt(plan, rng, at.size, 3)
    before = np.maximum(signed[at] - rng.integers(1, 30, at.size), plan.starts[0])
    early = (spoilt == 1) & (before < signed[at])  # no day before the first year
    day = np.where(early, before, day)
    contract = np.where((spoilt == 0) | ((spoilt == 1) & ~early), 0, at + 1)
    source = np.maximum.accumulate(np.where(spoilt == 2, 0, np.arange(at.size)))  # itself or the row before
    year = plan.year(day)[source]
    source = source[np.argsort(year, kind="stable")]
    table = pa.table(
        {
            "contract_id": ids.take(pa.array(contract[source])),
            "executed_on": _days(day[source]),
            "amount_usd": _money(cents[source]),
            "filed_on": _days(filed[source]),
        }
    )
    ends = np.cumsum(np.bincount(year, minlength=plan.levels.size)).tolist()
    return [table.slice(begin, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]


def _spoilt(plan: Plan, rng: np.random.Generator, size: int, kinds: int) -> Numbers:
    """The kind of fault of each row, -1 for none; as much is drawn for none, so that the other rows stay the same."""
    return np.where(rng.random(size) < plan.faults, rng.integers(0, kinds, size), -1)


def _words(words: Iterable[str | None], at: Numbers) -> Any:
    return pa.array([*words], pa.string()).take(pa.array(at))


def _ids(prefix: str, numbers: Numbers, width: int) -> Any:
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def _days(days: Numbers) -> Any:
    return pa.array(days.astype(np.int32)).view(pa.date32())


def _money(cents: Numbers, blank: Numbers | None = None) -> Any:
    """Cents, none of them below zero, as decimals; built of their bytes, as there is no faster way without rounding."""
    pairs = np.zeros((cents.size, 2), "<i8")  # the lower and the upper half of 128 bits
    pairs[:, 0] = cents
    made = pa.Array.from_buffers(pa.decimal128(18, 2), cents.size, [None, pa.py_buffer(pairs)])
    return made if blank is None else pc.if_else(pa.array(~blank), made, pa.scalar(None, made.type))
