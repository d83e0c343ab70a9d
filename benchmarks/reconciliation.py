"""How long `reconcile` takes: the shipped figures, and made-up areas of 20 years in growing number.

Run with `python benchmarks/reconciliation.py`. The last line is the time per area of the largest table divided by that
of the smallest: 1.0 is linear growth.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import time

import pandas as pd

from hzso_analysis import load_figures, reconcile

YEARS = range(2004, 2024)


def area_figures(name: str, rng: random.Random) -> list[dict]:
    """About ten figures a year of one area that grows for 20 years; all of them are rounded from one truth."""
    rows = []

    def say(year: int, indicator: str, flow: str, value: float, **more) -> None:
        rows.append({"area": name, "year": year, "indicator": indicator, "flow": flow} | said(value, **more))

    level = rng.uniform(100, 200)
    for year in YEARS:
        before, level = level, level * rng.uniform(1.05, 1.5)
        whole, signed, ito, usa = level * 1.2, level * 1.6, level * rng.uniform(0.5, 0.7), level * rng.uniform(0.2, 0.4)
        firms = rng.randint(1, 4)
        say(year, "contracts executed", "offshore", level)
        say(year, "contracts executed", "all", whole)
        say(year, "contracts signed", "all", signed)
        say(year, "contracts executed", "offshore", ito, category="ITO")
        say(year, "contracts executed", "offshore", 100 * ito / level, category="ITO", measure="share")
        say(year, "contracts executed", "offshore", 100 * usa / level, category="USA", measure="share")
        say(year, "enterprises", "offshore", firms, category="above USD 10 million", unit="count")
        say(year, "contracts executed", "offshore", firms * level / 6, category="above USD 10 million")
        say(year, "people trained", "", rng.randint(1, 90) * 100, unit="person")
        if year > YEARS[0]:
            say(year, "contracts executed", "offshore", 100 * (level / before - 1), measure="growth")
    return rows


def said(value: float, unit: str = "USD million", measure: str = "level", category: str = "total") -> dict:
    """A value as it would be printed: amounts to a million, rates to a hundredth of a percent."""
    half = 0.005 if measure in ("share", "growth") else 0.0 if unit == "count" else 0.5
    unit = "percent" if measure in ("share", "growth") else unit
    printed = value if half == 0 else round(value / (2 * half)) * 2 * half
    return {
        "category": category,
        "measure": measure,
        "value": printed,
        "precision": half,
        "unit": unit,
        "source": name_of(measure),
    }


def name_of(measure: str) -> str:
    return "bureau" if measure == "level" else "press"


def timed(figures: pd.DataFrame) -> float:
    start = time.perf_counter()
    result = reconcile(figures)
    seconds = time.perf_counter() - start
    if "areas" in figures.attrs and not (result.suspects.empty and result.alternatives.empty):
        sys.exit("the made-up figures are consistent, yet there are suspects")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--areas", type=int, nargs="+", default=[50, 100, 200], help="numbers of made-up areas")
    parser.add_argument("--repeat", type=int, default=5, help="runs over the shipped figures; the median counts")
    options = parser.parse_args()
    shipped = load_figures(["hangzhou", "china"])
    seconds = statistics.median(timed(shipped) for _ in range(options.repeat))
    print(f"{'figures':28}{'rows':>8}{'seconds':>10}{'s per area':>12}{'peak MB':>9}")

    def line(text: str, rows: int, areas: int) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{text:28}{rows:8,}{seconds:10.2f}{seconds / areas:12.3f}{peak:9.0f}", flush=True)

    line("shipped, hangzhou and china", len(shipped), 2)
    per_area = []
    for count in options.areas:
        rng = random.Random(count)
        figures = pd.DataFrame([row for number in range(count) for row in area_figures(f"area {number}", rng)])
        figures.attrs["areas"] = count
        seconds = timed(figures)
        per_area.append(seconds / count)
        line(f"{count} areas, {len(YEARS)} years", len(figures), count)
    print(f"ratio: {per_area[-1] / per_area[0]:.2f}")


if __name__ == "__main__":
    main()
