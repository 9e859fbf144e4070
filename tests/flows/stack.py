"""The template's resources on a mocked account, as far as there is code that meets them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared import aws
from tests.flows.backstage import ACCOUNT, REGION
from tests.support.aws import make_table
from tests.support.functions import FUNCTIONS
from tests.support.template import resources, template


def _logical_id(attribute: dict[str, str]) -> str:
    return attribute["Fn::GetAtt"].partition(".")[0]


def sources(type_: str, of: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each event source of a type: what it reads, by its logical id; the function; its properties."""
    for function in FUNCTIONS.values():
        for source in function.events(type_):
            yield _logical_id(source[of]), function.name, source


QUEUES = {queue: (worker, source) for queue, worker, source in sources("SQS", "Queue")}


_ROUTES = [
    (api["Method"], re.compile(re.sub(r"\{\w+\}", "[^/]+", api["Path"])), function.name)
    for function in FUNCTIONS.values()
    for api in function.events("Api")
    if "+" not in api["Path"]
]


def function_at(method: str, path: str) -> str:
    """The function that the API sends a request to."""
    return next(name for verb, route, name in _ROUTES if verb == method and route.fullmatch(path))


def deploy() -> dict[str, str]:
    """Make all of them; return what `Ref` gives of each. Tables and functions keep their logical ids as names."""
    tables, kms, sns = resources("AWS::DynamoDB::Table"), aws.client("kms"), aws.client("sns")
    for table in tables:
        make_table(table)
    names = {name: name for name in (*FUNCTIONS, *tables)}
    for name, key in resources("AWS::KMS::Key").items():
        made = kms.create_key(KeySpec=key["KeySpec"], KeyUsage=key["KeyUsage"])
        names[name] = made["KeyMetadata"]["KeyId"]
    for name in resources("AWS::SNS::Topic"):
        names[name] = sns.create_topic(Name=name)["TopicArn"]
    sqs = aws._session().client("sqs")
    for name in QUEUES:
        visibility = str(resources("AWS::SQS::Queue")[name]["VisibilityTimeout"])
        made_queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": visibility})
        names[name] = made_queue["QueueUrl"]
    for subscription in resources("AWS::SNS::Subscription").values():
        sns.subscribe(
            TopicArn=names[subscription["TopicArn"]["Ref"]],
            Protocol=subscription["Protocol"],
            Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{_logical_id(subscription['Endpoint'])}",
            Attributes={
                "RawMessageDelivery": str(subscription["RawMessageDelivery"]).lower(),
                "FilterPolicy": json.dumps(subscription["FilterPolicy"]),
            },
        )
    parameters = {name: str(p["Default"]) for name, p in template()["Parameters"].items()}
    for identity in resources("AWS::SES::EmailIdentity").values():
        sender = parameters[identity["EmailIdentity"]["Ref"]]
        aws.client("sesv2").create_email_identity(EmailIdentity=sender)
    return parameters | names
