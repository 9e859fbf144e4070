"""Cancelled orders that OrdersSweeper does not see: the release before orders had `due` only while
they wait cancelled them, when they were pending. To be run after a rollback to that release.
"""

from typing import Final

from shared.storage.dynamodb import Item

TABLE: Final = "OrdersTable"


def change(item: Item) -> Item | None:
    is_open = item["sk"] == "ORDER" and "due_at" in item and "due" not in item
    # A pending order needs no mark.
    return {"due": "0"} if is_open and item["status"].startswith("cancelled") else None
