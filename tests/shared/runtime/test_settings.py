"""Settings: what a function reads of its environment, or why it does not start."""

from dataclasses import FrozenInstanceError, dataclass

import pytest

from shared.runtime.settings import InvalidSettings, read


@dataclass(frozen=True)
class Settings:
    table_name: str
    threshold: int
    currency: str = "EUR"


def test_each_field_is_a_variable_of_its_name_in_capitals() -> None:
    environment = {"TABLE_NAME": "orders", "THRESHOLD": "5", "CURRENCY": "CHF", "OTHER": "x"}
    assert read(Settings, environment) == Settings("orders", 5, "CHF")


def test_a_field_with_a_default_may_be_missing() -> None:
    assert read(Settings, {"TABLE_NAME": "orders", "THRESHOLD": "5"}).currency == "EUR"


def test_a_variable_may_be_empty() -> None:
    assert read(Settings, {"TABLE_NAME": "", "THRESHOLD": "0"}) == Settings("", 0)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(Settings, {"THRESHOLD": "five"})
    said = str(raised.value)
    assert said == "TABLE_NAME is missing; THRESHOLD must be a whole number, not 'five'"


def test_the_process_environment_is_read_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TABLE_NAME", "orders")
    monkeypatch.setenv("THRESHOLD", "7")
    assert read(Settings) == Settings("orders", 7)


def test_settings_do_not_change() -> None:
    settings = read(Settings, {"TABLE_NAME": "orders", "THRESHOLD": "5"})
    with pytest.raises(FrozenInstanceError):
        settings.table_name = "other"  # type: ignore[misc]  # that is what is tested
