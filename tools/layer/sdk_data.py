"""What the SDK reads and registers, without what is for services and operations that nobody here calls.

botocore makes its clients from JSON files that describe each service. Most of their text is for the reference manual, and
most of their operations are for others. docs/benchmarks-gains.md says what reading and registering it all takes.
"""

import ast
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# What the functions call, by the SDK's name of the service. Another operation is no method of the client, another
# service raises UnknownServiceError: both at once, and in every test on the emulator.
OPERATIONS: Final = {
    "dynamodb": {
        "BatchGetItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "TransactWriteItems",
        "UpdateItem",
    },
    "kms": {"GenerateMac", "GetPublicKey", "Sign"},
    "lambda": {"Invoke"},
    "sesv2": {"SendEmail"},
    "sns": {"PublishBatch"},
    "sqs": {"ChangeMessageVisibility", "SendMessage", "SendMessageBatch"},
    "sts": {"AssumeRole"},
    "xray": {"GetSamplingRules", "GetSamplingTargets", "PutTraceSegments"},
}
# The SDK's own, of credentials; and the tracing SDK makes a client when it is imported.
SDKS_OWN: Final = {"sts", "xray"}
# What a client is made of. Paginators, waiters and examples are for other uses.
_MODELS: Final = ("service-2", "endpoint-rule-set-1")
# Each partition names services by the prefix of their endpoints: ours.
_PREFIXES: Final = {"email", *OPERATIONS} - {"sesv2"}


def prune(data: Path) -> None:
    """Leave of botocore's `data` folder what clients of OPERATIONS need, as plain JSON."""
    for folder in [path for path in data.iterdir() if path.is_dir()]:
        # A service's folder has one for each version of its API, named by its date.
        newest = max(folder.iterdir())
        for version in folder.iterdir():
            if folder.name not in OPERATIONS or version != newest:
                shutil.rmtree(version)
        if folder.name not in OPERATIONS:
            folder.rmdir()
    for file in list(data.rglob("*.json*")):
        _rewrite(file, keep=file.parent == data or file.name.partition(".")[0] in _MODELS)
    _prune_endpoints(data / "endpoints.json")


def _rewrite(file: Path, *, keep: bool) -> None:
    raw = file.read_bytes()
    file.unlink()
    if not keep:
        return
    content = json.loads(gzip.decompress(raw) if file.suffix == ".gz" else raw)
    if file.name.startswith("service-2"):
        _prune_service(content, OPERATIONS[file.parent.parent.name])
    _write(file.with_name(file.name.removesuffix(".gz")), _undocumented(content))


def _write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False))


def _undocumented(node: Any) -> Any:
    """Without the members that hold text about the others: a member that a service calls so holds no text."""
    if isinstance(node, dict):
        return {
            name: _undocumented(value)
            for name, value in node.items()
            if not (name in ("documentation", "documentationUrl") and isinstance(value, str))
        }
    return [_undocumented(value) for value in node] if isinstance(node, list) else node


def _prune_service(model: dict[str, Any], operations: set[str]) -> None:
    """Leave these operations, and the shapes of what they send and receive.

    Raises:
        KeyError: the service has no such operation.
    """
    model["operations"] = {name: model["operations"][name] for name in sorted(operations)}
    kept: dict[str, Any] = {}
    waiting = list(_shapes(model["operations"]))
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = model["shapes"][name]
            waiting += _shapes(kept[name])
    model["shapes"] = kept


def _shapes(node: Any) -> Iterator[str]:
    """The names of the shapes that are named anywhere below."""
    if isinstance(node, dict):
        if isinstance(name := node.get("shape"), str):
            yield name
        for value in node.values():
            yield from _shapes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _shapes(value)


def _prune_endpoints(file: Path) -> None:
    endpoints = json.loads(file.read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in _PREFIXES & services.keys()}
    _write(file, endpoints)


def without_other_services(path: str, tree: ast.Module) -> None:
    """Take out of a module of botocore's what it registers for other services: every client gets a copy of that."""
    if path == "botocore/utils.py":
        aliases = _assigned(tree, "EVENT_ALIASES", ast.Dict)
        pairs = zip(aliases.keys, aliases.values, strict=True)
        kept = [(key, value) for key, value in pairs if _text(value) in OPERATIONS]
        aliases.keys, aliases.values = [key for key, _ in kept], [value for _, value in kept]
    elif path == "botocore/handlers.py":
        handlers = _assigned(tree, "BUILTIN_HANDLERS", ast.List)
        handlers.elts = [handler for handler in handlers.elts if _is_ours(handler)]


def _assigned[N: ast.expr](tree: ast.Module, name: str, kind: type[N]) -> N:
    [value] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == name
    ]
    assert isinstance(value, kind), f"{name} is no longer what it was"
    return value


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_ours(handler: ast.expr) -> bool:
    """Whether a handler is of all services' events or of one of ours: `before-call.s3.GetObject` says which."""
    assert isinstance(handler, ast.Tuple)
    event, _, rest = _text(handler.elts[0]).partition(".")
    return event != "docs" and rest.partition(".")[0] in ("", "*", *OPERATIONS)
