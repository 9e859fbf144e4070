"""Every target of make that takes ENV asks in the region and for the stack of samconfig.toml, whatever the shell says."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs

import pytest

from tools.local import sam
from tools.template import ROOT

_SCOPE: Final = re.compile(r"Credential=test/\d{8}/([a-z0-9-]+)/([a-z0-9]+)/aws4_request")
_MAKEFILE: Final = (ROOT / "Makefile").read_text()
# Each with its recipe.
TARGETS: Final = {
    name: recipe
    for name, recipe in re.findall(r"^([a-z-]+):[^\n]*\n((?:\t[^\n]*\n)+)", _MAKEFILE, re.MULTILINE)
    if "$(ENV)" in recipe
}
REFUSAL: Final = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
LOGIN: Final = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
WHAT_THEY_NEED: Final = ("EMAIL=ada@shop.test", "SENDER=shop.test", "YES=1")
OWN_ADDRESSES: Final = "PARAMETERS=SenderEmail=shop@shop.test AdminEmail=admin@shop.test"
SHELLS: Final[Mapping[str, Mapping[str, str]]] = {
    "no region": {},
    "AWS_REGION": {"AWS_REGION": "us-west-2"},
    "AWS_DEFAULT_REGION": {"AWS_DEFAULT_REGION": "us-west-2"},
}


class Endpoint:
    """Refuses all that AWS is asked but for whom it talks to, and keeps in which region, of which service, and for which stack."""

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
    target: str, *variables: str, shell: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run it as a person does, logged in and with nothing else of AWS in the shell."""
    # A make that runs this test has no say in it either.
    kept = {name for name in os.environ if not name.startswith(("AWS_", "MAKE", "MFLAGS"))}
    base = {name: os.environ[name] for name in kept}
    login = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # The environments are there: this test runs in one.
    made = [
        f"--old-file={path}" for path in re.findall(r":= (\S+/\.made)$", _MAKEFILE, re.MULTILINE)
    ]
    return subprocess.run(
        ("make", *made, target, *WHAT_THEY_NEED, *variables),
        cwd=ROOT,
        env={**base, **login, **shell},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_targets_are_those_that_reach_an_account() -> None:
    assert set(TARGETS) == {"bootstrap", "deploy", "destroy", "admin", "dlq"}


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_asks_in_the_region_of_samconfig(
    target: str, shell: Mapping[str, str], endpoint: Endpoint
) -> None:
    reached = {**shell, "AWS_ENDPOINT_URL": endpoint.url, "AWS_MAX_ATTEMPTS": "1"}
    ended = make(target, "ENV=prod", OWN_ADDRESSES, shell=reached)
    settings = sam.settings("prod")
    assert endpoint.regions == {settings["region"]}, ended.stdout + ended.stderr
    if target not in {"bootstrap", "deploy"}:  # which first ask for the stack of the account
        assert endpoint.stacks == {settings["stack_name"]}
    # It was refused: make ends with 2, and the tool with a sentence.
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "AccessDenied" in ended.stderr


@pytest.mark.parametrize(
    ("target", "stack"),
    [("bootstrap", "bodega-bootstrap"), ("deploy", "bodega-dev"), ("destroy", "bodega-dev")],
)
def test_a_target_says_where_it_works_and_that_the_shell_leads_elsewhere(
    target: str, stack: str, endpoint: Endpoint
) -> None:
    # One for all services, or for one: neither may pass unseen.
    shell = {"AWS_ENDPOINT_URL": endpoint.url, "AWS_ENDPOINT_URL_SES": "http://127.0.0.1:9"}
    ended = make(target, "ENV=dev", OWN_ADDRESSES, shell=shell)
    where = f"▸ account 123456789012   region eu-west-1   stack {stack}"
    first = ended.stdout.splitlines()[0]
    assert first.startswith(where)
    assert set(re.findall(r"endpoint (\S+)", first)) == set(shell.values())


@pytest.mark.parametrize("target", ["destroy", "admin", "dlq"])
def test_a_shop_beside_that_of_samconfig_is_named_by_its_stack(
    target: str, endpoint: Endpoint
) -> None:
    make(target, "ENV=dev", "STACK=bodega-pr-7", shell={"AWS_ENDPOINT_URL": endpoint.url})
    assert endpoint.stacks == {"bodega-pr-7"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_needs_an_environment_of_samconfig(target: str, endpoint: Endpoint) -> None:
    ended = make(target, "ENV=local", shell={"AWS_ENDPOINT_URL": endpoint.url})
    assert ended.returncode == 2
    assert "is none of ENV=dev, ENV=prod." in ended.stderr
    assert not endpoint.regions


@pytest.mark.parametrize(
    "addresses",
    ["SenderEmail=me@shop.test", "AdminEmail=me@shop.test", "SenderEmail= AdminEmail=me@shop.test"],
)
def test_nothing_is_deployed_with_an_address_that_nobody_reads(
    addresses: str, endpoint: Endpoint
) -> None:
    reached = {"AWS_ENDPOINT_URL": endpoint.url}
    ended = make("deploy", "ENV=dev", f"PARAMETERS={addresses}", shell=reached)
    assert ended.returncode == 2
    assert "which nobody reads" in ended.stderr
    assert not endpoint.regions
