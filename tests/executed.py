"""Notebooks executed in this process, without a kernel: what they show is what a kernel would have shown."""

import contextlib
import io

import nbformat

from hzso_analysis import exhibits, pages
from hzso_analysis.pages import Chapter, chapter_of
from hzso_analysis.provenance import NOTEBOOKS_DIR


def executed(patch, stems=None, **parameters) -> list[Chapter]:
    """The chapters of an edition; `patch` is a MonkeyPatch that may stand in for the display of notebooks."""
    chapters = []
    for path in sorted(NOTEBOOKS_DIR.glob("*.ipynb")):
        if stems is None or path.stem in stems:
            chapters.append(chapter_of(path.stem, _executed(patch, nbformat.read(path, as_version=4), parameters)))
    return chapters


def committed() -> list[Chapter]:
    """The chapters as they are committed, executed with their default parameters."""
    return [chapter_of(p.stem, nbformat.read(p, as_version=4)) for p in sorted(NOTEBOOKS_DIR.glob("*.ipynb"))]


def _executed(patch, notebook, parameters):
    names = {}
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.outputs, said = [], io.StringIO()

        def shown(data, *, metadata=None, raw=True, outputs=cell.outputs):
            assert raw
            outputs.append(nbformat.v4.new_output("display_data", data, metadata=metadata or {}))

        patch.setattr(exhibits, "display", shown)
        with contextlib.redirect_stdout(said):
            exec(cell.source, names)
        if "parameters" in cell.metadata.get("tags", []):
            names |= parameters
        if said.getvalue():
            cell.outputs.insert(0, nbformat.v4.new_output("stream", name="stdout", text=said.getvalue()))
    return notebook


def write_pages(folder, chapters, edition, found):
    """All files of a report but the manifest, as a draft writes them one by one."""
    for place in range(len(chapters)):
        pages.write_page(folder, place, chapters, edition)
    pages.write_rest(folder, chapters, edition, found)
