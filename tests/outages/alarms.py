"""The template's CloudWatch alarms, evaluated as CloudWatch documents it ("Alarm evaluation",
"Configuring how CloudWatch alarms treat missing data"), as far as the template uses it.

An alarm is evaluated at each full minute, over a window that ends then. AWS does not say how far it
looks back for data beyond `EvaluationPeriods`: its examples have two more periods of five minutes,
and with periods of one minute data of six minutes were measured to count.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from tests.simulation.timed import TimedShop
from tools.intrinsics import resolve
from tools.lambda_environment import whole
from tools.template import resources, template

# A namespace, a name, and the dimensions.
type Metric = tuple[str, str, frozenset[tuple[str, str]]]

_MINUTE: Final = 60
_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
}


@dataclass(frozen=True)
class Rule:
    """How an alarm judges its periods."""

    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str
    evaluation_range: int

    def rings(self, recent: Sequence[bool | None]) -> bool:
        """Whether the alarm rings.

        Args:
            recent: whether each period of the evaluation range is breaching, the newest last; None
                where it has no data.
        """
        real = [breaching for breaching in recent if breaching is not None]
        missing = max(0, self.evaluation_periods - len(real))
        breaching = sum(real[-self.evaluation_periods :])
        if self.treat_missing_data == "breaching":
            breaching += missing
        return breaching >= self.datapoints_to_alarm


@dataclass
class Alarm:
    """An alarm of the template.

    Args:
        properties: as CloudFormation takes them, with all functions resolved.
    """

    properties: Mapping[str, Any]
    is_ringing: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        given = self.properties
        assert given["ComparisonOperator"] == "GreaterThanThreshold"
        assert given["TreatMissingData"] in ("breaching", "notBreaching")
        self.period: int = given["Period"]
        self.statistic: str = given["Statistic"]
        self.metric: Metric = (
            given["Namespace"],
            given["MetricName"],
            frozenset((each["Name"], each["Value"]) for each in given.get("Dimensions", ())),
        )
        periods = given["EvaluationPeriods"]
        self.rule = Rule(
            periods,
            given.get("DatapointsToAlarm", periods),
            given["TreatMissingData"],
            periods + (5 if self.period <= _MINUTE else 2),
        )

    def evaluate(self, values: Mapping[int, Sequence[float]], now: int) -> None:
        """Evaluate the alarm at a full minute; `values` are its metric's, by the second at which
        their minute began."""
        ends = [now - self.period * back for back in reversed(range(self.rule.evaluation_range))]
        self.is_ringing = self.rule.rings([self._is_breaching(values, end) for end in ends])

    def _is_breaching(self, values: Mapping[int, Sequence[float]], end: int) -> bool | None:
        minutes = range(end - self.period, end, _MINUTE)
        found = [value for minute in minutes for value in values.get(minute, ())]
        if not found:
            return None
        threshold: float = self.properties["Threshold"]
        return _STATISTICS[self.statistic](found) > threshold


def alarms() -> dict[str, Alarm]:
    """Those of the template, in which each resource is named by its logical id."""
    return {
        name: Alarm(
            resolve(properties, ref=str, attribute=lambda dotted: str(dotted).partition(".")[0])
        )
        for name, properties in resources("AWS::CloudWatch::Alarm").items()
    }


class Alarms:
    """All alarms of the template, and the metrics that they were fed, in the order of time."""

    def __init__(self) -> None:
        self._alarms = alarms()
        self._values: dict[Metric, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._watched = {alarm.metric for alarm in self._alarms.values()}
        self._next: int | None = None

    def feed(
        self, namespace: str, metric: str, dimensions: Mapping[str, str], value: float, at: datetime
    ) -> None:
        """One value of a metric. Resources are named by their logical ids: {"QueueName":
        "CheckoutDeadLetters"}."""
        key = (namespace, metric, frozenset(dimensions.items()))
        if key in self._watched:
            self._values[key][int(at.timestamp()) // _MINUTE * _MINUTE].append(value)
        self._begin(at)

    def feed_log(self, line: str, at: datetime, *, function: str) -> None:
        """A line that a function printed: its metrics, if it has the embedded metric format.

        All functions run in one process here: the dimensions are those of the function's own
        variables in Lambda.
        """
        if '"_aws"' not in line:
            return
        printed = json.loads(line)
        printed["service"], namespace = _variables(function)
        for directive in printed["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = {name: printed[name] for name in names}
                for metric in directive["Metrics"]:
                    values = printed[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        self.feed(namespace, metric["Name"], dimensions, value, at)

    def ringing(self, now: datetime) -> set[str]:
        """The alarms that ring at this time, by their logical ids."""
        self._begin(now)
        assert self._next is not None
        while self._next <= now.timestamp():
            for alarm in self._alarms.values():
                alarm.evaluate(self._values[alarm.metric], self._next)
            self._next += _MINUTE
        return {name for name, alarm in self._alarms.items() if alarm.is_ringing}

    def _begin(self, at: datetime) -> None:
        if self._next is None:
            self._next = (int(at.timestamp()) // _MINUTE + 1) * _MINUTE


@cache
def _variables(function: str) -> tuple[str, str]:
    variables = whole(function, {name: name for name in template()["Resources"]})
    return variables["POWERTOOLS_SERVICE_NAME"], variables["POWERTOOLS_METRICS_NAMESPACE"]


@dataclass
class Watch:
    """Feeds the alarms with what functions print and AWS measures in a shop, and evaluates them
    each minute.

    Attributes:
        rang: the last time at which each alarm rang.
    """

    shop: TimedShop
    rang: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._alarms = Alarms()
        self.shop.measure = lambda namespace, name, dimensions, value, at: self._alarms.feed(
            namespace, name, dimensions, value, _moment(at)
        )
        self.shop.listen = lambda function, line, at: self._alarms.feed_log(
            line, _moment(at), function=function
        )
        self._look()

    def ringing(self, since: float) -> set[str]:
        """The alarms that rang since then."""
        return {name for name, at in self.rang.items() if at >= since}

    def _look(self) -> None:
        now = self.shop.timeline.now
        self.rang |= dict.fromkeys(self._alarms.ringing(_moment(now)), now)
        self.shop.timeline.after(_MINUTE, self._look)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
