"""Requests of small HTTP servers on this machine: the Runtime API, a benchmark's AWS."""

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler


class JsonRequests(BaseHTTPRequestHandler):
    """The requests of one connection, which stays open; each answer is JSON."""

    protocol_version = "HTTP/1.1"
    # An answer must not wait for the acknowledgement of the one before.
    disable_nagle_algorithm = True
    wbufsize = -1

    def body(self) -> bytes:
        """What was sent.

        Raises:
            ConnectionResetError: the client ended before it had sent everything.
        """
        body = self.rfile.read(length := int(self.headers["Content-Length"]))
        if len(body) < length:
            raise ConnectionResetError
        return body

    def send(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # inherited name
        """Log nothing."""
