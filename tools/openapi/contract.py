"""docs/api: the documents of the API and of the events as they were reviewed last.

    python -m tools.openapi.contract    writes the present ones (`make api`)

The documents must not break those who rely on the reviewed ones, except for a reason, which is
written down beside them.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gateway import VERSION
from tools.openapi import compatible, document, events
from tools.template import ROOT

FOLDER: Final = ROOT / "docs/api"
API: Final = "openapi.json"
EVENTS: Final = "asyncapi.json"
REASONS: Final = "incompatible.md"


def reviewed(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """A document of docs/api."""
    found: dict[str, Any] = json.loads((folder / name).read_text())
    return found


def documents() -> dict[str, dict[str, Any]]:
    """The documents as the code is now."""
    return {API: document.document(), EVENTS: events.document()}


def write(
    made: Mapping[str, Any], *, readers: Any, reason: str = "", folder: Path = FOLDER
) -> list[str]:
    """Write documents, unless they break who relies on the reviewed ones and there is no reason.

    Args:
        made: the documents by their names.
        readers: the AsyncAPI document of what the shop's own workers accept.

    Returns:
        what breaks.
    """
    found = sorted(
        [
            *compatible.api(reviewed(API, folder), made[API]),
            *compatible.subscribers(reviewed(EVENTS, folder), made[EVENTS]),
            *compatible.readers(reviewed(EVENTS, folder), readers),
        ]
    )
    if found and not reason:
        return found
    for name, one in made.items():
        (folder / name).write_text(json.dumps(one, ensure_ascii=False, indent=1) + "\n")
    if found:
        lines = [f"\n## {VERSION}: {reason}\n", *(f"- {one}" for one in found)]
        with (folder / REASONS).open("a") as file:
            print(*lines, sep="\n", file=file)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.openapi.contract")
    parser.add_argument("--reason", default="", help="why clients may break")
    reason = parser.parse_args().reason
    found = write(documents(), readers=events.document("validation"), reason=reason)
    if found and not reason:
        print("Clients of the API in docs/api would break:", *found, sep="\n  ")
        print('Keep what they rely on, or say why not: make api REASON="…"')
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
