"""The server of the canned answers: a process of its own, which does not count.

with CannedAws(public_key) as aws:
    …                     # AWS_ENDPOINT_URL=aws.endpoint
    aws.check()           # raises Problem if an operation had no answer
"""

import base64
import json
import subprocess
import sys
import threading
import urllib.request
from http.server import ThreadingHTTPServer
from typing import Self

from bench.canned.answers import Answers, Invocation, Uncanned
from tools.json_requests import JsonRequests
from tools.local.places import APP_PYTHON, HOST, ROOT
from tools.progress import Problem


class CannedAws:
    """The process, from outside."""

    def __init__(self, public_key: bytes) -> None:
        self._process = subprocess.Popen(
            (APP_PYTHON, "-m", __name__, base64.b64encode(public_key)),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        self.endpoint = self._process.stdout.readline().decode().strip()
        if not self.endpoint:
            raise Problem("The server of canned answers did not start; its error stands above.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        # It ends with its input, so that none is left behind whatever happens to this process.
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def check(self) -> None:
        """Raise Problem if anything was asked for that has no answer."""
        with urllib.request.urlopen(self.endpoint) as answer:
            uncanned = json.load(answer)
        if uncanned:
            raise Problem(f"bench/canned has no answer for {', '.join(uncanned)}: write one down.")


def _requests(answers: Answers, uncanned: set[str]) -> type[JsonRequests]:
    class Requests(JsonRequests):
        def do_GET(self) -> None:
            self.send(200, json.dumps(sorted(uncanned)).encode())

        def do_POST(self) -> None:
            body = self.body()
            try:
                given = answers.answer(self.headers, self.path, body)
            except Uncanned as missing:
                uncanned.add(str(missing))
                # A status that no SDK retries.
                self.send(400, b'{"__type": "UncannedOperation"}')
            else:
                invocation = Invocation.of(self.headers, self.path)
                self.send(invocation.status if invocation else 200, given)

    return Requests


def _serve(public_key: bytes) -> None:
    handler = _requests(Answers(public_key), set())
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://{HOST}:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve(base64.b64decode(sys.argv[1]))
