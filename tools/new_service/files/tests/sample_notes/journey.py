"""What people do with sample notes, for the proofs that watch all that the shop does."""

from tests.simulation.shop import SimulatedShop

_PATH = "/api/v1/sample-notes"


def play(shop: SimulatedShop) -> None:
    """Use every route."""
    created, _ = (shop.customer.post(_PATH, {"text": text}).json() for text in ("Small.", "Sturdy."))
    assert shop.admin.get(f"{_PATH}/{created['id']}").json() == created
    page = shop.customer.get(_PATH, params={"limit": 1}).json()
    cursor = page["next_cursor"]
    assert shop.customer.get(_PATH, params={"limit": 1, "cursor": cursor}).json()["count"] == 1
    assert shop.anyone.get("/health/sample-notes").json()["total"] == 2
