"""The pages of a report as a reader meets them: in a browser offline, with a keyboard, on a phone, on paper."""

import itertools
import re
from io import BytesIO

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from executed import committed, write_pages

from hzso_analysis import pages, printing
from hzso_analysis.edition import open_edition
from hzso_analysis.provenance import NOTEBOOKS_DIR

STEMS = [path.stem for path in sorted(NOTEBOOKS_DIR.glob("*.ipynb"))]
NAMES = ["index", *STEMS]
SHEET = 672  # pixels between the margins of a sheet
FOCUSABLE = "a[href], summary, input, [tabindex='0']"
VISIBLE = "element => element.checkVisibility({contentVisibilityAuto: true}) && element.getClientRects().length > 0"
FOCUSED = """all => {
  const one = document.activeElement, look = getComputedStyle(one);
  const place = [...document.querySelectorAll(all)].indexOf(one);
  return one === document.body ? null : [place, look.outlineStyle, look.outlineWidth];
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report as it is made from the committed notebooks, in its place below the catalogue."""
    folder = tmp_path_factory.mktemp("reports") / "hangzhou" / "2011"
    folder.mkdir(parents=True)
    edition, chapters = open_edition(), committed()
    write_pages(folder, chapters, edition, pages.front(edition))
    (folder / "print.html").write_text(pages.whole_page(folder, chapters, edition), encoding="utf-8")
    return folder


@pytest.fixture
def open_page(browser, report):
    """Open a page of the report offline; what it asks for and says is in `.asked` and `.said`."""
    contexts = []

    def opened(name, width=1280):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, offline=True))
        page = contexts[-1].new_page()
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto((report / f"{name}.html").as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


def barriers(page, **options):
    """What axe finds that keeps people out, each with the first element."""
    # the thousands of strokes inside a picture have no meaning of their own; the picture with its words is tried
    page.evaluate("document.querySelectorAll('svg[role=img] > *').forEach(stroke => stroke.remove())")
    found = Axe().run(page, options=options).response["violations"]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in found]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_no_barrier_asks_for_nothing_and_fits_phone_and_paper(open_page, report, name):
    page = open_page(name)
    assert not barriers(page)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 28)"
    assert not barriers(page, runOnly=["color-contrast"])
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.emulate_media(media="print")
    page.set_viewport_size({"width": SHEET, "height": 900})
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") == SHEET
    ends = page.eval_on_selector_all(".plot svg, table", "found => found.map(one => one.getBoundingClientRect().right)")
    assert ends and max(ends) <= SHEET, "nothing is cut by the edge of the paper"
    assert page.asked == [(report / f"{name}.html").as_uri()]
    assert page.said == []


@pytest.mark.parametrize("name", ["index", "03_leading_enterprises"])
def test_a_word_of_two_hundred_letters_moves_no_page_sideways(open_page, name):
    page = open_page(name, width=360)
    places = "h1, h2 a, .home a, nav a, .edition, .misfits p, .item, .chapter, .prose p, .finding, caption, .note, .gap"
    put = "found => found.map(one => one.textContent = 'W'.repeat(200)).length"
    assert page.eval_on_selector_all(places, put) > 20
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_words_over_a_narrow_column_keep_their_distance_from_the_next(open_page):
    page = open_page("03_leading_enterprises")
    room = """heads => heads.map(head => {
      const words = document.createRange();
      words.selectNodeContents(head);
      return [head.textContent, head.getBoundingClientRect().right - words.getBoundingClientRect().right];
    })"""
    heads = page.eval_on_selector_all("thead th.number", room)
    assert "If exponential" in dict(heads)
    assert not [head for head in heads if head[1] < 10]


@pytest.mark.parametrize("name", ["index", "03_leading_enterprises"])
def test_a_page_can_be_walked_with_the_keyboard_alone(open_page, name):
    page = open_page(name)
    wanted = page.eval_on_selector_all(FOCUSABLE, f"found => found.filter({VISIBLE}).length")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0, "the link to skip the navigation shows when it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.reload()
    reached = set()
    for _ in range(wanted + 3):
        page.keyboard.press("Tab")
        seen = page.evaluate(FOCUSED, FOCUSABLE)
        if seen:
            assert seen[1:] == ["solid", "3px"], "what has the focus can be seen"
            reached.add(seen[0])
    assert len(reached) == wanted > 20


def assert_visible(page, selector, number):
    """The browser lays out what was folded in one of its next frames; the page itself may not be asked to wait."""
    for _ in range(50):
        if (found := page.eval_on_selector_all(selector, f"found => found.filter({VISIBLE}).length")) == number:
            return
        page.wait_for_timeout(100)
    assert found == number


def test_one_switch_shows_all_code_and_each_cell_unfolds_alone(open_page):
    page = open_page("01_scale")
    total = page.locator(".code pre").count()

    assert total > 5
    assert_visible(page, ".code pre", 0)
    page.locator("#all-code").focus()
    page.keyboard.press("Space")
    assert_visible(page, ".code pre", total)
    page.keyboard.press("Space")
    assert_visible(page, ".code pre", 0)
    page.locator(".code summary").first.focus()
    page.keyboard.press("Enter")
    assert_visible(page, ".code pre", 1)


def test_the_contents_stand_beside_the_text_where_there_is_room(open_page):
    links = page = open_page("03_leading_enterprises", width=1280)
    links = page.eval_on_selector_all(".toc a", f"found => found.filter({VISIBLE}).length")
    assert links == page.locator("h2").count()
    assert page.locator(".toc").bounding_box()["x"] < page.locator(".body").bounding_box()["x"]
    narrow = open_page("03_leading_enterprises", width=360)
    assert narrow.eval_on_selector_all(".toc a", f"found => found.filter({VISIBLE}).length") == 0
    narrow.locator(".toc summary").focus()
    narrow.keyboard.press("Enter")
    assert_visible(narrow, ".toc a", links)


def test_a_copy_comes_down_without_a_script(open_page):
    page = open_page("01_scale")
    with page.expect_download() as started:
        page.locator("a.copy").first.click()
    assert started.value.suggested_filename == "hangzhou-2011-scale-table-1.csv"
    assert started.value.path().read_bytes().startswith("\N{ZERO WIDTH NO-BREAK SPACE}item,value,unit".encode())


def test_a_click_in_the_contents_shows_the_section(open_page):
    page = open_page("01_scale")
    page.get_by_role("link", name="Growth", exact=True).click()
    assert page.url.endswith("#growth") and 0 <= page.locator("h2#growth").bounding_box()["y"] < 60


@pytest.fixture(scope="module")
def printed(browser, report):
    """The whole report as PDF, with a mark in front of and behind each chart and each table."""
    html, number = (report / "print.html").read_text(encoding="utf-8"), itertools.count()
    html = re.sub(r"(<svg[^>]*>).*?</svg>", r"\1</svg>", html, flags=re.S)  # its size is enough, and quickly printed

    def marked(match):
        front, behind = (f'<div style="font-size: 1px">{word}{{}}q</div>' for word in ("front", "behind"))
        if match[2].count('<th scope="row"') >= 10:  # a long table may go on on the next page
            return match[0]
        place = next(number)
        return match[1] + front.format(place) + match[2] + behind.format(place) + match[3]

    html = re.sub(r'(<figure class="chart" id=[^>]*>)(.*?)(</figure>)', marked, html, flags=re.S)
    html = re.sub(r'(<div class="numbered"[^>]*>)(\s*<div.*?</div>.*?)(</div>)', marked, html, flags=re.S)
    page = report / "marked.html"
    page.write_text(html, encoding="utf-8")
    printing.print_pdf(page, report / "marked.pdf", title="Hangzhou service outsourcing, 2011")
    return next(number), pypdf.PdfReader(BytesIO((report / "marked.pdf").read_bytes()))


def test_no_chart_and_no_short_table_is_cut_by_the_end_of_a_page(printed):
    number, pdf = printed
    fronts, behinds = {}, {}
    for place, sheet in enumerate(pdf.pages):
        text = sheet.extract_text()
        fronts |= dict.fromkeys(re.findall(r"front(\d+)q", text), place)
        behinds |= dict.fromkeys(re.findall(r"behind(\d+)q", text), place)
    assert len(fronts) == len(behinds) == number > 50
    assert not {mark: (place, behinds[mark]) for mark, place in fronts.items() if behinds[mark] != place}


def test_the_pdf_has_tags_an_outline_numbered_pages_and_a_language(printed):
    _, pdf = printed
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en"
    titles = [entry.title for entry in pdf.outline if not isinstance(entry, list)]
    assert "How large is the industry, and how fast does it grow?" in titles
    assert len(titles) >= 1 + len(STEMS) and titles[0] == "Hangzhou service outsourcing, 2011"
    last = len(pdf.pages)
    assert f"{last} / {last}" in pdf.pages[-1].extract_text()
    assert "Hangzhou service outsourcing, 2011" in pdf.pages[-1].extract_text()
