"""Fixtures for the users' tests."""

import pytest

from tests.users.shop import Shop


@pytest.fixture
def shop() -> Shop:
    """The users service on fakes, with nobody registered."""
    return Shop()
