"""The template's resources in the emulator, without `sam deploy`: what functions, queues and streams need of them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.support.functions import FUNCTIONS
from tools import lambda_environment
from tools.intrinsics import NO_OTHERS
from tools.local.places import ROOT, aws_environment
from tools.local.stack import session
from tools.template import resources, table_definition, template

# Minutes in the template: a message of a worker that was killed shall come again while the test runs.
_VISIBILITY_SECONDS: Final = "3"
# Where the emulator's own key has none, and Lambda's has one of a kilobyte.
SESSION_TOKEN: Final = "session-token-of-the-execution-role"  # nothing opens by it


class Account:
    """The resources of one shop.

    Attributes:
        names: what `Ref` gives of each. Tables, queues and functions are called as in the template.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._clients: dict[str, Any] = {}
        parameters = {name: str(p["Default"]) for name, p in template()["Parameters"].items()}
        self.names: dict[str, str] = parameters
        self.names |= {name: name for name in FUNCTIONS}
        self._make_tables()
        self._make_keys()
        self._make_queues()
        self._make_topic()
        sender = self.names["SenderEmail"]
        self.client("sesv2").create_email_identity(EmailIdentity=sender)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            made = session().client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]  # any of them
            self._clients[service] = made
        return self._clients[service]

    def variables(
        self, function: str, lambda_endpoint: str, parameters: Mapping[str, str] = NO_OTHERS
    ) -> dict[str, str]:
        """The environment of the function's workers, as Lambda gives it, but that AWS is here."""
        return {
            **aws_environment(self.endpoint),
            "AWS_ENDPOINT_URL_LAMBDA": lambda_endpoint,
            "AWS_SESSION_TOKEN": SESSION_TOKEN,
            "LAMBDA_TASK_ROOT": str(ROOT),
            **lambda_environment.whole(function, self.names, parameters),
        }

    def _make_tables(self) -> None:
        for name in resources("AWS::DynamoDB::Table"):
            self.client("dynamodb").create_table(**table_definition(name))
            self.names[name] = name

    def _make_keys(self) -> None:
        for name, key in resources("AWS::KMS::Key").items():
            made = self.client("kms").create_key(KeySpec=key["KeySpec"], KeyUsage=key["KeyUsage"])
            self.names[name] = made["KeyMetadata"]["KeyId"]

    def _make_queues(self) -> None:
        queues = resources("AWS::SQS::Queue")
        # Those without a redrive policy first: they are the others' dead-letter queues.
        for name, queue in sorted(queues.items(), key=lambda kv: "RedrivePolicy" in kv[1]):
            attributes = {}
            if redrive := queue.get("RedrivePolicy"):
                most = redrive["maxReceiveCount"]
                policy = {
                    "deadLetterTargetArn": self._queue_arn(redrive["deadLetterTargetArn"]),
                    "maxReceiveCount": self.names[most["Ref"]] if isinstance(most, dict) else most,
                }
                attributes = {
                    "VisibilityTimeout": _VISIBILITY_SECONDS,
                    "RedrivePolicy": json.dumps(policy),
                }
            made = self.client("sqs").create_queue(QueueName=name, Attributes=attributes)
            self.names[name] = made["QueueUrl"]

    def _make_topic(self) -> None:
        sns = self.client("sns")
        for name in resources("AWS::SNS::Topic"):
            self.names[name] = sns.create_topic(Name=name)["TopicArn"]
        for subscription in resources("AWS::SNS::Subscription").values():
            sns.subscribe(
                TopicArn=self.names[subscription["TopicArn"]["Ref"]],
                Protocol=subscription["Protocol"],
                Endpoint=self._queue_arn(subscription["Endpoint"]),
                Attributes={
                    "RawMessageDelivery": str(subscription["RawMessageDelivery"]).lower(),
                    "FilterPolicy": json.dumps(subscription["FilterPolicy"]),
                },
            )

    def _queue_arn(self, attribute: Mapping[str, str]) -> str:
        url = self.names[attribute["Fn::GetAtt"].partition(".")[0]]
        got = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(got["Attributes"]["QueueArn"])
