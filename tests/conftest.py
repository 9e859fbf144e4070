"""Fixtures for all tests."""

import os
from collections.abc import Iterator

import pytest

from tests.support.aws import mocked_account

# Powertools reads these when its loggers and metrics are first asked for.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Bodega")


@pytest.fixture
def account() -> Iterator[None]:
    """An empty mocked AWS account."""
    with mocked_account():
        yield
