"""What a log line has."""

import json
from logging import LogRecord

import pytest

from shared.runtime import logging


def line(monkeypatch: pytest.MonkeyPatch, trace: str) -> dict[str, object]:
    """A line of an invocation with this trace header."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    record = LogRecord("shop", 20, __file__, 1, "handled order.placed", None, None)
    record.taskName = "Task-1"
    logged: dict[str, object] = json.loads(logging.logger().registered_formatter.format(record))
    return logged


def test_line_has_the_ids_of_its_request_and_what_was_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logging.begin("request-1", event_id="1.1")
    logging.add(order_id="1")
    logged = line(monkeypatch, "Root=1-a;Lineage=1:b:0")
    assert logged.keys() == {
        *("level", "message", "timestamp", "service"),
        *("request_id", "event_id", "order_id"),
    }
    logging.begin("request-2")
    logged = line(monkeypatch, "")
    assert logged["request_id"] == "request-2"
    assert "order_id" not in logged


@pytest.mark.parametrize(("sampled", "is_named"), [("1", True), ("0", False)])
def test_line_names_a_trace_only_if_x_ray_has_it(
    monkeypatch: pytest.MonkeyPatch, sampled: str, is_named: bool
) -> None:
    logged = line(monkeypatch, f"Root=1-a;Parent=c;Sampled={sampled}")
    assert ("xray_trace_id" in logged) is is_named
