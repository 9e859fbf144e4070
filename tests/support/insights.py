"""CloudWatch Logs Insights' language, as far as the saved queries use it: a query that names what
no line has fails."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

type Record = dict[str, Any]

_NOT_FIELDS: Final = re.compile(r'"[^"]*"|/[^/]*/| as \w+|\w+\(|\b(asc|desc|by|\d+)\b')
_FIELD: Final = re.compile(r"@?\w[\w.]*")


def record(line: str, *, stream: str = "", group: str = "") -> Record:
    """A log line with the fields that CloudWatch discovers in it."""
    entry: Record = {"@message": line, "@logStream": stream, "@log": group, "@timestamp": "0"}
    for key, value in json.loads(line).items():
        parts = enumerate(value) if isinstance(value, list) else [("", value)]
        entry |= {f"{key}.{number}".rstrip("."): part for number, part in parts}
    return entry


def run(query: str, records: Iterable[Record]) -> list[Record]:
    """What the query answers; groups of `stats` are without their numbers.

    Raises:
        AssertionError: the query names a field, or a condition, that suits no line.
    """
    found = list(records)
    for stage in query.split("\n| "):
        command, _, rest = stage.partition(" ")
        found = list(_COMMANDS[command](rest, found))
    return found


def _filter(condition: str, found: list[Record]) -> Iterator[Record]:
    ways = [[_predicate(one) for one in way.split(" and ")] for way in condition.split(" or ")]
    for way in ways:
        for suits in way:
            assert any(map(suits, found)), condition
    return (one for one in found if any(all(suits(one) for suits in way) for way in ways))


def _predicate(text: str) -> Callable[[Record], bool]:
    if present := re.fullmatch(r"ispresent\((.+)\)", text):
        return lambda one: present[1] in one
    field, operator, value = text.split(" ", 2)
    match operator:
        case "=":
            return lambda one: f'"{one.get(field)}"' == value
        case ">=":
            return lambda one: float(one.get(field, "nan")) >= float(value)
        case "like":
            return lambda one: bool(_pattern(value).search(str(one.get(field, ""))))
    raise AssertionError(text)


def _parse(text: str, found: list[Record]) -> Iterator[Record]:
    field, _, pattern = text.partition(" ")
    matched = [_pattern(pattern).search(str(one.get(field, ""))) for one in found]
    assert any(matched), text
    return ({**one, **(m.groupdict() if m else {})} for one, m in zip(found, matched, strict=True))


def _fields(text: str, found: list[Record]) -> Iterator[Record]:
    _require(text, found)
    made = re.fullmatch(r"(\w+)\((.+)\) as (\w+)", text)
    for one in found:
        if not made:
            yield one
        elif made[1] == "jsonParse":
            yield {**one, made[3]: json.loads(one[made[2]])}
        else:
            assert made[1] == "coalesce"
            given = [one[name] for name in made[2].split(", ") if name in one]
            yield {**one, made[3]: given[0] if given else ""}


def _unnest(text: str, found: list[Record]) -> Iterator[Record]:
    path, _, name = text.partition(" into ")
    field, _, key = path.partition(".")
    return ({**one, name: part} for one in found for part in one[field][key])


def _stats(text: str, found: list[Record]) -> Iterator[Record]:
    _require(text, found)
    names = text.rpartition(" by ")[2].split(", ")
    numbers = dict.fromkeys(re.findall(r" as (\w+)", text))
    groups = dict.fromkeys(tuple(one.get(name, "") for name in names) for one in found)
    return (dict(zip(names, group, strict=True)) | numbers for group in groups)


def _sort(text: str, found: list[Record]) -> Iterator[Record]:
    _require(text, found)
    return iter(found)


def _require(text: str, found: list[Record]) -> None:
    for field in _FIELD.findall(_NOT_FIELDS.sub(" ", text)):
        assert any(field in one for one in found), f"no line has {field}"


def _pattern(text: str) -> re.Pattern[str]:
    assert text[0] == text[-1] == "/"
    return re.compile(text[1:-1].replace("(?<", "(?P<"))


_COMMANDS: Final[dict[str, Callable[[str, list[Record]], Iterator[Record]]]] = {
    "fields": _fields,
    "filter": _filter,
    "parse": _parse,
    "sort": _sort,
    "stats": _stats,
    "unnest": _unnest,
}
