"""A provider of e-mail that takes each letter and answers after the time-out sends a customer two at most."""

from collections import Counter
from datetime import timedelta

from tests.simulation.stage import Stage
from tests.support.invariants import DOUBLED, breaches

_READ_TIMEOUT = timedelta(seconds=5)
_MINUTE = timedelta(minutes=1)
_MOST = 2


def _emails(stage: Stage, before: int) -> Counter[tuple[str, str]]:
    taken = stage.town.cloud.handed_over[before:]
    return Counter((email.to, email.subject) for email in taken)


def _an_hour(stage: Stage) -> None:
    for _ in range(60):
        stage.town.settle()
        stage.town.pass_time(_MINUTE)


def test_a_slow_provider_sends_each_email_twice_at_most(stage: Stage) -> None:
    town = stage.town
    before = len(town.cloud.handed_over)
    stage.order((stage.mug, 4), (stage.tray, 1), key="an-order")
    with town.answering_late("sesv2.SendEmail", read_timeout=_READ_TIMEOUT):
        _an_hour(stage)
    taken = _emails(stage, before)
    assert len(taken) == 3
    assert max(taken.values()) <= _MOST
    # It is unknown whether the customer has them: an operator decides.
    parked = town.cloud.queues["NotificationsDeadLetters"].messages
    assert {m.attributes["Reason"]["StringValue"].partition(":")[0] for m in parked} == {
        "OutcomeUnknown"
    }
    assert len(parked) == len(taken)
    town.redrive()
    town.come_to_rest()
    assert max(_emails(stage, before).values()) <= _MOST + 1
    broken = [b for b in breaches(town.books(), stage.witness) if not b.startswith(DOUBLED)]
    assert broken == []


def test_a_provider_that_was_slow_once_sends_each_email_twice_at_most(stage: Stage) -> None:
    town = stage.town
    before = len(town.cloud.handed_over)
    stage.order((stage.mug, 4), (stage.tray, 1), key="an-order")
    with town.answering_late("sesv2.SendEmail", read_timeout=_READ_TIMEOUT):
        for _ in range(5):
            town.settle()
            town.pass_time(_MINUTE)
    _an_hour(stage)
    assert set(_emails(stage, before).values()) == {2}
    assert town.is_quiet()
    assert town.cloud.queues["NotificationsDeadLetters"].messages == []
    broken = [b for b in breaches(town.books(), stage.witness) if not b.startswith(DOUBLED)]
    assert broken == []


def test_a_provider_that_is_down_delays_emails_and_doubles_none(stage: Stage) -> None:
    town = stage.town
    with town.refusing("sesv2.SendEmail", code="ThrottlingException"):
        stage.order((stage.mug, 4), (stage.tray, 1), key="an-order")
        for _ in range(5):
            town.settle()
            town.pass_time(_MINUTE)
    town.come_to_rest()
    assert breaches(town.books(), stage.witness) == []
