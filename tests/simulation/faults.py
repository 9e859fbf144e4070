"""What can go wrong with a call to AWS: once, at a call of a given number, or for a while, at every
call of an operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

_WRITES: Final = {"PutItem", "UpdateItem", "DeleteItem"}
TRANSACTION: Final = "TransactWriteItems"
_BATCH: Final = "PublishBatch"
# How each service throttles: the code and the status.
THROTTLING: Final[Mapping[str, tuple[str, int]]] = {
    "cloudwatch": ("Throttling", 400),
    "dynamodb": ("ThrottlingException", 400),
    "kms": ("ThrottlingException", 400),
    "lambda": ("TooManyRequestsException", 429),
    "sesv2": ("TooManyRequestsException", 429),
    "sns": ("Throttling", 400),
    "sqs": ("RequestThrottled", 400),
    "ssm": ("ThrottlingException", 400),
}
# How each service says that it failed, with status 500.
FAILURES: Final[Mapping[str, str]] = {
    "cloudwatch": "InternalServiceFault",
    "dynamodb": "InternalServerError",
    "kms": "KMSInternalException",
    "lambda": "ServiceException",
    "sesv2": "InternalFailure",
    "sns": "InternalError",
    "sqs": "InternalFailure",
    "ssm": "InternalServerError",
}


class Died(BaseException):
    """The function's process is gone. Nothing in it can catch this, as nothing can catch a
    SIGKILL."""


@dataclass(frozen=True)
class Call:
    """One AWS call: the function, the service, the operation, and its subject (a table, a queue, a
    function)."""

    function: str
    service: str
    operation: str
    about: str

    def __str__(self) -> str:
        return f"{self.function}: {self.service}.{self.operation} {self.about}".strip()


class Mode(Enum):
    """What may happen to one call."""

    DIES_BEFORE = "dies before it is sent"
    DIES_AFTER = "dies after it is done"
    ANSWER_LOST = "answer lost, the SDK retries"
    THROTTLED = "throttled"
    UNREACHABLE = "not reached, at any attempt"
    PARTIAL = "the first entry of a batch refused, and every other one after it"
    CONFLICT = "TransactionConflict"
    IN_PROGRESS = "answer lost, its retry still in progress"
    STALLS = "stalls, goes on as a zombie"
    ZOMBIES_WAKE = "those that stalled go on before it"

    def suits(self, call: Call) -> bool:
        """Whether it can happen to this call."""
        if self is Mode.PARTIAL:
            return call.operation == _BATCH
        if self is Mode.CONFLICT:
            return call.service == "dynamodb" and call.operation in {*_WRITES, TRANSACTION}
        return self is not Mode.IN_PROGRESS or call.operation == TRANSACTION


class Fault(Enum):
    """What a service does to every call during an outage."""

    HANGS = "hangs"
    FAILS = "fails at once"
    THROTTLES = "throttles"
    LATE = "does it and answers too late"
    STALE = "serves stale reads"


@dataclass(frozen=True)
class Target:
    """What an outage affects: an operation of a service, on a table, a queue or a function."""

    service: str
    operation: str
    about: str

    def __str__(self) -> str:
        return f"{self.service}.{self.operation} {self.about}".strip()


@dataclass(frozen=True)
class Outage:
    """A fault of one target, from a time to another one."""

    target: Target
    fault: Fault
    begin: float
    end: float
