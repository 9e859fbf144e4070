"""Arguments of the commands for a shop on this machine, and the shop that they mean."""

import argparse
import os
from typing import NoReturn

from tools.local import summary
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


def forget_own_aws() -> None:
    """Drop this machine's own AWS settings: they do not concern the emulator."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
