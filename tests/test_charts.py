"""Charts draw what they are given, keep it inside the picture, and come out the same each time."""

import math
from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest
import seaborn
from matplotlib.text import Text

from hzso_analysis import charts

WORDS = {"title": "A finding", "subtitle": "USD million, 2011", "source": "Source: City (2011)"}


def rows(*values, **columns):
    names = [f"row {place}" for place in range(len(values))]
    lows, highs = zip(*((v if isinstance(v, tuple) else (v, v)) for v in values), strict=True)
    return pd.DataFrame({"label": names, "low": lows, "high": highs, "text": [str(v) for v in values], **columns})


def drawn(figure, kind):
    return [line.split(" ", 2)[2] for line in charts.twin(figure).splitlines()[1:] if line.startswith(kind)]


def test_bars_start_at_zero_and_show_the_interval():
    figure = charts.bars(rows(2408.0, (723.0, 878.0)), **WORDS)
    assert drawn(figure, "bar") == ["0 to 2408", "0 to 723", "723 to 878"]
    assert figure.axes[0].get_xlim()[0] == 0


def test_a_fall_is_drawn_to_the_left_of_zero_inside_the_picture():
    figure = charts.bars(rows(-9.8, (-5.0, -2.0), (-1.0, 3.0)), **WORDS)
    assert drawn(figure, "bar") == ["0 to -9.8", "0 to -2", "-5 to -2", "0 to 0", "-1 to 3"]
    low, high = figure.axes[0].get_xlim()
    assert low < -9.8 and high > 3


def test_an_open_upper_bound_is_drawn_to_the_lower_one():
    assert drawn(charts.bars(rows((847.0, math.inf)), **WORDS), "bar") == ["0 to 847"]


def test_only_neighbouring_years_are_joined():
    frame = rows(1.0, 2.0, 4.0, series=["a"] * 3, year=[2009, 2010, 2013])
    joined = [line for line in drawn(charts.lines(frame, **WORDS), "line") if line.count("(") == 2]
    assert joined == ["(2009, 1) (2010, 2)"]


def test_years_are_whole_each_once_and_to_scale():
    axis = charts.lines(rows(1.0, 2.0, 4.0, series=["a"] * 3, year=[2009, 2010, 2013]), **WORDS).axes[0].xaxis
    assert [(tick, text.get_text()) for tick, text in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)] == [
        (2009, "2009"),
        (2010, "2010"),
        (2013, "2013"),
    ]


def test_years_that_lie_close_together_on_a_long_axis_are_not_written_over_each_other():
    years = [2006, 2007, 2008, 2013, 2014, 2021, 2022]
    figure = charts.lines(rows(*map(float, range(14)), series=["a"] * 7 + ["b"] * 7, year=years * 2), **WORDS)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
    assert not [1 for left, right in pairwise(boxes) if left.x1 > right.x0] and len(boxes) >= 4


def test_no_leader_line_crosses_a_name_however_many_there_are():
    names = [f"industry {place} whose name takes two lines" for place in range(8)]
    shares = [66.0, 27.0, 23.0, 22.0, 15.0, 10.0, 8.5, 6.4]
    figure = charts.lines(rows(*shares * 2, series=names * 2, year=[2011] * 8 + [2012] * 8), **WORDS)
    figure.draw_without_rendering()
    ends = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    boxes = {text: Text.get_window_extent(text) for text in ends}
    assert len(ends) == 8
    for own in ends:
        path = own.arrow_patch.get_path().transformed(own.arrow_patch.get_transform())
        assert not [text for text in ends if text is not own and path.intersects_bbox(boxes[text], filled=False)]


def test_no_two_series_look_alike():
    names = [f"industry {place}" for place in range(8)]
    figure = charts.lines(rows(*map(float, range(16)), series=names * 2, year=[2011] * 8 + [2012] * 8), **WORDS)
    looks = [(line.get_color(), line.get_marker()) for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert len(set(looks)) == len(looks) == 8


def test_a_value_is_not_written_over_the_mark_of_another_series():
    years, values = [2011, 2012, 2013, 2012, 2012], [23.8, 33.6, 45.4, 34.5, 37.0]
    figure = charts.lines(rows(*values, series=["all"] * 3 + ["misfit"] * 2, year=years), **WORDS)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    (text,) = [text for text in axes.texts if text.get_text() == "33.6"]
    half = 3 * figure.dpi / 72  # of a mark
    assert text.get_window_extent().x1 < axes.transData.transform((2012, 37))[0] - half


def test_a_percent_sign_stays_with_its_number():
    frame = rows(*[14.9, 20.0, 30.0] * 2, series=["Financial services", "b", "c"] * 2, year=[2011] * 3 + [2012] * 3)
    figure = charts.lines(frame.assign(text=frame["text"] + " %"), **WORDS)
    assert "Financial services: 14.9 %" in charts.twin(figure)
    assert not [text for text in figure.axes[0].texts if "\n%" in text.get_text()]


def test_parts_fill_the_whole():
    assert drawn(charts.parts(rows(66.14, 33.86), **WORDS), "bar") == ["0 to 66.14", "66.14 to 100"]


def test_pairs_draw_both_values_and_name_them():
    frame = pd.DataFrame(
        {"label": ["ITO"], "first": [66.14], "second": [71.85], "first_text": ["66.14 %"], "second_text": ["71.85 %"]}
    )
    figure = charts.pairs(frame, names=("as printed", "on 1,872"), **WORDS)
    assert "(66.14, 0) (71.85, 0)" in drawn(figure, "line")
    assert "as printed | on 1,872" in charts.twin(figure)
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text() in ("as printed", "on 1,872")]
    assert not boxes[0].overlaps(boxes[1])


def test_a_series_of_pairs_keeps_its_side_where_the_order_of_size_flips():
    values = {"first": [46.9, 36.5, 16.6], "second": [46.94, 36.49, 16.56]}
    frame = pd.DataFrame(values | {f"{name}_text": [f"{x:.2f} %" for x in column] for name, column in values.items()})
    figure = charts.pairs(frame.assign(label=list("abc")), names=("as printed", "computed"), **WORDS)
    figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    for first, second in [*zip(frame["first_text"], frame["second_text"], strict=True), ("as printed", "computed")]:
        assert boxes[first].x0 > boxes[second].x1, first


def test_pairs_that_differ_by_a_rounding_lie_close_together():
    frame = pd.DataFrame({"label": ["all"], "first": [68.9], "second": [68.95], "first_text": "a", "second_text": "b"})
    low, high = charts.pairs(frame, names=("as printed", "computed"), **WORDS).axes[0].get_xlim()
    assert 0.02 * (high - low) > 0.05


def test_an_estimate_is_a_diamond_inside_its_interval_only():
    figure = charts.bars(rows((24.0, 52.0), 77.0).assign(estimate=[38.0, 77.0]), **WORDS)
    assert drawn(figure, f"line {charts.ORANGE}") == ["(38, 0)"]


def test_an_interval_lies_on_its_scale_of_classes():
    lines = drawn(CASES["scales"](), "line")
    assert lines == ["(454, 0.16) (2264, 0.16)", "(13, 1.16) (97, 1.16)"]
    assert drawn(CASES["scales"](), "bar") == [
        "0 to 1000",
        "1000 to 1800",
        "1800 to 3125",
        "0 to 1500",
        "1500 to 2500",
        "2500 to 3125",
    ]


def test_both_edges_of_an_envelope_are_drawn():
    figure = CASES["envelope"]()
    assert drawn(figure, f"line {charts.BLUE}") == ["(0, 0) (50, 50) (100, 100)"]
    assert drawn(figure, f"line {charts.PURPLE}") == ["(0, 0) (50, 0) (100, 100)"]


def test_ranges_give_the_highlighted_row_its_own_colour():
    figure = charts.ranges(rows((2033.4, 2034.5), (1871.5, 1872.5)), highlight="row 1", **WORDS)
    lines = charts.twin(figure).splitlines()
    assert f"line {charts.RED} (1871.5, 1) (1872.5, 1)" in lines
    assert f"line {charts.BLUE} (2033.4, 0) (2034.5, 0)" in lines


CASES = {
    "bars": lambda: charts.bars(rows(2408.0, (723.0, 878.0), (10.0, math.inf)), **WORDS),
    "lines": lambda: charts.lines(
        rows(*range(1, 9), series=["a"] * 4 + ["b"] * 4, year=[2008, 2009, 2010, 2011] * 2), **WORDS
    ),
    "parts": lambda: charts.parts(rows(66.14, 33.86), **WORDS),
    "ranges": lambda: charts.ranges(rows((1.0, 2.0), (5.0, 9.0)), highlight="row 0", **WORDS),
    "scales": lambda: charts.scales(
        rows((454.0, 2264.0), (13.0, 97.0)).assign(edges=[(1000, 1800), (1500, 2500)]),
        names=["low", "mid", "high"],
        **WORDS,
    ),
    "envelope": lambda: charts.envelope(rows((0, 0), (0, 50), (100, 100)).assign(firms=[0.0, 50.0, 100.0]), **WORDS),
    "long words": lambda: charts.bars(
        rows(1.0, 2.0).assign(label=["an item whose name is far longer than a line can be", "b"]),
        title="A finding that needs many more words than fit on a line of the chart, all of which must stay inside",
        subtitle="USD million, 2011; " + "a note that goes on for a while and then some more, " * 3,
        source="Source: " + "; ".join(["Municipal Bureau of Foreign Trade and Economic Cooperation (2011)"] * 4),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_no_word_leaves_the_picture(name):
    figure = CASES[name]()
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    subtitles = [text for text in figure.findobj(Text) if not text.get_in_layout()]
    boxes = [
        figure.get_tightbbox(),
        *(t.get_window_extent().transformed(figure.dpi_scale_trans.inverted()) for t in subtitles),
    ]
    assert len(subtitles) == 1
    for box in boxes:
        assert box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01, box


@pytest.mark.parametrize("name", CASES)
def test_the_same_chart_is_the_same_bytes_whatever_font_was_set_before(name):
    first = charts.svg(CASES[name](), alt="words", prefix="figure1")
    with mpl.rc_context():
        seaborn.set_theme(style="ticks", font="serif", font_scale=2)
        mpl.rcParams["axes.unicode_minus"] = False
        second = charts.svg(CASES[name](), alt="words", prefix="figure1")
    assert first == second
    assert "<metadata" not in first and "<text" not in first


@pytest.mark.parametrize("name", CASES)
def test_text_and_picture_are_the_same_whichever_is_asked_for_first_and_again(name):
    first, other = CASES[name](), CASES[name]()
    text, picture = charts.twin(first), charts.svg(other, alt="words", prefix="figure1")
    assert charts.twin(other) == text
    assert charts.svg(first, alt="words", prefix="figure1") == picture
    assert charts.svg(other, alt="words", prefix="figure1") == picture


def test_words_from_the_data_are_escaped_in_the_picture():
    frame = rows(1.0).assign(label=["<script>alert(1)</script>"])
    picture = charts.svg(charts.bars(frame, **WORDS), alt='"><script>alert(1)</script>', prefix="f")
    assert "<script" not in picture.replace("<!-- &lt;script", "")


def test_a_changed_argument_changes_the_twin():
    frame = rows((1.0, 2.0), 5.0)
    twins = {charts.twin(charts.bars(frame, **WORDS))}
    twins |= {charts.twin(charts.bars(frame, **{**WORDS, name: "other"})) for name in WORDS}
    twins.add(charts.twin(charts.bars(frame[::-1], **WORDS)))
    assert len(twins) == 5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("word", ["word " * 80, "W" * 200, "杭" * 200])
@pytest.mark.parametrize("draw", [charts.bars, charts.parts, charts.ranges])
def test_a_long_label_is_cut_and_leaves_room_for_the_chart(draw, word):
    frame = pd.DataFrame({"label": [f"{word}{place}" for place in range(4)], "low": 1.0, "high": 1.0, "text": "1"})
    fig = draw(frame, title=word, subtitle=word, source=word)
    assert "…" in charts.twin(fig) and charts.svg(fig, alt=word, prefix="figure1")
