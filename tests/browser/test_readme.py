"""The two pictures of the README: `make screenshots` runs this on a new shop, and copies them."""

from playwright.sync_api import Page, expect

from tests.support.browser import SCREENSHOTS
from tests.support.client import PASSWORD, Client
from tools.seed.catalogue import CATALOGUE


def test_readme_shows_the_storefront_and_an_order_in_the_console(
    page: Page, admin: Client, customer: Client
) -> None:
    added = [admin.add_product(**product) for product in CATALOGUE]
    try:
        page.goto("/shop/")
        expect(page.locator(".product").nth(7)).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "storefront.png", animations="disabled")
        order = customer.order((added[0], 1), (added[4], 2))
        customer.order_once(order["id"], "confirmed")
        page.goto(f"/console/orders/{order['id']}")
        page.get_by_label("E-mail").fill(admin.user["email"])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("e-mail", exact=True)).to_be_visible(timeout=60_000)
        page.screenshot(path=SCREENSHOTS / "console.png", animations="disabled")
    finally:
        for product in added:
            admin.delete(f"/api/v1/products/{product['id']}")
