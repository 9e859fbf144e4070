"""Where an API's paths begin is read from the event: at the execute-api URL, at a custom domain, in `sam local`."""

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
    ("path", "whole", "root_path"),
    [
        ("/orders/o-1", "/live/orders/o-1", "/live"),
        ("/orders/o-1/", "/live/orders/o-1/", "/live"),
        # A custom domain: a base path stands in both paths.
        ("/orders/o-1", "/orders/o-1", ""),
        ("/shop/orders/o-1", "/shop/orders/o-1", "/shop"),
        ("/shop/v2/orders/o-1/", "/shop/v2/orders/o-1/", "/shop/v2"),
        # A mapping without a stage leaves the stage in both paths.
        ("/shop/live/orders/o-1", "/shop/live/orders/o-1", "/shop/live"),
        # A base path that is called as the API's own first segment.
        ("/orders/orders/o-1", "/orders/orders/o-1", "/orders"),
        # `sam local`, and an event without a context's path.
        ("/orders/o-1/", "/orders/o-1/", ""),
        ("/orders/o-1", "", ""),
        ('/"x"/orders/o-1', '/"x"/orders/o-1', "/%22x%22"),
    ],
)
def test_the_root_path_is_what_stands_before_the_resource(
    path: str, whole: str, root_path: str
) -> None:
    found = scope("/orders/{id}", path, whole, {"id": "o-1"})
    assert (found["root_path"], found["path"]) == (root_path, f"{root_path}/orders/o-1")


@pytest.mark.parametrize(
    ("path", "whole", "root_path"),
    [
        ("/", "/live/", "/live"),
        ("/", "/live", "/live"),
        ("/", "/", ""),
        ("/shop", "/shop", "/shop"),
        ("/shop/", "/shop/", "/shop"),
        ("//", "//", ""),
    ],
)
def test_the_index_has_no_segment(path: str, whole: str, root_path: str) -> None:
    found = scope("/", path, whole)
    assert (found["root_path"], found["path"]) == (root_path, f"{root_path}/")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("base_path", "root_path"), [("", "/live"), ("", ""), ("/shop", "/shop"), ("/api", "/api")]
)
def test_the_catch_all_has_as_many_segments_as_it_caught(
    base_path: str, root_path: str, slash: str
) -> None:
    path = f"/api/nothing/here{slash}"
    found = scope("/{proxy+}", base_path + path, root_path + path, {"proxy": path.strip("/")})
    assert (found["root_path"], found["path"]) == (root_path, f"{root_path}/api/nothing/here")


def test_an_escaped_slash_is_no_separator() -> None:
    found = scope("/orders/{id}", "/orders/a%2Fb", "/live/orders/a%2Fb", {"id": "a/b"})
    assert (found["root_path"], found["path"]) == ("/live", "/live/orders/a/b")
