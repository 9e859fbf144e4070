"""The template's CloudWatch alarms, and the metrics that they watch."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.simulation.timed import TimedShop
from tools.intrinsics import resolve
from tools.lambda_environment import whole
from tools.template import resources, template

# A namespace, a name, and the dimensions.
type Metric = tuple[str, str, frozenset[tuple[str, str]]]

_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
}
# An emission may come a few seconds later than a minute after the one before it.
_LATE_SECONDS: Final = 30


@dataclass(frozen=True)
class Alarm:
    """An alarm of the template.

    Args:
        properties: as CloudFormation takes them, with all functions resolved.
    """

    properties: Mapping[str, Any]

    @property
    def metric(self) -> Metric:
        given = self.properties
        dimensions = frozenset((each["Name"], each["Value"]) for each in given["Dimensions"])
        return given["Namespace"], given["MetricName"], dimensions

    def is_breaching(self, values: Sequence[float]) -> bool:
        """Whether a period with these values breaches."""
        given = self.properties
        assert given["ComparisonOperator"] == "GreaterThanThreshold"
        if not values:
            return bool(given["TreatMissingData"] == "breaching")
        return bool(_STATISTICS[given["Statistic"]](values) > given["Threshold"])


@cache
def alarms() -> dict[str, Alarm]:
    """Those of the template, in which each resource is named by its logical id."""
    return {
        name: Alarm(
            resolve(properties, ref=str, attribute=lambda dotted: str(dotted).partition(".")[0])
        )
        for name, properties in resources("AWS::CloudWatch::Alarm").items()
    }


def emitted(function: str, line: str) -> Iterator[tuple[Metric, str, list[float]]]:
    """The metrics in a line that a function printed, with their units and values.

    All functions run in one process here: the namespace is that of the function's own variables in
    Lambda.
    """
    if '"_aws"' not in line:
        return
    printed = json.loads(line)
    namespace = _namespace(function)
    for directive in printed["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, printed[name]) for name in names)
            for metric in directive["Metrics"]:
                values = printed[metric["Name"]]
                values = values if isinstance(values, list) else [values]
                yield (namespace, metric["Name"], dimensions), metric["Unit"], values


@cache
def _namespace(function: str) -> str:
    variables = whole(function, {name: name for name in template()["Resources"]})
    return variables["POWERTOOLS_METRICS_NAMESPACE"]


class Watch:
    """Records the metrics that functions print and AWS measures in a shop."""

    def __init__(self, shop: TimedShop) -> None:
        self._shop = shop
        self._values: dict[Metric, list[tuple[float, float]]] = defaultdict(list)
        shop.measure = lambda namespace, name, dimensions, value, at: self._values[
            namespace, name, frozenset(dimensions.items())
        ].append((at, value))
        shop.listen = self._listen

    def breaching(self) -> Iterator[str]:
        """The alarms that the period which ends now makes ring."""
        for name, alarm in alarms().items():
            begin = self._shop.timeline.now - alarm.properties["Period"] - _LATE_SECONDS
            recent = [value for at, value in self._values[alarm.metric] if at > begin]
            if alarm.is_breaching(recent):
                yield name

    def _listen(self, function: str, line: str, at: float) -> None:
        for metric, _, values in emitted(function, line):
            self._values[metric] += [(at, value) for value in values]
