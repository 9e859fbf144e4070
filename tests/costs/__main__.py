"""`python -m tests.costs`, a part of `make bench`: writes docs/costs.md."""

from bench.report import Table, console, markdown, shown
from tests.costs import flows, orders
from tests.costs.shop import opened
from tests.costs.volume import fill
from tools.local.places import ROOT
from tools.progress import step

_TARGET = ROOT / "docs/costs.md"
_HEAD = """\
# What an order costs

Written by `make bench`. Calls and request units are counted on the simulated cloud of the
tests, where the code runs from the Lambda entry to botocore's wire.
"""
_ITEMS = 2_000


def _flows() -> Table:
    with opened() as shop:
        fill(shop, _ITEMS)
        costs = {name: flows.cost_of(shop, flow) for name, flow in flows.FLOWS.items()}
    return Table(
        "Calls and request units of each flow",
        ("flow", "calls", "WRU", "RRU"),
        tuple(
            (n, str(c), f"{units.write:g}", f"{units.read:g}") for n, (c, units) in costs.items()
        ),
        f"Indexes included, with {_ITEMS:,} items of each kind in the tables."
        " tests/costs/test_volume.py holds that it is the same with fewer, except for"
        " the search by a common word, which reads up to 1,000 products with the word and then"
        " an index of the list's order.",
    )


def main() -> None:
    with step("calls and prices"):
        with opened() as shop:
            order = orders.tables(shop)
        every = _flows()
    shown(console(), [*order, every])
    sections = markdown("One order", order), markdown("Every flow", [every])
    _TARGET.write_text("\n".join((_HEAD, *sections)))


if __name__ == "__main__":
    main()
