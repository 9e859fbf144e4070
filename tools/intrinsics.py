"""CloudFormation's functions, applied to parts of the template as a deployment does. Parameters have their defaults where
no others are named."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tools.template import template

_PLACEHOLDER: Final = re.compile(r"\$\{([\w.]+)\}")
_NOTHING: Final = object()
NO_OTHERS: Final[Mapping[str, str]] = {}


def resolve(
    value: Any,
    *,
    ref: Callable[[str], Any],
    attribute: Callable[[str], Any],
    parameters: Mapping[str, str] = NO_OTHERS,
) -> Any:
    """The value, its functions applied.

    Args:
        ref: what `Ref` gives of a resource.
        attribute: what `GetAtt` gives.
        parameters: those that differ from their defaults.
    """

    def named(name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return parameter(name, parameters) if name in template()["Parameters"] else ref(name)

    def substituted(text: str) -> str:
        return _PLACEHOLDER.sub(lambda m: str((attribute if "." in m[1] else named)(m[1])), text)

    def joined(separator: str, parts: list[Any]) -> str:
        return separator.join(resolved(parts))

    def chosen(condition: str, then: Any, otherwise: Any) -> Any:
        return resolved(then if _holds({"Condition": condition}, parameters) else otherwise)

    functions: dict[str, Callable[[Any], Any]] = {
        "Ref": named,
        "Fn::GetAtt": attribute,
        "Fn::Sub": substituted,
        "Fn::Join": lambda arguments: joined(*arguments),
        "Fn::If": lambda arguments: chosen(*arguments),
    }

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [one for one in map(resolved, value) if one is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (name := next(iter(value))) in functions:
            return functions[name](value[name])
        members = {name: resolved(one) for name, one in value.items()}
        return {name: one for name, one in members.items() if one is not _NOTHING}

    return resolved(value)


def parameter(name: str, others: Mapping[str, str] = NO_OTHERS) -> str:
    """Its value, or its default."""
    return others.get(name) or str(template()["Parameters"][name]["Default"])


def is_made(resource: str) -> bool:
    """Whether a deployment has the resource at all."""
    condition = template()["Resources"][resource].get("Condition")
    return condition is None or _holds({"Condition": condition}, NO_OTHERS)


def _holds(condition: Any, parameters: Mapping[str, str]) -> bool:
    match condition:
        case {"Condition": name}:
            return _holds(template()["Conditions"][name], parameters)
        case {"Fn::Not": [one]}:
            return not _holds(one, parameters)
        case {"Fn::And": several}:
            return all(_holds(one, parameters) for one in several)
        case {"Fn::Or": several}:
            return any(_holds(one, parameters) for one in several)
        case {"Fn::Equals": [left, right]}:
            return _text(left, parameters) == _text(right, parameters)
    raise ValueError(f"a condition that is not understood: {condition}")


def _text(value: Any, parameters: Mapping[str, str]) -> str:
    return parameter(value["Ref"], parameters) if isinstance(value, dict) else str(value)
