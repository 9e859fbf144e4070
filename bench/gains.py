"""What each change gains that makes a start or a request quicker: with all of them, beside with all but one.

It is no part of a whole run, and has a document of its own: `make bench ONLY=gains`.
"""

import hashlib
import marshal
import shutil
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from statistics import median
from typing import Final

from bench import packages, stand, starts, warm
from bench.report import Progress, Table, spread
from bench.starts import Runs
from bench.subjects import Subject
from shared.runtime.cold_start import PRECOMPILED
from tools.layer.__main__ import make
from tools.layer.changes import ALL, Change
from tools.local import sam
from tools.local.places import ROOT

TITLE: Final = "What each change gains"

_FUNCTIONS: Final = ("ProductsApi", "UsersDirectory")
_ROUNDS: Final = 5
_EVERYTHING: Final = "as it ships"
_NOTHING: Final = "without any"
_FOLDER: Final = packages.CACHE / "gains"
_CA_BUNDLE: Final = "botocore/cacert.pem"
_TOOL: Final = ROOT / "tools/layer"
_SHARED: Final = sam.BUILD / "SharedLayer/python/shared"

_OF_THE_LAYER: Final[Mapping[str, frozenset[Change]]] = {
    "without the layer's bytecode: sources": frozenset({Change.BYTECODE}),
    "docstrings and functions' annotations kept": frozenset({Change.SLIM}),
    "nothing stands in, nothing is left out": frozenset({Change.STAND_INS}),
    "imports not deferred": frozenset({Change.DEFERRED_IMPORTS}),
    "the SDK's data and handlers of all services": frozenset(
        {Change.SDK_DATA, Change.CERTIFICATES}
    ),
}
type Edit = tuple[str, str, str]
"""A module of `shared`, a text in it, and what is there in its place."""

_COLLECTED: Final[Sequence[Edit]] = [("runtime/cold_start.py", "    gc.disable()\n", "")]
_NOT_WARMED_UP: Final[Sequence[Edit]] = [
    ("runtime/entry.py", "warm_up.clients()", "pass"),
    ("web/app.py", "warm_up.request(", "("),
    ("web/app.py", "warm_up.tokens()", "pass"),
]
_OF_OUR_CODE: Final[Mapping[str, Sequence[Edit]]] = {
    "garbage collected while modules load": _COLLECTED,
    "no warm-up": _NOT_WARMED_UP,
}
_OF_REQUESTS: Final[Mapping[str, Sequence[Edit]]] = {
    "parameters of calls validated": [
        (
            "runtime/aws.py",
            "parameter_validation=not cold_start.is_lambda()",
            "parameter_validation=True",
        )
    ],
    "the SDK's name made for each call": [
        ("runtime/aws.py", "user_agent=_user_agent(session),", "")
    ],
    "the router included, not its routes taken": [
        ("web/app.py", "app.router.routes.extend(router.routes)", "app.include_router(router)")
    ],
}

# What is kept of the two parts of PRECOMPILED.
_OF_THE_BUILD: Final = {
    "dataclasses compiled at each start": (1,),
    "regular expressions compiled at each start": (0,),
}


def measure(progress: Progress) -> list[Table]:
    """Make the variants of each function, and measure them beside one another."""
    with stand.opened(progress) as at:
        tables = []
        for function in at.chosen(_FUNCTIONS):
            with progress(f"{function.name}: make its variants"):
                variants = _variants(function)
            runs = starts.measure(at, variants, progress, rounds=_ROUNDS)
            tables.append(_table(function.name, runs))
        [function] = at.chosen([warm.OURS])
        with progress("warm requests"):
            tables.append(_of_requests(warm.count(_request_variants(function), at)))
        tables.append(_of_connections())
        return tables


def _table(function: str, runs: Mapping[str, Runs]) -> Table:
    ship, *others = runs.values()
    rows = [
        (
            name.removeprefix(f"{function}, "),
            f"{of.instructions / 1e6:,.0f}" if of.instructions else "not measured",
            _gained(_counted(ship), _counted(of)) if of in others else "",
            spread(of.cpu_ms),
            _gained(ship.cpu_ms, of.cpu_ms) if of in others else "",
            spread(of.first_cpu_ms, digits=1),
        )
        for name, of in runs.items()
    ]
    return Table(
        function,
        (
            "",
            "M instructions until ready",
            "the change gains",
            "CPU until ready, ms",
            "it gains",
            "CPU of the first answer, ms",
        ),
        tuple(rows),
        "A gain is the part of the start that the change takes away from what the start is without it. Gains don't add"
        " up: what one leaves out, no other makes quicker. Without any of them there still is bytecode.",
    )


def _of_requests(counted: Mapping[str, float]) -> Table:
    ship, *_ = counted.values()
    return Table(
        f"{warm.OURS}, warm: one request",
        ("", "M instructions", "the change gains"),
        tuple(
            (name, f"{count / 1e6:.3f}", f"{1 - ship / count:.1%}" if count != ship else "")
            for name, count in counted.items()
        ),
    )


def _of_connections() -> Table:
    """Without a connection: what each new one reads first."""
    bundles = {
        "the five authorities of AWS": sam.BUILD / "SharedLayer/python" / _CA_BUNDLE,
        "those that the SDK ships": packages.layers()[0] / "python" / _CA_BUNDLE,
    }
    return Table(
        "A new TLS connection: whom to trust",
        ("", "CPU, ms"),
        tuple((name, spread(_reading(bundle), digits=1)) for name, bundle in bundles.items()),
        "The benchmark's AWS speaks no TLS, so none of the other figures has this in it.",
    )


def _reading(bundle: Path) -> list[float]:
    found = []
    for _ in range(_ROUNDS):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        before = time.process_time()
        context.load_verify_locations(bundle)
        found.append((time.process_time() - before) * 1000)
    return found


def _counted(runs: Runs) -> Sequence[float]:
    return [runs.instructions] if runs.instructions else []


def _gained(with_it: Sequence[float], without: Sequence[float]) -> str:
    """The median of the rounds."""
    each = [1 - one / other for one, other in zip(with_it, without, strict=True)]
    return f"{median(each):.1%}" if each else "not measured"


def _request_variants(function: Subject) -> list[Subject]:
    return [
        replace(function, name=_EVERYTHING),
        *(
            replace(function, name=name, layer=_our_layer(edits))
            for name, edits in _OF_REQUESTS.items()
        ),
    ]


def _variants(function: Subject) -> list[Subject]:
    def variant(name: str, **parts: Path) -> Subject:
        return replace(function, name=f"{function.name}, {name}", **parts)  # type: ignore[arg-type]  # paths only

    return [
        variant(_EVERYTHING),
        *(variant(name, layer=_layer(without)) for name, without in _OF_THE_LAYER.items()),
        *(variant(name, layer=_our_layer(edits)) for name, edits in _OF_OUR_CODE.items()),
        *(variant(name, task=_task(function, kept)) for name, kept in _OF_THE_BUILD.items()),
        variant(_NOTHING, layer=_plain(), task=_task(function, ())),
    ]


def _layer(without: frozenset[Change]) -> Path:
    """The layer without some of what `tools.layer` does."""
    name = "-".join(sorted(without))
    folder = _FOLDER / f"{_key()}-{name}"
    if not folder.exists():
        for older in _FOLDER.glob(f"*-{name}"):
            shutil.rmtree(older)
        new = folder.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        _, bare = packages.layers()
        shutil.copytree(bare, new, ignore=shutil.ignore_patterns("tests"))
        make(new / "python", ALL - without)
        new.rename(folder)
    _share(folder)
    return folder


def _plain() -> Path:
    """The packages as they are installed, compiled, and our own without what they do for a start."""
    compiled, _ = packages.layers()
    folder = _FOLDER / "plain"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(compiled, folder)
    _share(folder)
    for edits in _OF_OUR_CODE.values():
        _edit(folder, edits)
    return folder


def _our_layer(edits: Sequence[Edit]) -> Path:
    """The layer with these edits in modules of our own."""
    folder = _FOLDER / hashlib.sha256(repr(edits).encode()).hexdigest()[:16]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sam.BUILD / "SharedLayer", folder)
    _edit(folder, edits)
    return folder


def _edit(layer: Path, edits: Sequence[Edit]) -> None:
    for module, old, new in edits:
        file = layer / "python/shared" / module
        file.write_text(edited(file.read_text(), old, new))
    packages.compile_packages(layer / "python/shared")


def edited(source: str, old: str, new: str) -> str:
    """Raise ValueError where the text is not there, or more than once."""
    if source.count(old) != 1:
        raise ValueError(
            f"{old!r} stands there {source.count(old)} times: bench/gains.py must follow"
        )
    return source.replace(old, new)


def _share(layer: Path) -> None:
    shutil.rmtree(layer / "python/shared", ignore_errors=True)
    shutil.copytree(_SHARED, layer / "python/shared")


def _task(function: Subject, kept: Sequence[int]) -> Path:
    """The function's package with only some parts of what was compiled when it was built."""
    folder = _FOLDER / "-".join((function.name, "with", *map(str, kept)))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(function.task, folder)
    file = folder / PRECOMPILED
    parts = marshal.loads(file.read_bytes()[len(MAGIC_NUMBER) :])  # noqa: S302  # our own package
    left = tuple(part if number in kept else {} for number, part in enumerate(parts))
    file.write_bytes(MAGIC_NUMBER + marshal.dumps(left))
    return folder


def _key() -> str:
    digest = hashlib.sha256(packages.REQUIREMENTS.read_bytes())
    for file in sorted(_TOOL.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
