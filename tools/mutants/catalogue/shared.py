"""What all services stand on: DynamoDB, the outbox, the workers and their dead letters."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_DYNAMODB: Final = "layers/shared/shared/storage/dynamodb.py"
_OUTBOX: Final = "layers/shared/shared/messaging/outbox.py"
_WORKERS: Final = "layers/shared/shared/messaging/workers.py"
_REDELIVERY: Final = "layers/shared/shared/messaging/redelivery.py"
_DEAD_LETTERS: Final = "layers/shared/shared/messaging/dead_letters.py"

_AWS: Final = "layers/shared/shared/runtime/aws.py"
_WAITS: Final = ("tests/budget/test_waits.py",)
# The orders' relay; the others' are alike.
_STREAMED: Final = """            Stream: !GetAtt OrdersTable.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 100
            ParallelizationFactor: 10
            MaximumRetryAttempts: {}
"""

MUTANTS: Final = (
    Mutant("the SDK tries once only", _AWS, "attempts: int = 3,", "attempts: int = 1,", _WAITS),
    Mutant("the SDK tries five times", _AWS, "attempts: int = 3,", "attempts: int = 5,", _WAITS),
    Mutant("an answer may take a minute", _AWS, "read: float = 1.5,", "read: float = 60,", _WAITS),
    Mutant(
        "a connection may take 5 s", _AWS, "connect: float = 0.5,", "connect: float = 5,", _WAITS
    ),
    Mutant(
        "the time-outs of a client are not given to the SDK",
        _AWS,
        "            read_timeout=read,\n",
        "",
        _WAITS,
    ),
    Mutant(
        "the saga repeats a call of the inventory by itself",
        "functions/orders/checkout.py",
        "read=8, attempts=1)",
        "read=8, attempts=3)",
        _WAITS,
    ),
    Mutant(
        "an order repeats a call of its neighbours by itself",
        "functions/orders/api.py",
        "read=8, attempts=1)",
        "read=8, attempts=2)",
        _WAITS,
    ),
    Mutant(
        "a store of circuits that hangs slows every order",
        "functions/orders/api.py",
        "read=0.2, attempts=1)",
        "read=2, attempts=3)",
        _WAITS,
    ),
    Mutant(
        "a slow SES has 15 s",
        "functions/notifications/worker.py",
        'client("sesv2", read=5.0',
        'client("sesv2", read=15.0',
        _WAITS,
    ),
    Mutant(
        "a stream gives up a batch at its first failure",
        "template.yaml",
        _STREAMED.format(20),
        _STREAMED.format(0),
        ("tests/template/test_limits.py",),
    ),
    Mutant(
        "a queue that throttles is a message that cannot be handled",
        _AWS,
        '        "RequestThrottled",\n',
        "",
        ("tests/shared/test_aws.py",),
    ),
    Mutant(
        "an order that is slow everywhere is ended by Lambda",
        "functions/orders/api.py",
        "connect=0.5, read=1, attempts=2)",
        "connect=0.5, read=1)",
        ("tests/template/test_limits.py",),
    ),
    Mutant(
        "an internal function ends later than Lambda ends it",
        "functions/users/directory.py",
        'aws.client("dynamodb", attempts=2)',
        'aws.client("dynamodb")',
        ("tests/template/test_limits.py",),
    ),
    Mutant(
        "a number of few characters is written out in a billion digits",
        "layers/shared/shared/web/whole.py",
        "value.is_finite() and value.adjusted() < _MOST_DIGITS:",
        "value.is_finite():",
        ("tests/shared/test_whole.py",),
    ),
    Mutant(
        "a transaction has another token at each attempt",
        _DYNAMODB,
        "ClientRequestToken=token)",
        "ClientRequestToken=uuid.uuid4().hex)",
        ("tests/shared/test_dynamodb.py",),
    ),
    Mutant(
        "a transaction that met another one is not tried again",
        _DYNAMODB,
        'retryable = {"TransactionConflict", ',
        "retryable = {",
        ("tests/shared/test_dynamodb.py",),
    ),
    Mutant(
        "a single write that met a transaction is not tried again",
        _DYNAMODB,
        '                if code != "TransactionConflictException":\n                    raise\n',
        "                raise\n",
        ("tests/shared/test_dynamodb.py",),
    ),
    Mutant(
        "a transaction whose first attempt is still at work fails",
        _DYNAMODB,
        'if code == "TransactionInProgressException":\n            return\n        if code != ',
        "if code != ",
        ("tests/shared/test_dynamodb.py",),
    ),
    Mutant(
        "reads may be stale",
        _DYNAMODB,
        "def get(self, key: Key, *, consistent: bool = True,",
        "def get(self, key: Key, *, consistent: bool = False,",
        ("tests/shared/test_dynamodb.py",),
    ),
    Mutant(
        "an event is written over the one of its version",
        _OUTBOX,
        'return Put({**_item(pk, fact), "unsent": mark()}, condition="attribute_not_exists(#pk)")',
        'return Put({**_item(pk, fact), "unsent": mark()})',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "an event has no unsent mark",
        _OUTBOX,
        '{**_item(pk, fact), "unsent": mark()}',
        "_item(pk, fact)",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "the unsent mark is never taken off",
        _OUTBOX,
        '"REMOVE #unsent"',
        '"SET #published = #unsent"',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "the unsent mark is taken off before the event is published",
        _OUTBOX,
        "            refusals = self._sent(batch)",
        "            for message in batch:\n                self._is_marked_off(message)\n            refusals = self._sent(batch)",
        matrix("sweep: events unsent"),
    ),
    Mutant(
        "a mark that is taken off brings a deleted event back",
        _DYNAMODB,
        'condition: str = "attribute_exists(#pk)"',
        "condition: str | None = None",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "the relay does not report what it could not publish",
        _OUTBOX,
        "for item in unpublished\n            ]",
        "for item in unpublished[:0]\n            ]",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "what the topic did not take counts as published",
        _OUTBOX,
        "return dict.fromkeys(range(len(batch)), code) if code in _REFUSALS else {}",
        'return dict.fromkeys(range(len(batch)), "")',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "what the topic refused of a batch counts as published",
        _OUTBOX,
        'dict.fromkeys((int(entry["Id"]) for entry in answer.get("Successful", ())), "")',
        'dict.fromkeys(range(len(batch)), "")',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "a batch is larger than the topic takes",
        _OUTBOX,
        "== _BATCH or size > _BATCH_BYTES",
        "== _BATCH or size > 10 * _BATCH_BYTES",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "the relay goes on when its time is over",
        _OUTBOX,
        "deadline.allows(CALL_SECONDS) and failed",
        "failed",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "an event that cannot be published keeps the others back",
        _OUTBOX,
        "self._is_settled(message, refusals.get(place), deadline)",
        "(len(refusals) == len(batch) and self._is_settled(message, refusals[place], deadline))",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "an event that is not valid stops the relay",
        _OUTBOX,
        "            except Exception as cause:  # noqa: BLE001",
        "            except BotoCoreError as cause:  #",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "an event of an unknown type is not published",
        "layers/shared/shared/contracts/events.py",
        "    type: str = Field(",
        "    type: EventType = Field(",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "any text is a type of event, and logged",
        "layers/shared/shared/contracts/events.py",
        r"""pattern=r"^[a-z_]+(\.[a-z_]+)+$", """,
        "",
        ("tests/privacy/test_hostile_requests.py",),
    ),
    Mutant(
        "what the model does not know of an event is not published",
        _OUTBOX,
        """json.dumps(item["event"], ensure""",
        "json.dumps(fact.model_dump(), ensure",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "an event is quarantined without the reason",
        _OUTBOX,
        '"SET #unsent = :mark, #reason = :reason",\n                values={"mark": QUARANTINE, "reason": reason},',
        '"SET #unsent = :mark",\n                values={"mark": QUARANTINE},',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "an event is quarantined for a fault of the account",
        _OUTBOX,
        'refused.get("SenderFault") and refused["Code"] in _REFUSALS',
        'refused.get("SenderFault")',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "one event is at fault, and its whole batch is quarantined",
        _OUTBOX,
        "if len(batch) > 1 and len(refusals)",
        "if len(batch) > 10 and len(refusals)",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "a topic that cannot be reached stops the relay",
        _OUTBOX,
        "except (BotoCoreError, ClientError) as error:",
        "except ClientError as error:",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "a table that cannot be reached stops the relay",
        _OUTBOX,
        'except (BotoCoreError, ClientError):\n            logging.logger().exception("could not mark',
        'except ClientError:\n            logging.logger().exception("could not mark',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "a quarantine that cannot be reached stops the relay",
        _OUTBOX,
        'except (BotoCoreError, ClientError):\n            logging.logger().exception("could not quarantine',
        'except ClientError:\n            logging.logger().exception("could not quarantine',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "erasing rewrites an event without what the model does not know",
        _OUTBOX,
        'values={"event": {**stored, "data": data | erased}}',
        'values={"event": Event.model_validate({**stored, "data": data | erased}).model_dump()}',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "erasing passes over events that are not valid",
        _OUTBOX,
        "if not isinstance(stored, dict) or not",
        'if not isinstance(stored, dict) or "id" not in stored or not',
        ("tests/releases/test_unknown.py",),
    ),
    Mutant(
        "an event that is not valid hides the rest of a history",
        _OUTBOX,
        "            except ValidationError as cause:\n",
        "            except BotoCoreError as cause:\n",
        ("tests/releases/test_unknown.py",),
    ),
    Mutant(
        "an item of a later schema is read",
        _DYNAMODB,
        "if item.pop(_SCHEMA, 1) > self._schema:",
        "if item.pop(_SCHEMA, 1) > 1_000:",
        ("tests/shared/test_dynamodb.py",),
    ),
    Mutant(
        "an item is written without its schema",
        _DYNAMODB,
        "to_wire({**item, _SCHEMA: self._schema})",
        "to_wire(item)",
        ("tests/shared/test_dynamodb.py",),
    ),
    Mutant(
        "the sweeper looks for unsent events in one shard",
        _OUTBOX,
        "for shard in range(_SHARDS):",
        "for shard in range(1):",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "a batch is answered as if nothing had failed",
        _WORKERS,
        "            return process_partial_response(\n"
        "                event=event, record_handler=messages.handle, processor=processor, context=context\n"
        "            )\n",
        "            process_partial_response(\n"
        "                event=event, record_handler=messages.handle, processor=processor, context=context\n"
        "            )\n"
        '            return {"batchItemFailures": []}\n',
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message that failed counts as done",
        _WORKERS,
        "seconds=delay(attempt))\n        raise cause\n",
        "seconds=delay(attempt))\n",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message that could not be sent again counts as done",
        _WORKERS,
        "            self._redelivery.put_off(record.receipt_handle, seconds=delay(attempt))\n            raise cause\n",
        "            self._redelivery.put_off(record.receipt_handle, seconds=delay(attempt))\n",
        ("tests/shared/test_coming_again.py",),
    ),
    Mutant(
        "a failure of AWS or of another service uses up attempts",
        _WORKERS,
        "if isinstance(cause, TemporaryFailure) or is_temporary(cause):",
        "if isinstance(cause, ComeAgain):",
        ("tests/shared/test_coming_again.py",),
    ),
    Mutant(
        "a message that is sent again forgets since when it waits",
        _REDELIVERY,
        "    if attribute:\n",
        "    if not attribute and attribute:\n",
        ("tests/shared/test_coming_again.py",),
    ),
    Mutant(
        "a message is sent again without a delay",
        _REDELIVERY,
        "                DelaySeconds=min(math.ceil(seconds), _LONGEST_SECONDS),\n",
        "                DelaySeconds=0,\n",
        ("tests/shared/test_coming_again.py",),
    ),
    Mutant(
        "a batch that failed as a whole is raised",
        _WORKERS,
        "raise_on_entire_batch_failure=False",
        "raise_on_entire_batch_failure=True",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message that failed is not put off",
        _WORKERS,
        "                return\n        self._redelivery.put_off(record.receipt_handle, seconds=delay(attempt))\n",
        "                return\n",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message is done although its dead letter was not written",
        _WORKERS,
        "            if self._dead_letters.take(record, reason, function=function):\n                return\n",
        "            self._dead_letters.take(record, reason, function=function)\n            return\n",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message that is no event is tried again and again",
        _WORKERS,
        "self._fail(record, cause, function, for_good=True)",
        "self._fail(record, cause, function, for_good=False)",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a chore that fails keeps the others from their turn",
        _WORKERS,
        "                failures.append(failure)\n",
        "                raise\n",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a dead letter that was not sent counts as sent",
        _DEAD_LETTERS,
        "            return False\n",
        "            return True\n",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a dead-letter queue that cannot be reached keeps a message from being put off",
        _DEAD_LETTERS,
        "except (BotoCoreError, ClientError):",
        "except ClientError:",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message that cannot be sent again for want of a connection is not put off",
        _REDELIVERY,
        'except (BotoCoreError, ClientError):\n            logging.logger().warning("a message could not be sent',
        'except ClientError:\n            logging.logger().warning("a message could not be sent',
        ("tests/shared/test_coming_again.py",),
    ),
    Mutant(
        "a queue that cannot be reached hides why a message failed",
        _REDELIVERY,
        "except (BotoCoreError, ClientError):\n            # Then the queue's visibility",
        "except ClientError:\n            # Then the queue's visibility",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "the worker leaves the last attempt to the redrive policy",
        _DEAD_LETTERS,
        "return attempt >= self._attempts",
        "return attempt > self._attempts",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a dead letter is deleted before it is sent back",
        "tools/dlq/queues.py",
        """                answer = self._sqs.send_message(QueueUrl=self._source_url, MessageBody=letter.body)
                reading.delete(letter)
""",
        """                reading.delete(letter)
                answer = self._sqs.send_message(QueueUrl=self._source_url, MessageBody=letter.body)
""",
        ("tests/tools/test_dlq.py",),
    ),
)
