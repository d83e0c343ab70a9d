"""The January job: a table of the figures of last year to be filled in, and what of it is still blank."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_range, xl_range_abs

from hzso_analysis import wording
from hzso_analysis.faults import DataError
from hzso_analysis.figures import argument_faults, codebook, heaviest_first, load_figures
from hzso_analysis.folders import areas, folder_to_write, other_areas
from hzso_analysis.numerals import whole_year
from hzso_analysis.rows import FREE, NAMES
from hzso_analysis.sheets import FORMULA, guarded
from hzso_analysis.vocabulary import CLOSED, COLUMNS, COUNTED, GUIDES, UNITS
from hzso_analysis.workshop import write_aside

TYPED = ["months", "since", "value", "unit", "precision", "qualifier", "source", "locator", "note"]
MADE = datetime(2000, 1, 1)  # a workbook carries the day it was made; the same input must give the same bytes
SPARE = 300  # rows with drop-down lists below the others, for figures that were not published last year
WIDTHS = {"label_en": 48, "label_zh": 34, "last_year": 22, "last_source": 24, "indicator": 24, "category": 22}
WIDTHS |= {"unit": 13, "measure": 14, "value": 12, "source": 24, "locator": 22, "note": 40}
HELP = [
    ("value", "Type the number as printed, with all its decimals (66.10 stays 66.10); they carry its rounding."),
    ("数值", "按原文填写，保留全部小数位（66.10 不写成 66.1）：小数位表示四舍五入的精度。"),
    ("unit", "As printed. It is last year's unit; choose another where the overview prints another."),
    ("单位", "按原文填写。预填的是上一年的单位，原文不同时请改选。"),
    ("qualifier", "over, under or about, where the text says so; unclear where it is in doubt what is counted."),
    ("限定词", "原文写“超过”选 over，“近”“不足”选 under，“约”选 about；口径不明选 unclear。"),
    ("source", "An id of sources.csv in the data folder; add a row there first for a new source."),
    ("来源", "填 sources.csv 中的编号；新来源请先在该文件中添加一行。"),
    ("not published", "Leave value blank: missing stays missing. Never write zero for it."),
    ("未公布", "数值留空，不要填零。"),
    ("new figures", "Add them in the rows below the last one, with year, indicator, flow and so on."),
    ("新增指标", "在最后一行之下填写，并填写 year、indicator、flow 等各列。"),
    ("grey cells", "They say what is counted, locked without a password. The first four columns are only a guide."),
    ("灰色单元格", "说明统计口径，已锁定（无密码）。前四列仅供参考。"),
]


class Template(NamedTuple):
    """A table that was written: where, for how many figures of which year, and how many figures were left out."""

    path: Path
    rows: int
    last: int
    unclear: int


def new_year(
    year: object,
    *,
    area: str = "hangzhou",
    like: str = "",
    source: str = "",
    xlsx: bool = False,
    data_dir: str | Path = "",
) -> Template:
    """Write `area/year.csv` or `.xlsx` with a row for each figure of the latest year before; a file is never replaced.

    The figures are those of the area, or of the area `like`, so that a new area can begin. Raises ValueError naming
    every wrong argument, FileExistsError, or DataError for faults in the data and where no earlier year has figures.
    """
    year, target = _check_arguments(year, area, like, source, folder_to_write(data_dir))
    figures = load_figures(like or area, data_dir=data_dir)
    rows = to_fill_in(figures, year).assign(source=source)
    last = rows.attrs["last"]
    all_keys = figures[figures["year"] == last].drop_duplicates(COUNTED)
    path = target.with_suffix(".xlsx" if xlsx else ".csv")
    write_aside(path, workbook(rows, data_dir) if xlsx else csv_text(rows))
    return Template(path, len(rows), last, len(all_keys) - len(rows))


def _check_arguments(year: object, area: str, like: str, source: str, folder: Path) -> tuple[int, Path]:
    """The year as a number and the CSV file of it; ValueError with every wrong argument."""
    faults = []
    try:
        number = whole_year(year)
    except ValueError as error:
        faults.append(f"year: found {year!r}; {error}")
    if (like or area) not in (there := areas(folder)):
        hint = f"; for a new area say whose figures to list, as in --like {there[-1]}" if there and not like else ""
        faults.append(f"{'like' if like else 'area'}: found {like or area!r}{other_areas(like or area, folder)}{hint}")
    faults += argument_faults(area, source, folder)
    if faults:
        raise ValueError("\n".join(faults))
    target = folder / area / f"{number}.csv"
    if old := [path for path in (target, target.with_suffix(".xlsx")) if path.exists()]:
        raise FileExistsError(f"{old[0]} is there already; fill it in, or move it away for a new one")
    return number, target


def to_fill_in(figures: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the rows of a new year, all text: what the latest year before counts, in its printed units, values blank.

    Figures come in the order of their files, those of the area's own sources first. Figures whose meaning is unclear
    are left out. `.attrs["last"]` is the year they are of. Raises DataError where no earlier year has figures.
    """
    clear = figures[(figures["year"] < year) & (figures["qualifier"] != "unclear")]
    last = heaviest_first(clear[clear["year"] == clear["year"].max()])
    if last.empty:
        there = ", ".join(map(str, sorted(set(figures["year"])))) or "none"
        raise DataError([f"year: there are no figures before {year}; years with figures: {there}"])
    said = last.assign(last_year=(last["qualifier"] + " " + last["printed"]).str.strip(), last_source=last["source"])
    texts = {"last_year": "; ".join, "last_source": "; ".join, "printed": "first"}
    rows = said.groupby(COUNTED, sort=False, dropna=False).agg(texts).reset_index()
    rows = rows.join(in_words(rows, figures.attrs["data_dir"]))
    in_cny = (rows["currency"] == "CNY") & (rows["unit"] == "percent")
    rows = rows.assign(
        year=str(year),
        category=rows["category"].replace("total", ""),
        measure=rows["measure"].replace("level", ""),
        since=rows["since"].astype("string").fillna(""),
        unit=rows["printed"].str.partition(" ")[2],
        currency=rows["currency"].where(in_cny, ""),
    )
    rows = rows.reindex(columns=[*GUIDES, *COLUMNS], fill_value="").astype(str)
    rows.attrs = {"last": int(last["year"].iloc[0])}
    return rows


def in_words(rows: pd.DataFrame, data_dir: str | Path | None = None) -> pd.DataFrame:
    """Return `label_en` and `label_zh`: what each row counts, in the labels of the codebook."""
    tables = pd.concat([codebook(name, data_dir) for name in ("indicators", "categories")]).set_index("id")
    english, chinese = tables["label_en"].to_dict(), tables["label_zh"].to_dict()
    words = [(wording.meaning(row, english), wording.meaning_zh(row, chinese)) for _, row in rows.iterrows()]
    return pd.DataFrame(words, columns=GUIDES[:2], index=rows.index)


def csv_text(rows: pd.DataFrame) -> bytes:
    """The rows as CSV the way Excel writes it: UTF-8 with a byte order mark, CRLF.

    A text that Excel would take for a formula gets an apostrophe in front, which the reader takes off; an id cannot and
    is refused with DataError.

    >>> csv_text(pd.DataFrame({"indicator": ["enterprises"], "note": ["=1+1"]})).decode("utf-8-sig").splitlines()
    ['indicator,note', "enterprises,'=1+1"]
    """
    free = [name for name in rows if name in [*GUIDES, *FREE]]
    ids = [name for name in rows if name in NAMES]
    if risky := [(name, text) for name in ids for text in rows[name].unique() if text.startswith(FORMULA)]:
        raise DataError(
            [f"{name}: found {text}; Excel takes it for a formula; choose another id" for name, text in risky]
        )
    safe = rows.assign(**{name: guarded(rows[name]) for name in free})
    return str(safe.to_csv(index=False, lineterminator="\r\n")).encode("utf-8-sig")


def workbook(rows: pd.DataFrame, data_dir: str | Path | None = None) -> bytes:
    """The rows as an Excel workbook: a sheet to fill in with drop-down lists, the lists, and how to fill it in."""
    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": MADE})
        sheet, lists, help_sheet = (book.add_worksheet(name) for name in ("figures", "lists", "how to"))
        _fill_sheet(book, sheet, rows)
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for place, (name, words) in enumerate(_lists(data_dir).items()):
            lists.set_column(place, place, 30)
            lists.write_column(0, place, [name], bold)
            lists.write_column(1, place, words)
            if name in rows:
                _offer(sheet, rows, name, f"=lists!{xl_range_abs(1, place, len(words), place)}")
        help_sheet.set_column(0, 0, 16, bold)
        help_sheet.set_column(1, 1, 100, wrapped)
        for line, texts in enumerate(HELP):
            help_sheet.write_row(line, 0, texts)
    return raw.getvalue()


def _fill_sheet(book: xlsxwriter.Workbook, sheet: xlsxwriter.worksheet.Worksheet, rows: pd.DataFrame) -> None:
    """Write the rows; locked is what they count, text is all that is typed so that 66.10 and 1-9 stay as typed."""
    # what has no cell yet takes the format of its column: every row below the last is open
    text, number = (book.add_format({"num_format": form, "locked": False}) for form in ("@", "General"))
    header = book.add_format({"bold": True, "bg_color": "#D9D9D9", "bottom": 1})
    grey = book.add_format({"bg_color": "#F2F2F2", "num_format": "@"})
    for place, name in enumerate(rows):
        whole = name in ("year", "since")
        sheet.set_column(place, place, WIDTHS.get(name, 10), number if whole else text)
        sheet.write(0, place, name, header)
        for line, word in enumerate(rows[name], start=1):
            form = grey if name not in TYPED else number if whole else text
            sheet.write(line, place, int(word) if whole and word else word, form)
    last = len(rows) + SPARE
    sheet.freeze_panes(1, 2)
    sheet.ignore_errors({"number_stored_as_text": xl_range(1, 0, last, len(rows.columns) - 1)})
    sheet.protect("", {"format_columns": True, "format_rows": True})
    place = rows.columns.get_loc("value")
    note = {"validate": "any", "input_title": "As printed 按原文填写", "input_message": f"{HELP[0][1]} {HELP[1][1]}"}
    sheet.data_validation(1, place, last, place, note)


def _lists(data_dir: str | Path | None) -> dict[str, list[str]]:
    """The words of each column that has a list; those of the codebook with their Chinese names beside them."""
    indicators, categories = codebook("indicators", data_dir), codebook("categories", data_dir)
    sources = codebook("sources", data_dir)
    lists = {"indicator": list(indicators["id"]), "indicator 中文": list(indicators["label_zh"])}
    lists |= {"category": list(categories["id"]), "category 中文": list(categories["label_zh"])}
    lists |= {"source": list(sources["id"]), "title of source": list(sources["title"])}
    for name in ("flow", "measure", "unit", "qualifier", "currency"):
        lists[name] = [word for word in CLOSED.get(name, UNITS) if word]
    return lists


def _offer(sheet: xlsxwriter.worksheet.Worksheet, rows: pd.DataFrame, name: str, source: str) -> None:
    """Give a column a drop-down list; an id that is not in it is only warned of, as the codebook may grow."""
    place, style = rows.columns.get_loc(name), "warning" if name in ("indicator", "category", "source") else "stop"
    rule = {"validate": "list", "source": source, "error_type": style, "error_title": name}
    rule["error_message"] = f"This is not in column {name} of the sheet lists. 不在 lists 工作表的 {name} 列中。"
    sheet.data_validation(1, place, len(rows) + SPARE, place, rule)


def still_blank(figures: pd.DataFrame) -> list[str]:
    """One sentence for each file with figures that are still blank, with the first three of them."""
    # object, or the first year of a sum would read 2007.0 beside rows that have none
    blank = pd.DataFrame(figures.attrs.get("blank", []), dtype=object)
    return [_blanks_of(file, rows, figures) for file, rows in blank.groupby("file")] if len(blank) else []


def _blanks_of(file: str, rows: pd.DataFrame, figures: pd.DataFrame) -> str:
    labels = in_words(rows, figures.attrs["data_dir"])["label_en"]
    first = [f"{line} ({text[:1].lower()}{text[1:]})" for line, text in zip(rows["line"], labels, strict=True)][:3]
    total = wording.counted(len(rows) + (figures["file"] == file).sum(), "figure")
    said = f"{file}: {len(rows)} of {total} {'is' if len(rows) == 1 else 'are'} still blank: "
    said += f"line{'' if len(rows) == 1 else 's'} {', '.join(first)}{', ...' if len(rows) > len(first) else ''}"
    years = sorted(set(rows["year"]) - set(figures["year"]))
    return said + "".join(f"; {year} has no figures yet" for year in years)
