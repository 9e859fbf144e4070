"""Fixtures for all tests."""

import os
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.aws import mocked_account

# Powertools reads these when its loggers and metrics are first asked for.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Bodega")

# `--hypothesis-profile=torture`: what is generated quickly by default, a hundred times as often.
settings.register_profile(
    "torture", max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def account() -> Iterator[None]:
    """An empty mocked AWS account."""
    with mocked_account():
        yield


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints, whatever pytest captures: the figures of a proof that takes a while."""

    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}")
            sys.stdout.flush()

    return say
