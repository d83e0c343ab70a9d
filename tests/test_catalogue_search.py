"""The search of the list of all reports, in a browser without a network."""

import pytest
from made_reports import ATTACKS, make

from hzso_analysis.catalogue import write_catalogue


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    for area in ("china", "hangzhou", "inner_mongolia"):
        for year in range(2009, 2013):
            make(out, area, year, {"misfits": max(year - 2010, 0)})
    make(out, "hangzhou", 2013, {"headline": ATTACKS[1], "chapters": []})
    (out / "china" / "2012" / "contents.json").unlink()
    return write_catalogue(out).as_uri()


@pytest.fixture
def opened(browser, catalogue, request):
    """The page on a small screen, with whatever it asked for or complained of."""
    script = getattr(request, "param", True)
    context = browser.new_context(viewport={"width": 360, "height": 700}, offline=True, java_script_enabled=script)
    page, page.heard = context.new_page(), []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda asked: page.heard.append(asked.url))
    page.goto(catalogue)
    yield page
    assert page.heard == [catalogue]
    context.close()


def shown(page, selector):
    return page.locator(selector).locator("visible=true").all_text_contents()


def test_a_search_filters_by_all_words_and_says_how_much_it_found(opened):
    field, status = opened.get_by_role("searchbox", name="Search findings and reports"), opened.get_by_role("status")
    place = field.bounding_box()
    field.press_sequentially("SIZES hang 2011")
    assert status.text_content() == "2 of 44 findings, 1 of 13 reports"
    assert shown(opened, ".chapters li a") == ["Largest firms", "Cafés and ＩＴＯ 杭州"]
    assert shown(opened, "h2") == ["Hangzhou"] and shown(opened, "nav a") == ["Hangzhou"]
    assert shown(opened, "summary") == ["2 of 4 findings"]
    for words, found in [
        ("cafes ito", 11),
        ("ｃａｆés\u3000杭州", 11),
        ("Scale", 22),
        ("2,033-2,034 2010", 0),
        ("table 4", 11),
    ]:
        field.fill(words)
        assert status.text_content().startswith(f"{found} of 44 findings"), words
    field.fill("2,033-2,034 2010")
    assert len(shown(opened, ".report")) == 3 and shown(opened, "summary") == []
    field.fill("nowhere")
    assert status.text_content() == "0 of 44 findings, 0 of 13 reports. Nothing has all these words; try fewer."
    assert field.bounding_box() == place and opened.evaluate("scrollY") == 0
    field.press("Escape")
    assert field.input_value() == "" and status.text_content() == ""
    assert len(shown(opened, ".report")) == 13 and shown(opened, ".chapters li") == []
    assert shown(opened, "summary") == ["4 findings"] * 11


def test_a_search_keeps_the_place_and_what_was_unfolded(opened):
    opened.get_by_role("searchbox").focus()
    opened.locator("summary").nth(2).click()
    assert len(shown(opened, ".chapters li")) == 4
    opened.evaluate("scrollTo(0, 90)")
    opened.evaluate("document.querySelector('input').focus({ preventScroll: true })")
    opened.keyboard.type("nowhere")
    assert opened.evaluate("scrollY") == 90
    opened.keyboard.press("Escape")
    assert opened.evaluate("scrollY") == 90
    assert opened.locator("details[open]").count() == 1
    assert len(shown(opened, ".chapters li")) == 4


def test_many_findings_stay_folded_and_are_filtered_when_unfolded(opened):
    html = opened.content().replace('data-unfolded="200"', 'data-unfolded="20"')
    opened.get_by_role("searchbox").fill("scale")
    assert opened.locator("details[open]").count() == 11
    page = opened.context.new_page()
    page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(opened.url)
    page.get_by_role("searchbox").fill("scale")
    assert page.get_by_role("status").text_content().startswith("22 of 44")
    assert page.locator("details[open]").count() == 0
    page.locator("summary").first.click()
    page.locator("details[open]").wait_for()
    assert shown(page, ".chapters li a") == ["Contracts by flow", "Growth in 2011"]
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_nothing_scrolls_sideways_and_no_rule_of_access_is_broken(opened, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    opened.set_viewport_size({"width": width, "height": 700})
    opened.emulate_media(color_scheme=scheme)
    for words in ("", "largest 2011"):
        opened.get_by_role("searchbox").fill(words)
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        found = axe.run(opened)
        assert found.violations_count == 0, found.generate_report()


def test_everything_is_reached_by_keyboard(opened):
    reached = []
    for _ in range(9):
        opened.keyboard.press("Tab")
        active = "document.activeElement"
        reached.append(opened.evaluate(f"{active}.getAttribute('href') ?? {active}.id ?? ''") or "summary")
    areas = ["#area-1", "#area-2", "#area-3"]
    assert reached[:5] == ["#content", *areas, "search"]
    assert reached[5:] == ["china/2012/index.html", "china/2011/index.html", "summary", "china/2010/index.html"]
    opened.get_by_role("searchbox").fill("growth 2010")
    opened.get_by_role("searchbox").press("Tab")
    for _ in range(3):
        opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.getAttribute('href')") == "china/2010/01_scale.html#table-2"
    assert opened.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("opened", [False], indirect=True)
def test_without_scripts_there_is_no_field_and_all_reports(opened):
    assert shown(opened, "[role=search]") == []
    assert len(shown(opened, ".report")) == 13
    opened.locator("summary").first.click()
    assert len(shown(opened, ".chapters li")) == 4


def test_paper_has_no_search(opened):
    opened.emulate_media(media="print")
    assert shown(opened, "[role=search]") == [] and len(shown(opened, ".report")) == 13
