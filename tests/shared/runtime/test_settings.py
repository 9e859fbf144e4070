"""Settings: what a function reads of its environment, or why it does not start."""

from dataclasses import dataclass

import pytest

from shared.runtime.settings import InvalidSettings, read


@dataclass(frozen=True)
class Settings:
    table_name: str
    threshold: int


def test_field_is_the_variable_of_its_name_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"TABLE_NAME": "", "THRESHOLD": "5", "OTHER": "x"}
    assert read(Settings, given) == Settings("", 5)
    monkeypatch.setenv("TABLE_NAME", "orders")
    monkeypatch.setenv("THRESHOLD", "0")
    assert read(Settings) == Settings("orders", 0)


def test_all_invalid_variables_are_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(Settings, {"THRESHOLD": "five"})
    message = "TABLE_NAME is missing; THRESHOLD must be a whole number, not 'five'"
    assert str(raised.value) == message
