"""`make smoke` as a client: when it retries, which URLs and credentials it takes."""

import httpx
import pytest

from tools.progress import Problem
from tools.smoke.__main__ import walk_of
from tools.smoke.client import Client, Person, Unexpected

URL = "https://shop.example/live"
OK = httpx.Response(200, json={})
LATE = httpx.ReadTimeout("late")
type Answer = httpx.Response | httpx.RequestError


def refusal(status: int, after: str = "7") -> httpx.Response:
    return httpx.Response(status, headers={"Retry-After": after})


class Shop(httpx.BaseTransport):
    """Gives the answers in turn, the last one for ever; time passes by sleeping."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.times: list[float] = []
        self.now = 0.0

    def handle_request(self, _request: httpx.Request) -> httpx.Response:
        self.times.append(self.now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.RequestError):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def client(self, url: str = URL) -> Client:
        return Client(url, "run", transport=self, clock=lambda: self.now, sleep=self.sleep)


@pytest.mark.parametrize(
    ("request_line", "key", "answer"),
    [
        ("GET /", "", refusal(429)),
        ("GET /", "", refusal(503)),
        ("POST /api/v1/orders", "k", refusal(503)),
        ("POST /api/v1/auth/login", "", refusal(429)),
    ],
)
def test_client_retries_after_the_time_that_the_shop_names(
    request_line: str, key: str, answer: httpx.Response
) -> None:
    shop = Shop(answer, OK)
    shop.client().ask(request_line, "200", Idempotency_Key=key)
    assert shop.times == [0.0, 7.0]


@pytest.mark.parametrize("answer", [refusal(503), LATE])
def test_client_never_repeats_a_post_that_may_have_been_done(answer: Answer) -> None:
    shop = Shop(OK, answer)
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


def test_server_error_without_retry_after_is_a_finding() -> None:
    with pytest.raises(Unexpected, match="should be 200: 500 came"):
        Shop(httpx.Response(500)).client().ask("GET /", "200")


def test_unanswered_get_is_repeated_unless_it_is_the_first() -> None:
    shop = Shop(OK, LATE, OK)
    client = shop.client()
    client.ask("GET /", "200")
    client.ask("GET /health", "200")
    assert len(shop.times) == 3
    with pytest.raises(Problem, match=r"Nothing answers at https://shop\.example/live"):
        Shop(httpx.ConnectError("refused")).client().ask("GET /", "200")


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("/live/health", "/health"),
        ("docs", "/docs"),
        (f"{URL}/docs", "/docs"),
        ("/health", None),
        ("https://other.example/live/health", None),
        ("/liver/health", None),
    ],
)
def test_link_leads_below_the_shops_url(link: str, path: str | None) -> None:
    client = Shop(OK).client(f"{URL}/")
    reply = client.ask("GET /", "200")
    if path is None:
        with pytest.raises(Unexpected, match=r"below https://shop\.example/live "):
            client.linked(reply, link)
    else:
        assert client.linked(reply, link) == path


def test_client_gives_up_what_never_becomes_true() -> None:
    shop = Shop(OK)
    client = shop.client()
    with pytest.raises(Unexpected, match="settle within 30 s"):
        client.until(lambda: client.ask("GET /", "200"), lambda _: False, "settle")
    assert 30 <= shop.now < 33


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("ADMIN_EMAIL", "ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_seeds_admin_is_for_shops_of_this_machine_only(environment: pytest.MonkeyPatch) -> None:
    assert not walk_of([f"--url={URL}"]).has_admin
    assert walk_of([]).admin_email == "admin@example.com"
    assert walk_of(["--url=", "--port=3100"]).api.url == "http://127.0.0.1:3100"
    environment.setenv("ADMIN_EMAIL", "me@example.com")
    with pytest.raises(Problem, match="belong together"):
        walk_of([])
    environment.setenv("ADMIN_PASSWORD", "my-own-password")
    walk = walk_of([f"--url={URL}"])
    assert walk.admin_email == "me@example.com"
    person = Person("me@example.com", "my-own-password", access_token="token-a")
    for secret in ("my-own-password", "token-a"):
        assert secret not in repr(walk) + repr(person)


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
