"""Numbered tables and charts of a chapter, and how a notebook shows them."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from hzso_analysis import charts, wording
from hzso_analysis.edition import Edition, Quantity, find, label
from hzso_analysis.figures import codebook

COLUMNS = ["item", "value", "unit", "status", "low", "high", "source"]


class Exhibit(NamedTuple):
    """A table, or a chart where `figure` is set: a title that states the finding and the frame it rests on.

    `note` says unit, period and base; `source` cites the rows shown. An empty frame is a gap and `note` says what is
    missing.
    """

    title: str
    frame: pd.DataFrame
    note: str = ""
    source: str = ""
    figure: Figure | None = None


def show(exhibit: Exhibit | str, *, table: int | None = None, figure: int | None = None) -> None:
    """Display a sentence, or an exhibit under its number: a table as HTML, a chart as SVG with its text twin."""
    if isinstance(exhibit, str):
        display(Markdown(exhibit))
        return
    name = f"Table {table}" if table else f"Figure {figure}"
    if exhibit.frame.empty:
        html = f'<p class="gap"><strong>{name}. {escape(exhibit.title)}</strong> {escape(exhibit.note)}</p>'
        display({"text/html": html, "text/plain": f"{name}. {exhibit.title} {exhibit.note}"}, raw=True)
    elif exhibit.figure is None:
        text = exhibit.frame.to_string(index=False)
        display({"text/html": table_html(exhibit, name), "text/plain": f"{name}. {exhibit.title}\n{text}"}, raw=True)
    else:
        picture = charts.svg(exhibit.figure, alt=alt_text(exhibit, name), prefix=name.lower().replace(" ", ""))
        text = f"{name}. {charts.twin(exhibit.figure)}"
        display({"image/svg+xml": picture, "text/plain": text}, raw=True)


def table_html(exhibit: Exhibit, name: str) -> str:
    """The table as HTML: caption, header cells with scope, numbers to the right, note and source below."""
    shown = [c for c in exhibit.frame.columns if c not in ("low", "high")]
    head = "".join(f'<th scope="col" class="{_side(c)}">{escape(c.capitalize())}</th>' for c in shown)
    body = ""
    for row in exhibit.frame[shown].astype(str).itertuples(index=False):
        cells = [f'<th scope="row">{escape(row[0])}</th>']
        cells += [f'<td class="{_side(c)}">{escape(text)}</td>' for c, text in zip(shown[1:], row[1:], strict=True)]
        body += f"<tr>{''.join(cells)}</tr>\n"
    below = " ".join(filter(None, [exhibit.note, exhibit.source]))
    return (
        f'<div class="exhibit"><table>\n<caption>{name}. {escape(exhibit.title)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"
        f'<p class="note">{escape(below)}</p></div>'
    )


def alt_text(exhibit: Exhibit, name: str) -> str:
    """Words for those who cannot see a chart: its finding and its main numbers."""
    frame = exhibit.frame
    rows = [f"{_key(row)}: {row.text}" for row in frame.itertuples() if hasattr(row, "text")]
    rows += [f"{row.label}: {row.first_text}, {row.second_text}" for row in frame.itertuples() if hasattr(row, "first")]
    more = f"; and {len(rows) - 12} more" if len(rows) > 12 else ""
    return f"{name}. {exhibit.title}. {exhibit.note} {'; '.join(rows[:12])}{more}."


def _key(row) -> str:
    return f"{row.series} {row.year}" if hasattr(row, "series") else row.label


def _side(column: str) -> str:
    return "text" if column in ("item", "unit", "status", "source", "what it means", "quantity", "note") else "number"


def cell_row(edition: Edition, item: str, indicator: str, flow: str = "", category: str = "total", **key) -> dict:
    """A table row for one cell: value as written, unit, status, bounds and where it was printed."""
    return quantity_row(edition, item, find(edition, indicator, flow, category, **key))


def quantity_row(edition: Edition, item: str, quantity: Quantity | None) -> dict:
    """A table row for what is known of a cell; an unknown one says so and has no number."""
    if quantity is None:
        row = ["not published", "", "unknown", math.nan, math.nan, ""]
    else:
        unit = wording.unit_text(quantity.unit)
        row = [text_of(quantity), unit, quantity.status, quantity.low, quantity.high, where_printed(quantity.rows)]
    return dict(zip(COLUMNS, [item, *row], strict=True))


def text_of(quantity: Quantity) -> str:
    """The value of a cell as written: as printed where it was published, else its bounds."""
    if quantity.status == "published" and len(quantity.rows):
        used = quantity.rows[quantity.rows["qualifier"] != "unclear"]
        row = used.sort_values("weight", ascending=False, kind="stable").iloc[0]
        return wording.printed(row)
    return wording.span(quantity.low, quantity.high)


def where_printed(rows: pd.DataFrame) -> str:
    """Sources and locators of rows, heaviest source first."""
    rows = rows.sort_values("weight", ascending=False, kind="stable")
    places = [f"{row.source}, {row.locator}" if row.locator else row.source for row in rows.itertuples()]
    return "; ".join(dict.fromkeys(places))


def cite(edition: Edition, rows: pd.DataFrame) -> str:
    """The source line for these figure rows."""
    return wording.cite(rows["source"], codebook("sources", edition.data_dir))


def gap(title: str, note: str) -> Exhibit:
    """An exhibit for what nobody published."""
    return Exhibit(title, pd.DataFrame(), note)


def category_label(edition: Edition, category: str) -> str:
    """Label of a category."""
    return label(edition, "categories", category)
