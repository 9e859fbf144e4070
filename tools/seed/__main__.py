"""`python -m tools.seed --url http://127.0.0.1:3000`: fill a new shop of this machine.

Everything goes through the API except the first admin, which no API may name.
"""

import argparse
import sys
import time
from typing import Final

import httpx

from tools.commands import output
from tools.local import mail
from tools.local.places import STACK
from tools.progress import Problem, exit_code
from tools.seed.catalogue import CATALOGUE

PASSWORD: Final = "correct-horse-battery"  # noqa: S105  # public: of local shops only
ADMIN: Final = "admin@example.com"
_LONGEST_WAIT: Final = 60
_ACCOUNTS: Final = ((ADMIN, "Ada Admin"), ("alice@example.com", "Alice Archer"))


def seed(url: str) -> None:
    """Register and confirm the accounts, make one an admin, and add the products."""
    with httpx.Client(base_url=url, timeout=60) as client:
        for email, full_name in _ACCOUNTS:
            account = {"email": email, "full_name": full_name, "password": PASSWORD}
            _post(client, "/api/v1/users", account)
        for email, _ in _ACCOUNTS:
            _confirm(client, email)
        _make_admin(ADMIN)
        log_in = client.post("/api/v1/auth/login", json={"email": ADMIN, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {log_in.json()['access_token']}"
        for product in CATALOGUE:
            _post(client, "/api/v1/products", product)


def _confirm(client: httpx.Client, email: str) -> None:
    """Use the link of the e-mail, as soon as it is sent."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while not (token := mail.newest_token(client, email)):
        if time.monotonic() > deadline:
            raise Problem(f"{email} got no e-mail within {_LONGEST_WAIT} s.")
        time.sleep(0.2)
    _post(client, "/api/v1/auth/confirm", {"token": token}, expected=200)


def _make_admin(email: str) -> None:
    where = ("--env", "dev", "--stack", STACK)
    command = (sys.executable, "-m", "tools.first_admin", *where, "--email", email, "--yes")
    output("The admin could not be made.", *command)


def _post(client: httpx.Client, path: str, body: object, *, expected: int = 201) -> None:
    answer = client.post(path, json=body)
    if answer.status_code != expected:
        raise Problem(f"POST {answer.url} answered {answer.status_code}: {answer.text[:300]}")


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
