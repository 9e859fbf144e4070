"""The root path of a request, from the event: at the execute-api URL, at a custom domain, in `sam
local`."""

from unittest.mock import Mock

import pytest
from mangum.types import Scope

from shared.web.rest_events import RestEvent


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
