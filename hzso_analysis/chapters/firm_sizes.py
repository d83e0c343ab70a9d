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
from hzso_analysis.wording import say

# edges of the classes of the Herfindahl-Hirschman index in the merger guidelines of the United States; the text of
# 2023 names the highest class only, its middle one stands on the page of the Department of Justice on the index
CLASSES = ["firm_sizes.unconcentrated", "firm_sizes.moderate", "firm_sizes.high"]
TITLES = {1: "firm_sizes.classes_agree", 2: "firm_sizes.classes_two", 3: "firm_sizes.classes_every"}
GUIDELINES = {
    "firm_sizes.guidelines_1982": (1000, 1800),
    "firm_sizes.guidelines_2010": (1500, 2500),
    "firm_sizes.guidelines_2023": (1000, 1800),
}
MEASURES = {
    "TOP1": ("firm_sizes.top1", "USD million", None),
    "TOP2": ("firm_sizes.top2", "USD million", None),
    "HHI_10000": ("firm_sizes.index", "", 0),
    "N_eff": ("firm_sizes.equal", "count", None),
    "entropy": ("firm_sizes.entropy", "", 2),
    "theil": ("firm_sizes.theil", "", 2),
    "gini": ("firm_sizes.gini", "", 2),
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
    text = say("firm_sizes.gap", area=wording.area_name(edition.area), year=edition.year)
    return Exhibit(heading, pd.DataFrame(), text)


def summary(edition: Edition) -> Exhibit | str:
    """What the size bands allow to say of the largest firms, in a few sentences."""
    sizes = size_table(edition)
    if sizes is None:
        return wording.literal(_gap(edition, "").note)
    bounds = concentration_bounds(**sizes.published, ks=(1, 2))
    one, two = (wording.percent_between(*bounds.loc[f"CR{k}"]) for k in (1, 2))
    equal = wording.span(*bounds.loc["N_eff"]).replace("–", say("firm_sizes.to"))
    return say("firm_sizes.summary", one=one, two=two, equal=equal, year=edition.year)


def ratios(edition: Edition) -> Exhibit:
    """Bars of the share of the k largest firms: bounds and, inside them, a point estimate."""
    sizes, heading = size_table(edition), say("firm_sizes.ratios_heading")
    if sizes is None:
        return _gap(edition, heading)
    bounds, estimate = concentration_bounds(**sizes.published, ks=sizes.ks), point_estimate(**sizes.single, ks=sizes.ks)
    rows = []
    for k in sizes.ks:
        more = {"estimate": 100 * estimate[f"CR{k}"]}
        name = say("firm_sizes.ratios_many" if k > 1 else "firm_sizes.ratios_one", number=k)
        rows.append(mark(name, *bounds.loc[f"CR{k}"], sizes.rows, fraction=True, **more))
    k = sizes.ks[min(1, len(sizes.ks) - 1)]
    text = wording.percent_between(*bounds.loc[f"CR{k}"])
    title = say("firm_sizes.ratios_title", number=wording.number(k), share=text)
    note = say("firm_sizes.ratios_subtitle", year=edition.year)
    return chart(edition, charts.bars, rows, title=title, subtitle=note, heading=heading, gap="")


def classes(edition: Edition) -> Exhibit:
    """The bounds of the Herfindahl-Hirschman index against the classes of three merger guidelines."""
    sizes, heading = size_table(edition), say("firm_sizes.classes_heading")
    if sizes is None:
        return _gap(edition, heading)
    low, high = concentration_bounds(**sizes.published).loc["HHI_10000"]
    rows, most = [], 1
    for years, edges in GUIDELINES.items():
        ends = pairwise((0, *edges, 10_001))
        touched = [say(name) for name, (a, b) in zip(CLASSES, ends, strict=True) if low < b and high >= a]
        names = wording.listing(touched, say("firm_sizes.or"))
        text = say("firm_sizes.classes_text", index=wording.span(low, high, 0), names=names)
        most = max(most, len(touched))
        rows.append(mark(say(years), low, high, sizes.rows, text=text, edges=edges))
    title = say(TITLES[most], index=wording.between(low, high, ""), name=touched[0])
    words = {"subtitle": say("firm_sizes.classes_subtitle", year=edition.year), "heading": heading, "gap": ""}
    return chart(edition, charts.scales, rows, title=title, names=[say(name) for name in CLASSES], **words)


def lorenz(edition: Edition) -> Exhibit:
    """The band in which the Lorenz curve lies if no more firms are registered than the source says at least."""
    sizes, heading = size_table(edition), say("firm_sizes.lorenz_heading")
    if sizes is None:
        return _gap(edition, heading)
    envelope = lorenz_envelope(**sizes.published | {"n_rest": sizes.fewest})
    rows = []
    for firms, low, high in envelope.itertuples(index=False):
        name = say("firm_sizes.lorenz_smallest", percent=wording.half_up(100 * firms, 1))
        rows.append(mark(name, low, high, sizes.rows, fraction=True, firms=100 * firms))
    everyone = f"{sizes.fewest + sizes.ks[-1]:,.0f}"
    half = [float(np.interp(0.5, envelope["firms"], envelope[end])) for end in ("low", "high")]
    title = say("firm_sizes.lorenz_title", number=everyone, share=wording.percent(*half))
    note = say("firm_sizes.lorenz_subtitle", number=everyone, year=edition.year)
    return chart(edition, charts.envelope, rows, title=title, subtitle=note, heading=heading, gap="")


def measures(edition: Edition) -> Exhibit:
    """Table of concentration measures: bounds, and two point estimates as assumptions."""
    sizes, heading = size_table(edition), say("firm_sizes.measures_heading")
    if sizes is None:
        return _gap(edition, heading)
    bounds, rows = concentration_bounds(**sizes.published), []
    shapes = {"if exponential": "maxent", "if Pareto": "pareto"}
    estimates = {name: point_estimate(**sizes.single, method=method) for name, method in shapes.items()}
    for measure, (item, unit, decimals) in MEASURES.items():
        low, high = bounds.loc[measure]
        trivial = math.isinf(high) or (measure == "gini" and high == 1)
        row = {"item": say(item), "bounds": wording.span(low, math.inf if trivial else high, decimals)}
        row |= {name: wording.half_up(estimate[measure], decimals or 0) for name, estimate in estimates.items()}
        row |= {"unit": wording.unit_text(unit), "status": "bounded"}
        rows.append(row | {"low": low, "high": high, "rows": sizes.rows})
    open_ended = math.isinf(sizes.published["n_rest"][1])
    note = say("firm_sizes.measures_note_open" if open_ended else "firm_sizes.measures_note")
    return table(edition, rows, title=say("firm_sizes.measures_title", year=edition.year), note=note)


def one_more(edition: Edition) -> Exhibit:
    """Table of what one more published number would buy: the bounds if it stood in the middle of what it can be."""
    sizes, heading = size_table(edition), say("firm_sizes.one_more_heading")
    if sizes is None:
        return _gap(edition, heading)
    bands = sizes.published["bands"]
    rows = [_narrowed(sizes, say("firm_sizes.as_published"), "–", bands)]
    if len(bands) > 1:
        known = known_bands(edition)
        for name, band in zip(sizes.names, bands, strict=True):
            middle = (known[name][1].low + known[name][1].high) / 2
            more = [other | ({"total": middle} if other is band else {}) for other in bands]
            words = {"firms": value_text(known[name][0]), "band": label(edition, "categories", name)}
            item = say("firm_sizes.amount_above" if math.isinf(band["hi"]) else "firm_sizes.amount_within", **words)
            rows.append(_narrowed(sizes, item, wording.half_up(middle), more))
    middle = float(concentration_bounds(**sizes.published, ks=(1,)).loc["TOP1"].mean())
    top, *others = sorted(bands, key=lambda band: -band["lo"])
    alone = [*others, {"lo": middle, "hi": middle, "n": 1}, top | {"hi": middle, "n": top["n"] - 1}]
    rows.append(_narrowed(sizes, say("firm_sizes.amount_largest"), wording.half_up(middle), alone))
    best = min(rows, key=lambda row: row["high"] - row["low"])
    title = say("firm_sizes.one_more_title", number=best["item"], now=rows[0]["index"], then=best["index"])
    return table(edition, rows, title=title, note=say("firm_sizes.one_more_note"))


def _narrowed(sizes: SizeTable, item: str, value: str, bands: list[dict]) -> dict:
    """A row of bounds for other bands than the published ones."""
    bounds = concentration_bounds(**sizes.published | {"bands": bands}, ks=(1, 2))
    low, high = bounds.loc["HHI_10000"]
    row = {"item": item, "if it were": value, "index": wording.span(low, high, 0)}
    row |= {name: wording.percent(*bounds.loc[f"CR{k}"]) for k, name in ((1, "largest"), (2, "two largest"))}
    return row | {"low": low, "high": high, "rows": sizes.rows}


def sensitivity(edition: Edition) -> Exhibit:
    """Table of the bounds on the estimated and on the printed total, where the two differ."""
    sizes, heading, found = size_table(edition), say("firm_sizes.sensitivity_heading"), {}
    if sizes is None:
        return _gap(edition, heading)
    for basis in BASES:
        based = edition._replace(total_basis=basis)
        sizes, total = size_table(based), share(based, leaders(based)[2]).base
        words = wording.amount(wording.span(total.low, total.high), total.cell.unit)
        if basis == "estimated" and total.status != "corrected":
            return Exhibit(heading, pd.DataFrame(), say("firm_sizes.sensitivity_gap", total=words))
        found[say("firm_sizes.on_total", total=words)] = concentration_bounds(**sizes.published, ks=sizes.ks)
    rows = []
    for measure in [*(f"CR{k}" for k in sizes.ks), "HHI_10000", "N_eff"]:
        key = "firm_sizes.cr1" if measure == "CR1" else "firm_sizes.cr"
        ratio, decimals = measure[:2] == "CR", 0 if measure == "HHI_10000" else None
        row = {"item": say(key, number=measure[2:]) if ratio else say(MEASURES[measure][0])}
        for words, bounds in found.items():
            ends = bounds.loc[measure]
            row[words] = wording.percent(*ends) if ratio else wording.span(*ends, decimals)
        rows.append(row | {"rows": sizes.rows})
    k = sizes.ks[min(1, len(sizes.ks) - 1)]
    texts = [wording.percent(*bounds.loc[f"CR{k}"]) for bounds in found.values()]
    words = {"number": wording.number(k), "estimated": texts[0], "printed": texts[1]}
    title = say("firm_sizes.sensitivity_title", **words)
    return table(edition, rows, title=title, note=say("firm_sizes.sensitivity_note"))
