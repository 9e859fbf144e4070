"""The other tests of this folder rely on it: faults of a page are seen, under the pages' policy."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from tests.support import browser
from tests.support.browser import Watch, check_accessible, shoot

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>A page</title>
<script type="module" src="/page.js"></script><main><h1>A page</h1>{body}</main>"""


@pytest.fixture
def base_url() -> str:
    """No shop: the tests answer themselves. A trustworthy origin, as the local shop's."""
    return "http://127.0.0.1:9"


def _serve(context: BrowserContext, body: str = "", script: str = "", **headers: str) -> None:
    def answer(route: Route) -> None:
        if route.request.url.endswith("/"):
            policy = {"Content-Security-Policy": _POLICY, "Content-Type": "text/html"}
            route.fulfill(body=_PAGE.format(body=body), headers=policy | headers)
        elif route.request.url.endswith("/page.js"):
            route.fulfill(body=script, content_type="text/javascript")
        else:
            route.fulfill(status=404, body="")

    context.route("**/*", answer)


def test_watch_finds_nothing_on_a_faultless_page(page: Page, watch: Watch) -> None:
    _serve(page.context, script="document.querySelector('h1').style.color = 'red'")
    page.goto("/")
    assert page.title() == "A page"
    assert watch.found == []


@pytest.mark.parametrize(
    ("body", "script", "what"),
    [
        ("<p style='color: red'>", "", "policy: style-src-attr forbids inline"),
        ("<script>alert(1)</script>", "", "policy: script-src-elem forbids inline"),
        ("<img alt='' src='https://other.example/a.png'>", "", "policy: img-src forbids https://"),
        ("", "document.body.innerHTML = '<b>'", "policy: require-trusted-types-for"),
        ("", "throw new Error('thrown')", "uncaught: thrown"),
        ("", "Promise.reject(new Error('rejected'))", "uncaught: rejected"),
        ("", "console.error('complained')", "logged: complained"),
        ("", "await fetch('/missing')", "logged: Failed to load resource"),
    ],
)
def test_watch_finds_what_a_page_must_not_do(
    page: Page, watch: Watch, body: str, script: str, what: str
) -> None:
    _serve(page.context, body, f"{script}\n;document.title = 'ran'")
    page.goto("/", wait_until="networkidle")
    assert [line for line in watch.unexpected() if line.startswith(what)], watch.found
    watch.found.clear()


def test_watch_allows_expected_errors_of_the_log_only(page: Page, watch: Watch) -> None:
    _serve(page.context, script="await fetch('/missing'); throw new Error('status of 404')")
    watch.allow("status of 404")
    page.goto("/", wait_until="networkidle")
    assert watch.unexpected() == ["uncaught: status of 404"]
    watch.found.clear()


def test_watch_sees_other_tabs(context: BrowserContext, watch: Watch) -> None:
    _serve(context, script="console.error('complained')")
    context.new_page().goto("/")
    context.new_page().goto("/", wait_until="networkidle")
    assert len(watch.unexpected()) == 2
    watch.found.clear()


def test_accessible_page_has_no_violations(page: Page) -> None:
    _serve(page.context, "<label>Name <input></label>")
    page.goto("/")
    check_accessible(page)


def test_inaccessible_page_names_the_element(page: Page) -> None:
    _serve(page.context, "<input>")
    page.goto("/")
    with pytest.raises(AssertionError, match=r"label: .*\n  <input>"):
        check_accessible(page)


def test_shoot_writes_a_file_for_each_theme_and_width(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(browser, "SCREENSHOTS", tmp_path)
    _serve(page.context)
    page.goto("/")
    files = {file.name for file in shoot(page, "home")}
    assert files == {
        *("home-light-360.png", "home-light-1280.png"),
        *("home-dark-360.png", "home-dark-1280.png"),
    }
    assert files == {file.name for file in tmp_path.iterdir()}


def test_shoot_refuses_a_page_that_is_too_wide(page: Page) -> None:
    _serve(page.context, script="document.querySelector('h1').style.width = '400px'")
    page.goto("/", wait_until="networkidle")
    with pytest.raises(AssertionError, match="px wide at 360 px"):
        shoot(page, "wide")


def test_contexts_share_no_cookies_and_keep_host_cookies_over_http(
    context: BrowserContext, open_context: Callable[..., BrowserContext]
) -> None:
    cookie = "__Host-refresh=a; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=60"
    _serve(context, **{"Set-Cookie": cookie})
    context.new_page().goto("/")
    assert [kept["name"] for kept in context.cookies()] == ["__Host-refresh"]
    assert open_context().cookies() == []
