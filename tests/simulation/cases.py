"""What DynamoDB may be asked that the shop's own journeys leave out, or cannot tell right from wrong by."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from shared.storage.dynamodb import Item, to_wire
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.journal import Journal, journal_of
from tests.simulation.refusals import Refused
from tests.simulation.requests import (
    DEFINITION,
    TABLE,
    Party,
    Request,
    check,
    delete,
    get,
    get_all,
    key,
    put,
    query,
    together,
    update,
)

CHANGES: Final = "changes"
_TYPES = "values of different types never match (API reference, Condition)"
_MISSING = (
    "an attribute that is missing equals nothing and differs from everything (as dynoxide answers)"
)
_SYNTAX = "ValidationException (Condition and filter expressions, syntax)"
_OVERLAP = "ValidationException: two paths overlap (Update expressions)"
_CLAUSES = (
    "ValidationException: a keyword stands once, its actions are complete (Update expressions)"
)
_INDEX_TYPE = (
    "ValidationException: an index key has the type of its definition (Global secondary indexes)"
)
_PROJECTED = "a filter sees the attributes that the index projects (Global secondary indexes)"
_ITEM: Final[Item] = {
    "number": 9,
    "same": 9,
    "text": "mugs and cups",
    "list": ["one", 2],
    "map": {"a": True, "b": [1]},
    "nothing": None,
}


def _is(condition: str, /, **values: Any) -> Request:
    """Whether this holds for the item."""
    return update("a", "REMOVE #neverthere", condition, **values)


_CONDITIONS: Final = (
    put("a", **_ITEM),
    _is("#number = :v", v=9),
    _is("#number = :v", v=10),
    _is("#number = :v", v="9"),
    _is("#number <> :v", v=9),
    _is("#number <> :v", v="9"),
    _is("#number < :v", v=10),
    _is("#number < :v", v="a").but("moto", aws=_TYPES),
    _is("#number >= :v", v=9),
    _is("#number = #same"),
    _is("#missing = :v", v=9),
    _is("#missing <> :v", v=9),
    _is("#missing < :v", v=9),
    _is("#missing = #absent").but("moto", "emulator", aws=_MISSING),
    _is("#missing <> #absent").but("moto", "emulator", aws=_MISSING),
    _is("#text > :v", v="Mug"),
    _is("#text > :v", v="m\u00fcg"),
    _is("#text BETWEEN :v AND :w", v="mug", w="mugs and cups"),
    _is("#number BETWEEN :v AND :w", v=8, w=10),
    _is("#number BETWEEN :v AND :w", v=10, w=80),
    _is("#missing BETWEEN :v AND :w", v=8, w=10),
    _is("#number = :v OR #number = :w AND #missing = :v", v=9, w=8),
    _is("(#number = :v OR #number = :w) AND #missing = :v", v=9, w=8),
    _is("NOT #number = :v", v=9),
    _is("NOT #number = :v AND #number = :w", v=8, w=9),
    _is("NOT (#number = :v OR #text = :w)", v=8, w="cup"),
    _is("attribute_exists(#text) AND attribute_not_exists(#missing)"),
    _is("attribute_exists(#missing)"),
    _is("attribute_exists(#nothing)"),
    _is("begins_with(#text, :v)", v="mug"),
    _is("begins_with(#text, :v)", v="cup"),
    _is("begins_with(#missing, :v)", v="cup"),
    _is("contains(#text, :v)", v="s a"),
    _is("contains(#list, :v)", v="one"),
    _is("contains(#list, :v)", v="on"),
    _is("contains(#missing, :v)", v="on"),
    _is("#list = :v", v=["one", 2]),
    _is("#map = :v", v={"b": [1], "a": True}),
    _is("#number = ").but("moto", aws=_SYNTAX),
    _is("#number = :v :v", v=9).but("moto", aws=_SYNTAX),
    _is("#number = :v", v=9, unused=1),
    _is("#number = :absent").but(
        "moto", aws="ValidationException: every value is given (Expression attribute values)"
    ),
)


def _updates() -> Iterator[Request]:
    """Each on an item of its own."""
    for number, request in enumerate(
        (
            update("", "SET #number = #number - :v, #same = #number + :v", v=1),
            update("", "SET #number = #same, #same = #number"),
            update("", "SET #number = :v - #number", v=100),
            update("", "SET #number = if_not_exists(#number, :v)", v=1),
            update("", "SET #fresh = if_not_exists(#fresh, :v)", v=1),
            update("", "SET #fresh = if_not_exists(#fresher, :v) + :w", v=1, w=2),
            update("", "SET #copied = #text"),
            update("", "SET #list = list_append(#list, :v)", v=["three"]),
            update("", "SET #list = list_append(:v, #list)", v=["zero"]),
            update("", "SET #new = list_append(if_not_exists(#new, :v), :w)", v=[], w=["first"]),
            update("", "ADD #number :v, #counted :w", v=-4, w=3),
            update("", "REMOVE #text, #neverthere"),
            update("", "REMOVE #neverthere"),
            update("", "SET #text = :v REMOVE #same ADD #number :w", v="", w=1),
            update("", "set #text = :v remove #same", v="lower case"),
            # What cannot be done to this item.
            update("", "SET #number = #missing + :v", v=1),
            update("", "SET #number = #missing"),
            update("", "SET #fresh = :v, #number = #fresh", v=1),
            update("", "SET #number = #text + :v", v=1).but(
                "emulator", aws="ValidationException: + takes numbers (Update expressions)"
            ),
            update("", "SET #list = list_append(#missing, :v)", v=["three"]),
            update("", "ADD #text :v", v=1),
            update("", "ADD #number :v", v="1"),
            update("", "SET #group = :v", v=1).but("moto", aws=_INDEX_TYPE),
            # What cannot be done to any.
            update("", "SET #number = :v, #number = :v", v=1).but("emulator", aws=_OVERLAP),
            update("", "SET #number = :v REMOVE #number", v=1).but("emulator", aws=_OVERLAP),
            update("", "SET #number = :v SET #same = :v", v=1).but("emulator", aws=_CLAUSES),
            update("", "SET #number = :v, #unfinished", v=1).but("emulator", aws=_CLAUSES),
            update("", "SET #number = :v", v=1, unused=1),
            update("", "SET #pk = :v", v="other"),
            update("", "REMOVE #sk"),
        )
    ):
        yield put(f"{number}", **_ITEM)
        yield replace(request, body=request.body | {"Key": key(f"{number}")})


def _lists() -> Iterator[Request]:
    ranks = (2, 10, -1, 9, 100)
    for rank in ranks:
        yield put(f"{rank}", group="g", rank=rank, text=f"text {rank % 2}", number=rank, other=1)
    yield put("unranked", group="g", text="text 0")
    yield put("elsewhere", group="h", rank=3)
    starts = [key(f"{rank}") | to_wire({"group": "g", "rank": rank}) for rank in ranks]
    for index in ("whole", "keys", "some"):
        # The emulator's filters see also what the index does not have.
        sees_more: tuple[Party, ...] = ("emulator",) if index == "keys" else ()
        for forward in (True, False):
            more: dict[str, Any] = {"IndexName": index, "ScanIndexForward": forward}
            yield query("#group = :g", more=more, g="g")
            yield query("#group = :g AND #rank > :r", more=more, g="g", r=2)
            yield query("#group = :g AND #rank BETWEEN :r AND :s", more=more, g="g", r=2, s=9)
            yield query("#group = :g", only="#text = :t", more=more, g="g", t="text 0").but(
                *sees_more, aws=_PROJECTED
            )
            for limit in (1, 2, 5, 6):
                for start in ({}, *({"ExclusiveStartKey": start} for start in starts)):
                    page = {**more, **start, "Limit": limit}
                    yield query("#group = :g", more=page, g="g")
            page = {**more, "Limit": 3}
            yield query("#group = :g", only="#number > :n", more=page, g="g", n=5).but(
                *sees_more, aws=_PROJECTED
            )
    for forward in (True, False):
        more = {"ScanIndexForward": forward}
        yield query("#pk = :pk", more=more, pk="case")
        yield query("#pk = :pk AND begins_with(#sk, :start)", more=more, pk="case", start="1")
        yield query("#pk = :pk AND #sk < :end", more=more | {"Limit": 2}, pk="case", end="2")
        page = more | {"ExclusiveStartKey": key("2"), "Limit": 3}
        yield query("#pk = :pk", more=page, pk="case")
    yield query("#pk = :pk", pk="nothing there")


CASES: Final[Mapping[str, Sequence[Request]]] = {
    "conditions": _CONDITIONS,
    "updates": (*_updates(),),
    "updates of what is not there": (
        update("set", "SET #number = :v", v=1),
        update("added", "ADD #number :v", v=1),
        # "If no item with the specified Key is found, DELETE causes nothing to happen; there is no attribute to delete":
        # the API reference of AttributeUpdates, whose DELETE became REMOVE. All others make an item of the key alone.
        update("removed", "REMOVE #number").but(
            "moto",
            "emulator",
            "dynoxide",
            aws="no item is made (API reference, AttributeValueUpdate, DELETE; not measured on AWS)",
        ),
        update("copied", "SET #number = #other"),
        update("refused", "SET #number = :v", "attribute_exists(#pk)", v=1),
        *[get(sk) for sk in ("set", "added", "copied", "refused")],
    ),
    "puts and deletes": (
        put("a", number=1, text="old"),
        get("a", "#number"),
        get("a", "#pk, #text"),
        get("b", "#text"),
        put("a", number=2),
        get("a"),
        put("a", "attribute_not_exists(#pk)", number=3),
        put("a", "#number = :seen", number=3, values={"seen": 2}),
        put("b", "attribute_exists(#pk)", number=3),
        delete("a", "#number = :seen", seen=2),
        delete("a", "#number = :seen", seen=3),
        delete("a"),
        delete("a", "attribute_exists(#pk)"),
        get("a"),
        put(""),
        put("c", group=""),
        put("d", group=7).but("moto", aws=_INDEX_TYPE),
        put("e", rank="high").but("moto", aws=_INDEX_TYPE),
        get("c"),
    ),
    "many at once": (
        put("a", number=1),
        put("b", number=2),
        get_all("b", "a", "c"),
        get_all("c"),
        get_all("a", "a"),
        Request("Scan", {"TableName": TABLE}),
        Request("GetItem", {"TableName": "NoTable", "Key": key("a")}),
    ),
    "lists": (*_lists(),),
    "transactions": (
        put("a", number=5),
        together("t-1", put("b", number=1), update("a", "ADD #number :v", v=1)),
        together(
            "t-2",
            put("c", number=1),
            put("a", "attribute_not_exists(#pk)", number=0),
            update("d", "SET #number = :v", "attribute_exists(#pk)", v=1),
            check("b", "#number = :v", v=1),
        ),
        together("t-3", check("b", "#number = :v", v=2), delete("a")),
        together("t-4", put("a", number=1), delete("a")),
        # moto refuses all of it as malformed.
        together("t-5", put("c", number=1), update("a", "SET #text = #missing")).but(
            "moto",
            aws="TransactionCanceledException with ValidationError for the second (API reference)",
        ),
        together("t-6", delete("a"), delete("nothing"), check("b", "#number = :v", v=1)),
        Request("Scan", {"TableName": TABLE}),
    ),
    "tokens": (
        together("t-7", update("a", "ADD #number :v", v=1)),
        together("t-7", update("a", "ADD #number :v", v=1)),
        together("t-7", update("a", "ADD #number :v", v=2)),
        together("t-8", update("a", "ADD #number :v", "#number = :w", v=1, w=2)),
        update("a", "SET #number = :v", v=2),
        together("t-8", update("a", "ADD #number :v", "#number = :w", v=1, w=2)),
        together("t-8", update("a", "ADD #number :v", "#number = :w", v=1, w=2)),
        get("a"),
    ),
    CHANGES: (
        put("a", number=1),
        put("a", number=1),
        put("a", number=2),
        update("a", "SET #number = :v", v=2),
        update("a", "REMOVE #missing"),
        update("a", "ADD #number :v", v=0),
        update("a", "SET #number = :v", "#number = :w", v=4, w=3),
        update("b", "SET #number = :v", v=2),
        together("t-9", update("a", "SET #number = :v", v=3), put("b", number=2), put("c")),
        delete("a"),
        delete("a"),
    ),
}


def asked(name: str) -> tuple[DynamoDB, Journal]:
    """A simulated DynamoDB that was asked this case, and the journal of it."""
    dynamodb = DynamoDB(lambda: 0.0)
    dynamodb.create(DEFINITION)
    with journal_of(dynamodb) as journal:
        for request in CASES[name]:
            with suppress(Refused):
                dynamodb.answer(request.operation, request.body)
    return dynamodb, journal


def unlike(name: str, party: Party) -> set[int]:
    """The places of the requests that it is known to answer otherwise."""
    return {place for place, request in enumerate(CASES[name]) if party in request.unlike}
