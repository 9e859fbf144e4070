"""What the emulator's CloudWatch lacks: metrics that AWS makes of log lines, and API Gateway's own.

It runs in the emulator's process, so that no request waits for a call.
"""

import json
import time
from typing import Any, Final

from ministack.services import (  # type: ignore[import-not-found]  # in its own environment
    apigateway_v1,
    cloudwatch,
)

# There are no hooks.
_execute: Final = apigateway_v1._handle_execute_in_scope  # noqa: SLF001
_describe: Final = cloudwatch._describe_alarms  # noqa: SLF001


def put_embedded(log: str) -> None:
    """Store the metrics of the lines that are in CloudWatch's embedded metric format."""
    for line in log.splitlines():
        if '"_aws"' not in line:
            continue
        try:
            entry = json.loads(line)
            at = entry["_aws"]["Timestamp"] / 1000
            for group in entry["_aws"]["CloudWatchMetrics"]:
                for names in group["Dimensions"]:
                    dimensions = {name: entry[name] for name in names}
                    for metric in group["Metrics"]:
                        given = entry[metric["Name"]]
                        values = given if isinstance(given, list) else [given]
                        unit = metric.get("Unit", "None")
                        place = group["Namespace"], metric["Name"]
                        _store(place, dimensions, values, at=at, unit=unit)
        except (KeyError, TypeError, ValueError):
            continue  # a line that CloudWatch would not take either


async def execute(api_id: str, stage: str, *arguments: Any) -> Any:
    """Answer a request, and measure it as API Gateway does."""
    started = time.time()
    answer = await _execute(api_id, stage, *arguments)
    status, ended = answer[0], time.time()
    dimensions = {"ApiName": apigateway_v1._rest_apis[api_id]["name"], "Stage": stage}  # noqa: SLF001
    measured = {
        "Count": 1,
        "4XXError": int(400 <= status < 500),
        "5XXError": int(status >= 500),
        "Latency": round((ended - started) * 1000),
    }
    for name, value in measured.items():
        unit = "Milliseconds" if name == "Latency" else "Count"
        _store(("AWS/ApiGateway", name), dimensions, [value], at=ended, unit=unit)
    return answer


def describe_alarms(*arguments: Any) -> Any:
    """List alarms in the states that follow from the metrics so far."""
    cloudwatch._evaluate_all_alarms()  # noqa: SLF001
    for alarm in cloudwatch._alarms.values():  # noqa: SLF001
        is_fine = alarm.get("TreatMissingData") == "notBreaching" and not _has_data(alarm)
        if is_fine and alarm["StateValue"] != "OK":
            alarm["StateValue"], alarm["StateReason"] = "OK", "no datapoints were received"
            alarm["StateUpdatedTimestamp"] = int(time.time())
            cloudwatch._evaluate_parent_alarms(alarm)  # noqa: SLF001
    return _describe(*arguments)


def _has_data(alarm: dict[str, Any]) -> bool:
    """Whether its metric has values in the periods that it looks at."""
    since = time.time() - alarm["Period"] * alarm["EvaluationPeriods"]
    metric = alarm["Namespace"], alarm["MetricName"]
    return any(
        key[:2] == metric and points and points[-1]["Timestamp"] >= since
        for key, points in cloudwatch._metrics.items()  # noqa: SLF001
    )


def _store(
    metric: tuple[str, str], dimensions: dict[str, str], values: list[float], **of: Any
) -> None:
    namespace, name = metric
    cloudwatch._store_datum(  # noqa: SLF001
        namespace, name, dimensions, of["at"], of["unit"], None, values, None, None
    )
