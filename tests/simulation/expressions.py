"""DynamoDB's expressions, as far as Bodega and Powertools use them: conditions, filters and updates
on typed items."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

type Value = Mapping[str, Any]
type Item = Mapping[str, Value]
type Names = Mapping[str, str]
type Values = Mapping[str, Value]

_KEYS: Final = {"pk", "sk"}
_EXPRESSIONS: Final = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_TOKEN: Final = re.compile(r"\s*([#:]?\w+|<=|>=|<>|[=<>(),+-])")
_ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Malformed(Exception):
    """The expression is none that is known here: DynamoDB would answer with a ValidationException,
    or we lack it."""


class Impossible(Malformed):
    """The update cannot be done to this item, for what it holds."""


@cache
def tokens(expression: str) -> tuple[str, ...]:
    found, place = [], 0
    while place < len(expression.rstrip()):
        token = _TOKEN.match(expression, place)
        if token is None:
            raise Malformed(expression)
        found.append(token[1])
        place = token.end()
    return tuple(found)


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, expression: str, names: Names, values: Values, item: Item) -> None:
        self._tokens = tokens(expression)
        self._place = 0
        self._names = names
        self._values = values
        self.item = item

    @property
    def next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        if not token:
            raise Malformed("the expression ends too early")
        if expected and token.upper() not in expected:
            raise Malformed(f"{token!r} instead of {expected}")
        self._place += 1
        return token

    def takes(self, word: str) -> bool:
        if self.next.upper() != word:
            return False
        self._place += 1
        return True

    def name(self) -> str:
        token = self.take()
        return self._names[token] if token.startswith("#") else token

    def operand(self) -> Value | None:
        """A value, or what an attribute holds; None where there is no such attribute."""
        if self.next.startswith(":"):
            return self._values[self.take()]
        word = self.next
        if word in ("if_not_exists", "list_append"):
            self.take()
            self.take("(")
            first = self.operand()
            self.take(",")
            second = self.operand()
            self.take(")")
            if word == "if_not_exists":
                return first if first is not None else second
            return {"L": [*_held(first, "L"), *_held(second, "L")]}
        return self.item.get(self.name())

    # --- conditions ---

    def condition(self) -> bool:
        holds = self._conjunction()
        while self.takes("OR"):
            holds = self._conjunction() or holds
        return holds

    def _conjunction(self) -> bool:
        holds = self._term()
        while self.takes("AND"):
            holds = self._term() and holds
        return holds

    def _term(self) -> bool:
        if self.takes("NOT"):
            return not self._term()
        if self.takes("("):
            holds = self.condition()
            self.take(")")
            return holds
        if self.next in _FUNCTIONS:
            return self._function(self.take())
        left = self.operand()
        if self.takes("BETWEEN"):
            low = self.operand()
            self.take("AND")
            return _compare(">=", left, low) & _compare("<=", left, self.operand())
        return _compare(self.take("=", "<>", *_ORDERED), left, self.operand())

    def _function(self, name: str) -> bool:
        self.take("(")
        subject = self.operand()
        argument = self.operand() if self.takes(",") else None
        self.take(")")
        return _FUNCTIONS[name](subject, argument)


def _compare(operator: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        # What is not there is not equal to anything, and neither to what is not there either.
        return operator == "<>"
    if operator in ("=", "<>"):
        return (left == right) == (operator == "=")
    if left.keys() != right.keys():
        return False
    return _ORDERED[operator](sortable(left), sortable(right))


def sortable(value: Value) -> int | bytes:
    """Numbers sort as numbers, texts by their bytes."""
    return int(value["N"]) if "N" in value else _held(value, "S").encode()


def _begins_with(subject: Value | None, prefix: Value | None) -> bool:
    return bool(subject and prefix and "S" in subject and subject["S"].startswith(prefix["S"]))


def _contains(subject: Value | None, part: Value | None) -> bool:
    if not subject or not part:
        return False
    return part["S"] in subject["S"] if "S" in subject else part in subject.get("L", [])


_FUNCTIONS: Final[Mapping[str, Callable[[Value | None, Value | None], bool]]] = {
    "attribute_exists": lambda subject, _: subject is not None,
    "attribute_not_exists": lambda subject, _: subject is None,
    "begins_with": _begins_with,
    "contains": _contains,
}


def holds(expression: str | None, item: Item, names: Names, values: Values) -> bool:
    """Whether a condition holds for an item; an item that is not there has no attributes."""
    if not expression:
        return True
    reader = _Reader(expression, names, values, item)
    result = reader.condition()
    if reader.next:
        raise Malformed(expression)
    return result


def check(request: Mapping[str, Any]) -> None:
    """Every name and value that is given must be used, and the reverse.

    Raises:
        Malformed: it is not so.
    """
    used = {
        token
        for name in _EXPRESSIONS
        for token in tokens(request.get(name, ""))
        if token[0] in "#:"
    }
    given = (
        request.get("ExpressionAttributeNames", {}).keys()
        | request.get("ExpressionAttributeValues", {}).keys()
    )
    if used != given:
        raise Malformed(f"used or given, but not both: {used ^ given}")


def projected(expression: str | None, item: Item, names: Names) -> dict[str, Value]:
    """What a request sees of an item: these attributes, or all without an expression."""
    if not expression:
        return dict(item)
    shown = {names.get(token, token) for token in tokens(expression) if token != ","}
    return {name: value for name, value in item.items() if name in shown}


def updated(expression: str, item: Item, names: Names, values: Values) -> dict[str, Value]:
    """The item after an update. All operands are read from the item as it was before.

    Raises:
        Impossible: an operand is not there, or of the wrong type.
    """
    after = dict(item)
    reader = _Reader(expression, names, values, item)
    changed: set[str] = set(_KEYS)
    clauses: set[str] = set()
    while reader.next:
        clause = reader.take("SET", "REMOVE", "ADD").upper()
        if clause in clauses:
            raise Malformed(f"{clause} twice")
        clauses.add(clause)
        while True:
            name = reader.name()
            if name in changed:
                raise Malformed(f"{name} is a key, or is changed twice")
            changed.add(name)
            if clause == "SET":
                reader.take("=")
                after[name] = _assigned(reader)
            elif clause == "REMOVE":
                after.pop(name, None)
            else:
                after[name] = _sum(item.get(name, {"N": "0"}), reader.operand(), 1)
            if not reader.takes(","):
                break
    return after


def _assigned(reader: _Reader) -> Value:
    value = reader.operand()
    while reader.next in ("+", "-"):
        sign = 1 if reader.take() == "+" else -1
        value = _sum(value, reader.operand(), sign)
    if value is None:
        raise Impossible("an operand that is no attribute of the item")
    return value


def _sum(left: Value | None, right: Value | None, sign: int) -> Value:
    return {"N": str(int(_held(left, "N")) + sign * int(_held(right, "N")))}


def _held(value: Value | None, type_: str) -> Any:
    """What a value of this type holds."""
    if value is None or type_ not in value:
        raise Impossible(f"an operand that is not there, or no {type_}: {value}")
    return value[type_]
