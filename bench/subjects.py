"""What is measured: a function's package with its layer, and the event that it answers first."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

type Kind = Literal["api", "internal", "worker", "baseline", "traced", "stripe"]
type Body = dict[str, Any]

FLOOR: Final = "floor"
RESOLVER: Final = "resolver"
LEAN: Final = "lean"
NAIVE: Final = "naive"
STRIPE: Final = "OrdersCheckout, stripe"


@dataclass(frozen=True)
class Subject:
    """One function.

    Attributes:
        kind: `internal` is a function that others call, `worker` that of a queue, stream or
            schedule; `traced` is an API once more, with X-Ray; `stripe` is the checkout once
            more, which pays through Stripe.
        handler: as the template names it.
        task: the folder of its package, /var/task in Lambda.
        layer: the folder of its layer, /opt in Lambda.
        variables: its environment, but for credentials and addresses.
        event: what it is invoked with.
        is_right: whether its answer to the event is the right one.
        asks: what the event asks for, where a table says so.
        fresh: renews the event when it is sent: a signature is valid for five minutes.
    """

    name: str
    kind: Kind
    handler: str
    task: Path
    layer: Path
    variables: dict[str, str]
    event: bytes
    is_right: Callable[[Any], bool]
    asks: str = ""
    fresh: Callable[[bytes], bytes] = bytes


def answers(code: int = 200, /, **members: Any) -> Callable[[Any], bool]:
    """The check of an API's answer: this status code, and a JSON body that has these members."""

    def is_right(answer: Any) -> bool:
        if answer["statusCode"] != code:
            return False
        body: Body = json.loads(answer["body"])
        return {name: body.get(name) for name in members} == members

    return is_right


def lists(name: str, *found: Mapping[str, str]) -> Callable[[Any], bool]:
    """The check of an API's answer: its list has as many members as `found`, and they are like
    these."""

    def is_right(answer: Any) -> bool:
        if answer["statusCode"] != 200:
            return False
        listed: list[Body] = json.loads(answer["body"])[name]
        return len(listed) == len(found) and all(
            one.items() >= like.items() for one, like in zip(listed, found, strict=True)
        )

    return is_right


def returns(expected: Any) -> Callable[[Any], bool]:
    """The check of a worker's answer: exactly this."""
    return lambda answer: bool(answer == expected)
