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

import httpx

from tools.local.arguments import Parser, port
from tools.local.places import HOST
from tools.progress import Problem, end_as_by_ctrl_c, exit_code, step
from tools.seed.__main__ import ADMIN, PASSWORD
from tools.smoke.client import Client, Person, Unexpected
from tools.smoke.steps import STEPS
from tools.smoke.walk import MALFORMED, Skipped, Walk


def walk_through(walk: Walk, steps: Sequence[Callable[[Walk], None]] = STEPS) -> bool:
    """Take each step, then clean up in any case; returns whether nothing failed.

    Raises:
        Problem: there is no shop at the URL.
    """
    started = time.monotonic()
    print(f"▸ a walk through {walk.api.url}", flush=True)
    outcomes: list[str] = []
    try:
        for take in steps:
            outcomes.append(_outcome_of(walk, take))
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
        f"{len(walk.api.replies)} requests in {time.monotonic() - started:.0f} s."
    )
    if skipped and walk.owner is None:
        print("The skipped steps need an admin: set ADMIN_EMAIL and ADMIN_PASSWORD.")
    return not failed and not stays


def _outcome_of(walk: Walk, take: Callable[[Walk], None]) -> str:
    """Take one step; returns passed, skipped or failed."""
    try:
        with step(take.__name__.replace("_", " ")) as progress:
            try:
                take(walk)
            except Skipped as reason:
                progress.note(f"skipped: {reason}")
                return "skipped"
    except Unexpected as unexpected:
        print(f"  {unexpected}", flush=True)
        return "failed"
    except MALFORMED as error:
        asked, kind = walk.api.replies[-1].asked, type(error).__name__
        print(f"  The answer to {asked} has another form than the contract's ({kind}).", flush=True)
        return "failed"
    return "passed"


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
    except (httpx.InvalidURL, UnicodeError) as reason:
        raise Problem(f"That is no URL: {reason}.") from None
    if url.userinfo:
        raise Problem("Leave the user and the password out of the URL.")
    if url.host != HOST and url.scheme != "https":
        raise Problem(f"{url} must begin with https://: passwords and tokens are sent there.")
    email, password = os.environ.get("ADMIN_EMAIL", ""), os.environ.get("ADMIN_PASSWORD", "")
    if bool(email) != bool(password):
        raise Problem("ADMIN_EMAIL and ADMIN_PASSWORD belong together: one of them is missing.")
    if not email and url.host == HOST:
        email, password = ADMIN, PASSWORD
    client = Client(str(url), secrets.token_hex(4))
    return Walk(client, Person(email, password) if email else None)


if __name__ == "__main__":
    end_as_by_ctrl_c()
    sys.exit(exit_code(lambda: walk_through(walk_of(None))))
