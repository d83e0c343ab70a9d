"""Checked figures: the files of an area joined with the codebook and the list of sources."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from hzso_analysis.faults import DataError, nearest
from hzso_analysis.folders import DATA_DIR, DESCRIBED, area_files, areas, data_folder, other_areas
from hzso_analysis.plausibility import FIGURE, placed, repeats
from hzso_analysis.read import read_sound, unsaid
from hzso_analysis.sheets import CONTROL
from hzso_analysis.vocabulary import SUPPRESSED, SYNTHETIC

AMOUNTS = {"USD million", "CNY million"}
WHOLE = {"count", "person", "rank"}
# what a figure says, but for its value and who says so
WITNESS = ["area", "year", "months", "indicator", "flow", "category", "measure", "since", "of", "unit", "currency"]
DEFAULTS = {"months": "", "flow": "", "category": "total", "measure": "level", "since": pd.NA, "of": "", "currency": ""}
DEFAULTS |= {"precision": 0.0, "qualifier": "", "weight": 1, "source": "", "locator": "", "note": ""}


class Kept(tuple[Any, ...]):
    """A tuple that all copies of a frame share: pandas copies `attrs` deeply at each of its steps."""

    def __deepcopy__(self, memo: dict[str, Any]) -> Kept:
        return self


def argument_faults(area: str, source: str, folder: Path) -> list[str]:
    """What is wrong with the name of an area, new or not, and with the id of a source (blank for none).

    >>> argument_faults("../x", "", DATA_DIR)
    ["area: found '../x'; write the name of a folder, in letters, digits, _ and -"]
    """
    faults, known = [], list(codebook("sources", folder)["id"])
    if not re.fullmatch(r"\w[\w-]*", area):
        faults.append(f"area: found {area!r}; write the name of a folder, in letters, digits, _ and -")
    if source and source not in known:
        faults.append(f"source: found {source!r}{nearest(source, known)}; add a new source to sources.csv first")
    return faults


def codebook(table: str, data_dir: str | Path | None = None) -> pd.DataFrame:
    """Return `indicators`, `categories`, `sources`, `breaks` or `policies`: text, and numbers where the schema says so.

    A folder without the table uses the one that comes with the package. Raises DataError for missing columns and words
    where a number belongs.

    >>> codebook("categories").set_index("id").loc["USD 30 to 50 million", ["low", "high"]].tolist()
    [30.0, 50.0]
    """
    path = data_folder(data_dir) / f"{table}.csv"
    if not path.is_file():
        path = DATA_DIR / path.name
    # a copy, as who gets it may change it
    return _codebook(table, path.read_text(encoding="utf-8-sig")).copy()


@lru_cache(maxsize=64)
def _codebook(table: str, text: str) -> pd.DataFrame:
    """The table as the text of its file says it: a chapter asks many times, and a file may change meanwhile."""
    schema = (DATA_DIR / DESCRIBED).read_text(encoding="utf-8")
    # control characters come in by copying from PDF files, and no picture can hold them
    frame = pd.read_csv(StringIO(CONTROL.sub(" ", text)), dtype=str, keep_default_na=False)
    fields = next(r["schema"]["fields"] for r in json.loads(schema)["resources"] if r["name"] == table)
    if missing := [f["name"] for f in fields if f["name"] not in frame]:
        raise DataError([f"{table}.csv:1: column {name} is missing" for name in missing])
    faults = []
    for name in (field["name"] for field in fields if field["type"] in ("integer", "number")):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        wrong = frame.loc[numbers.isna() & (frame[name] != ""), name]
        faults += [f"{table}.csv:{line + 2}: {name}: found {word}; write a number" for line, word in wrong.items()]
        frame[name] = numbers
    if faults:
        raise DataError(faults)
    return frame


def breaks_of(indicator: str, area: str, data_dir: str | Path | None = None) -> list[int]:
    """Years in which the definition of an indicator changed in an area: what comes before cannot be compared.

    >>> breaks_of("employees", "hangzhou")
    [2019]
    """
    book = codebook("breaks", data_dir)
    return sorted(book.loc[(book["indicator"] == indicator) & book["area"].isin(["", area]), "year"])


def load_policies(area: str, *, data_dir: str | Path | None = None) -> pd.DataFrame:
    """Return the policy documents, events, aims and named things of one area, a row each as the source names them.

    `since` and `until` are blank (NaN) where no year is stated. Raises DataError for sources that the codebook lacks.

    >>> load_policies("hangzhou").query("kind == 'key industries planned'")["label_en"].size
    7
    """
    rows = _of_codebook("policies", "source", "sources", data_dir)
    return rows[rows["area"] == area]


def _of_codebook(table: str, column: str, home: str, data_dir: str | Path | None) -> pd.DataFrame:
    """The rows of a table of the codebook whose `column` is an id of table `home`.

    Raises DataError for the others; but a table that comes with the package may stand beside a `home` of the folder's.
    """
    rows, known = codebook(table, data_dir), codebook(home, data_dir)["id"].tolist()
    strange = rows.loc[~rows[column].isin(known), column]
    if len(strange) and (data_folder(data_dir) / f"{table}.csv").is_file():
        hints = ((line + 2, word, nearest(word, known)) for line, word in strange.items())
        raise DataError([f"{table}.csv:{n}: {column}: {word} is not in the codebook{hint}" for n, word, hint in hints])
    return rows.drop(strange.index)


def load_figures(area: str | Sequence[str] = "hangzhou", *, data_dir: str | Path | None = None) -> pd.DataFrame:
    """Return the checked figures of one area or several, a row per published number.

    Columns: those of `read_table` plus `area` and `weight` (of the source). A blank category is `total`, flow `all` on
    an indicator without flows is blank. Values are in USD million, CNY million, percent, count, person and so on,
    `precision` is the half-width; a figure that is suppressed has neither. A number that is missing is no figure: rows
    whose value was left blank are listed in `.attrs["blank"]` (dicts of area, file, line and what they count), and
    `.attrs["notes"]` are the load reports.
    Raises DataError with every fault of every file, a figure that stands in two files included.

    >>> figures = load_figures("hangzhou")
    >>> figures.query("year == 2011 and category == 'ITO'")[["measure", "value", "precision"]].values.tolist()
    [['level', 1345.0, 0.5], ['share', 66.14, 0.005]]
    """
    folder = data_folder(data_dir)
    faults: list[str] = []
    tables, slips = [], []
    for name in dict.fromkeys([area] if isinstance(area, str) else area):
        paths = area_files(folder, name) if name in areas(folder) else []
        if not paths:
            faults.append(f"{folder / name}: no figures for area {name}{other_areas(name, folder)}")
        for path in paths:
            try:
                table, found, unsound = read_sound(path)
            except DataError as error:
                faults += [f"{name}/{fault}" for fault in error.faults]
                continue
            faults += [f"{name}/{fault}" for fault in found]
            of_area = {"file": f"{name}/" + path.relative_to(folder / name).as_posix(), "area": name}
            tables.append(table.assign(**of_area))
            slips.append(unsound.assign(**of_area))
    if not tables:
        raise DataError(faults or ["area: found none; name one"])
    notes = [note for table in tables for note in table.attrs.pop("notes")]
    figures = pd.concat(tables, ignore_index=True)
    missing = figures["value"].isna() & (figures["qualifier"] != SUPPRESSED)
    blank = figures.loc[missing & (figures["printed"] == ""), ["area", "file", "line", *FIGURE]].to_dict("records")
    figures = figures[~missing].reset_index(drop=True)
    figures.attrs = {"data_dir": str(folder), "blank": Kept(blank), "notes": Kept(notes)}
    return _checked(figures, pd.concat(slips), faults)


def _checked(figures: pd.DataFrame, unsound: pd.DataFrame, faults: list[str]) -> pd.DataFrame:
    """The figures as `check_figures` has them, or DataError with these faults and those that the checks find.

    Rows with slips of typing are checked, too, so that a slip hides no other fault of its row.
    """
    rows = pd.concat([figures, unsound]).sort_values(["file", "line"], ignore_index=True) if len(unsound) else figures
    rows.attrs = figures.attrs
    for check in (_check_files, check_made_up, check_figures):
        try:
            checked = check(rows)
        except DataError as error:
            faults += unsaid(error.faults, unsound)
    if faults:
        raise DataError(faults)
    return checked


def _check_files(figures: pd.DataFrame) -> None:
    """Raise DataError where one figure stands in two files of an area, with the same value or another."""
    faults = []
    for _, rows in figures[figures["value"].notna()].groupby("area"):
        for row, text, _ in repeats(rows.itertuples()):
            faults.append(f"{placed(row)}: value: {text}; keep it in one file")
    if faults:
        raise DataError(faults)


def heaviest_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Figures by the weight of their source; those of one weight stay in their order.

    >>> heaviest_first(pd.DataFrame({"source": ["press", "bureau"], "weight": [1, 2]}))["source"].tolist()
    ['bureau', 'press']
    """
    return rows.sort_values("weight", ascending=False, kind="stable")


def is_synthetic(name: str) -> bool:
    """Whether an area or a source is made up: its name says so.

    >>> is_synthetic("synthetic ledger internal"), is_synthetic("ledger internal")
    (True, False)
    """
    return name.startswith(SYNTHETIC)


def check_made_up(figures: pd.DataFrame) -> None:
    """Raise DataError where what is made up stands in an area of real figures, or the other way round.

    A number that nobody counted must not get into an estimate of what somebody did, so areas are kept apart.
    """
    faults = []
    for (area, file, source), rows in figures[figures["source"] != ""].groupby(["area", "file", "source"], sort=False):
        if is_synthetic(area) != is_synthetic(source):
            only = "are made up and" if is_synthetic(area) else "are real and"
            kind = "begins with" if is_synthetic(area) else "does not begin with"
            where = f"{file}:{rows['line'].iloc[0]}: source: found {source}"
            rule = f"figures of area {area} {only} may only have a source whose id {kind} {SYNTHETIC}"
            faults.append(f"{where}; {rule} (lines {', '.join(map(str, rows['line']))})")
    if faults:
        raise DataError(faults)


def check_figures(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the figures with normal ids and the weight of each source, or raise DataError with every fault.

    Ids are checked against the codebook of the folder the figures came from, the nearest known id is named.
    """
    data_dir = figures.attrs.get("data_dir")
    indicators = codebook("indicators", data_dir).set_index("id")
    categories = codebook("categories", data_dir).set_index("id")
    weights = codebook("sources", data_dir).set_index("id")["weight"]
    _of_codebook("breaks", "indicator", "indicators", data_dir)  # a break that no figure has would never be seen
    faults = []
    rules = indicators.to_dict("index")
    known = {"indicator": list(rules), "category": ["", "total", *categories.index]}
    for row in figures.itertuples():
        where = placed(row)
        for column, ids in known.items():
            if (word := getattr(row, column)) not in ids:
                faults.append(f"{where}: {column}: {word} is not in the codebook{nearest(word, ids)}")
        if row.indicator in rules:
            faults += [f"{where}: {text}" for text in _misfits(row, rules[row.indicator])]
    # a new source stands in every row of a new file: it is named once
    strange = figures[~figures["source"].isin(weights.index)]
    for (file, word), rows in strange.groupby(["file", "source"], sort=False):
        lines = ", ".join(map(str, rows["line"]))
        said = f"{word} is not in the codebook{nearest(word, weights.index)}; add a new source to sources.csv"
        faults.append(f"{file}:{rows['line'].iloc[0]}: source: {said} (lines {lines})")
    if faults:
        raise DataError(faults)
    flow = figures["flow"].mask(figures["indicator"].map(indicators["flows"]) == "none", "")
    category, weight = figures["category"].replace("", "total"), figures["source"].map(weights)
    return figures.assign(flow=flow, category=category, weight=weight, currency=_currency(figures, indicators))


def _misfits(row: Any, indicator: dict[str, str]) -> list[str]:
    texts = []
    if indicator["flows"] == "none" and row.flow not in ("", "all"):
        texts.append(f"flow: found {row.flow}; {row.indicator} has no flows, leave blank")
    if indicator["flows"] != "none" and not row.flow:
        texts.append("flow: found nothing; write all, offshore or onshore")
    fits = AMOUNTS if indicator["unit"] in AMOUNTS else {indicator["unit"]}
    if row.measure in ("level", "cumulative", "average") and row.unit not in fits:
        hint = "; a share or a growth rate is named in column measure" if row.unit == "percent" else ""
        found = row.printed.strip()  # the number may be one that cannot be read
        texts.append(f"unit: found {found}; {row.indicator} is counted in {' or '.join(sorted(fits))}{hint}")
    if row.measure in ("level", "cumulative") and row.unit in WHOLE and row.value % 1 > 0:
        texts.append(f"value: found {row.printed}; {row.indicator} is counted in whole numbers")
    if row.of and row.of == getattr(row, "area", ""):
        texts.append(f"of: found {row.of}, the area itself; leave blank, or name another area")
    if row.measure == "share" and not row.of and row.category in ("", "total") and row.flow in ("", "all"):
        texts.append("measure: a share of what? name a category, a flow or, in column of, an area")
    return texts


def _currency(figures: pd.DataFrame, indicators: pd.DataFrame) -> pd.Series:
    """The currency behind a row, blank where the indicator is no amount."""
    amount = figures["indicator"].map(indicators["unit"]).isin(AMOUNTS)
    named = figures["unit"].str[:3].where(figures["unit"].isin(AMOUNTS), figures["currency"].replace("", "USD"))
    return named.where(amount, "")


def completed(figures: pd.DataFrame) -> pd.DataFrame:
    """The figures with every optional column present and blank ids filled in, each row with a label of its own.

    >>> rows = pd.DataFrame([{"category": "", "unit": "USD million"}], index=[7])
    >>> completed(rows)[["category", "flow", "measure", "currency"]].values.tolist()
    [['total', '', 'level', 'USD']]
    """
    frame = figures.copy() if figures.index.is_unique else figures.reset_index(drop=True)
    frame = frame.assign(**{column: default for column, default in DEFAULTS.items() if column not in frame})
    frame["category"] = frame["category"].replace("", "total")
    amount = frame["unit"].isin(AMOUNTS)
    frame["currency"] = frame["unit"].str[:3].where(amount, frame["currency"])
    return frame


def distinct(figures: pd.DataFrame) -> tuple[pd.DataFrame, dict[int, list[int]]]:
    """One row for rows that say the same, with the largest weight and the finest precision, in a stable order.

    Beside it the labels of these rows for each of them.

    >>> rows = completed(pd.DataFrame({"area": "aa", "year": 2011, "indicator": "x", "value": [2, 1, 2], "unit": "km"}))
    >>> distinct(rows)[1]
    {0: [1], 1: [0, 2]}
    """
    frame = figures.reset_index(names="row").sort_values([*WITNESS, "value", "qualifier", "source", "row"])
    groups = frame.groupby([*WITNESS, "value", "qualifier"], sort=False, dropna=False)
    first = groups.head(1).reset_index(drop=True)
    first["weight"] = groups["weight"].max().to_numpy()
    first["precision"] = groups["precision"].min().to_numpy()
    first.attrs = figures.attrs
    return first, {number: rows.tolist() for number, (_, rows) in enumerate(groups["row"])}
