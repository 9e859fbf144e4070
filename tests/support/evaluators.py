"""Whether a function's role allows a request, as @cloud-copilot/iam-simulate decides it."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from tests.simulation.cloud import ACCOUNT
from tests.support.policies import Request
from tests.support.roles import TRACED, resource_policies, roles
from tools.template import ROOT

type Question = tuple[str, Request]
type Evaluator = Callable[[Sequence[Question]], list[bool]]

NODE: Final = ROOT / ".tools/node"
_SCRIPT: Final = ROOT / "tests/support/iam_simulate.mjs"


@contextmanager
def iam_simulate(tracing_mode: str = TRACED, trace_saga: str = "off") -> Iterator[Evaluator]:
    """The evaluator, in a process of its own as long as the context lasts."""
    command = (NODE / "bin/node", _SCRIPT, NODE / "package.json")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdin is not None
        assert it.stdout is not None
        sent, received = it.stdin, it.stdout

        def send(value: object) -> None:
            sent.write(json.dumps(value) + "\n")
            sent.flush()

        def ask(questions: Sequence[Question]) -> list[bool]:
            send([[f, r.action, r.resource, dict(r.context)] for f, r in questions])
            answers = json.loads(received.readline())
            for (function, request), answer in zip(questions, answers, strict=True):
                assert "error" not in answer, f"{function}: {request}: {answer['error']}"
            return [answer["allowed"] for answer in answers]

        documents = {
            function: [{"name": name, "policy": policy} for name, policy in policies.items()]
            for function, policies in roles(tracing_mode, trace_saga).items()
        }
        send({"account": ACCOUNT, "roles": documents, "resources": resource_policies()})
        yield ask
        sent.close()


def denials(evaluator: Evaluator, asked: Mapping[str, Sequence[Request]]) -> list[str]:
    """What functions asked for and their roles do not allow."""
    questions = [(function, request) for function, all_ in asked.items() for request in all_]
    return [
        f"{function} may not {request}"
        for (function, request), is_allowed in zip(questions, evaluator(questions), strict=True)
        if not is_allowed
    ]
