"""The parameters of a notebook: strict, whatever type they arrive in."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hzso_analysis.constraints import Cell
from hzso_analysis.edition import describe, find, match, open_edition, printed_rows, truth, whole_year


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


def compared(edition, cell):
    """What `find` should say of a cell, by comparing whole columns."""
    rows = match(edition.reconciliation.estimates, cell._asdict())
    rows = rows[rows["status"] != "unknown"]
    if rows.empty:
        return None
    low, high, status = rows.iloc[0][["low", "high", "status"]]
    if cell.unit == "count":  # of things there are whole numbers
        low, high = math.ceil(low), high if math.isinf(high) else math.floor(high)
    return [low, high, status]


def test_what_is_looked_up_is_what_comparing_whole_columns_finds(hangzhou):
    known = hangzhou.reconciliation
    other = known.estimates.assign(low=-1.0, status="derived")
    twice = replace(known, estimates=pd.concat([known.estimates, other]), figures=pd.concat([known.figures] * 2))
    for edition in (hangzhou, hangzhou._replace(reconciliation=twice)):
        for cell in map(Cell._make, known.estimates[list(Cell._fields)][::5].itertuples(index=False)):
            found = find(edition, **cell._asdict())
            assert (found and [found.low, found.high, found.status]) == compared(edition, cell)
            if found:
                assert found.cell == cell
                pd.testing.assert_frame_equal(
                    found.rows, match(edition.reconciliation.figures, cell._asdict() | {"measure": "level"})
                )


def test_a_number_of_things_is_whole_where_a_whole_number_fits(hangzhou):
    everyone = Cell("hangzhou", 2011, "", "enterprises", "offshore", "total", "count")
    assert match(hangzhou.reconciliation.estimates, everyone._asdict())["low"].iloc[0] == pytest.approx(70.29, abs=0.01)
    found = find(hangzhou, **everyone._asdict())
    assert (found.low, found.high, found.status) == (71, math.inf, "bounded")
    narrow = hangzhou.reconciliation.estimates.assign(low=70.2, high=70.8, status="derived")
    edition = hangzhou._replace(reconciliation=replace(hangzhou.reconciliation, estimates=narrow))
    assert find(edition, **everyone._asdict())[1:3] == (70.2, 70.8)


def test_without_a_period_the_longest_is_found_and_usd_before_cny(hangzhou):
    name, columns = "contracts executed", hangzhou.reconciliation.estimates.columns

    def found(parts, **key):
        rows = [("x", 2011, months, name, "all", "total", unit, 1.0, 2.0, "bounded") for months, unit in parts]
        known = replace(hangzhou.reconciliation, estimates=pd.DataFrame(rows, columns=columns))
        quantity = find(hangzhou._replace(area="x", reconciliation=known), name, "all", **key)
        return quantity and (quantity.cell.months, quantity.cell.unit)

    parts = [("1 to 6", "USD million"), ("1 to 9", "USD million"), ("5 to 12", "USD million")]
    years = [("", "CNY million"), ("", "USD million")]
    assert found([*parts, *years]) == ("", "USD million")
    assert found([*parts, *years], unit="CNY million") == ("", "CNY million")
    assert found(parts) == ("1 to 9", "USD million")
    assert found(parts, months="") is None


def test_rows_that_a_caller_changes_do_not_spoil_the_next_and_look_ups_are_not_kept_in_a_file(hangzhou):
    key = ("contracts executed", "offshore", "total", "level")
    first = printed_rows(hangzhou, *key)
    before = first["value"].tolist()
    first.loc[:, "value"] = 0.0
    assert printed_rows(hangzhou, *key)["value"].tolist() == before != []
    kept = pickle.loads(pickle.dumps(hangzhou.reconciliation))
    assert set(kept.__dict__) == set(kept.__dataclass_fields__) < set(hangzhou.reconciliation.__dict__)
