"""A browser for the tests that need one."""

import os

import pytest


def browser_or_skip() -> str:
    """The path of a browser to print with or to open pages in; the test is skipped, with the reason, without one."""
    from hzso_analysis.printing import PrintingError, check_printing  # noqa: PLC0415

    try:
        return check_printing()
    except PrintingError as error:
        pytest.skip(str(error))


def launch(playwright, path):
    """Open the browser as the tests do: root has no sandbox."""
    return playwright.chromium.launch(executable_path=path, chromium_sandbox=getattr(os, "geteuid", int)() != 0)
