"""The statements of policies, and the requests that they are about."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

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

    effect: str
    actions: Values
    resources: Values
    is_inverse: bool = False
    tests: tuple[Test, ...] = ()

    def unused(self, requests: Iterable[Request]) -> Iterator[str]:
        """The parts that no request needs: an action on a resource, or a value that a set of a
        condition lists."""
        given = list(requests)
        for action in self.actions:
            for resource in self.resources:
                needing = [
                    request
                    for request in given
                    if request.action == action and fnmatchcase(request.resource, resource)
                ]
                if not needing:
                    yield f"{action} on {resource}"
                    continue
                yield from (f"{action} on {resource}, {value}" for value in self._unheld(needing))

    def _unheld(self, requests: list[Request]) -> Iterator[str]:
        for operator, key, wanted in self.tests:
            if operator.startswith("ForAllValues:"):
                held = {value for request in requests for value in request.context.get(key, ())}
                for pattern in wanted:
                    if not any(fnmatchcase(value, pattern) for value in held):
                        yield f"{key} {pattern}"


def statements(document: Mapping[str, Any]) -> Iterator[Statement]:
    """The statements of a policy document."""
    for given in _several(document["Statement"]):
        [element] = {"Resource", "NotResource"} & given.keys()
        tests = tuple(
            (operator, key, tuple(map(str, _several(value))))
            for operator, keys in given.get("Condition", {}).items()
            for key, value in keys.items()
        )
        yield Statement(
            given["Effect"],
            tuple(_several(given["Action"])),
            tuple(_several(given[element])),
            element == "NotResource",
            tests,
        )


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
