"""All wording in one place: numbers, intervals, units, periods, names and citations as a reader sees them."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import pandas as pd

from hzso_analysis.vocabulary import CHINESE

PHRASES = Path(__file__).resolve().parent / "phrases"
LANGUAGE = "en"
MONTHS = ["January", "February", "March", "April", "May", "June"]
MONTHS += ["July", "August", "September", "October", "November", "December"]
STATUS = {
    "published": "as printed by a source",
    "derived": "not printed; follows from printed figures within 1 %",
    "bounded": "not printed; lies between these bounds",
    "corrected": "a source prints it otherwise; what the other figures imply",
    "disputed": "printed figures contradict each other; covers every simplest explanation",
    "unknown": "not published and not bounded",
    "suppressed": "withheld for confidentiality",
    "computed": "computed from the figures named",
}
MOST_DECIMALS = 4
VAGUE = ("over", "under", "about")  # what a source says before a number that is none to the digit
EXACT = 1e-6  # bounds closer than this are no rounding of a print: the level is known to the cent
UNIT_NAMES = {"percent": "%", "count": "", "person": "people", "rank": "place", "year": "years", "day": "days"}
UNIT_NAMES |= {"minute": "minutes", "km": "km"}
ENDINGS = {1: "st", 2: "nd", 3: "rd"}
UNIT_NAMES |= {"亿美元": "hundred million USD", "万美元": "ten thousand USD"}
UNIT_NAMES |= {"亿元": "hundred million CNY", "万元": "ten thousand CNY", "万人": "ten thousand people"}


def say(key: str, **words: object) -> str:
    """The phrase `section.name` of the language's file in `phrases/`, its {names} filled in with `words`.

    >>> say("exhibits.sources_title", sources="2 sources", area="Hangzhou", year=2011)
    '2 sources of the figures for Hangzhou in 2011'
    """
    section, name = key.split(".")
    return _phrases(LANGUAGE)[section][name].format(**words)


def is_phrase(key: str) -> bool:
    """Whether the language has a phrase of this key.

    >>> is_phrase("scale.growth_gap"), is_phrase("scale.gap")
    (True, False)
    """
    section, name = key.split(".")
    return name in _phrases(LANGUAGE)[section]


def heading(column: str) -> str:
    """What stands over a column of a table; a column whose name is made of data, as a year, says so itself.

    >>> heading("share printed"), heading("2011")
    ('Share printed', '2011')
    """
    name = column.replace(" ", "_").replace("-", "_")
    return _phrases(LANGUAGE)["columns"].get(name, column[:1].upper() + column[1:])


@cache
def _phrases(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((PHRASES / f"{language}.toml").read_text(encoding="utf-8"))


def half_up(value: float, decimals: int = 0) -> str:
    """A number with thousands separators, rounded half up; negative `decimals` round to tens, hundreds and so on.

    >>> half_up(1871.5), half_up(0.125, 2), half_up(15480, -2), half_up(-0.4)
    ('1,872', '0.13', '15,500', '0')
    """
    number = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    number = abs(number) if number == 0 else number
    return f"{number:,.{max(decimals, 0)}f}"


def decimals_of(width: float) -> int:
    """How many decimals tell numbers `width` apart: 0.01 -> 2, 1.1 -> 0, 10 -> -1."""
    return -math.floor(math.log10(width) + 1e-9) if width > 0 else 0


def span(low: float, high: float, decimals: int | None = None) -> str:
    """An interval as it stands in tables, labels and titles; as one number where it is the rounding of one.

    >>> span(2033.4, 2034.47), span(1871.5, 1872.5), span(84650, math.inf), span(0, 400.5), span(24, 24)
    ('2,033–2,034', '1,872', 'at least 84,650', 'at most 401', '24')
    >>> span(5.12345678, 5.12345679)
    '5.12'
    """
    if math.isinf(high):
        return "no upper bound" if low <= 0 else f"at least {half_up(low, _fine(low))}"
    if low <= 0 < high:
        return f"at most {half_up(high, _fine(high))}"
    width = high - low
    if width <= max(1e-9 * max(abs(low), abs(high)), EXACT):
        return half_up(low, _fine(round(low, 6)))
    if _is_rounding((low + high) / 2, width):
        return half_up((low + high) / 2, decimals_of(width))
    if decimals is None:  # four digits of large numbers are enough beside a bound
        decimals = min(0, 4 - len(f"{high:.0f}")) if low >= 100 else max(decimals_of(width), 0)
    first, last = half_up(low, decimals), half_up(high, decimals)
    return first if first == last else f"{first}–{last}"


def percent(low: float, high: float) -> str:
    """A share or growth rate given as fractions, in percent with at most one decimal unless printed with more.

    >>> percent(0.66135, 0.66145), percent(0.2414, 0.5167), percent(0.8443, 0.8451), percent(0.15, math.inf)
    ('66.14 %', '24–52 %', '84.4–84.5 %', 'at least 15 %')
    >>> percent(0.0074, 0.0764)
    '0.7–7.6 %'
    """
    low, high = 100 * low, 100 * high
    if low <= -100 < high < math.inf:  # what fell may have fallen to nothing
        return f"at most {half_up(high, 1)} %"
    if low < 0 and high <= 0 and math.isfinite(low):
        return f"-{span(-high, -low, 1)} %".replace("–", " to -")
    if low < 0 < high < math.inf:
        return f"{half_up(low, 1)} to {half_up(high, 1)} %"
    return f"{span(low, high, 0 if high - low >= 1 and high >= 10 else 1)} %"


def percent_between(low: float, high: float) -> str:
    """A share given as fractions as it stands in a sentence.

    >>> percent_between(0.2414, 0.5167), percent_between(0.77225, 0.77235)
    ('between 24 % and 52 %', '77.23 %')
    """
    text = percent(low, high)
    return f"between {text.replace('–', ' % and ')}" if "–" in text else text


def number(count: int) -> str:
    """A number as it stands in a sentence: small ones in words.

    >>> number(2), number(24)
    ('two', '24')
    """
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    return dict(enumerate(words)).get(count, f"{count:,}")


def between(low: float, high: float, unit: str) -> str:
    """An interval as it stands in a sentence.

    >>> between(197.5, 209.5, "USD million"), between(2033.4, 2034.47, "USD million")
    ('between USD 198 and 210 million', 'between USD 2,033 and 2,034 million')
    """
    text = span(low, high)
    if "–" not in text:
        return amount(text, unit)
    return f"between {amount(text, unit)}".replace("–", " and ")


def _fine(value: float) -> int:
    """Decimals for a number that stands alone: none for whole and for large numbers."""
    if value == round(value) or abs(value) >= 100:
        return 0
    return 1 if abs(value) >= 10 else 2


def _is_rounding(middle: float, width: float) -> bool:
    """Whether an interval is what the rounding of one printed number leaves."""
    step = 10.0 ** -decimals_of(width)
    return abs(width - step) < 1e-6 * step and abs(middle / step - round(middle / step)) < 1e-6


def printed(row: pd.Series) -> str:
    """A published row as printed, in the normal unit, with its qualifier.

    >>> printed(pd.Series({"value": 84700.0, "precision": 50.0, "qualifier": "over"}))
    'over 84,700'
    """
    decimals = decimals_of(2 * row["precision"]) if row["precision"] else (0 if row["value"] % 1 == 0 else 2)
    decimals = decimals if decimals <= MOST_DECIMALS else 2  # a sum of contract records is known to the cent
    return _qualified(row, half_up(row["value"], decimals))


def _qualified(row: pd.Series, text: str) -> str:
    """A text with what the source says before the number."""
    return f"{row['qualifier']} {text}" if row.get("qualifier") in VAGUE else text


def unit_text(unit: str) -> str:
    """A unit as it stands behind a number or over a column.

    >>> unit_text("person"), unit_text("USD million")
    ('people', 'USD million')
    """
    return UNIT_NAMES.get(unit, unit)


def with_unit(text: str, unit: str) -> tuple[str, str]:
    """A number and its unit as they stand beside each other: one person, a place as first, second and so on.

    >>> with_unit("2", "person"), with_unit("1", "person"), with_unit("2", "rank"), with_unit("11", "rank")
    (('2', 'people'), ('1', 'person'), ('2nd', ''), ('11th', ''))
    """
    if unit == "rank" and text.isdecimal():
        ending = "th" if int(text) % 100 in (11, 12, 13) else ENDINGS.get(int(text) % 10, "th")
        return f"{text}{ending}", ""
    return text, unit if text == "1" and unit in ("person", "year", "day", "minute") else unit_text(unit)


def months_text(months: str) -> str:
    """A part of the year.

    >>> months_text("1 to 9"), months_text("5 to 5")
    ('January to September', 'May')
    """
    first, last = (MONTHS[int(month) - 1] for month in months.split(" to "))
    return first if first == last else f"{first} to {last}"


def period(year: int, months: str = "") -> str:
    """A year or the part of it.

    >>> period(2011), period(2008, "1 to 9")
    ('2011', 'January to September 2008')
    """
    return f"{months_text(months)} {year}" if months else str(year)


def end_of(year: int, months: str = "") -> str:
    """The end of a year or of the part of it, for what is counted on a day.

    >>> end_of(2011), end_of(2021, "1 to 10")
    ('end of 2011', 'end of October 2021')
    """
    month = f"{MONTHS[int(months.rsplit(maxsplit=1)[-1]) - 1]} " if months else ""
    return f"end of {month}{year}"


def meaning(row: pd.Series, labels: dict[str, str]) -> str:
    """What a figure counts, in the `labels` of the codebook, without its year.

    >>> row = {"indicator": "people trained", "flow": "", "category": "total", "measure": "average", "since": 2007}
    >>> meaning(pd.Series(row), {"people trained": "People trained"})
    'People trained, average since 2007'
    """
    measure = "" if row["measure"] == "level" else row["measure"]
    measure += f" since {row['since']}" if pd.notna(row["since"]) else ""
    measure += f" of {area_name(row['of'])}" if row.get("of") else ""
    measure += " in CNY" if row.get("currency") == "CNY" and row["unit"] == "percent" else ""
    words = [labels.get(row["indicator"], row["indicator"]), row["flow"], labels.get(row["category"], "")]
    return ", ".join(filter(None, [*words, measure, row.get("months") and months_text(row["months"])]))


def meaning_zh(row: pd.Series, labels: dict[str, str]) -> str:
    """What a figure counts, in Chinese, without its year.

    >>> row = {"indicator": "contracts executed", "flow": "offshore", "category": "ITO", "measure": "share"}
    >>> meaning_zh(pd.Series(row | {"since": None}), {"contracts executed": "合同执行额", "ITO": "信息技术外包"})
    '合同执行额，离岸，信息技术外包，占比'
    """
    measure = f"占{area_name(row['of'])}比重" if row.get("of") else CHINESE.get(row["measure"], "")
    since = f"{row['since']}年以来" if pd.notna(row["since"]) else ""
    currency = "（按人民币）" if row.get("currency") == "CNY" and row["unit"] == "percent" else ""
    words = [labels.get(row["indicator"], row["indicator"]), CHINESE.get(row["flow"]), labels.get(row["category"])]
    months = f"{row['months'].replace(' to ', '至')}月" if row.get("months") else ""
    return "，".join(filter(None, [*words, since + measure + currency, months]))


def area_name(area: str) -> str:
    """The name of an area.

    >>> area_name("hangzhou")
    'Hangzhou'
    """
    return area.replace("_", " ").title()


def listing(words: Iterable[str], last: str = "and") -> str:
    """Words joined as in a sentence, the last one by `last`.

    >>> listing(["ITO"]), listing(["ITO", "BPO", "KPO"]), listing(["ITO", "BPO"], "or")
    ('ITO', 'ITO, BPO and KPO', 'ITO or BPO')
    """
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def cite(ids: Iterable[str], sources: pd.DataFrame) -> str:
    """The source line for exactly these ids: publisher and date, oldest first.

    >>> table = pd.DataFrame({"id": ["b", "a"], "publisher": ["City", "City"], "date": ["2012", "2011"]})
    >>> cite(["a", "b"], table)
    'Source: City (2011; 2012)'
    """
    used = sources[sources["id"].isin(set(ids))].sort_values(["date", "id"])
    dates = used.groupby("publisher", sort=False)["date"].unique()
    return "Source: " + "; ".join(f"{who} ({'; '.join(when)})" for who, when in dates.items()) if len(used) else ""


def change(growth: float) -> str:
    """A growth rate as a fraction, with its sign, in percent.

    >>> change(0.3092), change(-0.098)
    ('+30.9 %', '-9.8 %')
    """
    return f"{'+' if growth >= 0 else ''}{half_up(100 * growth, 1)} %"


def amount(text: str, unit: str) -> str:
    """A value with its unit as it stands in a sentence.

    >>> amount("2,033 to 2,034", "USD million"), amount("19,700", "person")
    ('USD 2,033 to 2,034 million', '19,700 people')
    >>> amount("at most 840", "USD million"), amount("about 2", "USD million"), amount("no upper bound", "USD million")
    ('at most USD 840 million', 'about USD 2 million', 'no upper bound')
    """
    for before in ("at least ", "at most ", *(f"{word} " for word in VAGUE)):
        if text.startswith(before):
            return before + amount(text.removeprefix(before), unit)
    if text == "no upper bound":
        return text
    if unit.endswith(" million"):
        return f"{unit[:3]} {text} million"
    return " ".join(with_unit(text, unit)).strip()


def as_printed(row: pd.Series) -> str:
    """A figure in the words of its source: value and unit as printed, Chinese units in English.

    >>> as_printed(pd.Series({"printed": "1.872 USD billion"})), as_printed(pd.Series({"printed": "155 亿美元"}))
    ('USD 1.872 billion', '155 hundred million USD')
    >>> as_printed(pd.Series({"printed": "404 USD billion", "qualifier": "about"}))
    'about USD 404 billion'
    >>> as_printed(pd.Series({"printed": "27780 count"}))
    '27,780'
    """
    value, unit = row["printed"].split(" ", 1)
    value = f"{Decimal(value):,}" if value.isdecimal() else value
    currency, _, scale = unit.partition(" ")
    if currency in ("USD", "CNY"):
        return _qualified(row, f"{currency} {value} {scale}")
    return _qualified(row, " ".join(with_unit(value, unit)).strip())


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "figure"), counted(3, "figure")
    ('1 figure', '3 figures')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def implied(row: pd.Series, *, sentence: bool = False) -> str:
    """What the other figures imply for a suspect: `low` to `high` in the unit of the row; blank where they say nothing.

    >>> implied(pd.Series({"low": 2033.4, "high": 2034.47, "unit": "USD million", "kind": ""}))
    'USD 2,033–2,034 million'
    """
    if math.isinf(row["high"]) and row["low"] <= 0:
        return ""
    if row["unit"] != "percent":
        low, high, unit = row["low"], row["high"], row["unit"]
        return between(low, high, unit) if sentence else amount(span(low, high), unit)
    if row["kind"] == "last digit":
        return f"{half_up(row['low'], 2)}–{half_up(row['high'], 2)} %"
    return percent(row["low"] / 100, row["high"] / 100)


def suspect(row: pd.Series, name: str, publisher: str, instead: float) -> str:
    """What does not fit, and how many other figures at least would be wrong instead; infinite where it cannot fit."""
    who = f"{publisher[:1].upper()}{publisher[1:]}"
    said = f"{who} prints {name} as {as_printed(row)}"
    text = implied(row, sentence=True)
    if not text:
        return f"{said}, which cannot be true."
    if row["kind"] == "last digit":
        return f"{said}; the other figures imply {text}: the last digit was cut off, not rounded."
    said = f"{said}; the other figures imply {text}."
    if row["kind"] == "within one source":
        said = f"{who} contradicts itself: it prints {name} as {as_printed(row)}; its other figures imply {text}."
    if math.isinf(instead):
        return said
    key = "data_quality.instead_one" if instead == 1 else "data_quality.instead_many"
    return f"{said} {say(key, printed=as_printed(row), number=number(int(instead)))}"
