"""Settings: what a function reads of its environment, or why it does not start."""

from dataclasses import dataclass

import pytest

from shared.runtime.settings import InvalidSettings, read


@dataclass(frozen=True)
class Settings:
    table_name: str
    threshold: int
    currency: str = "EUR"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"TABLE_NAME": "orders", "THRESHOLD": "5", "CURRENCY": "CHF", "OTHER": "x"},
            Settings("orders", 5, "CHF"),
        ),
        ({"TABLE_NAME": "", "THRESHOLD": "0"}, Settings("", 0, "EUR")),
    ],
)
def test_field_is_the_variable_of_its_name_in_capitals(
    environment: dict[str, str], expected: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(Settings, environment) == expected
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert read(Settings) == expected


def test_all_invalid_variables_are_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(Settings, {"THRESHOLD": "five"})
    message = "TABLE_NAME is missing; THRESHOLD must be a whole number, not 'five'"
    assert str(raised.value) == message
