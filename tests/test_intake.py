"""A messy file becomes a clean one beside the data: labels become ids, nothing twice, nothing lost, nothing guessed."""

import shutil

import pytest
from click.testing import CliRunner

from hzso_analysis.cli import main
from hzso_analysis.faults import DataError
from hzso_analysis.figures import load_figures
from hzso_analysis.folders import DATA_DIR
from hzso_analysis.intake import prepare

SOURCE = "hangzhou overview 2012"
NEW = """杭州市服务外包主要指标（2012年）
年份,指标,流向,类别,数值,单位,来源,备注
2012,合同执行额,离岸,合计,"24.50",亿美元,概况2012 一(1),=cmd|calc
2012,合同执行额,离岸,信息技术外包（ITO）,"161,000",万美元,概况2012 一(2),
2012,离岸合同签约额,,合计,3.1①,USD billion,概况2012 一(1),
2012,合同执行额占比,离岸,ITO,65.71%,percent,概况2012 一(2),
2012,people trained 2007-2012,,,"105,000",人,概况2012 一(1),
2012,培训人数,,,—,人,概况2012,
注：① 含税。
"""


@pytest.fixture
def data(tmp_path):
    """A copy of the data with one more source."""
    folder = tmp_path / "data"
    shutil.copytree(DATA_DIR, folder)
    with (folder / "sources.csv").open("a", encoding="utf-8") as book:
        book.write(f"{SOURCE},Overview of 2012,Bureau,2013,,2\n")
    return folder


@pytest.fixture
def unreconciled(monkeypatch):
    """Imports without the comparison of all estimates, which takes seconds."""
    monkeypatch.setattr("hzso_analysis.intake.differences", lambda *folders, **options: ["some differ"])


def write(folder, text, name="new.csv", encoding="gb18030"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def run(data, path, *words, answer=""):
    words = ["import", str(path), "--data-dir", str(data), *words]
    done = CliRunner().invoke(main, words, input=answer)
    assert isinstance(done.exception, SystemExit | None), "a fault is a message and never a traceback"
    return done


def refused(data, path, **options):
    with pytest.raises(DataError) as caught:
        prepare(path, data_dir=data, **{"area": "hangzhou", **options})
    return caught.value.faults


@pytest.mark.usefixtures("unreconciled")
def test_labels_become_ids_and_numbers_stay_as_printed(data, tmp_path):
    done = run(data, write(tmp_path, NEW), "--area", "hangzhou", "--source", SOURCE, "--name", "2012", "--yes")
    assert done.exit_code == 0, done.output
    figures = load_figures("hangzhou", data_dir=data).query("year == 2012")
    columns = ["indicator", "flow", "category", "measure", "since", "value", "precision", "locator", "note"]
    rows = figures[columns].astype(object).where(figures[columns].notna(), None).values.tolist()
    assert rows == [
        ["contracts executed", "offshore", "total", "level", None, 2450, 0.5, "概况2012 一(1)", "=cmd|calc"],
        ["contracts executed", "offshore", "ITO", "level", None, 1610, 0.005, "概况2012 一(2)", ""],
        ["contracts signed", "offshore", "total", "level", None, 3100, 50, "概况2012 一(1)", "marked ①"],
        ["contracts executed", "offshore", "ITO", "share", None, 65.71, pytest.approx(0.005), "概况2012 一(2)", ""],
        ["people trained", "", "total", "cumulative", 2007, 105000, 500, "概况2012 一(1)", ""],
    ]
    assert set(figures["source"]) == {SOURCE}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        *dict.fromkeys(["信息技术外包", "信息技术外包（ITO）", "ito"], "ITO").items(),
        *dict.fromkeys(["金融服务", "金融服务外包", "Financial services"], "financial services").items(),
        *dict.fromkeys(
            ["1000-3000万美元", "1000万美元至3000万美元", "USD 10-30 million"], "USD 10 to 30 million"
        ).items(),
        *dict.fromkeys(["5000万-1亿美元", "5000万～1亿美元", "usd 50 to 100 million"], "USD 50 to 100 million").items(),
    ],
)
@pytest.mark.usefixtures("unreconciled")
def test_a_category_may_be_called_by_its_short_name_or_its_range(data, tmp_path, label, name):
    text = f"年份,指标,流向,类别,数值,单位,来源\n2012,合同执行额,离岸,{label},12,亿美元,页1\n"
    prepared = prepare(write(tmp_path, text), area="hangzhou", source=SOURCE, data_dir=data)
    assert f",offshore,{name}," in prepared.text.decode("utf-8-sig")


@pytest.mark.usefixtures("unreconciled")
def test_the_written_file_opens_in_excel_and_runs_no_formula(data, tmp_path):
    raw = prepare(write(tmp_path, NEW), area="hangzhou", source=SOURCE, data_dir=data).text
    assert raw.startswith(b"\xef\xbb\xbfyear,")
    lines = raw.decode("utf-8-sig").split("\r\n")
    assert lines[1] == f"2012,,contracts executed,offshore,,,,,24.50,亿美元,,,,{SOURCE},概况2012 一(1),'=cmd|calc"
    assert lines[2].split('"')[1] == "161,000"
    assert lines[6] == f"2012,,people trained,,,,,,-,person,,,,{SOURCE},概况2012,"


def test_the_preview_shows_what_was_noticed_what_comes_and_what_moves(data, tmp_path):
    done = run(data, write(tmp_path, NEW), "--area", "hangzhou", "--source", SOURCE, answer="n\n")
    for said in (
        *("new.csv: read as gb18030", "new.csv:5: footnote mark ①", "new.csv:8: value: — is a missing number"),
        *("new.csv:9: remark, left out: 注：① 含税。", "1 亿美元 = 100 USD million: rows 3"),
        *("Figures: 5 added, 0 removed and 0 changed", "24.50 hundred million USD", "Estimates that move: "),
        "contracts executed, offshore, BPO, 2012: unknown became at most USD 840 million (bounded)",
    ):
        assert said in done.output


@pytest.mark.usefixtures("unreconciled")
@pytest.mark.parametrize(
    "text",
    [
        "年份,指标,流向,数值,单位\n2012,合同执行额,离岸,24.5,亿美元\n",
        "year,indicator,flow,value,unit,source\n2012,contracts executed,offshore,2450,USD million,\n",
    ],
)
def test_a_source_for_all_rows_stands_in_for_a_column_that_is_missing_or_blank(data, tmp_path, text):
    path = write(tmp_path, text, encoding="utf-8")
    assert f",{SOURCE}," in prepare(path, area="hangzhou", source=SOURCE, data_dir=data).text.decode("utf-8-sig")
    assert any("source" in fault for fault in refused(data, path))


@pytest.mark.usefixtures("unreconciled")
def test_nothing_is_written_before_the_answer(data, tmp_path):
    path = write(tmp_path, NEW)
    for answer, written in (("n\n", False), ("", False), ("y\n", True)):
        done = run(data, path, "--area", "hangzhou", "--source", SOURCE, answer=answer)
        assert (data / "hangzhou" / "new.csv").exists() is written
    assert done.output.endswith("new.csv: 6 rows written\n")


@pytest.mark.usefixtures("unreconciled")
def test_a_clean_file_stays_as_it_is(data):
    written = prepare(DATA_DIR / "hangzhou" / "2011.csv", area="suzhou", data_dir=data).text.decode("utf-8-sig")
    assert written.replace("\r\n", "\n") == (DATA_DIR / "hangzhou" / "2011.csv").read_text(encoding="utf-8")


def test_figures_that_the_area_has_from_the_same_source_are_left_out(data, tmp_path):
    text = "year,indicator,flow,category,value,unit,source\n"
    text += "2011,contracts executed,offshore,ITO,13.45,亿美元,一(2)\n"
    text += "2011,enterprises,离岸,enterprises above USD 10 million,24,家,x\n"
    made = prepare(write(tmp_path, text), area="hangzhou", source="hangzhou overview 2011", data_dir=data)
    assert made.rows == 0 and made.lines == []
    assert [note.rpartition(" repeats ")[0] for note in made.notes[-2:]] == ["new.csv:2:", "new.csv:3:"]
    done = run(data, tmp_path / "new.csv", "--area", "hangzhou", "--source", "hangzhou overview 2011", "--yes")
    assert done.output.endswith("nothing to import: no figure that the area does not have already\n")
    assert not (data / "hangzhou" / "new.csv").exists()


@pytest.mark.usefixtures("unreconciled")
def test_another_value_of_the_same_source_is_refused_and_of_a_later_source_is_a_new_row(data, tmp_path):
    text = "year,indicator,flow,value,unit,source\n2011,contracts executed,offshore,2034,USD million,page 1\n"
    (fault,) = refused(data, write(tmp_path, text), source="hangzhou overview 2011")
    assert fault.startswith("new.csv:2: value: found 2034 USD million; hangzhou/2011.csv:7 gives 1.872 USD billion")
    assert "a revision has a source of its own" in fault
    made = prepare(tmp_path / "new.csv", area="hangzhou", source=SOURCE, data_dir=data)
    assert (made.rows, made.lines) == (1, ["some differ"])


def test_all_faults_of_labels_and_sources_come_at_once(data, tmp_path):
    text = "year,indicator,flow,category,value,unit,source\n"
    text += "2012,growth over previous year,offshore,,5,percent,one\n"
    text += "2012,contract executed,offshore,IT0,5,USD million,one\n"
    text += "2012,contracts executed 2007-2011,offshore,,5,USD million,hangzhou overview 2011\n"
    faults = refused(data, write(tmp_path, text))
    assert [fault.split(";")[0].split(" (did")[0] for fault in faults] == [
        "new.csv:2: indicator: found growth over previous year, which is not in the codebook",
        "new.csv:3: indicator: found contract executed, which is not in the codebook",
        "new.csv:3: category: found IT0, which is not in the codebook",
        "new.csv:4: indicator: found contracts executed 2007-2011, which is not in the codebook",
        "new.csv:2: source: found one in rows 2, 3",
    ]
    assert "did you mean contracts executed?" in faults[1]
    assert "growth of contracts executed" in faults[0]
    assert not list(data.glob("hangzhou/new*"))


def test_a_slip_of_typing_hides_no_label_or_source_that_is_unknown(data, tmp_path):
    text = "year,indicator,flow,category,value,unit,source\n"
    text += "2012,contract executed,offshore,IT0,5O,USD million,one\n"
    text += "2012,contracts executed,offshore,IT0,5,USD million,one\n"
    text += "2O12,合同执行额 2007-2012,offshore,,5,USD million,hangzhou overview 2011\n"
    text += "2012,offshore contracts executed,ofshore,IT0,5,USD million,hangzhou overview 2011\n"
    faults = refused(data, write(tmp_path, text))
    assert sorted(fault.split(";")[0].split(", which")[0].split(" (did")[0] for fault in faults) == [
        "new.csv:2: category: found IT0",
        "new.csv:2: indicator: found contract executed",
        "new.csv:2: source: found one in rows 2, 3",
        "new.csv:2: value: found 5O",
        "new.csv:3: category: found IT0",
        "new.csv:4: year: found 2O12",
        "new.csv:5: category: found IT0",
        "new.csv:5: flow: found ofshore",
    ]


@pytest.mark.usefixtures("unreconciled")
@pytest.mark.parametrize(
    ("label", "flow", "found"),
    [
        ("Contracts Executed", "offshore", ("contracts executed", "offshore", "level")),
        ("离岸合同执行额", "", ("contracts executed", "offshore", "level")),
        ("服务外包离岸执行金额", "", ("contracts executed", "offshore", "level")),
        ("签约额", "offshore", ("contracts signed", "offshore", "level")),
        ("offshore contracts executed", "offshore", ("contracts executed", "offshore", "level")),
        ("share of offshore executed", "offshore", ("contracts executed", "offshore", "share")),
        ("growth of contracts signed over previous year", "offshore", ("contracts signed", "offshore", "growth")),
        ("合同签约额同比增长", "离岸", ("contracts signed", "offshore", "growth")),
    ],
)
def test_labels_say_flow_and_measure(data, tmp_path, label, flow, found):
    unit = "percent" if found[2] != "level" else "USD million"
    text = f"year,indicator,flow,category,value,unit,source\n2012,{label},{flow},ITO,5,{unit},{SOURCE}\n"
    line = prepare(write(tmp_path, text), area="hangzhou", data_dir=data).text.decode("utf-8-sig").splitlines()[1]
    cells = line.split(",")
    assert (cells[2], cells[3], cells[5] or "level") == found


def test_a_label_that_contradicts_its_row_is_refused(data, tmp_path):
    text = f"year,indicator,flow,value,unit,source\n2012,离岸合同执行额,onshore,5,USD million,{SOURCE}\n"
    (fault,) = refused(data, write(tmp_path, text))
    assert fault.startswith("new.csv:2: indicator: found 离岸合同执行额")


def test_a_file_that_is_there_is_replaced_only_when_asked(data, tmp_path, monkeypatch):
    path, words = write(tmp_path, NEW), ["--area", "hangzhou", "--source", SOURCE, "--name", "2012", "--yes"]
    with monkeypatch.context() as patch:
        patch.setattr("hzso_analysis.intake.differences", lambda *folders, **options: [])
        assert run(data, path, *words).exit_code == 0
    before = (data / "hangzhou" / "2012.csv").read_bytes()
    done = run(data, path, *words)
    assert done.exit_code == 1 and "2012.csv is there already; choose another --name, or --replace it" in done.output
    write(tmp_path, NEW.replace("24.50", "24.6"))
    assert (data / "hangzhou" / "2012.csv").read_bytes() == before
    done = run(data, path, *words, "--replace")
    assert "changed: Hangzhou, contracts executed, offshore, 2012: 24.50 hundred" in done.output
    assert b"24.6," in (data / "hangzhou" / "2012.csv").read_bytes()


def test_a_new_area_is_made_and_a_misspelt_one_is_not(data, tmp_path):
    path = write(tmp_path, NEW)
    assert "Area added: ningbo, 5 figures" in run(data, path, "--area", "ningbo", "--source", SOURCE, "--yes").output
    assert len(load_figures("ningbo", data_dir=data)) == 5
    for area, said in (("hangzo", "did you mean hangzhou?"), ("../x", "write the name of a folder")):
        done = run(data, path, "--area", area, "--source", SOURCE, "--yes")
        assert done.exit_code == 2 and said in done.output
    assert sorted(path.name for path in data.iterdir() if path.is_dir()) == ["china", "hangzhou", "ningbo"]


def test_a_folder_that_is_not_there_and_a_name_that_is_never_read_are_refused(data, tmp_path):
    done = run(tmp_path / "nowhere", write(tmp_path, NEW), "--area", "ningbo", "--yes")
    assert done.exit_code == 2 and "there is no such folder" in done.output
    done = run(data, write(tmp_path, NEW, name=".new.csv"), "--area", "ningbo", "--yes")
    assert done.exit_code == 2 and "say --name" in done.output


def test_the_first_area_of_an_empty_folder(tmp_path):
    text = "year,indicator,flow,value,unit,source\n"
    text += "2011,contracts executed,offshore,1872,USD million,hangzhou overview 2011\n"
    (tmp_path / "empty").mkdir()
    done = run(tmp_path / "empty", write(tmp_path, text), "--area", "hangzhou", "--yes")
    assert done.exit_code == 0, done.output
    assert load_figures("hangzhou", data_dir=tmp_path / "empty")["value"].tolist() == [1872]


def test_the_first_year_of_a_sum_stays_a_whole_number(data, tmp_path):
    # in the written file, where a blank above it must not turn it into 2007.0
    raw = prepare(write(tmp_path, NEW), area="hangzhou", source=SOURCE, data_dir=data).text.decode("utf-8-sig")
    assert "people trained,,,cumulative,2007,," in raw


def test_a_new_area_may_be_called_almost_like_another_once_its_folder_is_made(data, tmp_path):
    path, words = write(tmp_path, NEW), ["--area", "wenzhou", "--source", SOURCE, "--yes"]
    done = run(data, path, *words)
    assert done.exit_code == 2 and "if it is a new one, make its folder first" in done.output
    (data / "wenzhou").mkdir()
    assert "Area added: wenzhou, 5 figures" in run(data, path, *words).output


def test_nothing_is_written_where_it_would_not_be_read(data, tmp_path):
    for name in ("~$new.csv", ".new.csv"):
        done = run(data, write(tmp_path, NEW, name=name), "--area", "hangzhou", "--source", SOURCE, "--yes")
        assert done.exit_code == 2 and "would not be read as data; say --name" in done.output
    done = run(data / "nowhere", write(tmp_path, NEW), "--area", "hangzhou", "--yes")
    assert done.exit_code == 2 and "nowhere; there is no such folder" in done.output


def test_no_answer_to_the_question_writes_nothing_and_says_so(data, tmp_path):
    done = CliRunner().invoke(
        main,
        ["import", str(write(tmp_path, NEW)), "--area", "hangzhou", "--source", SOURCE, "--data-dir", str(data)],
        input="",
    )
    assert done.exit_code == 130 and "interrupted; nothing was written" in done.stderr


def test_another_new_area_does_not_wait_for_estimates_that_are_not_shown(data, tmp_path, monkeypatch):
    monkeypatch.setattr("hzso_analysis.revisions.reconcile", lambda _: pytest.fail("nothing to compare"))
    made = prepare(write(tmp_path, NEW), area="ningbo", source=SOURCE, data_dir=data)
    assert made.lines == ["Area added: ningbo, 5 figures"]
