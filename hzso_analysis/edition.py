"""The edition of an overview that a notebook or a report is about: checked parameters and what the figures say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hzso_analysis import wording
from hzso_analysis.answers import kept
from hzso_analysis.constraints import Cell, first_last, interval, share_base
from hzso_analysis.faults import DataError
from hzso_analysis.figures import codebook, heaviest_first, is_synthetic, load_figures, load_policies
from hzso_analysis.folders import TABLES, areas, data_files, data_folder, other_areas
from hzso_analysis.numerals import whole_year
from hzso_analysis.provenance import digest, file_hash, library_hash, pins
from hzso_analysis.reconciliation import Reconciliation, reconcile
from hzso_analysis.sheets import folded
from hzso_analysis.vocabulary import INTERNAL, LEDGER, SUPPRESSED

BASES = ["estimated", "published"]
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Edition(NamedTuple):
    """An area and a year with all its figures; `compare_with` is blank where there is nothing to compare with.

    `left_out` is the area that a comparison was asked with and that has no figures, or where only one of the two is
    made up.
    """

    area: str
    year: int
    compare_with: str
    total_basis: str
    reconciliation: Reconciliation
    show_code: bool = False
    left_out: str = ""

    @property
    def data_dir(self) -> str:
        """The folder that the figures and the codebook come from."""
        return str(self.reconciliation.figures.attrs["data_dir"])

    def say(self, key: str, **words: object) -> str:
        """The phrase of this key, with `area`, `other` (what it is compared with) and `year` filled in as well."""
        own = {"area": wording.area_name(self.area), "other": wording.area_name(self.compare_with), "year": self.year}
        return wording.say(key, **own | words)


class Quantity(NamedTuple):
    """What is known of one cell: bounds in the unit of the cell, the status, the published levels behind it."""

    cell: Cell
    low: float
    high: float
    status: str
    rows: pd.DataFrame
    known: Reconciliation

    @property
    def basis(self) -> pd.DataFrame:
        """The published levels within the bounds; where none is or they are disputed, what the bounds follow from."""
        slack, fits = 1 + 1e-8, []  # estimates have nine digits
        for index, row in zip(self.rows.index, self.rows.itertuples(), strict=True):
            low, high = interval(row)
            fits += [index] * (row.qualifier != "unclear" and low <= self.high * slack and high * slack >= self.low)
        if fits and self.status != "disputed":
            return self.rows.loc[fits]
        behind = self.known.behind(self.cell)
        return pd.concat([self.rows.loc[fits], behind.drop(fits, errors="ignore")])


class Share(NamedTuple):
    """A share as a fraction, with the whole it is a share of."""

    low: float
    high: float
    base: Quantity


def truth(value: object) -> bool:
    """What a parameter that is on or off says; papermill hands on the text "false", which Python takes for true.

    >>> truth("No"), truth(1)
    (False, True)
    """
    if folded(str(value)).lower() not in TRUTHS:
        raise ValueError(f"write {wording.listing(TRUTHS, 'or')}")
    return TRUTHS[folded(str(value)).lower()]


def parameter_faults(
    *,
    area: object,
    year: object,
    compare_with: object = "",
    total_basis: object = "estimated",
    data_dir: object = "",
    show_code: object = False,
) -> list[str]:
    """What is wrong with the parameters of a notebook, a sentence for each with what is allowed."""
    faults = []
    if not isinstance(data_dir, str | Path):
        faults.append(f"data_dir: found {data_dir!r}; write a folder or leave it blank")
    elif area not in areas(data_dir):
        faults.append(f"area: found {area!r}{other_areas(str(area), data_dir)}")
    if not isinstance(compare_with, str):
        faults.append(f"compare_with: found {compare_with!r}; write an area or leave it blank")
    if total_basis not in BASES:
        faults.append(f"total_basis: found {total_basis!r}; write {' or '.join(BASES)}")
    for name, check, value in (("year", whole_year, year), ("show_code", truth, show_code)):
        try:
            check(value)
        except ValueError as error:
            faults.append(f"{name}: found {value!r}; {error}")
    return faults


def open_edition(
    *,
    area: str = "hangzhou",
    year: object = 2011,
    compare_with: str = "china",
    total_basis: str = "estimated",
    data_dir: str = "",
    show_code: object = False,
) -> Edition:
    """Check the parameters of a notebook, read the figures they ask for and reconcile them.

    `compare_with` is left out where it is the area itself or has no figures, and where one of the two is made up.
    Raises ValueError naming what is allowed for every wrong parameter, DataError for faults in the data.

    >>> edition = open_edition(area="hangzhou", year="2011")
    >>> edition.year, edition.compare_with
    (2011, 'china')
    """
    given = {"area": area, "year": year, "compare_with": compare_with, "total_basis": total_basis}
    if faults := parameter_faults(**given, data_dir=data_dir, show_code=show_code):
        raise ValueError("\n".join(faults))
    wanted = compare_with if compare_with != area else ""
    other = wanted if wanted in areas(data_dir) and is_synthetic(wanted) == is_synthetic(area) else ""
    load_policies(area, data_dir=data_dir)  # its faults come before anything runs
    reconciliation = answer([area, other] if other else [area], data_dir)
    number, years = whole_year(year), years_of(reconciliation, area)
    if number not in years:
        there = ", ".join(map(str, years)) or "none yet"
        raise DataError([f"year: {area} has no figures for {number}; there are {there}"])
    left_out = "" if other else wanted
    return Edition(area, number, other, total_basis, reconciliation, truth(show_code), left_out)


def answer(names: list[str], data_dir: str | Path = "") -> Reconciliation:
    """The figures of these areas, reconciled; the answer is kept for the next notebook, year and run.

    It is kept under the hash of the data files, of the library and of its versions, so it cannot be taken for another.
    """
    folder = data_folder(data_dir)
    files = [[name, file_hash(path)] for name, path in data_files(folder, names).items()]
    key = digest(str(folder), names, files, library_hash(), pins())
    return kept(key, lambda: reconcile(load_figures(names, data_dir=data_dir)))


def rows_hash(edition: Edition) -> str:
    """The hash of every row that an edition was made from: figures, codebook, sources, policies."""
    tables = [codebook(name, edition.data_dir) for name in TABLES]
    return digest([frame.to_csv() for frame in (edition.reconciliation.figures, *tables)])


def years_of(reconciliation: Reconciliation, area: str) -> list[int]:
    """Years of which anything is known, printed or implied."""
    estimates, figures = reconciliation.estimates, reconciliation.figures
    known = estimates[(estimates["area"] == area) & (estimates["status"] != "unknown")]
    return sorted({*known["year"], *figures.loc[figures["area"] == area, "year"]})


def describe(edition: Edition) -> str:
    """One line on what was read, for the top of a notebook.

    >>> describe(open_edition(year=2011)).split(". ")[0]
    'Hangzhou 2011: 71 figures from 4 sources; 131 in all years'
    """
    figures = edition.reconciliation.figures
    year = figures[figures["year"] == edition.year]
    own, number = year[year["area"] == edition.area], (figures["area"] == edition.area).sum()
    said = {"all": number, "figures": wording.counted(len(own), "figure"), "comparison": comparison(edition)}
    said |= {"sources": wording.counted(own["source"].nunique(), "source"), "basis": edition.total_basis}
    if edition.compare_with:
        nation = wording.counted((year["area"] == edition.compare_with).sum(), "figure")
        said["comparison"] = edition.say("edition.compared_figures", figures=nation)
    return " ".join([edition.say("edition.read", **said), *stamps(edition)])


def stamps(edition: Edition) -> list[str]:
    """What must stand on everything that is made of an edition: that it is made up, that it is not for publication."""
    used = set(edition.reconciliation.figures["source"])
    made_up = is_synthetic(edition.area) or any(map(is_synthetic, used))
    internal = any(INTERNAL in source.split()[-1:] for source in used)
    return [wording.say("edition.synthetic")] * made_up + [wording.say("edition.internal")] * internal


def comparison(edition: Edition) -> str:
    """One sentence on what the edition is compared with."""
    if edition.compare_with:
        return edition.say("edition.compared")
    if edition.left_out and is_synthetic(edition.left_out) != is_synthetic(edition.area):
        return wording.say("edition.made_up", area=wording.area_name(edition.left_out))
    if edition.left_out:
        return wording.say("edition.no_figures", area=wording.area_name(edition.left_out))
    return wording.say("edition.not_compared")


def find(
    edition: Edition,
    indicator: str,
    flow: str = "",
    category: str = "total",
    *,
    year: int | None = None,
    months: str | None = None,
    area: str | None = None,
    unit: str | None = None,
) -> Quantity | None:
    """What is known of a cell, by default of the edition's own area and year; None where nothing is.

    Unless `months` asks for a period it is the whole year or, failing that, the longest part of it; an amount known in
    several currencies comes in USD unless `unit` asks for another.
    """
    year = edition.year if year is None else year
    known = edition.reconciliation.known.get((area or edition.area, year, indicator, flow, category), [])
    known = [found for found in known if months is None or found[0].months == months]
    known = [found for found in known if not unit or found[0].unit == unit]
    if not known:
        return None
    cell, low, high, status = max(known, key=lambda found: (months_covered(found[0].months), found[0].unit))
    rows = edition.reconciliation.printed(**cell._asdict(), measure="level")
    return _whole(Quantity(cell, low, high, status, rows, edition.reconciliation))


def _whole(quantity: Quantity) -> Quantity:
    """A number of things within whole bounds, where there are any: there is no half of an enterprise."""
    low = float(math.ceil(quantity.low - wording.EXACT))
    high = float(math.floor(quantity.high + wording.EXACT)) if quantity.high < math.inf else math.inf
    return quantity._replace(low=low, high=high) if quantity.cell.unit == "count" and low <= high else quantity


def months_covered(text: str) -> int:
    """Number of months in a period.

    >>> months_covered("1 to 9"), months_covered("")
    (9, 12)
    """
    first, last = first_last(text)
    return last - first + 1


def series(edition: Edition, indicator: str, flow: str = "", category: str = "total", **key: Any) -> list[Quantity]:
    """What is known of a cell in each year up to the edition's, oldest first; by default of whole years only."""
    years = sorted(year for year in set(edition.reconciliation.estimates["year"]) if year <= edition.year)
    key = {"months": ""} | key
    found = (find(edition, indicator, flow, category, year=year, **key) for year in years)
    return [quantity for quantity in found if quantity is not None]


def printed_rows(edition: Edition, indicator: str, flow: str, category: str, measure: str, **key: Any) -> pd.DataFrame:
    """The published rows of one measure of a cell, by default of the edition's own area and year, heaviest first."""
    key = {"area": edition.area, "year": edition.year} | key
    key |= {"indicator": indicator, "flow": flow, "category": category, "measure": measure}
    return heaviest_first(edition.reconciliation.printed(**key))


def from_ledger(rows: pd.DataFrame) -> pd.DataFrame:
    """The figures that were added up from contract records, so that their levels are exact.

    >>> from_ledger(pd.DataFrame({"source": ["synthetic ledger internal", "shanghai daily 2012-04-23"]})).index.tolist()
    [0]
    """
    return rows[[LEDGER in source.split() for source in rows["source"]]]


def exact(quantity: Quantity | None) -> float | None:
    """The level of a cell that contract records say and no other figure contradicts, with all its digits."""
    if quantity is None or quantity.status != "published":
        return None
    printed = zip(quantity.rows["source"], quantity.rows["value"], strict=True)
    return next((float(value) for source, value in printed if LEDGER in source.split()), None)


def look_up(edition: Edition, indicator: str, flow: str = "", category: str = "total") -> Quantity | None:
    """What is known of a cell of the edition's area and year or, where it is suppressed, what the others leave."""
    return find(edition, indicator, flow, category) or withheld(edition, indicator, flow, category)


def withheld(edition: Edition, indicator: str, flow: str = "", category: str = "total") -> Quantity | None:
    """A cell of the edition's area and year that is suppressed, with whatever bounds the others leave."""
    key = {"area": edition.area, "year": edition.year, "indicator": indicator, "flow": flow, "category": category}
    estimates = edition.reconciliation.estimates
    rows = match(estimates[estimates["status"] == SUPPRESSED], key)  # few, so that the other columns take no time
    if rows.empty:
        return None
    row = rows.iloc[0]
    cell = Cell(*(row[name] for name in Cell._fields))
    known = edition.reconciliation
    return _whole(Quantity(cell, row["low"], row["high"], SUPPRESSED, known.figures.head(0), known))


def share(edition: Edition, quantity: Quantity, of: str = "") -> Share | None:
    """The share of a quantity in its base: the total of its flow, or the same cell of the area `of`.

    With `total_basis` published the base is the heaviest printed level, where there is one; else the estimate.
    """
    base_cell = share_base(quantity.cell, of)
    base = find(edition, **base_cell._asdict())
    if base is None:
        return None
    if edition.total_basis == "published" and len(base.rows) and not of:
        row = heaviest_first(base.rows).iloc[0]
        low, high = interval(row)
        base = Quantity(base_cell, low, high, "published", base.rows, base.known)
        return Share(quantity.low / high, quantity.high / low if low else math.inf, base)
    own, whole = exact(quantity), exact(base)
    if own is not None and whole:
        return Share(own / whole, own / whole, base)
    low, high = edition.reconciliation.ratio(quantity.cell, base_cell)
    return Share(low, high, base)


def when(edition: Edition, cell: Cell) -> str:
    """The period of a cell in words; what is counted on a day was counted at its end."""
    row = codebook("indicators", edition.data_dir).set_index("id").loc[cell.indicator]
    on_a_day = row["kind"] == "stock" and row["flows"] == "none"  # firms of a flow are those of the whole period
    return (wording.end_of if on_a_day else wording.period)(cell.year, cell.months)


def value_text(quantity: Quantity) -> str:
    """The value of a cell as written: as printed where it was published, else its bounds."""
    if quantity.status == "published" and len(quantity.rows):
        rows = quantity.rows[quantity.rows["qualifier"] != "unclear"]
        return wording.printed(heaviest_first(rows).iloc[0])
    return wording.span(quantity.low, quantity.high)


def in_words(quantity: Quantity) -> str:
    """A quantity as it stands in a sentence: as printed where it was published, else between its bounds."""
    if quantity.status == "published":
        return wording.amount(value_text(quantity), quantity.cell.unit)
    return wording.between(quantity.low, quantity.high, quantity.cell.unit)


def label(edition: Edition, table: str, word: str) -> str:
    """The English label of an indicator or category of the codebook."""
    book = codebook(table, edition.data_dir)
    labels: dict[str, str] = dict(zip(book["id"], book["label_en"], strict=True))
    return labels.get(word, word)


def category_name(edition: Edition, category: str) -> str:
    """The label of a category where it stands alone: a size band is one of enterprises."""
    bands = codebook("categories", edition.data_dir).set_index("id")["dimension"]
    name = label(edition, "categories", category)
    return wording.say("edition.band", name=name) if bands.get(category) == "size band" else name


def match(frame: pd.DataFrame, key: dict[str, Any]) -> pd.DataFrame:
    """The rows that have these values in these columns."""
    mask = pd.Series(True, index=frame.index)
    for column, value in key.items():
        mask &= frame[column] == value
    return frame[mask]
