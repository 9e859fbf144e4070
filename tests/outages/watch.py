"""The template's alarms while time passes: when they rang."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Final

from tests.outages.alarms import Alarms
from tests.simulation.timed import TimedShop
from tools.lambda_environment import whole
from tools.template import template

_MINUTE: Final = 60


@dataclass
class Watch:
    """Feeds the alarms with what functions print and AWS measures, and looks at them each minute.

    Attributes:
        rang: when each alarm was seen ringing.
    """

    shop: TimedShop
    rang: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._alarms = Alarms()
        self.shop.measure = lambda namespace, name, dimensions, value, at: self._alarms.feed(
            namespace, name, dimensions, value, _moment(at)
        )
        self.shop.listen = lambda function, line, at: self._alarms.feed_log(
            _as_in_lambda(function, line), _moment(at)
        )
        self._look()

    def ringing(self, since: float) -> set[str]:
        """The alarms that were seen ringing since then."""
        return {name for name, times in self.rang.items() if times[-1] >= since}

    def _look(self) -> None:
        now = self.shop.timeline.now
        for name, rings in self._alarms.states(_moment(now)).items():
            if rings:
                self.rang[name].append(now)
        self.shop.timeline.after(_MINUTE, self._look)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _as_in_lambda(function: str, line: str) -> str:
    """A line with the dimensions that it has where each function has an environment of its own."""
    if '"_aws"' not in line:
        return line
    told = json.loads(line)
    told["service"], namespace = _variables(function)
    for directive in told["_aws"]["CloudWatchMetrics"]:
        directive["Namespace"] = namespace
    return json.dumps(told)


@cache
def _variables(function: str) -> tuple[str, str]:
    variables = whole(function, {name: name for name in template()["Resources"]})
    return variables["POWERTOOLS_SERVICE_NAME"], variables["POWERTOOLS_METRICS_NAMESPACE"]
