"""What the local front does in API Gateway's place."""

import json

import pytest

from tools.local import gateway
from tools.template import template

_RESPONSES = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]


def test_headers_are_renamed_dropped_or_left_alone() -> None:
    given = [
        (b"www-authenticate", b"Bearer"),
        (b"content-type", b"text/plain"),
        (b"via", b"1.1 us"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
    assert gateway.renamed(given) == [
        (b"x-amzn-remapped-www-authenticate", b"Bearer"),
        (b"content-type", b"text/plain"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [
        (400, 400, "bad-request"),
        (403, 404, "not-found"),
        (413, 413, "payload-too-large"),
        (429, 429, "too-many-requests"),
        (431, 431, "request-refused"),
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
    assert document["instance"] == f"urn:uuid:{document['request_id']}"
    assert given[b"content-type"] == b"application/problem+json"
    assert (b"retry-after" in given) == (answered in (429, 503))
