"""What a new service needs in files that exist: lines at known places."""

import builtins
import keyword
import re
import tokenize
from io import StringIO
from pathlib import Path
from typing import Final

from tools.new_service.names import Names

FILES: Final = Path(__file__).with_name("files")
_SECTION: Final = FILES / "template.yaml"
_EVENTS: Final = "layers/shared/shared/contracts/events.py"

_EVENT_DATA: Final = '''\
class SampleNoteData(BaseModel):
    """The data of `sample_note.created`."""

    model_config = _FROZEN

    sample_note_id: str
    user_id: str
    text: str


'''

_ROW: Final = """\
    SampleNotes:
      Name: sample-notes
      EventsWait: SampleNotes are late
      SweeperStops: SampleNotes that failed are not retried
"""

# Each file, and what is inserted between the two groups of a pattern, wherever it matches.
_EDITS: Final = {
    "template.yaml": (
        (
            r"(  Services:\n(?:    .*\n)*?)(    Gateway:.*\n)",
            _ROW,
        ),
        # The loops that name every service, and those that name every service with an outbox.
        (
            r"(  Fn::ForEach::(?:Logs|Outboxes|TableNames):\n.*\n.*?)((?:, Gateway)?\]\n)",
            ", SampleNotes",
        ),
        (
            r"(  Fn::ForEach::NewVersions:\n.*\n(?: +(?:- )+\w+\n)+?)( +- GatewayApi\n)",
            "      - SampleNotesApi\n      - SampleNotesRelay\n      - SampleNotesSweeper\n",
        ),
        (
            r"(API_FUNCTIONS: !Join\n.*\n(?: +(?:- )*!Join .*\n)+)()",
            '              - !Join ["=", [sample-notes, !Ref SampleNotesApi.Alias]]\n',
        ),
        (
            r"(  GatewayApi:\n(?:.*\n)+?(?: +- !Ref \w+Api\.Alias\n)+)()",
            "                - !Ref SampleNotesApi.Alias\n",
        ),
        (r"()(  # ── Gateway ─)", _SECTION.read_text()),
    ),
    "pyproject.toml": ((r'(\["gateway"(?:, "\w+")*)(\])', ', "sample_notes"'),),
    _EVENTS: (
        (r"(type EventType = Literal\[\n(?:    .*\n)*)()", '    "sample_note.created",\n'),
        (r"(PUBLISHERS: .*\{\n(?:    .*\n)*)()", '    "sample_note": "sample_notes",\n'),
        (r"(DATA: .*\{\n(?:    .*\n)*)()", '    "sample_note.created": SampleNoteData,\n'),
        (r"()(# The service that publishes the types of each noun)", _EVENT_DATA),
    ),
}
EDITED: Final = tuple(_EDITS)


def edited(root: Path, names: Names) -> dict[Path, str]:
    """The new texts of all files that change.

    Raises:
        ValueError: a file has another form than this module knows.
    """
    texts: dict[Path, str] = {}
    for name, edits in _EDITS.items():
        text = (root / name).read_text()
        for around, placeholder in edits:
            new = names.applied(placeholder)
            text, count = re.subn(around, lambda match: match[1] + new + match[2], text)  # noqa: B023  # called at once
            if not count:
                raise ValueError(f"{name} has no place for {new.strip().splitlines()[0]!r}")
        texts[root / name] = text
    return texts


def taken(root: Path, names: Names) -> str | None:
    """A name that Python or the code of the new service has for something else already."""
    texts = [file.read_text() for file in sorted(FILES.rglob("*.py"))]
    for text in (*texts, (root / _EVENTS).read_text() + _EVENT_DATA):
        tokens = tokenize.generate_tokens(StringIO(text).readline)
        words = {token.string for token in tokens if token.type == tokenize.NAME}
        own = {word: names.applied(word) for word in sorted(words)}
        others = {word for word, new in own.items() if word == new}
        others |= {*keyword.kwlist, *dir(builtins)}
        for word, new in own.items():
            if word != new and new in others:
                return new
    return None
