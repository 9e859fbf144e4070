"""A service that hangs, fails, throttles, answers too late or serves stale reads, for a minute or
an hour, costs time and nothing else (tests/outages/judge.py says what that is).

There is no list of calls: they are recorded under steady load, and then each meets outages.
"""

from collections.abc import Callable, Iterable
from functools import partial

import pytest

from tests.outages import matrix
from tests.outages.load import Load
from tests.outages.matrix import DAY_MINUTES, MINUTES, Cell
from tests.simulation.faults import Fault
from tests.simulation.stripe import PAYMENTS
from tests.support.forks import each_in_a_fork

type Say = Callable[[str], None]


def play(load: Load, say: Say, cells: Iterable[Cell]) -> None:
    """Print what was played, and fail with the outages that broke a promise."""
    results = list(each_in_a_fork(partial(matrix.play, load), cells))
    broken = [str(result) for result in results if result.breaches]
    slowest = max(results, key=lambda result: result.drained_seconds)
    say(
        f"{len(results)} outages, {len(broken)} broke a promise; the slowest drain was that of"
        f" {slowest.cell}: {slowest.drained_seconds:.0f} s"
    )
    assert not broken


@pytest.mark.timeout(600)
def test_an_outage_costs_time_only(load: Load, say: Say) -> None:
    plan = matrix.recorded(load)
    cells = matrix.sample(plan)
    assert {cell.target for cell in cells} == set(plan)
    assert {cell.fault for cell in cells} == set(Fault)
    assert {cell.minutes for cell in cells} == {*MINUTES, DAY_MINUTES}
    play(load, say, cells)


@pytest.mark.timeout(600)
def test_an_outage_of_stripe_costs_time_only(stripe_load: Load, say: Say) -> None:
    plan = matrix.recorded(stripe_load)
    requests = {target: plan[target] for target in plan if target.service == PAYMENTS}
    play(stripe_load, say, matrix.sample(requests))


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
def test_an_outage_of_stripe_costs_time_only_in_any_form_and_length(
    stripe_load: Load, say: Say
) -> None:
    plan = matrix.recorded(stripe_load)
    cells = [cell for cell in matrix.cells(plan) if cell.target.service == PAYMENTS]
    play(stripe_load, say, cells)


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
def test_an_outage_costs_time_only_in_any_form_and_length(load: Load, say: Say) -> None:
    play(load, say, matrix.cells(matrix.recorded(load)))
