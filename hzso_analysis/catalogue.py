"""One page over all reports in a folder, with a search that needs no network and no server."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hzso_analysis import wording
from hzso_analysis.folders import TEMPLATES
from hzso_analysis.workshop import write_aside

GENERATOR = "hzso_analysis catalogue"
MARK = f'<meta name="generator" content="{GENERATOR}">'
# nothing may be loaded and only the script of the page may run: whatever stands in the data, a page is only a page
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
# with more findings than these the reports stay folded: the browser would lay out thousands of lines at each letter
UNFOLDED = 200
# the script fills in what changes while a reader types
FROM_SCRIPT = {name: f"{{{name}}}" for name in ("found", "total", "shown", "reports")}


class Finding(NamedTuple):
    """A numbered table or chart of a report."""

    name: str
    title: str
    link: str


class Chapter(NamedTuple):
    """A page of a report."""

    name: str
    question: str
    link: str
    findings: list[Finding]


class Report(NamedTuple):
    """A report in its folder; where its contents cannot be read, only area, year, link and name are known."""

    area: str
    year: int
    link: str
    name: str
    listed: bool = False
    title: str = ""
    headline: str = ""
    misfits: int = 0
    chapters: tuple[Chapter, ...] = ()
    stamps: tuple[str, ...] = ()

    @property
    def findings(self) -> int:
        """How many findings all chapters have."""
        return sum(len(chapter.findings) for chapter in self.chapters)


def check_place(out_dir: Path) -> None:
    """Raise FileExistsError where `out_dir` has an index.html that is no catalogue and would be lost.

    Raises NotADirectoryError and PermissionError where it is no folder, or one in which nothing can be written.
    """
    if out_dir.exists() and not out_dir.is_dir():
        raise NotADirectoryError(f"{out_dir} is a file; choose a folder")
    if out_dir.exists() and not os.access(out_dir, os.W_OK):
        raise PermissionError(f"{out_dir}: nothing can be written there; choose another folder")
    page = out_dir / "index.html"
    if page.is_file() and MARK.encode() in page.read_bytes():
        return
    if page.exists() or page.is_symlink():  # a link to what is not there now may be there tomorrow
        raise FileExistsError(f"{page} is in the way: it is no list of reports; move it or choose another folder")


def write_catalogue(out_dir: Path) -> Path:
    """Write `out_dir/index.html` over all reports in `out_dir/area/year/` and return its path.

    The page takes the place of the old one when it is whole; the same reports give the same bytes. What another run
    finishes meanwhile is not left out: whoever writes last looks once more.

    Raises FileExistsError where another page would be lost, and OSError where the folder cannot be read or written.
    """
    check_place(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    listed, reports = None, find_reports(out_dir)
    while reports != listed:
        write_aside(out_dir / "index.html", _page(reports).encode())
        listed, reports = reports, find_reports(out_dir)
    return out_dir / "index.html"


def find_reports(out_dir: Path) -> list[Report]:
    """All reports of a folder: areas by name, years newest first. What is no report is passed over."""
    found = [
        _report(folder)
        for folder in out_dir.glob("*/*")
        if re.fullmatch(r"[0-9]{4}", folder.name)
        and not folder.parent.name.startswith(".")
        and (folder / "index.html").is_file()
    ]
    newest_first = sorted(found, key=lambda report: -report.year)
    # an area is called as in its newest report that says so
    names: dict[str, str] = {}
    for report in newest_first:
        if report.listed:
            names.setdefault(report.area, report.name)
    named = [report._replace(name=names.get(report.area, report.name)) for report in newest_first]
    return sorted(named, key=lambda report: (report.name.casefold(), report.area))


def _report(folder: Path) -> Report:
    """The report in `folder`, with what its contents.json says if that can be read and speaks of this report."""
    area, year = folder.parent.name, int(folder.name)
    here = f"{quote(area, safe='')}/{folder.name}"
    bare = Report(area, year, f"{here}/index.html", wording.area_name(area))
    try:
        contents = json.loads((folder / "contents.json").read_text(encoding="utf-8"))
        if (contents["area"], contents["year"]) != (area, year):  # a copy of another report's
            return bare
        texts = {key: _typed(contents[key], str) for key in ("name", "title", "headline")}
        texts["name"] = texts["name"].strip() or bare.name
        chapters = tuple(_chapter(chapter, here) for chapter in _typed(contents["chapters"], list))
        texts["stamps"] = tuple(_typed(text, str) for text in _typed(contents.get("stamps", []), list))
        return bare._replace(listed=True, misfits=_typed(contents["misfits"], int), chapters=chapters, **texts)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # whatever was written there by whomever
        return bare


def _chapter(chapter: Any, here: str) -> Chapter:
    link = f"{here}/{quote(_typed(chapter['page'], str), safe='')}"
    findings = [
        Finding(
            _typed(exhibit["name"], str),
            _typed(exhibit["title"], str),
            f"{link}#{quote(_typed(exhibit['id'], str), safe='')}",
        )
        for exhibit in _typed(chapter["exhibits"], list)
    ]
    return Chapter(_typed(chapter["name"], str), _typed(chapter["question"], str), link, findings)


def _typed(value: Any, kind: type) -> Any:
    """The value, or TypeError where it is of another kind: a page must not print `None` or a list.

    >>> _typed("Scale", str)
    'Scale'
    """
    if type(value) is not kind or (isinstance(value, str) and re.search("[\ud800-\udfff]", value)):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _page(reports: list[Report]) -> str:
    from hzso_analysis import fonts  # noqa: PLC0415 (the place is checked before anything heavy is loaded)

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.globals |= {"say": _say, "counted": _counted}
    script = (TEMPLATES / "catalogue.js").read_text(encoding="utf-8")
    areas = [list(group) for _, group in itertools.groupby(reports, key=lambda report: report.area)]
    template = environment.get_template("catalogue.html.j2")
    policy = "; ".join([POLICY, f"script-src '{hash_source(script)}'"])
    sums = {"reports": len(reports), "findings": sum(report.findings for report in reports)}
    code = {"script": script, "policy": policy, "unfolded": UNFOLDED}
    html = template.render(areas=areas, mark=MARK, font=fonts.ROOM, lang=wording.LANGUAGE, **sums, **code)
    return fonts.with_letters(html) + "\n"


def hash_source(script: str) -> str:
    """What a Content-Security-Policy calls an inline script, so that it may run and no other.

    >>> hash_source("alert(1)")
    'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _say(name: str, **words: object) -> str:
    return wording.say(f"catalogue.{name}", **FROM_SCRIPT | words)


def _counted(noun: str, count: int) -> str:
    """A number with its noun, from the phrases.

    >>> _counted("finding", 1), _counted("finding", 1200)
    ('1 finding', '1,200 findings')
    """
    return _say(noun) if count == 1 else _say(f"{noun}s", count=f"{count:,}")
