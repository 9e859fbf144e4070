"""Notifications: each event tells once, by a claim that one delivery has at a time."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_REPOSITORY: Final = "functions/notifications/repository.py"
_NOTIFIER: Final = "functions/notifications/notifier.py"
_MODELS: Final = "functions/notifications/models.py"
_WORKER: Final = "functions/notifications/worker.py"
_EMAIL: Final = "functions/notifications/email.py"
_STORED: Final = ("tests/notifications/test_repository.py",)
_ERASED: Final = ("tests/notifications/test_erasure.py",)
_TOLD: Final = ("tests/notifications/test_notifier.py",)
_WORKED: Final = ("tests/notifications/test_worker.py",)

_WRITE: Final = """        is_first = True
        try:
            # The key comes from the event alone, so this write is what keeps a second delivery out.
            self._table.put(_item(mailbox, notification) | leased, condition=_NEW)
        except ConditionFailed as there:
            if (there.item or {}).get("status", "pending") != "pending":
                return False
            is_first = False
        # After the write, as an erasure looks for notifications after it has written this: one of the two finds the
        # other. Together they would be a transaction, at five times the price.
"""
_LOOK: Final = """        if self._table.get(_tombstone(mailbox), only=("pk",)):
            raise RecipientErased
"""

MUTANTS: Final = (
    Mutant(
        "a notification is claimed without looking whether it is there",
        _REPOSITORY,
        "self._table.put(_item(mailbox, notification) | leased, condition=_NEW)",
        "self._table.put(_item(mailbox, notification) | leased)",
        matrix("ship and deliver"),
    ),
    Mutant(
        "a notification that was settled is settled again once its mailbox is erased",
        _REPOSITORY,
        """            if (there.item or {}).get("status", "pending") != "pending":
                return False
""",
        "",
        _ERASED,
    ),
    Mutant(
        "a claim does not look whether its mailbox was erased",
        _REPOSITORY,
        _LOOK,
        "",
        _ERASED,
    ),
    Mutant(
        "a claim looks whether its mailbox was erased before it is written",
        _REPOSITORY,
        _WRITE + _LOOK,
        _LOOK + _WRITE,
        _ERASED,
    ),
    Mutant(
        "what was claimed of an erased mailbox stays as it is",
        _REPOSITORY,
        'condition=f"{_NEW} OR #status = :pending"',
        'condition=f"{_NEW} OR #status = :pending AND attribute_exists(#erased_at)"',
        _ERASED,
    ),
    Mutant(
        "an entry of the index is believed",
        _REPOSITORY,
        'return [item for item in items if item["read_state"] == state]',
        "return items",
        _STORED,
    ),
    Mutant(
        "a claim does not wait for another one's lease",
        _REPOSITORY,
        "(#lease_until < :now OR #attempt = :attempt)",
        "(#lease_until < :now OR #attempt <> :now)",
        _STORED,
    ),
    Mutant(
        "a claim looks at the lease only, not whether it was sent meanwhile",
        _REPOSITORY,
        """                condition="#status = :pending AND attribute_not_exists(#erased_at)"
                " AND (#lease_until < :now OR #attempt = :attempt)",
                values={**leased, "pending": "pending", "now": rfc3339(now)},
""",
        """                condition="attribute_not_exists(#attempt) OR #lease_until < :now OR #attempt = :attempt",
                values={**leased, "now": rfc3339(now)},
""",
        _STORED,
    ),
    Mutant(
        "who meets another one's claim calls the event done",
        _REPOSITORY,
        'raise AttemptUnderWay("another delivery is sending this notification") from None',
        "return False",
        _STORED,
    ),
    Mutant(
        "a notification is settled whatever its status",
        _REPOSITORY,
        """                condition="#status = :pending",
                values={**values, "pending": "pending"},
""",
        """                condition="attribute_exists(#pk)",
                values=values,
""",
        matrix("ship and deliver"),
    ),
    Mutant(
        "a notification that was sent is not counted",
        _REPOSITORY,
        "            counters.adding({status: 1}),\n",
        "",
        _STORED,
    ),
    Mutant(
        "a notification is named by chance",
        _MODELS,
        '    place = f"{fact.at}#{fact.id}#{channel}"\n',
        '    import uuid\n\n    place = f"{fact.at}#{uuid.uuid4()}#{channel}"\n',
        _TOLD,
    ),
    Mutant(
        "an e-mail is sent without the claim",
        _NOTIFIER,
        "        if is_mine:\n",
        "        if True:\n",
        matrix("ship and deliver"),
    ),
    Mutant(
        "who stood still at its claim until that ended sends beside another",
        _NOTIFIER,
        """            if self._clock() > claimed_at + _LEASE:
                raise AttemptUnderWay("the claim ended before anything was sent")
""",
        "",
        _TOLD,
    ),
    Mutant(
        "a claim ends while its worker may still be sending",
        _NOTIFIER,
        "timedelta(seconds=60)",
        "timedelta(seconds=15)",
        (*_TOLD, *_WORKED),
    ),
    Mutant(
        "a claim outlives the next delivery",
        _NOTIFIER,
        "timedelta(seconds=60)",
        "timedelta(seconds=150)",
        (*_TOLD, *_WORKED),
    ),
    Mutant(
        "a letter is noted as sent before it is",
        _NOTIFIER,
        "            message_id = self._mailer.send(letter, to=self._address(letter.recipient))\n",
        """            self._notifications.settle_sent(box, place, message_id="", at=self._clock())
            message_id = self._mailer.send(letter, to=self._address(letter.recipient))
""",
        matrix("ship and deliver"),
    ),
    Mutant(
        "a letter that was refused for good comes again",
        _EMAIL,
        "return EmailRefused(code) if code in _FINAL else EmailUnavailable(code)",
        "return EmailUnavailable(code)",
        ("tests/notifications/test_email.py",),
    ),
    Mutant(
        "a trouble that passes refuses a letter for good",
        _EMAIL,
        "return EmailRefused(code) if code in _FINAL else EmailUnavailable(code)",
        "return EmailRefused(code)",
        ("tests/notifications/test_email.py",),
    ),
    Mutant(
        "a letter that the sandbox refuses is refused for good",
        _EMAIL,
        "        if sentence.startswith(beginning):\n",
        "        if sentence == beginning:\n",
        ("tests/notifications/test_email.py",),
    ),
    Mutant(
        "the SDK sends an e-mail again by itself",
        _WORKER,
        'client("sesv2", read=5.0, attempts=1)',
        'client("sesv2", read=5.0, attempts=3)',
        _WORKED,
    ),
)
