"""A request that reads makes a bounded number of calls and uses a bounded number of units, however
many items there are and however few of them it finds."""

import itertools
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, Literal, get_args, get_origin

import pytest

from products.catalogue.models import Sort
from tests.access.requests import ACCESS, LISTS, ROUTES, noun
from tests.costs import crowd
from tests.costs.capacity import Units
from tests.costs.flows import FIGURES_KEPT_FOR
from tests.costs.meter import MeteredShop, opened
from tests.support.client import Client
from tools.openapi.access import Route

type Query = Mapping[str, str]

# The most calls and read units of one request.
_BOUNDS: Final = {
    "/api/v1/notifications": (5, 110),
    "/api/v1/operations/queues": (7, 20),
    "/api/v1/orders": (7, 60),
    "/api/v1/products": (10, 60),
    "/api/v1/users": (6, 60),
}
_OTHERS: Final = (5, 20)
# Values of parameters whose types do not have them: what many items have and what none has, with
# the worst of them at the end.
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "category": ("nothing", "tests"),
    "hours": ("1", "24"),
    "ids": ("nothing", "products"),
    "max_price": ("0.01",),
    "min_price": ("99999",),
    # A frequent word, no word, ten frequent ones that no product has all of, and two.
    "q": ("teapot", "nothing", "t te tea teap teapo teapot k ke ket kett", "teapot kettle"),
    "user_id": ("nobody", "customer"),
}
_READS: Final = [
    route for route in ROUTES if route[0] == "GET" and route[1].startswith(("/api/", "/health"))
]


def _values(annotation: Any) -> tuple[str, ...]:
    """All values of a Literal or a bool, optional or not."""
    if annotation is bool:
        return ("true", "false")
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(itertools.chain(*map(_values, get_args(annotation))))


def queries(route: Route, *, at_once: int = 2) -> Iterator[Query]:
    """Each parameter with each value and the smallest and the largest limit of a list, and each
    combination of so many parameters with the worst value of each."""
    parameters = {
        parameter.alias: _VALUES.get(parameter.alias) or _values(parameter.field_info.annotation)
        for parameter in ROUTES[route].dependant.query_params
    }
    assert all(parameters.values()), f"_VALUES has to name the values of {list(parameters)}"
    for count in range(at_once + 1):
        limits = ("1", "100") if count < 2 and route in LISTS else ()
        for names in itertools.combinations(parameters, count):
            chosen = [parameters[name] if count < 2 else parameters[name][-1:] for name in names]
            for values in itertools.product(*chosen):
                query = dict(zip(names, values, strict=True))
                yield from ({**query, "limit": limit} for limit in limits)
                if not limits:
                    yield query


def callers(shop: MeteredShop, route: Route) -> list[Client]:
    """The callers who may see different parts of a list."""
    access = ACCESS[route]
    if access.is_public or not access.reads_token:
        return [shop.anyone]
    roles: Any = {"customer": shop.customer, "admin": shop.admin}
    return [client for role, client in roles.items() if access.admits(role)]


class Costs:
    """Measures requests, and remembers the most expensive one of each path."""

    def __init__(self, shop: MeteredShop, order_id: str) -> None:
        self._shop = shop
        self._user_id: str = shop.customer.user["id"]
        listed = shop.anyone.get("/api/v1/products", params={"limit": "50"}).json()["products"]
        self._product_ids = ",".join(product["id"] for product in listed)
        self._ids = {"orders": order_id, "users": self._user_id, "products": shop.mug["id"]}
        nouns = {noun(path) for _, path in LISTS if "{id}" in path}
        assert nouns <= self._ids.keys(), "crowd.fill has to make one thing with a long list"
        self.most: dict[str, tuple[int, float]] = {}

    def measure(self, client: Client, path: str, query: Query) -> None:
        """Send a request, and if it has a limit one for the page after it."""
        sent = dict(query)
        if sent.get("user_id") == "customer":
            sent["user_id"] = self._user_id
        if sent.get("ids") == "products":
            sent["ids"] = self._product_ids
        cursor = self._answered(client, path, sent).get("next_cursor")
        if cursor and "limit" in sent:
            self._answered(client, path, {**sent, "cursor": cursor})

    def _answered(self, client: Client, path: str, query: Query) -> dict[str, Any]:
        self._shop.forget()
        filled = path.replace("{id}", self._ids.get(noun(path), "nothing"))
        answer = client.get(filled, params=dict(query))
        assert answer.status_code in (200, 403, 404, 422), f"{path} {query}: {answer.text}"
        units = sum((call.units for call in self._shop.calls), Units())
        calls, read = self.most.get(path, (0, 0))
        self.most[path] = max(calls, len(self._shop.calls)), max(read, units.read)
        return dict(answer.json())

    @property
    def over(self) -> dict[str, tuple[int, float]]:
        """The costs that are over their bounds."""
        bounds = {path: _BOUNDS.get(path, _OTHERS) for path in self.most}
        return {
            path: (calls, read)
            for path, (calls, read) in self.most.items()
            if calls > bounds[path][0] or read > bounds[path][1]
        }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.torture)])
def test_request_has_a_bound_whatever_it_finds_among_many_items(count: int) -> None:
    with opened() as shop:
        costs = Costs(shop, crowd.fill(shop, count))
        for route in _READS:
            for client, query in itertools.product(callers(shop, route), queries(route)):
                shop.pass_time(FIGURES_KEPT_FOR if "health" in route[1] else timedelta())
                costs.measure(client, route[1], query)
        crowd.empty_behind_the_indexes(shop)
        for route in LISTS:
            for client, query in itertools.product(callers(shop, route), queries(route, at_once=1)):
                costs.measure(client, route[1], query)
    assert not costs.over


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shorter", [slice(0, 500), slice(500, None)], ids=["first", "last"])
def test_search_has_a_bound_where_names_differ_most_in_length(shorter: slice) -> None:
    route = ("GET", "/api/v1/products")
    with opened() as shop:
        crowd.fill_with_names_of_two_lengths(shop, 3_000, shorter=shorter)
        costs = Costs(shop, order_id="")
        # The last has no bound in the index that it is sorted by.
        wanted = {"q": "teapot nothing"}, {"q": "t te", "max_price": "999"}, {"min_price": "30"}
        sorts = [
            {"sort": sort, "limit": limit} for sort in get_args(Sort) for limit in ("20", "100")
        ]
        extreme = [query | order for query in wanted for order in sorts]
        for query in (*queries(route), *extreme):
            costs.measure(shop.anyone, route[1], query)
    assert not costs.over


def test_repeated_health_request_makes_no_call() -> None:
    with opened() as shop:
        for _, path in _READS:
            if "health" in path:
                shop.anyone.get(path)
                shop.forget()
                assert shop.anyone.get(path).is_success
                assert shop.calls == []
