"""The codec between dataclasses and items."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel

from shared.storage.dynamodb import from_wire, to_wire
from shared.storage.items import difference, from_item, to_item

type Shade = Literal["light", "dark"]


class Line(BaseModel):
    name: str
    quantity: int


@dataclass(frozen=True)
class Lid:
    made_of: str
    fits: tuple[Shade, ...] = ()


@dataclass(frozen=True)
class Jug:
    id: str
    name: Annotated[str, "a mark"]
    volume: int
    shade: Shade
    lid: Lid
    lines: tuple[Line, ...]
    tags: list[str]
    is_glazed: bool = True
    note: str | None = None
    spare: Lid | None = None
    words: list[str] = field(default_factory=list)


JUG = Jug(
    id="j",
    name="Jug",
    volume=7,
    shade="dark",
    lid=Lid("cork", ("light", "dark")),
    lines=(Line(name="l", quantity=2),),
    tags=["a", "b"],
)
ITEM: dict[str, Any] = {
    "id": "j",
    "name": "Jug",
    "volume": 7,
    "shade": "dark",
    "lid": {"made_of": "cork", "fits": ["light", "dark"]},
    "lines": [{"name": "l", "quantity": 2}],
    "tags": ["a", "b"],
    "is_glazed": True,
    "words": [],
}


def test_codec_stores_each_field_by_its_annotation() -> None:
    assert to_item(JUG) == ITEM
    assert from_item(Jug, from_wire(to_wire(ITEM))) == JUG


def test_codec_leaves_out_fields_that_are_stored_in_another_way() -> None:
    item = to_item(JUG, omit=("id",))
    assert "id" not in item
    assert from_item(Jug, item, id="j") == JUG


@pytest.mark.parametrize("more", [{}, {"note": None, "is_glazed": None}, {"of_later": "x"}])
def test_codec_takes_defaults_and_ignores_attributes_of_a_later_release(
    more: dict[str, Any],
) -> None:
    item = {name: value for name, value in ITEM.items() if name not in ("is_glazed", "words")}
    assert from_item(Jug, item | more) == JUG


def test_codec_names_a_missing_attribute() -> None:
    with pytest.raises(KeyError, match="volume"):
        from_item(Jug, {name: value for name, value in ITEM.items() if name != "volume"})


@dataclass(frozen=True)
class _Opaque:
    part: object


@dataclass(frozen=True)
class _Ambiguous:
    part: int | str


@pytest.mark.parametrize("model", [_Opaque, _Ambiguous])
def test_codec_names_a_field_that_no_item_can_hold(model: Any) -> None:
    with pytest.raises(TypeError, match=f"{model.__name__}.part"):
        to_item(model(1))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("SET #b = :b", {"b": 3})),
        ({"a": 1}, {"a": 1, "b": None}, ("SET #b = :b", {"b": None})),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1}, ("REMOVE #b, #c", {})),
        ({"a": 1, "b": 2}, {"b": 3}, ("SET #b = :b REMOVE #a", {"b": 3})),
        ({"a": 1}, {"a": 1}, ("", {})),
    ],
)
def test_difference_names_only_what_differs(
    before: dict[str, Any], after: dict[str, Any], expected: tuple[str, dict[str, Any]]
) -> None:
    assert difference(before, after) == expected
