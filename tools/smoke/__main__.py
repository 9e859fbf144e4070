"""`python -m tools.smoke --url https://shop.example/live`: use a deployed shop as its customers do.

The steps of an admin log in with ADMIN_EMAIL and ADMIN_PASSWORD of the environment, on a shop of
this machine with the seed's. The walk deletes what it has made.
"""

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

import httpx

from tools.local.arguments import Parser, port
from tools.local.places import HOST
from tools.progress import Problem, step, stop
from tools.seed.__main__ import ADMIN, PASSWORD
from tools.smoke import accounts, catalogue, orders, site
from tools.smoke.client import MALFORMED, Client, Unexpected
from tools.smoke.walk import HOW_TO_BE_ADMIN, Skipped, Walk

type Step = Callable[[Walk], None]

STEPS: Final[tuple[Step, ...]] = (
    site.index, site.health, site.docs, site.public_keys,
    accounts.register, accounts.log_in, accounts.bad_credentials, accounts.own_account,
    accounts.others_accounts, accounts.refresh_and_log_out, accounts.admin_log_in,
    accounts.accounts_for_admin,
    catalogue.browse, catalogue.add_products, catalogue.filter_and_sort, catalogue.pages,
    catalogue.etag, catalogue.change_product,
    orders.refused_orders, orders.place_order, orders.confirmed_order, orders.others_orders,
    orders.notifications, orders.cancelled_order, orders.declined_payment, orders.shipped_order,
    catalogue.withdraw_product, accounts.erase_account,
    site.unknown_paths, site.unreadable_bodies, site.compression,
    # These look at all that came before.
    site.all_answers, site.openapi_document,
)  # fmt: skip


def walk_through(walk: Walk, steps: Sequence[Step] = STEPS) -> bool:
    """Take each step, then clean up in any case; returns whether nothing failed.

    Raises:
        Problem: there is no shop at the URL.
    """
    started = time.monotonic()
    print(f"▸ a walk through {walk.api.url}", flush=True)
    outcomes: list[str] = []
    try:
        for take in steps:
            outcomes.append(take_step(walk, take))
            if outcomes == ["failed"]:
                raise Problem(
                    f"No shop is at {walk.api.url}. API Gateway's URL ends with the stage: …/live"
                )
    finally:
        stays = _clean_up(walk)
        walk.api.close()
    passed, skipped, failed = (outcomes.count(o) for o in ("passed", "skipped", "failed"))
    print(
        f"\n{passed} steps passed, {skipped} skipped, {failed} failed; "
        f"{walk.api.requests} requests in {time.monotonic() - started:.0f} s."
    )
    if skipped and not walk.has_admin:
        print(f"The skipped steps need an admin: {HOW_TO_BE_ADMIN}.")
    return not failed and not stays


def take_step(walk: Walk, take: Step) -> str:
    """Take one step; returns passed, skipped or failed."""
    outcome = "passed"
    try:
        with step(take.__name__.replace("_", " ")) as progress:
            try:
                take(walk)
            except Skipped as reason:
                progress.note(f"skipped: {reason}")
                outcome = "skipped"
    except Unexpected as unexpected:
        print(f"  {unexpected}", flush=True)
        outcome = "failed"
    except MALFORMED as error:
        asked, _, _ = walk.api.asked[-1]
        kind = type(error).__name__
        print(f"  The answer to {asked} has another form than the contract's ({kind}).", flush=True)
        outcome = "failed"
    return outcome


def _clean_up(walk: Walk) -> list[str]:
    # Another Ctrl-C must not interrupt the clean-up.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with step("clean up"):
        stays = list(walk.clean_up())
    signal.signal(signal.SIGINT, before)
    for sentence in stays:
        print(f"  {sentence}", flush=True)
    return stays


def walk_of(arguments: list[str] | None) -> Walk:
    """The walk that the command line and the environment ask for."""
    parser = Parser(prog="python -m tools.smoke", description=__doc__)
    # An empty argument is a variable of make that is not set.
    parser.add_argument("--url", default="", help="where the API is, with its stage if it has one")
    parser.add_argument("--port", type=port, default=3000, help="of the open shop, without --url")
    parser.add_argument("--deployed", action="store_true", help="a deployed shop is meant")
    options = parser.parse_args(arguments)
    if options.deployed and not options.url:
        raise Problem("Which shop? Give its URL as well: `make deploy` prints it at its end.")
    try:
        url = httpx.URL(options.url or f"http://{HOST}:{options.port}")
        host = url.host
    except (httpx.InvalidURL, UnicodeError) as reason:
        raise Problem(f"That is no URL: {reason}.") from None
    if url.userinfo:
        raise Problem("Leave the user and the password out of the URL.")
    email, password = os.environ.get("ADMIN_EMAIL", ""), os.environ.get("ADMIN_PASSWORD", "")
    if bool(email) != bool(password):
        raise Problem("ADMIN_EMAIL and ADMIN_PASSWORD belong together: one of them is missing.")
    if host != HOST and url.scheme != "https":
        raise Problem(f"{url} must begin with https://: passwords and tokens are sent there.")
    if not (email or password) and host == HOST:
        email, password = ADMIN, PASSWORD
    return Walk(Client(str(url), secrets.token_hex(4)), email, password)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return 0 if walk_through(walk_of(arguments)) else 1
    except Problem as problem:
        return stop(problem)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
