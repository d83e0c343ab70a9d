"""The parameters of a notebook: strict, whatever type they arrive in."""

import numpy as np
import pytest

from hzso_analysis.edition import describe, open_edition, truth, whole_year


@pytest.mark.parametrize("year", [2010, "2010", 2010.0, "2010.0", "２０１０", "2010年", " 2010 ", np.int64(2010)])
def test_a_year_is_the_same_in_every_form(year):
    assert whole_year(year) == 2010


@pytest.mark.parametrize(
    "year", [12, "20x2", 2012.5, "2010*", True, None, "", "2010-2011", "02010", -2010, [2010], "٢٠١٠"]
)
def test_what_is_no_year_is_refused_with_the_accepted_form(year):
    with pytest.raises(ValueError, match=r"^write a four-digit year such as 2011$"):
        whole_year(year)
    with pytest.raises(ValueError, match=r"^year: found .*; write a four-digit year such as 2011$"):
        open_edition(year=year)


@pytest.mark.parametrize(("value", "said"), [(True, True), ("YES", True), ("１", True), (0, False), (" false ", False)])
def test_on_or_off_is_understood_strictly(value, said):
    assert truth(value) is said


@pytest.mark.parametrize("value", ["nein", "", None, 2, "0.0"])
def test_what_is_neither_on_nor_off_is_refused(value):
    with pytest.raises(ValueError, match=r"^show_code: found .*; write true, yes, 1, false, no or 0$"):
        open_edition(show_code=value)


def test_all_wrong_parameters_are_named_at_once():
    with pytest.raises(ValueError) as error:
        open_edition(area="hangzo", year=None, compare_with=None, total_basis="guess", show_code="perhaps")
    names = [line.split(":")[0] for line in str(error.value).splitlines()]
    assert names == ["area", "compare_with", "total_basis", "year", "show_code"]


def test_a_folder_that_papermill_made_a_number_is_refused():
    with pytest.raises(ValueError, match=r"^data_dir: found 5; write a folder or leave it blank$"):
        open_edition(data_dir=5)


def test_a_comparison_that_is_left_out_is_said_with_its_reason():
    assert "Compared with China: " in describe(open_edition())
    assert "Not compared: Chna has no figures. " in describe(open_edition(compare_with="chna"))
    assert "Not compared with another area. " in describe(open_edition(area="china", compare_with="china"))
    assert "Not compared with another area. " in describe(open_edition(compare_with=""))
