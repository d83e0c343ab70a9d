"""What differs between two states of the data: figures that come, go or change, and what moves on the pages."""

from __future__ import annotations

import io
import subprocess
import tempfile
import zipfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hzso_analysis import wording
from hzso_analysis.chapters.data_quality import chapters_of, named, sentences
from hzso_analysis.edition import Edition
from hzso_analysis.faults import DataError, nearest
from hzso_analysis.figures import codebook, load_figures
from hzso_analysis.folders import areas, data_folder
from hzso_analysis.reconciliation import CELL, Reconciliation, reconcile
from hzso_analysis.vocabulary import COUNTED

FIGURE = ["area", "year", *(name for name in COUNTED if name != "unit"), "source"]
NUMBER = ["value", "unit", "precision", "qualifier"]
COMPARED = ["indicators", "categories", "sources", "breaks"]
# how rows of OLD and NEW are matched, one way after the other, and what the pairs are called
PASSES = [("same", [*FIGURE, *NUMBER, "locator", "note", "printed"]), ("reworded", [*FIGURE, *NUMBER, "locator"])]
PASSES += [("changed", [*FIGURE, "locator"]), ("reworded", [*FIGURE, *NUMBER])]
KINDS = ["added", "removed", "changed"]
Change = tuple[str, Any, Any]


def differences(old: str, new: str, *, chosen: Sequence[str] = (), data_dir: str = "") -> list[str]:
    """Lines on what differs between two data folders or git revisions, of all areas or the chosen; one if nothing does.

    Raises ValueError for what is neither folder nor revision and DataError for faults in the data, of both at once.
    """
    with tempfile.TemporaryDirectory(prefix="hzso-") as workshop:
        folders = _both(lambda name, text: data_at(text, data_dir, Path(workshop) / name), [old, new])
        before, after = _both(lambda _, folder: _figures(folder), folders)
        in_both = _shared(before, after, chosen)
        names = set(chosen or [*before["area"], *after["area"]])
        changes = figure_changes(*(frame[frame["area"].isin(in_both)] for frame in (before, after)))
        reworded = sum(kind == "reworded" for kind, *_ in changes)
        figures = [change for change in changes if change[0] in KINDS]
        lines = _area_lines(before, after, names - in_both) + _codebook_lines(*folders)
        if in_both and (figures or lines):
            answers = [reconcile(frame) for frame in (before, after)]
            lines += _figure_lines(figures, answers) + _moved_lines(answers, in_both) + _misfit_lines(answers, in_both)
        if not figures and not names - in_both:
            lines.insert(0, "The figures are the same.")
        if reworded:
            lines.append(f"Notes, locators or spellings that changed and no number: {reworded}")
        return lines


def data_at(text: str, data_dir: str, empty: Path) -> Path:
    """The data folder that `text` names: a folder itself, or a git revision written into the folder `empty`.

    A revision is that of the repository around `data_dir` or the data of the package; `REVISION:FOLDER` names another
    folder in it. The work tree is left alone. Raises ValueError where there is no such folder or revision.
    """
    if Path(text).is_dir():
        return Path(text)
    home = data_folder(data_dir)
    revision, colon, inside = text.partition(":")
    if not (top := _git_word(home, "rev-parse", "--show-toplevel")):
        raise ValueError(f"{text} is no folder, and no revision either: {home} lies in no git repository")
    if not (commit := _git_word(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")):
        raise ValueError(f"{text} is no folder, and {top} has no revision {revision}")
    inside = inside if colon else _git_word(home, "rev-parse", "--show-prefix")
    content = _git(top, "archive", "--format=zip", f"{commit}:{inside.rstrip('/')}")
    if not content:
        raise ValueError(f"revision {revision} has no folder {inside}")
    zipfile.ZipFile(io.BytesIO(content)).extractall(empty)
    return empty


def _git(folder: str | Path, *words: str) -> bytes:
    """What git prints, nothing where it fails."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    except FileNotFoundError:
        raise ValueError("no such folder; git, which could know a revision of that name, is not installed") from None
    return done.stdout if done.returncode == 0 else b""


def _git_word(folder: str | Path, *words: str) -> str:
    return _git(folder, *words).decode().strip()


def _both(load: Callable[[str, Any], Any], given: Iterable[Any]) -> list[Any]:
    """What `load` makes of OLD and NEW, or one error with the faults of both, each with its name in front."""
    found, errors, faults = [], [], []
    for name, what in zip(["OLD", "NEW"], given, strict=True):
        try:
            found.append(load(name, what))
        except ValueError as error:
            errors.append(error)
            faults += [f"{name}: {fault}" for fault in getattr(error, "faults", [str(error)])]
    if faults:
        raise DataError(faults) if isinstance(errors[0], DataError) else ValueError("\n".join(faults))
    return found


def _figures(folder: Path) -> pd.DataFrame:
    """All figures of a data folder; its codebook is read along, so that its faults are named first."""
    if not (names := areas(folder)):
        raise DataError(["no areas; figures lie in AREA/YEAR.csv"])
    for table in COMPARED:
        codebook(table, folder)
    return load_figures(names, data_dir=folder)


def _shared(before: pd.DataFrame, after: pd.DataFrame, chosen: Sequence[str]) -> set[str]:
    """The areas, or the chosen ones of them, that both have; ValueError names those that neither has."""
    old, new = set(before["area"]), set(after["area"])
    if unknown := [name for name in chosen if name not in old | new]:
        known = sorted(old | new)
        hints = [f"area: found {name!r}{nearest(name, known)}; there are {wording.listing(known)}" for name in unknown]
        raise ValueError("\n".join(hints))
    return old & new & set(chosen or old)


def figure_changes(old: pd.DataFrame, new: pd.DataFrame) -> list[Change]:
    """Each figure that differs: added, removed, changed or reworded, with its labels in `old` and `new` (None).

    Reworded are a note, a locator or a spelling (1.5 billion, 1,500 million): no number changed. Rows of the same cell
    and source are matched by locator and value, then by locator, then by value.
    """
    changes: list[Change] = []
    for kind, columns in PASSES:
        pairs = _pairs(old, new, columns)
        changes += [(kind, *pair) for pair in pairs if kind != "same"]
        old, new = old.drop(index=[first for first, _ in pairs]), new.drop(index=[second for _, second in pairs])
    changes += [("added", None, label) for label in new.index]
    return changes + [("removed", label, None) for label in old.index]


def _pairs(old: pd.DataFrame, new: pd.DataFrame, columns: list[str]) -> list[tuple[Any, Any]]:
    """Labels of rows that agree in these columns; repeated ones are matched in order."""
    waiting: dict[tuple[Any, ...], deque[Any]] = defaultdict(deque)
    for label, key in _keys(old, columns):
        waiting[key].append(label)
    return [(waiting[key].popleft(), label) for label, key in _keys(new, columns) if waiting[key]]


def _keys(figures: pd.DataFrame, columns: list[str]) -> Iterable[tuple[Any, tuple[Any, ...]]]:
    # the currency of an amount is its unit, and another unit is a change of the figure, not another figure
    typed = figures.assign(currency=figures["currency"].where(figures["unit"] == "percent", ""))
    return zip(figures.index, typed[columns].astype(str).itertuples(index=False, name=None), strict=True)


def moved_estimates(old: Reconciliation, new: Reconciliation) -> pd.DataFrame:
    """Cells whose bounds or status read differently on a page, with the texts `before` and `after` and the chapter."""
    texts = []
    for answer, column in ((old, "before"), (new, "after")):
        rows = answer.estimates[answer.estimates["status"] != "unknown"]
        said = [f"{wording.amount(wording.span(r.low, r.high), r.unit)} ({r.status})" for r in rows.itertuples()]
        texts.append(rows[CELL].assign(**{column: said}))
    cells = texts[0].merge(texts[1], on=CELL, how="outer").fillna({"before": "unknown", "after": "unknown"})
    moved = cells[cells["before"] != cells["after"]]
    known, known_before = (chapters_of(moved, answer.figures.attrs["data_dir"]) for answer in (new, old))
    return moved.assign(chapter=known.fillna(known_before))


def _area_lines(before: pd.DataFrame, after: pd.DataFrame, names: set[str]) -> list[str]:
    lines = []
    for name in sorted(names):
        kind, rows = ("removed", before) if name in set(before["area"]) else ("added", after)
        lines.append(f"Area {kind}: {name}, {wording.counted((rows['area'] == name).sum(), 'figure')}")
    return lines


def _codebook_lines(old: Path, new: Path) -> list[str]:
    """A line that names the tables and ids that differ; estimates can move by them alone."""
    texts = []
    for table in COMPARED:
        rows = pd.concat([codebook(table, folder).astype(str) for folder in (old, new)]).drop_duplicates(keep=False)
        if len(rows):
            texts.append(f"{table} ({', '.join(sorted(set(rows['id' if 'id' in rows else 'indicator'])))})")
    return [f"The codebook changed: {'; '.join(texts)}"] if texts else []


def _figure_lines(changes: list[Change], answers: list[Reconciliation]) -> list[str]:
    counts = [f"{sum(kind == name for kind, *_ in changes)} {name}" for name in KINDS]
    lines = [f"Figures: {wording.listing(counts)}"] if changes else []
    for kind, *labels in sorted(changes, key=lambda change: KINDS.index(change[0])):
        # what was removed has no row in NEW, what was added none in OLD
        sides = [(answer, label) for answer, label in zip(answers, labels, strict=True) if label is not None]
        rows = [answer.figures.loc[label] for answer, label in sides]
        answer, row = sides[-1][0], rows[-1]
        said = [f"{each['qualifier']} {wording.as_printed(each.drop('qualifier'))}".strip() for each in rows]
        if len(set(said)) < len(said):
            said = [f"{said[0]} ± {each['precision']:g} {each['unit']}" for each in rows]
        since = "" if pd.isna(row["since"]) else f", since {row['since']}"
        of = f", of {wording.area_name(row['of'])}" if row["of"] else ""
        name = f"{wording.area_name(row['area'])}, {named(_edition(answer, row['area']), row)}{since}{of}"
        where = ", ".join(filter(None, [row["source"], row["locator"]]))
        lines.append(f"  {kind}: {name}: {' became '.join(said)} ({where})")
    return lines


def _moved_lines(answers: list[Reconciliation], names: set[str]) -> list[str]:
    moved = moved_estimates(*answers)
    moved = moved[moved["area"].isin(names)].sort_values(["area", "chapter"], kind="stable")
    lines = [f"Estimates that move: {len(moved)}"] if len(moved) else []
    for _, row in moved.iterrows():
        name = named(_edition(answers[1], row["area"]), row)
        chapter = row["chapter"].replace("_", " ")
        lines.append(f"  {wording.area_name(row['area'])}, {chapter}: {name}: {row['before']} became {row['after']}")
    return lines


def _misfit_lines(answers: list[Reconciliation], names: set[str]) -> list[str]:
    """The sentences on suspects and ties that come or go."""
    lines = []
    for name in sorted(names):
        before, after = (sentences(_edition(answer, name), all_years=True) for answer in answers)
        lines += [f"  {wording.area_name(name)}, no longer: {text}" for text in before if text not in after]
        lines += [f"  {wording.area_name(name)}, now: {text}" for text in after if text not in before]
    return ["What does not fit:", *lines] if lines else []


def _edition(answer: Reconciliation, area: str) -> Edition:
    return Edition(area, int(answer.figures["year"].max()), "", "estimated", answer)
