"""`make fault`: makes calls slow or fail for a while, in a shop with the parameter Faults on.

Of the open shop on a port of this machine, or with --env of a deployed shop, with this machine's
AWS credentials. docs/game-day.md has five rehearsals.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from faults import plan
from faults.plan import KINDS, TARGETS, Fault
from tools.local.arguments import Parser, Where, add_where, where
from tools.progress import Problem, exit_code

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_PARAMETER: Final = "FaultsParameter"  # in template.yaml


def parameter(shop: Where) -> str:
    """The name of the shop's parameter.

    Raises:
        Problem: the shop has no faults.
    """
    pages = shop.client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=shop.stack):
        for resource in page["StackResourceSummaries"]:
            if resource["LogicalResourceId"] == _PARAMETER:
                return str(resource["PhysicalResourceId"])
    raise Problem(
        f"{shop.stack} has no code for faults: its parameter Faults is off, as it should be where "
        "customers are."
    )


def asked(target: str, kind: str, rate: str, seconds: str, now: float) -> Fault:
    """The fault of the arguments, which are texts as make passes them on.

    Raises:
        Problem: one of them is not possible.
    """
    if target not in TARGETS:
        raise Problem(f"TARGET={target} is none of {', '.join(TARGETS)}.")
    if kind not in KINDS:
        raise Problem(f"KIND={kind} is none of {', '.join(KINDS)}.")
    share = _number("RATE", rate, 1)
    if not 0 < share <= 1:
        raise Problem(f"RATE={rate} is no share of the calls: write 0.5 for half of them.")
    lasts = _number("FOR", seconds, 60)
    if not 1 <= lasts <= plan.LONGEST_SECONDS:
        raise Problem(f"FOR={seconds} is not possible: from 1 to {plan.LONGEST_SECONDS} seconds.")
    return Fault(target, kind, share, now + lasts)


def _number(name: str, text: str, default: float) -> float:
    try:
        return float(text) if text else default
    except ValueError:
        raise Problem(f"{name}={text} is no number.") from None


def described(fault: Fault | None) -> str:
    """What is on, as a sentence."""
    if fault is None:
        return "No fault is on."
    share = "All" if fault.rate == 1 else f"{fault.rate:.0%} of all"
    until = datetime.fromtimestamp(fault.until, UTC)
    return f"{share} {TARGETS[fault.target]} {KINDS[fault.kind]}, until {until:%H:%M:%S} UTC."


def current(ssm: "SSMClient", name: str) -> Fault | None:
    """The fault that is on.

    Raises:
        Problem: the parameter's value is not what this tool writes.
    """
    try:
        return plan.read(ssm.get_parameter(Name=name)["Parameter"]["Value"], time.time())
    except ValueError as cause:
        raise Problem(f"{name} has a value that functions ignore: `make fault STOP=1`.") from cause


def main(arguments: Sequence[str]) -> None:
    parser = Parser(prog="make fault")
    add_where(parser)
    for name in ("target", "kind", "rate", "for"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--stop", action="store_true")
    options = parser.parse_args(arguments)
    try:
        _run(options, where(options))
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"AWS refused or did not answer: {cause}") from cause


def _run(options: argparse.Namespace, shop: Where) -> None:
    is_new = bool(options.target or options.kind or options.rate or getattr(options, "for"))
    given = (options.target, options.kind, options.rate, getattr(options, "for"))
    fault = asked(*given, time.time()) if is_new and not options.stop else None
    name = parameter(shop)
    ssm: SSMClient = shop.client("ssm")
    if fault or options.stop:
        value = fault.written() if fault else "{}"
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    print(described(current(ssm, name)))
    if fault or options.stop:
        print(f"Functions notice within {plan.FRESH_SECONDS:g} s.")
    if fault:
        print(f"To end it: make fault STOP=1{shop.suffix}")


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
