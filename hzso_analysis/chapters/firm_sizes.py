"""What the size bands allow: bounds on concentration whatever the firms are, and what one more number would tell."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hzso_analysis import charts, wording
from hzso_analysis.chapters.leading_enterprises import bands_of, from_records, known_bands, leaders, other_firms, slices
from hzso_analysis.concentration import concentration_bounds, extreme_allocations, lorenz_envelope, point_estimate
from hzso_analysis.edition import BASES, Edition, Quantity, Share, exact, find, label, share, value_text
from hzso_analysis.exhibits import Exhibit, Row, chart, mark, missing, table
from hzso_analysis.vocabulary import EXECUTED, LEADING
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
INDEX = "HHI"
HELD = {"CR1": "TOP1", "CR2": "TOP2"}  # the amounts that go with the shares
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
    `base` is the total that the share of the group is taken of.
    """

    published: dict[str, Any]
    rows: pd.DataFrame
    fewest: float
    names: list[str]
    base: Quantity

    @property
    def ks(self) -> list[int]:
        """Numbers of leading firms that are asked for: 1, 2, 4, 8, 20 and all in the bands."""
        listed = int(sum(band["n"] for band in self.published["bands"]))
        return sorted({k for k in LEADING if k < listed} | {listed})

    @property
    def single(self) -> dict[str, Any]:
        """The same with one value for each range: the middle of amount and share, the fewest firms."""
        keys: list[str] = [key for key in ("group_total", "group_share") if key in self.published]
        keys = keys if "group_share" in keys else [*keys, "total"]
        middle = {key: sum(self.published[key]) / 2 for key in keys}
        return {"bands": self.published["bands"], "n_rest": self.fewest} | middle


def size_table(edition: Edition) -> SizeTable | None:
    """The leading group of the year in size bands; None where no group of known number has a known share."""
    group = leaders(edition)
    part = share(edition, group[2]) if group else None
    if group is None or part is None or group[1].low < group[1].high:
        return None
    if from_records(edition):
        return _recorded_table(edition, group, part)
    name, firms, held = group
    if part.high >= 1 or bands_of(edition).loc[name, "high"] < math.inf:  # above a closed band may be larger firms
        return None
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
    rows = pd.concat([quantity.basis for b in {name, *names} for quantity in known[b] if quantity])
    return SizeTable(published, rows, fewest, names, part.base)


def _recorded_table(edition: Edition, group: tuple[str, Quantity, Quantity], part: Share) -> SizeTable | None:
    """The size table of contract records, in which what a band holds is known to the cent and no firm is left out."""
    name, firms, held = group
    lowest = bands_of(edition).loc[name, "low"]
    cut = [piece for piece in slices(edition) if piece.firms and piece.low >= lowest]
    if not cut or math.isinf(part.base.high):
        return None
    bands = [{"lo": piece.low, "hi": piece.high, "n": piece.firms, "total": piece.amount} for piece in cut]
    least, most = other_firms(edition, firms) or (0, math.inf)
    own, whole = _range(held), _range(part.base)
    unknown, known = ([b for b in bands if math.isnan(b["total"]) == missing] for missing in (True, False))
    if len(unknown) == 1 and own[0] == own[1]:
        unknown.pop()["total"] = own[0] - math.fsum(band["total"] for band in known)
    # an estimate has nine digits, so beside levels with all their digits a part can come out above the whole
    own = own if unknown else (math.fsum(band["total"] for band in bands),) * 2
    whole = max(whole[0], own[0]), max(whole[1], own[0])
    own = min(own[0], whole[1]), min(own[1], whole[1])
    published = {"bands": bands, "group_total": own, "total": whole, "n_rest": (least, most)}
    fewest = sum(n for _, n in extreme_allocations(**published).least) - firms.low
    rows = pd.concat([held.basis, *(piece.rows for piece in cut)])
    return SizeTable(published, rows, fewest, [piece.name for piece in cut], part.base)


def _range(quantity: Quantity) -> tuple[float, float]:
    """The bounds of a level, or all its digits where contract records say it: sums must add up to the last of them."""
    value = exact(quantity)
    return (quantity.low, quantity.high) if value is None else (value, value)


def recorded(edition: Edition) -> dict[str, tuple[Quantity, float]]:
    """The shares of the k largest enterprises and the index that contract records say, with all digits."""
    names = [*(f"CR{k}" for k in LEADING), INDEX]
    found = {name: find(edition, name, "offshore", months="") for name in names}
    return {name: (q, value) for name, q in found.items() if q and (value := exact(q)) is not None}


def basis(known: Collection[str], sizes: SizeTable | None) -> str:
    """Which of the shares and the index are exact, and what stands in for the others."""
    said = [say("firm_sizes.basis_exact", names=_named(known))] if known else []
    if others := [name for name in [*(f"CR{k}" for k in LEADING), INDEX] if name not in known]:
        said.append(say("firm_sizes.basis_bounds" if sizes else "firm_sizes.basis_none", names=_named(others)))
    return " ".join(said)


def _named(names: Iterable[str]) -> str:
    """Shares of the largest enterprises and the index as a sentence lists them."""
    names = list(names)
    numbers = wording.listing(name[2:] for name in names if name != INDEX)
    said = [say("firm_sizes.basis_shares", numbers=numbers)] if numbers else []
    return wording.listing([*said, *([say("firm_sizes.basis_index")] if INDEX in names else [])])


def summary(edition: Edition) -> Exhibit | str:
    """What is known of the largest firms, in a few sentences: exact from contract records, else what bands allow."""
    known, sizes = recorded(edition), size_table(edition)
    if sizes is None and not known:
        return edition.say("firm_sizes.gap")
    bounds = concentration_bounds(**sizes.published, ks=(1, 2)) if sizes else pd.DataFrame()
    if not known:
        one, two = (wording.percent_between(*bounds.loc[f"CR{k}"]) for k in (1, 2))
        equal = wording.span(*bounds.loc["N_eff"]).replace("–", say("firm_sizes.to"))
        text = edition.say("firm_sizes.summary", one=one, two=two, equal=equal)
        return f"{text} {basis(known, sizes)}" if from_records(edition) else text
    texts = {k: _percent(known[f"CR{k}"][0]) for k in LEADING if f"CR{k}" in known}
    texts |= {k: wording.percent_between(*bounds.loc[f"CR{k}"]) for k in (1, 2) if sizes and k not in texts}
    said = []
    if {1, 2} <= set(texts):
        said.append(edition.say("firm_sizes.summary_largest", one=texts[1], two=texts[2]))
    elif texts:
        shares = wording.listing(say("firm_sizes.summary_share", number=k, share=texts[k]) for k in sorted(texts))
        said.append(edition.say("firm_sizes.summary_shares", shares=shares))
    if INDEX in known:
        index = known[INDEX][1]
        words = {"index": wording.half_up(index), "equal": wording.half_up(10_000 / index, 1)}
        said.append(say("firm_sizes.summary_index", **words))
    return " ".join([*said, basis(known, sizes)])


def _percent(quantity: Quantity) -> str:
    return f"{value_text(quantity)} %"


def ratios(edition: Edition) -> Exhibit:
    """Bars of the share of the k largest firms: exact from contract records, else bounds with a point estimate."""
    sizes, known = size_table(edition), recorded(edition)
    said = {int(name[2:]): found for name, found in known.items() if name != INDEX}
    ks = sorted({*(sizes.ks if sizes else []), *said})
    if not ks:
        return missing(edition, "firm_sizes.ratios")
    asked = [k for k in ks if k not in said]
    bounds = concentration_bounds(**sizes.published, ks=asked) if sizes and asked else pd.DataFrame()
    # a share of all bands can be as exact as one that is recorded: then there is nothing to estimate
    wide = {k for k in asked if not said or bounds.loc[f"CR{k}", "high"] - bounds.loc[f"CR{k}", "low"] > wording.EXACT}
    estimate = point_estimate(**sizes.single, ks=sorted(wide)) if sizes and wide else {}
    rows = []
    for k in ks:
        name = say("firm_sizes.ratios_many" if k > 1 else "firm_sizes.ratios_one", number=k)
        more: Row = {"estimate": 100 * estimate[f"CR{k}"] if k in wide else math.nan} if wide else {}
        if k in said:
            low = high = said[k][1] / 100
            used, more = said[k][0].basis, {"text": _percent(said[k][0])} | more
        elif sizes:
            (low, high), used = bounds.loc[f"CR{k}"], sizes.rows
        rows.append(mark(name, low, high, used, fraction=True, **more))
    place = min(1, len(ks) - 1)
    ends = rows[place]["low"] / 100, rows[place]["high"] / 100
    text = rows[place]["text"] if ks[place] in said else wording.percent_between(*ends)
    title = say("firm_sizes.ratios_title", number=wording.number(ks[place]), share=text)
    key = "firm_sizes.ratios_subtitle"
    if said:
        key = "firm_sizes.ratios_some" if wide else "firm_sizes.ratios_exact"
    note = edition.say(key, numbers=wording.listing(str(k) for k in ks if k not in wide))
    return chart(edition, "firm_sizes.ratios", charts.bars, rows, title=title, subtitle=note)


def classes(edition: Edition) -> Exhibit:
    """The Herfindahl-Hirschman index or its bounds against the classes of three merger guidelines."""
    sizes, known = size_table(edition), recorded(edition).get(INDEX)
    if known:
        (low, high), used = (known[1],) * 2, known[0].basis
    elif sizes:
        (low, high), used = concentration_bounds(**sizes.published).loc["HHI_10000"], sizes.rows
    else:
        return missing(edition, "firm_sizes.classes")
    rows, found = [], {}
    for years, edges in GUIDELINES.items():
        ends = pairwise((0, *edges, 10_001))
        touched = [say(name) for name, (a, b) in zip(CLASSES, ends, strict=True) if low < b and high >= a]
        names = wording.listing(touched, say("firm_sizes.or"))
        text = say("firm_sizes.classes_text", index=wording.span(low, high, 0), names=names)
        found[say(years)] = touched
        rows.append(mark(say(years), low, high, used, text=text, edges=edges))
    key = "firm_sizes.classes_exact" if known else "firm_sizes.classes_subtitle"
    title = _classes_title(wording.half_up(low) if known else wording.between(low, high, ""), found)
    said = {"title": title, "subtitle": edition.say(key)}
    return chart(edition, "firm_sizes.classes", charts.scales, rows, names=[say(name) for name in CLASSES], **said)


def _classes_title(index: str, found: dict[str, list[str]]) -> str:
    """In how many classes the index may lie; where it lies in one of each guideline, in which."""
    fewest, most = (end(map(len, found.values())) for end in (min, max))
    if fewest < most:
        words = {"fewest": wording.number(fewest), "most": wording.number(most)}
        return say("firm_sizes.classes_mixed", index=index, **words)
    by_class: dict[str, list[str]] = {}
    for years, names in found.items():
        by_class.setdefault(names[0], []).append(years)
    if most == 1 and len(by_class) > 1:
        cases = by_class.items()
        said = [say("firm_sizes.classes_case", name=name, years=wording.listing(years)) for name, years in cases]
        return say("firm_sizes.classes_differ", index=index, cases=wording.listing(said))
    return say(TITLES[most], index=index, name=list(found.values())[-1][0])


def lorenz(edition: Edition) -> Exhibit:
    """The band in which the Lorenz curve lies if no more firms are registered than the source says at least."""
    if (sizes := size_table(edition)) is None:
        return missing(edition, "firm_sizes.lorenz")
    envelope = lorenz_envelope(**sizes.published | {"n_rest": sizes.fewest})
    rows = []
    for firms, low, high in envelope.itertuples(index=False):
        name = say("firm_sizes.lorenz_smallest", percent=wording.half_up(100 * firms, 1))
        rows.append(mark(name, low, high, sizes.rows, fraction=True, firms=100 * firms))
    everyone = f"{sizes.fewest + sizes.ks[-1]:,.0f}"
    half = [float(np.interp(0.5, envelope["firms"], envelope[end])) for end in ("low", "high")]
    title = say("firm_sizes.lorenz_title", number=everyone, share=wording.percent(*half))
    all_known = from_records(edition) and len(set(sizes.published["n_rest"])) == 1
    key = "firm_sizes.lorenz_everyone" if all_known else "firm_sizes.lorenz_subtitle"
    note = edition.say(key, number=everyone)
    return chart(edition, "firm_sizes.lorenz", charts.envelope, rows, title=title, subtitle=note)


def measures(edition: Edition) -> Exhibit:
    """Table of concentration measures: exact ones, bounds for the others, and two point estimates as assumptions."""
    sizes, known = size_table(edition), recorded(edition)
    if sizes is None and not known:
        return missing(edition, "firm_sizes.measures")
    title, exact_rows = edition.say("firm_sizes.measures_title"), _exact_measures(edition, known)
    if sizes is None:
        rows = [row for rows in exact_rows.values() for row in rows]
        return table(edition, "firm_sizes.measures", rows, title=title, note=say("firm_sizes.measures_exact"))
    bounds, rows = concentration_bounds(**sizes.published), exact_rows.pop("", [])
    shapes = {"if exponential": "maxent", "if Pareto": "pareto"}
    rows = [row | dict.fromkeys(shapes, "–") for row in rows]
    estimates = {name: point_estimate(**sizes.single, method=method) for name, method in shapes.items()}
    for measure, (item, unit, decimals) in MEASURES.items():
        if measure in exact_rows:
            rows += [row | dict.fromkeys(shapes, "–") for row in exact_rows[measure]]
            continue
        low, high = bounds.loc[measure]
        trivial = math.isinf(high) or (measure == "gini" and high == 1)
        row = {"item": say(item), "bounds": wording.span(low, math.inf if trivial else high, decimals)}
        row |= {name: wording.half_up(estimate[measure], decimals or 0) for name, estimate in estimates.items()}
        row |= {"unit": wording.unit_text(unit), "status": "bounded"}
        rows.append(row | {"low": low, "high": high, "rows": sizes.rows})
    open_ended = math.isinf(sizes.published["n_rest"][1])
    note = say("firm_sizes.measures_note_open" if open_ended else "firm_sizes.measures_note")
    note = f"{say('firm_sizes.measures_some')} {note}" if known else note
    order = ["item", "bounds", *shapes, "unit", "status", "low", "high", "rows"]
    rows = [{name: row[name] for name in order} for row in rows]
    return table(edition, "firm_sizes.measures", rows, title=title, note=note)


def _exact_measures(edition: Edition, known: dict[str, tuple[Quantity, float]]) -> dict[str, list[Row]]:
    """Rows of what is exact, by the measure whose bounds they stand for; shares, which have none here, under blank."""
    found: dict[str, list[Row]] = {}

    def add(measure: str, item: str, text: str, unit: str, value: float, status: str, rows: pd.DataFrame) -> None:
        row = {"item": item, "bounds": text, "unit": unit, "status": status, "low": value, "high": value, "rows": rows}
        found.setdefault(measure, []).append(row)

    total = find(edition, EXECUTED, "offshore", months="")
    for name, (quantity, value) in known.items():
        if name == INDEX:
            add("HHI_10000", say("firm_sizes.index"), wording.half_up(value), "", value, "published", quantity.basis)
            equal = 10_000 / value
            add("N_eff", say("firm_sizes.equal"), wording.half_up(equal, 1), "", equal, "computed", quantity.basis)
            continue
        unit = wording.unit_text("percent")
        add("", label(edition, "indicators", name), value_text(quantity), unit, value, "published", quantity.basis)
        if (measure := HELD.get(name)) and total and (whole := exact(total)) is not None:
            item, unit, _ = MEASURES[measure]
            held, used = value * whole / 100, pd.concat([quantity.basis, total.basis])
            add(measure, say(item), wording.half_up(held, 2), unit, held, "computed", used)
    return found


def one_more(edition: Edition) -> Exhibit:
    """Table of what one more published number would buy: the bounds if it stood in the middle of what it can be."""
    if (sizes := size_table(edition)) is None:
        return missing(edition, "firm_sizes.one_more")
    if INDEX in recorded(edition):
        return missing(edition, "firm_sizes.one_more", say("firm_sizes.one_more_exact"))
    bands = sizes.published["bands"]
    rows = [_narrowed(sizes, say("firm_sizes.as_published"), "–", bands)]
    if len(bands) > 1:
        known = known_bands(edition)
        for name, band in zip(sizes.names, bands, strict=True):
            held = known[name][1] if name else None
            if held is None or not math.isnan(band.get("total", math.nan)):
                continue
            middle = (held.low + held.high) / 2
            more = [other | ({"total": middle} if other is band else {}) for other in bands]
            words = {"firms": value_text(known[name][0]), "band": label(edition, "categories", name)}
            item = say("firm_sizes.amount_above" if math.isinf(band["hi"]) else "firm_sizes.amount_within", **words)
            rows.append(_narrowed(sizes, item, wording.half_up(middle), more))
    middle = float(concentration_bounds(**sizes.published, ks=(1,)).loc["TOP1"].mean())
    top, *others = sorted(bands, key=lambda band: -band["lo"])
    left = {"hi": middle, "n": top["n"] - 1}
    left |= {"total": top["total"] - middle} if not math.isnan(top.get("total", math.nan)) else {}
    alone = [*others, {"lo": middle, "hi": middle, "n": 1}, top | left]
    rows.append(_narrowed(sizes, say("firm_sizes.amount_largest"), wording.half_up(middle), alone))
    best = min(rows, key=lambda row: row["high"] - row["low"])
    title = say("firm_sizes.one_more_title", number=best["item"], now=rows[0]["index"], then=best["index"])
    return table(edition, "firm_sizes.one_more", rows, title=title)


def _narrowed(sizes: SizeTable, item: str, value: str, bands: list[dict[str, Any]]) -> Row:
    """A row of bounds for other bands than the published ones."""
    bounds = concentration_bounds(**sizes.published | {"bands": bands}, ks=(1, 2))
    low, high = bounds.loc["HHI_10000"]
    row = {"item": item, "if it were": value, "index": wording.span(low, high, 0)}
    row |= {name: wording.percent(*bounds.loc[f"CR{k}"]) for k, name in ((1, "largest"), (2, "two largest"))}
    return row | {"low": low, "high": high, "rows": sizes.rows}


def sensitivity(edition: Edition) -> Exhibit:
    """Table of the bounds on the estimated and on the printed total, where the two differ."""
    if (sizes := size_table(edition)) is None:
        return missing(edition, "firm_sizes.sensitivity")
    found = {}
    for basis in BASES:
        if (sizes := size_table(edition._replace(total_basis=basis))) is None:
            return missing(edition, "firm_sizes.sensitivity")
        total = wording.amount(wording.span(sizes.base.low, sizes.base.high), sizes.base.cell.unit)
        if basis == "estimated" and sizes.base.status != "corrected":
            return missing(edition, "firm_sizes.sensitivity", say("firm_sizes.sensitivity_agreed", total=total))
        found[say("firm_sizes.on_total", total=total)] = concentration_bounds(**sizes.published, ks=sizes.ks)
    rows = []
    for measure in [*(f"CR{k}" for k in sizes.ks), "HHI_10000", "N_eff"]:
        key = "firm_sizes.cr1" if measure == "CR1" else "firm_sizes.cr"
        ratio, decimals = measure[:2] == "CR", 0 if measure == "HHI_10000" else None
        row = {"item": say(key, number=measure[2:]) if ratio else say(MEASURES[measure][0])}
        for name, bounds in found.items():
            low, high = bounds.loc[measure]
            row[name] = wording.percent(low, high) if ratio else wording.span(low, high, decimals)
        rows.append(row | {"rows": sizes.rows})
    k = sizes.ks[min(1, len(sizes.ks) - 1)]
    texts = [wording.percent(*bounds.loc[f"CR{k}"]) for bounds in found.values()]
    words = {"number": wording.number(k), "estimated": texts[0], "printed": texts[1]}
    return table(edition, "firm_sizes.sensitivity", rows, title=say("firm_sizes.sensitivity_title", **words))
