"""The clients of other services, with the real circuit breaker."""

from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

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
from tests.support.aws import make_table
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
def customers(account: None, functions: LocalFunctions) -> CustomersClient:
    client = InternalClient(functions.client(), "directory", refusals=(UserNotFound,))
    return CustomersClient(client, _circuit("clients-users"))


@pytest.fixture
def reservations(account: None, functions: LocalFunctions) -> ReservationsClient:
    client = InternalClient(functions.client(), "inventory", refusals=REFUSALS)
    return ReservationsClient(client, _circuit("clients-products"))


def _circuit(name: str) -> CircuitBreaker:
    table = make_table("OrdersTable")
    moment = clock.now()
    return CircuitBreaker(name, circuit_store(table.name, table.client), now=lambda: moment)


def test_customers_client_finds_a_customer(
    customers: CustomersClient, functions: LocalFunctions
) -> None:
    assert customers.find_customer("u") == CUSTOMER
    assert functions.payloads[-1]["body"] == {"user_id": "u"}
    with pytest.raises(UserNotFound):
        customers.find_customer("unknown")


def test_reservations_client_reserves_the_lines(
    reservations: ReservationsClient, functions: LocalFunctions
) -> None:
    assert reservations.reserve("o", [Line(product_id="p", quantity=2)]) == RESERVATION
    lines = [{"product_id": "p", "quantity": 2}]
    assert functions.payloads[-1]["body"] == {"order_id": "o", "lines": lines}


def test_reservations_client_raises_refusals_and_keeps_its_circuit_closed(
    reservations: ReservationsClient,
) -> None:
    for _ in range(10):
        with pytest.raises(OutOfStock) as refused:
            reservations.reserve("o", [Line(product_id="p", quantity=3)])
        assert refused.value.data == {"product_id": "p", "requested": 3, "available": 2}
    assert reservations.reserve("o", [Line(product_id="p", quantity=1)]) == RESERVATION


def test_customers_client_stops_calling_a_service_that_fails(
    customers: CustomersClient, functions: LocalFunctions
) -> None:
    def fail(_event: object, _context: object) -> None:
        raise RuntimeError("it failed")

    functions.handlers["directory"] = fail
    delays = []
    for _ in range(7):
        with pytest.raises(ServiceUnavailable) as refused:
            customers.find_customer("u")
        delays.append(refused.value.retry_after)
    assert len(functions.payloads) == 5
    assert delays == [2] * 5 + [30] * 2


def test_customers_client_keeps_calling_a_throttled_service(
    customers: CustomersClient, functions: LocalFunctions
) -> None:
    throttled = ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
    with patch.object(functions, "invoke", side_effect=throttled):
        for _ in range(50):
            with pytest.raises(ServiceUnavailable) as refused:
                customers.find_customer("u")
            assert refused.value.retry_after == 2
    assert customers.find_customer("u") == CUSTOMER


def test_stock_client_confirms_and_releases(functions: LocalFunctions) -> None:
    stock = StockClient(InternalClient(functions.client(), "inventory", refusals=REFUSALS))
    stock.confirm("o")
    stock.release("o")
    calls = [(call["name"], call["body"]) for call in functions.payloads]
    assert calls == [("confirm", {"order_id": "o"}), ("release", {"order_id": "o"})]
    with pytest.raises(ReservationEnded):
        stock.confirm("another")
    del functions.handlers["inventory"]
    with pytest.raises(StockUnavailable):
        stock.release("o")
