"""The errors for faults in data and for reports that cannot be made, and hints for words that are not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """Faults in data, all of them, each as `file:line: column: what is wrong, what is allowed`.

    >>> print(DataError(["a.csv:3: unit: found RMB; write one of USD million, CNY million"]))
    1 fault in the data
      a.csv:3: unit: found RMB; write one of USD million, CNY million
    """

    def __init__(self, faults: list[str]) -> None:
        self.faults = list(faults)
        count = f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''} in the data"
        super().__init__("\n  ".join([count, *self.faults]))


class ReportError(RuntimeError):
    """Why there is no new report: which report, notebook and cell, and the first line of the error."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to `word`, or nothing.

    >>> nearest("contract executed", ["contracts executed", "enterprises"])
    ' (did you mean contracts executed?)'
    """
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def first_line(text: str) -> str:
    """The first line of an error that says something.

    >>> first_line("\\n  no such file\\nTraceback")
    'no such file'
    """
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
