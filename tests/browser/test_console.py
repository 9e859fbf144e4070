"""An admin's journeys through the console."""

import re
import uuid

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import Watch, check_accessible, shoot
from tests.support.client import PASSWORD, Client, eventually
from tests.support.cloud import Cloud
from tools.local.mail import newest_token

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
def test_page_is_accessible_and_fits(
    page: Page, admin: Client, customer: Client, path: str, heading: str
) -> None:
    customer.order((admin.add_product(name="Long" * 20), 1))
    wide = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 800})
    log_in(page, admin, f"/console{path}")
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
    expect(page.get_by_text("Loading …")).to_have_count(0, timeout=COLD)
    # The parts scroll here, to the one that is shown.
    expect(page.locator("nav [aria-current]")).to_be_in_viewport(ratio=0.9)
    check_accessible(page)
    assert wide
    page.set_viewport_size(wide)
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
    # A question does not outlive its page.
    page.get_by_role("link", name="Overview").click()
    page.go_back()
    withdraw = page.get_by_role("button", name=f"Withdraw {name}")
    withdraw.click()
    page.go_forward()
    expect(page.get_by_role("heading", name="Overview")).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)
    # Not even where the page is left before the question is shown.
    page.go_back()
    withdraw.evaluate(
        """button => {
          button.click();
          dispatchEvent(new PopStateEvent("popstate"));
          return new Promise(done => requestAnimationFrame(() => setTimeout(done, 200)));
        }"""
    )
    assert page.get_by_role("dialog").count() == 0
    page.go_forward()
    page.go_back()
    page.get_by_role("button", name=f"Restock {name}").click()
    page.get_by_label("Units to add").fill("40")
    page.get_by_role("button", name="Restock", exact=True).last.click()
    expect(page.get_by_text(f"{name} has 42 now.")).to_be_visible()
    assert admin.stock_of(mug) == 42


def lose_answer(route: Route) -> None:
    route.fetch()
    route.abort()


def test_admin_adds_changes_and_withdraws_a_product(
    page: Page, admin: Client, watch: Watch
) -> None:
    watch.allow("status of 404", "status of 412", "status of 422", "ERR_FAILED")
    name = f"Newmug {uuid.uuid4().hex[:8]}"
    log_in(page, admin, f"/console/products?q={name.split()[1]}")
    page.get_by_role("button", name="Add a product").click()
    page.get_by_label("Name").fill("   ")
    page.get_by_label("Category").fill("kitchen")
    page.get_by_label("Price").fill("8.50")
    page.get_by_role("spinbutton", name="Stock").fill("7")
    page.get_by_role("button", name="Save").click()
    # What the API says stands at its field, and nothing that was typed is lost.
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("spinbutton", name="Stock")).to_have_value("7")
    page.get_by_label("Name").fill(name)
    # The answer is lost: saved again, there is one product.
    page.route("**/api/v1/products", lose_answer, times=1)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("€8.50")

    page.get_by_role("button", name=f"Change {name}").click()
    expect(page.get_by_label("Price")).to_have_value("8.50")
    (added,) = admin.get(f"/api/v1/products?q={name.split()[1]}").json()["products"]
    path = f"/api/v1/products/{added['id']}"
    assert (added["stock"], admin.put(path, {"price": "9.00"}).status_code) == (7, 200)
    page.get_by_label("Price").fill("9.50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else has changed it meanwhile")
    page.get_by_role("button", name="Show it as it is now").click()
    expect(page.get_by_label("Price")).to_have_value("9.00")
    page.get_by_label("Price").fill("9.50")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("€9.50")

    page.get_by_role("button", name=f"Withdraw {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(row).to_contain_text("withdrawn")
    assert admin.get(f"/api/v1/products?q={name.split()[1]}").json()["products"] == []
    # No list has it, but its id finds it.
    page.get_by_role("searchbox").fill(added["id"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(added["id"]))
    page.reload()
    expect(row).to_contain_text("withdrawn")
    row.get_by_role("button", name=f"Put {name} back on sale").click()
    expect(row.get_by_role("button", name=f"Withdraw {name}")).to_be_visible()
    assert admin.get(path).json()["is_active"]
    page.get_by_role("searchbox").fill("0" * 32)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No products here.")).to_be_visible()


def test_admin_changes_a_role_deactivates_and_sends_a_reset(
    page: Page, admin: Client, customer: Client, http: httpx.Client, watch: Watch
) -> None:
    watch.allow("status of 403")
    email, path = customer.user["email"], f"/api/v1/users/{customer.user['id']}"
    before = newest_token(http, email)
    log_in(page, admin, "/console/users")
    row = page.get_by_role("row").filter(has_text=email)

    def confirm(password: str) -> None:
        page.get_by_label("Your password").fill(password)
        page.get_by_role("button", name="Do it").click()

    row.get_by_role("button", name=re.compile("^Reset the password")).click()
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    eventually(lambda: newest_token(http, email), lambda token: token != before)
    row.get_by_role("button", name=re.compile("^Make admin")).click()
    confirm(PASSWORD)
    expect(page.get_by_text("is changed.")).to_be_visible()
    assert admin.get(path).json()["role"] == "admin"
    row.get_by_role("button", name=re.compile("^Deactivate")).click()
    confirm("not-the-password")
    expect(page.get_by_label("Your password")).to_have_attribute("aria-invalid", "true")
    confirm(PASSWORD)
    expect(row).to_have_count(0)
    assert admin.get(path).json()["is_active"] is False


def test_admin_cancels_an_order(page: Page, admin: Client, customer: Client) -> None:
    mug = admin.add_product(stock=5)
    order = customer.order((mug, 2))
    customer.order_once(order["id"], "confirmed")
    log_in(page, admin, f"/console/orders/{order['id']}")
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("definition").filter(has_text="admin request")).to_be_visible()
    eventually(lambda: admin.stock_of(mug), lambda stock: stock == 5)


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
    share = page.get_by_label("Share of the calls, in %")
    share.fill("99")
    # The page asks every three seconds what is on.
    page.wait_for_timeout(3500)
    expect(share).to_have_value("99")
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
