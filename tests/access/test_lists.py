"""Lists that are for some roles, or show more to them, with all that their parameters may be."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from pydantic import TypeAdapter

from shared.auth.tokens import ROLES
from tests.access.requests import ACCESS, LISTS, ROUTES, example
from tests.access.scene import Scene
from tests.support.client import Client
from tools.openapi.access import Route

type Query = Mapping[str, Any]

_STAFF: Final = {
    route: roles
    for route in LISTS
    if (roles := {*ROLES} & (ACCESS[route].groups | ACCESS[route].more_for) - {"customer"})
}


def values(schema: dict[str, Any], texts: tuple[str, ...]) -> Iterator[Any]:
    """What a parameter of this schema may be."""
    for form in schema.get("anyOf", ()):
        yield from values(form, texts)
    yield from schema.get("enum") or schema.get("examples") or ()
    if not {"anyOf", "enum", "examples"} & schema.keys():
        yield from {"boolean": ("true", "false"), "string": texts}.get(schema["type"], ())


def queries(route: Route, texts: tuple[str, ...]) -> list[Query]:
    """All combinations of the route's own parameters, beginning with none.

    Args:
        texts: the values of parameters that accept any text.
    """
    choices: list[list[Query]] = []
    for parameter in ROUTES[route].dependant.query_params:
        schema = TypeAdapter[Any](parameter.field_info.annotation).json_schema()
        given = [{parameter.alias: value} for value in values(schema, texts)]
        assert given, f"{parameter.alias}: its schema has no example"
        choices.append([{}, *given])
    return [
        {name: value for part in parts for name, value in part.items()}
        for parts in itertools.product(*choices)
    ]


def shown(client: Client, path: str, query: Query) -> set[str] | None:
    """All items of the list, over its pages; None if the caller is refused."""
    found: set[str] = set()
    page: dict[str, Any] = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        answer = client.get(path, params={**query, **cursor, "limit": 100})
        if answer.status_code in (403, 404):
            return None
        assert answer.status_code == 200, (query, answer.text)
        page = answer.json()
        [items] = (member for member in page.values() if isinstance(member, list))
        found |= {json.dumps(item, sort_keys=True) for item in items}
    return found


@pytest.mark.parametrize("route", _STAFF, ids=" ".join)
def test_customer_is_shown_their_own_and_staff_all(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    few = scene.shop.admin.add_product(name="Rare", stock=5)
    scene.shop.admin.post(f"/api/v1/products/{few['id']}/stock", {"delta": -4})
    scene.shop.come_to_rest()
    owner, stranger = scene.owner, scene.other
    path = example(scene, route).path
    asked = queries(route, (owner.id, stranger.id))
    own, foreign = ([shown(of.client, path, q) for q in asked] for of in (owner, stranger))
    for query, items in zip(asked, foreign, strict=True):
        assert (items or set()) <= (foreign[0] or set()), f"{query} shows a customer more"
    if not ACCESS[route].is_public:
        assert not (own[0] or set()) & (foreign[0] or set()), "two customers are shown the same"
    for role in _STAFF[route]:
        seen = [shown(scene.staff[role], path, query) for query in asked]
        for query, items, of_owner in zip(asked, seen, own, strict=True):
            assert items is not None, f"{role}s are refused {query}"
            if owner.id in query.values():
                assert of_owner in (items, None), f"{role}s and the owner differ in {query}"
        everything = {item for items in seen for item in items or ()}
        assert everything >= (own[0] or set()), f"{role}s do not see all"
        assert everything - (foreign[0] or set()), f"{role}s see no more than others"
