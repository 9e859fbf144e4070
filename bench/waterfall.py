"""docs/first-order.svg: the first order after idle, before and after, on one scale."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tools.local.places import ROOT

if TYPE_CHECKING:
    from bench.idle import Order

TARGET: Final = ROOT / "docs/first-order.svg"

_WIDTH: Final = 960
_LEFT, _RIGHT = 190, 70
_ROW, _BAR = 26, 16
_PANEL: Final = 6 * _ROW + 44
_TOP: Final = 12
_STYLE: Final = (
    ".t{font:600 13px system-ui,sans-serif;fill:#1f2328}"
    ".s{font:11px system-ui,sans-serif;fill:#57606a;"
    "paint-order:stroke;stroke:#ffffff;stroke-width:3px}"
    ".b{font:11px system-ui,sans-serif;fill:#0a3069}"
    ".g{stroke:#d0d7de}.w{fill:none;stroke:#57606a;stroke-dasharray:3 2}"
)
_START, _WORK = "#80ccff", "#2da44e"
_FITS: Final = 60  # a label into a bar

type _Bar = tuple[float, float, str]
type _Row = tuple[str, Sequence[_Bar]]


def write(before: "Order", after: "Order") -> None:
    """Write the picture."""
    TARGET.write_text(drawn(before, after))


def drawn(before: "Order", after: "Order") -> str:
    """The picture of both orders."""
    longest = max(before.answered, after.answered)
    height = _TOP + 2 * _PANEL + 50
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    label = 'role="img" aria-label="The first order after idle: what takes how long"'
    legend = "blue: a function starts; green: it works; dashed: the customer has the answer"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        *_panel("Before: each function starts when it is called", before, longest, _TOP),
        *_panel("After: OrdersApi wakes both as it starts", after, longest, _TOP + _PANEL),
        *_axis(longest, _TOP + 2 * _PANEL),
        f'<text x="{_LEFT}" y="{height - 8}" class="s">{legend}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rows(order: "Order") -> list[_Row]:
    finds, reserves = order.finds, order.reserves
    return [
        ("OrdersApi init", [(0, order.ready, _START)]),
        ("UsersDirectory init", [(finds.started, finds.ready, _START)]),
        ("find_customer", [(max(finds.called, finds.free), finds.answered, _WORK)]),
        ("ProductsInventory init", [(reserves.started, reserves.ready, _START)]),
        ("reserve", [(max(reserves.called, reserves.free), reserves.answered, _WORK)]),
        (
            "token, order's transaction",
            [
                (order.ready, finds.called, _WORK),
                (finds.answered, reserves.called, _WORK),
                (reserves.answered, order.answered, _WORK),
            ],
        ),
    ]


def _panel(title: str, order: "Order", longest: float, top: float) -> Iterator[str]:
    yield f'<text x="16" y="{top + 16}" class="t">{title}: {order.answered:.0f} ms</text>'
    x, bottom = _x(order.answered, longest), top + 28 + 6 * _ROW
    yield f'<path d="M{x:.1f} {top + 24} V{bottom}" class="w"/>'
    for number, (name, bars) in enumerate(_rows(order)):
        y = top + 28 + number * _ROW
        yield f'<text x="{_LEFT - 10}" y="{y + 12}" text-anchor="end" class="s">{name}</text>'
        x = width = 0.0
        for start, end, colour in bars:
            x, width = _x(start, longest), max(_x(end, longest) - _x(start, longest), 1.5)
            yield (
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>'
            )
        took = f"{sum(end - start for start, end, _ in bars):.0f} ms"
        # Beside the last bar, or in it.
        at, style = (x + 5, "b") if width > _FITS else (x + width + 4, "s")
        yield f'<text x="{at:.1f}" y="{y + 12}" class="{style}">{took}</text>'


def _axis(longest: float, y: float) -> Iterator[str]:
    step = next(size for size in (50, 100, 200, 500, 1000, 2000, 10**6) if longest / size <= 10)
    yield f'<path d="M{_LEFT} {y} H{_x(longest, longest):.1f}" class="g"/>'
    for at in range(0, int(longest) + 1, step):
        x = _x(at, longest)
        yield f'<path d="M{x:.1f} {y} v5" class="g"/>'
        yield f'<text x="{x:.1f}" y="{y + 18}" text-anchor="middle" class="s">{at} ms</text>'


def _x(at: float, longest: float) -> float:
    return _LEFT + at / longest * (_WIDTH - _LEFT - _RIGHT)
