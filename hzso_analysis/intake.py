"""A messy file becomes a clean CSV file beside the data: labels and synonyms become ids, nothing is lost or guessed."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hzso_analysis.faults import DataError, nearest
from hzso_analysis.figures import argument_faults, check_figures, check_made_up, codebook, load_figures
from hzso_analysis.folders import HIDDEN, area_files, areas, data_files, folder_to_write, other_areas
from hzso_analysis.numerals import read_number
from hzso_analysis.plausibility import placed, repeats
from hzso_analysis.read import read_sound, unsaid
from hzso_analysis.revisions import differences
from hzso_analysis.sheets import folded
from hzso_analysis.template import csv_text
from hzso_analysis.vocabulary import COLUMNS, UNITS, closed_word, half_width

MORE = {"indicator": ", or such as growth of contracts executed, people trained 2007-2011", "category": ""}
TOTALS = ["total", "all", "合计", "总计", "全部", "小计"]
# what a label can say besides the indicator: a measure, the years of a sum, a flow
_MEASURES = [
    ("share", r"share (?:of|in) (?P<name>.+)|(?P<zh>.+?)(?:占比|比重|份额)"),
    ("growth", r"growth (?:of|in) (?P<name>.+)|(?P<zh>.+?)(?:同比增长|增长率|增速|同比|增长)"),
    ("cumulative", r"(?P<name>.+?),? (?P<since>\d{4}) ?(?:-|to) ?(?P<until>\d{4})"),
]
_FLOW = re.compile(r"(offshore|onshore|离岸|在岸) ?(.+)|(.+), (offshore|onshore)", re.I)
_OVER = re.compile(r" ?(?:over|on|from) (?:the )?(?:previous|last) year$", re.I)


class Intake(NamedTuple):
    """What an import would do: the file to write and its text, its number of rows, the load report, what differs."""

    target: Path
    text: bytes
    rows: int
    notes: list[str]
    lines: list[str]


def prepare(
    path: str | Path, *, area: str, source: str = "", name: str = "", replace: bool = False, data_dir: str | Path = ""
) -> Intake:
    """Read a messy file and return what its import into an area would write and change; nothing is written yet.

    Labels in English and Chinese become ids of the codebook. With `source` all rows are of that source and what the
    file says in its own column goes to the locator. Figures that the area has already, from the same source, are left
    out. The file to write is `name`, or called like `path`.

    Raises ValueError for wrong arguments, FileExistsError where the file is there and is not to `replace`, DataError
    with every fault of the file, and where the same source has another value: a revision has a source of its own.
    """
    folder, path = folder_to_write(data_dir), Path(path)
    _check_arguments(area, source, name, folder)
    if not name and path.name.startswith(HIDDEN):
        raise ValueError(f"name: a file called {path.name} would not be read as data; say --name")
    table, faults, unsound = read_sound(path, source=source)
    notes = table.attrs["notes"]
    target = folder / area / f"{name or path.stem}.csv"
    if target.exists() and not replace:
        raise FileExistsError(f"{target} is there already; choose another --name, or --replace it")
    # of a row with slips of typing it is asked only whether its labels and its source are known
    slips = unsound.assign(year=None, flow="", measure="level")
    rows = pd.concat([table, slips]).sort_values("line") if len(slips) else table
    strange: list[str] = []
    table = _with_ids(rows.assign(placed=rows["locator"] != "", area=area), folder, strange)
    table = _with_source(table, source, folder, strange)
    if faults := faults + unsaid(strange, unsound):
        raise DataError(faults)
    blank = table["value"].isna() & (table["printed"] == "")
    if blank.any():
        notes.append(f"{path.name}: rows without a value, left out: {_lines(table[blank])}")
    table = _news(table[~blank], target, folder, notes)
    text = csv_text(clean_rows(table))
    return Intake(target, text, len(table), notes, _changes(text, target, folder) if len(table) else [])


def _check_arguments(area: str, source: str, name: str, folder: Path) -> None:
    faults = argument_faults(area, source, folder)
    if not folder.is_dir():
        faults.append(f"data_dir: found {folder}; there is no such folder")
    if not faults and not (folder / area).is_dir() and nearest(area, areas(folder)):
        faults.append(f"area: found {area!r}{other_areas(area, folder)}; if it is a new one, make its folder first")
    if name and not re.fullmatch(r"\w[\w -]*", name):
        faults.append(f"name: found {name!r}; write the name of a file without its ending")
    if faults:
        raise ValueError("\n".join(faults))


def _with_ids(table: pd.DataFrame, folder: Path, faults: list[str]) -> pd.DataFrame:
    """The table with ids of the codebook for indicators and categories, and what their labels say besides."""
    indicators, categories = _words("indicators", folder, _key), _words("categories", folder, _category_key)
    categories |= dict.fromkeys(TOTALS, "") | {"": ""}
    rows = []
    for row in table.to_dict("records"):
        found, key = _indicator(row, indicators), _category_key(row["category"])
        # a size band may be called one of enterprises
        category = categories.get(key, categories.get(key.removeprefix("enterprises ")))
        asked = [("indicator", found, _key(row["indicator"]), indicators), ("category", category, key, categories)]
        for column, word, text, words in asked:
            if word is None:
                hint = nearest(text, words) or f"; write an id or a label of it{MORE[column]}"
                said = f"{column}: found {row[column]}, which is not in the codebook{hint}"
                faults.append(f"{row['file']}:{row['line']}: {said}")
        rows.append(row | (found or {}) | {"category": category})
    return pd.DataFrame(rows, columns=table.columns).astype({"since": "Int64"})


def _words(table: str, folder: Path, key: Callable[[str], str]) -> dict[str, str]:
    """Ids by the `key` of themselves and of their labels; a label of two ids is none's."""
    book = codebook(table, folder)
    words: dict[str, str] = {}
    for column in ("label_zh", "label_en", "id"):  # an id that is a label of another one wins
        ids = pd.Series(book["id"].tolist(), book[column].map(key))
        words |= ids[~ids.index.duplicated(keep=False)].to_dict()
    return words


def _key(text: str) -> str:
    return folded(text).lower().replace("（", "(").replace("）", ")")


def _category_key(text: str) -> str:
    """A name or label of a category in which a range and a short form are the same however they are written.

    >>> _category_key("1000-3000万美元") == _category_key("1000万至3000万美元"), _category_key("信息技术外包（ITO）")
    (True, '信息技术')
    """
    name = re.sub(r"\([a-z]+\)$", "", _key(text)).removesuffix("外包")
    return re.sub(r"[万亿]?(?:美元)?\s*(?:[-~–—至到]|\bto\b)\s*(?=[\d])", "-", name)


def _indicator(row: dict[str, Any], words: dict[str, str]) -> dict[str, object] | None:
    """The indicator and what its label says of flow, measure and first year; None where it is no label."""
    text = _OVER.sub("", _key(row["indicator"])).replace("服务外包", "").replace("接包", "").replace("金额", "额")
    if name := words.get(text, words.get(f"合同{text}")):
        return {"indicator": name}
    for measure, pattern in _MEASURES:
        if match := re.fullmatch(pattern, text):
            said = {key: value for key, value in match.groupdict().items() if value}
            found = _within(row | {"measure": "level"}, said.get("name") or said["zh"], words)
            fits = row["measure"] in ("level", measure) and (
                row["year"] is None or int(said.get("until", row["year"])) == row["year"]
            )
            since = {"since": int(said["since"])} if "since" in said else {}
            return found | {"measure": measure} | since if found and fits else None
    if match := _FLOW.fullmatch(text):
        flow, found = closed_word("flow", match[1] or match[4]), _within(row, match[2] or match[3], words)
        return found | {"flow": flow} if found and row["flow"] in ("", flow) else None
    return None


def _within(row: dict[str, Any], name: str, words: dict[str, str]) -> dict[str, object] | None:
    """The indicator that a part of a label names; `executed` is that of contracts."""
    found = (_indicator(row | {"indicator": word}, words) for word in (name, f"contracts {name}"))
    return next(filter(None, found), None)


def _with_source(table: pd.DataFrame, source: str, folder: Path, faults: list[str]) -> pd.DataFrame:
    """The table with ids of sources; with `source` what the file says goes to the locator."""
    if source:
        said = table["source"].where(table["source"] != source, "")
        locator = [", ".join(filter(None, texts)) for texts in zip(said, table["locator"], strict=True)]
        return table.assign(source=source, locator=locator)
    book = codebook("sources", folder)
    words = dict(zip(book["title"], book["id"], strict=True)) | {name: name for name in book["id"]}
    needed = table[table["value"].notna() | (table["printed"] != "")]
    for text, rows in needed[~needed["source"].isin(words)].groupby("source", sort=False):
        rule = "add it to sources.csv, or say --source ID for all rows"
        where = f"{rows['file'].iloc[0]}:{rows['line'].iloc[0]}"
        faults.append(f"{where}: source: found {text} in rows {_lines(rows)}{nearest(text, words)}; {rule}")
    return table.assign(source=table["source"].map(lambda text: words.get(text, text)))


def _news(table: pd.DataFrame, target: Path, folder: Path, notes: list[str]) -> pd.DataFrame:
    """The rows that other files of the area do not have yet, after a check against the codebook.

    A source prints a figure once: its place in the source is compared only where the file names it.
    """
    table = table.reset_index(drop=True)
    table.attrs = {"data_dir": str(folder)}
    own = table["value"].notna()
    new = check_figures(table[own]).drop(columns="placed")
    area = target.parent.name
    check_made_up(new.assign(area=area))
    known = load_figures(area, data_dir=folder) if area_files(folder, area) else new.head(0)
    known = known[known["file"] != f"{area}/{target.name}"]
    rows = [row for frame in (known, new) for row in frame[new.columns].assign(locator="").itertuples()]
    faults, copies = [], []
    for row, text, copy in repeats(rows):
        if row.file.startswith(f"{area}/"):
            continue
        if copy:
            copies.append(row.Index)
            notes.append(f"{placed(row)}: {text} and was left out")
        elif not table["placed"][row.Index]:
            rule = "a revision has a source of its own; if one source prints both, name the place of each in locator"
            faults.append(f"{placed(row)}: value: {text}; {rule}")
    if faults:
        raise DataError(faults)
    return table.drop(index=copies)


def clean_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows as they stand in a file of figures: all text, values and units as printed.

    >>> from hzso_analysis.folders import DATA_DIR
    >>> from hzso_analysis.read import read_table
    >>> clean_rows(read_table(DATA_DIR / "hangzhou" / "2011.csv")).loc[0, ["year", "value", "unit"]].tolist()
    ['2011', '21', 'count']
    """
    rows = []
    for row in table.to_dict("records"):
        number, _, unit = row["printed"].partition(" ")
        if pd.isna(row["value"]):
            rows.append(row | {"value": row["printed"], "precision": ""})
        else:
            rows.append(row | {"value": number, "unit": unit, "precision": _precision(row["precision"], number, unit)})
    # object, as a column of blanks and whole years would become one of decimals: 2007.0
    frame = pd.DataFrame(rows, columns=COLUMNS, dtype=object).astype("string").fillna("").astype(str)
    return frame.assign(measure=frame["measure"].replace("level", ""), category=frame["category"].replace("total", ""))


def _precision(width: float, text: str, unit: str) -> str:
    """The half-width in the printed unit where the decimals of the number do not say it."""
    number, half = read_number(text), width / float(UNITS[unit].factor)
    implied = half_width(number.value, number.decimals, unit)
    return "" if math.isclose(half, implied, rel_tol=1e-9, abs_tol=1e-12) else f"{half:.10g}"


def _lines(rows: pd.DataFrame) -> str:
    return ", ".join(map(str, rows["line"]))


def _changes(text: bytes, target: Path, folder: Path) -> list[str]:
    """What the data would differ by, in figures and in the estimates that move."""
    area = target.parent.name
    if not areas(folder):
        return []
    with tempfile.TemporaryDirectory(prefix="hzso-") as workshop:
        copy = Path(workshop)
        files = {name: path.read_bytes() for name, path in data_files(folder, areas(folder)).items()}
        for name, raw in (files | {f"{area}/{target.name}": text}).items():
            place = copy / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(raw)
        return differences(str(folder), str(copy), chosen=[area])
