"""The documents of API and events: what they promise, and how they are held to it."""

from typing import Final

from tools.mutants.mutant import Mutant

_COMPATIBLE: Final = "tools/openapi/compatible.py"
_CHANGES: Final = ("tests/gateway/test_compatible.py",)
_EVENTS: Final = "tests/gateway/test_asyncapi.py"

MUTANTS: Final = (
    Mutant(
        "the document leaves out which members an event always has",
        "tools/openapi/events.py",
        'schema["required"] = list(members)',
        'schema["required"] = []',
        (f"{_EVENTS}::test_an_event_of_another_form_is_not_as_described",),
    ),
    Mutant(
        "the document gives one event the data of another",
        "layers/shared/shared/contracts/events.py",
        '"user.deactivated": UserData,',
        '"user.deactivated": OrderData,',
        (f"{_EVENTS}::test_what_the_shop_publishes_is_as_described",),
    ),
    Mutant(
        "the events' path answers with the API's document",
        "functions/gateway/api.py",
        "_served(site.events(),",
        "_served(site.document(),",
        ("tests/gateway/test_api.py",),
    ),
    Mutant(
        "an answer may grow as a request may",
        _COMPATIBLE,
        "narrow, wide = (now, was) if is_sent else (was, now)",
        "narrow, wide = (was, now)",
        _CHANGES,
    ),
    Mutant(
        "a document may lose what it had",
        _COMPATIBLE,
        "for name in old if name not in new)",
        "for name in old if name in ())",
        _CHANGES,
    ),
    Mutant(
        "a member that may be left out breaks nobody",
        _COMPATIBLE,
        'sorted(set(wide.get("required", ())) - set(narrow.get("required", ())))',
        "()",
        _CHANGES,
    ),
    Mutant(
        "an alternative that fits stands for all",
        _COMPATIBLE,
        "        if all(found):\n            yield",
        "        if all(found) and kind is _kinds(narrow)[0]:\n            yield",
        _CHANGES,
    ),
    Mutant(
        "an unknown keyword breaks nobody",
        _COMPATIBLE,
        "                fits = said == limit\n",
        "                fits = True\n",
        _CHANGES,
    ),
    Mutant(
        "events that are still in the queues need not be readable",
        _COMPATIBLE,
        '    yield from _broken(before, read, "what the last release sent, read: channel", is_sent=False)\n',
        "",
        _CHANGES,
    ),
    Mutant(
        "documents that break clients are kept without a reason",
        "tools/openapi/release.py",
        "if found and not (options.keep and options.reason):",
        "if found and not options.keep:",
        _CHANGES,
    ),
)
