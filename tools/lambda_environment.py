"""A function's environment variables: the template's, and those that Lambda sets by itself."""

from collections.abc import Callable, Mapping
from typing import Any

from tools.intrinsics import NO_OTHERS, resolve
from tools.template import alias, resources, template


def variables(
    function: str, names: Mapping[str, str], parameters: Mapping[str, str] = NO_OTHERS
) -> dict[str, str]:
    """The variables of the function's own.

    Args:
        names: what `Ref` gives of each resource.
        parameters: the template's, those that differ from their defaults.
    """
    return _resolved(resources("AWS::Serverless::Function")[function], names, parameters)


def whole(
    function: str, names: Mapping[str, str], parameters: Mapping[str, str] = NO_OTHERS
) -> dict[str, str]:
    """All of its variables but its credentials, and where AWS and the Runtime API are."""
    common = template()["Globals"]["Function"]
    own = common | resources("AWS::Serverless::Function")[function]
    memory = resolve(
        own["MemorySize"], ref=_ref(names), attribute=_attribute, parameters=parameters
    )
    return {
        **of_lambda(function, memory=int(memory)),
        **_resolved(common, names, parameters),
        **variables(function, names, parameters),
    }


def of_lambda(function: str, *, memory: int) -> dict[str, str]:
    """What Lambda tells every function; `memory` in MB."""
    return {
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


def _resolved(
    properties: Mapping[str, Any], names: Mapping[str, str], parameters: Mapping[str, str]
) -> dict[str, str]:
    declared = properties["Environment"]["Variables"]
    resolved: dict[str, object] = resolve(
        declared, ref=_ref(names), attribute=_attribute, parameters=parameters
    )
    return {name: str(value) for name, value in resolved.items()}


def _ref(names: Mapping[str, str]) -> Callable[[str], str]:
    def ref(name: str) -> str:
        function, _, attribute = name.partition(".")
        # Of what a function's name gives, variables have its alias only.
        return f"{names[function]}:{alias(function)}" if attribute == "Alias" else names[name]

    return ref


def _attribute(name: str) -> str:
    raise NotImplementedError(name)  # no variable has one
