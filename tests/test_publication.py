"""From two lists to figures in a folder of data: read back without a fault, nothing that tells of one enterprise."""

import io

import pandas as pd
import pytest
from click.testing import CliRunner

pytest.importorskip("duckdb")
pytest.importorskip("ibis")

from hzso_analysis import load_figures, publication, reconcile
from hzso_analysis.cli import main
from hzso_analysis.faults import DataError
from hzso_analysis.publication import publish
from hzso_analysis.synthetic import make_ledger


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    """The paths of two lists of 60 enterprises, and of the store that all tests share."""
    folder = tmp_path_factory.mktemp("lists")
    contracts, executions = make_ledger(folder / "in", executions=3_000, seed=3, enterprises=60, years=(2010, 2011))
    return {"contracts": contracts, "executions": executions, "store": folder / "store"}


def asked(lists, *options, area="synthetic"):
    words = [str(lists["contracts"]), str(lists["executions"]), "--store", str(lists["store"])]
    return CliRunner().invoke(main, ["aggregate", *words, "--area", area, "--year", "2011", *options])


@pytest.fixture(scope="module")
def figures(lists, tmp_path_factory):
    """The figures of two years, suppressed and not."""
    found = {}
    for name, internal in (("public", False), ("internal", True)):
        out, notes = tmp_path_factory.mktemp(name), []
        publish(**lists, areas=["synthetic"], years=[2010, 2011], out=out, internal=internal, note=notes.append)
        found[name] = load_figures("synthetic", data_dir=out)
        found[f"{name} notes"] = notes
    return found


def test_the_rows_are_figures_of_a_source_that_says_what_they_are(figures):
    public, internal = figures["public"], figures["internal"]
    assert set(public["source"]) == {"synthetic ledger"} and set(internal["source"]) == {"synthetic ledger internal"}
    assert set(public["file"]) == {"synthetic/ledger-2010.csv", "synthetic/ledger-2011.csv"}
    assert set(public["measure"]) == {"level"} and (public["locator"] == "contracts and executions").all()


def test_suppressed_figures_have_no_value_and_the_others_are_the_same(figures):
    key = ["year", "indicator", "flow", "category"]
    public, internal = (figures[name].set_index(key) for name in ("public", "internal"))
    hidden = public["qualifier"] == "suppressed"
    assert 10 < hidden.sum() < 0.6 * len(public) and public.loc[hidden, "value"].isna().all()
    assert not internal["value"].isna().any() and (internal["qualifier"] == "").all()
    shown = public.loc[~hidden, "value"]
    pd.testing.assert_series_equal(shown, internal.loc[shown.index, "value"])
    assert not public.index.difference(internal.index).size
    one = internal.loc[(slice(None), "CR1"), :].index
    assert hidden[one].all(), "the share of the largest is its amount"


def test_the_notes_count_what_is_suppressed_and_what_was_left_out(figures):
    hidden = int((figures["public"]["qualifier"] == "suppressed").sum())
    (line,) = [line for line in figures["public notes"] if "suppressed" in line]
    first = int(line.split(": ")[1].split(" suppressed")[0])
    second = int(line.split("suppressed, ")[1].split(" more")[0])
    assert first + second == hidden
    assert not any("suppressed" in line for line in figures["internal notes"])
    assert any(line.endswith("rejected-*.csv") for line in figures["public notes"])


def test_nothing_contradicts_itself_and_no_suppressed_cell_is_known(figures):
    truth = figures["internal"].set_index(["year", "indicator", "flow", "category"])["value"]
    answer = reconcile(figures["public"])
    assert answer.suspects.empty and answer.alternatives.empty
    hidden = answer.estimates[answer.estimates["status"] == "suppressed"]
    assert len(hidden) == (figures["public"]["qualifier"] == "suppressed").sum()
    for row in hidden.itertuples():
        if row.indicator in ("contracts executed", "contracts signed"):
            value = truth[row.year, row.indicator, row.flow, row.category]
            assert row.low <= 0.9 * value * (1 + 1e-6) and row.high >= 1.1 * value * (1 - 1e-6), row


def test_the_command_writes_a_folder_or_prints_the_rows(lists, tmp_path):
    written = asked(lists, "--out", str(tmp_path / "figures"))
    path = tmp_path / "figures" / "synthetic" / "ledger-2011.csv"
    assert (written.exit_code, written.stdout) == (0, f"{path}\n")
    assert "executions: 3,000 rows, of which" in written.stderr
    printed = asked(lists)
    table = pd.read_csv(io.StringIO(printed.stdout), dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(table, pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig"))
    assert [*path.parent.iterdir()] == [path]
    assert asked(lists, "--out", str(tmp_path / "figures")).stdout == written.stdout, "and once more"


def test_the_command_asks_for_the_progress_of_checking(lists, monkeypatch):
    options, real = [], publication.keep
    monkeypatch.setattr(publication, "keep", lambda *paths, **given: options.append(given) or real(*paths, **given))
    assert asked(lists).exit_code == 0 and [given["progress"] for given in options] == [True]


def test_internal_and_the_day_are_said_in_the_rows(lists):
    table = pd.read_csv(io.StringIO(asked(lists, "--internal", "--as-of", "2011-06-30", "--cut-off").stdout), dtype=str)
    assert set(table["source"]) == {"synthetic ledger internal"} and table["qualifier"].isna().all()
    (where,) = set(table["locator"])
    assert (
        where
        == "contracts and executions, filed up to 2011-06-30, without what was filed after the cut-off of 31 March"
    )
    public = asked(lists, "--cut-off")
    assert "filed after their cut-off" in public.stderr


@pytest.mark.parametrize(
    ("area", "options", "said"),
    [
        ("synthetik", [], "area: no records of synthetik (did you mean synthetic?); there are records of synthetic"),
        ("synthetic", ["--year", "2003"], "year: synthetic has no records of 2003; there are records of 2010, 2011"),
        ("synthetic", ["--year", "20011"], "year: found '20011'"),
        ("synthetic", ["--as-of", "31.3.2012"], "as_of: found '31.3.2012'; write a day such as 2012-03-31"),
        ("../x", ["--out", "x"], "area: found '../x'; write the name of a folder"),
        ("synthetic", ["--area", "synthetic-b"], "out: figures of several areas need a folder to go to"),
        ("synthetic", ["--years", "2010-2011"], "say which years: --year or --years"),
    ],
)
def test_a_mistake_is_one_plain_message(lists, area, options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = asked(lists, *options, area=area)
    assert done.exit_code in (1, 2) and said in done.stderr and done.stdout == ""
    assert not [*tmp_path.iterdir()]


def test_all_wrong_arguments_are_named_at_once(lists):
    with pytest.raises(ValueError, match=r"(?s)area: .*year: .*as_of: "):
        publish(**lists, areas=["a b/"], years=["x"], as_of="soon")
    with pytest.raises(DataError, match=r"(?s)no records of a;.*no records of 1999, 2001;"):
        publish(**lists, areas=["a", "synthetic"], years=[1999, 2001, 2011], out="nowhere")
