"""The clients of other services: what they send, and what a failure becomes."""

from typing import Any

import pytest

from orders.clients import CustomersClient, ReservationsClient, StockClient
from orders.ports import StockUnavailable
from shared.calls.breaker import CircuitBreaker, circuit_store
from shared.calls.internal import InternalClient, internal_handler
from shared.contracts.directory import Customer, UserNotFound
from shared.contracts.inventory import REFUSALS, Done, Line, OutOfStock, Reservation
from shared.errors import ServiceUnavailable
from shared.storage.dynamodb import Table
from tests.orders.builders import CUSTOMER, a_line
from tests.support.internal import LocalFunctions

LINES = [Line(product_id="mug", quantity=1)]
RESERVATION = Reservation(order_id="o", lines=[a_line()], currency="EUR")


def find_customer(body: dict[str, Any]) -> Customer:
    if body["user_id"] != CUSTOMER.id:
        raise UserNotFound
    return CUSTOMER


def reserve(body: dict[str, Any]) -> Reservation:
    if body["order_id"] != "o":
        raise OutOfStock(product_id="mug", requested=1, available=0)
    return RESERVATION


@pytest.fixture
def functions() -> LocalFunctions:
    inventory = {"reserve": reserve, "confirm": lambda _: Done(), "release": lambda _: Done()}
    return LocalFunctions(
        {
            "directory": internal_handler({"find_customer": find_customer}),
            "inventory": internal_handler(inventory),
        }
    )


def test_clients_of_the_api_return_what_the_functions_answer_and_raise_their_refusals(
    table: Table, functions: LocalFunctions
) -> None:
    circuits = circuit_store(table.name, table.client)
    customers = CustomersClient(
        InternalClient(functions.client(), "directory", refusals=(UserNotFound,)),
        CircuitBreaker("users", circuits),
    )
    reservations = ReservationsClient(
        InternalClient(functions.client(), "inventory", refusals=REFUSALS),
        CircuitBreaker("products", circuits),
    )
    assert customers.find_customer(CUSTOMER.id) == CUSTOMER
    assert reservations.reserve("o", LINES) == RESERVATION
    with pytest.raises(UserNotFound):
        customers.find_customer("unknown")
    with pytest.raises(OutOfStock):
        reservations.reserve("another", LINES)
    assert functions.payloads[1]["body"]["lines"] == [{"product_id": "mug", "quantity": 1}]
    functions.handlers.clear()
    with pytest.raises(ServiceUnavailable):
        customers.find_customer(CUSTOMER.id)
    with pytest.raises(ServiceUnavailable):
        reservations.reserve("o", LINES)


def test_client_of_the_saga_confirms_and_releases(functions: LocalFunctions) -> None:
    stock = StockClient(InternalClient(functions.client(), "inventory", refusals=REFUSALS))
    stock.confirm("o")
    stock.release("o")
    calls = [(call["name"], call["body"]) for call in functions.payloads]
    assert calls == [("confirm", {"order_id": "o"}), ("release", {"order_id": "o"})]
    functions.handlers.clear()
    with pytest.raises(StockUnavailable):
        stock.release("o")
