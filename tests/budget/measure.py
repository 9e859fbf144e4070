"""Measure what the functions cost, as numbers: `python -m tests.budget.measure` writes them into
budgets.toml."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench import size
from bench.functions import Signer, functions
from tests.costs import flows
from tests.costs.meter import MeteredShop, opened
from tests.layer import packages
from tests.layer.processes import start
from tests.support.functions import FUNCTIONS

BUDGETS: Final = Path(__file__).parent / "budgets.toml"
_ORDER: Final = (flows.place, flows.check_out)
_TITLES: Final = {
    "modules": "Modules of libraries that a function loads before it is ready.",
    "kilobytes": "The bytecode of these modules.",
    "calls": "AWS calls of each flow of tests/costs/flows.py, by the function that makes them.",
    "log_lines": "Log lines and metrics of an order of one line, from the request to its last e-mail.",
    "log_bytes": "The same lines in bytes.",
    "layer": "The layer's libraries on disk.",
}
_HEAD: Final = """\
# What each function may cost. Generated: `make budgets` measures again, writes this file and shows
# its diff. A test fails when a function needs more than its number here.
"""

type Numbers = dict[str, int]
type Calls = dict[str, Numbers]


def budgets() -> dict[str, Numbers | Calls]:
    """The committed numbers, by section."""
    return tomllib.loads(BUDGETS.read_text())


def loaded_modules() -> dict[str, dict[str, int]]:
    """For each function the libraries' modules that it loads before it is ready, and their
    bytes."""
    layer = packages.layer()
    subjects = [subject for subject in functions(Signer()) if subject.name in FUNCTIONS]
    with ThreadPoolExecutor(2) as pool:
        started = pool.map(lambda subject: start(subject, layer), subjects)
        return {
            subject.name: {
                module: Path(file).stat().st_size
                for module, file in one.modules.items()
                if file and file.startswith(str(layer)) and file.endswith(".pyc")
            }
            for subject, one in zip(subjects, started, strict=True)
        }


def kilobytes(modules: Mapping[str, int]) -> int:
    """The size of the modules, rounded up to ten kilobytes."""
    return -(-sum(modules.values()) // 10_000) * 10


def calls(shop: MeteredShop, flow: str) -> list[str]:
    """What the flow asks of AWS, in its order: `OrdersApi: dynamodb.GetItem OrdersTable`."""
    return [str(call) for call in flows.calls_of(shop, flows.FLOWS[flow])]


def count_calls(made: list[str]) -> Numbers:
    """The number of calls of each function."""
    return dict(sorted(Counter(call.partition(":")[0] for call in made).items()))


def log_lines_of_an_order(shop: MeteredShop) -> dict[str, list[str]]:
    """What each function logs for one order."""
    lines: dict[str, list[str]] = {}
    for flow in _ORDER:
        flows.calls_of(shop, flow)
        for run in shop.runs:
            lines.setdefault(run.function, []).extend(run.lines)
    return {function: logged for function, logged in sorted(lines.items()) if logged}


def count_bytes(lines: list[str]) -> int:
    """The size of the lines, rounded up to fifty bytes: durations differ in their digits."""
    return -(-sum(len(line.encode()) + 1 for line in lines) // 50) * 50


def layer_megabytes() -> Numbers:
    """The libraries' size on disk, rounded up."""
    return {"megabytes": -(-size.size(packages.layer()) // 1_000_000)}


def measured() -> dict[str, Numbers | Calls]:
    """All sections, as they are now."""
    modules = loaded_modules()
    with opened() as shop:
        logged = log_lines_of_an_order(shop)
        return {
            "modules": {name: len(loaded) for name, loaded in modules.items()},
            "kilobytes": {name: kilobytes(loaded) for name, loaded in modules.items()},
            "calls": {flow: count_calls(calls(shop, flow)) for flow in flows.FLOWS},
            "log_lines": {name: len(lines) for name, lines in logged.items()},
            "log_bytes": {name: count_bytes(lines) for name, lines in logged.items()},
            "layer": layer_megabytes(),
        }


def _document(sections: Mapping[str, Numbers | Calls]) -> Iterator[str]:
    yield _HEAD
    for section, numbers in sections.items():
        yield f"# {_TITLES[section]}"
        yield f"[{section}]"
        for name, value in numbers.items():
            yield f'"{name}" = {_written(value)}' if " " in name else f"{name} = {_written(value)}"
        yield ""


def _written(value: int | Numbers) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{{ {', '.join(f'{name} = {number}' for name, number in value.items())} }}"


if __name__ == "__main__":
    BUDGETS.write_text("\n".join(_document(measured())))
