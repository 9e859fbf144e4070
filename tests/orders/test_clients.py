"""The clients of other services, with the real circuit breaker."""

from typing import Any

import pytest

from orders.clients import CustomersClient, ReservationsClient, StockClient
from orders.ports import StockUnavailable
from shared.calls.breaker import CircuitBreaker, circuit_store
from shared.calls.internal import InternalClient, internal_handler
from shared.contracts.directory import Customer, UserNotFound
from shared.contracts.inventory import (
    REFUSALS,
    Done,
    Line,
    OutOfStock,
    PricedLine,
    Reservation,
    ReservationEnded,
)
from shared.errors import ServiceUnavailable
from shared.runtime import clock
from shared.storage.dynamodb import Table
from tests.support.internal import LocalFunctions

CUSTOMER = Customer(id="u", full_name="Uma", email="uma@example.com", is_active=True)
RESERVATION = Reservation(
    order_id="o",
    lines=[PricedLine(product_id="p", name="P", quantity=2, unit_price_minor=5)],
    currency="EUR",
)


def find_customer(body: dict[str, Any]) -> Customer:
    if body["user_id"] != "u":
        raise UserNotFound
    return CUSTOMER


def reserve(body: dict[str, Any]) -> Reservation:
    if body["lines"][0]["quantity"] > 2:
        raise OutOfStock(product_id="p", requested=body["lines"][0]["quantity"], available=2)
    return RESERVATION


def confirm(body: dict[str, Any]) -> Done:
    if body["order_id"] != "o":
        raise ReservationEnded
    return Done()


@pytest.fixture
def functions() -> LocalFunctions:
    return LocalFunctions(
        {
            "directory": internal_handler({"find_customer": find_customer}),
            "inventory": internal_handler(
                {"reserve": reserve, "confirm": confirm, "release": lambda _: Done()}
            ),
        }
    )


@pytest.fixture
def customers(table: Table, functions: LocalFunctions) -> CustomersClient:
    client = InternalClient(functions.client(), "directory", refusals=(UserNotFound,))
    return CustomersClient(client, _circuit(table, "clients-users"))


@pytest.fixture
def reservations(table: Table, functions: LocalFunctions) -> ReservationsClient:
    client = InternalClient(functions.client(), "inventory", refusals=REFUSALS)
    return ReservationsClient(client, _circuit(table, "clients-products"))


def _circuit(table: Table, name: str) -> CircuitBreaker:
    moment = clock.now()
    return CircuitBreaker(name, circuit_store(table.name, table.client), now=lambda: moment)


def test_clients_call_the_functions_of_other_services(
    customers: CustomersClient, reservations: ReservationsClient, functions: LocalFunctions
) -> None:
    assert customers.find_customer("u") == CUSTOMER
    assert reservations.reserve("o", [Line(product_id="p", quantity=2)]) == RESERVATION
    bodies = [call["body"] for call in functions.payloads]
    assert bodies == [
        {"user_id": "u"},
        {"order_id": "o", "lines": [{"product_id": "p", "quantity": 2}]},
    ]


def test_clients_raise_refusals_and_keep_their_circuits_closed(
    customers: CustomersClient, reservations: ReservationsClient
) -> None:
    for _ in range(10):
        with pytest.raises(UserNotFound):
            customers.find_customer("unknown")
        with pytest.raises(OutOfStock) as refused:
            reservations.reserve("o", [Line(product_id="p", quantity=3)])
        assert refused.value.data == {"product_id": "p", "requested": 3, "available": 2}


def test_clients_stop_calling_a_function_that_fails(
    customers: CustomersClient, reservations: ReservationsClient, functions: LocalFunctions
) -> None:
    functions.handlers.clear()
    for _ in range(7):
        with pytest.raises(ServiceUnavailable):
            customers.find_customer("u")
        with pytest.raises(ServiceUnavailable):
            reservations.reserve("o", [Line(product_id="p", quantity=1)])
    assert len(functions.payloads) == 2 * 5


def test_stock_client_confirms_and_releases(functions: LocalFunctions) -> None:
    stock = StockClient(InternalClient(functions.client(), "inventory", refusals=REFUSALS))
    stock.confirm("o")
    stock.release("o")
    calls = [(call["name"], call["body"]) for call in functions.payloads]
    assert calls == [("confirm", {"order_id": "o"}), ("release", {"order_id": "o"})]
    with pytest.raises(ReservationEnded):
        stock.confirm("another")
    functions.handlers.clear()
    with pytest.raises(StockUnavailable):
        stock.release("o")
