"""The orders service on fakes."""

from orders.models import Order
from orders.service import OrderService
from shared.contracts.directory import Customer
from tests.orders.builders import NOON, a_basket
from tests.orders.fakes import FakeCustomers, FakeInventory, InMemoryOrders
from tests.support.callers import ALICE, BOB
from tests.support.clock import ManualClock


class Shop:
    """A service on fakes, with Alice and Bob for customers and ten mugs and trays."""

    def __init__(self, orders: InMemoryOrders | None = None) -> None:
        self.orders = orders or InMemoryOrders()
        self.customers = FakeCustomers(
            *(
                Customer(id=c.id, full_name=name, email=f"{c.id}@example.com", is_active=True)
                for c, name in ((ALICE, "Alice Example"), (BOB, "Bob Example"))
            )
        )
        self.inventory = FakeInventory(mug=10, tray=10)
        self.clock = ManualClock()
        self.service = OrderService(self.orders, self.customers, self.inventory, self.clock)

    def placed(self, key: str = "k", *lines: tuple[str, int]) -> Order:
        return self.service.place(ALICE, key, a_basket(*lines)).order

    def confirmed(self, key: str = "k") -> Order:
        order = self.placed(key)
        after = order.confirmed(at=NOON)
        self.orders.change(order, after)
        return after
