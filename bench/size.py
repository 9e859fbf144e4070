"""What is deployed, unzipped: the layer and the largest function."""

from collections import Counter
from pathlib import Path
from typing import Final

from bench import stand
from bench.report import Progress, Table, goal
from bench.subjects import Subject

TITLE: Final = "Size"

_GOAL_MB: Final = 40
_ITEMS: Final = 15
METADATA: Final = "metadata (dist-info)"


def measure(progress: Progress) -> list[Table]:
    """Measure and show."""
    with stand.opened(progress) as at:
        functions = at.of("api", "worker")
    layer = functions[0].layer
    largest = max(functions, key=lambda function: size(function.task))
    return [_whole(layer, largest), _items(layer)]


def size(folder: Path) -> int:
    """Bytes of all its files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def by_package(installed: Path) -> Counter[str]:
    """Bytes of each package in a folder; of what stands about all of them together."""
    sizes: Counter[str] = Counter()
    for path in installed.iterdir():
        name = METADATA if path.suffix == ".dist-info" else path.name.partition(".")[0]
        sizes[name] += size(path) if path.is_dir() else path.stat().st_size
    return sizes


def _whole(layer: Path, largest: Subject) -> Table:
    parts = {"layer": size(layer), largest.name: size(largest.task)}
    whole = sum(parts.values())
    rows = [(name, _mb(part), "", "") for name, part in parts.items()]
    rows.append(("together", _mb(whole), *goal(whole / 1e6, _GOAL_MB)))
    return Table(
        "Layer and largest function, unzipped, with bytecode",
        ("", "MB", "goal", "reached"),
        tuple(rows),
        "1 MB is a million bytes. The layer is that of this machine's platform.",
    )


def _items(layer: Path) -> Table:
    sizes = by_package(layer / "python")
    shown = sizes.most_common(_ITEMS)
    rest = sizes.total() - sum(part for _, part in shown)
    rows = [(name, _mb(part)) for name, part in shown]
    rows.append((f"{len(sizes) - len(shown)} more", _mb(rest)))
    return Table("The layer by package", ("package", "MB"), tuple(rows))


def _mb(count: int) -> str:
    return f"{count / 1e6:.2f}"
