"""The template's dashboard as CloudWatch would show it, of a load in the simulated shop.

`python -m tests.outages.dashboard` draws docs/dashboard.svg.
"""

import json
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

import httpx

from tests.outages.alarms import MONITORED, STATISTICS, Metric, Watch, alarms, incidents
from tests.outages.causes import Stage, do_at
from tests.outages.load import Load, opened
from tests.simulation.faults import Fault, Outage, Target
from tests.support.log_stream import logged_to
from tools.intrinsics import resolve
from tools.template import ROOT, resources

type Series = Mapping[str, Sequence[tuple[float, float]]]

_MINUTE: Final = 60
_BIN_SECONDS: Final = 300


@dataclass(frozen=True)
class Widget:
    """A widget of the dashboard."""

    type: str
    place: tuple[int, int, int, int]
    properties: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.properties["title"])

    def metrics(self) -> Iterator[tuple[str, Metric, str]]:
        """The label, the metric and the statistic of each line."""
        for row in self.properties.get("metrics", ()):
            *names, options = row
            if not names:
                continue  # an expression
            namespace, name, *dimensions = names
            pairs = frozenset(zip(dimensions[::2], dimensions[1::2], strict=True))
            yield options.get("label", name), (namespace, name, pairs), options["stat"]


def widgets() -> list[Widget]:
    """Those of the template, in which each resource is named by its logical id."""
    [dashboard] = resources("AWS::CloudWatch::Dashboard").values()
    body = resolve(
        dashboard["DashboardBody"],
        ref=str,
        attribute=lambda dotted: str(dotted).partition(".")[0],
        parameters=MONITORED,
    )
    return [
        Widget(one["type"], (one["x"], one["y"], one["width"], one["height"]), one["properties"])
        for one in json.loads(body)["widgets"]
    ]


class Recording(Watch):
    """Records lines of logs as well, by the logical id of their group."""

    def __init__(self, load: Load) -> None:
        super().__init__(load.shop)
        self.lines: defaultdict[str, list[tuple[float, dict[str, Any]]]] = defaultdict(list)
        self.begin = load.shop.timeline.now
        load.shop.exchanged = self._exchanged

    def _listen(self, function: str, line: str, at: float) -> None:
        super()._listen(function, line, at)
        for text in line.splitlines():
            if text.startswith("{"):
                properties = resources("AWS::Serverless::Function")[function]
                group = properties["LoggingConfig"]["LogGroup"]["Ref"]
                self.lines[group].append((at, json.loads(text)))

    def _exchanged(self, request: httpx.Request, status: int, seconds: float, at: float) -> None:
        """As API Gateway's access log has it, in the format of the template."""
        route = re.sub(r"/[0-9a-f]{32}", "/{id}", request.url.path)
        fields = {"method": request.method, "path": route, "status": str(status)}
        self.lines["ApiAccessLogs"].append((at, {**fields, "ms": str(round(seconds * 1000))}))


# --- what a widget shows ---


def series(widget: Widget, seen: Recording) -> Series:
    """The lines of a widget of metrics."""
    return {
        label: [
            (at, STATISTICS[statistic](values))
            for at, values in _binned(seen.points.get(metric, []), seen.begin)
        ]
        for label, metric, statistic in widget.metrics()
    }


def _binned(points: Sequence[tuple[float, Any]], begin: float) -> Iterator[tuple[float, list[Any]]]:
    bins: defaultdict[int, list[Any]] = defaultdict(list)
    for at, value in points:
        if at >= begin:
            bins[int((at - begin) // _BIN_SECONDS)].append(value)
    for place, values in sorted(bins.items()):
        yield begin + place * _BIN_SECONDS, values


_SOURCE: Final = re.compile(r"SOURCE '(\w+)'")
_LIKE: Final = re.compile(r"filter message like /(.*)/")
_EQUALS: Final = re.compile(r"filter (\w+) = (\w+)")
_COLUMN: Final = re.compile(r"(\w+)\((\w*)(?:, (\d+))?\)(?: / (\d+))? as (\w+)")


def rows(widget: Widget, seen: Recording) -> list[dict[str, Any]]:
    """What the query of a widget of logs finds. It knows the commands that the dashboard has."""
    lines: list[tuple[float, dict[str, Any]]] = []
    keys, columns = "", []
    for command in str(widget.properties["query"]).split(" | "):
        if found := _SOURCE.fullmatch(command):
            lines += seen.lines[found[1]]
        elif found := _LIKE.fullmatch(command):
            lines = [one for one in lines if re.search(found[1], str(one[1].get("message")))]
        elif found := _EQUALS.fullmatch(command):
            lines = [one for one in lines if one[1].get(found[1]) in (True, found[2])]
        elif command.startswith("stats "):
            stated, _, keys = command.removeprefix("stats ").partition(" by ")
            columns = [match.groups() for match in _COLUMN.finditer(stated)]
        else:
            assert re.fullmatch(r"sort requests desc|limit 10", command), command
    if keys == "bin(5m)":
        groups = {(at,): found for at, found in _binned(sorted(lines, key=_first), seen.begin)}
    else:
        groups = defaultdict(list)
        for at, line in lines:
            if at >= seen.begin:
                groups[tuple(line[key] for key in keys.split(", "))].append(line)
    result = [
        {
            **dict(zip(keys.split(", "), group, strict=True)),
            **{str(column[4]): _aggregate(column, found) for column in columns},
        }
        for group, found in groups.items()
    ]
    if "requests" in (result[0] if result else {}):
        result = sorted(result, key=lambda row: -row["requests"])[:10]
    return result


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]


def _aggregate(column: Sequence[str | None], lines: Sequence[Mapping[str, Any]]) -> float:
    function, name, share, divisor, _ = column
    values = [line[name] for line in lines if name and name in line]
    match function:
        case "count":
            return len(lines)
        case "count_distinct":
            return len(set(values))
        case "sum":
            return float(sum(values)) / int(divisor or 1)
        case "pct":
            ordered = sorted(map(float, values))
            return ordered[math.ceil(int(share or 0) / 100 * len(ordered)) - 1]
    raise ValueError(f"a function that is not understood: {function}")


# --- a load ---


def play(load: Load, minutes: float) -> Recording:
    """Customers at work, and several faults in turn."""
    shop = load.shop
    seen = Recording(load)
    stage = Stage(load, shop.timeline.now)
    end = stage.begin + _MINUTE * minutes
    stage.order_every(60, minutes)
    paths = ("/api/v1/products", f"/api/v1/products/{shop.tray['id']}", "/api/v1/orders")

    def look(number: int) -> None:
        load.customers[number % 3].get(paths[number % 3])

    stage.every(15, minutes, look)
    # The first request to GatewayApi: a cold start, and no other invocation beside it.
    stage.at(3.1, lambda: shop.anyone.get("/"))
    stage.every(240, minutes, lambda number: _ship(load, is_refunded=number % 4 == 3))
    for share, length, target, fault in (
        (0.15, 12, Target("payments", "authorize", ""), Fault.HANGS),
        (0.15, 12, Target("payments", "find", ""), Fault.HANGS),
        (0.40, 6, Target("lambda", "Invoke", "ProductsInventory reserve"), Fault.FAILS),
        (0.55, 3, Target("lambda", "Invoke", "UsersDirectory find_customer"), Fault.THROTTLES),
        (0.60, 4, Target("lambda", "Invoke", "ProductsInventory confirm"), Fault.FAILS),
        (0.70, 6, Target("sesv2", "SendEmail", ""), Fault.THROTTLES),
        (0.85, 8, Target("stream", "GetRecords", "OrdersTable"), Fault.HANGS),
    ):
        begin = stage.begin + share * _MINUTE * minutes
        shop.wire.begin(Outage(target, fault, begin, begin + _MINUTE * length))
    shop.quota = 30
    shop.at(stage.begin + 0.95 * _MINUTE * minutes, lambda: _rush(load))
    with logged_to(sys.stdout):
        shop.run_until(end)
    return seen


def _rush(load: Load) -> None:
    for _ in range(40):
        do_at(load.shop, load.shop.timeline.now, lambda: load.customers[0].get("/api/v1/products"))


def _ship(load: Load, *, is_refunded: bool) -> None:
    """The admin ships the newest confirmed order and delivers it; some are refunded."""
    admin = load.shop.admin
    found = admin.get("/api/v1/orders", params={"status": "confirmed", "limit": 1})
    for order in found.json().get("orders", ()):
        path = f"/api/v1/orders/{order['id']}"
        if is_refunded:
            headers = {"Idempotency-Key": "a refund"}
            admin.post(f"{path}/refunds", {"amount": "5.00"}, headers=headers)
        else:
            admin.post(f"{path}/ship")
            admin.post(f"{path}/deliver")


# --- the picture ---

_COLUMN_WIDTH: Final = 46
_ROW_HEIGHT: Final = 30
_COLOURS: Final = ("#0969da", "#cf222e", "#1a7f37", "#9a6700", "#8250df")
_STYLE: Final = (
    ".h{font:600 13px system-ui,sans-serif;fill:#1f2328}"
    ".s{font:11px system-ui,sans-serif;fill:#57606a}"
    ".w{fill:#ffffff;stroke:#d0d7de}.g{stroke:#eaeef2}.l{fill:none;stroke-width:1.5}"
)


def drawn(seen: Recording) -> str:
    """The dashboard as SVG."""
    every = widgets()
    width = 24 * _COLUMN_WIDTH
    height = max(y + h for _, y, _, h in (one.place for one in every)) * _ROW_HEIGHT
    parts = [part for one in every for part in _widget(one, seen)]
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    label = 'role="img" aria-label="The dashboard after six simulated hours with troubles"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>',
            f"<style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#f6f8fa"/>',
            *parts,
            "</svg>\n",
        )
    )


def _widget(widget: Widget, seen: Recording) -> Iterator[str]:
    x, y, w, h = widget.place
    left, top = x * _COLUMN_WIDTH + 4, y * _ROW_HEIGHT + 4
    width, height = w * _COLUMN_WIDTH - 8, h * _ROW_HEIGHT - 8
    yield f'<g transform="translate({left},{top})">'
    yield f'<rect class="w" width="{width}" height="{height}" rx="4"/>'
    yield _text(10, 18, widget.title, "h")
    match widget.type:
        case "alarm":
            yield from _states(widget, seen)
        case "log" if widget.properties["view"] == "table":
            yield from _table(rows(widget, seen))
        case "log":
            yield from _lines(_columns(rows(widget, seen)), seen, width, height)
        case _:
            yield from _lines(series(widget, seen), seen, width, height)
    yield "</g>"


def _text(x: float, y: float, text: str, style: str = "s", more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{style}"{more}>{escape(text)}</text>'


def _states(widget: Widget, seen: Recording) -> Iterator[str]:
    ringing, known = seen.ringing(), alarms() | incidents()
    for place, name in enumerate(widget.properties["alarms"]):
        x, y = 14 + place % 3 * 360, 38 + place // 3 * 18
        colour = "#cf222e" if name in ringing else "#1a7f37"
        yield f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{colour}"/>'
        yield _text(x + 10, y, str(known[name].properties["AlarmName"]).partition(" - ")[2])


def _table(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    places = {"method": 10, "path": 58, "requests": 222, "p50": 284, "p99": 320}
    for key, x in places.items():
        yield _text(x, 34, key)
    for number, row in enumerate(found):
        for key, x in places.items():
            value = row[key]
            text = value if isinstance(value, str) else f"{value:.0f}"
            yield _text(x, 49 + 12.5 * number, text)


def _columns(found: Sequence[Mapping[str, Any]]) -> Series:
    keys = [key for key in (found[0] if found else {}) if key != "bin(5m)"]
    return {key: [(row["bin(5m)"], row[key]) for row in found] for key in keys}


def _lines(found: Series, seen: Recording, width: float, height: float) -> Iterator[str]:
    left, right, top, bottom = 44.0, width - 10, 30.0, height - 36
    most = max((value for line in found.values() for _, value in line), default=0) or 1
    begin, end = seen.begin, seen.now
    for share in (0, 0.5, 1):
        y = bottom - share * (bottom - top)
        yield f'<path class="g" d="M{left} {y:.0f}H{right:.0f}"/>'
        yield _text(left - 6, y + 4, f"{share * most:.4g}", more=' text-anchor="end"')
    for share in (0, 0.5, 1):
        at = datetime.fromtimestamp(begin + share * (end - begin), UTC)
        anchor = ("start", "middle", "end")[int(share * 2)]
        x = left + share * (right - left)
        yield _text(x, bottom + 14, f"{at:%H:%M}", more=f' text-anchor="{anchor}"')
    legend = left
    for (label, line), colour in zip(found.items(), _COLOURS, strict=False):
        steps = [
            f"{left + (at - begin) / (end - begin) * (right - left):.1f}"
            f" {bottom - value / most * (bottom - top):.1f}"
            for at, value in _with_gaps(line, seen)
        ]
        if steps:
            yield f'<path class="l" stroke="{colour}" d="M{"L".join(steps)}"/>'
        yield f'<rect x="{legend:.0f}" y="{height - 15:.0f}" width="8" height="8" fill="{colour}"/>'
        yield _text(legend + 11, height - 7, label)
        legend += 20 + 5.8 * len(label)
    if not any(found.values()):
        yield _text(left + 10, (top + bottom) / 2, "what AWS charges the account is not simulated")


def _with_gaps(
    line: Sequence[tuple[float, float]], seen: Recording
) -> Iterator[tuple[float, float]]:
    """The line with 0 where nothing was measured."""
    values, at = dict(line), seen.begin
    while line and at < seen.now:
        yield at, values.get(at, 0)
        at += _BIN_SECONDS


def main() -> None:
    with opened() as load:
        seen = play(load, minutes=360)
        (ROOT / "docs/dashboard.svg").write_text(drawn(seen))


if __name__ == "__main__":
    main()
