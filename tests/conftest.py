"""What several test files share."""

import os

import pytest
from browsers import browser_or_skip, launch

from hzso_analysis import answers
from hzso_analysis.edition import Edition, open_edition


@pytest.fixture(scope="session", autouse=True)
def reconcile_each_world_once(tmp_path_factory):
    """Tests of chapters open the same editions again and again."""
    os.environ[answers.FOLDER] = str(tmp_path_factory.mktemp("reconciled"))
    yield
    os.environ.pop(answers.FOLDER, None)


@pytest.fixture(scope="session")
def hangzhou() -> Edition:
    return open_edition(area="hangzhou", year=2011)


@pytest.fixture(scope="session")
def china_2011() -> Edition:
    return open_edition(area="china", year=2011)


@pytest.fixture(scope="session")
def china_2013() -> Edition:
    return open_edition(area="china", year=2013)


@pytest.fixture(scope="session")
def china_2022() -> Edition:
    return open_edition(area="china", year=2022)


@pytest.fixture(scope="module")
def browser():
    """A running browser for the tests of one file; they are skipped, with the reason, where there is none."""
    path = browser_or_skip()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        running = launch(playwright, path)
        yield running
        running.close()


@pytest.fixture(scope="module")
def spark():
    """The connection to a Spark on two cores; it takes seconds to start."""
    pytest.importorskip("pyspark")
    from hzso_analysis import ledger  # noqa: PLC0415 (an extra)

    with pytest.MonkeyPatch.context() as patch:
        # what runs once is not worth being compiled well
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield ledger.connect("local[2]")
    from pyspark.sql import SparkSession  # noqa: PLC0415

    SparkSession.active().stop()
