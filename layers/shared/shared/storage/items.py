"""The codec between a frozen dataclass and a DynamoDB item: an attribute for each field, by the
field's annotation.

    str, int, bool, Literal     as they are
    dataclass, pydantic model   a map
    list[X], tuple[X, ...]      a list
    X | None                    X; the attribute is left out for None

`Annotated[X, …]` is stored as X. An attribute that no field names is ignored, so that a later
release may add some.
"""

from collections.abc import Callable, Collection
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel

from shared.storage.dynamodb import Item, assigning

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PLAIN = (str, int, bool)


def to_item(value: "DataclassInstance", *, omit: Collection[str] = ()) -> Item:
    """The attributes of the value's fields.

    Args:
        omit: fields that are stored in another way, such as an id in the key.
    """
    item: Item = {}
    for field in _fields(type(value)):
        stored = getattr(value, field.name)
        if stored is not None and field.name not in omit:
            item[field.name] = field.codec.encode(stored)
    return item


def from_item[D: "DataclassInstance"](model: type[D], item: Item, **known: Any) -> D:
    """The value that was stored as the item.

    Args:
        known: fields that are not taken from an attribute of their name.

    Raises:
        KeyError: an attribute is missing whose field has no default and may not be None.
    """
    values = known
    for field in _fields(model):
        if field.name in known:
            continue
        stored = item.get(field.name)
        if stored is not None:
            values[field.name] = field.codec.decode(stored)
        elif field.is_required:
            raise KeyError(field.name)
        elif not field.has_default:
            values[field.name] = None
    return model(**values)


def difference(before: Item, after: Item) -> tuple[str, Item]:
    """The update expression that turns `before` into `after`, and its values by attribute.

    It names only attributes that differ: those that a concurrent writer or a later release has
    added stay.
    """
    changed = {
        name: value for name, value in after.items() if name not in before or before[name] != value
    }
    removed = [f"#{name}" for name in before if name not in after]
    parts = []
    if changed:
        parts.append(assigning(changed))
    if removed:
        parts.append("REMOVE " + ", ".join(removed))
    return " ".join(parts), changed


class _Codec(NamedTuple):
    """Converts values of one annotation."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@dataclass(frozen=True)
class _Field:
    """A field of a model and its codec."""

    name: str
    codec: _Codec
    has_default: bool
    is_required: bool


@cache
def _fields(model: type["DataclassInstance"]) -> tuple[_Field, ...]:
    hints = get_type_hints(model, include_extras=True)
    found: list[_Field] = []
    for field in fields(model):
        hint = hints[field.name]
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        may_be_none = NoneType in get_args(_bare(hint))
        try:
            codec = _codec(hint)
        except TypeError as cause:
            raise TypeError(f"{model.__name__}.{field.name}: {cause}") from cause
        found.append(_Field(field.name, codec, has_default, not (has_default or may_be_none)))
    return tuple(found)


def _bare(hint: Any) -> Any:
    """The annotation without aliases and metadata round it."""
    while True:
        if isinstance(hint, TypeAliasType):
            hint = hint.__value__
        elif get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        else:
            return hint


def _codec(hint: Any) -> _Codec:
    hint = _bare(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if hint in _PLAIN or origin is Literal:
        return _Codec(_unchanged, _unchanged)
    if origin in (Union, UnionType):
        kinds = [part for part in parts if part is not NoneType]
        if len(kinds) == 1:
            return _codec(kinds[0])
    elif origin is list or (origin is tuple and parts[1:] == (...,)):
        inner = _codec(parts[0])
        return _Codec(
            lambda values: [inner.encode(value) for value in values],
            lambda stored: origin(inner.decode(value) for value in stored),
        )
    elif isinstance(hint, type) and is_dataclass(hint):
        return _Codec(to_item, lambda stored: from_item(hint, stored))
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        return _Codec(hint.model_dump, hint.model_validate)
    raise TypeError(f"an item cannot hold {hint}")


def _unchanged(value: Any) -> Any:
    return value
