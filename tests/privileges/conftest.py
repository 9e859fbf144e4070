"""What functions ask of AWS, and the evaluator that decides what their roles allow."""

from collections.abc import Iterator

import pytest

from tests.privileges.plays import asked
from tests.support.evaluators import Evaluator, iam_simulate
from tests.support.policies import Request


@pytest.fixture(scope="session")
def calls() -> dict[str, list[Request]]:
    """What each function asks for, by every reading."""
    return asked()


@pytest.fixture(scope="session")
def evaluator() -> Iterator[Evaluator]:
    with iam_simulate() as evaluator:
        yield evaluator
