"""A function's entry: built once, in Lambda at import, and elsewhere not before it is called."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import pytest

from shared.runtime import aws
from shared.runtime.entry import Entry, Handler, UnhandledError
from shared.runtime.settings import InvalidSettings


@pytest.fixture(autouse=True)
def no_clients_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "_clients", WeakSet())


@dataclass(frozen=True)
class Settings:
    table_name: str


class Builder:
    """Counts how often it builds."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self, settings: Settings) -> Handler:
        self.built += 1

        def handle(event: dict[str, Any], context: Any) -> Any:
            return {"table": settings.table_name, "event": event, "context": context}

        return handle


def test_outside_of_lambda_an_import_builds_nothing() -> None:
    build = Builder()
    Entry(build, Settings)
    assert build.built == 0


def test_the_first_call_builds_and_the_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "orders")
    build = Builder()
    handler = Entry(build, Settings)
    for number in range(3):
        answer = handler({"number": number}, "context")
        assert answer == {"table": "orders", "event": {"number": number}, "context": "context"}
    assert build.built == 1


def test_in_lambda_it_is_built_in_the_init_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-api")
    monkeypatch.setenv("TABLE_NAME", "orders")
    build = Builder()
    handler = Entry(build, Settings)
    assert build.built == 1
    handler({}, None)
    assert build.built == 1


def test_in_lambda_a_missing_variable_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-api")
    monkeypatch.delenv("TABLE_NAME", raising=False)
    with pytest.raises(InvalidSettings, match="TABLE_NAME is missing"):
        Entry(Builder(), Settings)


def test_the_environment_is_read_at_the_build_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "orders")
    handler = Entry(Builder(), Settings)
    handler({}, None)
    monkeypatch.setenv("TABLE_NAME", "other")
    assert handler({}, None)["table"] == "orders"


def test_of_what_a_handler_raises_only_kind_and_place_leave_it() -> None:
    def handle(event: dict[str, Any], _context: Any) -> Any:
        return event["nobody.knows@this.example"]

    @dataclass(frozen=True)
    class NoSettings:
        pass

    with pytest.raises(UnhandledError) as raised:
        Entry(lambda _: handle, NoSettings)({}, None)
    line = handle.__code__.co_firstlineno + 1
    assert type(raised.value).__name__ == "KeyError"
    assert str(raised.value) == f"KeyError at {__name__}:{line}"
    assert raised.traceback[-1].name == "handle"
    assert raised.value.__suppress_context__
