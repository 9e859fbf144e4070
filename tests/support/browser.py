"""A real browser: what its pages must not do, axe-core's findings, and screenshots."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.support.privacy import PRIVACY
from tools.local.places import ROOT

SCREENSHOTS: Final = ROOT / ".cache/screenshots"
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = (360, 1280)
HEIGHT: Final = 800
# Milliseconds: the stack tests' shop shares two cores with other tests.
TIMEOUT: Final = 20_000
_AXE: Final = ROOT / ".tools/node/node_modules/axe-core/axe.min.js"
_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# It asks the internet for nothing, and leaves the machine's graphics alone.
_FLAGS: Final = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
_REPORT: Final = "reportPolicyViolation"
_LISTEN: Final = f"""
addEventListener("securitypolicyviolation", (event) =>
  {_REPORT}(`${{event.effectiveDirective}} forbids ${{event.blockedURI}} ${{event.sample}}`));
"""


@contextmanager
def launched(program: str) -> Iterator[Browser]:
    """A browser without a window, until the end of the block."""
    # Chromium's sandbox does not start for root.
    flags = (*_FLAGS, *(("--no-sandbox",) if os.geteuid() == 0 else ()))
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What pages did that no page may do: violated their policy, threw an error that nothing
    caught, or logged an error.

    Chromium logs each response with 4xx or 5xx as an error: a test allows those it provokes.
    """

    found: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, *parts: str) -> None:
        """Expect logged errors with one of these texts: `status of 409`, or a part of the URL."""
        self.allowed += parts

    def follow(self, context: BrowserContext) -> None:
        """Watch all pages that the context opens from now on."""
        context.expose_binding(_REPORT, lambda _, text: self.found.append(f"policy: {text}"))
        context.add_init_script(_LISTEN)
        context.on("weberror", lambda error: self.found.append(f"uncaught: {error.error}"))
        context.on(
            "console",
            lambda message: (
                self.found.append(f"logged: {message.text} ({message.location['url']})")
                if message.type == "error"
                else None
            ),
        )
        context.on("request", _remember)

    def unexpected(self) -> list[str]:
        return [
            line
            for line in self.found
            if not (line.startswith("logged:") and any(part in line for part in self.allowed))
        ]


def _remember(request: Request) -> None:
    """What the page sends must not be in a log."""
    if request.method != "GET" or "authorization" in request.headers:
        PRIVACY.sent(request.headers, request.post_data)


@cache
def _axe() -> str:
    return _AXE.read_text()


def check_accessible(page: Page) -> None:
    """axe-core finds nothing on the page, light and dark."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        # Not a script of the page, so that its policy does not apply.
        page.evaluate(f"{{ {_axe()} }}")
        answer: dict[str, Any] = page.evaluate(
            "(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", list(_RULES)
        )
        found = [
            f"{violation['id']}: {violation['help']}\n  {node['html']}\n  {node['failureSummary']}"
            for violation in answer["violations"]
            for node in violation["nodes"]
        ]
        assert not found, f"{page.url} ({theme}):\n" + "\n".join(found)
    page.emulate_media(color_scheme="light")


def shoot(page: Page, name: str) -> list[Path]:
    """Write screenshots `<name>-<theme>-<width>.png`; the page fits into each width."""
    before = page.viewport_size
    files = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{page.url} is {needed} px wide at {width} px"
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            file = SCREENSHOTS / f"{name}-{theme}-{width}.png"
            page.screenshot(path=file, full_page=True, animations="disabled")
            files.append(file)
    page.emulate_media(color_scheme="light")
    if before:
        page.set_viewport_size(before)
    return files
