"""What pages show when the API has a problem: a sentence, and nothing that loads for ever."""

import json
import re
from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_console import log_in as log_in_to_console
from tests.browser.test_shop_journeys import log_in, to_checkout
from tests.support.browser import Watch
from tests.support.client import Client

_PAGES: Final = (
    *("/shop/", "/shop/products/x", "/shop/cart", "/shop/checkout", "/shop/orders"),
    *("/shop/orders/x", "/shop/notifications", "/shop/account", "/console/", "/console/orders"),
    *("/console/orders/x", "/console/products", "/console/users", "/console/queues"),
    *("/console/mail", "/console/faults"),
)
_PROBLEM: Final = json.dumps({"type": "/problems/service-unavailable", "status": 503})
_PAUSED: Final = {"Content-Type": "application/problem+json", "Retry-After": "9"}
_JSON: Final = {"Content-Type": "application/json"}
_ANSWERS: Final[dict[str, tuple[int, str, dict[str, str], str]]] = {
    "down": (503, _PROBLEM, _PAUSED, "The shop has a problem at this moment. Try again in 9 s"),
    "many": (429, _PROBLEM, _PAUSED, "Too many requests. Try again in 9 seconds."),
    "alien": (200, "<p>Log in to the Wi-Fi", {"Content-Type": "text/html"}, "has a problem"),
    "empty": (200, "", _JSON, "The shop has a problem"),
}


def answers(status: int, body: str, headers: dict[str, str]) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, headers=headers, body=body)


def expect_sentence(page: Page, text: str) -> None:
    expect(page.get_by_role("alert").first).to_contain_text(text)
    expect(page.get_by_text("Loading …")).to_have_count(0)


@pytest.mark.parametrize("name", _ANSWERS)
def test_each_page_says_that_the_api_has_a_problem(
    page: Page, admin: Client, watch: Watch, name: str
) -> None:
    status, body, headers, sentence = _ANSWERS[name]
    watch.allow("status of", "SyntaxError")
    log_in(page, admin)
    to_checkout(page, admin.add_product())
    for broken, paths in (
        ("/api/(?!v1/auth/)", ("/shop/orders", "/shop/checkout", "/console/")),
        ("/api/(?!v1/(auth/|users/me$))", _PAGES),
    ):
        page.unroute_all()
        page.route(re.compile(f"{broken}|/_local/."), answers(status, body, headers))
        for path in paths:
            page.goto(path)
            expect_sentence(page, sentence)


def test_page_of_an_answer_of_another_shape_says_so(
    page: Page, admin: Client, watch: Watch
) -> None:
    watch.allow("TypeError")
    log_in_to_console(page, admin)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.route(re.compile("/api/v1/orders"), answers(200, "{}", _JSON))
    for path in ("/shop/orders/x", "/console/orders/x"):
        page.goto(path)
        expect_sentence(page, "It did not understand")
        expect(page.get_by_role("banner")).to_be_visible()
