"""Lambda handlers for what is not HTTP: a queue's batch, a stream's batch, a schedule's tick."""

# Powertools' batch module before pydantic: the other way round it pulls in pydantic's parser and takes twice as long.
from aws_lambda_powertools.utilities.batch import (  # isort: skip
    BatchProcessor,
    EventType as BatchType,
    process_partial_response,
)
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared import logging, metrics
from shared.contracts.events import Event
from shared.entry import Handler
from shared.redelivery import Redelivery


def queue_worker(react: Callable[[Event], None], redelivery: Redelivery) -> Handler:
    """The handler of a queue of events: each on its own, under its request's id; those that raised come again."""

    def put_off(record: SQSRecord) -> None:
        attempt = int(record.attributes.approximate_receive_count or 1)
        redelivery.put_off(record.receipt_handle, attempt=attempt)

    def handle_record(record: SQSRecord) -> None:
        try:
            fact = Event.model_validate_json(record.body)
        except ValueError:
            logging.begin(None)
            logging.logger().exception("message %s is no event", record.message_id)
            put_off(record)
            raise
        logging.begin(fact.request_id, event_id=fact.id, event_type=fact.type)
        try:
            react(fact)
        except Exception:
            logging.logger().exception("could not handle %s", fact.type)
            put_off(record)
            raise
        logging.logger().info("handled %s", fact.type)

    def handle(event: dict[str, Any], context: Any) -> Any:
        # A batch that failed as a whole is answered like any other: raising would make Lambda's own retry of it.
        processor = BatchProcessor(event_type=BatchType.SQS, raise_on_entire_batch_failure=False)
        try:
            return process_partial_response(
                event=event, record_handler=handle_record, processor=processor, context=context
            )
        finally:
            metrics.flush()

    return handle


def task(run: Callable[[dict[str, Any]], Any]) -> Handler:
    """The handler of a stream or a schedule: the whole event at once, logged under the invocation's id."""

    def handle(event: dict[str, Any], context: Any) -> Any:
        logging.begin(getattr(context, "aws_request_id", None))
        try:
            return run(event)
        finally:
            metrics.flush()

    return handle
