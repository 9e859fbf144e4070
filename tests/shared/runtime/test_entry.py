"""A function's entry: built once, in Lambda at import, and elsewhere at the first call."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import pytest

from shared.runtime import aws
from shared.runtime.entry import Entry, Handler, UnhandledError
from shared.runtime.settings import InvalidSettings


@dataclass(frozen=True)
class Settings:
    table_name: str


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "_clients", WeakSet())  # without those of other tests
    monkeypatch.setenv("TABLE_NAME", "orders")


@pytest.mark.parametrize("is_lambda", [True, False])
def test_entry_builds_once_from_its_environment(
    is_lambda: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_lambda:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-api")
    built: list[Settings] = []

    def build(settings: Settings) -> Handler:
        built.append(settings)
        return lambda event, context: (event, context)

    handler = Entry(build, Settings)
    assert len(built) == is_lambda
    for number in range(3):
        assert handler({"number": number}, "context") == ({"number": number}, "context")
        monkeypatch.setenv("TABLE_NAME", "other")
    assert built == [Settings("orders")]


def test_missing_variable_stops_the_start_in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-api")
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(InvalidSettings, match="TABLE_NAME is missing"):
        Entry(lambda _: lambda event, _context: event, Settings)


def test_unhandled_error_shows_only_its_kind_and_place() -> None:
    def handle(event: dict[str, Any], _context: Any) -> Any:
        return event["nobody.knows@this.example"]

    with pytest.raises(UnhandledError) as raised:
        Entry(lambda _: handle, Settings)({}, None)
    line = handle.__code__.co_firstlineno + 1
    assert type(raised.value).__name__ == "KeyError"
    assert str(raised.value) == f"KeyError at {__name__}:{line}"
    assert raised.traceback[-1].name == "handle"
    assert raised.value.__suppress_context__
