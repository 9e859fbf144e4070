"""Lambda handlers for what is not HTTP: a queue's batch, a stream's batch, a schedule's tick."""

# Powertools' batch module before pydantic: the other way round it pulls in pydantic's parser and
# takes twice as long.
from aws_lambda_powertools.utilities.batch import (  # isort: skip
    BatchProcessor,
    EventType as BatchType,
    process_partial_response,
)
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.messaging.redelivery import (
    MessageQueue,
    PermanentFailure,
    RetryLater,
    delay,
    reason_of,
    stated_type,
    waiting_since,
)
from shared.runtime import clock, logging, metrics, steps
from shared.runtime.aws import client, is_temporary
from shared.runtime.entry import Handler
from shared.runtime.settings import QueueSettings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def _sqs() -> "SQSClient":
    return client("sqs")


def queue_worker(
    react: Callable[[Event], None],
    settings: QueueSettings,
    sqs: Callable[[], "SQSClient"] = _sqs,
) -> Handler:
    """The handler of a queue of events: each on its own, under its request's id.

    If `react` raises `RetryLater`, or fails because AWS or another service is down or throttled,
    the event is sent to the queue again with a delay, however often. Any other failure is an
    attempt. After the last one the event goes to the dead letters, with the reason. A message that
    is no event, that has another type than the filter of its subscription admitted, or for which
    `react` raises `PermanentFailure`, goes there at once.
    """
    messages = _Messages(react, settings, sqs)

    def handle(event: dict[str, Any], context: Any) -> Any:
        # A batch that failed as a whole is answered like any other: raising would make Lambda's own
        # retry of it.
        processor = BatchProcessor(event_type=BatchType.SQS, raise_on_entire_batch_failure=False)
        try:
            return process_partial_response(
                event=event, record_handler=messages.handle, processor=processor, context=context
            )
        finally:
            metrics.flush()

    return handle


class _Messages:
    """Handles the messages of a queue. A message is finished if nothing is raised."""

    def __init__(
        self,
        react: Callable[[Event], None],
        settings: QueueSettings,
        sqs: Callable[[], "SQSClient"],
    ) -> None:
        self._react = react
        self._queue = MessageQueue(settings, sqs)

    def handle(self, record: SQSRecord, lambda_context: Any) -> None:
        function = lambda_context.function_name
        try:
            fact = Event.model_validate_json(record.body)
        except ValueError as cause:
            logging.begin(None)
            logging.logger().exception("message %s is no event", record.message_id)
            self._fail(record, cause, function, for_good=True)
            return
        logging.begin(fact.request_id, event_id=fact.id)
        try:
            _require_stated_type(record, fact)
            self._react(fact)
        except RetryLater as rest:
            logging.logger().info("handled %s for now: %s", fact.type, rest, extra=_facts(record))
            self._wait(record, rest, rest.seconds)
        except Exception as cause:  # noqa: BLE001  # it is raised again, or the message is kept elsewhere
            if is_temporary(cause):
                logging.logger().warning(
                    "could not handle %s yet", fact.type, exc_info=True, extra=_facts(record)
                )
                self._wait(record, cause)
            else:
                logging.logger().exception("could not handle %s", fact.type, extra=_facts(record))
                self._fail(record, cause, function, for_good=isinstance(cause, PermanentFailure))
        else:
            logging.logger().info("handled %s", fact.type, extra=_facts(record))

    def _wait(self, record: SQSRecord, cause: Exception, seconds: float | None = None) -> None:
        metrics.seconds("MessageAge", (clock.now() - waiting_since(record)).total_seconds())
        if not self._queue.send_again(record, seconds=seconds):
            attempt = int(record.attributes.approximate_receive_count)
            self._queue.delay_delivery(record.receipt_handle, seconds=delay(attempt))
            raise cause

    def _fail(self, record: SQSRecord, cause: Exception, function: str, *, for_good: bool) -> None:
        attempt = int(record.attributes.approximate_receive_count)
        if (for_good or self._queue.is_last(attempt)) and self._queue.give_up(
            record, reason_of(cause), function=function
        ):
            return
        self._queue.delay_delivery(record.receipt_handle, seconds=delay(attempt))
        raise cause


def _facts(record: SQSRecord) -> dict[str, object]:
    """The keys of the line that is logged at the end of a message."""
    attempt = int(record.attributes.approximate_receive_count)
    return steps.logged() | ({"attempt": attempt} if attempt > 1 else {})


def _require_stated_type(record: SQSRecord, fact: Event) -> None:
    """Refuse an event of another type than the attribute that its topic's filter has read.

    A filter admits types of the topic's own service only, but reads no body. So a function that may
    publish on one topic can forge events of that service only.

    Raises:
        PermanentFailure: the types differ.
    """
    if stated_type(record) not in (None, fact.type):
        raise PermanentFailure("the attribute type is not the type of the event")


def chores(**runs: Callable[[Deadline], object]) -> Handler:
    """The handler of a schedule: runs each chore in turn, also after one that failed; returns what
    they returned, by name.

    Each chore has an equal share of the time that is left when its turn comes, so that one that
    hangs does not stop the others.

    Raises:
        ExceptionGroup: from the handler, of those that failed: the next tick runs them again.
    """

    def run(_tick: dict[str, Any], deadline: Deadline) -> dict[str, object]:
        answers: dict[str, object] = {}
        failures: list[Exception] = []
        for turn, (name, chore) in enumerate(runs.items()):
            try:
                answers[name] = chore(deadline.share(len(runs) - turn))
            except Exception as failure:  # noqa: BLE001  # raised below, when the others have had their turn
                logging.logger().exception("could not do: %s", name)
                failures.append(failure)
        if failures:
            raise ExceptionGroup("chores failed", failures)
        return answers

    return task(run)


def task(run: Callable[[dict[str, Any], Deadline], Any]) -> Handler:
    """The handler of a stream or a schedule: the whole event at once, logged under the invocation's
    id."""

    def handle(event: dict[str, Any], context: Any) -> Any:
        logging.begin(getattr(context, "aws_request_id", None))
        try:
            return run(event, Deadline.of(context))
        finally:
            metrics.flush()

    return handle
