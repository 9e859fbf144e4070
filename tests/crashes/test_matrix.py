"""A function may die, hang or lose an answer at any of its calls to AWS: no promise is broken by
it.

There is no list of calls: they are recorded while a scenario is played, and then each is made to
fail.
"""

from collections.abc import Callable

import pytest

from tests.crashes import matrix
from tests.crashes.matrix import Play, Point
from tests.crashes.scenarios import SCENARIOS, Scenario
from tests.simulation.faults import Call, Mode
from tests.simulation.shop import SimulatedShop

type Say = Callable[[str], None]

_known: set[Call] = set()
on_every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
on_the_order_s_path = pytest.mark.parametrize(
    "scenario",
    [s for s in SCENARIOS if s.name.startswith(("order", "cancel"))],
    ids=lambda s: s.name,
)


def show(say: Say, title: str, calls: tuple[Call, ...], points: list[Point]) -> None:
    """Print what was played, and fail with the points that broke a promise."""
    broken = [str(point) for point in points if point.breaches]
    doubled = sum(point.doubled_in_window > 0 for point in points)
    say(
        f"{title}: {len(calls)} calls, {len(points)} points, {len(broken)} broke a promise,"
        f" {doubled} doubled an e-mail"
    )
    assert not matrix.unmet(points)
    assert not broken


@on_every_scenario
def test_promises_hold_when_one_call_to_aws_fails(
    shop: SimulatedShop, say: Say, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    points = list(play.run_all(matrix.sample(calls, _known)))
    assert _known >= set(calls)
    show(say, scenario.name, calls, points)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_every_scenario
def test_promises_hold_when_any_call_fails_in_any_mode(
    shop: SimulatedShop, say: Say, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    show(say, scenario.name, calls, list(play.run_all(matrix.singles(calls))))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_the_order_s_path
def test_promises_hold_after_two_crashes(shop: SimulatedShop, say: Say, scenario: Scenario) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    firsts = [{n: mode} for n in range(len(calls)) for mode in matrix.DEATHS]
    plans = [plan for point in play.run_all(firsts) for plan in matrix.pairs(point)]
    show(say, f"two crashes: {scenario.name}", calls, list(play.run_all(plans)))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_the_order_s_path
def test_promises_hold_when_a_stalled_function_resumes(
    shop: SimulatedShop, say: Say, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    stalled = list(play.run_all([{n: Mode.STALLS} for n in range(len(calls))]))
    plans = [plan for point in stalled for plan in matrix.zombies(point)]
    show(say, f"zombies: {scenario.name}", calls, list(play.run_all(plans)))
