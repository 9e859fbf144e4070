"""A function's environment variables: the template's, and those of Lambda itself."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tools.intrinsics import NO_OTHERS, resolve
from tools.local.places import REGION
from tools.template import alias, resources, template

# What the format JSON sets where the template names no level.
_LEVEL: Final = "INFO"


def variables(
    function: str, names: Mapping[str, str], parameters: Mapping[str, str] = NO_OTHERS
) -> dict[str, str]:
    """The variables of the function's own.

    Args:
        names: what `Ref` gives of each resource.
        parameters: the template's, those that differ from their defaults.
    """
    return _declared(resources("AWS::Serverless::Function")[function], names, parameters)


def whole(
    function: str, names: Mapping[str, str], parameters: Mapping[str, str] = NO_OTHERS
) -> dict[str, str]:
    """All of its variables but credentials, the Runtime API's address, and paths."""
    common = template()["Globals"]["Function"]
    own = resources("AWS::Serverless::Function")[function]

    used = ("Handler", "LoggingConfig", "MemorySize", "ProvisionedConcurrencyConfig", "SnapStart")
    # SAM merges what is a map, one level deep.
    logging = common.get("LoggingConfig", {}) | own.get("LoggingConfig", {})
    merged = common | own | {"LoggingConfig": logging}
    settings = resolve(
        {name: merged[name] for name in used if name in merged},
        ref=lambda name: names.get(name, name),
        attribute=_attribute,
        parameters=parameters,
    )
    return {
        **of_lambda(
            function,
            memory=int(settings["MemorySize"]),
            handler=settings["Handler"],
            version="1",
            initialization=_initialization(settings),
        ),
        **_of_logging(function, settings["LoggingConfig"]),
        **_declared(common, names, parameters),
        **variables(function, names, parameters),
    }


def of_lambda(
    function: str,
    *,
    memory: int,
    handler: str,
    version: str = "$LATEST",
    initialization: str = "on-demand",
) -> dict[str, str]:
    """What Lambda sets for every function; `memory` in MB."""
    return {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "AWS_REGION": REGION,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": handler,
    }


def _of_logging(function: str, config: Mapping[str, str]) -> dict[str, str]:
    """What Lambda derives from `LoggingConfig`."""
    derived = {
        "AWS_LAMBDA_LOG_FORMAT": config.get("LogFormat", "Text"),
        "AWS_LAMBDA_LOG_GROUP_NAME": config.get("LogGroup", f"/aws/lambda/{function}"),
        "AWS_LAMBDA_LOG_STREAM_NAME": f"2026/11/21/{function}[$LATEST]{'0' * 32}",
    }
    if derived["AWS_LAMBDA_LOG_FORMAT"] == "JSON":
        derived["AWS_LAMBDA_LOG_LEVEL"] = config.get("ApplicationLogLevel", _LEVEL)
    return derived


def _initialization(settings: Mapping[str, Any]) -> str:
    if settings.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
        return "snap-start"
    return "provisioned-concurrency" if "ProvisionedConcurrencyConfig" in settings else "on-demand"


def _declared(
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
        # Variables name no other attribute of a function than its alias.
        return f"{names[function]}:{alias()}" if attribute == "Alias" else names[name]

    return ref


def _attribute(name: str) -> str:
    raise NotImplementedError(name)  # no variable has one
