"""How soon the storefront shows its catalogue, and reacts; the figures are printed (pytest -s)."""

import sys
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

_RESOURCES = """() => {
  const all = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  return { requests: all.length, bytes: all.reduce((sum, one) => sum + one.transferSize, 0) };
}"""
# A shop beside other tests on two cores; alone it takes a fraction.
_LONGEST = 10.0


def _seconds(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def test_storefront_loads_and_reacts_in_time(page: Page) -> None:
    def load() -> None:
        page.goto("/shop/", wait_until="commit")
        page.locator(".product").first.wait_for()

    def add() -> None:
        page.locator(".product button:enabled").first.click()
        page.locator(".count").wait_for()

    def search() -> None:
        page.get_by_role("searchbox").fill("zzzz")
        expect(page.get_by_role("heading", level=1)).to_contain_text("zzzz")
        expect(page.locator(".product")).to_have_count(0)

    first = _seconds(load)
    loaded = page.evaluate(_RESOURCES)
    times = {
        "first": first,
        "again": _seconds(load),
        "add": _seconds(add),
        "search": _seconds(search),
    }
    figures = {name: f"{seconds * 1000:.0f} ms" for name, seconds in times.items()}
    sys.stdout.write(f"{figures} {loaded}\n")
    assert all(seconds < _LONGEST for seconds in times.values()), times
