"""CloudFormation's functions, applied to parts of the template as a deployment does. Parameters
have their defaults where no others are named."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tools.template import template

_PLACEHOLDER: Final = re.compile(r"\$\{([\w.:]+)\}")
_NOTHING: Final = object()
_PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "bodega",
    "AWS::URLSuffix": "amazonaws.com",
}
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
        parameters: those that differ from their defaults, pseudo parameters such as AWS::StackName
            among them.
    """

    def named(name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return parameter(name, parameters) if _is_parameter(name) else ref(name)

    def substituted(argument: str | list[Any]) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        values: dict[str, Any] = resolved(own)

        def value_of(name: str) -> Any:
            return values[name] if name in values else (attribute if "." in name else named)(name)

        return _PLACEHOLDER.sub(lambda match: str(value_of(match[1])), text)

    def chosen(condition: str, then: Any, otherwise: Any) -> Any:
        return resolved(then if _holds({"Condition": condition}, parameters) else otherwise)

    functions: dict[str, Callable[[Any], Any]] = {
        "Ref": named,
        "Fn::GetAtt": lambda name: attribute(_dotted(name)),
        "Fn::Sub": substituted,
        "Fn::Join": lambda arguments: arguments[0].join(resolved(arguments[1])),
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


def _is_parameter(name: str) -> bool:
    return name in _PSEUDO_PARAMETERS or name in template()["Parameters"]


def _dotted(name: str | list[str]) -> str:
    return name if isinstance(name, str) else ".".join(name)


def parameter(name: str, others: Mapping[str, str] = NO_OTHERS) -> str:
    """Its value, or its default."""
    if name in others:
        return others[name]
    return _PSEUDO_PARAMETERS.get(name) or str(template()["Parameters"][name]["Default"])


def is_made(resource: str) -> bool:
    """Whether a deployment has the resource at all."""
    return meets_condition(template()["Resources"][resource], NO_OTHERS)


def meets_condition(resource: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
    """Whether a deployment with those parameters has a resource or output of this definition."""
    condition = resource.get("Condition")
    return condition is None or _holds({"Condition": condition}, parameters)


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
