"""How long `concentration_bounds` takes for 24 firms and for 10^8 firms in the same bands.

Run with `python benchmarks/concentration.py`. The last line is the time for many firms divided by that for 24, medians
of runs that take turns: 1.0 means that the cost does not depend on the number of firms.
"""

from __future__ import annotations

import argparse
import statistics
import time

from hzso_analysis.concentration import concentration_bounds

EDGES = [(10, 30, 11), (30, 50, 7), (50, 100, 4), (100, None, 2)]  # Hangzhou 2011: lower edge, upper edge, firms


def market(times: int) -> dict:
    """The bands of Hangzhou in 2011 with so many times their firms and amounts."""
    bands = [{"lo": low, "hi": high, "n": n * times} for low, high, n in EDGES]
    return {"bands": bands, "group_total": 1571.0 * times, "group_share": 0.7723, "n_rest": 776 * times}


def timed(times: int) -> float:
    published = market(times)
    start = time.perf_counter()
    concentration_bounds(**published)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=4_166_667, help="how many times 24 firms; 4,166,667 is 10^8 firms")
    parser.add_argument("--repeat", type=int, default=101, help="runs of each; the median counts")
    options = parser.parse_args()
    rounds = [(timed(1), timed(options.times)) for _ in range(options.repeat)]
    few, many = (1000 * statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{'firms in the bands':>20}{'milliseconds':>14}")
    print(f"{24:20,}{few:14.2f}")
    print(f"{24 * options.times:20,}{many:14.2f}")
    print(f"ratio: {many / few:.2f}")


if __name__ == "__main__":
    main()
