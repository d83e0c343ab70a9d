"""One page over all reports in a folder, with a search that needs no network and no server."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
from contextlib import suppress
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hzso_analysis import wording
from hzso_analysis.folders import TEMPLATES
from hzso_analysis.workshop import write_aside

MARK = '<meta name="generator" content="hzso_analysis catalogue">'
# nothing may be loaded and only the script of the page may run: whatever stands in the data, a page is only a page
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
# with more findings than these the reports stay folded: the browser would lay out thousands of lines at each letter
UNFOLDED = 200
# the script fills in what changes while a reader types
FROM_SCRIPT = {name: f"{{{name}}}" for name in ("found", "total", "shown", "reports")}
EXHIBIT = {"id": str, "name": str, "title": str}
CHAPTER = {"page": str, "name": str, "question": str, "exhibits": [EXHIBIT]}
# what a contents.json must say for the findings of a report to be listed; area and year are those of its folder
CONTENTS = {"name": str, "title": str, "headline": str, "misfits": int, "chapters": [CHAPTER], "stamps": [str]}
UNLISTED = {"listed": False, "title": "", "chapters": [], "stamps": []}


def check_place(out_dir: Path) -> None:
    """Raise FileExistsError where `out_dir` has an index.html that is no catalogue and would be lost.

    Raises NotADirectoryError and PermissionError where it is no folder, or one in which nothing can be written.

    >>> check_place(Path("/no/such/folder"))
    >>> check_place(TEMPLATES / "style.css")
    Traceback (most recent call last):
    ...
    NotADirectoryError: ...style.css is a file; choose a folder
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


def find_reports(out_dir: Path) -> list[dict[str, Any]]:
    """All reports of a folder: areas by name, years newest first. What is no report is passed over.

    >>> find_reports(Path("/no/such/folder"))
    []
    """
    found = [
        _report(folder)
        for folder in out_dir.glob("*/*")
        if re.fullmatch(r"[0-9]{4}", folder.name)
        and not folder.parent.name.startswith(".")
        and (folder / "index.html").is_file()
    ]
    # an area is called as in its newest report that says so
    names = {report["area"]: report["name"] for report in sorted(found, key=itemgetter("year")) if report["listed"]}
    named = [report | {"name": names.get(report["area"], report["name"])} for report in found]
    return sorted(named, key=lambda report: (report["name"].casefold(), report["area"], -report["year"]))


def _report(folder: Path) -> dict[str, Any]:
    """The report in `folder`, with what its contents.json says if that can be read and speaks of this report."""
    area, year = folder.parent.name, int(folder.name)
    known = {"area": area, "year": year, "folder": f"{quote(area, safe='')}/{folder.name}"}
    name = wording.area_name(area)
    with suppress(OSError, ValueError, TypeError, RecursionError):  # whatever was written there by whomever
        told: dict[str, Any] = {"stamps": []} | json.loads((folder / "contents.json").read_text(encoding="utf-8"))
        # it may be a copy of another report's
        if _is_like(told, CONTENTS) and (told.get("area"), told.get("year")) == (area, year):
            return told | known | {"name": told["name"].strip() or name, "listed": True}
    return UNLISTED | known | {"name": name}


def _is_like(value: Any, shape: Any) -> bool:
    """Whether plain data have a shape: a page must not print `None` or a list.

    >>> _is_like({"name": "Scale"}, {"name": str}), _is_like({"name": None}, {"name": str})
    (True, False)
    """
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(_is_like(value.get(key), part) for key, part in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(_is_like(each, shape[0]) for each in value)
    return type(value) is shape and not (isinstance(value, str) and re.search("[\ud800-\udfff]", value))


def _page(reports: list[dict[str, Any]]) -> str:
    from hzso_analysis import fonts  # noqa: PLC0415 (the place is checked before anything heavy is loaded)

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.globals |= {"say": _say, "counted": _counted}
    environment.filters |= {"quoted": partial(quote, safe="")}
    script = (TEMPLATES / "catalogue.js").read_text(encoding="utf-8")
    areas = [list(group) for _, group in itertools.groupby(reports, key=itemgetter("area"))]
    template = environment.get_template("catalogue.html.j2")
    policy = "; ".join([POLICY, f"script-src '{hash_source(script)}'"])
    findings = sum(len(chapter["exhibits"]) for report in reports for chapter in report["chapters"])
    sums = {"reports": len(reports), "findings": findings}
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
