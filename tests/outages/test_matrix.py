"""A service that hangs, fails, throttles, answers too late or serves stale reads, for a minute or an hour, costs time and
nothing else (tests/outages/judge.py says what that is).

Nobody lists the calls. They are written down under steady load, and then each is away for a while.
"""

from collections.abc import Iterable

import pytest

from tests.outages import matrix
from tests.outages.conftest import Report
from tests.outages.load import Load
from tests.outages.matrix import DAY_MINUTES, MINUTES, Cell
from tests.simulation.faults import Fault


def play(load: Load, report: Report, cells: Iterable[Cell]) -> None:
    """Keep the results for the printed matrix, and fail with those that broke a promise."""
    results = list(matrix.run_all(load, cells))
    report.results += results
    assert not [str(result) for result in results if result.breaches]


@pytest.mark.timeout(600)
def test_an_outage_costs_time_and_nothing_else(load: Load, report: Report) -> None:
    plan = matrix.recorded(load)
    cells = matrix.sample(plan)
    assert {cell.target for cell in cells} == set(plan)
    assert {cell.fault for cell in cells} == set(Fault)
    assert {cell.minutes for cell in cells} == {*MINUTES, DAY_MINUTES}
    play(load, report, cells)


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
def test_no_outage_in_any_way_and_of_any_length_breaks_a_promise(
    load: Load, report: Report
) -> None:
    play(load, report, matrix.cells(matrix.recorded(load)))
