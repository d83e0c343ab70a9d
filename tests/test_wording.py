"""Every word that a page shows stands in the file of phrases, every phrase is used, and each gets what it names."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
from executed import committed

from hzso_analysis import exhibits, pages, vocabulary, wording
from hzso_analysis.figures import codebook

PACKAGE = Path(wording.__file__).parent
TREES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
COLUMNS = wording._phrases("en")["columns"]
SECTIONS = {section: phrases for section, phrases in wording._phrases("en").items() if section != "columns"}
PHRASES = {f"{section}.{name}": text for section, phrases in SECTIONS.items() for name, text in phrases.items()}
NAMES = {key: {name for _, name, _, _ in Formatter().parse(text) if name is not None} for key, text in PHRASES.items()}

# phrases of an exhibit begin with its key and end so; all of them may name what an edition fills in
PARTS = ("heading", "subtitle", "note", "gap")
EDITION = {"area", "other", "year"}
EXHIBITS = {key.rpartition("_")[0] for key in PHRASES if key.endswith(tuple(f"_{part}" for part in PARTS))}
NEVER_EMPTY = {"scale.headline"}  # tables that have no heading and no gap

CHAPTERS = sorted(file for file in TREES if file.startswith("chapters/"))
# texts that look like wording and are none
DATA_KEYS = {
    "share printed": "the column of a table that is named so in code",
    "share computed": "the column of a table that is named so in code",
    "if exponential": "the column of a table that is named so in code",
    "if Pareto": "the column of a table that is named so in code",
    "if it were": "the column of a table that is named so in code",
    "two largest": "the column of a table that is named so in code",
    "all figures together": "the column of a table that is named so in code",
    "CR": "the name of a measure everywhere",
    " million": "the end of a unit of the data, behind its currency",
}


def strings(tree):
    """String constants and pieces of f-strings outside docstrings, each with whether it is such a piece."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    skipped = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and is_text(node)}
    pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value, id(node) in pieces


def is_text(node):
    return bool(node.body) and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)


def keys_of(node):
    """The constant keys that the first argument of a call can be."""
    if isinstance(node, ast.IfExp):
        return keys_of(node.body) + keys_of(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) else []


def calls():
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("say", "wording.say", "edition.say") and file != "catalogue.py":
                own = EDITION if called == "edition.say" else set()
                yield f"{file}:{node.lineno}", keys_of(node.args[0]), node.keywords, own


def shown():
    """Each call that makes an exhibit of a key, with the phrases that it reads as they are not given."""
    for file, tree in TREES.items():
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            called, given = ast.unparse(node.func), {word.arg for word in node.keywords}
            for key in (key for argument in node.args for key in keys_of(argument) if key in EXHIBITS):
                gap = f"{key}_gap" if f"{key}_gap" in PHRASES else f"{key.partition('.')[0]}.gap"
                read = set() if key in NEVER_EMPTY else {f"{key}_heading", gap}
                if called == "chart" and "subtitle" not in given:
                    read.add(f"{key}_subtitle")
                if called == "table" and "note" not in given:
                    read |= {f"{key}_note"} & set(PHRASES)
                yield f"{file}:{node.lineno}", read


def is_wording(text, piece):
    """Two words or a capitalised one; in an f-string any word, as the other may be in a place."""
    return bool(re.search(r"[A-Za-z]+ +[A-Za-z]+|[A-Z][a-z]|[\u4e00-\u9fff]", text)) or (
        piece and bool(re.search("[A-Za-z]{2}", text))
    )


def known_words():
    tables = {name: codebook(name) for name in ("indicators", "categories")}
    words = {
        *tables["indicators"]["unit"],
        *wording.STATUS,
        *vocabulary.CLOSED["measure"],
        *exhibits.COLUMNS,
        *exhibits.TEXTS,
    }
    words |= set(tables["categories"]["dimension"])
    return words.union(DATA_KEYS, *(table["id"] for table in tables.values()))


def keys_of_templates():
    templates = [path.read_text(encoding="utf-8") for path in (PACKAGE / "templates").rglob("*.j2")]
    return {key for text in templates for _, key in re.findall(r"""\bsay\((["'])(\w+\.\w+)\1""", text)}


def keys_of_the_catalogue():
    """Its phrases are asked for without the name of their section, nouns also in the plural."""
    files = [PACKAGE / "catalogue.py", PACKAGE / "templates" / "catalogue.html.j2"]
    words = set(re.findall(r'"(\w+)"', "".join(path.read_text(encoding="utf-8") for path in files)))
    return {f"catalogue.{name}" for name in SECTIONS["catalogue"] if {name, name.removesuffix("s")} & words}


def test_every_phrase_is_used_and_every_key_has_its_phrase():
    pattern = re.compile(rf"({'|'.join(SECTIONS)})\.\w+")
    used = {text for tree in TREES.values() for text, piece in strings(tree) if not piece and pattern.fullmatch(text)}
    assert EXHIBITS & set(PHRASES) == set()  # a text says which of the two it is
    used = used - EXHIBITS | {key for _, keys in shown() for key in keys}
    used |= keys_of_templates() | keys_of_the_catalogue()
    used -= {"catalogue.js"}  # a file
    assert used - set(PHRASES) == set()
    assert set(PHRASES) - used == set()
    assert {key for _, keys, _, _ in calls() for key in keys} <= used


def test_phrases_get_the_words_that_they_name():
    for place, keys, keywords, own in calls():
        given, named = {word.arg for word in keywords}, set().union(*(NAMES[key] for key in keys))
        if keys and None in given:  # the others come in a dict
            assert given - {None} <= named, f"{place} {keys}"
        elif keys:
            assert given <= named <= given | own, f"{place} {keys}"
    for place, keys in shown():
        assert set().union(*(NAMES[key] for key in keys)) <= EDITION, f"{place} {keys}"


def test_places_in_phrases_are_names():
    assert [key for key, names in NAMES.items() if not all(name.isidentifier() for name in names)] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_wording_is_left_in_a_chapter(chapter):
    found = {text for text, piece in strings(TREES[chapter]) if is_wording(text, piece)}
    assert found - known_words() == set()


def test_every_column_of_a_table_has_a_heading():
    tables = [r for chapter in committed() for r in pages.records(chapter.notebook) if not r["chart"]]
    columns = {column for table in tables for column in table["columns"]}
    made_of_data = {column for column in columns if re.match(r"20\d\d$|on ", column)}
    headings = {column.replace(" ", "_").replace("-", "_") for column in columns - made_of_data}
    assert headings - set(COLUMNS) == set()
    assert {"item", "share_printed", "half_widths"} <= headings


def test_no_data_key_is_excused_for_nothing():
    texts = {text for chapter in CHAPTERS for text, _ in strings(TREES[chapter])}
    assert set(DATA_KEYS) <= texts
