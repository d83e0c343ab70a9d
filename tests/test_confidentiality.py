"""What is withheld of contract records: each rule by hand, and random worlds that `reconcile` tries to see through."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from hzso_analysis import reconcile
from hzso_analysis.confidentiality import CONCENTRATION, KEY, suppress

COLUMNS = [*KEY, "value", "firms", "largest", "second"]
AMOUNTS = ["contracts executed", "contracts signed"]
MARKETS = ["USA", "EU", "Japan", "other markets"]
TYPES = ["ITO", "BPO", "KPO"]
INDUSTRIES = ["financial services", "network R&D"]
BANDS = {
    **{"above USD 1 million": (1, math.inf), "above USD 5 million": (5, math.inf)},
    **{"above USD 10 million": (10, math.inf), "USD 10 to 30 million": (10, 30), "USD 30 to 50 million": (30, 50)},
    **{"USD 50 to 100 million": (50, 100), "above USD 100 million": (100, math.inf)},
}
CENTS = 10**8  # of USD million


def contracts(seed: int) -> pd.DataFrame:
    """Contracts of 5 to 60 firms with heavy-tailed amounts in cents."""
    random = np.random.default_rng(seed)
    firms = int(random.integers(5, 61))
    firm = np.repeat(np.arange(firms), random.integers(1, 5, firms))
    n = len(firm)
    size = random.lognormal(random.uniform(-1, 2), random.uniform(0.5, 2), firms)[firm]
    flow = random.choice(["offshore", "onshore"], n, p=[0.7, 0.3])
    return pd.DataFrame(
        {
            **{"firm": firm, "flow": flow, "type": random.choice(TYPES, n, p=[0.6, 0.25, 0.15])},
            "industry": random.choice([*INDUSTRIES, ""], n, p=[0.3, 0.3, 0.4]),
            "market": np.where(flow == "offshore", random.choice(MARKETS, n, p=[0.5, 0.2, 0.2, 0.1]), ""),
            "executed": (size * random.lognormal(0, 1, n) * CENTS).astype(np.int64) + CENTS // 100,
            "signed": (size * random.lognormal(0, 1, n) * CENTS * (random.random(n) < 0.7)).astype(np.int64),
        }
    )


def decimals(cents: pd.Series) -> list[Decimal]:
    return [Decimal(int(n)) / CENTS for n in cents]


def amount_rows(found: pd.DataFrame, flow: str, category: str) -> list[tuple]:
    """The two amounts and the number of contracts of one category of one flow."""
    rows = []
    for indicator, column in zip(AMOUNTS, ["executed", "signed"], strict=True):
        sums = decimals(found.groupby("firm")[column].sum().sort_values(ascending=False))
        ends = [*sums, Decimal(0), Decimal(0)][:2]
        firms = sum(n > 0 for n in sums)
        rows.append((indicator, flow, category, "USD million", sum(sums, Decimal(0)), firms, *ends))
    signed = found[found["signed"] > 0].groupby("firm").size().sort_values(ascending=False)
    ends = [*map(Decimal, signed.tolist()), Decimal(0), Decimal(0)][:2]
    rows.append(("number of contracts signed", flow, category, "count", Decimal(int(signed.sum())), len(signed), *ends))
    return rows


def band_rows(sums: list[Decimal], flow: str) -> list[tuple]:
    rows = [("enterprises", flow, "total", "count", Decimal(len(sums)), len(sums), Decimal(1), Decimal(1))]
    for category, (low, high) in BANDS.items():
        inside = [n for n in sums if low <= n < high]
        ends = [*inside, Decimal(0), Decimal(0)][:2]
        rows.append(("enterprises", flow, category, "count", Decimal(len(inside)), len(inside), Decimal(1), Decimal(1)))
        amount = sum(inside, Decimal(0))
        rows.append(("contracts executed", flow, category, "USD million", amount, len(inside), *ends))
    return rows


def concentration_rows(sums: list[Decimal], flow: str) -> list[tuple]:
    total, none = sum(sums, Decimal(0)), Decimal(0)
    if not total:
        return []
    shares = [100 * n / total for n in sums]
    measures = {f"CR{k}": ("percent", sum(shares[:k])) for k in (1, 2, 4, 8, 20)}
    measures["HHI"] = ("points", sum(share**2 for share in shares))
    return [(name, flow, "total", *found, len(sums), none, none) for name, found in measures.items()]


def aggregate(records: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frame of cells and that of the leading enterprises, as they come from a ledger."""
    rows, leading = [], []
    for flow in ("all", "offshore", "onshore"):
        own = records if flow == "all" else records[records["flow"] == flow]
        sums = decimals(own.groupby("firm")["executed"].sum().sort_values(ascending=False))
        groups = {"total": own} | {name: own[own["type"] == name] for name in TYPES}
        groups |= {name: own[own["industry"] == name] for name in INDUSTRIES}
        groups |= {name: own[own["market"] == name] for name in MARKETS if flow != "onshore"}
        for category, found in groups.items():
            rows += amount_rows(found, flow, category)
        rows += band_rows(sums, flow) + concentration_rows(sums, flow)
        leading += [("x", 2025, flow, rank, n) for rank, n in enumerate(sums[:24], 1)]
    cells = pd.DataFrame([("x", 2025, *row) for row in rows], columns=COLUMNS)
    return cells, pd.DataFrame(leading, columns=["area", "year", "flow", "rank", "amount"])


def figures(cells: pd.DataFrame, marks: pd.Series) -> pd.DataFrame:
    """What is published, without the rows of concentration, of which `reconcile` has no definition."""
    hidden = marks != ""
    amount = cells["unit"] == "USD million"
    frame = cells[KEY].assign(
        **{"months": "", "measure": "level", "value": cells["value"].astype(float).mask(hidden)},
        precision=np.where(amount, 0.5e-8, 0.0),
        **{"qualifier": np.where(hidden, "suppressed", ""), "source": "ledger", "weight": 2},
    )
    return frame[~cells["indicator"].isin(CONCENTRATION)]


def too_tight(cells: pd.DataFrame, marks: pd.Series, minimum_gap: float = 0.1) -> list[str]:
    """Withheld cells that `reconcile` bounds from what is published more tightly than the rule allows."""
    estimates = reconcile(figures(cells, marks)).estimates.set_index(KEY)
    found = []
    for row in cells[(marks != "") & ~cells["indicator"].isin(CONCENTRATION)].itertuples():
        known, value = estimates.loc[tuple(getattr(row, name) for name in KEY)], float(row.value)
        gap = minimum_gap * value if row.unit == "USD million" else max(1.0, minimum_gap * value)
        near = 1e-6 * max(value, gap)
        if known["status"] != "suppressed" or known["low"] > max(0.0, value - gap) + near or known["high"] < value + gap - near:
            found.append(f"{row.indicator} {row.flow} {row.category}: {value} in {known['low']} to {known['high']}")
    return found
