"""What the size bands allow: bounds on concentration whatever the firms are, and what one more number would tell."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters.leading_enterprises import bands_of, known_bands, leaders, other_firms
from hzso_analysis.concentration import concentration_bounds, extreme_allocations, lorenz_envelope, point_estimate
from hzso_analysis.edition import BASES, Edition, label, share, value_text
from hzso_analysis.exhibits import Exhibit, chart, mark, table

# edges of the classes of the Herfindahl-Hirschman index in the merger guidelines of the United States; the text of
# 2023 names the highest class only, its middle one stands on the page of the Department of Justice on the index
CLASSES = ["unconcentrated", "moderate", "high"]
GUIDELINES = {"1982 and 1992": (1000, 1800), "2010": (1500, 2500), "2023": (1000, 1800)}
MEASURES = {
    "TOP1": ("Largest enterprise", "USD million", None),
    "TOP2": ("Two largest enterprises", "USD million", None),
    "HHI_10000": ("Herfindahl-Hirschman index, 0 to 10,000", "", 0),
    "N_eff": ("Equal enterprises with the same index", "count", None),
    "entropy": ("Entropy, nats", "", 2),
    "theil": ("Theil index, nats", "", 2),
    "gini": ("Gini coefficient", "", 2),
}


class SizeTable(NamedTuple):
    """A leading group in size bands: the arguments of `concentration_bounds`, and the figure rows behind them.

    `fewest` is the least number of firms outside the bands that the published numbers allow, `names` are the bands.
    """

    published: dict
    rows: pd.DataFrame
    fewest: float
    names: list[str]

    @property
    def ks(self) -> list[int]:
        """Numbers of leading firms that are asked for: 1, 2, 4, 8, 20 and all in the bands."""
        listed = int(sum(band["n"] for band in self.published["bands"]))
        return sorted({k for k in (1, 2, 4, 8, 20) if k < listed} | {listed})

    @property
    def single(self) -> dict:
        """The same with one value for each range: the middle of amount and share, the fewest firms."""
        middle = {key: sum(self.published[key]) / 2 for key in ("group_total", "group_share")}
        return {"bands": self.published["bands"], "n_rest": self.fewest} | middle


def size_table(edition: Edition) -> SizeTable | None:
    """The leading group of the year in size bands; None where no group of known number has a known share."""
    group = leaders(edition)
    part = share(edition, group[2]) if group else None
    if part is None or part.high >= 1 or group[1].low < group[1].high:
        return None
    name, firms, held = group
    book, known = bands_of(edition), known_bands(edition)
    cut_up = set(book.loc[list(known), "parent"])
    names = [b for b, (n, _) in known.items() if b not in cut_up and book.loc[b, "low"] >= book.loc[name, "low"]]
    if any(known[b][0].low < known[b][0].high for b in names) or sum(known[b][0].low for b in names) != firms.low:
        names = [name]
    bands = [{"lo": book.loc[b, "low"], "hi": book.loc[b, "high"], "n": known[b][0].low} for b in names]
    least, most = other_firms(edition, firms) or (0, math.inf)
    rest = math.ceil(least), most if math.isinf(most) else math.floor(most)
    published = {"bands": bands, "group_total": (held.low, held.high), "group_share": (part.low, part.high)}
    published |= {"total": (part.base.low, part.base.high), "n_rest": rest}
    fewest = sum(n for _, n in extreme_allocations(**published).least) - firms.low
    rows = pd.concat([quantity.rows for b in {name, *names} for quantity in known[b] if quantity])
    return SizeTable(published, rows, fewest, names)


def _gap(edition: Edition, heading: str) -> Exhibit:
    where = f"{wording.area_name(edition.area)} in {edition.year}"
    text = f"No group of enterprises with its number and its share was published for {where}."
    return Exhibit(heading, pd.DataFrame(), text)


def summary(edition: Edition) -> Exhibit | str:
    """What the size bands allow to say of the largest firms, in a few sentences."""
    sizes = size_table(edition)
    if sizes is None:
        return _gap(edition, "What the size bands allow").note
    bounds = concentration_bounds(**sizes.published, ks=(1, 2))
    one, two = (wording.percent_between(*bounds.loc[f"CR{k}"]) for k in (1, 2))
    equal = wording.span(*bounds.loc["N_eff"]).replace("–", " to ")
    return (
        f"Whatever each enterprise executed, **the two largest enterprises hold {two}** of offshore executed in "
        f"{edition.year}, the largest alone {one}. The market is as concentrated as one of {equal} equal enterprises. "
        "Every list of enterprises that fits the published table lies within these bounds, and but for the rounding "
        "of the printed amounts they could not be narrower."
    )


def ratios(edition: Edition) -> Exhibit:
    """Bars of the share of the k largest firms: bounds and, inside them, a point estimate."""
    sizes, heading = size_table(edition), "Share of the largest enterprises"
    if sizes is None:
        return _gap(edition, heading)
    bounds, estimate = concentration_bounds(**sizes.published, ks=sizes.ks), point_estimate(**sizes.single, ks=sizes.ks)
    rows = []
    for k in sizes.ks:
        more = {"estimate": 100 * estimate[f"CR{k}"]}
        name = f"{k} largest" if k > 1 else "largest"
        rows.append(mark(name, *bounds.loc[f"CR{k}"], sizes.rows, fraction=True, **more))
    k = sizes.ks[min(1, len(sizes.ks) - 1)]
    text = wording.percent_between(*bounds.loc[f"CR{k}"])
    title = f"The {wording.number(k)} largest enterprises hold {text} of offshore executed"
    note = (
        f"Percent of offshore executed, {edition.year}, by number of leading enterprises; whiskers are bounds, "
        "diamonds an assumption: exponential sizes inside each band"
    )
    return chart(edition, charts.bars, rows, title=title, subtitle=note, heading=heading, gap="")


def classes(edition: Edition) -> Exhibit:
    """The bounds of the Herfindahl-Hirschman index against the classes of three merger guidelines."""
    sizes, heading = size_table(edition), "Classes of concentration"
    if sizes is None:
        return _gap(edition, heading)
    low, high = concentration_bounds(**sizes.published).loc["HHI_10000"]
    rows, most = [], 1
    for years, edges in GUIDELINES.items():
        ends = pairwise((0, *edges, 10_001))
        touched = [name for name, (a, b) in zip(CLASSES, ends, strict=True) if low < b and high >= a]
        text = f"{wording.span(low, high, 0)}: {wording.listing(touched, 'or')}"
        most = max(most, len(touched))
        rows.append(mark(years, low, high, sizes.rows, text=text, edges=edges))
    said = {1: f"means {touched[0]} by each guideline", 2: "may lie in two classes", 3: "may lie in every class"}[most]
    title = f"The Herfindahl-Hirschman index, {wording.between(low, high, '')}, {said}"
    title += "" if most == 1 else ": the size bands alone do not decide"
    note = (
        f"Index of offshore executed, 0 to 10,000, {edition.year}; classes of the merger guidelines of the United "
        "States by year, made for antitrust markets and shown for reference only"
    )
    words = {"title": title, "subtitle": note, "heading": heading, "gap": ""}
    return chart(edition, charts.scales, rows, names=CLASSES, **words)


def lorenz(edition: Edition) -> Exhibit:
    """The band in which the Lorenz curve lies if no more firms are registered than the source says at least."""
    sizes, heading = size_table(edition), "Lorenz curve"
    if sizes is None:
        return _gap(edition, heading)
    envelope = lorenz_envelope(**sizes.published | {"n_rest": sizes.fewest})
    rows = []
    for firms, low, high in envelope.itertuples(index=False):
        label = f"smallest {wording.half_up(100 * firms, 1)} % of enterprises"
        rows.append(mark(label, low, high, sizes.rows, fraction=True, firms=100 * firms))
    everyone = f"{sizes.fewest + sizes.ks[-1]:,.0f}"
    half = [float(np.interp(0.5, envelope["firms"], envelope[end])) for end in ("low", "high")]
    title = f"The smaller half of {everyone} enterprises holds {wording.percent(*half)} of offshore executed"
    note = (
        f"Cumulative percent of offshore executed, {edition.year}, by cumulative percent of enterprises, smallest "
        f"first; for {everyone} enterprises, the fewest that the published numbers allow"
    )
    return chart(edition, charts.envelope, rows, title=title, subtitle=note, heading=heading, gap="")


def measures(edition: Edition) -> Exhibit:
    """Table of concentration measures: bounds, and two point estimates as assumptions."""
    sizes, heading = size_table(edition), "Measures of concentration"
    if sizes is None:
        return _gap(edition, heading)
    bounds, rows = concentration_bounds(**sizes.published), []
    shapes = {"if exponential": "maxent", "if Pareto": "pareto"}
    estimates = {name: point_estimate(**sizes.single, method=method) for name, method in shapes.items()}
    for measure, (item, unit, decimals) in MEASURES.items():
        low, high = bounds.loc[measure]
        trivial = math.isinf(high) or (measure == "gini" and high == 1)
        row = {"item": item, "bounds": wording.span(low, math.inf if trivial else high, decimals)}
        row |= {name: wording.half_up(estimate[measure], decimals or 0) for name, estimate in estimates.items()}
        row |= {"unit": wording.unit_text(unit), "status": "bounded"}
        rows.append(row | {"low": low, "high": high, "rows": sizes.rows})
    note = (
        "Bounds hold for every list of enterprises that fits the table. The columns after them assume a shape of sizes "
        "inside each band, exponential (of greatest entropy) or with a heavier top: assumptions, not findings."
    )
    if math.isinf(sizes.published["n_rest"][1]):
        note += " No upper end of the number of enterprises was published, so entropy, Theil and Gini have none either."
    title = f"Concentration of offshore executed, {edition.year}, whatever each enterprise executed"
    return table(edition, rows, title=title, note=note)


def one_more(edition: Edition) -> Exhibit:
    """Table of what one more published number would buy: the bounds if it stood in the middle of what it can be."""
    sizes, heading = size_table(edition), "What one more published number would tell"
    if sizes is None:
        return _gap(edition, heading)
    bands = sizes.published["bands"]
    rows = [_narrowed(sizes, "as published", "–", bands)]
    if len(bands) > 1:
        known = known_bands(edition)
        for name, band in zip(sizes.names, bands, strict=True):
            middle = (known[name][1].low + known[name][1].high) / 2
            more = [other | ({"total": middle} if other is band else {}) for other in bands]
            words = label(edition, "categories", name)
            words = words if words.startswith("above") else f"of {words}"
            item = f"amount of the {value_text(known[name][0])} enterprises {words}"
            rows.append(_narrowed(sizes, item, wording.half_up(middle), more))
    middle = float(concentration_bounds(**sizes.published, ks=(1,)).loc["TOP1"].mean())
    top, *others = sorted(bands, key=lambda band: -band["lo"])
    alone = [*others, {"lo": middle, "hi": middle, "n": 1}, top | {"hi": middle, "n": top["n"] - 1}]
    rows.append(_narrowed(sizes, "amount of the largest enterprise", wording.half_up(middle), alone))
    best = min(rows, key=lambda row: row["high"] - row["low"])
    title = f"The {best['item']} would narrow the index most, from {rows[0]['index']} to {best['index']}"
    note = (
        "Each number is tried in the middle of what the published ones allow, USD million. Herfindahl-Hirschman index, "
        "0 to 10,000; shares of the largest enterprise and of the two largest in offshore executed."
    )
    return table(edition, rows, title=title, note=note)


def _narrowed(sizes: SizeTable, item: str, value: str, bands: list[dict]) -> dict:
    """A row of bounds for other bands than the published ones."""
    bounds = concentration_bounds(**sizes.published | {"bands": bands}, ks=(1, 2))
    low, high = bounds.loc["HHI_10000"]
    row = {"item": item, "if it were": value, "index": wording.span(low, high, 0)}
    row |= {name: wording.percent(*bounds.loc[f"CR{k}"]) for k, name in ((1, "largest"), (2, "two largest"))}
    return row | {"low": low, "high": high, "rows": sizes.rows}


def sensitivity(edition: Edition) -> Exhibit:
    """Table of the bounds on the estimated and on the printed total, where the two differ."""
    sizes, heading, found = size_table(edition), "Does the total matter?", {}
    if sizes is None:
        return _gap(edition, heading)
    for basis in BASES:
        based = edition._replace(total_basis=basis)
        sizes, total = size_table(based), share(based, leaders(based)[2]).base
        words = wording.amount(wording.span(total.low, total.high), total.cell.unit)
        if basis == "estimated" and total.status != "corrected":
            text = f"The total, {words}, is not contradicted by the other figures, so there is no second one to try."
            return Exhibit(heading, pd.DataFrame(), text)
        found[f"on {words}"] = concentration_bounds(**sizes.published, ks=sizes.ks)
    rows = []
    for measure in [*(f"CR{k}" for k in sizes.ks), "HHI_10000", "N_eff"]:
        item = f"{measure[2:]} largest enterprises" if measure[:2] == "CR" else MEASURES[measure][0]
        row = {"item": item.removeprefix("1 ").replace("enterprises", "enterprise") if measure == "CR1" else item}
        for words, bounds in found.items():
            ends = bounds.loc[measure]
            row[words] = (
                wording.percent(*ends) if measure[:2] == "CR" else wording.span(*ends, 0 if measure[0] == "H" else None)
            )
        rows.append(row | {"rows": sizes.rows})
    k = sizes.ks[min(1, len(sizes.ks) - 1)]
    texts = [wording.percent(*bounds.loc[f"CR{k}"]) for bounds in found.values()]
    title = f"The {wording.number(k)} largest hold {texts[0]} on the estimated total, {texts[1]} on the printed one"
    note = "Share of the largest enterprises in offshore executed, on both totals; index 0 to 10,000."
    return table(edition, rows, title=title, note=note)
