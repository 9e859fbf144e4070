"""An admin's journeys through the console."""

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watch, check_accessible, shoot
from tests.support.client import PASSWORD, Client, eventually
from tests.support.cloud import Cloud

# The first call of a function starts it.
COLD = 30_000


def log_in(page: Page, client: Client, path: str = "/console/") -> None:
    page.goto(path)
    page.get_by_label("E-mail").fill(client.user["email"])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Overview"),
        ("/orders", "Orders"),
        ("/products", "Products"),
        ("/users", "Users"),
        ("/queues", "Queues"),
        ("/mail", "Mail"),
        ("/faults", "Faults"),
    ],
)
def test_page_is_accessible_and_fits(page: Page, admin: Client, path: str, heading: str) -> None:
    log_in(page, admin, f"/console{path}")
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
    expect(page.get_by_text("Loading …")).to_have_count(0, timeout=COLD)
    check_accessible(page)
    shoot(page, f"console-{heading.lower()}")


def test_customer_sees_that_the_console_is_for_admins(page: Page, customer: Client) -> None:
    log_in(page, customer)
    expect(page.get_by_role("heading", name="For admins only")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)
    check_accessible(page)
    shoot(page, "console-refused")


def test_admin_restocks_a_product_that_runs_low(page: Page, admin: Client) -> None:
    name = f"Lowmug {uuid.uuid4().hex[:8]}"
    mug = admin.add_product(name=name, stock=2)
    log_in(page, admin, f"/console/products?stock=low&q={name.split()[1]}")
    page.get_by_role("button", name=f"Restock {name}").click()
    page.get_by_label("Units to add").fill("40")
    page.get_by_role("button", name="Restock", exact=True).last.click()
    expect(page.get_by_text(f"{name} has 42 now.")).to_be_visible()
    assert admin.stock_of(mug) == 42


def test_admin_ships_and_delivers_an_order(page: Page, admin: Client, customer: Client) -> None:
    order = customer.order((admin.add_product(), 2))
    customer.order_once(order["id"], "confirmed")
    log_in(page, admin, f"/console/orders/{order['id']}")
    way = page.get_by_role("heading", name="Its way through the system")
    expect(way).to_be_visible(timeout=COLD)
    for step, status in (("Ship", "shipped"), ("Deliver", "delivered")):
        page.get_by_role("button", name=step, exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name=step).click()
        expect(page.get_by_role("definition").filter(has_text=status).first).to_be_visible()
    customer.order_once(order["id"], "delivered")
    check_accessible(page)
    shoot(page, "console-order")


def test_admin_purges_a_dead_letter(page: Page, admin: Client, cloud: Cloud) -> None:
    cloud.deliver("NotificationsQueue", '{"type": "gossip"}')
    log_in(page, admin, "/console/queues")
    queue = page.get_by_role("region", name="notifications")
    expect(queue.get_by_text("ValidationError")).to_be_visible(timeout=COLD)
    check_accessible(page)
    shoot(page, "console-dead-letters")
    for what in ("Redrive", "Purge"):
        expect(queue.get_by_role("button", name=what)).to_be_visible(timeout=COLD)
        queue.get_by_role("button", name=what).click()
        page.get_by_role("dialog").get_by_role("button", name=what).click()
        done = "on their way back" if what == "Redrive" else "are deleted"
        expect(page.get_by_text(re.compile(done))).to_be_visible()
    expect(queue.get_by_text("No dead letters.")).to_be_visible(timeout=COLD)


def test_admin_switches_a_fault_on_and_sees_the_circuit_open(
    page: Page, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("status of 503")
    mug = admin.add_product(stock=100)
    log_in(page, admin, "/console/faults")
    page.get_by_label("Which calls").select_option("inventory")
    page.get_by_label("What happens to them").select_option("error")
    page.get_by_role("button", name="Switch it on").click()
    try:
        expect(page.get_by_role("button", name="Stop it")).to_be_visible()
        page.get_by_role("link", name="Overview").click()
        opened = page.get_by_role("listitem").filter(has_text="products").get_by_text("open")
        for _ in range(40):
            customer.try_order((mug, 1))
            if opened.is_visible():
                break
            page.wait_for_timeout(500)
        expect(opened).to_be_visible()
    finally:
        page.get_by_role("link", name="Faults").click()
        page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_text("No fault is on.").first).to_be_visible()
    # The circuit probes, and closes; nothing of it is left to the next test.
    eventually(lambda: customer.try_order((mug, 1)), lambda answer: answer.is_success, within=60)
