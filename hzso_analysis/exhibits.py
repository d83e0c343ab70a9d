"""Numbered tables and charts of a chapter, and how a notebook shows them.

A row of a table or a mark of a chart is a dict; its key `rows` holds the figure rows behind it, for the source line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from hzso_analysis import wording
from hzso_analysis.constraints import interval
from hzso_analysis.edition import Edition, Quantity, Share, find, look_up, match, printed_rows, stamps, value_text, when
from hzso_analysis.figures import codebook, heaviest_first
from hzso_analysis.vocabulary import EXECUTED, SUPPRESSED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ["item", "value", "unit", "status", "low", "high", "source", "rows"]
TEXTS = ["item", "unit", "status", "source", "agrees", "note", "kind", "check", "title", "publisher", "date"]
TEXTS += ["what the sources print"]
Row = dict[str, Any]
# phrase of the item, the two cells (indicator, flow, category), what the quotient is multiplied by, phrase of the unit
Ratio = tuple[str, tuple[str, ...], tuple[str, ...], int, str]
LONG, BREAK = 30, 10  # letters of a word that no column has room for, and after how many each it may be broken


def display(data: dict[str, str], **options: Any) -> None:
    """IPython's, which takes a while to load and is needed in a notebook only."""
    from IPython.display import display as display_there  # noqa: PLC0415

    display_there(data, **options)


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


def missing(edition: Edition, key: str, gap: str = "") -> Exhibit:
    """A gap under the heading of this key: what is missing says `gap`, a phrase of the key or that of its section."""
    own = f"{key}_gap" if wording.is_phrase(f"{key}_gap") else f"{key.partition('.')[0]}.gap"
    return Exhibit(edition.say(f"{key}_heading"), pd.DataFrame(), gap or edition.say(own))


def table(edition: Edition, key: str, rows: list[Row], *, title: str = "", note: str = "", gap: str = "") -> Exhibit:
    """A table of rows made by `cell_row` and its kind, or a gap; what is not given are phrases of the key.

    These are `<key>_heading`, which also stands for a title, `<key>_note`, if there is one, and `<key>_gap`.
    """
    if not rows:
        return missing(edition, key, gap)
    title = title or edition.say(f"{key}_heading")
    note = note or (edition.say(f"{key}_note") if wording.is_phrase(f"{key}_note") else "")
    return Exhibit(title, pd.DataFrame(rows).drop(columns="rows"), note, stamped(edition, cite(edition, rows)))


def chart(
    edition: Edition,
    key: str,
    draw: Callable[..., Figure],
    rows: list[Row],
    *,
    title: str | Callable[[list[Row]], str],
    subtitle: str = "",
    gap: str = "",
    **options: Any,
) -> Exhibit:
    """A chart of marks, or a gap; its title may be a function of the marks, what is not given are phrases of the key.

    These are `<key>_heading`, `<key>_subtitle` and `<key>_gap`.
    """
    if not rows:
        return missing(edition, key, gap)
    title = title if isinstance(title, str) else title(rows)
    years = [str(row.get("year", row["label"])) for row in rows]
    if all(year.isdecimal() and int(year) < edition.year for year in years):
        title = wording.say("exhibits.nothing_later", title=title)
    subtitle = subtitle or edition.say(f"{key}_subtitle")
    frame, source = pd.DataFrame(rows).drop(columns="rows"), stamped(edition, cite(edition, rows))
    figure = draw(frame, title=title, subtitle=subtitle, source=source, **options)
    return Exhibit(title, frame, subtitle, source, figure)


def finding(edition: Edition, key: str, exhibit: Exhibit) -> str:
    """The title of an exhibit where it states a finding; blank for a gap and where it is the heading of the key."""
    return "" if exhibit.frame.empty or exhibit.title == edition.say(f"{key}_heading") else exhibit.title


def mark(
    label: str, low: float, high: float, rows: pd.DataFrame, *, text: str = "", fraction: bool = False, **more: Any
) -> Row:
    """A mark of a chart with its bounds and its value as written; a `fraction` is drawn in percent."""
    text = text or (wording.percent(low, high) if fraction else wording.span(low, high))
    scale = 100 if fraction else 1
    return {"label": label, "low": scale * low, "high": scale * high, "text": text, "rows": rows} | more


def quantity_mark(label: str, quantity: Quantity, **more: Any) -> Row:
    """A mark for what is known of a cell, as printed where it was."""
    return mark(label, quantity.low, quantity.high, quantity.basis, text=value_text(quantity), **more)


def sentences_html(text: str) -> str:
    """Sentences as HTML: lines that begin with a dash are a list, two stars make words bold, all else is as typed.

    This is not Markdown: labels and names from the data stand in sentences, and theirs must not become links.

    >>> sentences_html("**ITO** leads by US$ 5\\n- <b> [a](b) _c_")
    '<p><strong>ITO</strong> leads by US$ 5</p>\\n<ul>\\n<li>&lt;b&gt; [a](b) _c_</li>\\n</ul>'
    """
    html = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text, quote=False))
    html = re.sub(r"^(?!- )(.+)$", r"<p>\1</p>", html, flags=re.M)
    html = re.sub(r"^- (.*)$", r"<li>\1</li>", html, flags=re.M)
    return re.sub(r"(?:^<li>.*$\n?)+", lambda items: f"<ul>\n{items[0].rstrip()}\n</ul>", html, flags=re.M)


def show(exhibit: Exhibit | str, *, table: int | None = None, figure: int | None = None) -> None:
    """Display a sentence, or an exhibit under its number: a table as HTML, a chart as SVG with its text twin.

    `mathjax_ignore` is for JupyterLab, which would set what stands between two dollar signs as mathematics.
    """
    if isinstance(exhibit, str):
        html = f'<div class="prose mathjax_ignore">{sentences_html(exhibit)}</div>'
        display({"text/html": html, "text/plain": exhibit}, raw=True)
        return
    name = wording.say("exhibits.table", number=table) if table else wording.say("exhibits.figure", number=figure)
    if exhibit.frame.empty:
        title = f"<strong>{name}. {escape(exhibit.title)}{'' if exhibit.title.endswith('?') else '.'}</strong>"
        html = f'<p class="gap mathjax_ignore">{title} {escape(exhibit.note)}</p>'
        data = {"text/html": html, "text/plain": f"{name}. {exhibit.title}. {exhibit.note}"}
    elif exhibit.figure is None:
        text = f"{name}. {exhibit.title}\n{exhibit.frame.to_string(index=False)}"
        data = {"text/html": table_html(exhibit, name), "text/plain": text}
    else:
        from hzso_analysis import charts  # noqa: PLC0415 (heavy, and there already where a chart is)

        picture = charts.svg(exhibit.figure, alt=alt_text(exhibit, name), prefix=name.lower().replace(" ", ""))
        data = {"image/svg+xml": picture, "text/plain": f"{name}. {charts.twin(exhibit.figure)}"}
    display(data, metadata={"hzso": record(exhibit, name) | {"chart": table is None}}, raw=True)


def record(exhibit: Exhibit, name: str) -> dict[str, Any]:
    """What an exhibit shows as plain data, for copies of it: words and `rows` under `columns`, all fit for JSON.

    Cells are texts as on the page; `low`, `high`, `first` and `second` are numbers, None where there is no bound.
    """
    plain = [c for c in exhibit.frame if not exhibit.frame[c].map(lambda cell: isinstance(cell, list | tuple)).any()]
    plain = [c for c in plain if not (c == "label" and exhibit.frame[c].eq("").all())]  # lines have series and years
    rows = [[_plain(cell) for cell in row] for row in exhibit.frame[plain].itertuples(index=False, name=None)]
    meanings = "; ".join(f"{status}: {said}" for status, said in legend(exhibit.frame).items())
    note = f"{exhibit.note} {wording.say('exhibits.status')}: {meanings}." if meanings else exhibit.note
    words = {"name": name, "title": exhibit.title, "note": note.strip(), "source": exhibit.source}
    return words | {"chart": exhibit.figure is not None, "columns": plain, "rows": rows}


def _plain(cell: object) -> str | int | float | None:
    """A cell of a frame for JSON; ten digits tell numbers apart on every platform."""
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, int | float | np.number):
        number = float(cell)
        return None if not math.isfinite(number) else int(number) if number == int(number) else float(f"{number:.10g}")
    return str(cell)


def table_html(exhibit: Exhibit, name: str) -> str:
    """The table as HTML: caption, header cells with scope, a row of units, numbers to the right, legend and source."""
    shown, units = _units(exhibit.frame[[c for c in exhibit.frame.columns if c not in ("low", "high")]].astype(str))
    head = "".join(f'<th scope="col" {_place(c)}>{_breakable(wording.heading(c))}</th>' for c in shown)
    head = f"<tr>{head}</tr>"
    if any(units.values()):
        cells = "".join(f"<td {_place(c)}>{escape(units.get(c, ''))}</td>" for c in shown)
        head += f'\n<tr class="units">{cells}</tr>'
    body = ""
    for row in shown.itertuples(index=False):
        filled = [
            f"<td {_place(c, text)}>{_marked(c, text)}</td>" for c, text in zip(shown.columns[1:], row[1:], strict=True)
        ]
        body += f'<tr><th scope="row" style="text-align: left">{_breakable(row[0])}</th>{"".join(filled)}</tr>\n'
    notes = [escape(f"{exhibit.note.rstrip('.')}.")] if exhibit.note else []
    meanings = [f"{_marked('status', status)}: {escape(said)}" for status, said in legend(exhibit.frame).items()]
    notes += [f"{wording.say('exhibits.status')}: {'; '.join(meanings)}."] if meanings else []
    notes += [escape(exhibit.source)] if exhibit.source else []
    return (
        f'<div class="exhibit mathjax_ignore" tabindex="0" role="region" aria-label="{name}"><table>\n'
        f"<caption>{name}. {escape(exhibit.title)}</caption>\n<thead>{head}</thead>\n"
        f'<tbody>\n{body}</tbody></table>\n<p class="note">{" ".join(notes)}</p></div>'
    )


def legend(frame: pd.DataFrame) -> dict[str, str]:
    """What each status in a table means, in the order of the rows."""
    return {
        status: wording.STATUS[status] for status in dict.fromkeys(frame.get("status", [])) if status in wording.STATUS
    }


def _units(cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Cells without the units that hold for a whole column, and those units by column."""
    units = {}
    for column in cells.columns[1:]:
        told = cells[column][cells[column] != "–"]
        if column not in TEXTS and len(told) and told.str.endswith(" %").all():
            units[column] = "%"
    cells = cells.assign(**{column: cells[column].str.removesuffix(" %") for column in units})
    if "unit" in cells and len(set(cells["unit"])) == 1:
        before = cells.columns[1 : cells.columns.get_loc("unit")]
        units |= {column: cells["unit"].iloc[0] for column in before if column not in [*TEXTS, *units]}
        cells = cells.drop(columns="unit")
    return cells, units


def _marked(column: str, text: str) -> str:
    """A cell as HTML; a status has a mark of its own."""
    status = column == "status" and text
    return f'<span class="status {escape(text)}">{escape(text)}</span>' if status else _breakable(text)


def _breakable(text: str) -> str:
    """A text as HTML in which a word that no column has room for can be broken, as an address can.

    >>> _breakable("A & B"), _breakable("http://example.org/a/very/long/address.html").count("<wbr>")
    ('A &amp; B', 4)
    """
    long = re.compile(rf"\S{{{LONG},}}")
    cut = long.sub(lambda word: re.sub(f".{{{BREAK}}}(?=.)", r"\g<0>\0", word[0]), text.replace("\0", ""))
    return escape(cut).replace("\0", "<wbr>")


def _place(column: str, text: str = "") -> str:
    """Attributes of a cell: words to the left, numbers to the right; units and dates are not broken, long numbers are.

    The style is for JupyterLab, which sets every cell to the right; the pages of a report follow the class.
    """
    if column in TEXTS:
        kind = "text short" if column in ("unit", "status", "date") else "text"
        return f'class="{kind}" style="text-align: left"'
    return 'class="number long"' if len(text) > 16 else 'class="number"'


def alt_text(exhibit: Exhibit, name: str) -> str:
    """Words for those who cannot see a chart: its finding and its main numbers."""
    marks = []
    for row in exhibit.frame.to_dict("records"):
        key = f"{row['series']} {row['year']}" if "series" in row else row["label"]
        marks.append(f"{key}: {row['text'] if 'text' in row else row['first_text'] + ', ' + row['second_text']}")
    if len(marks) > 12:
        marks = [*marks[:12], wording.say("exhibits.more", number=len(marks) - 12)]
    return f"{name}. {exhibit.title}. {exhibit.note}. {'; '.join(marks)}."


def sources(edition: Edition) -> Exhibit:
    """Table of the sources of the year's figures.

    >>> from hzso_analysis.edition import open_edition
    >>> sources(open_edition(year=2011)).frame[["item", "figures"]].values.tolist()[-1]
    ['shanghai daily 2012-04-23', 6]
    """
    figures = edition.reconciliation.figures
    own = figures[(figures["area"] == edition.area) & (figures["year"] == edition.year)]
    book = codebook("sources", edition.data_dir).set_index("id").loc[sorted(set(own["source"]))]
    rows = book.reset_index(names="item")[["item", "title", "publisher", "date"]]
    rows["figures"] = rows["item"].map(own["source"].value_counts())
    title = edition.say("exhibits.sources_title", sources=wording.counted(len(rows), "source"))
    note = wording.say("exhibits.sources_note" if len(rows) else "exhibits.sources_none")
    return Exhibit(title, rows, note, stamped(edition))


def cell_row(edition: Edition, item: str, indicator: str, flow: str = "") -> Row:
    """A table row for one cell: value as written, unit, status, bounds and where it was printed."""
    return quantity_row(edition, item, look_up(edition, indicator, flow))


def quantity_row(edition: Edition, item: str, quantity: Quantity | None, **more: str) -> Row:
    """A table row for what is known of a cell, with `more` after its unit; an unknown one says so and has no number."""
    cells = [wording.say("exhibits.not_published"), "", "unknown", math.nan, math.nan, "", pd.DataFrame()]
    if quantity:
        cell, ends = quantity.cell, (quantity.low, quantity.high)
        item += f", {when(edition, cell)}" if cell.months else ""
        cells = [*wording.with_unit(value_text(quantity), cell.unit), quantity.status, *ends]
        cells += [origin(quantity), pd.concat([quantity.rows, quantity.basis])]
    row = dict(zip(COLUMNS, [item, *cells], strict=True))
    return {name: row[name] for name in COLUMNS[:3]} | more | row


def origin(quantity: Quantity) -> str:
    """Where a number is printed, where another one, and what it follows from where it is printed nowhere."""
    own = heaviest_first(quantity.rows[quantity.rows["qualifier"] != "unclear"])
    fits, key = own.index.isin(quantity.basis.index), "exhibits.misfit"
    if quantity.status == "disputed" and len(own):  # any may be right, so that each is told with what it prints
        fits, key = own.index.isin([]), "exhibits.prints"
    said = [where_printed(own[fits])] + [_prints(key, rows) for _, rows in own[~fits].groupby("value", sort=False)]
    if others := where_printed(quantity.basis.drop(own.index, errors="ignore")):
        said.append(wording.say("exhibits.follows", sources=others))
    return "; ".join(filter(None, said)) or wording.say("exhibits.follows_none")


def _prints(key: str, rows: pd.DataFrame) -> str:
    """Which sources print what in rows that say the same."""
    return wording.say(key, source=where_printed(rows), printed=wording.as_printed(rows.iloc[0]))


def share_text(part: Share | None, status: str) -> str:
    """A share as it stands in a table; what is withheld is a part of the whole, though nobody may know how large."""
    if part and part.high <= wording.EXACT:
        return wording.percent(0.0, 0.0)
    if part and part.high < math.inf:
        return wording.percent(part.low, part.high)
    return wording.percent(part.low if part else 0.0, 1.0) if status == SUPPRESSED else "–"


def measure_rows(edition: Edition, item: str, *cell_and_measure: str, **key: str) -> list[Row]:
    """A table row for each growth, sum, average or share that was printed, with the sources that print just this."""
    lines, told = [], ["months", "since", "of", "currency", "value", "qualifier"]
    for _, rows in printed_rows(edition, *cell_and_measure, **key).groupby(told, sort=False, dropna=False):
        first = rows.iloc[0]
        since = "" if pd.isna(first["since"]) else f", {first['since']} to {first['year']}"
        name = item + (f", {wording.period(first['year'], first['months'])}" if first["months"] else since)
        if first["currency"] == "CNY":
            name = wording.say("exhibits.in_currency", name=name, currency=first["currency"])
        status = "unclear" if first["qualifier"] == "unclear" else "published"
        fits = not rows.index.isin(edition.reconciliation.suspects.index).any()
        where = where_printed(rows) if fits else _prints("exhibits.misfit", rows)
        row = [name, *wording.with_unit(wording.printed(first), first["unit"]), status, *interval(first), where, rows]
        lines.append(dict(zip(COLUMNS, row, strict=True)))
    return lines


def computed_row(item: str, value: str, unit: str, rows: pd.DataFrame, base: str = "") -> Row:
    """A table row for a number computed from others: `base` says from which, then come the sources of these."""
    source = "; ".join(filter(None, [base, where_printed(rows)]))
    return dict(zip(COLUMNS, [item, value, unit, "computed", math.nan, math.nan, source, rows], strict=True))


def ratio_table(edition: Edition, key: str, ratios: Iterable[Ratio]) -> Exhibit:
    """A table of the ratios of cells known for the same period, titled by the first; executed contracts are in USD."""
    rows = []
    for item, *cells, scale, unit in ratios:
        top, base = (find(edition, *cell, unit="USD million" if cell[0] == EXECUTED else None) for cell in cells)
        if top and base and top.cell.months == base.cell.months and base.low > 0:
            low, high = (scale * end for end in edition.reconciliation.ratio(top.cell, base.cell))
            said, used = f"{value_text(top)} / {value_text(base)}", pd.concat([top.basis, base.basis])
            rows.append(computed_row(wording.say(item), wording.span(low, high), wording.say(unit), used, said))
    title = wording.say("exhibits.ratios_title", **rows[0]) if rows else ""
    return table(edition, key, rows, title=title, note=wording.say("exhibits.ratios_note"))


def where_printed(rows: pd.DataFrame) -> str:
    """Sources with the places in each, heaviest source first, those in doubt only where there are no others.

    >>> rows = pd.DataFrame({"source": ["plan", "book", "plan"], "locator": ["p. 2", "", "p. 4"], "qualifier": ""})
    >>> where_printed(rows.assign(weight=[2, 1, 2]))
    'plan, p. 2 and p. 4; book'
    """
    if rows.empty:
        return ""
    rows = heaviest_first(rows[(rows["qualifier"] != "unclear") | (rows["qualifier"] == "unclear").all()])
    places: dict[str, dict[str, None]] = {}
    for source, place in zip(rows["source"], rows["locator"], strict=True):
        places.setdefault(source, {}).update({place: None} if place else {})
    return "; ".join(", ".join(filter(None, [source, wording.listing(found)])) for source, found in places.items())


def cite(edition: Edition, rows: Iterable[Row]) -> str:
    """The source line for these rows; the year's main sources where estimates stand on no printed level."""
    used = {source for row in rows if len(row["rows"]) for source in row["rows"]["source"]}
    if not used:
        own = match(edition.reconciliation.figures, {"area": edition.area, "year": edition.year, "weight": 2})
        used = set(own["source"])
    return wording.cite(used, codebook("sources", edition.data_dir))


def stamped(edition: Edition, source: str = "") -> str:
    """A source line with what must stand on everything made of the edition, so that no copy loses it."""
    return ". ".join(filter(None, [source, " ".join(stamps(edition))]))
