"""What the reconciliation needs from outside; the payment provider's is
`orders.payments.ports.PaymentRecords`.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from operations.reconciliation.models import Books


class Records(Protocol):
    """What the services have stored of orders."""

    def placed(self, since: str, until: str) -> Sequence[tuple[str, str]]:
        """The times and the ids of the orders that were placed between these times, oldest
        first."""

    def books(self, order_ids: Sequence[str]) -> Books:
        """At most 100 orders, with what belongs to them in all services, without their payments."""

    def existing(self, order_ids: Collection[str]) -> set[str]:
        """Those of the ids that an order has."""
