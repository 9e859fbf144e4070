"""Each target of make that takes ENV works in the region and on the stack of samconfig.toml,
whatever the shell says."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs

import pytest

from tools.local import sam
from tools.template import ROOT

_SCOPE: Final = re.compile(r"Credential=test/\d{8}/([a-z0-9-]+)/([a-z0-9]+)/aws4_request")
_MAKEFILE: Final = (ROOT / "Makefile").read_text()
_RECIPE: Final = re.compile(r"^([a-z-]+):[^\n]*\n(?:\t[^\n]*\n)*?\t[^\n]*\$\(ENV\)", re.MULTILINE)
# The repository has no migration to name.
TARGETS: Final = [name for name in _RECIPE.findall(_MAKEFILE) if name != "migrate"]
REFUSAL: Final = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
LOGIN: Final = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
_RESTORE: Final = ("AT=2026-11-22T10:00:00Z", "TABLES=orders", "STEP=beside")
ARGUMENTS: Final = ("EMAIL=ada@shop.test", "SENDER=shop.test", "YES=1", f"ID={0:032}", *_RESTORE)
OWN_ADDRESS: Final = "set an address of your own"
OWN_ADDRESSES: Final = (
    "PARAMETERS=SenderEmail=shop@shop.test AdminEmail=admin@shop.test ShopUrl=https://shop.test"
)


class Endpoint:
    """Refuses every call but GetCallerIdentity, and records for which regions and stacks calls
    are."""

    def __init__(self) -> None:
        self.regions: set[str] = set()
        self.stacks: set[str] = set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                scope = _SCOPE.search(self.headers["Authorization"])
                assert scope
                endpoint.regions.add(scope[1])
                endpoint.stacks.update(parse_qs(body).get("StackName", []))
                is_login = "Action=GetCallerIdentity" in body
                self.send_response(200 if is_login else 403)
                self.send_header("X-Amzn-ErrorType", "AccessDenied")
                self.end_headers()
                self.wfile.write(LOGIN if is_login else REFUSAL)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def make(
    target: str, *variables: str, endpoint: Endpoint, **shell: str
) -> subprocess.CompletedProcess[str]:
    """Run it with credentials in the shell, and with nothing else of AWS but what is given."""
    kept = {name for name in os.environ if not name.startswith(("AWS_", "MAKE", "MFLAGS"))}
    login = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL": endpoint.url,
    }
    # The environments exist: this test runs in one.
    made = [
        f"--old-file={path}" for path in re.findall(r":= (\S+/\.made)$", _MAKEFILE, re.MULTILINE)
    ]
    return subprocess.run(
        ("make", *made, target, *ARGUMENTS, *variables),
        cwd=ROOT,
        env={name: os.environ[name] for name in kept} | login | shell,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", TARGETS)
def test_target_works_in_the_region_of_samconfig(target: str, endpoint: Endpoint) -> None:
    elsewhere = {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2"}
    ended = make(target, "ENV=prod", OWN_ADDRESSES, endpoint=endpoint, **elsewhere)
    settings = sam.settings("prod")
    assert endpoint.regions == {settings["region"]}, ended.stdout + ended.stderr
    if target in {"bootstrap", "deploy", "destroy"}:
        stack = "bodega-bootstrap" if target == "bootstrap" else settings["stack_name"]
        first = ended.stdout.splitlines()[0]
        assert first.startswith(f"▸ account 123456789012   region eu-west-1   stack {stack}")
    if target not in {"bootstrap", "deploy"}:  # which first read the bootstrap stack
        assert endpoint.stacks == {settings["stack_name"]}
    assert ended.returncode
    assert "Traceback" not in ended.stderr
    assert "AccessDenied" in ended.stderr


def test_target_prints_the_endpoints_of_the_shell(endpoint: Endpoint) -> None:
    # One for all services, or for one.
    ended = make("destroy", "ENV=dev", endpoint=endpoint, AWS_ENDPOINT_URL_SES="http://127.0.0.1:9")
    first = ended.stdout.splitlines()[0]
    assert set(re.findall(r"endpoint (\S+)", first)) == {endpoint.url, "http://127.0.0.1:9"}


@pytest.mark.parametrize("target", ["destroy", "admin", "dlq", "order", "request"])
def test_target_works_on_the_stack_that_is_named(target: str, endpoint: Endpoint) -> None:
    make(target, "ENV=dev", "STACK=bodega-pr-7", endpoint=endpoint)
    assert endpoint.stacks == {"bodega-pr-7"}


@pytest.mark.parametrize(
    ("target", "arguments", "reason"),
    [
        ("deploy", ("ENV=local",), "is none of ENV=dev, ENV=prod."),
        ("dlq", ("ENV=local",), "is none of ENV=dev, ENV=prod."),
        ("deploy", ("ENV=dev", "PARAMETERS=SenderEmail=me@shop.test"), OWN_ADDRESS),
        ("deploy", ("ENV=dev", "PARAMETERS=SenderEmail= AdminEmail=me@shop.test"), OWN_ADDRESS),
    ],
)
def test_target_refuses_before_it_reaches_an_account(
    target: str, arguments: tuple[str, ...], reason: str, endpoint: Endpoint
) -> None:
    ended = make(target, *arguments, endpoint=endpoint)
    assert ended.returncode
    assert reason in ended.stderr
    assert not endpoint.regions
