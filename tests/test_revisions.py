"""What differs between two states of the data: folders and git revisions, figures, estimates and suspects."""

import shutil
import subprocess

import pytest
from click.testing import CliRunner

from hzso_analysis.chapters import data_quality
from hzso_analysis.cli import main
from hzso_analysis.edition import open_edition
from hzso_analysis.folders import DATA_DIR

HEADER = "year,indicator,flow,category,measure,value,unit,precision,qualifier,source,locator,note\n"
OVERVIEW, PLAN = "hangzhou overview 2011", "zhejiang plan 2011"


def row(value, *, year=2011, category="", measure="", precision="", qualifier="", source=OVERVIEW, place="I", note=""):
    number, unit = value.split(" ", 1)
    cell = [year, "contracts executed", "offshore", category, measure]
    return ",".join(map(str, [*cell, number, unit, precision, qualifier, source, place, note])) + "\n"


def write(folder, *rows, area="hangzhou"):
    (folder / area).mkdir(parents=True, exist_ok=True)
    (folder / area / "2011.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    return folder


def diff(*words):
    done = CliRunner().invoke(main, ["diff", *map(str, words)])
    assert isinstance(done.exception, SystemExit | None), "a fault is a message and never a traceback"
    return done


@pytest.fixture
def compared(tmp_path):
    """Lines of a comparison of two folders with these rows of Hangzhou."""

    def compare(old, new):
        done = diff(write(tmp_path / "old", *old), write(tmp_path / "new", *new))
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    return compare


def git(folder, *words):
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *author, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits of its folder figures, and a change in the work tree that is not committed."""
    git(tmp_path, "init", "-q")
    for text in ("100", "200"):
        write(tmp_path / "figures", row(f"{text} USD million"))
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", text)
    write(tmp_path / "figures", row("300 USD million"))
    return tmp_path


def test_the_same_figures_are_one_line():
    assert diff(DATA_DIR, DATA_DIR).output == "The figures are the same.\n"


def test_figures_that_come_go_or_change_are_shown_as_printed_and_what_moves_by_chapter(compared):
    share = row("60 percent", category="ITO", measure="share")
    lines = compared(
        [row("1.5 USD billion", year=2009, place="II"), row("100 USD million"), share],
        [row("101.0 USD million"), share, row("9 亿美元", year=2010)],
    )
    assert lines == [
        "Figures: 1 added, 1 removed and 1 changed",
        "  added: Hangzhou, contracts executed, offshore, 2010: 9 hundred million USD (hangzhou overview 2011, I)",
        "  removed: Hangzhou, contracts executed, offshore, 2009: USD 1.5 billion (hangzhou overview 2011, II)",
        "  changed: Hangzhou, contracts executed, offshore, 2011: "
        "USD 100 million became USD 101.0 million (hangzhou overview 2011, I)",
        "Estimates that move: 6",
        "  Hangzhou, scale: contracts executed, offshore, 2009: USD 1,500 million (published) became unknown",
        "  Hangzhou, scale: contracts executed, offshore, 2010: unknown became USD 900 million (published)",
        "  Hangzhou, scale: contracts executed, offshore, 2011: "
        "USD 100 million (published) became USD 101.0 million (published)",
        "  Hangzhou, sector mix: contracts executed, offshore, BPO, 2011: "
        "at most USD 40.7 million (bounded) became at most USD 40.9 million (bounded)",
        "  Hangzhou, sector mix: contracts executed, offshore, ITO, 2011: "
        "USD 59–61 million (bounded) became USD 60–61 million (bounded)",
        "  Hangzhou, sector mix: contracts executed, offshore, KPO, 2011: "
        "at most USD 40.7 million (bounded) became at most USD 40.9 million (bounded)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (row("100 USD million"), row("100 CNY million"), "USD 100 million became CNY 100 million"),
        (
            row("100 USD million"),
            row("100 USD million", qualifier="over"),
            "USD 100 million became over USD 100 million",
        ),
        (
            row("100 USD million"),
            row("100 USD million", precision=5),
            "USD 100 million ± 0.5 USD million became USD 100 million ± 5 USD million",
        ),
    ],
    ids=["unit", "qualifier", "precision"],
)
def test_another_unit_qualifier_or_precision_is_a_change(compared, old, new, said):
    lines = compared([old], [new])
    assert lines[0] == "Figures: 0 added, 0 removed and 1 changed"
    assert said in lines[1]


def test_another_note_locator_or_spelling_is_counted_apart_and_is_no_change_of_a_number(compared):
    old = [row("100 USD million", year=year) for year in (2008, 2009, 2010, 2011)]
    new = [row("100 USD million", year=2008, note="why"), row("100 USD million", year=2009, place="II")]
    new += [row("0.100 USD billion", year=2010), row("100 USD million")]
    assert compared(old, new) == [
        "The figures are the same.",
        "Notes, locators or spellings that changed and no number: 3",
    ]


def test_rows_of_one_cell_and_source_are_matched_by_place_and_then_by_value(compared):
    lines = compared(
        [row("100 USD million"), row("200 USD million", place="II"), row("300 USD million", place="III")],
        [row("300 USD million", place="IV"), row("110 USD million")],
    )
    assert lines[0] == "Figures: 0 added, 1 removed and 1 changed"
    assert ": USD 200 million (" in lines[1]
    assert ": USD 100 million became USD 110 million (" in lines[2]


def test_suspects_and_ties_that_come_or_go_are_said(compared):
    part = row("50 USD million", category="ITO")
    broken = [row("100 USD million"), part, row("90 percent", category="ITO", measure="share", source=PLAN)]
    fits = [row("100 USD million"), part, row("50 percent", category="ITO", measure="share", source=PLAN)]
    lines = compared(broken, fits)
    misfits = lines[lines.index("What does not fit:") + 1 :]
    assert len(misfits) == 1
    assert misfits[0].startswith("  Hangzhou, no longer: A tie: wrong is either ")
    lines = compared(fits, broken)
    assert lines[-1].startswith("  Hangzhou, now: A tie: wrong is either ")


EARLIER = [row("1000 USD million", year=2010, source=PLAN), row("1320 USD million")]
LATER = [*EARLIER, row("1100 USD million", year=2010, place="II"), row("20 percent", measure="growth")]


def test_a_later_source_for_an_old_year_is_an_added_figure_that_moves_estimates(compared):
    lines = compared(EARLIER, LATER)
    assert lines[0] == "Figures: 2 added, 0 removed and 0 changed"
    assert "  added: Hangzhou, contracts executed, offshore, growth, 2011: 20 % (hangzhou overview 2011, I)" in lines
    moved = "USD 1,000 million (published) became USD 1,100 million (corrected)"
    assert f"  Hangzhou, scale: contracts executed, offshore, 2010: {moved}" in lines
    said = "Zhejiang Province prints contracts executed, offshore, 2010 as USD 1,000 million"
    others = "For USD 1,000 million to be right, at least two other figures would have to be wrong."
    assert lines[-1] == f"  Hangzhou, now: {said}; the other figures imply USD 1,100 million. {others}"


def test_where_two_editions_differ_the_pages_name_both_and_the_base_that_growth_implies(tmp_path):
    edition = open_edition(year=2011, data_dir=str(write(tmp_path, *LATER)))
    (line,) = data_quality.conflicts(edition).frame.to_dict("records")
    assert line["what the sources print"] == f"USD 1,000 million ({PLAN}); USD 1,100 million ({OVERVIEW})"
    implied = data_quality.implied(edition)
    start = "2 printed figures together imply USD 1,100 million for contracts executed, offshore, 2010"
    assert implied.title.startswith(start)
    assert dict(implied.frame[["label", "text"]].values)["2011, growth 20 %"] == "1,095–1,105"
    (suspect,) = data_quality.suspects(edition).frame.to_dict("records")
    assert (suspect["printed"], suspect["implied"]) == ("USD 1,000 million", "USD 1,100 million")


def test_the_codebook_alone_can_move_estimates_and_is_said_to_have_changed(tmp_path):
    count = "2011,enterprises,offshore,USD 30 to 50 million,,7,count,,,hangzhou overview 2011,I,\n"
    for name in ("old", "new"):
        write(tmp_path / name, count)
        shutil.copy(DATA_DIR / "categories.csv", tmp_path / name)
    book = tmp_path / "new" / "categories.csv"
    text = book.read_text(encoding="utf-8")
    assert text.count(",30,50,") == 1
    book.write_text(text.replace(",30,50,", ",30,60,"), encoding="utf-8")
    lines = diff(tmp_path / "old", tmp_path / "new").stdout.splitlines()
    assert lines[:2] == ["The figures are the same.", "The codebook changed: categories (USD 30 to 50 million)"]
    assert any("USD 210–350 million (bounded) became USD 210–420 million (bounded)" in line for line in lines[2:])


def test_areas_that_come_or_go_are_named_with_their_figures(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        write(folder, row("100 USD million"))
    write(old, row("5 USD million"), area="ningbo")
    write(new, row("5 USD million"), row("6 USD million", year=2010), area="suzhou")
    assert diff(old, new).stdout == "Area removed: ningbo, 1 figure\nArea added: suzhou, 2 figures\n"
    assert diff(old, new, "--area", "hangzhou").stdout == "The figures are the same.\n"
    assert diff(old, new, "--area", "suzhou").stdout == "Area added: suzhou, 2 figures\n"
    done = diff(old, new, "--area", "suzho")
    assert done.exit_code == 2
    assert "area: found 'suzho' (did you mean suzhou?); there are hangzhou, ningbo and suzhou" in done.stderr


def test_revisions_are_read_from_git_and_the_work_tree_is_left_alone(repository):
    data = ["--data-dir", repository / "figures"]
    assert "USD 100 million became USD 200 million" in diff("HEAD~1", "HEAD", *data).stdout
    assert "USD 200 million became USD 300 million" in diff("HEAD", repository / "figures", *data).stdout
    assert diff("HEAD:figures", "HEAD", *data).stdout == "The figures are the same.\n"
    status = subprocess.run(
        ["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert status.stdout == " M figures/hangzhou/2011.csv\n"


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ("HEAD~9", "HAED", ["OLD: HEAD~9 is no folder, and ", " has no revision HEAD~9\nNEW: HAED is no folder, and "]),
        ("HEAD:nowhere", "HEAD", ["OLD: revision HEAD has no folder nowhere"]),
        ("HEAD", "HEAD:figures/hangzhou/2011.csv", ["NEW: revision HEAD has no folder figures/hangzhou/2011.csv"]),
    ],
)
def test_what_is_neither_folder_nor_revision_is_named(repository, old, new, messages):
    done = diff(old, new, "--data-dir", repository / "figures")
    assert done.exit_code == 2
    assert not [message for message in messages if message not in done.stderr]


def test_a_revision_without_a_repository_or_without_git_is_a_plain_error(tmp_path, monkeypatch):
    folder = write(tmp_path / "figures", row("100 USD million"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = diff("HEAD", folder, "--data-dir", folder)
    assert (done.exit_code, "OLD: HEAD is no folder, and no revision either: " in done.stderr) == (2, True)
    assert f"{folder} lies in no git repository" in done.stderr
    monkeypatch.setenv("PATH", str(tmp_path))
    done = diff(folder, "HEAD", "--data-dir", folder)
    assert done.exit_code == 2
    assert "NEW: no such folder; git, which could know a revision of that name, is not installed" in done.stderr


def test_faults_of_both_are_named_at_once(tmp_path):
    old = write(tmp_path / "old", row("many USD million"))
    new = write(tmp_path / "new", row("100 RMB"), row("100 USD million", source="nobody"))
    done = diff(old, new)
    assert done.exit_code == 1
    lines = [line.split("; ")[0].strip() for line in done.stderr.splitlines()]
    assert lines == [
        "Error: 3 faults in the data",
        "OLD: hangzhou/2011.csv:2: value: found many",
        "NEW: hangzhou/2011.csv:2: unit: found RMB",
        "NEW: hangzhou/2011.csv:3: source: nobody is not in the codebook",
    ]
    (tmp_path / "empty").mkdir()
    assert "NEW: no areas; figures lie in AREA/YEAR.csv" in diff(DATA_DIR, tmp_path / "empty").stderr
