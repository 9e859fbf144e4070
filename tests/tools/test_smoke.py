"""`make smoke` as a client: when it retries, which URLs and credentials it takes."""

import httpx
import pytest

from tools.progress import Problem
from tools.smoke.__main__ import walk_of
from tools.smoke.client import Client, Unexpected

URL = "https://shop.example/live"
OK = httpx.Response(200, json={})


def refusal(status: int) -> httpx.Response:
    return httpx.Response(status, headers={"Retry-After": "7"})


class Shop:
    """Gives the answers in turn, the last one for ever; time passes by sleeping."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.times: list[float] = []
        self.now = 0.0

    def answer(self, _request: httpx.Request) -> httpx.Response:
        self.times.append(self.now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def client(self, url: str = URL) -> Client:
        transport = httpx.MockTransport(self.answer)
        return Client(url, "run", transport=transport, clock=lambda: self.now, sleep=self.sleep)


@pytest.mark.parametrize(
    ("request_line", "key", "status"),
    [
        ("GET /", "", 429),
        ("GET /", "", 503),
        ("POST /api/v1/orders", "k", 503),
        ("POST /api/v1/auth/login", "", 429),
    ],
)
def test_client_retries_after_the_time_that_the_shop_names(
    request_line: str, key: str, status: int
) -> None:
    shop = Shop(refusal(status), OK)
    shop.client().ask(request_line, "200", Idempotency_Key=key)
    assert shop.times == [0.0, 7.0]


def test_client_never_repeats_a_post_that_may_have_been_done() -> None:
    shop = Shop(OK, refusal(503))
    client = shop.client()
    client.ask("GET /", "200")
    with pytest.raises(Unexpected, match=r"POST .*/api/v1/users .* request id smoke-run-2"):
        client.ask("POST /api/v1/users", "201", json={})
    assert len(shop.times) == 2


def test_client_stops_retrying_after_three_attempts() -> None:
    shop = Shop(refusal(429))
    with pytest.raises(Unexpected, match="429"):
        shop.client().ask("GET /", "200")
    assert len(shop.times) == 3


def test_problem_of_another_code_is_a_finding() -> None:
    shop = Shop(httpx.Response(404, json={"type": "/problems/order-not-found"}))
    shop.client().ask("GET /", "404 order-not-found")
    with pytest.raises(Unexpected, match="should be 404 not-found: 404 order-not-found came"):
        shop.client().ask("GET /", "404 not-found")


@pytest.mark.parametrize("link", ["/health", "https://other.example/live/health", "/liver/health"])
def test_link_beside_the_shops_url_is_a_finding(link: str) -> None:
    client = Shop(OK).client(f"{URL}/")
    reply = client.ask("GET /", "200")
    assert client.linked(reply, "docs") == client.linked(reply, f"{URL}/docs") == "/docs"
    with pytest.raises(Unexpected, match=r"below https://shop\.example/live "):
        client.linked(reply, link)


def test_seeds_admin_is_for_shops_of_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_EMAIL", "ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    assert walk_of([f"--url={URL}"]).owner is None
    local = walk_of(["--url=", "--port=3100"])
    assert local.api.url == "http://127.0.0.1:3100"
    assert local.owner
    assert local.owner.email == "admin@example.com"
    monkeypatch.setenv("ADMIN_EMAIL", "me@example.com")
    with pytest.raises(Problem, match="belong together"):
        walk_of([])
    monkeypatch.setenv("ADMIN_PASSWORD", "my-own-password")
    walk = walk_of([f"--url={URL}"])
    assert walk.owner
    assert walk.owner.email == "me@example.com"
    assert "my-own-password" not in repr(walk)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--url=http://shop.example/live"],
        ["--url=https://shop.example:port"],
        ["--url=https://me:secret@shop.example/live"],
        ["--deployed", "--url="],
    ],
)
def test_url_that_tokens_cannot_be_sent_to_is_a_problem(arguments: list[str]) -> None:
    with pytest.raises(Problem) as problem:
        walk_of(arguments)
    assert "secret" not in str(problem.value)
