"""The edition of an overview that a notebook or a report is about: checked parameters and what the figures say."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import pandas as pd

from hzso_analysis.figures import areas, codebook, data_folder, load_figures
from hzso_analysis.read import DataError, nearest
from hzso_analysis.reconciliation import Reconciliation, reconcile

BASES = ["estimated", "published"]


class Edition(NamedTuple):
    """An area and a year with all its figures; `compare_with` is blank where there is nothing to compare with."""

    area: str
    year: int
    compare_with: str
    total_basis: str
    reconciliation: Reconciliation

    @property
    def data_dir(self) -> str:
        """The folder that the figures and the codebook come from."""
        return self.reconciliation.figures.attrs["data_dir"]


class Quantity(NamedTuple):
    """What is known of one cell: bounds in `unit`, the status, and the published rows behind it."""

    low: float
    high: float
    unit: str
    status: str
    rows: pd.DataFrame


def whole_year(year: object) -> int:
    """The year as a whole number; 2012, "2012", 2012.0 and full-width digits are the same year.

    >>> whole_year("２０１２"), whole_year(2012.0)
    (2012, 2012)
    """
    text = unicodedata.normalize("NFKC", str(year)).strip()
    if isinstance(year, bool) or not re.fullmatch(r"\d{4}(\.0)?", text):
        raise ValueError(f"year: found {year!r}; write a four-digit year such as 2011")
    return int(text[:4])


def open_edition(
    *,
    area: str = "hangzhou",
    year: object = 2011,
    compare_with: str = "china",
    total_basis: str = "estimated",
    data_dir: str = "",
) -> Edition:
    """Check the parameters of a notebook, read the figures they ask for and reconcile them.

    `compare_with` is left out where it is the area itself or has no figures. Raises ValueError naming what is allowed
    for every wrong parameter, DataError for faults in the data.

    >>> edition = open_edition(area="hangzhou", year="2011")
    >>> edition.year, edition.compare_with
    (2011, 'china')
    """
    known = areas(data_dir)
    faults = []
    if area not in known:
        faults.append(f"area: found {area!r}{nearest(str(area), known)}; {data_folder(data_dir)} has {', '.join(known)}")
    if not isinstance(compare_with, str):
        faults.append(f"compare_with: found {compare_with!r}; write an area or leave it blank")
    if total_basis not in BASES:
        faults.append(f"total_basis: found {total_basis!r}; write {' or '.join(BASES)}")
    try:
        year = whole_year(year)
    except ValueError as error:
        faults.append(str(error))
    if faults:
        raise ValueError("\n".join(faults))
    other = compare_with if compare_with in known and compare_with != area else ""
    figures = load_figures([area, other] if other else area, data_dir=data_dir)
    years = sorted(set(figures.loc[figures["area"] == area, "year"]))
    if year not in years:
        raise DataError([f"year: {area} has no figures for {year}; there are {', '.join(map(str, years))}"])
    return Edition(area, int(year), other, total_basis, reconcile(figures))


def describe(edition: Edition) -> str:
    """One line on what was read, for the top of a notebook."""
    figures = edition.reconciliation.figures
    own = figures[(figures["area"] == edition.area) & (figures["year"] == edition.year)]
    text = (
        f"{edition.area.capitalize()} {edition.year}: {len(own)} figures from "
        f"{own['source'].nunique()} source(s); {(figures['area'] == edition.area).sum()} in all years."
    )
    if edition.compare_with:
        nation = figures[(figures["area"] == edition.compare_with) & (figures["year"] == edition.year)]
        return f"{text} Compared with {edition.compare_with.capitalize()}: {len(nation)} figures for {edition.year}."
    return f"{text} Not compared with another area."


def find(
    edition: Edition,
    indicator: str,
    flow: str = "",
    category: str = "total",
    *,
    year: int | None = None,
    months: str = "",
    area: str | None = None,
    unit: str | None = None,
) -> Quantity | None:
    """What is known of a cell, by default of the edition's own area and year; None where nothing is.

    An amount known in several currencies comes in USD unless `unit` asks for another.
    """
    key = {"area": area or edition.area, "year": edition.year if year is None else year, "months": months}
    key |= {"indicator": indicator, "flow": flow, "category": category}
    rows = _match(edition.reconciliation.estimates, key)
    rows = rows[rows["status"] != "unknown"]
    if unit:
        rows = rows[rows["unit"] == unit]
    if rows.empty:
        return None
    cell = rows.sort_values("unit", ascending=False).iloc[0]
    figures = _match(edition.reconciliation.figures, key | {"measure": "level", "unit": cell["unit"]})
    return Quantity(cell["low"], cell["high"], cell["unit"], cell["status"], figures)


def published(edition: Edition, indicator: str, flow: str, category: str, measure: str, **key) -> pd.DataFrame:
    """The published rows of one measure of a cell, by default of the edition's own area and year, heaviest first."""
    key = {"area": edition.area, "year": edition.year, "months": ""} | key
    rows = _match(edition.reconciliation.figures, key | {"indicator": indicator, "flow": flow, "category": category})
    return rows[rows["measure"] == measure].sort_values("weight", ascending=False, kind="stable")


def ratio(edition: Edition, numerator: dict, denominator: dict, unit: str) -> tuple[float, float] | None:
    """Bounds of the quotient of two cells given by their keys; keys left out are the edition's own."""
    own = {"area": edition.area, "year": edition.year, "months": "", "flow": "", "category": "total", "unit": unit}
    order = ["area", "year", "months", "indicator", "flow", "category", "unit"]
    cells = [tuple((own | key)[name] for name in order) for key in (numerator, denominator)]
    low, high = edition.reconciliation.ratio(*cells)
    return None if low != low else (low, high)


def label(edition: Edition, table: str, word: str) -> str:
    """The English label of an indicator or category of the codebook."""
    labels = codebook(table, edition.data_dir).set_index("id")["label_en"]
    return labels.get(word, word)


def _match(frame: pd.DataFrame, key: dict) -> pd.DataFrame:
    mask = pd.Series(True, index=frame.index)
    for column, value in key.items():
        mask &= frame[column] == value
    return frame[mask]
