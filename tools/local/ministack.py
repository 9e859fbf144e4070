"""The emulator, as AWS does five more things: `python -m tools.local.ministack`.

The emulator writes every event as for the execute-api URL. The front sends the base path of a
request to a domain; then `path` and `requestContext.path` are both the path at that domain.

It keeps the weights of an alias while a deployment is under way, and invokes one version only.

In a log group of several functions AWS names each stream after its function.

CloudWatch makes metrics of log lines, and API Gateway measures requests: ministack_metrics.py.
"""

import random
from typing import Any, Final

from ministack.app import main  # type: ignore[import-not-found]  # in its own environment
from ministack.services import (  # type: ignore[import-not-found]
    apigateway_v1,
    cloudwatch,
    cloudwatch_logs,
    lambda_svc,
)

from tools.local import ministack_metrics
from tools.local.places import BASE_PATH

# There are no hooks.
_event: Final = apigateway_v1._build_lambda_event_v1  # noqa: SLF001
_record: Final = lambda_svc._effective_func_record_for_qualifier  # noqa: SLF001
_invoke: Final = lambda_svc._invoke  # noqa: SLF001
_log: Final = lambda_svc._emit_lambda_logs  # noqa: SLF001


def _event_of_domain(*arguments: Any, **named: Any) -> dict[str, Any]:
    event: dict[str, Any] = _event(*arguments, **named)
    event["multiValueHeaders"].pop(BASE_PATH, None)
    base_path = event["headers"].pop(BASE_PATH, None)
    if base_path is not None:
        path = base_path.rstrip("/") + event["path"]
        event["path"] = event["requestContext"]["path"] = path
    return event


def _record_by_weights(function: dict[str, Any] | None, qualifier: str | None) -> Any:
    return _record(function, _drawn(function, qualifier))


async def _invoke_by_weights(
    name: str, event: Any, headers: Any, qualifier: str | None = None, query: Any = None
) -> Any:
    function = lambda_svc._functions.get(name)  # noqa: SLF001
    named = qualifier or ((query or {}).get("Qualifier") or [None])[0]
    return await _invoke(name, event, headers, _drawn(function, named), query)


def _drawn(function: dict[str, Any] | None, qualifier: str | None) -> str | None:
    """The version that an alias with weights leads to this time."""
    alias = (function or {}).get("aliases", {}).get(qualifier, {})
    number = random.random()  # noqa: S311  # no secret
    for version, weight in (
        alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).items()
    ):
        if number < weight:
            return str(version)
        number -= weight
    return qualifier


def _log_in_named_stream(
    func: Any, request_id: str, text: str, *arguments: Any, **named: Any
) -> None:
    _log(func, request_id, text, *arguments, **named)
    ministack_metrics.put_embedded(text)
    config = func.get("config") or func
    group = (config.get("LoggingConfig") or {}).get("LogGroup")
    found = cloudwatch_logs._log_groups.get(group)  # noqa: SLF001
    if not found:
        return
    # The newest are at the end, each with the lines of one invocation.
    for name in reversed(list(found["streams"])):
        if request_id in found["streams"][name]["events"][0]["message"]:
            date, _, rest = name.rpartition("/")
            new = f"{date}/{config['FunctionName']}{rest}"
            found["streams"][new] = found["streams"].pop(name)
            return


if __name__ == "__main__":
    apigateway_v1._handle_execute_in_scope = ministack_metrics.execute  # noqa: SLF001
    cloudwatch._describe_alarms = ministack_metrics.describe_alarms  # noqa: SLF001
    lambda_svc._emit_lambda_logs = _log_in_named_stream  # noqa: SLF001
    apigateway_v1._build_lambda_event_v1 = _event_of_domain  # noqa: SLF001
    lambda_svc._effective_func_record_for_qualifier = _record_by_weights  # noqa: SLF001
    lambda_svc._invoke = _invoke_by_weights  # noqa: SLF001
    main()
