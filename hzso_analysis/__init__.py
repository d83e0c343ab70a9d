"""Service outsourcing overviews as checked figures, estimates and reports.

Every published number is an interval, every definition a constraint; what nobody published is bounded, never guessed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hzso_analysis.edition import describe, open_edition
    from hzso_analysis.exhibits import show, sources
    from hzso_analysis.faults import DataError
    from hzso_analysis.figures import codebook, load_figures
    from hzso_analysis.folders import areas
    from hzso_analysis.read import read_table
    from hzso_analysis.reconciliation import Reconciliation, reconcile
    from hzso_analysis.report import build_report

__version__ = "0.1.0"
__all__ = [
    "DataError",
    "Reconciliation",
    "areas",
    "build_report",
    "codebook",
    "describe",
    "load_figures",
    "open_edition",
    "read_table",
    "reconcile",
    "show",
    "sources",
]

_HOMES = {
    **{"DataError": "faults", "read_table": "read"},
    "areas": "folders",
    **dict.fromkeys(["codebook", "load_figures"], "figures"),
    **dict.fromkeys(["Reconciliation", "reconcile"], "reconciliation"),
    **dict.fromkeys(["describe", "open_edition"], "edition"),
    **dict.fromkeys(["show", "sources"], "exhibits"),
    "build_report": "report",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `hzso --help` does not wait for pandas."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
