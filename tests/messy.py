"""The clean table of the tests of messy files, ways to write it, and what must come of reading it."""

import csv
import io
import math
import re
import unicodedata
from pathlib import Path

import pandas as pd
from openpyxl import Workbook

from hzso_analysis.read import DataError, read_table

CLEAN = list(csv.reader(io.StringIO((Path(__file__).parent / "messy_clean.csv").read_text("utf-8"))))
COLUMNS = CLEAN[0]
MISSING = math.nan
ADVICE = r"\b(write|type|save|put|keep|delete|remove|unhide|rename|use|open|expected|accepted|must|needs?)\b"


def place(cell: str) -> tuple[int, int]:
    """The row and the column, both from 0, of a cell named as in a sheet.

    >>> place("E24")
    (23, 4)
    """
    return int(cell[1:]) - 1, ord(cell[0]) - ord("A")


def edited(cells: dict, rows: list | None = None) -> list[list]:
    """The clean table, header first, with some cells typed anew: `{"E24": "4,851"}`."""
    table = [list(row) for row in rows or CLEAN]
    for cell, content in cells.items():
        row, column = place(cell)
        table[row][column] = content
    return table


def csv_text(table: list[list[str]], *, sep: str = ",", end: str = "\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=sep, lineterminator=end).writerows(table)
    return text.getvalue()


def write_csv(folder: Path, table: list[list[str]] | str | bytes, *, name: str = "messy.csv") -> Path:
    """A file of these rows, this text or these bytes."""
    path = folder / name
    content = csv_text(table) if isinstance(table, list) else table
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_texts(folder: Path, table: list[list[str]]) -> Path:
    """A workbook in which every cell is text, as after a paste from a page."""
    book = Workbook()
    for i, row in enumerate(table, start=1):
        for j, text in enumerate(row, start=1):
            if text:
                book.active.cell(i, j, text).data_type = "s"  # a text that begins with = is no formula
    book.save(folder / "messy.xlsx")
    return folder / "messy.xlsx"


def read(path: Path) -> pd.DataFrame | DataError:
    """What reading gives: the table, or the one error a user may see."""
    try:
        return read_table(path)
    except DataError as error:
        return error


def names_row(text: str, row: int) -> bool:
    """Whether a message or the load report names this row, as 5, row 5, :5: or E5."""
    return re.search(rf"(?<![0-9a-z_.])[A-Z]?{row}(?![0-9A-Za-z_])", text) is not None


def notes_of(table: pd.DataFrame) -> str:
    notes = table.attrs["notes"]
    assert isinstance(notes, list) and all(isinstance(note, str) for note in notes)
    return "\n".join(notes)


def one_space(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def assert_cell(found: object, expected: object, column: str, row: int) -> None:
    where = f"row {row} {column}: {found!r} instead of {expected!r}"
    if column == "year":
        assert "int" in type(found).__name__.lower() and int(found) == int(expected), where
    elif column == "value":
        expected = float(expected)
        assert math.isclose(found, expected, rel_tol=1e-9) if not math.isnan(expected) else pd.isna(found), where
    else:
        assert isinstance(found, str) and one_space(found) == one_space(expected), where


def assert_is_clean(table: pd.DataFrame | DataError, cells: dict | None = None, rows: list | None = None) -> None:
    """The clean table (or `rows`), but for these cells, came back in order, whole and typed."""
    assert isinstance(table, pd.DataFrame), str(table)
    expected = edited(cells or {}, rows)[1:]
    assert len(table) == len(expected)
    for i, row in enumerate(expected):
        for name, content in zip(COLUMNS, row, strict=True):
            assert_cell(table[name].iloc[i], content, name, i + 2)


def assert_refused(outcome: pd.DataFrame | DataError, path: Path, *, rows: tuple = (), said: tuple = ()) -> None:
    """One error that names the file, these rows and these words."""
    assert isinstance(outcome, DataError), f"loaded without an error: {outcome.to_dict('records')[:1]}"
    message = str(outcome)
    assert path.name in message
    assert [row for row in rows if not names_row(message.replace(path.name, ""), row)] == [], message
    assert [word for word in said if not re.search(word, message)] == [], message


def assert_clean_or_refused(
    path: Path, cells: dict | None = None, *, rows: tuple = (), said: tuple = (), noted: bool = False
) -> None:
    """Where the documents leave it open: nothing wrong is loaded, and what was left out is named either way."""
    outcome = read(path)
    if isinstance(outcome, DataError):
        assert_refused(outcome, path, rows=rows, said=said)
    else:
        assert_is_clean(outcome, cells)
        report = notes_of(outcome)
        assert not noted or [row for row in rows if not names_row(report, row)] == [], report


def shows(message: str, text: str) -> bool:
    """Whether the message shows what was found, whatever was done to its width and its invisible characters."""
    forms = [text.strip(), unicodedata.normalize("NFKC", text).strip(), repr(text)[1:-1]]
    return any(form in message for form in forms)
