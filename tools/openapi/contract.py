"""`python -m tools.openapi.release`: refuses documents that break what the last release's clients
rely on.

With `--keep` it keeps the present documents as the last release's, in docs/api; those that break a
client only for a reason, which is written down beside them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from gateway import VERSION
from tools.openapi import compatible, document, events

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs/api"
API: Final = "openapi.json"
EVENTS: Final = "asyncapi.json"
REASONS: Final = "incompatible.md"


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.openapi.release", description=__doc__)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--reason", default="")
    options = parser.parse_args(arguments)
    new = {API: document.document(), EVENTS: events.document()}
    old = {name: json.loads((folder / name).read_text()) for name in new}
    found = sorted(
        [
            *compatible.api(old[API], new[API]),
            *compatible.events(old[EVENTS], new[EVENTS], events.document("validation")),
        ]
    )
    if found and not (options.keep and options.reason):
        print("A client of the last release (docs/api) would break:", *found, sep="\n  ")
        print('Keep what it relies on, or say why not: make api REASON="…"')
        return 1
    if options.keep:
        for name, made in new.items():
            (folder / name).write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n")
        if found:
            lines = [f"\n## {VERSION}: {options.reason}\n", *(f"- {one}" for one in found)]
            with (folder / REASONS).open("a") as file:
                print(*lines, sep="\n", file=file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
