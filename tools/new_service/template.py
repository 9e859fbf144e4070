"""The part of template.yaml that a new service needs: a section of its own, and its name in the
lists of loops."""

import re
from pathlib import Path
from typing import Final

from tools.new_service.names import Names

_SECTION: Final = Path(__file__).with_name("section.yaml")
_GATEWAY: Final = "  # ── Gateway ─"
# The lists that name every service, and those that name every service with an outbox.
_LOOPS: Final = ("Logs", "Outboxes", "TableNames")


def add(template: str, names: Names) -> str:
    """The template's text with the service in it.

    Raises:
        ValueError: the template has the service already, or has another form than this function
            knows.
    """
    title, service = names.title, names.service
    if re.search(rf"^  # ── {title} ─", template, re.MULTILINE):
        raise ValueError(f"template.yaml has a section {title} already")
    for loop in _LOOPS:
        items = rf"(  Fn::ForEach::{loop}:\n    - \w+\n    - \[.*?)((?:, Gateway)?\]\n)"
        template = _inserted(template, items, f", {title}")
    row = r"(  Services:\n(?:    .*\n)*?)(    Gateway:.*\n)"
    template = _inserted(template, row, f"    {title}: {{Name: {service}}}\n")
    row = r"(  Outboxes:\n(?:    \w+: .*\n)+)()"
    outbox = f"    {title}: {{Service: {service}, Period: 60, Periods: 5, Breaching: 3}}\n"
    template = _inserted(template, row, outbox)
    variables = r"(  GatewayApi:\n(?:.*\n)+?(?: +[A-Z]+_API: .*\n)+)()"
    variable = f"          {service.upper()}_API: !Ref {title}Api.Alias\n"
    template = _inserted(template, variables, variable)
    grants = r"(  GatewayApi:\n(?:.*\n)+?(?: +- !Ref \w+Api\.Alias\n)+)()"
    template = _inserted(template, grants, f"                - !Ref {title}Api.Alias\n")
    section = names.applied(_SECTION.read_text())
    return _inserted(template, f"()({re.escape(_GATEWAY)})", section)


def _inserted(text: str, around: str, new: str) -> str:
    """The text with `new` between the two groups of the pattern."""
    changed, count = re.subn(around, lambda match: match[1] + new + match[2], text, count=1)
    if not count:
        raise ValueError(f"template.yaml has no place for {new.strip().splitlines()[0]!r}")
    return changed
