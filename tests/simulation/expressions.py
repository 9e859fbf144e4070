"""DynamoDB's expressions on typed items, in the forms that Bodega uses: each is compiled once.

Every name and every value has a placeholder. Whether a request is well formed at all is checked by
the reference engine (test_dynamodb.py).
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from tests.simulation.refusals import Impossible

type Value = Mapping[str, Any]
type Item = Mapping[str, Value]
type Names = Mapping[str, str]
type Values = Mapping[str, Value]


class Scope(NamedTuple):
    """What an expression is evaluated on."""

    item: Item
    names: Names
    values: Values


type Operand = Callable[[Scope], Value | None]
type Condition = Callable[[Scope], bool]
type Change = Callable[[Scope, dict[str, Value]], None]

_TOKEN: Final = re.compile(r"[#:]?\w+|<=|>=|<>|[=<>(),+-]")
_ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class _Compiler:
    """Reads an expression from left to right.

    Raises:
        NotImplementedError: it has a form that is not simulated.
    """

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = _TOKEN.findall(expression)[::-1]

    def next(self) -> str:
        return self._tokens[-1] if self._tokens else ""

    def take(self, *expected: str) -> str:
        token = self.next()
        if not token or (expected and token not in expected):
            raise NotImplementedError(f"{token!r} in {self._expression!r}")
        return str(self._tokens.pop())

    def takes(self, token: str) -> bool:
        if self.next() != token:
            return False
        self.take()
        return True

    def end(self) -> None:
        if self._tokens:
            self.take("the end")

    # --- operands ---

    def operand(self) -> Operand:
        token = self.take()
        if token.startswith(":"):
            return lambda scope: scope.values[token]
        if token.startswith("#"):
            return lambda scope: scope.item.get(scope.names[token])
        if token not in _OPERANDS:
            raise NotImplementedError(f"{token!r} in {self._expression!r}")
        self.take("(")
        first = self.operand()
        self.take(",")
        second = self.operand()
        self.take(")")
        do = _OPERANDS[token]
        return lambda scope: do(first(scope), second(scope))

    # --- conditions ---

    def condition(self) -> Condition:
        parts = [self._conjunction()]
        while self.takes("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._term()]
        while self.takes("AND"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def _term(self) -> Condition:
        if self.takes("("):
            inner = self.condition()
            self.take(")")
            return inner
        if self.next() in _FUNCTIONS:
            return self._function()
        left = self.operand()
        if self.takes("BETWEEN"):
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return lambda scope: (
                _compare(">=", left(scope), low(scope)) and _compare("<=", left(scope), high(scope))
            )
        operator = self.take("=", "<>", *_ORDERED)
        right = self.operand()
        return lambda scope: _compare(operator, left(scope), right(scope))

    def _function(self) -> Condition:
        test = _FUNCTIONS[self.take()]
        self.take("(")
        subject = self.operand()
        argument = self.operand() if self.takes(",") else lambda scope: None
        self.take(")")
        return lambda scope: test(subject(scope), argument(scope))

    # --- updates ---

    def changes(self) -> list[Change]:
        found = []
        while self.next():
            change = {"SET": self._set, "REMOVE": self._remove, "ADD": self._add}[
                self.take("SET", "REMOVE", "ADD")
            ]
            found.append(change())
            while self.takes(","):
                found.append(change())
        return found

    def _set(self) -> Change:
        name = self.take()
        self.take("=")
        operand = self.operand()
        while self.next() in ("+", "-"):
            operand = _sum(operand, 1 if self.take() == "+" else -1, self.operand())

        def change(scope: Scope, after: dict[str, Value]) -> None:
            value = operand(scope)
            if value is None:
                raise Impossible("an operand that is no attribute of the item")
            after[scope.names[name]] = value

        return change

    def _remove(self) -> Change:
        name = self.take()

        def change(scope: Scope, after: dict[str, Value]) -> None:
            after.pop(scope.names[name], None)

        return change

    def _add(self) -> Change:
        name = self.take()
        total = _sum(lambda scope: scope.item.get(scope.names[name], {"N": "0"}), 1, self.operand())

        def change(scope: Scope, after: dict[str, Value]) -> None:
            after[scope.names[name]] = total(scope) or {}

        return change


def _sum(left: Operand, sign: int, right: Operand) -> Operand:
    return lambda scope: {
        "N": str(int(_held(left(scope), "N")) + sign * int(_held(right(scope), "N")))
    }


def _held(value: Value | None, type_: str) -> Any:
    """What a value of this type holds."""
    if value is None or type_ not in value:
        raise Impossible(f"an operand that is missing, or no {type_}: {value}")
    return value[type_]


def _compare(operator: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        # A missing attribute equals nothing, and no other missing attribute either.
        return operator == "<>"
    if operator in ("=", "<>"):
        return (left == right) == (operator == "=")
    if left.keys() != right.keys():
        return False
    return _ORDERED[operator](sortable(left), sortable(right))


def sortable(value: Value) -> int | bytes:
    """Numbers sort as numbers, texts by their bytes."""
    return int(value["N"]) if "N" in value else _held(value, "S").encode()


_OPERANDS: Final[Mapping[str, Callable[[Value | None, Value | None], Value | None]]] = {
    "if_not_exists": lambda first, second: second if first is None else first,
    "list_append": lambda first, second: {"L": [*_held(first, "L"), *_held(second, "L")]},
}
_FUNCTIONS: Final[Mapping[str, Callable[[Value | None, Value | None], bool]]] = {
    "attribute_exists": lambda subject, _: subject is not None,
    "attribute_not_exists": lambda subject, _: subject is None,
    "begins_with": lambda subject, prefix: (
        (subject or {}).get("S", "").startswith(_held(prefix, "S"))
    ),
    "contains": lambda subject, part: _held(part, "S") in (subject or {}).get("S", ""),
}


@cache
def condition(expression: str) -> Condition:
    """Whether a condition, a key condition or a filter holds; an empty one always does."""
    if not expression:
        return lambda scope: True
    compiler = _Compiler(expression)
    compiled = compiler.condition()
    compiler.end()
    return compiled


@cache
def _update(expression: str) -> list[Change]:
    return _Compiler(expression).changes()


def updated(expression: str, scope: Scope) -> dict[str, Value]:
    """The item after an update. All operands are read from the item as it was before.

    Raises:
        Impossible: an operand is missing, or of the wrong type.
    """
    after = dict(scope.item)
    for change in _update(expression):
        change(scope, after)
    return after
