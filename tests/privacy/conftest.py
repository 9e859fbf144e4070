"""A simulated shop, and what its functions log."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.simulation.shop import SimulatedShop
from tests.support.privacy import EAVESDROPPER, PRIVACY, Eavesdropper


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[SimulatedShop, Callable[[], None]]]:
    with SimulatedShop() as shop:
        yield shop, shop.remember()


@pytest.fixture
def shop(opened: tuple[SimulatedShop, Callable[[], None]]) -> Iterator[SimulatedShop]:
    shop, restore = opened
    yield shop
    restore()


@pytest.fixture
def http(shop: SimulatedShop) -> Iterator[httpx.Client]:
    transport = httpx.MockTransport(shop.answer)
    with httpx.Client(base_url="https://shop.example", transport=transport) as client:
        yield client


@pytest.fixture
def log_lines(request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """What this test has logged so far; it holds no personal data."""
    eavesdropper = request.config.pluginmanager.get_plugin(EAVESDROPPER)
    assert isinstance(eavesdropper, Eavesdropper)

    def log_lines() -> list[str]:
        assert PRIVACY.found_in(eavesdropper.lines) == []
        return eavesdropper.lines

    return log_lines
