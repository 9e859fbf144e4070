"""IAM's own question: may this request be made? Policies are evaluated as AWS documents it, for one
account.

It knows the operators that Bodega's policies use and refuses all others, so that nothing passes for
want of knowledge.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, Literal

type Values = tuple[str, ...]
type Test = tuple[str, str, Values]


@dataclass(frozen=True)
class Request:
    """What IAM is asked about one action. A key of the context has one value or, as
    `dynamodb:Attributes`, several."""

    action: str
    resource: str
    context: Mapping[str, str | Values] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} {dict(self.context)}"


@dataclass(frozen=True)
class Statement:
    """One statement; `resources` are those that it is not about where `is_inverse`."""

    effect: Literal["Allow", "Deny"]
    actions: Values
    resources: Values
    is_inverse: bool = False
    tests: tuple[Test, ...] = ()

    def applies(self, request: Request) -> bool:
        """Whether it says something about the request."""
        return (
            any(_like(request.action.lower(), action.lower()) for action in self.actions)
            and any(_like(request.resource, r) for r in self.resources) != self.is_inverse
            and all(_passes(test, request.context) for test in self.tests)
        )

    def unused(self, requests: Iterable[Request]) -> Iterator[str]:
        """What of it none of these requests needs: an action on a resource, or a value that a set
        of a condition lists."""
        given = list(requests)
        for action in self.actions:
            for resource in self.resources:
                part = replace(self, actions=(action,), resources=(resource,))
                needing = [request for request in given if part.applies(request)]
                if not needing:
                    yield f"{action} on {resource}"
                    continue
                yield from (f"{action} on {resource}, {value}" for value in part._unheld(needing))

    def _unheld(self, requests: list[Request]) -> Iterator[str]:
        for operator, key, wanted in self.tests:
            if operator.startswith("ForAllValues:"):
                held = {value for request in requests for value in request.context.get(key, ())}
                for one in wanted:
                    if not any(_like(value, one) for value in held):
                        yield f"{key} {one}"


def statements(document: Mapping[str, Any]) -> Iterator[Statement]:
    """Those of a policy document.

    Raises:
        ValueError: it has an element or an operator that is not known here.
    """
    for given in _several(document["Statement"]):
        resources = {"Resource", "NotResource"} & given.keys()
        if given.keys() - {"Sid", "Effect", "Action", "Condition", *resources} or not resources:
            raise ValueError(f"a statement that is not understood: {given}")
        [element] = resources
        tests = tuple(
            (operator, key, tuple(map(str, _several(value))))
            for operator, keys in given.get("Condition", {}).items()
            for key, value in keys.items()
        )
        for operator, *_ in tests:
            _parse(operator)
        yield Statement(
            given["Effect"],
            tuple(_several(given["Action"])),
            tuple(_several(given[element])),
            element == "NotResource",
            tests,
        )


def allows(policy: Iterable[Statement], request: Request) -> bool:
    """Whether the request may be made: something allows it, and nothing denies it."""
    effects = {statement.effect for statement in policy if statement.applies(request)}
    return effects == {"Allow"}


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text), re.DOTALL)


def _like(value: str, pattern: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}
_QUANTIFIERS: Final = ("ForAllValues", "ForAnyValue")


@cache
def _parse(operator: str) -> tuple[str, str, bool, bool]:
    """An operator's quantifier, comparison, whether it is negated, and whether a missing key will
    do."""
    quantifier, _, name = operator.rpartition(":")
    bare = name.removesuffix("IfExists")
    comparison = bare.replace("Not", "", 1)
    known = comparison in _COMPARISONS or operator == "Null"
    if not known or quantifier not in ("", *_QUANTIFIERS):
        raise ValueError(f"an operator that is not known: {operator}")
    return quantifier, comparison, comparison != bare, bare != name


def _passes(test: Test, context: Mapping[str, str | Values]) -> bool:
    operator, key, wanted = test
    found = context.get(key)
    if operator == "Null":
        return (found is None) == (wanted == ("true",))
    quantifier, comparison, is_negated, is_optional = _parse(operator)
    if found is None:
        # All of nothing are right: a policy that lists allowed values must also require one. And
        # none of nothing is, not even with IfExists.
        return quantifier == "ForAllValues" or (not quantifier and (is_optional or is_negated))

    def passes(value: str) -> bool:
        return any(_COMPARISONS[comparison](value, one) for one in wanted) != is_negated

    if not quantifier:
        # Several values take a quantifier.
        return isinstance(found, str) and passes(found)
    values = (found,) if isinstance(found, str) else found
    return any(map(passes, values)) if quantifier == "ForAnyValue" else all(map(passes, values))
