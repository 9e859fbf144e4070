"""The template's CloudWatch alarms, evaluated as CloudWatch documents it.

Read for this: "Alarm evaluation", "Configuring how CloudWatch alarms treat missing data", "Using math expressions with CloudWatch
metrics" (`FILL`), "Specification: Embedded metric format". An alarm is evaluated at each full minute, over a window that ends then. AWS does
not say how far it looks back for data beyond `EvaluationPeriods`: its examples have two more periods of five minutes, and with periods of
one minute others measured that data of six minutes count.
"""

import json
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from tools.intrinsics import resolve
from tools.lambda_environment import whole
from tools.template import resources, template

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
# A namespace, a name, and the dimensions.
type Metric = tuple[str, str, frozenset[tuple[str, str]]]

_MINUTE: Final = 60
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
_FILL: Final = re.compile(r"FILL\((\w+), ?(\d+)\)")


@dataclass(frozen=True)
class Rule:
    """How an alarm judges its periods."""

    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str
    evaluation_range: int

    def state(self, recent: Sequence[bool | None], current: State) -> State:
        """What the alarm goes to, or stays in.

        Args:
            recent: whether each period of the evaluation range is breaching, the newest last; None where it has no data.
        """
        real = [breaching for breaching in recent if breaching is not None]
        lacking = self.evaluation_periods - len(real)
        if lacking <= 0:
            return self._judged(sum(real[-self.evaluation_periods :]))
        if self.treat_missing_data == "breaching":
            return self._judged(sum(real) + lacking)
        if self.treat_missing_data == "notBreaching" or not all(real):
            return self._judged(sum(real))
        if self.treat_missing_data == "ignore":
            return self._judged(sum(real)) if sum(real) >= self.datapoints_to_alarm else current
        return self._not_premature(recent, current) if real else "INSUFFICIENT_DATA"

    def _not_premature(self, recent: Sequence[bool | None], current: State) -> State:
        """All data that there is breaches: the oldest has to be as old as what an alarm needs."""
        is_old = len(recent) - recent.index(True) >= self.datapoints_to_alarm
        return "ALARM" if is_old else current

    def _judged(self, breaching: int) -> State:
        return "ALARM" if breaching >= self.datapoints_to_alarm else "OK"


@dataclass
class Alarm:
    """An alarm of the template, and the state that it is in.

    Args:
        properties: as CloudFormation takes them, all functions resolved.
    """

    properties: Mapping[str, Any]
    state: State = field(init=False, default="INSUFFICIENT_DATA")

    def __post_init__(self) -> None:
        source, self._filled = self._source()
        stat = source.get("MetricStat", source)
        named = stat.get("Metric", stat)
        self.period: int = stat["Period"]
        self.metric: Metric = (
            named["Namespace"],
            named["MetricName"],
            frozenset((each["Name"], each["Value"]) for each in named.get("Dimensions", ())),
        )
        self.statistic: str = stat.get("Stat") or stat["Statistic"]
        periods = self.properties["EvaluationPeriods"]
        # With the default, "missing", an alarm on a metric of DynamoDB's ignores missing data.
        is_ignored = named["Namespace"] == "AWS/DynamoDB"
        missing = self.properties.get("TreatMissingData", "ignore" if is_ignored else "missing")
        self.rule = Rule(
            periods,
            self.properties.get("DatapointsToAlarm", periods),
            missing,
            periods + (5 if self.period <= _MINUTE else 2),
        )

    def _source(self) -> tuple[Mapping[str, Any], float | None]:
        """What has the metric, and the value that stands for missing data."""
        if "Metrics" not in self.properties:
            return self.properties, None
        parts = {part["Id"]: part for part in self.properties["Metrics"]}
        [returned] = [part for part in parts.values() if part.get("ReturnData", True)]
        if "Expression" not in returned:
            return returned, None
        fill = _FILL.fullmatch(returned["Expression"])
        assert fill, f"{returned['Expression']} is no expression that is understood here"
        return parts[fill[1]], float(fill[2])

    def evaluate(self, values: Mapping[int, Sequence[float]], now: int) -> None:
        """Evaluate the alarm at a full minute; `values` are its metric's, by the second at which their minute began."""
        recent = [
            self._is_breaching(values, now - self.period * (back + 1), now - self.period * back)
            for back in reversed(range(self.rule.evaluation_range))
        ]
        self.state = self.rule.state(recent, self.state)

    def _is_breaching(
        self, values: Mapping[int, Sequence[float]], begin: int, end: int
    ) -> bool | None:
        found = [v for minute in range(begin, end, _MINUTE) for v in values.get(minute, ())]
        figure = _STATISTICS[self.statistic](found) if found else self._filled
        if figure is None:
            return None
        compare = _COMPARISONS[self.properties["ComparisonOperator"]]
        return compare(figure, self.properties["Threshold"])


def alarms() -> dict[str, Alarm]:
    """Those of the template, in which each resource is named by its logical id."""
    return {
        name: Alarm(
            resolve(properties, ref=str, attribute=lambda dotted: str(dotted).partition(".")[0])
        )
        for name, properties in resources("AWS::CloudWatch::Alarm").items()
    }


class Alarms:
    """All alarms of the template, and the metrics that they were fed. Feed in the order of time."""

    def __init__(self) -> None:
        self._alarms = alarms()
        self._values: dict[Metric, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._watched = {alarm.metric for alarm in self._alarms.values()}
        self._next: int | None = None

    def feed(
        self, namespace: str, metric: str, dimensions: Mapping[str, str], value: float, at: datetime
    ) -> None:
        """One value of a metric. Resources are named by their logical ids: {"QueueName": "CheckoutDeadLetters"}."""
        key = (namespace, metric, frozenset(dimensions.items()))
        if key in self._watched:
            self._values[key][int(at.timestamp()) // _MINUTE * _MINUTE].append(value)
        self._begin(at)

    def feed_log(self, line: str, at: datetime, *, function: str | None = None) -> None:
        """A line that a function printed: the metrics in it, if it has the embedded metric format.

        Args:
            function: whose line it is, where the process had not the variables that Lambda gives this function.
        """
        if '"_aws"' not in line:
            return
        told = json.loads(line)
        if function:
            variables = whole(function, {name: name for name in template()["Resources"]})
            told["service"] = variables["POWERTOOLS_SERVICE_NAME"]
            for directive in told["_aws"]["CloudWatchMetrics"]:
                directive["Namespace"] = variables["POWERTOOLS_METRICS_NAMESPACE"]
        for directive in told["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = {name: told[name] for name in names}
                for metric in directive["Metrics"]:
                    values = told[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        self.feed(directive["Namespace"], metric["Name"], dimensions, value, at)

    def states(self, now: datetime) -> dict[str, bool]:
        """Whether each alarm rings at this time, by its logical id."""
        self._begin(now)
        assert self._next is not None
        while self._next <= now.timestamp():
            for alarm in self._alarms.values():
                alarm.evaluate(self._values[alarm.metric], self._next)
            self._next += _MINUTE
        return {name: alarm.state == "ALARM" for name, alarm in self._alarms.items()}

    def _begin(self, at: datetime) -> None:
        if self._next is None:
            self._next = (int(at.astimezone(UTC).timestamp()) // _MINUTE + 1) * _MINUTE
