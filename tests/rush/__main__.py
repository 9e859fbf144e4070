"""`python -m tests.rush --rate 1000 --seconds 0.5`: a simulated rush, and what became of it.

`python -m tests.rush ceilings`: how often each key can be taken, and the quotas needed.
"""

import argparse
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.report import markdown
from tests.costs.keys import Key
from tests.rush import ceilings
from tests.rush.rush import Outcome, Rush, play


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.rush", description=__doc__)
    parser.add_argument("report", nargs="?", choices=["rush", "ceilings"], default="rush")
    parser.add_argument("--rate", type=float, default=1000, help="requests a second")
    parser.add_argument("--seconds", type=float, default=0.5, help="for how long they arrive")
    parser.add_argument("--what", choices=["orders", "log-ins", "refreshes"], default="orders")
    parser.add_argument("--shards", type=int, default=1, help="the template's parameter Shards")
    parser.add_argument("--flash", action="store_true", help="all orders are for one product")
    parser.add_argument("--spread", action="store_true", help="the product is spread already")
    parser.add_argument("--checkouts", type=int, help="at once; as many as wanted by default")
    parser.add_argument("--mailers", type=int, help="at once; as many as wanted by default")
    given = parser.parse_args(arguments)
    if given.report == "ceilings":
        print(markdown("Ceilings", ceilings.tables(given.shards)))  # noqa: T201
        return
    many = int(given.rate)
    rush = Rush(
        given.rate,
        int(given.rate * given.seconds),
        given.what,
        given.shards,
        given.flash,
        given.spread,
        readers={
            "CheckoutQueue": given.checkouts or many,
            "NotificationsQueue": given.mailers or many,
        },
    )
    # Powertools reads these when its loggers and metrics are first asked for.
    os.environ |= {"POWERTOOLS_SERVICE_NAME": "rush", "POWERTOOLS_METRICS_NAMESPACE": "Bodega"}
    logging.disable()
    print("\n".join(_lines(play(rush))))  # noqa: T201


def _lines(outcome: Outcome) -> Iterator[str]:
    rush = outcome.rush
    goods = f"one product{', spread' * rush.is_spread}" if rush.is_flash else "many products"
    what = f"{rush.what}, {goods}" if rush.what == "orders" else rush.what
    yield f"{rush.rate:,.0f}/s for {rush.requests / rush.rate:.2g} s, Shards {rush.shards}: {what}"
    yield f"  served           {outcome.served:,.0f}/s"
    for answer, seconds in sorted(outcome.seconds.items()):
        share = len(seconds) / rush.requests
        yield f"  {answer[:16]:16} {share:4.0%}   {_latencies(seconds)}"
    if outcome.confirmed:
        yield f"  confirmed        {len(outcome.confirmed)}, {_latencies(outcome.confirmed)} later"
    yield f"  throttled        {_most(outcome.throttled)}"
    yield f"  conflicts        {_most(outcome.conflicts)}"
    for name, age in sorted({**outcome.ages, **outcome.waits}.items()):
        yield f"  oldest, {name:18} {age:.1f} s"
    yield f"  broken promises  {len(outcome.breaches)} {outcome.breaches[:2] or ''}"


def _latencies(seconds: Sequence[float]) -> str:
    found = sorted(seconds)
    p50, p99 = (found[min(len(found) - 1, int(len(found) * part))] for part in (0.5, 0.99))
    return f"p50 {p50 * 1000:,.0f} ms, p99 {p99 * 1000:,.0f} ms"


def _most(counted: Counter[Key]) -> str:
    return ", ".join(f"{key} {number:,}" for key, number in counted.most_common(6)) or "none"


if __name__ == "__main__":
    main()
