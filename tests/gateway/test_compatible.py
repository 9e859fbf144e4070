"""Which changes of a document break its clients: each judged as a person who reads APIs would."""

import copy
import json
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tools.openapi import compatible, contract

type Node = dict[str, Any]

_TABLE: Final[Node] = yaml.safe_load(Path(__file__).with_name("compatible.yaml").read_text())
API: Final[Node] = _TABLE["api"]
EVENTS: Final[Node] = _TABLE["events"]
_PLACES: Final = {
    "list": "paths > /orders > get",
    "place": "paths > /orders > post",
    "order": "components > schemas > Order > properties",
    "request": "components > schemas > Request > properties",
    "schemas": "components > schemas",
}


def rows(name: str) -> pytest.MarkDecorator:
    """Each change of a table of compatible.yaml."""
    table = [pytest.param(*row, id=name) for name, *row in _TABLE[name]]
    return pytest.mark.parametrize(("place", "value", "report", "reverse"), table)


def changed(document: Node, place: str, value: Any) -> Node:
    made = copy.deepcopy(document)
    first, *others = place.split(" > ")
    *steps, last = [*_PLACES.get(first, first).split(" > "), *others]
    node: Any = made
    for step in steps:
        node = node[int(step) if isinstance(node, list) else step]
    key: Any = int(last) if isinstance(node, list) else last
    if value == "GONE":
        del node[key]
    elif key == len(node):
        node.append(value)
    else:
        node[key] = value
    return made


def assert_reported(found: list[str], sentence: str) -> None:
    assert any(sentence in one for one in found) if sentence else not found, found


@rows("changes of the api")
def test_change_of_the_api_is_reported_if_it_breaks_a_client(
    place: str, value: Any, report: str, reverse: str
) -> None:
    new = changed(API, place, value)
    assert_reported(list(compatible.api(API, new)), report)
    assert_reported(list(compatible.api(new, API)), reverse)


@rows("changes of events")
def test_change_of_events_is_reported_if_it_breaks_a_subscriber(
    place: str, value: Any, report: str, reverse: str
) -> None:
    new = changed(EVENTS, place, value)
    assert_reported(list(compatible.subscribers(EVENTS, new)), report)
    assert_reported(list(compatible.subscribers(new, EVENTS)), reverse)


def test_workers_must_read_what_the_last_release_sent() -> None:
    data = "schemas > Data"
    lenient = changed(EVENTS, f"{data} > properties > note", {"type": "string"})
    assert list(compatible.readers(EVENTS, lenient)) == []
    strict = changed(lenient, f"{data} > required", ["id", "status", "note"])
    expected = "read: order.placed payload.data.note: may be missing"
    assert_reported(list(compatible.readers(EVENTS, strict)), expected)
    # Subscribers have to follow a channel that moves, workers read messages of any.
    moved = changed(EVENTS, "channels", {"elsewhere": EVENTS["channels"]["events"]})
    assert list(compatible.readers(EVENTS, moved)) == []
    assert list(compatible.subscribers(EVENTS, moved))


def test_breaking_documents_are_written_for_a_reason_only(tmp_path: Path) -> None:
    before = {contract.API: API, contract.EVENTS: EVENTS}
    for name, document in before.items():
        (tmp_path / name).write_text(json.dumps(document))
    after = {**before, contract.API: changed(API, "paths > /orders", "GONE")}
    expected = ["GET /orders is gone", "POST /orders is gone"]
    assert contract.write(after, readers=EVENTS, folder=tmp_path) == expected
    assert contract.reviewed(contract.API, tmp_path) == API
    contract.write(after, readers=EVENTS, reason="No client orders.", folder=tmp_path)
    assert contract.reviewed(contract.API, tmp_path) == after[contract.API]
    reasons = (tmp_path / contract.REASONS).read_text()
    assert "No client orders." in reasons
    assert all(f"- {one}\n" in reasons for one in expected)
    assert contract.write(after, readers=EVENTS, folder=tmp_path) == []
