"""Numbered tables and charts of a chapter, and how a notebook shows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from html import escape
from typing import NamedTuple

import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from hzso_analysis import charts, wording
from hzso_analysis.edition import Edition, Quantity, find, printed_rows
from hzso_analysis.figures import codebook

COLUMNS = ["item", "value", "unit", "status", "low", "high", "source"]
NUMBERS = (
    "value",
    "share printed",
    "share computed",
    "printed",
    "implied",
    "firms",
    "amount",
    "share",
    "gap",
    "change",
    "figures",
    "half-widths",
)


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


def table(edition: Edition, title: str, rows: Iterable[dict], note: str = "") -> Exhibit:
    """A table of rows made by `cell_row` and its kind; the source line cites the figures behind them."""
    rows = list(rows)
    used = [row.pop("rows") for row in rows]
    frame = pd.DataFrame(rows)
    legend = [f"{s}: {wording.STATUS[s]}" for s in dict.fromkeys(frame["status"])] if "status" in frame else []
    return Exhibit(title, frame, " ".join(filter(None, [note, _sentence(legend)])), cite(edition, used))


def chart(
    edition: Edition, draw: Callable[..., Figure], rows: list[dict], *, title: str, subtitle: str, **options
) -> Exhibit:
    """A chart of rows that hold `label`, `low`, `high`, `text` and, for the source line, the figure `rows` used."""
    source = cite(edition, [row["rows"] for row in rows])
    frame = pd.DataFrame(rows).drop(columns="rows")
    figure = draw(frame, title=title, subtitle=subtitle, source=source, **options)
    return Exhibit(title, frame, subtitle, source, figure)


def gap(title: str, note: str) -> Exhibit:
    """An exhibit for what nobody published."""
    return Exhibit(title, pd.DataFrame(), note)


def show(exhibit: Exhibit | str, *, table: int | None = None, figure: int | None = None) -> None:
    """Display a sentence, or an exhibit under its number: a table as HTML, a chart as SVG with its text twin."""
    if isinstance(exhibit, str):
        display(Markdown(exhibit))
        return
    name = f"Table {table}" if table else f"Figure {figure}"
    if exhibit.frame.empty:
        html = f'<p class="gap"><strong>{name}. {escape(exhibit.title)}.</strong> {escape(exhibit.note)}</p>'
        display({"text/html": html, "text/plain": f"{name}. {exhibit.title}. {exhibit.note}"}, raw=True)
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
    below = " ".join(filter(None, [_stopped(exhibit.note), exhibit.source]))
    return (
        f'<div class="exhibit" tabindex="0" role="region" aria-label="{name}"><table>\n'
        f"<caption>{name}. {escape(exhibit.title)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"
        f'<p class="note">{escape(below)}</p></div>'
    )


def alt_text(exhibit: Exhibit, name: str) -> str:
    """Words for those who cannot see a chart: its finding and its main numbers."""
    frame = exhibit.frame
    rows = [f"{_key(row)}: {row.text}" for row in frame.itertuples() if hasattr(row, "text")]
    rows += [f"{row.label}: {row.first_text}, {row.second_text}" for row in frame.itertuples() if hasattr(row, "first")]
    more = f"; and {len(rows) - 12} more" if len(rows) > 12 else ""
    return f"{name}. {exhibit.title}. {exhibit.note}. {'; '.join(rows[:12])}{more}."


def _key(row) -> str:
    return f"{row.series} {row.year}" if hasattr(row, "series") else row.label


def _side(column: str) -> str:
    return "number" if column in NUMBERS or column.isdigit() else "text"


def _stopped(text: str) -> str:
    return f"{text}." if text and not text.endswith(".") else text


def _sentence(parts: list[str]) -> str:
    return f"Status: {'; '.join(parts)}." if parts else ""


def sources(edition: Edition) -> Exhibit:
    """Table of the sources of the year's figures."""
    figures = edition.reconciliation.figures
    own = figures[(figures["area"] == edition.area) & (figures["year"] == edition.year)]
    book = codebook("sources", edition.data_dir).set_index("id").loc[sorted(set(own["source"]))]
    counts = own["source"].value_counts()
    rows = [
        {
            "item": name,
            "title": row["title"],
            "publisher": row["publisher"],
            "date": row["date"],
            "figures": counts[name],
        }
        for name, row in book.iterrows()
    ]
    title = (
        f"{wording.counted(len(rows), 'source')} of the figures for {wording.area_name(edition.area)} in {edition.year}"
    )
    if not rows:
        return gap(
            f"Sources for {edition.year}",
            "Nothing was printed about this year; what is shown follows from other years.",
        )
    return Exhibit(title, pd.DataFrame(rows), "Addresses stand in data/sources.csv.")


def cell_row(edition: Edition, item: str, indicator: str, flow: str = "", category: str = "total", **key) -> dict:
    """A table row for one cell: value as written, unit, status, bounds and where it was printed."""
    return quantity_row(item, find(edition, indicator, flow, category, **key))


def quantity_row(item: str, quantity: Quantity | None) -> dict:
    """A table row for what is known of a cell; an unknown one says so and has no number."""
    if quantity is None:
        row = ["not published", "", "unknown", math.nan, math.nan, ""]
        return dict(zip([*COLUMNS, "rows"], [item, *row, pd.DataFrame()], strict=True))
    item = f"{item}, {wording.period(quantity.cell.year, quantity.cell.months)}" if quantity.cell.months else item
    row = [value_text(quantity), wording.unit_text(quantity.cell.unit), quantity.status, quantity.low, quantity.high]
    return dict(zip([*COLUMNS, "rows"], [item, *row, where_printed(quantity.rows), quantity.rows], strict=True))


def measure_row(
    edition: Edition, item: str, indicator: str, flow: str, category: str, measure: str, **key
) -> dict | None:
    """A table row for a printed growth, average, cumulative or share; None where none was printed."""
    rows = printed_rows(edition, indicator, flow, category, measure, **key)
    if rows.empty:
        return None
    first = rows.iloc[0]
    since = "" if pd.isna(first["since"]) else f", {first['since']} to {first['year']}"
    period = f", {wording.period(first['year'], first['months'])}" if first["months"] else since
    status = "unclear" if first["qualifier"] == "unclear" else "published"
    cells = [item + period, wording.printed(first), wording.unit_text(first["unit"]), status]
    cells += [first["value"] - first["precision"], first["value"] + first["precision"], where_printed(rows), rows]
    return dict(zip([*COLUMNS, "rows"], cells, strict=True))


def computed_row(item: str, value: str, unit: str, low: float, high: float, rows: pd.DataFrame, base: str = "") -> dict:
    """A table row for a number computed from others; `base` says from which."""
    return dict(zip([*COLUMNS, "rows"], [item, value, unit, "computed", low, high, base, rows], strict=True))


def mark(name: str, quantity: Quantity) -> dict:
    """A chart row for a quantity: its bounds, its value as written and the figures behind it."""
    return {
        "label": name,
        "low": quantity.low,
        "high": quantity.high,
        "text": value_text(quantity),
        "rows": quantity.rows,
    }


def value_text(quantity: Quantity) -> str:
    """The value of a cell as written: as printed where it was published, else its bounds."""
    if quantity.status == "published" and len(quantity.rows):
        rows = quantity.rows[quantity.rows["qualifier"] != "unclear"]
        return wording.printed(rows.sort_values("weight", ascending=False, kind="stable").iloc[0])
    return wording.span(quantity.low, quantity.high)


def in_words(quantity: Quantity) -> str:
    """A quantity as it stands in a sentence: as printed where it was published, else between its bounds."""
    if quantity.status == "published":
        return wording.amount(value_text(quantity), quantity.cell.unit)
    return wording.between(quantity.low, quantity.high, quantity.cell.unit)


def where_printed(rows: pd.DataFrame) -> str:
    """Sources and locators of rows, heaviest source first."""
    if rows.empty:
        return ""
    rows = rows[(rows["qualifier"] != "unclear") | (rows["qualifier"] == "unclear").all()].sort_values(
        "weight", ascending=False, kind="stable"
    )
    places = [f"{row.source}, {row.locator}" if row.locator else row.source for row in rows.itertuples()]
    return "; ".join(dict.fromkeys(places))


def cite(edition: Edition, rows: Iterable[pd.DataFrame]) -> str:
    """The source line for these figure rows; the area's own sources where estimates stand on no printed level."""
    used = {source for frame in rows if len(frame) for source in frame["source"]}
    if not used:
        figures = edition.reconciliation.figures
        used = set(figures.loc[(figures["area"] == edition.area) & (figures["weight"] == 2), "source"])
    return wording.cite(used, codebook("sources", edition.data_dir))
