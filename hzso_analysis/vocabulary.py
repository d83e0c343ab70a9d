"""The closed words of a table of figures, in English and Chinese: columns, measures, flows, qualifiers, units."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from hzso_analysis.sheets import folded

SUPPRESSED = "suppressed"
SIGNED, EXECUTED, FIRMS = "contracts signed", "contracts executed", "enterprises"  # indicators that modules ask for
TYPES = ("ITO", "BPO", "KPO")
LEADING = (1, 2, 4, 8, 20)  # of these numbers of largest enterprises CRk is an indicator
SYNTHETIC, LEDGER, INTERNAL = "synthetic", "ledger", "internal"  # words in the ids of sources that are contract records

_COLUMN_WORDS = {
    "year": "年份 年度 年",
    "months": "月份 月 期间 时期 时间段 季度 period quarter",
    "indicator": "指标 指标名称",
    "flow": "流向 方向 境内外 离在岸 在离岸 离岸在岸",
    "category": "类别 分类 分组 业务类型 行业 领域 市场 国别 规模 market country industry sector band class",
    "measure": "度量 指标类型 数值类型",
    "since": "起始年 起始年份 起",
    "of": "占比基数 基数地区",
    "value": "数值 值 数据 指标值",
    "unit": "单位 计量单位",
    "currency": "币种 货币",
    "precision": "精度 误差",
    "qualifier": "限定 限定词",
    "source": "来源 资料来源 数据来源 出处",
    "locator": "位置 出处位置 页码",
    "note": "备注 注 说明 附注 notes remark remarks",
}
COLUMNS = list(_COLUMN_WORDS)
MANDATORY = ["year", "indicator", "value", "unit", "source"]
# what a figure counts, besides its area and year
COUNTED = ["months", "indicator", "flow", "category", "measure", "since", "of", "unit", "currency"]
GUIDES = ["label_en", "label_zh", "last_year", "last_source"]  # help in a template, no data

_WORDS = {
    "flow": {"": "", "all": "合计 全部 总计 全口径 total", "offshore": "离岸", "onshore": "在岸 境内"},
    "measure": {
        **{"level": "绝对额 绝对值 总量 水平", "share": "占比 比重 份额", "growth": "同比增长 增长 增长率 增速 同比"},
        **{"average growth": "年均增长 年均增速 年均增长率", "cumulative": "累计", "average": "年均 平均"},
    },
    "qualifier": {
        **{"": "", "over": "超过 超 逾 以上 > >=", "under": "不足 不到 低于 < <=", "about": "约 大约 左右 ~"},
        **{"unclear": "不明", SUPPRESSED: "保密"},
    },
    "currency": {"": "", "USD": "美元", "CNY": "人民币"},
}
CLOSED = {column: list(words) for column, words in _WORDS.items()}  # all that a cell of these columns may hold
# the first word of each is the one we write; a level goes without saying
CHINESE = {name: words.split()[0] for column in ("flow", "measure") for name, words in _WORDS[column].items() if words}
del CHINESE["level"]


class Unit(NamedTuple):
    """The normal unit a printed unit belongs to, what one printed unit is worth in it, and other words for it."""

    normal: str
    factor: Decimal
    words: str = ""


UNITS = {
    "USD million": Unit("USD million", Decimal(1), "百万美元 usdmn"),
    "USD billion": Unit("USD million", Decimal(1000), "十亿美元 usdbn"),
    "USD thousand": Unit("USD million", Decimal("0.001"), "千美元"),
    "亿美元": Unit("USD million", Decimal(100)),
    "万美元": Unit("USD million", Decimal("0.01")),
    "CNY million": Unit("CNY million", Decimal(1), "百万元"),
    "CNY billion": Unit("CNY million", Decimal(1000), "十亿元"),
    "CNY trillion": Unit("CNY million", Decimal(1_000_000), "万亿元"),
    "亿元": Unit("CNY million", Decimal(100)),
    "万元": Unit("CNY million", Decimal("0.01")),
    "percent": Unit("percent", Decimal(1), "% 百分比 percentage"),
    "points": Unit("points", Decimal(1), "点 point"),
    "count": Unit("count", Decimal(1), "家 个 项 所 门 家次 个数"),
    "person": Unit("person", Decimal(1), "人 人次 名 persons people"),
    "rank": Unit("rank", Decimal(1), "位 位次"),
    "year": Unit("year", Decimal(1), "年 years"),
    "day": Unit("day", Decimal(1), "天 日 days"),
    "minute": Unit("minute", Decimal(1), "分钟 minutes"),
    "km": Unit("km", Decimal(1), "公里 千米"),
    "万人": Unit("person", Decimal(10_000), "万人次"),
}
EXACT_UNITS = {"count", "rank", "year"}


def _index(words: dict[str, str]) -> dict[str, str]:
    return {word: name for name, others in words.items() for word in [name.lower().replace(" ", ""), *others.split()]}


_COLUMNS = _index(_COLUMN_WORDS | dict.fromkeys(GUIDES, ""))
_UNITS = _index({name: unit.words for name, unit in UNITS.items()})
_CLOSED = {column: _index(words) for column, words in _WORDS.items()}


def column_name(text: str) -> str:
    """The column a heading means, in English, Chinese or both; a heading that is none of ours in plain small letters.

    >>> column_name(" 数值 "), column_name("Year / 年份"), column_name("Last Year's Sum")
    ('value', 'year', "last year's sum")
    """
    plain = folded(text).lower()
    words = [plain.replace(" ", ""), *filter(None, re.split(r"[\s/|()]+", plain))]
    known = {_COLUMNS.get(word, "") for word in words[1:]}
    return _COLUMNS.get(words[0]) or (known.pop() if len(known) == 1 else "") or plain


def unit_name(text: str) -> str:
    """The unit as this package spells it, or the text where it is no unit.

    >>> unit_name("usd Million"), unit_name("％"), unit_name("百万")
    ('USD million', 'percent', '百万')
    """
    return _UNITS.get(folded(text).lower().replace(" ", ""), folded(text))


def closed_word(column: str, text: str) -> str:
    """The word for a flow, measure, qualifier or currency, or the text where it is none.

    >>> closed_word("flow", "离岸"), closed_word("measure", "Share"), closed_word("flow", "abroad")
    ('offshore', 'share', 'abroad')
    """
    return _CLOSED[column].get(text.lower().replace(" ", ""), text)


def half_width(value: Decimal, decimals: int, unit: str) -> Decimal:
    """Half the step a printed value was rounded to, in its printed unit.

    A count is exact, a number of persons is rounded at its last digit that is not zero, anything else at its last
    printed decimal.

    >>> half_width(Decimal("1.345"), 3, "USD billion"), half_width(Decimal(19700), 0, "person")
    (Decimal('0.0005'), Decimal('5E+1'))
    """
    if unit in EXACT_UNITS:
        return Decimal(0)
    exponent = -decimals
    if unit == "person" and value == value.to_integral_value() and value != 0:
        digits = str(abs(int(value)))
        exponent = len(digits) - len(digits.rstrip("0"))
    return Decimal(5).scaleb(exponent - 1)
