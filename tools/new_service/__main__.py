"""`make service NAME=reviews`: adds a service's part of the template and its sample events."""

import sys
from typing import Final

from tools.new_service import events, template
from tools.new_service.names import Names
from tools.template import ROOT

_BODY: Final = {"text": "Sturdy and dishwasher-safe."}


def main(service: str) -> int:
    file = ROOT / "template.yaml"
    try:
        names = Names.of(service)
        changed = template.add(file.read_text(), names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    file.write_text(changed)
    made = events.add(ROOT / "events", names, body=_BODY)
    for path in (file, *made):
        print(f"▸ {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
