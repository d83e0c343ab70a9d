"""Chinese letters where the machine has no font for them."""

import base64
import io
import re
import warnings

import pandas as pd
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from PIL import Image

from hzso_analysis import charts, fonts
from hzso_analysis.folders import TEMPLATES

WORDS = {"title": "杭州市服务外包 grows", "subtitle": "单位", "source": "Source: 商务局 (2011)"}


def bars(label):
    frame = pd.DataFrame({"label": [label], "low": [1.0], "high": [1.0], "text": ["1"]})
    return charts.bars(frame, **WORDS)


def test_chinese_letters_of_a_chart_are_drawn_without_a_warning(caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = charts.svg(bars("金融服务外包 and ITO"), alt="", prefix="f")
        second = charts.svg(bars("金融服务外包 and ITO"), alt="", prefix="f")
    assert first == second and caplog.text == ""
    font = font_manager.get_font(fonts.chinese_font())
    for letter in "杭州市单位商务局金融服务外包":
        assert f"NotoSansSC-Regular-{font.get_char_index(ord(letter)):x}" in first, letter


def test_a_letter_that_no_font_has_is_marked_and_stops_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fig = bars("利润 \N{MONEY BAG}")
        charts.svg(fig, alt="", prefix="f")
    assert "利润 \N{REPLACEMENT CHARACTER}" in charts.twin(fig)


def test_words_in_latin_letters_need_no_other_font():
    assert not fonts.lacking("ITO – 66.14 %; ±½ … “quoted” € £")


def test_long_chinese_words_stay_inside_the_picture():
    fig = bars("一二三四五六七八九十" * 4)
    fig.draw_without_rendering()
    width = fig.get_figwidth() * fig.dpi
    for text in [*fig.axes[0].get_yticklabels(), fig._suptitle]:
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= width + 1, text.get_text()


def subset(html):
    data = re.search(r'url\("data:font/woff;base64,([^"]+)"\)', html)[1]
    with TTFont(io.BytesIO(base64.b64decode(data))) as font:
        return "".join(map(chr, sorted(font.getBestCmap())))


def test_a_page_carries_the_letters_it_uses_and_no_others(monkeypatch):
    page = f"<style>{fonts.ROOM}</style><p>杭州, ABC, 服务（外包）</p>"
    first = fonts.with_letters(page)
    assert subset(first) == "".join(sorted("杭州服务（外包）"))
    monkeypatch.setattr("time.time", lambda: 0.0)
    fonts._rule.cache_clear()  # or it would be the same text for having been kept
    assert fonts.with_letters(page) == first
    assert fonts.with_letters("<style></style>杭州") == "<style></style>杭州", "no room, no font"


def test_a_page_shows_chinese_where_the_machine_has_no_font_for_it(browser):
    """A letter has more ink than the box that stands for one that no font has (2E9A is none)."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8") + fonts.ROOM
    page = "<!doctype html><meta charset=utf-8><style>{} {} {{ font-size: 80px }}</style><{}>{}</{}>"
    pages = {}
    for tag in ("p", "code"):
        for letter in "杭州\u2e9a":
            pages[tag, letter] = fonts.with_letters(page.format(style, tag, tag, letter, tag))
    inks = {}
    for (tag, letter), html in pages.items():
        sheet = browser.new_page(viewport={"width": 200, "height": 200})
        sheet.set_content(html)
        sheet.evaluate("document.fonts.ready.then(() => null)")
        picture = Image.open(io.BytesIO(sheet.screenshot())).convert("L")
        inks[tag, letter] = sum(picture.histogram()[:128])
        sheet.close()
    for tag in ("p", "code"):
        assert inks[tag, "杭"] > inks[tag, "州"] > 1.3 * inks[tag, "\u2e9a"] > 0, inks
