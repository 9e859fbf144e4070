"""Nothing personal is in any log: whatever tests send and are answered is remembered, and each line
that is logged during the suite is read for it. A test in which one is found fails.

Remembered are the values of the fields below, in requests and in answers, and the tokens that
requests carry. A value counts from six characters on and as whole words only, so that an `id` of
"a" or a name that is a part of another word causes no finding; so do values without a letter, which
may be any number.
"""

import importlib
import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from shared.personal import ERASED, is_erased_email, personal_fields

_FUNCTIONS: Final = Path(__file__).parents[2] / "functions"


def declared(service: str = "") -> Iterator[str]:
    """The names of the personal fields of a service's models, or of all services'."""
    for file in (_FUNCTIONS / service).glob("**/models.py"):
        name = ".".join(file.relative_to(_FUNCTIONS).with_suffix("").parts)
        for defined in vars(importlib.import_module(name)).values():
            if is_dataclass(defined) and isinstance(defined, type):
                yield from personal_fields(defined)


FIELDS: Final = frozenset(
    {
        *declared(),
        *("password", "current_password", "access_token", "refresh_token", "digest", "token"),
        *("api_key", "webhook_secrets"),
    }
)
# Their `reason` is a worker's or CloudWatch's, and stands in logs too; that of a return is a
# customer's.
_OF_OPERATIONS: Final = ("alarms", "dead_letters")
_SHORTEST: Final = 6
_WORD: Final = re.compile(r"\w+")
_LETTER: Final = re.compile(r"[^\W\d_]")
# In what is no JSON a field is still seen.
_QUOTED: Final = re.compile(rf'"({"|".join(sorted(FIELDS))})"\s*:\s*"([^"]*)"')


@dataclass
class Privacy:
    """The personal values so far, by their rarest words: of tens of thousands only a few are looked
    for in a line."""

    _values: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def remember(self, *values: str) -> None:
        """These must not be logged."""
        for value in values:
            if value == ERASED or is_erased_email(value):
                continue
            # An address is the same in lower case.
            forms = {value.strip()} | ({value.strip().casefold()} if "@" in value else set())
            for form in forms:
                if len(form) >= _SHORTEST and _LETTER.search(form):
                    # As they are, and as JSON has them.
                    for text in (form, json.dumps(form)[1:-1]):
                        self._values[_rarest_word(text)].add(text)

    def sent(self, headers: Mapping[str, str], body: str | None) -> None:
        """A request with all that is personal in it."""
        for name, value in headers.items():
            if name.lower() == "authorization":
                self.remember(value.partition(" ")[2])
            elif name.lower() == "cookie":
                self.remember(value.partition("=")[2])
        self.body(body)

    def body(self, text: str | None) -> None:
        """A body, of a request or of an answer."""
        try:
            document = json.loads(text or "null")
        except (ValueError, RecursionError):
            self.remember(*(found[1] for found in _QUOTED.findall(text or "")))
        else:
            self.remember(*_personal(document))

    def exchanged(self, response: httpx.Response) -> None:
        """A request over HTTP, and its answer."""
        request = response.request
        self.sent(request.headers, request.read().decode(errors="replace"))
        self.body(response.read().decode(errors="replace"))

    def found_in(self, lines: Iterable[str]) -> list[str]:
        """A sentence for each line with personal data."""
        return [f"{value!r} is in: {line}" for line in lines for value in self._in(line)]

    def _in(self, line: str) -> Iterator[str]:
        for word in {"", *_WORD.findall(line)} & self._values.keys():
            for value in self._values[word]:
                if value in line and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", line):
                    yield value


def _rarest_word(text: str) -> str:
    """Which that may be: numbers are rarer than letters, and long words than short ones."""
    words = _WORD.findall(text)
    return max(words, key=lambda word: (not word.isalpha(), len(word)), default="")


def _personal(document: Any, *, is_personal: bool = False) -> Iterator[str]:
    """The values of the fields, and what lies in them, should that be more than a text."""
    stack = [(document, is_personal)]
    while stack:
        value, counts = stack.pop()
        if isinstance(value, dict):
            stack += [
                (inner, counts or name in FIELDS)
                for name, inner in value.items()
                if name not in _OF_OPERATIONS
            ]
        elif isinstance(value, list):
            stack += [(inner, counts) for inner in value]
        elif isinstance(value, str) and counts:
            yield value


PRIVACY: Final = Privacy()
EAVESDROPPER: Final = "eavesdropper"


class Eavesdropper(logging.Handler):
    """Reads every line that is logged in this process, and fails the test that logs personal
    data."""

    def __init__(self, privacy: Privacy = PRIVACY) -> None:
        super().__init__()
        self._privacy = privacy
        self._lines: list[str] = []

    def addFilter(self, filter: Any) -> None:  # noqa: A002, N802  # the standard library's names
        """Takes none: Powertools spares other handlers its own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        # A logger that writes in a form of its own (Powertools', as JSON with more in it) is read
        # in that form.
        own = [handler for handler in logging.getLogger(record.name).handlers if handler.formatter]
        self._lines += [handler.format(record) for handler in own] or [self.format(record)]

    @property
    def lines(self) -> list[str]:
        """What was logged since the last test ended."""
        return list(self._lines)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        yield
        found = self._privacy.found_in(self._lines)
        self._lines.clear()
        if found:
            pytest.fail("Something personal was logged.\n" + "\n".join(found), pytrace=False)


def listen() -> Eavesdropper:
    """Read every line that is logged from now on."""
    eavesdropper = Eavesdropper()
    logging.getLogger().addHandler(eavesdropper)
    return eavesdropper
