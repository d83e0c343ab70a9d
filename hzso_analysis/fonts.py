"""Chinese letters in charts and pages, on machines that have no font for them.

The font is Noto Sans SC (SIL Open Font License), which the package zhplot ships. It is used by its path: an import of
zhplot would change the settings of matplotlib.
"""

from __future__ import annotations

import base64
import io
import re
from contextlib import closing
from dataclasses import replace
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

FIRST_CHINESE = 0x2E80  # the radicals; all that is wide and Chinese comes later in Unicode
CHINESE = re.compile(f"[{chr(FIRST_CHINESE)}-\U0010ffff]")
ROOM = "/* Chinese letters */"  # where the style of a page has room for the font


def chinese_font() -> Path:
    """The path of the Chinese font; ImportError says what to install where there is none.

    >>> chinese_font().name
    'NotoSansSC-Regular.ttf'
    """
    package = find_spec("zhplot")
    if package is None or package.origin is None:
        raise ImportError("the Chinese font is missing; install it with: pip install zhplot")
    return Path(package.origin).parent / "fonts" / "NotoSansSC-Regular.ttf"


def lacking(text: str) -> bool:
    """Whether the font of the charts lacks a letter of a text.

    >>> lacking("Financial services, 27 %"), lacking("金融服务")
    (False, True)
    """
    return any(ord(letter) not in _letters_of_charts() for letter in text if letter != "\n")


def drawable(text: str) -> str:
    """A text in which letters that no font of the charts has are replaced by the sign for that.

    >>> drawable("金融 💰")
    '金融 �'
    """
    if not lacking(text):
        return text
    known = _letters_of_charts() | _chinese_letters()
    return "".join(letter if ord(letter) in known or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


@cache
def chinese_family() -> str:
    """The name of the Chinese font for matplotlib, which knows it from the first call on.

    >>> chinese_family()
    'Noto Sans SC'
    """
    from matplotlib import font_manager  # noqa: PLC0415

    manager = font_manager.fontManager
    manager.addfont(chinese_font())
    manager.ttflist.append(replace(manager.ttflist[-1], weight=700))  # bold titles take it too, without a warning
    return manager.ttflist[-1].name


def with_letters(html: str) -> str:
    """A page with the Chinese letters of its text, and no others, in the room that its style has for them.

    >>> with_letters("<style>/* Chinese letters */</style>USD 1.872 billion")
    '<style></style>USD 1.872 billion'
    """
    found = frozenset(map(ord, CHINESE.findall(html)))
    letters = found and found & _chinese_letters()
    return html.replace(ROOM, _rule(letters) if letters else "", 1)


@lru_cache(maxsize=64)
def _rule(letters: frozenset[int]) -> str:
    """The CSS rule with a font of these letters; pages of one report share many."""
    from fontTools import subset  # noqa: PLC0415

    options = subset.Options(flavor="woff", hinting=False, layout_features=[], name_IDs=[], notdef_outline=True)
    chosen, raw = subset.Subsetter(options), io.BytesIO()
    chosen.populate(unicodes=letters)
    with closing(subset.load_font(str(chinese_font()), options)) as font:
        chosen.subset(font)
        subset.save_font(font, raw, options)
    data = base64.b64encode(raw.getvalue()).decode()
    reach = f"U+{FIRST_CHINESE:X}-10FFFF"  # or a page would take the height of its lines from this font
    source = f'font-family: "hzso Noto Sans SC"; src: url("data:font/woff;base64,{data}")'
    return f"@font-face {{ {source}; unicode-range: {reach}; }}"


@cache
def _letters_of_charts() -> frozenset[int]:
    from matplotlib import font_manager  # noqa: PLC0415

    path = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    return frozenset(font_manager.get_font(path).get_charmap())


@cache
def _chinese_letters() -> frozenset[int]:
    from matplotlib import font_manager  # noqa: PLC0415

    return frozenset(font_manager.get_font(chinese_font()).get_charmap())
