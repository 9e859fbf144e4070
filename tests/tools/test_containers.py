"""The way of functions in containers to the emulator."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tools.local import containers
from tools.local.places import HOST
from tools.progress import Problem


class Answering(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which a server answers."""
    with HTTPServer((HOST, 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_second_command_uses_the_way_of_the_first(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "body", b'{"services": {}}')
    containers._forward(HOST, taken)


def test_way_is_taken_by_another_program(taken: int) -> None:
    with pytest.raises(Problem, match="is taken"):
        containers._forward(HOST, taken)
