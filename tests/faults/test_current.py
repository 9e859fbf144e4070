"""Which fault is on: read every few seconds, and over at its end."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError

from faults.current import Current
from faults.plan import Fault

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NOW = 1_800_000_000.0


class Shop:
    """A parameter, and what a function draws."""

    def __init__(self) -> None:
        self.value, self.reads, self.seconds, self.random = "{}", 0, 0.0, 0.0
        self.error: Exception | None = None
        self._current = Current(
            cast("SSMClient", self),
            "/the/parameter",
            seconds=lambda: self.seconds,
            now=lambda: NOW + self.seconds,
            random=lambda: self.random,
        )

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803  # boto3's names
        assert Name == "/the/parameter"
        self.reads += 1
        if self.error:
            raise self.error
        return {"Parameter": {"Value": self.value}}

    def begin(self, *, rate: float = 1, seconds: float = 60) -> None:
        self.value = Fault("inventory", "error", rate, NOW + seconds).written()

    def draw(self, target: str = "inventory", *, after: float = 0) -> str | None:
        self.seconds += after
        return self._current.draw(target)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_fault_is_noticed_within_seconds_and_the_parameter_not_read_at_each_call(
    shop: Shop,
) -> None:
    assert shop.draw() is None
    shop.begin()
    assert [shop.draw(), shop.draw(after=2.9)] == [None, None]
    assert shop.reads == 1
    assert shop.draw(after=0.1) == "error"
    assert shop.draw("dynamodb") is None
    assert shop.reads == 2


def test_forgotten_fault_ends_by_itself(shop: Shop) -> None:
    shop.begin(seconds=60)
    assert [shop.draw(), shop.draw(after=59), shop.draw(after=1)] == ["error", "error", None]


def test_rate_is_the_share_of_the_calls(shop: Shop) -> None:
    shop.begin(rate=0.5)
    found = []
    for shop.random in (0, 0.49, 0.5, 0.99):
        found.append(shop.draw())
    assert found == ["error", "error", None, None]


def test_last_state_is_kept_while_the_parameter_cannot_be_read(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.error = ReadTimeoutError(endpoint_url="https://ssm.example")
    assert [shop.draw(), shop.draw()] == [None, None]
    assert shop.reads == 1
    shop.begin()
    shop.error = None
    assert shop.draw(after=3) == "error"
    shop.error = ReadTimeoutError(endpoint_url="https://ssm.example")
    assert shop.draw(after=3) == "error"


def _inventory(**values: object) -> str:
    return json.dumps({**asdict(Fault("inventory", "error", 1, NOW + 60)), **values})


@pytest.mark.parametrize(
    "value",
    [
        *("", "nonsense", "[]", '{"target": "inventory"}', '"x"', "7"),
        *(_inventory(target=[]), _inventory(rate="x"), _inventory(rate=None), _inventory(rate=2)),
        *(_inventory(until=1e20), _inventory(until=float("inf")), _inventory(until="later")),
    ],
)
def test_unreadable_parameter_is_no_fault(shop: Shop, value: str) -> None:
    shop.value = value
    assert shop.draw() is None
