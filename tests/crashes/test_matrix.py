"""A function may die, hang or lose an answer at any of its calls to AWS: no promise is broken by it.

Nobody lists the calls. They are written down while a scenario is played, and then each is made to fail.
"""

import pytest

from tests.crashes import matrix
from tests.crashes.conftest import Report
from tests.crashes.matrix import Play, Point
from tests.crashes.scenarios import SCENARIOS, Scenario
from tests.simulation.faults import Call, Mode
from tests.simulation.shop import SimulatedShop

_known: set[Call] = set()
on_every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
on_the_order_s_path = pytest.mark.parametrize(
    "scenario",
    [s for s in SCENARIOS if s.name.startswith(("order", "cancel"))],
    ids=lambda s: s.name,
)


def show(report: Report, title: str, calls: tuple[Call, ...], points: list[Point]) -> None:
    """Keep the points for the printed matrix, and fail with those that broke a promise."""
    report.add(title, len(calls), points)
    assert not matrix.unmet(points)
    assert not [str(point) for point in points if point.breaches]


@on_every_scenario
def test_no_failure_of_a_single_cloud_call_breaks_a_promise(
    shop: SimulatedShop, report: Report, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    points = list(play.run_all(matrix.rotating(calls, _known)))
    assert {number for point in points for number in point.met} == set(range(len(calls)))
    show(report, scenario.name, calls, points)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_every_scenario
def test_no_failure_of_a_cloud_call_in_any_mode_breaks_a_promise(
    shop: SimulatedShop, report: Report, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    show(report, scenario.name, calls, list(play.run_all(matrix.singles(calls))))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_the_order_s_path
def test_no_two_crashes_break_a_promise(
    shop: SimulatedShop, report: Report, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    firsts = [{n: mode} for n in range(len(calls)) for mode in matrix.DEATHS]
    plans = [plan for point in play.run_all(firsts) for plan in matrix.pairs(point)]
    show(report, f"two crashes: {scenario.name}", calls, list(play.run_all(plans)))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_the_order_s_path
def test_whoever_was_taken_for_dead_may_go_on_at_any_moment(
    shop: SimulatedShop, report: Report, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    stalled = list(play.run_all([{n: Mode.STALLS} for n in range(len(calls))]))
    plans = [plan for point in stalled for plan in matrix.zombies(point)]
    show(report, f"zombies: {scenario.name}", calls, list(play.run_all(plans)))
