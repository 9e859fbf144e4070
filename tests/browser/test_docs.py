"""The API's own page, which works without internet."""

from playwright.sync_api import Page, expect


def test_docs_page_shows_each_operation_under_its_policy(page: Page) -> None:
    page.goto("/docs")
    expect(
        page.get_by_role("button", name="POST /api/v1/orders", exact=False).first
    ).to_be_visible()
