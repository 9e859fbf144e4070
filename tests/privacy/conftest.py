"""A simulated shop, and what its functions log."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.simulation.town import Town
from tests.support.privacy import EAVESDROPPER, PRIVACY, Eavesdropper


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Town, Callable[[], None]]]:
    with Town() as town:
        yield town, town.remember()


@pytest.fixture
def town(opened: tuple[Town, Callable[[], None]]) -> Iterator[Town]:
    town, restore = opened
    yield town
    restore()


@pytest.fixture
def http(town: Town) -> Iterator[httpx.Client]:
    transport = httpx.MockTransport(town.answer)
    with httpx.Client(base_url="https://shop.example", transport=transport) as client:
        yield client


@pytest.fixture
def heard(request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """What this test has logged so far; it holds no personal data."""
    eavesdropper = request.config.pluginmanager.get_plugin(EAVESDROPPER)
    assert isinstance(eavesdropper, Eavesdropper)

    def heard() -> list[str]:
        assert PRIVACY.found_in(eavesdropper.lines) == []
        return eavesdropper.lines

    return heard
