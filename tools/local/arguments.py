"""Arguments of commands, and the shop that they name."""

import argparse
import os
from dataclasses import dataclass
from typing import Any, NoReturn

import boto3

from tools.local import stack, summary, target
from tools.local.places import STACK
from tools.local.shop import Shop
from tools.progress import Problem


class Parser(argparse.ArgumentParser):
    """Reports errors as a Problem."""

    def error(self, message: str) -> NoReturn:
        raise Problem(f"{message[0].upper()}{message[1:]}.")


def port(text: str) -> int:
    """A port's number, for argparse."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no port: choose a number from 1 to 65535")


def parameters(text: str) -> dict[str, str]:
    """`Name=value` pairs with spaces between them, for argparse."""
    pairs = [pair.partition("=") for pair in text.split()]
    for name, equals, _ in pairs:
        if not equals:
            raise argparse.ArgumentTypeError(f"{name} has no value: write Name=value")
    return {name: value for name, _, value in pairs}


def running_shop(port: int) -> Shop:
    """The open shop on that port.

    Raises:
        Problem: there is none.
    """
    shop = Shop.on(port)
    if not shop.is_running():
        raise Problem(
            f"No shop is open on port {port}: start one with `make run{summary.on(port)}`."
        )
    return shop


@dataclass(frozen=True)
class Where:
    """A shop that is open on this machine, or deployed.

    Attributes:
        suffix: what `make` needs after a target's name to mean this shop.
    """

    session: boto3.Session
    endpoint: str | None
    stack: str
    suffix: str

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]


def add_where(parser: argparse.ArgumentParser) -> None:
    """--port, or --env and --stack."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=port, help="the port of an open shop")
    where.add_argument("--env", help="a deployed shop, by its environment in samconfig.toml")
    target.add_arguments(parser)


def where(options: argparse.Namespace) -> Where:
    """The shop that the arguments of add_where name."""
    if options.env is not None:
        deployed = target.target(options.env, options.stack)
        return Where(deployed.session(), None, deployed.stack, deployed.suffix)
    shop = running_shop(options.port)
    forget_own_aws()
    return Where(stack.session(), shop.endpoint, STACK, summary.on(options.port))


def forget_own_aws() -> None:
    """Drop this machine's own AWS settings: they do not concern the emulator."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
