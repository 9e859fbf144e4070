"""Users: addresses that are one account's, changes that are not lost, and tokens that are good once."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_ACCOUNTS: Final = "functions/users/repository/accounts.py"
_FAMILIES: Final = "functions/users/repository/families.py"
_SESSIONS: Final = "functions/users/sessions.py"
_STORED: Final = ("tests/users/test_repository.py",)
_IN_SESSION: Final = ("tests/users/test_sessions.py",)

MUTANTS: Final = (
    Mutant(
        "two users register one address",
        _ACCOUNTS,
        "Put(_email_item(user), condition=_NEW),",
        "Put(_email_item(user)),",
        matrix("register and log in"),
    ),
    Mutant(
        "a user takes another one's address",
        _ACCOUNTS,
        "Put(_email_item(after), condition=_NEW),",
        "Put(_email_item(after)),",
        _STORED,
    ),
    Mutant(
        "a user keeps the address that was given up",
        _ACCOUNTS,
        '                Delete(_email_key(before.email), "#user_id = :id", {"id": before.id}),\n',
        "",
        _STORED,
    ),
    Mutant(
        "a user is changed whatever the version",
        _ACCOUNTS,
        "[_change(before, after)]",
        "[Put(_user_item(after))]",
        _STORED,
    ),
    Mutant(
        "a changed account loses what a later release has added",
        _ACCOUNTS,
        "[_change(before, after)]",
        '[Put(_user_item(after), "#version = :version", {"version": before.version})]',
        ("tests/releases/test_unknown.py",),
    ),
    Mutant(
        "a user registers without a word",
        _ACCOUNTS,
        '            outbox.recording(_user_key(user.id)["pk"], fact),\n'
        '            counters.adding({"total": 1, "active": 1}),\n',
        '            counters.adding({"total": 1, "active": 1}),\n',
        _STORED,
    ),
    Mutant(
        "a refresh token is exchanged by two at once",
        _FAMILIES,
        """                condition="#digest = :old",
                values={"old": old, "new": new},
""",
        """                condition="attribute_exists(#pk)",
                values={"new": new},
""",
        _STORED,
    ),
    Mutant(
        "a rotation that the SDK repeats is taken for a thief",
        _FAMILIES,
        'if cause.item is None or cause.item["digest"] != new:\n                raise',
        "if cause:\n                raise",
        _STORED,
    ),
    Mutant(
        "a spent refresh token leaves its family alone",
        _SESSIONS,
        "        self._families.end(family.id)\n        logging",
        "        logging",
        _IN_SESSION,
    ),
)
