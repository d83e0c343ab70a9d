"""The pages of a report: executed notebooks as HTML that needs nothing but itself, an index, and one page to print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any, NamedTuple

import mistune
import nbformat
from jinja2 import Environment, FileSystemLoader
from nbformat import NotebookNode

from hzso_analysis import downloads, exhibits, fonts, wording
from hzso_analysis.edition import Edition, Quantity, comparison, describe, series, stamps
from hzso_analysis.faults import ReportError
from hzso_analysis.folders import TEMPLATES

WORKBOOK, PDF, CONTENTS = "tables.xlsx", "report.pdf", "contents.json"
BASIS = {"estimated": "pages.estimated", "published": "pages.published"}
REFERS = re.compile(r'(\b(?:id|for|aria-labelledby)="|\bhref="#|\burl\(#)')


class Chapter(NamedTuple):
    """A notebook of the report: its file name without ending, a short name, the question it answers, its cells.

    `hash` is that of all it was made from, `files` are the names of the files among that.
    """

    stem: str
    name: str
    question: str
    notebook: NotebookNode
    hash: str = ""
    files: tuple[str, ...] = ()


def chapter_of(stem: str, notebook: NotebookNode) -> Chapter:
    """The chapter that an executed notebook is; its question is the first heading, without marks of emphasis.

    >>> cell = nbformat.v4.new_markdown_cell("# How *large* is it?")
    >>> chapter_of("01_scale", nbformat.v4.new_notebook(cells=[cell]))[:3]
    ('01_scale', 'Scale', 'How large is it?')
    """
    line, _ = _title(notebook)
    name = stem[3:].replace("_", " ").capitalize()
    return Chapter(stem, name, re.sub(r"[*_`]", "", line.lstrip("# ").strip()) or name, notebook)


def front(edition: Edition) -> dict[str, Any]:
    """What the index shows besides the chapters: headline numbers, what their statuses mean, what does not fit."""
    # the chapters are imported here so that notebooks can be refreshed while one of them is broken
    from hzso_analysis.chapters.data_quality import sentences  # noqa: PLC0415
    from hzso_analysis.chapters.overview import headline, main_numbers  # noqa: PLC0415

    numbers = headline(edition)
    tiles = numbers.frame.astype(str).to_dict("records")
    trends = [_trend(edition, quantity) for quantity in main_numbers(edition).values()]
    tiles = [tile | trend for tile, trend in zip(tiles, trends, strict=False)]
    gap = "" if tiles else numbers.note
    found = {"tiles": tiles, "gap": gap, "meanings": exhibits.legend(numbers.frame)}
    found["headline"] = gap.rstrip(".") or numbers.title
    return found | {"misfits": sentences(edition), "read": describe(edition)}


def _trend(edition: Edition, quantity: Quantity) -> dict[str, str]:
    """A small line of a number over the years up to the edition's, where more than one is known."""
    cell = quantity.cell
    known = series(edition, cell.indicator, cell.flow, cell.category, months=cell.months, unit=cell.unit)
    points = [(q.cell.year, q.low, q.high) for q in known if q.high < float("inf")]
    if len(points) < 2 or points[-1][0] != cell.year:
        return {}
    from hzso_analysis import charts  # noqa: PLC0415 (heavy, and what is found here is kept)

    years = f"{points[0][0]}–{points[-1][0]}"
    said = "; ".join(f"{year}: {wording.span(low, high)}" for year, low, high in points)
    return {"trend": charts.trend_line(points, alt=f"{years}: {said}"), "years": years}


def write_page(folder: Path, place: int, chapters: list[Chapter], edition: Edition) -> None:
    """Write the page and the notebook of one chapter; of the others only their names are needed."""
    chapter = chapters[place]
    save_notebook(chapter.notebook, folder / f"{chapter.stem}.ipynb")
    page = {"place": place, "edition": edition_lines(edition), "show_code": edition.show_code}
    body, page["sections"] = _with_sections(chapter.notebook)
    page["prefix"] = f"{edition.area}-{edition.year}-{chapter.name.lower().replace(' ', '-')}"
    html = _render("chapter.html.j2", chapters, edition, nb=body, page=page)
    _write(html, folder / f"{chapter.stem}.html")


def write_rest(
    folder: Path, chapters: list[Chapter], edition: Edition, found: dict[str, Any], *, pdf: bool = False
) -> None:
    """Write what is made of all chapters: the tables as a workbook, the index, and what it all contains.

    With `pdf` the index leads to the printed report, too.
    """
    tables = [(chapter.stem, chapter.name, list(records(chapter.notebook))) for chapter in chapters]
    (folder / WORKBOOK).write_bytes(downloads.tables_workbook(tables, report_title(edition), stamps(edition)))
    page = found | {"workbook": WORKBOOK, "pdf": pdf and PDF}
    _write(_render("report.html.j2", chapters, edition, page=page), folder / "index.html")
    _write_contents(folder, chapters, edition, found)


def whole_page(folder: Path, chapters: list[Chapter], edition: Edition) -> str:
    """The pages written to `folder` as one, the index first, to be printed: links between pages lead within it."""
    parts = [("index", "index"), *((chapter.stem, f"c{chapter.stem[:2]}") for chapter in chapters)]
    sections = []
    for stem, prefix in parts:
        html = (folder / f"{stem}.html").read_text(encoding="utf-8")
        main = html.partition("<main")[2].partition(">")[2].rpartition("</main>")[0]
        sections.append((f"{prefix}-top", REFERS.sub(rf"\g<1>{prefix}-", main)))
    # the chapters have their headings in the outline, so the cards of the index need none
    sections[0] = (sections[0][0], re.sub(r"<h2>(<a .*?</a>)</h2>", r'<p class="card">\1</p>', sections[0][1]))
    for stem, prefix in parts:
        sections = [
            (ident, re.sub(rf'href="{stem}\.html(?:#[^"]*)?"', f'href="#{prefix}-top"', main))
            for ident, main in sections
        ]
    return fonts.with_letters(_render("print.html.j2", chapters, edition, sections=sections))


def prose(markdown: str) -> str:
    """The Markdown of a notebook as HTML; HTML in it is shown as text, and a dollar is no mathematics.

    >>> prose("**US$ 5** <b>and</b> $6")
    '<p><strong>US$ 5</strong> &lt;b&gt;and&lt;/b&gt; $6</p>\\n'
    """
    return str(mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])(markdown))


def records(notebook: NotebookNode) -> Iterator[dict[str, Any]]:
    """The exhibits of an executed notebook as plain data, in order.

    >>> output = nbformat.v4.new_output("display_data", metadata={"hzso": {"name": "Table 1"}})
    >>> cell = nbformat.v4.new_code_cell(outputs=[output])
    >>> list(records(nbformat.v4.new_notebook(cells=[cell])))
    [{'name': 'Table 1'}]
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "hzso" in output.get("metadata", {}):
                yield output.metadata["hzso"]


def report_title(edition: Edition) -> str:
    """What a report is called."""
    return wording.say("pages.title", area=wording.area_name(edition.area), year=edition.year)


def edition_lines(edition: Edition) -> list[str]:
    """The parameters and the main sources of an edition in words."""
    place = wording.say("pages.place", area=wording.area_name(edition.area), year=edition.year)
    basis = wording.say(BASIS[edition.total_basis])
    return [f"{place} {comparison(edition)} {basis}", exhibits.cite(edition, [])]


def save_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as the same bytes on every platform."""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


@cache
def _templates() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.filters |= {"prose": prose, "sentences": exhibits.sentences_html, "anchor": _anchor}
    environment.filters |= {"csv_link": downloads.csv_link, "picture": _picture}
    environment.globals |= {"say": wording.say, "lang": wording.LANGUAGE, "font": fonts.ROOM}
    return environment


def _render(template: str, chapters: list[Chapter], edition: Edition, **given: Any) -> str:
    title, said = report_title(edition), stamps(edition)
    report = {"title": title, "chapters": chapters, "stamps": said}
    report |= {"footer": _css_text(title), "head": _css_text(" ".join(said))}
    return _templates().get_template(template).render(report=report, **given)


def _css_text(text: str) -> str:
    """A text as a CSS string, whatever is in it."""
    return '"' + "".join(letter if letter.isalnum() else f"\\{ord(letter):x} " for letter in text) + '"'


def _title(notebook: NotebookNode) -> tuple[str, NotebookNode]:
    """The line of the first heading, and a copy of the notebook without it, as the page prints it itself."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "markdown" and (match := re.search(r"^#+ .+$", cell.source, re.M)):
            cell.source = cell.source.replace(match[0], "", 1).strip()
            return match[0], copy
    return "", copy


def _with_sections(notebook: NotebookNode) -> tuple[NotebookNode, list[tuple[str, str]]]:
    """A copy of a notebook with its prose as HTML in `cell.html`, and its headings with the ids they have there."""
    _, copy = _title(notebook)
    found: dict[str, str] = {}
    taken = {_anchor(record["name"]) for record in records(notebook)}

    def identified(heading: re.Match[str]) -> str:
        text = unescape(re.sub(r"<[^>]+>", "", heading[1]))
        ident = _anchor(text)
        while ident in found or ident in taken:
            ident += "-again"
        found[ident] = text
        return f'<h2 id="{escape(ident)}">{heading[1]}</h2>'

    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell["html"] = re.sub(r"<h2>(.*?)</h2>", identified, prose(cell.source))
    return copy, list(found.items())


def _anchor(text: str) -> str:
    """A text as the id of an element.

    >>> _anchor("Table 1"), _anchor("Is the market concentrated?")
    ('table-1', 'is-the-market-concentrated')
    """
    return re.sub(r"\W+", "-", text.lower()).strip("-") or "section"


def _picture(chapter: Chapter) -> str:
    """The first chart of a chapter, its ids made its own, or else what the chapter says is missing."""
    outputs = [output.get("data", {}) for cell in chapter.notebook.cells for output in cell.get("outputs", [])]
    for data in outputs:
        if "image/svg+xml" in data:
            own = REFERS.sub(rf"\g<1>c{chapter.stem[:2]}-", data["image/svg+xml"])
            return f'<figure class="chart"><div class="plot" tabindex="0">{own}</div></figure>'
    texts: Iterator[str] = (data.get("text/html", "") for data in outputs)
    return next((text for text in texts if text.startswith('<p class="gap')), "")


def _write_contents(folder: Path, chapters: list[Chapter], edition: Edition, found: dict[str, Any]) -> None:
    """Write what the report holds, for a catalogue of all reports."""
    contents: dict[str, Any] = {"area": edition.area, "name": wording.area_name(edition.area), "year": edition.year}
    contents |= {"title": report_title(edition), "headline": found["headline"]}
    contents |= {"misfits": len(found["misfits"]), "files": [WORKBOOK], "chapters": []}
    contents |= {"stamps": said} if (said := stamps(edition)) else {}
    for chapter in chapters:
        listed = [
            {"id": _anchor(record["name"]), "name": record["name"], "title": record["title"]}
            for record in records(chapter.notebook)
            if record["rows"] and "publisher" not in record["columns"]  # a list of sources is no finding
        ]
        page = {"page": f"{chapter.stem}.html", "name": chapter.name, "question": chapter.question}
        contents["chapters"].append(page | {"exhibits": listed})
    text = json.dumps(contents, ensure_ascii=False, indent=1) + "\n"
    (folder / CONTENTS).write_text(text, encoding="utf-8", newline="\n")


def _write(html: str, path: Path) -> None:
    """Write a page, or raise ReportError where it would load a picture: a report is one file a page."""
    if match := re.search(r'<img\b[^>]*\bsrc="(?!data:)([^"]*)"', html):
        raise ReportError(f"{path.name}: refers to the picture {match[1]}; a page can only hold charts drawn by a cell")
    path.write_text(fonts.with_letters(html), encoding="utf-8", newline="\n")
