"""What is measured: a function's package with its layer, and the event that it answers first."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

type Kind = Literal["api", "worker", "traced", "baseline"]
type Body = dict[str, Any]

FLOOR: Final = "floor"
RESOLVER: Final = "resolver"
NAIVE: Final = "naive"
NAIVE_UNCOMPILED: Final = "naive, no bytecode"


@dataclass(frozen=True)
class Subject:
    """One function.

    Attributes:
        kind: `worker` is a queue's, stream's, schedule's or internal function; `traced` is an API
            once more, with X-Ray.
        handler: as the template names it.
        task: the folder of its package, /var/task in Lambda.
        layer: the folder of its layer, /opt in Lambda.
        variables: its environment, but for credentials and addresses.
        event: what it is invoked with.
        is_right: whether its answer to the event is the right one.
    """

    name: str
    kind: Kind
    handler: str
    task: Path
    layer: Path
    variables: dict[str, str]
    event: bytes
    is_right: Callable[[Any], bool]


def answers(**members: Any) -> Callable[[Any], bool]:
    """The check of an API's answer: a 200 whose JSON body has these members."""

    def is_right(answer: Any) -> bool:
        if answer["statusCode"] != 200:
            return False
        body: Body = json.loads(answer["body"])
        return {name: body.get(name) for name in members} == members

    return is_right


def returns(expected: Any) -> Callable[[Any], bool]:
    """The check of a worker's answer: exactly this."""
    return lambda answer: bool(answer == expected)
