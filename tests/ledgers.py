"""Data folders of made-up contract records, added up the plain way: what a ledger would hand to the pages."""

import random
from collections import defaultdict

import pandas as pd

from hzso_analysis.figures import codebook

FLOWS = {"all": ["offshore", "onshore"], "offshore": ["offshore"], "onshore": ["onshore"]}
MARKETS = ["USA", "EU", "Japan", "Hong Kong", "Korea", "Singapore", "Taiwan", "Canada", "India", "Australia", "Israel"]
MARKETS += ["Switzerland", "Brazil", "Thailand", "other markets"]
INDUSTRIES = ["financial services", "network R&D", "software outsourcing"]
CENTS = 100_000_000  # of a million
COLUMNS = ["year", "indicator", "flow", "category", "value", "unit", "qualifier", "source", "locator"]
EXECUTED, SIGNED = "contracts executed", "contracts signed"
NUMBER, FIRMS = "number of contracts signed", "enterprises"


def records(year: int, *, firms: int = 90, seed: int = 1) -> pd.DataFrame:
    """Contracts of one year by firm: what was signed and executed of each, in cents."""
    rng, rows = random.Random(f"{seed} {year}"), []
    for firm in range(firms):
        size = 160 * (year - 2008) / (firm + 1) ** 1.15  # USD million; few are large and most are small
        for _ in range(rng.randint(2, 6)):
            executed = int(CENTS * size * rng.uniform(0.05, 0.5))
            row = {"firm": firm, "flow": "offshore" if rng.random() < 0.7 else "onshore"}
            row["type"] = rng.choices(["ITO", "BPO", "KPO"], [5, 2, 3])[0]
            row["industry"] = rng.choice([*INDUSTRIES, ""])
            row["market"] = rng.choices(MARKETS, [30, 20, 18, 8, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1])[0]
            rows.append(row | {SIGNED: int(executed * rng.uniform(1, 1.4)), EXECUTED: executed})
    return pd.DataFrame(rows)


def added_up(contracts: pd.DataFrame, year: int, source: str) -> pd.DataFrame:
    """The rows of figures of a year, exact to the cent."""
    rows, bands = [], codebook("categories")[lambda book: book["low"].notna()].fillna({"high": float("inf")})
    for flow, parts in FLOWS.items():
        own = contracts[contracts["flow"].isin(parts)]
        cuts = {"total": own} | {name: own[own["type"] == name] for name in ("ITO", "BPO", "KPO")}
        cuts |= {name: own[own["industry"] == name] for name in INDUSTRIES}
        cuts |= {name: own[own["market"] == name] for name in MARKETS if flow == "offshore"}
        for category, cut in cuts.items():
            rows += [
                (name, flow, category, f"{cut[name].sum() / CENTS:.8f}", "USD million") for name in (SIGNED, EXECUTED)
            ]
            rows.append((NUMBER, flow, category, str(len(cut)), "count"))
        sizes = own.groupby("firm")[EXECUTED].sum()
        rows.append((FIRMS, flow, "total", str(len(sizes)), "count"))
        for band, low, high in bands[["id", "low", "high"]].itertuples(index=False):
            held = sizes[(sizes >= low * CENTS) & (sizes < high * CENTS)]
            rows.append((FIRMS, flow, band, str(len(held)), "count"))
            rows.append((EXECUTED, flow, band, f"{held.sum() / CENTS:.8f}", "USD million"))
        shares = 100 * sizes.sort_values(ascending=False) / sizes.sum()
        rows += [(f"CR{k}", flow, "total", f"{shares.head(k).sum():.6f}", "percent") for k in (1, 2, 4, 8, 20)]
        rows.append(("HHI", flow, "total", f"{(shares**2).sum():.4f}", "points"))
    frame = pd.DataFrame(rows, columns=COLUMNS[1:6]).assign(year=year, qualifier="", source=source, locator="")
    return frame[COLUMNS]


def withheld(rows: pd.DataFrame, which) -> pd.DataFrame:
    """The rows with those suppressed that `which` says of their (indicator, flow, category)."""
    marked = [which(*key) for key in rows[["indicator", "flow", "category"]].itertuples(index=False)]
    rows = rows.assign(value=rows["value"].mask(marked, ""), qualifier=rows["qualifier"].mask(marked, "suppressed"))
    return rows


def many(seed: int = 3):
    """Every concentration and about half of all other figures but the totals, drawn by chance."""
    rng, drawn = random.Random(seed), defaultdict(lambda: rng.random() < 0.5)
    return lambda indicator, flow, category: indicator[:2] in ("CR", "HH") or (category != "total" and drawn[category])


def concentrations(indicator: str, flow: str, category: str) -> bool:
    """Whether a figure is a share of the largest enterprises or the index."""
    return indicator[:2] in ("CR", "HH")


def folder(path, *, years=(2010, 2011), source="synthetic ledger", area="synthetic", which=None, seed=1):
    """A data folder whose one area is made of contract records; `which` says what of it is suppressed."""
    (path / area).mkdir(parents=True)
    for year in years:
        rows = added_up(records(year, seed=seed), year, source)
        rows = withheld(rows, which) if which else rows
        rows.to_csv(path / area / f"ledger-{year}.csv", index=False)
    return str(path)
