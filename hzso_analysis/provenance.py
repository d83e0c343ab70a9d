"""What a page was made from, as hashes: notebook, parameters, data, library and versions; and whether that has changed.

A report has a `manifest.json` with all of it. A chapter whose inputs are the same is not run again, and a report whose
chapters and files are all the same is not made again.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from hzso_analysis.folders import HOME, PACKAGE, areas, data_files, data_folder

MANIFEST = "manifest.json"
NOTEBOOKS_DIR = HOME / "notebooks"


def digest(*parts: Any) -> str:
    """The hash of plain data, whatever the order of keys.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_hash(path: Path) -> str:
    """The hash of what is in a file, blank where it cannot be read.

    >>> file_hash(Path("/no/such/file"))
    ''
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


@cache
def library_hash() -> str:
    """The hash of the code, the phrases and the templates of this package."""
    paths = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    files = {path.relative_to(PACKAGE).as_posix(): path for path in paths}
    # where the package is installed, data and notebooks lie in it, which have hashes of their own
    own = sorted(name for name in files if not name.startswith(("data/", "notebooks/")))
    return digest([[name, file_hash(files[name])] for name in own])


@cache
def pins() -> dict[str, str]:
    """The versions of Python and of the packages that this one asks for.

    >>> "python" in pins()
    True
    """
    try:
        wanted = metadata.requires("hzso-analysis") or []
    except metadata.PackageNotFoundError:
        wanted = []  # it lies on the path without being installed
    names = sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted if "extra ==" not in line)
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}


def notebooks() -> list[Path]:
    """The notebooks of a report in order, their names begin with two digits.

    >>> [path.stem for path in notebooks()][:2]
    ['00_overview', '01_scale']
    """
    return sorted(NOTEBOOKS_DIR.glob("[0-9][0-9]_*.ipynb"))


def notebook_hash(path: Path) -> str:
    """The hash of the cells of a notebook without what they showed when it was last run, blank for what is none.

    >>> notebook_hash(Path("/no/such/notebook"))
    ''
    """
    try:
        cells = json.loads(path.read_bytes())["cells"]
        plain = [[c["cell_type"], "".join(c["source"]), c["metadata"].get("tags", []), c.get("id")] for c in cells]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ""
    return digest(plain)


def data_hashes(area: str, compare_with: str, data_dir: str | Path) -> dict[str, str]:
    """The hash of each file that an edition is made of, by its path below the data folder.

    >>> list(data_hashes("hangzhou", "", ""))[:2]
    ['breaks.csv', 'categories.csv']
    """
    folder = data_folder(data_dir)
    names = [name for name in dict.fromkeys([area, compare_with]) if name in areas(folder)]
    return {name: file_hash(path) for name, path in data_files(folder, names).items()}


def notebook_hashes() -> dict[str, str]:
    """The hash of each notebook of a report by its name.

    Take them before the notebooks are read: who saves one meanwhile has the page made again, and not kept as new.

    >>> list(notebook_hashes())[:2]
    ['00_overview', '01_scale']
    """
    return {path.stem: notebook_hash(path) for path in notebooks()}


def chapter_hash(stem: str, notebook: str, parameters: dict[str, Any], rows: str, extra: dict[str, str]) -> str:
    """The hash of all that a chapter is made from: `rows` is that of the data, `extra` are those of other files.

    >>> same, other = (chapter_hash("00_overview", "", {"year": year}, "", {}) for year in (2011, 2012))
    >>> same == other
    False
    """
    return digest(stem, notebook, parameters, rows, library_hash(), pins(), extra)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a report, empty where there is none that can be read.

    >>> read_manifest(Path("/no/such/report"))
    {}
    """
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
        whole = isinstance(told, dict) and set(told) >= {"parameters", "data", "rows", "chapters", "outputs"}
        return told if whole and all(set(c) >= {"hash", "files"} for c in told["chapters"].values()) else {}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_manifest(folder: Path, parts: dict[str, Any]) -> None:
    """Write the manifest of a finished report, with the hash of each of its files."""
    told = parts | {"library": library_hash(), "versions": pins(), "outputs": _files(folder)}
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def _files(folder: Path) -> dict[str, str]:
    """The hash of each file of a report besides the manifest."""
    return {path.name: file_hash(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}


def extra_files(names: list[str]) -> dict[str, str]:
    """The hashes of files that a notebook read besides the data, by their names from the working directory.

    >>> extra_files(["no such file"])
    {'no such file': ''}
    """
    return {name: file_hash(Path(name)) for name in names}


def unchanged_chapters(
    folder: Path, hashes: dict[str, str], parameters: dict[str, Any], rows: str
) -> dict[str, dict[str, Any]]:
    """The chapters of a finished report that would come out the same, with what the manifest has of each."""
    told = read_manifest(folder)
    same = {}
    for stem, chapter in told.get("chapters", {}).items():
        now = chapter_hash(stem, hashes.get(stem, ""), parameters, rows, extra_files(list(chapter["files"])))
        kept = told["outputs"].get(f"{stem}.ipynb")
        if now == chapter["hash"] and kept and kept == file_hash(folder / f"{stem}.ipynb"):
            same[stem] = chapter
    return same


def is_current(folder: Path, parameters: dict[str, Any], *, pdf: bool) -> bool:
    """Whether a report need not be made again: nothing it was made from has changed and all of its files are whole."""
    told = read_manifest(folder)
    if not told or told["parameters"] != parameters or (pdf and "report.pdf" not in told["outputs"]):
        return False
    hashes = notebook_hashes()
    return (
        data_hashes(parameters["area"], parameters["compare_with"], parameters["data_dir"]) == told["data"]
        and set(hashes) == set(told["chapters"])
        and unchanged_chapters(folder, hashes, parameters, told["rows"]) == told["chapters"]
        and _files(folder) == told["outputs"]
    )
