"""The template's CloudWatch alarms, and the metrics that they watch."""

import ast
import json
import math
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Any, Final

from tests.simulation.timed import TimedShop
from tools.intrinsics import resolve
from tools.lambda_environment import whole
from tools.template import resources, template

# A namespace, a name, and the dimensions.
type Metric = tuple[str, str, frozenset[tuple[str, str]]]
# When it was measured, and what.
type Points = Sequence[tuple[float, float]]

STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": fmean,
    "p50": lambda values: sorted(values)[math.ceil(0.5 * len(values)) - 1],
    "p99": lambda values: sorted(values)[math.ceil(0.99 * len(values)) - 1],
}
# How many periods before the EvaluationPeriods CloudWatch reads, for those without data: two in
# the example of "How alarm state is evaluated when data is missing", which gives no number.
_LOOKS_BACK: Final = 2
# An emission may come a few seconds later than a minute after the one before it.
_LATE_SECONDS: Final = 30
# A shop with all alarms, in an account with a small quota.
MONITORED: Final = {"Monitoring": "full", "ConcurrencyToReport": "120"}


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
        dimensions = frozenset(
            (each["Name"], each["Value"]) for each in given.get("Dimensions", ())
        )
        return given["Namespace"], given["MetricName"], dimensions

    @property
    def statistic(self) -> str:
        given = self.properties
        name: str = given.get("Statistic") or given["ExtendedStatistic"]
        return name

    @property
    def threshold(self) -> float:
        return float(self.properties["Threshold"])

    def is_breaching(self, values: Sequence[float]) -> bool:
        """Whether a period with these values breaches."""
        given = self.properties
        assert given["ComparisonOperator"] == "GreaterThanThreshold"
        if not values:
            return bool(given["TreatMissingData"] == "breaching")
        measured: float = STATISTICS[self.statistic](values)
        return measured > self.threshold

    def rings(self, points: Points, now: float) -> bool:
        """Whether enough of the last periods breach. Those without data are passed over as far as
        CloudWatch looks back; what is missing even then is what TreatMissingData says."""
        given = self.properties
        period, periods = given["Period"], given["EvaluationPeriods"]
        looked_at = [
            self._values(points, now - place * period, period)
            for place in range(periods + _LOOKS_BACK)
        ]
        measured = [values for values in looked_at if values][:periods]
        missing: list[Sequence[float]] = [[]] * (periods - len(measured))
        needed: int = given.get("DatapointsToAlarm", periods)
        return sum(map(self.is_breaching, [*measured, *missing])) >= needed

    @staticmethod
    def _values(points: Points, end: float, period: float) -> Sequence[float]:
        begin = bisect_right(points, (end - period, math.inf))
        return [value for _, value in points[begin : bisect_right(points, (end, math.inf))]]


@dataclass(frozen=True)
class Incident:
    """A composite alarm of the template, whose parts are named by their logical ids."""

    properties: Mapping[str, Any]

    @property
    def parts(self) -> set[str]:
        """The alarms that its rule names."""
        return set(re.findall(r'"(\w+)"', self.properties["AlarmRule"]))

    def rings(self, ringing: Container[str]) -> bool:
        """Whether its rule holds while those ring."""
        rule = re.sub(
            r"\b(AND|OR|NOT)\b", lambda word: word[0].lower(), self.properties["AlarmRule"]
        )
        return _holds(ast.parse(f"({rule})", mode="eval").body, ringing)


def _holds(rule: ast.expr, ringing: Container[str]) -> bool:
    match rule:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_holds(one, ringing) for one in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_holds(one, ringing) for one in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand, ringing)
        case ast.Call(func=ast.Name(id="ALARM"), args=[ast.Constant(value=str(name))]):
            return name in ringing
    raise ValueError(f"a rule that is not understood: {ast.unparse(rule)}")


@cache
def alarms() -> dict[str, Alarm]:
    """Those of the template, in which each resource is named by its logical id. Those that only
    CodeDeploy asks are in tests/template/test_deployments.py."""
    return {
        name: Alarm(_resolved(properties))
        for name, properties in resources("AWS::CloudWatch::Alarm").items()
        if template()["Resources"][name].get("Condition") != "IsGradual"
    }


@cache
def incidents() -> dict[str, Incident]:
    """The composite alarms of the template, those after which others name first."""
    found = resources("AWS::CloudWatch::CompositeAlarm")
    return {name: Incident(_resolved(properties)) for name, properties in found.items()}


def _resolved(properties: Mapping[str, Any]) -> Any:
    return resolve(
        properties,
        ref=str,
        attribute=lambda dotted: str(dotted).partition(".")[0],
        parameters=MONITORED,
    )


def messengers() -> set[str]:
    """The alarms and incidents that send a message when they begin to ring."""
    return {
        name for name, one in (alarms() | incidents()).items() if one.properties.get("AlarmActions")
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
        self.points: dict[Metric, list[tuple[float, float]]] = defaultdict(list)
        self.units: dict[Metric, str] = {}
        shop.measure = lambda namespace, name, dimensions, value, at: self.points[
            namespace, name, frozenset(dimensions.items())
        ].append((at, float(value)))
        shop.listen = self._listen

    @property
    def now(self) -> float:
        return self._shop.timeline.now

    def breaching(self) -> Iterator[str]:
        """The alarms that the period which ends now makes ring."""
        for name, alarm in alarms().items():
            begin = self._shop.timeline.now - alarm.properties["Period"] - _LATE_SECONDS
            recent = [value for at, value in self.points[alarm.metric] if at > begin]
            if alarm.is_breaching(recent):
                yield name

    def ringing(self) -> set[str]:
        """The alarms and incidents that ring now."""
        now = self._shop.timeline.now
        found = {name for name, one in alarms().items() if one.rings(self.points[one.metric], now)}
        for name, incident in incidents().items():
            if incident.rings(found):
                found.add(name)
        return found

    def _listen(self, function: str, line: str, at: float) -> None:
        for metric, unit, values in emitted(function, line):
            self.units[metric] = unit
            self.points[metric] += [(at, value) for value in values]
