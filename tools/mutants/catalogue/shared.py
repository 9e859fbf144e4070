"""What all services stand on: DynamoDB, the outbox, the workers and their dead letters."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_DYNAMODB: Final = "layers/shared/shared/dynamodb.py"
_OUTBOX: Final = "layers/shared/shared/outbox.py"
_WORKERS: Final = "layers/shared/shared/workers.py"
_DEAD_LETTERS: Final = "layers/shared/shared/dead_letters.py"

MUTANTS: Final = (
    Mutant(
        "a number of few characters is written out in a billion digits",
        "layers/shared/shared/whole.py",
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
        'return Put({**_item(pk, fact), "unsent": unsent}, condition="attribute_not_exists(#pk)")',
        'return Put({**_item(pk, fact), "unsent": unsent})',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "an event has no unsent mark",
        _OUTBOX,
        '{**_item(pk, fact), "unsent": unsent}',
        "_item(pk, fact)",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "the unsent mark is never taken off",
        _DYNAMODB,
        'f"REMOVE #{attribute}"',
        'f"SET #published = #{attribute}"',
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "the unsent mark is taken off before the event is published",
        _OUTBOX,
        "            taken = self._sent(batch)",
        "            for message in batch:\n                self._is_marked_off(message)\n            taken = self._sent(batch)",
        matrix("sweep: events unsent"),
    ),
    Mutant(
        "a mark that is taken off brings a deleted event back",
        _DYNAMODB,
        '            ConditionExpression="attribute_exists(#pk)",\n',
        "",
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
        "            return frozenset()\n",
        "            return frozenset(range(len(batch)))\n",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "what the topic refused of a batch counts as published",
        _OUTBOX,
        'return frozenset(int(entry["Id"]) for entry in answer.get("Successful", ()))',
        "return frozenset(range(len(batch)))",
        ("tests/shared/test_outbox.py",),
    ),
    Mutant(
        "a batch is larger than the topic takes",
        _OUTBOX,
        "size > _BATCH_BYTES",
        "size > 10 * _BATCH_BYTES",
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
        "                if place not in taken:\n",
        "                if len(taken) < len(batch):\n",
        ("tests/shared/test_outbox.py",),
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
        "                event=event, record_handler=handle_record, processor=processor, context=context\n"
        "            )\n",
        "            process_partial_response(\n"
        "                event=event, record_handler=handle_record, processor=processor, context=context\n"
        "            )\n"
        '            return {"batchItemFailures": []}\n',
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message that failed counts as done",
        _WORKERS,
        "seconds=delay(attempt))\n        raise cause\n",
        "seconds=delay(attempt))\n",
        matrix("ship and deliver"),
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
        "        redelivery.put_off(record.receipt_handle, seconds=delay(attempt))\n",
        "",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message is done although its dead letter was not written",
        _WORKERS,
        "            if dead_letters.take(record, reason, function=function):\n                return\n",
        "            dead_letters.take(record, reason, function=function)\n            return\n",
        ("tests/shared/test_workers.py",),
    ),
    Mutant(
        "a message that is no event is tried again and again",
        _WORKERS,
        "failed(record, cause, function, for_good=True)",
        "failed(record, cause, function, for_good=False)",
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
