"""One HTML page printed to one PDF by a Chromium found on the machine, without a network and without scripts."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from hzso_analysis.faults import ReportError
from hzso_analysis.workshop import write_aside

if TYPE_CHECKING:
    from playwright.sync_api import Route

VARIABLE = "HZSO_BROWSER"
COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
COMMANDS += ["microsoft-edge", "msedge", "brave-browser"]
MAC = ["Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser"]
WINDOWS = ["Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe"]
WINDOWS += ["Microsoft/Edge/Application/msedge.exe", "BraveSoftware/Brave-Browser/Application/brave.exe"]
NO_PLAYWRIGHT = 'printing needs playwright; install it: pip install "hzso-analysis[pdf]"'
NO_BROWSER = (
    "printing needs Chromium, Chrome, Edge or Brave, and none was found; install one: apt install chromium, "
    f"or playwright install chromium; or set {VARIABLE} to the path of one"
)
SECONDS = 120
PAPER = {"format": "A4", "print_background": True, "prefer_css_page_size": True, "tagged": True, "outline": True}
# a link to a file beside the page would carry the path it had while printing; in the PDF it could not be followed
PREPARE = """async (title) => {
  document.title = title;
  for (const link of document.querySelectorAll("a[href], area[href]")) {
    const href = link.getAttribute("href");
    const to = URL.canParse(href, document.baseURI) ? new URL(href, document.baseURI) : null;
    if (to === null || (to.protocol === "file:" && to.pathname !== location.pathname)) link.removeAttribute("href");
  }
  await document.fonts.ready;
}"""
T = TypeVar("T")


class PrintingError(ReportError):
    """Why nothing was printed, and what to install or to set."""


def check_printing() -> str:
    """Return the browser that would print, for callers who want to fail before long work starts.

    Raises PrintingError with the lines to install where playwright or a browser is missing.
    """
    browser = find_browser()
    if not _has_playwright():
        raise PrintingError(NO_PLAYWRIGHT)
    return browser


def find_browser() -> str:
    """Return the path of a browser of the Chromium family: the one of HZSO_BROWSER, or else the first one found.

    Raises PrintingError where HZSO_BROWSER names no program, and with the lines to install where nothing was found.
    """
    if asked := os.environ.get(VARIABLE):
        if not Path(asked).is_file():
            raise PrintingError(f"{VARIABLE}: there is no file {asked}; set it to the path of a Chromium, or unset it")
        if not os.access(asked, os.X_OK):
            raise PrintingError(f"{VARIABLE}: {asked} is no program; set it to the path of a Chromium, or unset it")
        return asked
    if found := next(_candidates(), ""):
        return found
    raise PrintingError(NO_BROWSER if _has_playwright() else f"{NO_BROWSER}\n{NO_PLAYWRIGHT}")


def print_pdf(page: Path, target: Path, *, title: str) -> None:
    """Print an HTML file on A4, with background, tags for screen readers and an outline of its headings.

    Margins, headers and page numbers are those of the page's own CSS. No script of the page runs and nothing but the
    page itself is loaded; links to other files are printed as text, links to addresses and within the page stay.
    The PDF takes its place when it is whole. The same page and title give the same bytes with the same browser and
    fonts: dates are replaced by a fixed one and the ids of table cells numbered anew, both at equal length; nothing
    else differed. Another browser or other fonts give other bytes, and /Creator names browser and system.

    Raises PrintingError where something is missing or the browser fails, and OSError where a file cannot be read or
    written.
    """
    browser, html = check_printing(), page.read_bytes()
    with tempfile.TemporaryDirectory(prefix="hzso-print-", ignore_cleanup_errors=True) as profile:
        try:
            raw = _apart(partial(_printed, browser, profile, quote(page.name), html, title))
        except Exception as error:  # of playwright, its driver or the browser: none is of use as a traceback
            said = f"{browser} could not print {page.name}: {_reason(str(error))}"
            raise PrintingError(f"{said}; to try another browser, set {VARIABLE} to its path") from None
    write_aside(target, _without_clock(raw))


def _printed(browser: str, profile: str, name: str, html: bytes, title: str) -> bytes:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    # without a root folder: neither a path of the machine nor what lies beside the page can get into the PDF
    address = f"file:///{name}"

    def answer(route: Route) -> None:
        if route.request.url == address:
            route.fulfill(body=html, content_type="text/html")
        else:
            route.abort()

    # a browser of its own that is offline, runs no scripts and keeps what it stores in `profile`
    settings: dict[str, Any] = {"executable_path": browser, "timeout": 1000 * SECONDS}
    settings |= {"offline": True, "java_script_enabled": False, "accept_downloads": False}
    # root has no sandbox in Chromium; everybody else keeps it
    settings["chromium_sandbox"] = not (hasattr(os, "geteuid") and os.geteuid() == 0)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(profile, **settings)
        context.set_default_timeout(1000 * SECONDS)
        context.route("**/*", answer)
        sheet = context.pages[0]
        sheet.goto(address)
        sheet.evaluate(PREPARE, title)
        raw = sheet.pdf(**PAPER)  # type: ignore[arg-type]  # settings of several types
        context.close()
    return raw


def _apart(work: Callable[[], T]) -> T:
    """Run in a thread: playwright refuses a thread with an event loop, and a notebook has one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, COMMANDS))
    folders = [Path("/Applications"), Path("~/Applications").expanduser()]
    places = [folder / f"{name}.app" / "Contents" / "MacOS" / name for folder in folders for name in MAC]
    roots = filter(None, map(os.environ.get, ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"]))
    places += [Path(root) / name for root in roots for name in WINDOWS]
    yield from (str(place) for place in places if place.is_file())
    if _has_playwright() and Path(own := _apart(_downloaded)).is_file():
        yield own


def _downloaded() -> str:
    """Where playwright keeps its own browser, whether or not it was downloaded."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _has_playwright() -> bool:
    try:
        import playwright.sync_api  # noqa: PLC0415
    except ImportError:
        return False
    return bool(playwright.sync_api)


def _without_clock(raw: bytes) -> bytes:
    """The PDF without what differs from print to print, each thing replaced at equal length: offsets must hold.

    The dates become a fixed one. The ids of cells count what the browser made before them; they are numbered anew in
    their order, as a reader looks them up in a sorted tree.

    >>> _without_clock(b"/ModDate (D:20261125142242+00'00')>> /ID (node00000023)>> /Headers [(node00000007)]")
    b"/ModDate (D:20000101000000+00'00')>> /ID (node00000001)>> /Headers [(node00000000)]"
    """
    raw = re.sub(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}[+-]\d\d'\d\d'", rb"\g<1>20000101000000+00'00'", raw, count=2)
    ids = re.compile(rb"(?<!/Title )\(node(\d{8})\)")
    order = {number: b"(node%08d)" % place for place, number in enumerate(sorted(set(ids.findall(raw))))}
    return ids.sub(lambda match: order[match[1]], raw)


def _reason(message: str) -> str:
    r"""One line of what playwright says: what the browser itself wrote on why it ended, or else the first line.

    >>> _reason("Page.goto: net::ERR_FAILED\nCall log:\n  - navigating")
    'net::ERR_FAILED'
    >>> _reason("Launch: it was closed\n[pid=2][err] warned\n[pid=2][err] [9:ERROR:zygote.cc(1)] No usable sandbox")
    'No usable sandbox'
    """
    written = [line.partition("[err] ")[2] for line in message.splitlines() if "[err] " in line]
    telling = [line for line in written if re.search(r"error|fatal|cannot|unrecognized|not found", line, re.I)]
    first = next(iter(telling or message.splitlines()), "it said nothing").strip()
    return re.sub(r"^(\[[^\]]*\] |\w+(\.\w+)*: )", "", first) or first
