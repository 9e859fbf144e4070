"""A function may die, hang or lose an answer at any of its calls to AWS: no promise is broken by
it.

There is no list of calls: they are recorded while a scenario is played, and then each is made to
fail.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.crashes import matrix
from tests.crashes.matrix import Play, Point
from tests.crashes.scenarios import SCENARIOS, Scenario
from tests.simulation.faults import TRANSACTION, Call, Mode
from tests.simulation.shop import SimulatedShop

type Say = Callable[[str], None]

_known: set[Call] = set()


def _each(scenarios: Sequence[Scenario]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", scenarios, ids=lambda scenario: scenario.name)


on_every_scenario = _each(SCENARIOS)
on_an_order_s_path = _each([s for s in SCENARIOS if s.name.startswith(("order", "cancel"))])


@pytest.fixture(autouse=True, scope="module")
def silence() -> Iterator[None]:
    """The output of a thousand plays is not needed."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def judge(say: Say, title: str, calls: tuple[Call, ...], points: list[Point]) -> None:
    """Print what was played, and fail with the points that broke a promise."""
    broken = [str(point) for point in points if point.breaches]
    say(f"{title}: {len(calls)} calls, {len(points)} points, {len(broken)} broke a promise")
    assert all(point.met.keys() == point.plan.keys() for point in points)
    assert not broken


@pytest.mark.timeout(600)
@on_every_scenario
def test_promises_hold_when_one_call_to_aws_fails(
    shop: SimulatedShop, say: Say, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    judge(say, scenario.name, calls, play.run_all(matrix.sample(calls, _known)))


@pytest.mark.timeout(600)
@_each([s for s in SCENARIOS if s.name.startswith("flash sale")])
def test_promises_hold_when_a_move_of_stock_fails(
    shop: SimulatedShop, say: Say, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    # Transactions that are alike move units to different places.
    moves = [
        {n: mode}
        for n, call in enumerate(calls)
        if call.operation == TRANSACTION and call.about == "ProductsTable"
        for mode in matrix.DEATHS
    ]
    judge(say, scenario.name, calls, play.run_all(moves))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_every_scenario
def test_promises_hold_when_any_call_fails_in_any_mode(
    shop: SimulatedShop, say: Say, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    judge(say, scenario.name, calls, play.run_all(matrix.singles(calls)))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_an_order_s_path
def test_promises_hold_after_two_crashes(shop: SimulatedShop, say: Say, scenario: Scenario) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    firsts = [{n: mode} for n in range(len(calls)) for mode in matrix.DEATHS]
    plans = [plan for point in play.run_all(firsts) for plan in matrix.pairs(point)]
    judge(say, f"two crashes: {scenario.name}", calls, play.run_all(plans))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@on_an_order_s_path
def test_promises_hold_when_a_stalled_function_resumes(
    shop: SimulatedShop, say: Say, scenario: Scenario
) -> None:
    play = Play(shop, scenario)
    calls = play.record()
    stalled = play.run_all([{n: Mode.STALLS} for n in range(len(calls))])
    plans = [plan for point in stalled for plan in matrix.zombies(point)]
    judge(say, f"zombies: {scenario.name}", calls, play.run_all(plans))
