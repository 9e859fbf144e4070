"""The evaluators that say what a role allows."""

from collections.abc import Iterator

import pytest

from tests.privileges.plays import asked
from tests.support.evaluators import Evaluator, iam_simulate, our_evaluator
from tests.support.policies import Request


@pytest.fixture(scope="session")
def calls() -> dict[str, list[Request]]:
    """What each function asks for, by every reading."""
    return asked()


@pytest.fixture(scope="session")
def second_opinion() -> Iterator[Evaluator]:
    with iam_simulate() as evaluator:
        yield evaluator


@pytest.fixture(params=["our evaluator", "iam-simulate"])
def evaluator(request: pytest.FixtureRequest) -> Evaluator:
    if request.param == "our evaluator":
        return our_evaluator
    decided_elsewhere: Evaluator = request.getfixturevalue("second_opinion")
    return decided_elsewhere
