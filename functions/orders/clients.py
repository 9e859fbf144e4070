"""Clients of the functions of other services: UsersDirectory and ProductsInventory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orders.ports import StockUnavailable
from shared.calls.internal import CallFailed, CallThrottled, InternalClient
from shared.contracts.directory import Customer, FindCustomer
from shared.contracts.inventory import (
    Confirm,
    Done,
    GiveBack,
    Line,
    Release,
    Reservation,
    Reserve,
)

if TYPE_CHECKING:
    from shared.calls.breaker import CircuitBreaker


class CustomersClient:
    """`Customers` by UsersDirectory, behind a circuit breaker."""

    def __init__(self, client: InternalClient, circuit: "CircuitBreaker") -> None:
        self._client = client
        self._circuit = circuit

    def find_customer(self, user_id: str) -> Customer:
        query = FindCustomer(user_id=user_id)
        return self._circuit.call(self._client.call, "find_customer", query, Customer)


class ReservationsClient:
    """`Reservations` by ProductsInventory, behind a circuit breaker."""

    def __init__(self, client: InternalClient, circuit: "CircuitBreaker") -> None:
        self._client = client
        self._circuit = circuit

    def reserve(
        self, order_id: str, lines: Sequence[Line], *, expected_total_minor: int | None = None
    ) -> Reservation:
        command = Reserve(
            order_id=order_id, lines=list(lines), expected_total_minor=expected_total_minor
        )
        return self._circuit.call(self._client.call, "reserve", command, Reservation)


class StockClient:
    """`Stock` by ProductsInventory."""

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    def confirm(self, order_id: str) -> None:
        self._command("confirm", Confirm(order_id=order_id))

    def give_back(self, order_id: str, lines: Sequence[Line], *, key: str) -> None:
        self._command("give_back", GiveBack(order_id=order_id, key=key, lines=list(lines)))

    def release(self, order_id: str) -> None:
        self._command("release", Release(order_id=order_id))

    def _command(self, name: str, command: Confirm | GiveBack | Release) -> None:
        try:
            self._client.call(name, command, Done)
        except (CallFailed, CallThrottled) as cause:
            raise StockUnavailable from cause
