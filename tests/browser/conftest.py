"""The pages in this machine's browser, on the stack tests' shop. Without a browser they are
skipped."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browser import HEIGHT, TIMEOUT, WIDTHS, Watch, launched
from tools.browser import executable

type OpenContext = Callable[..., BrowserContext]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("tests.support.stack")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The summary has one line for all tests that are skipped for one reason."""
    report = yield
    if isinstance(report.longrepr, tuple):
        report.longrepr = (__file__, None, report.longrepr[-1])  # type: ignore[assignment]
    return report


# First of all fixtures: without a browser, no shop is built.
@pytest.fixture(scope="session", autouse=True)
def program() -> str:
    """The browser of this machine."""
    found = executable()
    if found is None:
        pytest.skip("there is no Chromium or Chrome here: `make browser` installs one")
    return found


@pytest.fixture(scope="module")
def browser(program: str) -> Iterator[Browser]:
    """For a module only: while it is open, an event loop of Playwright's runs in this thread, and
    tests of other folders could run none."""
    with launched(program) as browser:
        yield browser


@pytest.fixture
def base_url(request: pytest.FixtureRequest) -> str:
    """The address that `page.goto("/shop/")` is relative to."""
    url: str = request.getfixturevalue("shop").url
    return url


@pytest.fixture
def watch() -> Watch:
    """What pages must not do: `watch.allow("status of 409")` before a test provokes it."""
    return Watch()


@pytest.fixture
def open_context(browser: Browser, base_url: str, watch: Watch) -> Iterator[OpenContext]:
    """Open a browser's profile: each has its own cookies and storage, as another person has."""
    contexts = []

    def open_context(**options: Any) -> BrowserContext:
        context = browser.new_context(
            base_url=base_url,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            viewport={"width": WIDTHS[-1], "height": HEIGHT},
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT)
        watch.follow(context)
        return context

    yield open_context
    for context in contexts:
        context.close()
    assert watch.unexpected() == []


@pytest.fixture
def context(open_context: OpenContext) -> BrowserContext:
    """The test's own profile; `context.new_page()` is another tab."""
    return open_context()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
