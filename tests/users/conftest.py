"""Fixtures for the users' tests."""

import pytest

from tests.users.service import Service


@pytest.fixture
def service() -> Service:
    """The users service on fakes, without users."""
    return Service()
