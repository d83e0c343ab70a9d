"""What several test files share."""

import os

import pytest

from hzso_analysis.edition import CACHE, Edition, open_edition


@pytest.fixture(scope="session", autouse=True)
def reconcile_each_world_once(tmp_path_factory):
    """Tests of chapters open the same editions again and again."""
    os.environ[CACHE] = str(tmp_path_factory.mktemp("reconciled"))
    yield
    os.environ.pop(CACHE, None)


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
