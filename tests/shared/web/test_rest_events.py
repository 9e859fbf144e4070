"""The root path of a request, from the event: at the execute-api URL, at a custom domain, in `sam
local`, behind CloudFront; and the client's address there."""

from collections.abc import Mapping
from unittest.mock import Mock

import pytest
from mangum.types import Scope

from shared.web.rest_events import RestEvent

SECRET = "s3cret"


def through_cdn(secret: str | None, stage: Mapping[str, str] | None) -> Scope:
    """A request from CloudFront's address 64.252.64.1, for a viewer at 2001:db8::1."""
    event = {
        "resource": "/orders",
        "path": "/orders",
        "httpMethod": "GET",
        "headers": {
            "X-Viewer-Address": "2001:db8::1",
            "X-Forwarded-For": "198.51.100.9, 2001:db8::1, 64.252.64.1",
            **({} if secret is None else {"X-Cdn-Secret": secret}),
        },
        "requestContext": {"path": "/live/orders", "identity": {"sourceIp": "64.252.64.1"}},
        "stageVariables": stage,
    }
    return RestEvent(event, Mock(), {"api_gateway_base_path": "/"}).scope  # type: ignore[typeddict-item]


def test_request_through_the_cdn_has_its_viewers_address_and_no_stage() -> None:
    found = through_cdn(SECRET, {"CdnSecret": SECRET})
    assert (found["client"], found["root_path"], found["path"]) == (
        ("2001:db8::1", 0),
        "",
        "/orders",
    )


@pytest.mark.parametrize(
    ("secret", "stage"),
    [
        (None, {"CdnSecret": SECRET}),
        ("", {"CdnSecret": SECRET}),
        ("another", {"CdnSecret": SECRET}),
        ("\u00e9", {"CdnSecret": SECRET}),
        (SECRET, None),
        ("", {"CdnSecret": ""}),
        ("", {}),
    ],
)
def test_request_without_the_cdns_secret_is_judged_by_its_own_address(
    secret: str | None, stage: Mapping[str, str] | None
) -> None:
    found = through_cdn(secret, stage)
    assert (found["client"][0], found["root_path"]) == ("64.252.64.1", "/live")


def scope(resource: str, path: str, whole: str, parameters: dict[str, str] | None = None) -> Scope:
    event = {
        "resource": resource,
        "path": path,
        "httpMethod": "GET",
        "headers": {},
        "pathParameters": parameters,
        "requestContext": {"path": whole},
    }
    return RestEvent(event, Mock(), {"api_gateway_base_path": "/"}).scope  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("resource", "path", "whole", "root_path", "rest"),
    [
        ("/orders/{id}", "/orders/o-1", "/live/orders/o-1", "/live", "/orders/o-1"),
        ("/orders/{id}", "/orders/o-1/", "/live/orders/o-1/", "/live", "/orders/o-1"),
        # A custom domain: both paths have its base path.
        ("/orders/{id}", "/orders/o-1", "/orders/o-1", "", "/orders/o-1"),
        ("/orders/{id}", "/shop/orders/o-1", "/shop/orders/o-1", "/shop", "/orders/o-1"),
        ("/orders/{id}", "/shop/v2/orders/o-1/", "/shop/v2/orders/o-1/", "/shop/v2", "/orders/o-1"),
        # A base path with the name of the API's own first segment.
        ("/orders/{id}", "/orders/orders/o-1", "/orders/orders/o-1", "/orders", "/orders/o-1"),
        # `sam local`, and an event without a context's path.
        ("/orders/{id}", "/orders/o-1/", "/orders/o-1/", "", "/orders/o-1"),
        ("/orders/{id}", "/orders/o-1", "", "", "/orders/o-1"),
        ("/orders/{id}", '/"x"/orders/o-1', '/"x"/orders/o-1', "/%22x%22", "/orders/o-1"),
        # An escaped slash is no separator.
        ("/orders/{id}", "/orders/a%2Fb", "/live/orders/a%2Fb", "/live", "/orders/a/b"),
        ("/", "/", "/live/", "/live", "/"),
        ("/", "/", "/live", "/live", "/"),
        ("/", "/", "/", "", "/"),
        ("/", "/shop", "/shop", "/shop", "/"),
        ("/", "/shop/", "/shop/", "/shop", "/"),
        ("/", "//", "//", "", "/"),
        # The catch-all resource has as many segments as it caught.
        ("/{proxy+}", "/api/no/here", "/live/api/no/here", "/live", "/api/no/here"),
        ("/{proxy+}", "/api/no/here/", "/api/no/here/", "", "/api/no/here"),
        ("/{proxy+}", "/shop/api/no/here", "/shop/api/no/here", "/shop", "/api/no/here"),
        ("/{proxy+}", "/api/api/no/here/", "/api/api/no/here/", "/api", "/api/no/here"),
    ],
)
def test_root_path_is_what_precedes_the_resource(
    resource: str, path: str, whole: str, root_path: str, rest: str
) -> None:
    parameters = {"id": rest.removeprefix("/orders/"), "proxy": rest.strip("/")}
    found = scope(resource, path, whole, parameters)
    assert (found["root_path"], found["path"]) == (root_path, f"{root_path}{rest}")
