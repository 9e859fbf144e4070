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
_SLOW: Final = ("tests/crashes/test_slow_provider.py",)

_WRITE: Final = """        before: Item | None = None
        try:
            # The key comes from the event alone, so this write is what keeps a second delivery out.
            self._table.put(_item(mailbox, notification) | _claimed(claim, until), condition=_NEW)
        except ConditionFailed as there:
            before = there.item or {}
            if before.get("status", "pending") != "pending":
                return None
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
        "self._table.put(_item(mailbox, notification) | _claimed(claim, until), condition=_NEW)",
        "self._table.put(_item(mailbox, notification) | _claimed(claim, until))",
        matrix("ship and deliver"),
    ),
    Mutant(
        "a notification that was settled is settled again once its mailbox is erased",
        _REPOSITORY,
        """            if before.get("status", "pending") != "pending":
                return None
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
        _MODELS,
        """    if now < lease_until:
        raise AttemptUnderWay(math.ceil((lease_until - now).total_seconds()))
""",
        "",
        _STORED,
    ),
    Mutant(
        "a large mailbox is erased without looking at the time",
        _REPOSITORY,
        """                if not deadline.allows(_ONE_CALL_SECONDS):
                    return overwritten, False
""",
        "",
        ("tests/crashes/test_large_mailbox.py",),
    ),
    Mutant(
        "two claims take over the same one",
        _REPOSITORY,
        " AND (#attempt = :before OR #attempt = :attempt)",
        " AND (#attempt <> :before OR #attempt <> :attempt)",
        _STORED,
    ),
    Mutant(
        "a first claim whose answer was lost is not recognised",
        _REPOSITORY,
        'if before is None or before.get("attempt") == claim.token:',
        "if before is None:",
        _STORED,
    ),
    Mutant(
        "a later claim whose answer was lost is not recognised",
        _REPOSITORY,
        " AND (#attempt = :before OR #attempt = :attempt)",
        " AND #attempt = :before",
        _STORED,
    ),
    Mutant(
        "attempts without an answer are not counted",
        _MODELS,
        "        return made + 1\n",
        "        return 1\n",
        _SLOW,
    ),
    Mutant(
        "a third attempt is made without an answer to the first two",
        _MODELS,
        "MOST_ATTEMPTS = 2",
        "MOST_ATTEMPTS = 3",
        _SLOW,
    ),
    Mutant(
        "an e-mail that was parked is sent by a duplicate of its event",
        _MODELS,
        "    if now < lease_until + _PARKED:",
        "    if now < lease_until:",
        _STORED,
    ),
    Mutant(
        "an e-mail that was parked can never be sent",
        _MODELS,
        "    if now < lease_until + _PARKED:",
        "    if made:",
        _STORED,
    ),
    Mutant(
        "an attempt that the provider refused counts",
        _NOTIFIER,
        "            self._notifications.release(box, place, claim, at=self._clock())\n            raise\n",
        "            raise\n",
        _TOLD,
    ),
    Mutant(
        "an attempt without an answer does not count",
        _EMAIL,
        "raise EmailUnanswered(type(error).__name__) from None",
        "raise EmailUnavailable(type(error).__name__) from None",
        _SLOW,
    ),
    Mutant(
        "who has lost its claim releases another one's",
        _REPOSITORY,
        'condition="#status = :pending AND #attempt = :attempt"',
        'condition="#status = :pending AND #attempt <> :pending"',
        _STORED,
    ),
    Mutant(
        "an e-mail without an answer is sent again at once",
        _NOTIFIER,
        "_UNANSWERED_SECONDS: Final = 900",
        "_UNANSWERED_SECONDS: Final = 60",
        _TOLD,
    ),
    Mutant(
        "a provider that is down is asked for each e-mail",
        _NOTIFIER,
        "        if self._provider.is_open:\n",
        "        if False:\n",
        _TOLD,
    ),
    Mutant(
        "an e-mail without an answer does not count against the provider",
        _NOTIFIER,
        """        except EmailUnanswered as unknown:
            self._provider.failed()
""",
        "        except EmailUnanswered as unknown:\n",
        _TOLD,
    ),
    Mutant(
        "a provider that is down keeps a mailbox from being erased",
        _NOTIFIER,
        '        if fact.type == "user.erased":\n',
        '        if fact.type == "user.erased" and not self._provider.is_open:\n',
        _TOLD,
    ),
    Mutant(
        "what is kept for an erased user overwrites what a later release knows",
        _REPOSITORY,
        """            self._table.update(
                key,
                f"SET {assignments}, #read_state = if_not_exists(#read_state, :unread)",
                condition=f"{_NEW} OR #status = :pending",
                values={**item, "unread": unread, "pending": "pending"},
            )
""",
        """            self._table.put(
                {**key, **item, "read_state": unread},
                condition=f"{_NEW} OR #status = :pending",
                values={"pending": "pending"},
            )
""",
        _STORED,
    ),
    Mutant(
        "a notification of a later release's type cannot be listed",
        _MODELS,
        "    type: Annotated[str, Field(",
        "    type: Annotated[EventType, Field(",
        _STORED,
    ),
    Mutant(
        "a claim looks at the lease only, not whether it was sent meanwhile",
        _REPOSITORY,
        """                condition="#status = :pending AND attribute_not_exists(#erased_at)"
                " AND (#attempt = :before OR #attempt = :attempt)",
                values={
                    **_claimed(claim, until),
                    "pending": "pending",
""",
        """                condition="attribute_not_exists(#attempt) OR #attempt = :before OR #attempt = :attempt",
                values={
                    **_claimed(claim, until),
""",
        _STORED,
    ),
    Mutant(
        "who meets another one's claim calls the event done",
        _REPOSITORY,
        "raise AttemptUnderWay(_SOON) from None",
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
        "        if claim:\n",
        "        claim = claim or Claim(box)\n        if True:\n",
        matrix("ship and deliver"),
    ),
    Mutant(
        "who stood still at its claim until that ended sends beside another",
        _NOTIFIER,
        """            if self._clock() >= claimed_at + _LEASE:
                self._notifications.release(box, notification.position, claim, at=self._clock())
                raise AttemptUnderWay(_jittered(_LEASE))
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
