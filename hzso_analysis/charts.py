"""Charts: a frame in, a Figure out. Every chart labels its marks directly and can be read back as text.

Frames have a row per mark: `label`, `low`, `high` (equal where there is no interval, infinite where there is no upper
bound) and `text`, the value as it is written beside the mark.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from functools import wraps
from html import escape
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from wcwidth import wrap

from hzso_analysis import fonts
from hzso_analysis.palette import BLUE, GREY, INK, MUTED, ORANGE, PAPER, PURPLE, RED, RULE, VIOLET
from hzso_analysis.wording import say

COLOURS = [BLUE, ORANGE, PURPLE, VIOLET, RED, GREY]
MARKERS = "osD^vP"  # each colour has another when the colours come again
SHADES = ["#f1f3f4", "#d5d8dc", "#b4b8bf"]
ON_LIGHT, ON_DARK = "#202125", "#fffffe"  # words inside a coloured bar: the colour stays on a dark page, so do they
# what a page may colour in its own way, as on a dark screen; a picture that stands alone keeps the colours given here
THEME = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper", PURPLE: "purple", VIOLET: "violet"}
THEME |= {shade: f"shade-{place}" for place, shade in enumerate(SHADES, start=1)}
# all that shapes a chart, so that a theme or a matplotlibrc of the reader's changes none
SHAPING = ["axes", "figure", "font", "grid", "lines", "patch", "path", "savefig", "svg", "text", "xtick", "ytick"]
STYLE = {name: value for name, value in mpl.rcParamsDefault.items() if name.split(".")[0] in SHAPING}
STYLE |= {"svg.fonttype": "path", "svg.hashsalt": "hzso", "font.family": ["DejaVu Sans"], "font.size": 9.5}
STYLE |= {"text.color": INK, "axes.labelcolor": MUTED, "xtick.color": MUTED, "ytick.color": INK}
STYLE |= {"axes.unicode_minus": True, "text.parse_math": False}  # a $ in a label is a dollar
WIDTH = 7.4
FAR = 0.5  # of its upper end; a wider interval has no middle worth a mark


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """A drawing function that draws in the style of the package, whatever the reader's settings are.

    What it gives back is laid out: whoever draws or reads it need not do that again, which takes longer than drawing.
    """

    @wraps(draw)
    def drawing(*args: Any, **options: Any) -> Figure:
        with mpl.rc_context(STYLE):
            fig = draw(*args, **options)
            for text in fig.findobj(Text):
                if fonts.lacking(text.get_text()):
                    text.set_fontfamily([*STYLE["font.family"], fonts.chinese_family()])
            if engine := fig.get_layout_engine():
                engine.execute(fig)
            fig.set_layout_engine(None)
        return fig

    return drawing


@styled
def bars(frame: pd.DataFrame, *, title: str, subtitle: str, source: str) -> Figure:
    """Horizontal bars from zero, in the order of the frame; an interval is a paler end with a whisker.

    A column `estimate`, where there is one, is drawn as a diamond inside the interval.
    """
    fig, ax = _canvas(0.42 * len(frame) + 0.3, title, subtitle, source)
    ends = frame["high"].where(frame["high"] < math.inf, frame["low"])
    reach = max(*ends, *-frame["low"], 0.0) or 1
    for place, (row, end) in enumerate(zip(frame.itertuples(), ends, strict=True)):
        sure = row.low if row.low > 0 else min(end, 0.0)
        ax.barh(place, sure, height=0.62, color=BLUE)
        if end - row.low > 0.002 * reach:
            ax.barh(place, end - row.low, left=row.low, height=0.62, color=BLUE, alpha=0.35)
            ax.plot([row.low, end], [place, place], color=INK, linewidth=1.2, marker="|", markersize=8)
            if "estimate" in frame:
                ax.plot(row.estimate, place, marker="D", color=ORANGE, markeredgecolor=INK, markersize=6)
        ax.text(max(end, 0.0) + 0.012 * reach, place, row.text, va="center")
    ax.set_xlim(1.05 * min(*frame["low"], 0.0), 1.3 * max(*ends, 0.3 * reach))
    _rows(ax, frame["label"])
    ax.axvline(0, color=INK, linewidth=1)
    return fig


@styled
def parts(frame: pd.DataFrame, *, title: str, subtitle: str, source: str) -> Figure:
    """One bar cut into its parts, for parts that add up to the whole; labels stand above, values inside."""
    left, whole = 0.0, frame["low"].sum()
    widths = (max(8, int(80 * low / whole)) for low in frame["low"])
    labels = [_wrapped(text, width, 8) for text, width in zip(frame["label"], widths, strict=True)]
    more = 0.28 * max(0, *(text.count("\n") - 1 for text in labels))  # there is room for two lines
    fig, ax = _canvas(0.95 + 0.56 * more, title, subtitle, source)
    for place, row in enumerate(frame.itertuples()):
        colour = COLOURS[place % len(COLOURS)]
        ax.barh(0, row.low, left=left, height=0.7, color=colour, edgecolor=PAPER, linewidth=2)
        middle, wide = left + row.low / 2, row.low > 0.16 * whole
        ax.text(middle, 0.42, labels[place], ha="center", va="bottom")
        ink = INK if not wide else ON_DARK if colour in (PURPLE, VIOLET, RED) else ON_LIGHT
        ax.text(middle, 0 if wide else -0.42, row.text, ha="center", va="center" if wide else "top", color=ink)
        left += row.low
    ax.set(xlim=(0, whole), ylim=(-0.7, 1.0 + more), xticks=[], yticks=[])
    return fig


@styled
def lines(frame: pd.DataFrame, *, places: bool = False, **said: str) -> Figure:
    """Series over years (columns `series`, `year` besides the usual): only neighbouring years are joined.

    Intervals are whiskers, those that are wide without a point. All points are labelled where a series has at most six,
    else the first and the last. The `places` of one series in a ranking count down from the top.
    """
    fig, ax = _canvas(2.9, **said)
    years = sorted(set(frame["year"]))
    top = frame["high"].where(frame["high"] < math.inf, frame["low"])
    middle = (frame["low"] + top) / 2
    # where bounds lie far apart there is no point to draw: its middle would be a guess
    frame = frame.assign(top=top, middle=middle.where(top - frame["low"] <= FAR * top.abs()))
    names = list(dict.fromkeys(frame["series"]))
    ends = []
    for place, name in enumerate(names):
        rows = frame[frame["series"] == name].sort_values("year")
        colour = COLOURS[place % len(COLOURS)]
        for (a, x), (b, y) in pairwise(zip(rows["year"], rows["middle"], strict=True)):
            if b - a == 1 and not math.isnan(x + y):
                ax.plot([a, b], [x, y], color=colour, linewidth=2)
        sure = rows.dropna(subset="middle")
        ax.plot(sure["year"], sure["middle"], MARKERS[(place + place // 6) % 6], color=colour, markersize=6)
        _whiskers(ax, rows, colour)
        shown = rows if len(rows) <= 6 and len(names) <= 2 else rows.iloc[[0, -1] if len(names) <= 2 else []]
        following = dict(zip(rows["year"] - 1, rows["middle"], strict=True))
        preceding = dict(zip(rows["year"] + 1, rows["middle"], strict=True))
        for row in shown.itertuples():
            below = len(names) == 2 and place == 1
            rises = following.get(row.year, -math.inf) > row.middle
            falls = preceding.get(row.year, -math.inf) > row.middle
            side = "right" if rises else "left" if falls or below else "center"
            edge, up = ("top", -7) if below else ("bottom", 6)  # under a line that rises there is room to the right
            aside = (-5 if (frame["year"] == row.year).sum() > 1 else 3) if rises else 0  # left of the mark of another
            look = {"ha": side, "va": edge, "color": INK, "fontsize": 8.5}
            _beside(ax, row.text, (row.year, row.low if below else row.top), (aside, up), **look)
        words = f"{name}: {rows['text'].iloc[-1]}" if len(names) > 2 else name
        ends.append((rows["middle"].fillna(rows["top"]).iloc[-1], rows["year"].iloc[-1], words, colour))
    ax.set_ylim(0 if top.min() >= 0 else None, 1.18 * top.max() if top.max() > 0 else None)
    if places:
        ax.set_ylim(1.4 * top.max() + 0.5, 0.5)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    _end_labels(ax, ends, years)
    _years(ax, years)
    return fig


@styled
def pairs(frame: pd.DataFrame, *, names: tuple[str, str], title: str, subtitle: str, source: str) -> Figure:
    """Two values per row joined by a line: columns `first`, `second` with their `first_text`, `second_text`.

    Each of the two stands on one side throughout: that which is the smaller over all rows to the left.
    """
    fig, ax = _canvas(0.5 * len(frame) + 0.6, title, subtitle, source)
    values = [*frame["first"], *frame["second"]]
    reach = max(max(values) - min(values), 0.1 * max(values)) or 1  # a rounding is not drawn as wide as the chart
    marks = [("first", BLUE, "o", 10), ("second", ORANGE, "D", 5)]  # where both are equal, one shows behind the other
    sides = [("right", -9), ("left", 9)][:: 1 if frame["first"].sum() <= frame["second"].sum() else -1]
    for place, row in frame.iterrows():
        ends = sorted([row["first"], row["second"]])
        ax.plot(ends, [place, place], color=GREY, linewidth=2, zorder=1)
        for (name, colour, marker, size), (side, shift) in zip(marks, sides, strict=True):
            ax.plot(row[name], place, marker=marker, color=colour, markersize=size, linestyle="")
            _beside(ax, row[f"{name}_text"], (ends[side == "left"], place), (shift, 0), ha=side, va="center")
    ends = sorted(frame[["first", "second"]].iloc[0])
    for name, colour, (side, shift) in zip(names, (BLUE, "#b36b00"), sides, strict=True):
        look = {"color": colour, "fontweight": "bold", "fontsize": 9}
        _beside(ax, name, (ends[side == "left"], -0.32), (shift * 2 / 3, 4), ha=side, va="bottom", **look)
    ax.set_xlim(min(values) - 0.35 * reach, max(values) + 0.35 * reach)
    _rows(ax, frame["label"], head=0.95)
    return fig


@styled
def ranges(frame: pd.DataFrame, *, highlight: str | None = None, middles: bool = True, **said: str) -> Figure:
    """One line a row from `low` to `high`, `text` beside it; the highlighted label in its own colour.

    A dot marks the middle; without `middles` only a line too short to be seen has one.
    """
    fig, ax = _canvas(0.42 * len(frame) + 0.3, **said)
    low, high = frame["low"].min(), frame["high"].max()
    reach = (high - low) or 1
    for place, row in enumerate(frame.itertuples()):
        colour = RED if row.label == highlight else BLUE
        ax.plot([row.low, row.high], [place, place], color=colour, linewidth=5, solid_capstyle="butt")
        if middles or row.low == row.high:
            marker = "D" if row.label == highlight else "o"
            ax.plot([(row.low + row.high) / 2], [place], color=colour, marker=marker)
        _beside(ax, row.text, (row.high, place), (9, 0), va="center")
    ax.set_xlim(low - 0.06 * reach, high + 0.4 * reach)
    _rows(ax, frame["label"])
    return fig


@styled
def scales(frame: pd.DataFrame, *, names: list[str], title: str, subtitle: str, source: str) -> Figure:
    """An interval on a scale of named classes in each row; the column `edges` holds the inner edges of the classes."""
    fig, ax = _canvas(0.72 * len(frame) + 0.3, title, subtitle, source)
    end = 1.25 * max(*frame["high"], *(edges[-1] for edges in frame["edges"]))
    for place, row in enumerate(frame.itertuples()):
        for shade, (left, right) in enumerate(pairwise((0, *row.edges, end))):
            ax.barh(place, right - left, left=left, height=0.8, color=SHADES[shade], edgecolor=PAPER, linewidth=2)
            first = f"{left:,.0f}" if left else ""
            ax.text(left + 0.006 * end, place - 0.22, f"{first}  {names[shade]}".strip(), va="center", fontsize=8.5)
        look = {"linewidth": 5} if row.low < row.high else {"marker": "D", "markersize": 4}
        ax.plot([row.low, row.high], [place + 0.16] * 2, color=BLUE, solid_capstyle="butt", **look)
        ax.text(row.low, place + 0.3, row.text, va="center", fontsize=8.5)
    ax.set_xlim(0, end)
    _rows(ax, frame["label"])
    return fig


@styled
def envelope(frame: pd.DataFrame, *, title: str, subtitle: str, source: str) -> Figure:
    """The band between two Lorenz curves over the column `firms`, in percent, with the line of equal firms."""
    fig, ax = _canvas(3.4, title, subtitle, source)
    ax.plot([0, 100], [0, 100], color=GREY, linewidth=1.2, linestyle="--")
    ax.fill_between(frame["firms"], frame["low"], frame["high"], color=BLUE, alpha=0.35, linewidth=0)
    ax.plot(frame["firms"], frame["high"], color=BLUE, linewidth=2)
    ax.plot(frame["firms"], frame["low"], color=PURPLE, linewidth=2)
    curves = [np.interp(60, frame["firms"], frame[end]) for end in ("high", "low")]
    _beside(ax, say("charts.equal"), (60, 60), (-6, 3), ha="right")
    upper, lower = ((0, -4), (0, 4)) if curves[0] - curves[1] > 12 else ((-70, 16), (12, -16))  # room between them
    _beside(ax, say("charts.least_unequal"), (60, curves[0]), upper, va="top")
    _beside(ax, say("charts.most_unequal"), (60, curves[1]), lower)
    ax.set(xlim=(0, 100), ylim=(0, 100))
    ax.spines["bottom"].set(visible=True, color=RULE)
    ax.tick_params(axis="both", length=0, labelsize=8.5)
    ax.grid(axis="y", color=RULE, linewidth=0.6)
    ax.xaxis.set_major_formatter("{x:.0f} %")
    ax.yaxis.set_major_formatter("{x:.0f} %")
    return fig


def twin(fig: Figure) -> str:
    """What the figure shows, as text read off its artists: words in order, then the numbers and colours drawn.

    >>> frame = pd.DataFrame({"label": ["ITO"], "low": [1345.0], "high": [1345.0], "text": ["1,345"]})
    >>> print(twin(bars(frame, title="ITO leads", subtitle="USD million", source="Source: City")))
    ITO leads | USD million | 1,345 | ITO | Source: City
    bar #5790fc 0 to 1345
    line #202124 (0, 0) (0, 1)
    """
    for axis in (axis for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)):
        axis.get_ticklabels()  # they are written when they are asked for, or else by a drawing, which takes long
    words = [t.get_text().replace("\n", " ") for t in fig.findobj(Text) if t.get_visible() and t.get_text().strip()]
    top = [fig.get_suptitle().replace("\n", " ")]
    ordered = top + [w for w in words if w not in top and not w.startswith("Source: ")]
    ordered += [w for w in words if w.startswith("Source: ")]
    drawn = [text for ax in fig.axes for artist in ax.get_children() if (text := _drawn(artist, ax))]
    return "\n".join([" | ".join(ordered), *drawn])


def svg(fig: Figure, *, alt: str, prefix: str) -> str:
    """The figure as one SVG element: text as paths, `alt` as its name, ids under `prefix`, the same bytes each time."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r"(?<=: )#[0-9a-f]{6}\b", _themed, text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)


def trend_line(points: list[tuple[int, float, float]], *, alt: str) -> str:
    """A small line over `points` of year, low and high as SVG: only neighbouring years are joined, the last is marked.

    Intervals are lines from low to high; the scale begins at zero.
    """
    first, last = points[0][0], points[-1][0]
    top = max(high for _, _, high in points) or 1
    places = [
        (4 + 88 * (year - first) / (last - first), *(24 - 20 * end / top for end in ends)) for year, *ends in points
    ]
    middles = [(x, (low + high) / 2) for x, low, high in places]
    sure = {x for x, low, high in places if low - high <= FAR * (24 - high)}
    beside = zip(pairwise(middles), pairwise(points), strict=True)
    joined = [(p, q) for (p, q), (a, b) in beside if b[0] - a[0] == 1 and {p[0], q[0]} <= sure]
    drawn = "".join(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}"/>' for x, low, high in places if low - high > 1)
    drawn += "".join(f'<path d="M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}"/>' for a, b in joined)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in middles[:-1] if x in sure)
    dots += '<circle cx="{:.1f}" cy="{:.1f}" r="3"/>'.format(*middles[-1])
    return f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 96 28" width="96" height="28">{drawn}{dots}</svg>'


def _themed(colour: re.Match[str]) -> str:
    return f"var(--chart-{THEME[colour[0]]}, {colour[0]})" if colour[0] in THEME else colour[0]


def _canvas(height: float, title: str, subtitle: str, source: str) -> tuple[Figure, Axes]:
    title, subtitle, source = _wrapped(title, 68), _wrapped(subtitle, 105), _wrapped(source, 118)
    height += 0.95 + 0.2 * title.count("\n") + 0.15 * (subtitle + source).count("\n")
    fig = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasSVG(fig)  # letters are as wide as in the picture, not as in the pixels of the default canvas
    ax = fig.subplots()
    fig.suptitle(title, x=0.012, ha="left", fontsize=11.5, fontweight="bold")
    # the blank title keeps the room in which the subtitle stands, left of the axes under the title
    ax.set_title(" \n" * subtitle.count("\n") + " ", fontsize=8.5)
    outside = {"xycoords": ("figure fraction", "axes fraction"), "annotation_clip": False}
    words = _beside(ax, subtitle, (0.012, 1), (0, 6), va="bottom", fontsize=8.5, color=MUTED, **outside)
    words.set_in_layout(False)
    fig.supxlabel(source, x=0.012, ha="left", fontsize=7.5, color=MUTED)
    ax.spines[["top", "right", "bottom", "left"]].set_visible(False)
    return fig, ax


def _wrapped(text: str, width: int, most: int | None = None) -> str:
    """The text in lines of at most `width` letters, a Chinese one counting as two; what is beyond `most` is cut.

    >>> _wrapped("Financial services 金融服务", 10, 2)
    'Financial\\nservices …'
    """
    rows = [row.replace("\xa0%", " %") for row in wrap(fonts.drawable(text).replace(" %", "\xa0%"), width)]
    if most and len(rows) > most:
        rows = [*rows[: most - 1], f"{wrap(rows[most - 1], width - 2)[0]} …"]
    return "\n".join(rows)


def _beside(ax: Axes, text: str, place: tuple[float, float], shift: tuple[float, float], **look: Any) -> Text:
    """A text beside a place, moved from it by `shift` points."""
    return ax.annotate(text, place, shift, textcoords="offset points", **look)


def _rows(ax: Axes, labels: pd.Series, head: float = 0.6) -> None:
    ax.set_yticks(range(len(labels)), [_wrapped(text, 30, 3) for text in labels])
    ax.set_ylim(len(labels) - 0.4, -head)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)


def _years(ax: Axes, years: list[int]) -> None:
    room, ticks = 0.085 * (years[-1] - years[0]), [years[-1]]  # a year is as wide as that where names stand beside
    for year in years[::-1]:
        ticks += [year] if ticks[-1] - year >= max(room, 1) else []
    ax.set_xticks(ticks[::-1], [str(year) for year in ticks[::-1]])
    ax.spines["bottom"].set(visible=True, color=RULE)
    ax.tick_params(axis="both", length=0, labelsize=8.5)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    ax.grid(axis="y", color=RULE, linewidth=0.6)
    ax.set_axisbelow(True)


def _whiskers(ax: Axes, rows: pd.DataFrame, colour: str) -> None:
    reach = max(rows["high"].replace(math.inf, 0).max(), rows["low"].max())
    for row in rows.itertuples():
        if row.low < row.high < math.inf and row.high - row.low > 0.004 * reach:
            ax.plot([row.year, row.year], [row.low, row.high], color=colour, linewidth=1.4, marker="_", markersize=9)


def _end_labels(ax: Axes, ends: list[tuple[float, int, str, str]], years: list[int]) -> None:
    """Series names at their right ends, moved apart where they would touch."""
    low, high = ax.get_ylim()
    line, last = 0.058 * (high - low), -math.inf
    spread = max(years) - min(years) or 1
    ax.set_xlim(min(years) - 0.09 * spread - 0.02, max(years) + (0.42 if len(ends) > 1 else 0.09) * spread + 0.02)
    if len(ends) == 1:
        return
    for value, year, name, colour in sorted(ends):
        crowded = year < max(years) and len(ends) > 2  # later points of others may stand to the right
        text = _wrapped(name, 15 if crowded else 24, 4)
        half = line * (text.count("\n") + 1) / 2
        place = max(value, last + half + 0.2 * line)
        last = place + half
        arrow = {"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkB": 4, "relpos": (0, 0.5)}
        places = (year, value), (year + 0.12 * spread, place)
        ax.annotate(text, *places, va="center", color=INK, fontsize=9, arrowprops=arrow)


def _drawn(artist: Any, ax: Axes) -> str:
    if isinstance(artist, Rectangle) and artist is not ax.patch:
        return f"bar {_hex(artist.get_facecolor())} {artist.get_x():.6g} to {artist.get_x() + artist.get_width():.6g}"
    if isinstance(artist, Line2D) and len(places := np.asarray(artist.get_xydata())):
        points = " ".join(f"({x:.6g}, {y:.6g})" for x, y in places)
        return f"line {_hex(artist.get_color())} {points}"
    if isinstance(artist, (PathCollection, LineCollection)):
        return f"marks {np.ma.asarray(artist.get_offsets()).tolist()}"
    return ""


def _hex(colour: Any) -> str:
    return to_hex(colour, keep_alpha=np.ndim(colour) == 1 and len(colour) == 4 and colour[3] < 1)
