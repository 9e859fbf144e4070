"""What is deployed, unzipped: the layer and the largest function."""

from collections import Counter
from pathlib import Path
from typing import Final

from bench import stand
from bench.report import Table, mark

_GOAL_MB: Final = 40
_METADATA: Final = "metadata (dist-info)"


def size(folder: Path) -> int:
    """Bytes of all its files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def by_package(installed: Path) -> Counter[str]:
    """Bytes of each package in a folder; of what stands about all of them together."""
    sizes: Counter[str] = Counter()
    for path in installed.iterdir():
        name = _METADATA if path.suffix == ".dist-info" else path.name.partition(".")[0]
        sizes[name] += size(path) if path.is_dir() else path.stat().st_size
    return sizes


def measure() -> list[Table]:
    """The table of what is deployed."""
    with stand.opened() as at:
        functions = [one for one in at.subjects.values() if one.kind not in ("baseline", "traced")]
    layer = functions[0].layer
    largest = max(functions, key=lambda function: size(function.task))
    parts = {"layer": size(layer), largest.name: size(largest.task)}
    together = sum(parts.values())
    deployed = [
        *((name, _mb(part), "") for name, part in parts.items()),
        ("together", f"{_mb(together)} {mark(together / 1e6, _GOAL_MB)}", f"≤ {_GOAL_MB}"),
    ]
    return [
        Table(
            "Layer and largest function, unzipped, with bytecode",
            ("", "MB", "goal"),
            tuple(deployed),
            "1 MB is a million bytes. The layer is that of this machine's platform.",
        )
    ]


def _mb(count: int) -> str:
    return f"{count / 1e6:.2f}"
