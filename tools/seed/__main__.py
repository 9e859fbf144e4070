"""`python -m tools.seed --url http://127.0.0.1:3000`: fill a shop that is deployed and reachable.

Everything goes through the API except the first admin, which no API may name. Run again, it adds
what is missing and changes nothing else.
"""

import argparse
import sys
from typing import Any, Final

import httpx

from tools.commands import output
from tools.local.places import STACK
from tools.progress import Problem, exit_code
from tools.seed.catalogue import CATALOGUE

PASSWORD: Final = "correct-horse-battery"  # noqa: S105  # public: of local shops only
ADMIN: Final = "admin@example.com"
_ACCOUNTS: Final = ((ADMIN, "Ada Admin"), ("alice@example.com", "Alice Archer"))


def seed(url: str) -> None:
    """Register the accounts, make one an admin, and add the products."""
    with httpx.Client(base_url=url, timeout=60) as client:
        for email, full_name in _ACCOUNTS:
            account = {"email": email, "full_name": full_name, "password": PASSWORD}
            _expect(client.post("/api/v1/users", json=account), 201, 409)
        _make_admin(ADMIN)
        login = _expect(
            client.post("/api/v1/auth/login", json={"email": ADMIN, "password": PASSWORD}), 200
        )
        client.headers["Authorization"] = f"Bearer {login['access_token']}"
        there = {product["name"] for product in _all_products(client)}
        for product in CATALOGUE:
            if product["name"] not in there:
                _expect(client.post("/api/v1/products", json=product), 201)


def _all_products(client: httpx.Client) -> list[dict[str, Any]]:
    products: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = _expect(client.get("/api/v1/products", params=query), 200)
        products += page["products"]
        cursor = page["next_cursor"]
        if cursor is None:
            return products


def _make_admin(email: str) -> None:
    where = ("--env", "dev", "--stack", STACK)
    command = (sys.executable, "-m", "tools.first_admin", *where, "--email", email)
    output("The admin could not be made.", *command)


def _expect(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    if answer.status_code not in statuses:
        raise Problem(
            f"{answer.request.method} {answer.request.url} answered {answer.status_code}: "
            f"{answer.text[:300]}"
        )
    body: dict[str, Any] = answer.json()
    return body


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.seed", description=__doc__)
    parser.add_argument("--url", required=True, help="where the shop's API is")
    try:
        seed(parser.parse_args().url)
    except httpx.HTTPError as error:
        raise Problem(str(error)) from None
    print(f"{len(_ACCOUNTS)} accounts and {len(CATALOGUE)} products are in the shop.")


if __name__ == "__main__":
    sys.exit(exit_code(main))
