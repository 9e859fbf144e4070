"""Where a deployed shop is: the stack and region that samconfig.toml names."""

import argparse
from dataclasses import dataclass

import boto3

from tools.local import sam
from tools.progress import Problem


@dataclass(frozen=True)
class Target:
    """A deployed shop, or where one is to be.

    Attributes:
        environment: the environment of samconfig.toml.
    """

    environment: str
    stack: str
    region: str

    @property
    def suffix(self) -> str:
        """What `make` needs after a target's name to mean this shop."""
        is_usual = self.stack == sam.settings(self.environment)["stack_name"]
        return f" ENV={self.environment}" + ("" if is_usual else f" STACK={self.stack}")

    def session(self) -> boto3.Session:
        """With this machine's credentials.

        Raises:
            Problem: there are none.
        """
        session = boto3.Session(region_name=self.region)
        if session.get_credentials() is None:
            raise Problem(
                "There are no AWS credentials here: log in (for example `aws sso login`) first."
            )
        return session


def target(environment: str, stack: str = "") -> Target:
    """The shop of an environment of samconfig.toml, or another with the same settings.

    Raises:
        Problem: there is no such environment in an account.
    """
    names = sam.cloud_environments()
    if environment not in names:
        raise Problem(f"{environment or 'An empty name'} is none of ENV={', ENV='.join(names)}.")
    settings = sam.settings(environment)
    return Target(environment, stack or settings["stack_name"], settings["region"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--stack, empty where make's variable is not set."""
    parser.add_argument("--stack", default="", help="another stack than samconfig.toml's")
