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


def test_a_runtime_is_ready_while_it_waits_and_not_while_it_works() -> None:
    with RuntimeApi("arn:aws:lambda:eu-west-1:000000000000:function:F", timeout=5) as api:
        assert not api.ready.is_set()
        waiting = threading.Thread(target=_next, args=(api.address,))
        waiting.start()
        assert api.ready.wait(5)
        invocation = api.invoke(b"{}")
        waiting.join(5)
        assert invocation.begun.is_set()
        assert not api.ready.is_set()


def test_a_runtime_that_finds_an_invocation_did_not_wait() -> None:
    with RuntimeApi("arn:aws:lambda:eu-west-1:000000000000:function:F", timeout=5) as api:
        invocation = api.invoke(b'{"a": 1}')
        assert _next(api.address) == (invocation.id, b'{"a": 1}')
        assert not api.ready.is_set()


@pytest.mark.parametrize(
    ("trace", "members"),
    [
        (Trace.SAMPLED, {"Root", "Parent", "Sampled", "Lineage"}),
        (Trace.UNSAMPLED, {"Root", "Parent", "Sampled", "Lineage"}),
        (Trace.PASSED_THROUGH, {"Root", "Lineage"}),
        (Trace.MISSING, set()),
    ],
)
def test_an_invocation_has_the_trace_header_that_was_asked_for(
    trace: Trace, members: set[str]
) -> None:
    header = trace.header().get("Lambda-Runtime-Trace-Id", "")
    assert {part.partition("=")[0] for part in header.split(";") if part} == members
