"""What customers do in the storefront."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.browser import Watch, check_accessible, shoot
from tests.support.client import PASSWORD, Client, eventually
from tools.local.mail import newest_token

ENDS_WITHIN = 40_000


def log_in(page: Page, customer: Client, password: str = PASSWORD) -> None:
    if "/login" not in page.url:
        page.goto("/shop/login")
    page.get_by_label("E-mail address").fill(customer.user["email"])
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Account", exact=True)).to_be_visible()


def to_checkout(page: Page, product: dict[str, Any], card: str = "Card that pays") -> None:
    """As far as the button that orders one unit of a product."""
    page.goto(f"/shop/products/{product['id']}")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name=re.compile("^Cart")).click()
    page.get_by_role("link", name="To the checkout").click()
    page.get_by_role("radio", name=card, exact=False).first.check()


def pay(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Order and pay")).click()


def orders_of(customer: Client) -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = customer.get("/api/v1/orders").json()["orders"]
    return orders


def test_customer_registers_confirms_buys_and_cancels(
    page: Page, admin: Client, http: httpx.Client
) -> None:
    product = admin.add_product(name="Journey Mug", stock=3)
    email = f"journey-{uuid.uuid4().hex[:8]}@example.com"
    page.goto("/shop/register")
    page.get_by_label("Your name").fill("Jo Journey")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("link", name="Account", exact=True)).to_be_visible()

    token = eventually(lambda: newest_token(http, email))
    page.goto(f"/shop/confirm?token={token}")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("It is confirmed.")).to_be_visible()
    assert "token" not in page.url

    to_checkout(page, product)
    pay(page)
    expect(page).to_have_url(re.compile("/shop/orders/"))
    expect(page.get_by_text("Paid and confirmed").last).to_be_visible(timeout=ENDS_WITHIN)
    expect(page.locator(".state")).to_contain_text("Confirmed", timeout=ENDS_WITHIN)
    assert admin.stock_of(product) == 2
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(page.locator(".state")).to_contain_text("You have cancelled it", timeout=ENDS_WITHIN)
    eventually(lambda: admin.stock_of(product), lambda stock: stock == 3)


def test_declined_order_says_so_and_gives_the_stock_back(
    page: Page, admin: Client, customer: Client
) -> None:
    product = admin.add_product(name="Declined Mug", stock=2)
    log_in(page, customer)
    to_checkout(page, product, "Card that is declined")
    pay(page)
    expect(page.locator(".state")).to_contain_text("was declined", timeout=ENDS_WITHIN)
    eventually(lambda: admin.stock_of(product), lambda stock: stock == 2)


@pytest.mark.parametrize(
    ("card", "first"),
    [("Slow bank", "In progress"), ("Bank that asks you", "approve")],
)
def test_order_is_followed_until_it_is_paid(
    page: Page, admin: Client, customer: Client, card: str, first: str
) -> None:
    log_in(page, customer)
    to_checkout(page, admin.add_product(), card)
    pay(page)
    expect(page.get_by_text(first).first).to_be_visible()
    expect(page.locator(".state")).to_contain_text("Confirmed", timeout=2 * ENDS_WITHIN)


def test_checkout_names_what_is_sold_out_in_another_tab(
    page: Page,
    open_context: Callable[[], BrowserContext],
    admin: Client,
    customer: Client,
    watch: Watch,
) -> None:
    watch.allow("status of 409")
    product = admin.add_product(name="Rare Mug", stock=1)
    log_in(page, customer)
    to_checkout(page, product)
    other = open_context().new_page()
    log_in(other, Client(customer.http).register())
    to_checkout(other, product)
    pay(other)
    expect(other).to_have_url(re.compile("/shop/orders/"))
    pay(page)
    expect(page.get_by_role("alert")).to_contain_text("Rare Mug is sold out meanwhile")


def test_raised_price_is_seen_before_it_is_charged(
    page: Page, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("status of 409")
    product = admin.add_product(name="Dear Mug", price="10.00")
    log_in(page, customer)
    to_checkout(page, product)
    expect(page.get_by_role("button", name="Order and pay €10.00")).to_be_enabled()
    assert admin.put(f"/api/v1/products/{product['id']}", {"price": "12.50"}).is_success
    pay(page)
    expect(page.get_by_role("alert")).to_contain_text("the order costs €12.50 now")
    assert orders_of(customer) == []
    page.get_by_role("link", name="See the cart").click()
    expect(page.get_by_text("The price was €10.00.")).to_be_visible()
    page.get_by_role("link", name="To the checkout").click()
    expect(page.get_by_role("button", name="Order and pay €12.50")).to_be_enabled()
    pay(page)
    expect(page).to_have_url(re.compile("/shop/orders/"))
    assert [order["total_amount"] for order in orders_of(customer)] == ["12.50"]


def test_lost_connection_makes_one_order(
    page: Page, context: BrowserContext, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED", "ERR_FAILED")
    product = admin.add_product(name="Offline Mug", stock=5)
    log_in(page, customer)
    to_checkout(page, product)

    def lose_answer(route: Route) -> None:
        route.fetch()
        context.set_offline(True)
        route.abort()

    page.route("**/api/v1/orders", lose_answer, times=1)
    pay(page)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    expect(page.get_by_text("never as a second one")).to_be_visible()
    context.set_offline(False)
    expect(page).to_have_url(re.compile("/shop/orders/"))
    (order,) = orders_of(customer)
    assert page.url.endswith(order["id"])


def test_second_click_and_reload_make_one_order(
    page: Page, admin: Client, customer: Client
) -> None:
    product = admin.add_product(name="Double Mug", stock=5)
    log_in(page, customer)
    to_checkout(page, product)
    page.get_by_role("button", name=re.compile("^Order and pay")).dblclick()
    page.reload()
    page.goto("/shop/checkout")
    eventually(lambda: len(orders_of(customer)), lambda count: count == 1)
    expect(page.get_by_role("link", name=re.compile("^Cart$"))).to_be_visible()
    assert len(orders_of(customer)) == 1


def test_order_of_long_ago_or_of_another_user_is_not_sent_by_itself(
    page: Page, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("ERR_FAILED")
    product = admin.add_product(name="Old Mug", stock=5)
    log_in(page, customer)
    to_checkout(page, product)
    page.route("**/api/v1/orders", lambda route: route.abort(), times=1)
    pay(page)
    expect(page.get_by_text("never as a second one")).to_be_visible()
    for member, value in (("at", 0), ("user", "another")):
        change = "([name, value]) => localStorage.setItem('bodega.orders', JSON.stringify("
        change += "[{...JSON.parse(localStorage.getItem('bodega.orders'))[0], [name]: value}]))"
        page.evaluate(change, [member, value])
        page.reload()
        asks = page.get_by_role("button", name="Send it again")
        expect(page.get_by_role("button", name=re.compile("^Order and pay"))).to_be_visible()
        expect(asks).to_have_count(1 if member == "at" else 0)
    assert orders_of(customer) == []
    pay(page)
    expect(page).to_have_url(re.compile("/shop/orders/"))


def test_forgotten_order_is_not_sent(
    page: Page, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("ERR_FAILED")
    log_in(page, customer)
    to_checkout(page, admin.add_product())
    sent: list[str] = []

    def lose(route: Route) -> None:
        sent.append(route.request.method)
        route.abort()

    page.route("**/api/v1/orders", lose)
    pay(page)
    page.get_by_role("button", name="Forget it").click()
    known = len(sent)
    # It was to be sent again after a second, then after two.
    page.wait_for_timeout(4000)
    assert len(sent) == known
    expect(page.get_by_role("button", name=re.compile("^Order and pay"))).to_be_enabled()


def test_cart_takes_whole_units_and_50_products(page: Page, admin: Client) -> None:
    product = admin.add_product(name="Whole Mug")
    line = {"name": "Mug", "category": "x", "price": "1.00", "currency": "EUR", "quantity": 1}
    lines = json.dumps([{**line, "id": f"{number}"} for number in range(50)])
    page.goto(f"/shop/products/{product['id']}")
    # A first load leaves the focus at the beginning.
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    button = page.get_by_role("button", name="Add to cart")
    page.get_by_label("Quantity").fill("1.5")
    expect(button).to_be_disabled()
    page.evaluate("(lines) => localStorage.setItem('bodega.cart', lines)", lines)
    page.reload()
    button.click()
    expect(page.get_by_text("The cart is full")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Cart")).click()
    quantity = page.get_by_label("Quantity of Mug").first
    quantity.fill("2.7")
    quantity.press("Tab")
    expect(quantity).to_have_value("2")
    quantity.fill("0")
    quantity.press("Tab")
    expect(quantity).to_have_value("2")
    # The button goes, and the focus does not go with it.
    page.get_by_role("button", name="Remove Mug").first.click()
    expect(page.get_by_role("heading", name="Your cart")).to_be_focused()


def test_visitor_looks_around_while_nobody_can_log_in(
    page: Page, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("status of 503")
    product = admin.add_product(name="Public Mug")
    log_in(page, customer)
    page.route("**/api/v1/auth/browser/refresh", lambda route: route.fulfill(status=503))
    page.goto(f"/shop/products/{product['id']}")
    expect(page.get_by_role("heading", name="Public Mug")).to_be_visible()
    page.goto("/shop/orders")
    expect(page.get_by_role("alert")).to_contain_text("The shop has a problem")
    page.unroute_all()
    expect(page.get_by_text("No orders.")).to_be_visible()


def test_page_survives_what_others_keep_in_its_storage(page: Page, customer: Client) -> None:
    log_in(page, customer)
    line = '{"id":"1","name":"x","category":"x","currency":"EUR","quantity":1,"price":["1.00"]}'
    for garbage in (
        "{}",
        "[null]",
        '[{"id": 1}]',
        f"[{line}]",
        '"x"',
        "7",
        "{",
        '{"key": {}, "user": 1}',
    ):
        page.evaluate(
            "(text) => ['cart', 'orders', 'session'].forEach("
            "(name) => localStorage.setItem(`bodega.${name}`, text))",
            garbage,
        )
        page.goto("/shop/checkout")
        expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    page.goto("/shop/%E0%A4%A")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_private_page_asks_visitors_to_log_in(page: Page) -> None:
    for path in ("/orders", "/orders/x", "/notifications", "/account"):
        page.goto(f"/shop{path}")
        expect(page.get_by_text("Log in to see this.")).to_be_visible()


def test_log_in_leads_to_the_shop_only(page: Page, customer: Client) -> None:
    log_in(page, customer)
    for path, leads in (
        ("/../console/", "/shop/"),
        ("//evil.example/", "/shop//evil.example/"),
        ("/login", "/shop/"),
        ("/cart?x=1", "/shop/cart?x=1"),
    ):
        page.goto(f"/shop/login?next={quote(path, safe='')}")
        expect(page).to_have_url(re.compile(f"[0-9]{re.escape(leads)}$"))


def test_order_of_one_user_is_never_sent_as_another(
    page: Page, context: BrowserContext, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("status of 401")
    bob = Client(customer.http).register()
    log_in(page, customer)
    to_checkout(page, admin.add_product(name="Own Mug"))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/orders", hold, times=1)
    with page.expect_request("**/api/v1/orders"):
        pay(page)
    other = context.new_page()
    other.goto("/shop/account")
    other.get_by_role("button", name="Log out", exact=True).click()
    log_in(other, bob)
    # The page of the first user shows the second one by now.
    expect(page.get_by_role("link", name="Account", exact=True)).to_be_visible()
    held[0].fulfill(status=401)
    page.wait_for_timeout(1000)
    assert (orders_of(bob), orders_of(customer)) == ([], [])


def test_order_page_waits_as_long_as_the_shop_asks(
    page: Page, customer: Client, watch: Watch
) -> None:
    watch.allow("status of 429")
    log_in(page, customer)
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=429, headers={"Retry-After": "30"})

    page.route("**/api/v1/orders/**", refuse)
    page.goto("/shop/orders/x")
    expect(page.get_by_role("alert")).to_contain_text("Try again in 30 seconds.")
    page.wait_for_timeout(3000)
    assert len(asked) == 4


def test_log_out_everywhere_ends_other_tabs_and_keeps_the_cart(
    page: Page, context: BrowserContext, admin: Client, customer: Client
) -> None:
    product = admin.add_product(name="Kept Mug")
    log_in(page, customer)
    to_checkout(page, product)
    other = context.new_page()
    other.goto("/shop/account")
    # One of the sessions is this browser's, and only the others have a button.
    rows = other.locator("li.row").filter(has_text="last used")
    mine = rows.filter(has_text="this browser")
    expect(mine).to_have_count(1)
    expect(mine.get_by_role("button")).to_have_count(0)
    expect(rows.get_by_role("button")).to_have_count(rows.count() - 1)
    other.get_by_role("button", name="Log out everywhere").click()
    other.get_by_role("dialog").get_by_role("button", name="Log out everywhere").click()
    expect(page.get_by_text("Log in to order. Your cart stays.")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    log_in(page, customer)
    expect(page.get_by_role("button", name=re.compile("^Order and pay"))).to_be_visible()


def test_session_ended_in_another_browser_asks_to_log_in(
    page: Page, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("status of 401")
    product = admin.add_product(name="Ended Mug")
    log_in(page, customer)
    to_checkout(page, product)
    assert customer.post("/api/v1/auth/logout-everywhere").status_code == 204
    pay(page)
    expect(page.get_by_text("Log in to order. Your cart stays.")).to_be_visible()


def test_forgotten_password_is_set_anew(page: Page, customer: Client, http: httpx.Client) -> None:
    email = customer.user["email"]
    before = newest_token(http, email)
    page.goto("/shop/login")
    page.get_by_role("link", name="Forgotten the password?").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_text("has an account")).to_be_visible()
    token = eventually(lambda: newest_token(http, email), lambda token: token != before)
    page.goto(f"/shop/reset?token={token}")
    page.get_by_label("New password").fill("another-long-passphrase")
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    log_in(page, customer, "another-long-passphrase")


def test_changed_address_is_undone_by_the_link_to_the_old_one(
    page: Page, customer: Client, http: httpx.Client, watch: Watch
) -> None:
    email, changed = customer.user["email"], f"new-{uuid.uuid4().hex[:8]}@example.com"
    before = newest_token(http, email)
    log_in(page, customer)
    page.goto("/shop/account")
    form = page.get_by_role("form", name="E-mail address")
    form.get_by_label("E-mail address").fill(changed)
    form.get_by_label("Your password").fill(PASSWORD)
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Confirm the new address")).to_be_visible()
    page.goto(f"/shop/confirm?token={eventually(lambda: newest_token(http, changed))}")
    page.get_by_role("button", name="Confirm").click()
    undo = eventually(lambda: newest_token(http, email), lambda token: token != before)
    page.goto(f"/shop/undo-email?token={undo}")
    watch.allow("status of 401")
    page.get_by_role("button", name="Undo the change").click()
    expect(page.get_by_text("The change is undone.")).to_be_visible()
    assert customer.log_in().get("/api/v1/users/me").json()["email"] == email


def test_customer_erases_the_account(page: Page, customer: Client, watch: Watch) -> None:
    watch.allow("status of 401")
    log_in(page, customer)
    page.goto("/shop/account")
    form = page.get_by_role("form", name="Erase the account")
    form.get_by_label("Your password").fill(PASSWORD)
    form.get_by_role("button", name="Erase my account").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase it").click()
    expect(page.get_by_text("Your account is erased.")).to_be_visible()
    page.goto("/shop/login")
    page.get_by_label("E-mail address").fill(customer.user["email"])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("is wrong")


def test_two_quick_reloads_stay_logged_in(page: Page, customer: Client) -> None:
    log_in(page, customer)
    page.reload(wait_until="commit")
    page.reload()
    expect(page.get_by_role("link", name="Account", exact=True)).to_be_visible()
    # No script can carry the session away.
    stored = page.evaluate("document.cookie + JSON.stringify([localStorage, sessionStorage])")
    assert not re.search("refresh|eyJ", stored)


def test_catalogue_loads_more_filters_and_sorts(page: Page, admin: Client) -> None:
    word = f"Zebra{uuid.uuid4().hex[:6]}"
    for number in range(1, 31):
        admin.add_product(name=f"{word} {number}", price=f"{number}.00", category="zoo")
    page.goto(f"/shop/?q={word}")
    shown = page.locator(".product")
    expect(shown).to_have_count(24)
    page.mouse.wheel(0, 20_000)
    expect(shown).to_have_count(30)
    # Back shows the list as it was left, at the same place.
    last = page.get_by_role("link", name=f"{word} 1", exact=True)
    last.scroll_into_view_if_needed()
    last.click()
    expect(page.get_by_role("heading", name=f"{word} 1", level=1)).to_be_visible()
    page.go_back()
    expect(shown).to_have_count(30)
    expect(last).to_be_in_viewport()
    page.get_by_role("link", name="Zoo").click()
    page.get_by_label("To", exact=True).fill("3")
    page.keyboard.press("Tab")
    page.get_by_label("Sort").select_option("-price")
    expect(shown).to_have_count(3)
    expect(shown.first).to_contain_text("€3.00")


def test_keyboard_alone_leads_to_a_product(page: Page, admin: Client) -> None:
    name = f"Key{uuid.uuid4().hex[:6]}"
    admin.add_product(name=name)
    page.goto(f"/shop/?q={name}")
    expect(page.locator(".product")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    product = page.get_by_role("link", name=name)
    for _ in range(30):
        page.keyboard.press("Tab")
        if product.evaluate("link => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    # The focus is where the new page begins.
    expect(page.get_by_role("heading", name=name, level=1)).to_be_focused()


def test_search_is_in_the_url_and_survives_a_reload(page: Page, admin: Client) -> None:
    name = f"Findable{uuid.uuid4().hex[:6]}"
    admin.add_product(name=f"{name} Mug", category="constructor")
    page.goto("/shop/")
    page.get_by_role("searchbox").fill(name)
    expect(page.get_by_role("heading", name=f"{name} Mug")).to_be_visible()
    expect(page).to_have_url(re.compile(f"q={name}"))
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value(name)
    expect(page.get_by_role("listitem").filter(has_text=f"{name} Mug")).to_have_count(1)


def test_pages_are_accessible_and_fit(
    page: Page, admin: Client, customer: Client, watch: Watch
) -> None:
    watch.allow("status of 404")
    product = admin.add_product(name="Shown Mug", category="kitchen", description="Holds tea.")
    order = customer.order((product, 1))
    customer.order_once(order["id"], "confirmed")

    def look(name: str, path: str, seen: str | None = None) -> None:
        page.goto(f"/shop{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text("Loading …")).to_have_count(0)
        if seen:
            expect(page.get_by_text(seen).first).to_be_visible()
        check_accessible(page)
        shoot(page, f"shop-{name}")

    public: dict[str, tuple[str, str | None]] = {
        "catalogue": ("/", "Shown Mug"),
        "product": (f"/products/{product['id']}", "Holds tea."),
        "missing": ("/products/none", None),
        "login": ("/login", None),
        "register": ("/register", None),
        "forgot": ("/forgot", None),
        "confirm": ("/confirm?token=x", None),
        "reset": ("/reset?token=x", None),
        "undo-email": ("/undo-email?token=x", None),
        "cart-empty": ("/cart", "It is empty."),
    }
    private: dict[str, tuple[str, str | None]] = {
        "cart": ("/cart", "Shown Mug"),
        "checkout": ("/checkout", "How you pay"),
        "orders": ("/orders", "Shown Mug"),
        "order": (f"/orders/{order['id']}", "What has happened"),
        "notifications": ("/notifications", "order"),
        "account": ("/account", "Erase the account"),
    }
    for name, (path, seen) in public.items():
        look(name, path, seen)
    log_in(page, customer)
    to_checkout(page, product)
    for name, (path, seen) in private.items():
        look(name, path, seen)
