"""Draws docs/benchmarks.png: `python -m bench.plot <target>`, the bars as JSON on stdin."""

import json
import sys
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot

_COLOURS: Final = {
    "api": "#2a6f97",
    "worker": "#61a5c2",
    "traced": "#a9d6e5",
    "baseline": "#adb5bd",
}
_LEGEND: Final = {
    "api": "API functions",
    "traced": "the same, traced",
    "worker": "workers and internal functions",
    "baseline": "baselines",
}
_GOAL: Final = 0.5


def draw(bars: list[dict[str, Any]], target: str) -> None:
    """Horizontal bars of the CPU times of cold starts, relative to the naive function's."""
    mpl.use("agg")
    ordered = sorted(bars, key=lambda bar: float(bar["median"]))
    figure, axes = pyplot.subplots(figsize=(10, 0.36 * len(ordered) + 1.6), layout="constrained")
    for place, bar in enumerate(ordered):
        middle = bar["median"]
        spread = [[middle - bar["low"]], [bar["high"] - middle]]
        axes.barh(
            place,
            middle,
            color=_COLOURS[bar["kind"]],
            xerr=spread,
            error_kw={"ecolor": "#495057", "capsize": 2, "lw": 1},
        )
        if bar["instructions"] is not None:
            axes.plot(bar["instructions"], place, "D", color="#d00000", markersize=4)
        ink = "white" if bar["kind"] == "api" else "black"
        axes.text(0.02, place, f"{middle:.2f}", color=ink, va="center", fontsize=9)
    axes.axvline(_GOAL, color="#495057", linestyle=":", lw=1)
    axes.set_yticks(range(len(ordered)), [bar["name"] for bar in ordered])
    axes.set_xlabel("process start to ready, naive = 1 (dotted: the goal of the API functions)")
    axes.set_title("Cold starts: CPU time, median and range", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.08, y=0.01)
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=_COLOURS[kind]) for kind in _LEGEND]
    dot = pyplot.Line2D([], [], color="#d00000", marker="D", linestyle="", markersize=4)
    axes.legend(
        [*handles, dot], [*_LEGEND.values(), "instructions"], loc="lower right", frameon=False
    )
    figure.savefig(target, dpi=144)


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
