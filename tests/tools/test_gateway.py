"""What the local front does in API Gateway's place; tests/stack shows the rest."""

import json

import pytest

from tools.local import gateway
from tools.template import template

_RESPONSES = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]


def test_headers_are_renamed_dropped_or_left_alone() -> None:
    given = [
        (b"www-authenticate", b"Bearer"),
        (b"via", b"1.1 us"),
        (b"etag", b"1"),
        (b"etag", b"2"),
    ]
    renamed = (b"x-amzn-remapped-www-authenticate", b"Bearer")
    assert gateway.renamed(given) == [renamed, (b"etag", b"1"), (b"etag", b"2")]


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [
        (403, 404, "not-found"),
        (500, 503, "service-unavailable"),
        (502, 503, "service-unavailable"),
        (504, 503, "service-unavailable"),
    ],
)
def test_its_own_answers_are_those_of_the_template(status: int, answered: int, code: str) -> None:
    found, headers, content = gateway.answer(_RESPONSES, status)
    document = json.loads(content)
    assert (found, document["type"]) == (answered, f"/problems/{code}")
    given = dict(headers)
    assert given[b"x-request-id"].decode() == document["request_id"]
    assert (b"retry-after" in given) == (answered == 503)
