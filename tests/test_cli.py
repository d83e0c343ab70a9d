"""The command line: plain messages, the right exit status, no waiting for help."""

import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from imported import assert_nothing_heavy_is_loaded_by

from hzso_analysis import __version__
from hzso_analysis.cli import main
from hzso_analysis.folders import HOME
from hzso_analysis.report import ReportError
from hzso_analysis.workshop import How

HEADER = "year,indicator,flow,value,unit,source\n"
ROW = "2011,contracts executed,offshore,1872,USD million,hangzhou overview 2011\n"


def run(*words):
    done = CliRunner().invoke(main, words)
    assert isinstance(done.exception, SystemExit | None), "a fault is a message and never a traceback"
    return done


def stand_in(monkeypatch, begin, folder):
    """`begin(order, how)` in place of all that makes a report; it returns the path of an index.html."""
    monkeypatch.chdir(folder)  # reports that are there already would be kept
    monkeypatch.setattr("hzso_analysis.drafts.begin", lambda order, how, notebooks, hands: begin(order, how))
    monkeypatch.setattr("hzso_analysis.catalogue.write_catalogue", lambda out: None)
    monkeypatch.setattr("hzso_analysis.kernel_process.warm_up", lambda *modules: None)


def said(done):
    """What stands on stderr besides the progress."""
    return [line for line in done.stderr.splitlines() if line.strip() and "chapter/s]" not in line]


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Parameters and ways that `hzso report` hands on, in place of a report."""
    calls = []

    def begin(order, how):
        calls.append(order | {"how": how})
        return Path("reports/hangzhou/2011/index.html")

    stand_in(monkeypatch, begin, tmp_path)
    return calls


def write(folder, name, rows):
    (folder / name).mkdir()
    (folder / name / "2011.csv").write_text(HEADER + rows, encoding="utf-8")


def test_help_does_not_load_pandas():
    assert_nothing_heavy_is_loaded_by(
        "from click.testing import CliRunner; from hzso_analysis.cli import main\n"
        "for word in ['', 'init', 'report', 'check', 'diff', 'new-year', 'import', 'aggregate', 'synthetic']:\n"
        "    assert CliRunner().invoke(main, [*word.split(), '-h']).exit_code == 0\n"
        "assert CliRunner().invoke(main, ['--version']).exit_code == 0\n"
    )


def test_version():
    assert run("--version").output == f"hzso, version {__version__}\n"


def test_report_prints_the_path_of_the_index(asked):
    done = run("report", "--area", "hangzhou", "--year", "2011", "--out", "there")
    assert (done.exit_code, done.stdout) == (0, f"{Path('reports/hangzhou/2011/index.html')}\n")
    assert asked == [
        {
            **{"area": "hangzhou", "year": 2011, "compare_with": "china", "total_basis": "estimated"},
            **{"data_dir": "", "show_code": False, "how": How(Path("there"), progress=True)},
        }
    ]


def test_ways_of_making_a_report_go_through(asked):
    assert run("report", "--force", "--jobs", "3", "--cold", "--timeout", "9.5", "--scheduler", "").exit_code == 0
    assert asked[0]["how"] == How(Path("reports"), force=True, progress=True, jobs=3, cold=True, timeout=9.5)


def test_parameters_of_the_notebooks_go_through(asked):
    assert run("report", "-p", "year", "2010", "-p", "total_basis", "published").exit_code == 0
    assert (asked[0]["year"], asked[0]["total_basis"]) == (2010, "published")


@pytest.mark.parametrize(
    ("words", "orders"),
    [
        (["--years", "2008-2010"], [("hangzhou", 2008), ("hangzhou", 2009), ("hangzhou", 2010)]),
        (["--years", "２００８，２０１０－２０１１"], [("hangzhou", 2008), ("hangzhou", 2010), ("hangzhou", 2011)]),
        (["--years", "2010年至2011年、2010"], [("hangzhou", 2010), ("hangzhou", 2011)]),
        (["--years", "2010–2009"], [("hangzhou", 2009), ("hangzhou", 2010)]),
        (["--year", "2011", "--year", "2009"], [("hangzhou", 2011), ("hangzhou", 2009)]),
        (
            ["--area", "hangzhou", "--area", "china", "--years", "2009,2011"],
            [("hangzhou", 2009), ("hangzhou", 2011), ("china", 2009), ("china", 2011)],
        ),
    ],
)
def test_several_years_and_areas_are_reported_in_order(asked, words, orders):
    done = run("report", *words)
    assert (done.exit_code, [(call["area"], call["year"]) for call in asked]) == (0, orders)
    assert done.stdout == f"{Path('reports/hangzhou/2011/index.html')}\n" * len(orders)


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--show-code"], True), (["-p", "show_code", "false"], "false"), (["-p", "show_code", "ＹＥＳ"], "ＹＥＳ")],
)
def test_show_code_goes_through(asked, words, told):
    assert run("report", *words).exit_code == 0
    assert asked[0]["show_code"] == told


def test_a_report_that_fails_does_not_stop_the_others(monkeypatch, tmp_path):
    faults = {
        2009: ReportError("hangzhou 2009: 01_scale.ipynb, code cell 3: boom"),
        2010: KeyError("level"),
        2011: PermissionError(13, "Permission denied", "reports"),
    }

    def begin(order, how):
        if order["year"] in faults:
            raise faults[order["year"]]
        return Path(order["area"]) / str(order["year"])

    stand_in(monkeypatch, begin, tmp_path)
    done = run("report", "--years", "2008-2012")
    assert (done.exit_code, done.stdout) == (1, f"{Path('hangzhou/2008')}\n{Path('hangzhou/2012')}\n")
    assert said(done) == [
        "Error: 3 of 5 reports were not made; what stood in their place is as it was before",
        "  hangzhou 2009: 01_scale.ipynb, code cell 3: boom",
        "  hangzhou 2010: KeyError: 'level'",
        "  [Errno 13] Permission denied: 'reports'",
    ]


def test_a_comparison_that_cannot_be_made_is_said(asked):
    done = run("report", "--compare-with", "chna", "--years", "2010-2011")
    assert (done.exit_code, len(asked)) == (0, 2)
    assert [line.partition("; ")[0] for line in said(done)] == [
        "not compared: chna has no figures (did you mean china?)"
    ]
    assert not said(run("report", "--compare-with", ""))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "yaer", "2012"], "Error: no parameter yaer (did you mean year?); the notebooks have area, year,"),
        (["--year", "2011", "-p", "year", "2010"], "Error: year is given twice"),
        (["-p", "year", "2011", "-p", "year", "2010"], "Error: year is given twice"),
        (["--year", "2011", "--years", "2010"], "Error: year is given twice; give --year or --years"),
        (["--years", "2011", "-p", "year", "2010"], "Error: year is given twice; give --year or --years"),
        (["--jobs", "0"], "0 is not in the range x>=1"),
        (["--timeout", "0"], "0.0 is not in the range x>0"),
        (["--jobs", "2", "--scheduler", "tcp://10.0.0.5:8786"], "Error: --jobs is for this machine; the workers"),
        (["--total-basis", "guessed"], "'guessed' is not one of 'estimated', 'published'"),
    ],
)
def test_wrong_use_stops_before_anything_runs(asked, words, message):
    done = run("report", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not asked


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--area", "hangzo"], "Error: area: found 'hangzo' (did you mean hangzhou?)"),
        (["-p", "year", "20x1"], "Error: year: found '20x1'; write a four-digit year such as 2011"),
        (["--years", "2010-20x1"], "Error: year: found '2010-20x1'; write a four-digit year such as 2011"),
        (["--years", "2010-2011-2012"], "Error: year: found '2010-2011-2012'; write a four-digit year"),
        (["--years", ""], "Error: year: found ''; write a four-digit year such as 2011"),
        (["-p", "total_basis", "guessed"], "Error: total_basis: found 'guessed'; write estimated or published"),
        (["-p", "show_code", "nein"], "Error: show_code: found 'nein'; write true, yes, 1, false, no or 0"),
        (["--area", "hangzo", "--years", "20x1"], "year: found '20x1'; write a four-digit year such as 2011\n"),
        (["--area", "hangzo", "--area", "chna"], "\narea: found 'chna' (did you mean china?)"),
    ],
)
def test_wrong_values_are_named_with_what_is_allowed(words, message, tmp_path):
    done = run("report", "--out", str(tmp_path / "out"), *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ReportError("hangzhou 2011: 01_scale.ipynb, code cell 3: boom"), 1, "code cell 3: boom"),
        (PermissionError(13, "Permission denied", "reports"), 1, "Permission denied: 'reports'"),
        (KeyboardInterrupt(), 130, "interrupted; reports that were not finished are as they were before"),
    ],
)
def test_faults_are_one_message_and_a_status(monkeypatch, tmp_path, error, status, message):
    def begin(order, how):
        raise error

    stand_in(monkeypatch, begin, tmp_path)
    done = run("report", "--force")
    assert done.exit_code == status
    assert message in done.stderr


def test_a_year_without_figures_is_a_fault_in_the_data(tmp_path):
    done = run("report", "--year", "1999", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert "year: hangzhou has no figures for 1999; there are " in done.stderr
    assert "1 fault in the data" in done.stderr, "a single report fails as it always did"


def test_check_counts_what_is_sound(tmp_path):
    write(tmp_path, "hangzhou", ROW + ROW.replace("2011,", "2010,", 1))
    done = run("check", "--data-dir", str(tmp_path))
    assert done.exit_code == 0
    assert done.stdout == "hangzhou: 2 figures, 2010 to 2011, 1 source, no faults\n  all of them can be true together\n"


def test_check_lists_how_the_files_were_read_where_asked(tmp_path):
    write(tmp_path, "hangzhou", ROW + ROW + ROW.replace("2011,", "2010,", 1).replace("1872", "-"))
    done = run("check", "--data-dir", str(tmp_path), "--notes")
    assert done.stdout.splitlines()[1:4] == [
        "  hangzhou/2011.csv: read as utf-8",
        "  hangzhou/2011.csv:4: value: - is a missing number (not given)",
        "  hangzhou/2011.csv: row 3 repeats row 2 and was left out",
    ]
    assert run("check", "--data-dir", str(tmp_path)).stdout.splitlines()[1:-1] == [
        "  hangzhou/2011.csv: row 3 repeats row 2 and was left out"
    ]


def test_check_names_every_fault_and_still_checks_the_other_areas(tmp_path):
    write(tmp_path, "china", ROW)
    write(tmp_path, "hangzhou", ROW.replace("USD million", "RMB") + ROW.replace("executed", "exekuted"))
    done = run("check", "--data-dir", str(tmp_path))
    assert done.exit_code == 1
    assert done.stdout == "china: 1 figure, 2011 to 2011, 1 source, no faults\n  all of them can be true together\n"
    assert "hangzhou/2011.csv:2: unit: found RMB; write one of " in done.stderr


def test_check_names_what_does_not_fit_and_strict_makes_it_a_failure():
    done = run("check", "--area", "hangzhou")
    assert done.exit_code == 0
    assert "contradicts itself: it prints contracts executed, offshore, 2011 as USD 1.872 billion" in done.stdout
    assert done.stdout.count("A tie: wrong is either ") == 1
    assert run("check", "--area", "hangzhou", "--strict").exit_code == 1


def test_check_of_an_unknown_area_names_the_nearest():
    done = run("check", "--area", "hangzo")
    assert done.exit_code == 1
    assert "no figures for area hangzo (did you mean hangzhou?)" in done.stderr


def test_check_of_a_folder_without_areas(tmp_path):
    done = run("check", "--data-dir", str(tmp_path))
    assert done.exit_code == 1
    assert "no areas; figures lie in AREA/YEAR.csv" in done.stderr


def test_check_says_of_impossible_rows_that_they_cannot_be_true(tmp_path):
    share = "2011,contracts executed,offshore,ITO,share,130,percent,hangzhou overview 2011\n"
    (tmp_path / "china").mkdir()
    header = "year,indicator,flow,category,measure,value,unit,source\n"
    level = "{},contracts executed,offshore,,,{},USD million,hangzhou overview 2011\n"
    text = header + level.format(2011, 100) + level.format(2010, -50) + share
    (tmp_path / "china" / "2011.csv").write_text(text, encoding="utf-8")
    done = run("check", "--data-dir", str(tmp_path))
    assert done.exit_code == 0
    assert "2010 as USD -50 million, which cannot be true." in done.stdout
    assert "ITO, share, 2011 as 130 %; its other figures imply at most 100 %" in done.stdout


def test_init_copies_the_data_and_notebooks_that_read_them_into_a_new_folder(tmp_path):
    mine = tmp_path / "mine's"
    done = run("init", str(mine))
    assert done.exit_code == 0 and f"jupyter lab {shlex.quote(str(mine / 'notebooks'))}\n" in done.stdout
    own, copied = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*.*")} for f in (HOME / "data", mine / "data"))
    assert own == copied and len(own) > 30
    for path in (HOME / "notebooks").glob("*.ipynb"):
        before, after = (nbformat.read(place, as_version=4) for place in (path, mine / "notebooks" / path.name))
        cells = [(old, new) for old, new in zip(before.cells, after.cells, strict=True) if old != new]
        assert [old.metadata.tags for old, new in cells] == [["parameters"]]
        given = {}
        exec(cells[0][1].source, given)
        assert given["data_dir"] == str(mine / "data")
    done = run("init", str(mine))
    assert done.exit_code == 1 and "is there already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine's"]


@pytest.mark.parametrize("words", [("new-year", "2012"), ("import", "x.csv", "--area", "hangzhou")])
def test_what_comes_with_an_installed_package_is_not_written_to(words, monkeypatch):
    monkeypatch.setattr("hzso_analysis.folders.INSTALLED", True)
    done = run(*words)
    assert done.exit_code == 2 and "make a copy with `hzso init FOLDER`" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "hzso_analysis.cli", "check"], stdout=-1, stderr=-1, text=True
    ) as done:
        assert done.stdout.readline().startswith("china: ")
        done.stdout.close()
        assert done.stderr.read() == ""
