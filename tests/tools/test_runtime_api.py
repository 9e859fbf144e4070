"""The Runtime API: when its runtime waits."""

import threading
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tools.runtime_api import RuntimeApi, Trace


def _next(address: str) -> tuple[str, bytes]:
    """Ask for the next invocation, as a runtime does; its id and event."""
    with closing(HTTPConnection(address)) as connection:
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        response = connection.getresponse()
        return str(response.headers["Lambda-Runtime-Aws-Request-Id"]), response.read()


def test_runtime_is_ready_while_it_waits_for_an_invocation() -> None:
    with RuntimeApi("arn:aws:lambda:eu-west-1:000000000000:function:F", timeout=5) as api:
        assert not api.ready.is_set()
        waiting = threading.Thread(target=_next, args=(api.address,))
        waiting.start()
        assert api.ready.wait(5)
        invocation = api.invoke(b"{}")
        waiting.join(5)
        assert invocation.begun.is_set()
        assert not api.ready.is_set()
        invocation = api.invoke(b'{"a": 1}')
        assert _next(api.address) == (invocation.id, b'{"a": 1}')
        assert not api.ready.is_set()


@pytest.mark.parametrize(
    ("trace", "members"),
    [
        (Trace.SAMPLED, {"Root", "Parent", "Sampled", "Lineage"}),
        (Trace.PASSED_THROUGH, {"Root", "Lineage"}),
        (Trace.MISSING, set()),
    ],
)
def test_invocation_has_the_trace_header(trace: Trace, members: set[str]) -> None:
    header = trace.header().get("Lambda-Runtime-Trace-Id", "")
    assert {part.partition("=")[0] for part in header.split(";") if part} == members
