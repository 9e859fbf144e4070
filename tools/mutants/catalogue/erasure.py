"""Erasure: what was personal is overwritten everywhere, for good, and is in no log."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_ACCOUNTS: Final = "functions/users/repository/accounts.py"
_USERS: Final = "functions/users/models.py"
_EMAILS: Final = "functions/users/emails.py"
_ROUTES: Final = "functions/users/routes.py"
_ORDERS: Final = "functions/orders/repository.py"
_ORDER: Final = "functions/orders/models.py"
_ERASURE: Final = "functions/orders/erasure.py"
_NOTIFICATIONS: Final = "functions/notifications/repository.py"
_NOTIFIER: Final = "functions/notifications/notifier.py"
_OUTBOX: Final = "layers/shared/shared/messaging/outbox.py"
_WORKERS: Final = "layers/shared/shared/messaging/workers.py"
_LOGGING: Final = "layers/shared/shared/runtime/logging.py"
_DISCLOSURE: Final = "layers/shared/shared/runtime/error_text.py"
_CONTEXT: Final = "layers/shared/shared/runtime/context.py"
_OF_USERS: Final = ("tests/users/test_erasure.py",)
_OF_ORDERS: Final = ("tests/orders/test_erasure.py",)
_OF_NOTIFICATIONS: Final = ("tests/notifications/test_erasure.py",)
_HOSTILE: Final = ("tests/privacy/test_hostile_requests.py",)

MUTANTS: Final = (
    Mutant(
        "an account is erased whatever its version",
        _ACCOUNTS,
        "            _change(before, after),\n",
        "            Put(_user_item(after)),\n",
        _OF_USERS,
    ),
    Mutant(
        "an erased account keeps its address",
        _ACCOUNTS,
        '            Delete(_email_key(before.email), "#user_id = :id", {"id": before.id}),\n'
        "            outbox.recording(pk, fact),\n",
        "            outbox.recording(pk, fact),\n",
        _OF_USERS,
    ),
    Mutant(
        "the events of an erased account still name it",
        _ACCOUNTS,
        "            *rewritten[:_TOGETHER],\n",
        "",
        _OF_USERS,
    ),
    Mutant(
        "only the last events of an erased account are overwritten",
        _ACCOUNTS,
        "batched(rewritten[_TOGETHER:], _TOGETHER, strict=False)",
        "batched(rewritten[:0], _TOGETHER, strict=False)",
        _OF_USERS,
    ),
    Mutant(
        "an erased account can be changed",
        _USERS,
        "        if self.erased_at:\n            raise AccountErased\n",
        "",
        _OF_USERS,
    ),
    Mutant(
        "an erased account's sessions go on",
        _USERS,
        "            session_epoch=self.session_epoch + 1,\n            erased_at=at,\n",
        "            erased_at=at,\n",
        _OF_USERS,
    ),
    Mutant(
        "an erased account's address can be registered",
        _EMAILS,
        "if not is_ours or is_erased_email(normalised(address)):",
        "if not is_ours:",
        _OF_USERS,
    ),
    Mutant(
        "an erasure is asked for by any yes",
        _ROUTES,
        'if value not in (False, "true", "false"):',
        "if value is None:",
        _OF_USERS,
    ),
    Mutant(
        "an order is erased whatever its version",
        _ORDERS,
        """            condition="#version = :seen",
            values={**values, "seen": before.version},
        )
        instead""",
        """            condition="attribute_exists(#pk)",
            values=values,
        )
        instead""",
        _OF_ORDERS,
    ),
    Mutant(
        "events of a version that was not read are erased as well",
        _OUTBOX,
        'if item["sk"] > sort_key(up_to):',
        'if item["sk"] > sort_key(2 * up_to):',
        _OF_ORDERS,
    ),
    Mutant(
        "an order's history still names its customer",
        _ORDERS,
        "self._table.transact([write, told, *rewritten])",
        "self._table.transact([write, told])",
        _OF_ORDERS,
    ),
    Mutant(
        "an erasure is published once more for each order",
        _ORDERS,
        'told = outbox.noting(pk, _fact(after, "user.erased"))',
        'told = outbox.recording(pk, _fact(after, "user.erased"))',
        _OF_ORDERS,
    ),
    Mutant(
        "a paid order of an erased customer remembers the card",
        _ORDER,
        "payment_token=_FORGOTTEN if self.is_erased else self.payment_token,",
        "payment_token=self.payment_token,",
        _OF_ORDERS,
    ),
    Mutant(
        "an order is erased under the version that it has",
        _ORDER,
        "            version=self.version + 1,\n        )\n",
        "            version=self.version,\n        )\n",
        _OF_ORDERS,
    ),
    Mutant(
        "nobody looks for late orders of an erased customer",
        _ERASURE,
        "if left > timedelta():",
        "if left > 2 * _SETTLED:",
        ("tests/flows/test_erasure.py",),
    ),
    Mutant(
        "an erasure that lost a race leaves the order",
        _ERASURE,
        "                order = race.current\n",
        "                order = race.current\n                return False\n",
        _OF_ORDERS,
    ),
    Mutant(
        "a message that is to come again is done",
        _WORKERS,
        "            self._wait(record, rest, rest.seconds)\n",
        "",
        ("tests/shared/test_coming_again.py",),
    ),
    Mutant(
        "an erased mailbox has no tombstone",
        _NOTIFICATIONS,
        'self._table.put({**_tombstone(mailbox), "erased_at": erased_at}, condition=_NEW)',
        "pass",
        _OF_NOTIFICATIONS,
    ),
    Mutant(
        "a letter that was erased meanwhile is claimed again",
        _NOTIFICATIONS,
        " AND attribute_not_exists(#erased_at)",
        "",
        _OF_NOTIFICATIONS,
    ),
    Mutant(
        "a letter about an erased event is sent",
        _NOTIFIER,
        "if letter.recipient and is_erased_email(letter.recipient.email):",
        "if letter.recipient and not letter.recipient.email:",
        _OF_NOTIFICATIONS,
    ),
    Mutant(
        "what an erased user was told stays",
        _NOTIFICATIONS,
        '"SET #subject = :erased, #body = :erased, #erased_at = :at"',
        '"SET #subject = :erased, #erased_at = :at"',
        matrix("erase a customer"),
    ),
    Mutant(
        "the log repeats what others' errors say",
        _LOGGING,
        'return error_text.trace(ei[1]) if ei[1] else ""',
        "return super().formatException(ei)",
        _HOSTILE,
    ),
    Mutant(
        "the log repeats what AWS says",
        _DISCLOSURE,
        "{error.response['Error']['Code']} at {error.operation_name}",
        "{error}",
        _HOSTILE,
    ),
    Mutant(
        "an address is taken for a request's id",
        _CONTEXT,
        "[A-Za-z0-9._:/+=-]",
        "[A-Za-z0-9._:/+=@-]",
        _HOSTILE,
    ),
)
