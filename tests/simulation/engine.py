"""dynoxide, a DynamoDB of another author that is checked against AWS's own: started on this
machine, for Linux on x86_64.

It refuses what AWS refuses; moto and the emulator accept much of that.
"""

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from boto3.session import Session
from botocore.config import Config

from tools.local import processes
from tools.local.places import HOST, REGION, ROOT, clean_environment
from tools.progress import Problem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BINARY: Final = ROOT / ".tools/node/node_modules/@dynoxide/linux-x64/dynoxide"


def reason_to_skip() -> str | None:
    """Why it cannot run here; None where it can."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "dynoxide is installed for Linux on x86_64 only"
    return (
        None if _BINARY.exists() else "the node environment is not made: `make .tools/node/.made`"
    )


@contextmanager
def started(log: Path) -> Iterator["DynamoDBClient"]:
    """A client of an empty DynamoDB, that ends with the context."""
    port = processes.free_port()
    command = (_BINARY, "--host", HOST, "--port", str(port))
    pid = processes.start(command, clean_environment(), log)
    try:
        processes.wait_until(
            lambda: processes.listening(port),
            lambda: processes.alive(pid, _BINARY.name),
            Problem(f"dynoxide did not start; its log is {log}"),
        )
        yield Session("test", "test", region_name=REGION).client(
            "dynamodb",
            endpoint_url=f"http://{HOST}:{port}",
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )
    finally:
        processes.end(pid, _BINARY.name)
