"""How many requests of one address the template's firewall admits.

In the cloud they are rate-based rules of AWS WAF, which counts by estimate and up to a minute late.
Here they are counted exactly.
"""

import posixpath
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

type WebACL = Mapping[str, Any]
"""The properties of an AWS::WAFv2::WebACL."""


@dataclass(frozen=True)
class Limit:
    """How many requests of one address are admitted in any span of so many seconds.

    Attributes:
        method: of the requests that count; empty for all.
        path: a regular expression that finds something in the paths that count.
    """

    requests: int
    seconds: int
    method: str = ""
    path: str = ""

    def is_about(self, method: str, path: str) -> bool:
        return self.method in ("", method) and re.search(self.path, path) is not None


def limits(firewall: WebACL) -> list[Limit]:
    """Those of its rate-based rules, the first rule first; without a CDN and webhooks."""
    rules = [rule for rule in firewall["Rules"] if "Fn::If" not in rule]
    rules.sort(key=lambda rule: int(rule["Priority"]))
    rates = [rule["Statement"].get("RateBasedStatement") for rule in rules]
    return [_limit(rate) for rate in rates if rate]


def _limit(rate: Mapping[str, Any]) -> Limit:
    # The scope of all requests but webhooks is an `Fn::If`.
    scope = rate.get("ScopeDownStatement", {}).get("AndStatement", {"Statements": []})
    matched = {
        field: match.get("SearchString") or match["RegexString"]
        for statement in scope["Statements"]
        for match in statement.values()
        for field in match["FieldToMatch"]
    }
    return Limit(
        rate["Limit"],
        rate["EvaluationWindowSec"],
        matched.pop("Method", ""),
        matched.pop("UriPath", ""),
    )


class Firewall:
    """Counts requests; a refused one counts as well, as with WAF."""

    def __init__(self, limits: Iterable[Limit], clock: Callable[[], float] = time.monotonic):
        self.limits: Final = tuple(limits)
        self._clock = clock
        self._last: dict[tuple[Limit, str], deque[float]] = {}

    def admits(self, address: str, method: str, path: str) -> bool:
        """Whether the request is within every limit; a rule does not count what an earlier one
        refused.

        Args:
            path: without percent encoding.
        """
        path, now = posixpath.normpath(path), self._clock()
        return all(
            self._counted(limit, address, now)
            for limit in self.limits
            if limit.is_about(method, path)
        )

    def _counted(self, limit: Limit, address: str, now: float) -> bool:
        last = self._last.setdefault((limit, address), deque(maxlen=limit.requests))
        is_over = len(last) == limit.requests and now - last[0] < limit.seconds
        last.append(now)
        return not is_over
