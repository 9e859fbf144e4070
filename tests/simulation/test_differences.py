"""docs/differences.md says what the marks say, and no mark is without what AWS documents."""

from tests.simulation import differences
from tests.simulation.cases import CASES
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.refused import REFUSED, UNLIKE
from tests.simulation.requests import DEFINITION, put, query


def test_the_document_says_what_the_marks_say() -> None:
    assert differences.DOCUMENT.read_text() == differences.document(), (
        "`make tables` writes it anew"
    )


def test_every_mark_says_what_aws_documents() -> None:
    marked = [r for requests in CASES.values() for r in requests if r.unlike]
    assert [differences.asked(request) for request in marked if not request.aws] == []
    assert all(known <= REFUSED.keys() for known in UNLIKE.values())


def test_the_simulation_answers_more_than_1_mb_in_a_page() -> None:
    """AWS does not; no list of Bodega's has pages that large (test_limits.py)."""
    dynamodb = DynamoDB(lambda: 0.0)
    dynamodb.create(DEFINITION)
    for number in range(5):
        dynamodb.answer("PutItem", put(str(number), text="x" * 300_000).body)
    answer = dynamodb.answer("Query", query("#pk = :pk", pk="case").body)
    assert (answer["Count"], "LastEvaluatedKey" in answer) == (5, False)
