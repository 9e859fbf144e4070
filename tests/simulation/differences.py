"""Where what stands for AWS in the tests and on a developer's machine is known to answer otherwise than AWS: docs/differences.md.

`make tables` writes the document. Each row is a mark that a test holds to be true: the day that one of them answers as AWS
does, that test fails.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args

from shared.storage.dynamodb import from_wire
from tests.simulation.cases import CASES
from tests.simulation.refused import REFUSED, UNLIKE
from tests.simulation.requests import Party, Request
from tests.support.second_opinion import MOTO
from tools.local.adapt import TRANSFORMATIONS
from tools.template import ROOT

DOCUMENT: Final = ROOT / "docs" / "differences.md"
_PARTIES: Final[tuple[Party, ...]] = get_args(Party.__value__)
_EXPRESSIONS: Final = {
    "UpdateExpression": "{}",
    "KeyConditionExpression": "{}",
    "ConditionExpression": "if {}",
    "FilterExpression": "filter {}",
    "IndexName": "on index {}",
}


def asked(request: Request) -> str:
    """A request in short."""
    body = request.body
    if "TransactItems" in body:
        parts = (next(iter(part.items())) for part in body["TransactItems"])
        return f"a transaction of {', '.join(f'{name} {_told(part)}' for name, part in parts)}"
    return f"{request.operation} {_told(body)}"


def _told(body: Mapping[str, Any]) -> str:
    expressions = [
        form.format(body[name]) for name, form in _EXPRESSIONS.items() if name in body
    ] or [str({n: v for n, v in from_wire(body["Item"]).items() if n not in ("pk", "sk")})]
    values = from_wire(body.get("ExpressionAttributeValues", {}))
    given = ", ".join(f"{name} = {value!r}" for name, value in values.items())
    text = " ".join(expressions).replace("#", "")
    return f"`{text}`" + (f" with {given}" if given else "")


def _answers() -> Iterator[Iterable[str]]:
    yield "asked", "AWS documents", *_PARTIES
    seen = set()
    for request in (r for requests in CASES.values() for r in requests if r.unlike):
        row = (asked(request), request.aws)
        # Pages and directions of one question are one row.
        if row not in seen:
            seen.add(row)
            yield *row, *("otherwise" if party in request.unlike else "" for party in _PARTIES)


def _refusals() -> Iterator[Iterable[str]]:
    yield "asked", "operation", *_PARTIES
    for what, request in REFUSED.items():
        accepted = ["accepts" if what in UNLIKE.get(party, ()) else "" for party in _PARTIES]
        if any(accepted):
            yield what, request.operation, *accepted


def _others() -> Iterator[Iterable[str]]:
    yield "who", "what", "seen in"
    yield "moto", "runs a transaction again for a `ClientRequestToken` that it has seen", "`Other`"
    yield "moto", "names no `LastEvaluatedKey` where no item follows; AWS does not look", "`Other`"
    for mistake in sorted(MOTO):
        yield "moto", mistake, "`second_opinion.MOTO`"
    yield "simulation", "a Query answers more than 1 MB in one page", "`test_differences.py`"
    yield "emulator", "one transaction after the other: none meets another", "`races/conflicts.py`"
    for transformation in TRANSFORMATIONS:
        sentence = " ".join((transformation.__doc__ or "").split())
        yield "emulator", sentence, f"`adapt.{transformation.__name__}`"


def document() -> str:
    """docs/differences.md as it has to be."""
    refused = len(REFUSED)
    counts = ", ".join(f"{party} {len(found)}" for party, found in UNLIKE.items())
    lines = [
        "# Where AWS answers otherwise",
        "",
        "Generated from marks that tests hold to be true (`make tables` writes it): where moto, the emulator (ministack),",
        "dynoxide and the simulation are known to answer otherwise than AWS is documented to. No real account is asked. The",
        "public suite [paritysuite/dynamodb-conformance](https://github.com/paritysuite/dynamodb-conformance) is run on AWS; by",
        "its results dynoxide fails none of 601 cases (May 2026) and ministack 90 of 1,251 (September 2026).",
        "",
        "## Answers of DynamoDB",
        "",
        *_table(_answers()),
        "",
        "## Requests that DynamoDB refuses",
        "",
        f"Of {refused} requests that AWS refuses whatever the table holds, others accept or break on: {counts}; dynoxide 0. In",
        "each test session dynoxide judges one request of each kind that the shop makes (`tests/support/second_opinion.py`). Sources:",
        '"Constraints in Amazon DynamoDB", the API reference of each operation, and the suite.',
        "",
        *_table(_refusals()),
        "",
        "## Other",
        "",
        *_table(_others()),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    for place, row in enumerate(rows):
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"
        if place == 0:
            yield f"| {' | '.join(['---'] * len(cells))} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
