"""`make smoke` as a client: gentle, patient, and careful with what may not be done twice."""

from collections.abc import Callable

import httpx
import pytest

from tools.progress import Problem
from tools.smoke.__main__ import walk_of
from tools.smoke.client import Client, Person, Unexpected

URL = "https://shop.example/live"
type Answer = httpx.Response | httpx.RequestError


class Shop(httpx.BaseTransport):
    """Answers in turn, the last one for ever; its time passes by sleeping."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[float, httpx.Request]] = []
        self.now = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((self.now, request))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.RequestError):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def client(self, url: str = URL) -> Client:
        return Client(url, "run", transport=self, clock=lambda: self.now, sleep=self.sleep)


OK = httpx.Response(200, json={})


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("key", ["", "k"])
def test_client_retries_when_the_shop_says_when(status: int, key: str) -> None:
    shop = Shop(httpx.Response(status, headers={"Retry-After": "7"}), OK)
    shop.client().ask("POST /api/v1/orders" if key else "GET /", "200", Idempotency_Key=key)
    assert [at for at, _ in shop.asked] == [0.0, 7.0]


def test_client_retries_a_throttled_post_without_key() -> None:
    shop = Shop(httpx.Response(429, headers={"Retry-After": "7"}), OK)
    shop.client().ask("POST /api/v1/auth/login", "200", json={})
    assert len(shop.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503, headers={"Retry-After": "7"}), httpx.ReadTimeout("late")],
)
def test_client_never_repeats_a_post_that_may_have_been_done(answer: Answer) -> None:
    shop = Shop(OK, answer)
    client = shop.client()
    client.ask("GET /", "200")
    with pytest.raises(Unexpected, match=r"POST .*/api/v1/users .* request id smoke-run-2"):
        client.ask("POST /api/v1/users", "201", json={})
    assert len(shop.asked) == 2


def test_client_stops_retrying_after_three_attempts() -> None:
    shop = Shop(httpx.Response(429, headers={"Retry-After": "1"}))
    with pytest.raises(Unexpected, match="429"):
        shop.client().ask("GET /", "200")
    assert len(shop.asked) == 3


def test_a_server_error_without_retry_after_is_a_finding() -> None:
    shop = Shop(httpx.Response(500))
    with pytest.raises(Unexpected, match="should be 200: 500 came"):
        shop.client().ask("GET /", "200")
    assert len(shop.asked) == 1


def test_a_get_that_got_no_answer_is_repeated() -> None:
    shop = Shop(OK, httpx.ReadTimeout("late"), OK)
    client = shop.client()
    client.ask("GET /", "200")
    client.ask("GET /health", "200")
    assert len(shop.asked) == 3


def test_nobody_there_is_a_problem_at_once() -> None:
    shop = Shop(httpx.ConnectError("refused"))
    with pytest.raises(Problem, match=r"Nothing answers at https://shop\.example/live"):
        shop.client().ask("GET /", "200")
    assert len(shop.asked) == 1


@pytest.mark.parametrize(
    ("request_line", "most"), [("GET /health", 200), ("POST /api/v1/auth/login", 20)]
)
def test_client_stays_below_the_limits_of_a_minute(request_line: str, most: int) -> None:
    shop = Shop(OK)
    client = shop.client()
    for _ in range(2 * most + 1):
        client.ask(request_line, "200")
    times = [at for at, _ in shop.asked]
    in_a_minute = [sum(start <= at < start + 60 for at in times) for start in times]
    assert most * 0.8 < max(in_a_minute) < most


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("/live/health", "/health"),
        ("docs", "/docs"),
        (f"{URL}/docs", "/docs"),
        ("/health", None),
        ("https://other.example/live/health", None),
        ("/liver/health", None),
        ("/live/live/health", None),
    ],
)
def test_a_link_must_stay_below_the_shops_url(link: str, path: str | None) -> None:
    client = Shop(OK).client(f"{URL}/")
    reply = client.ask("GET /", "200")
    if path is None:
        with pytest.raises(Unexpected, match=r"below https://shop\.example/live "):
            client.linked(reply, link)
    else:
        assert client.linked(reply, link) == path


def test_a_url_of_no_host_is_a_problem() -> None:
    def send(_request: httpx.Request) -> httpx.Response:
        raise UnicodeError("label empty")

    client = Client("https://a..b", "run", transport=httpx.MockTransport(send))
    with pytest.raises(Problem, match="Nothing answers"):
        client.ask("GET /", "200")


def test_what_never_comes_true_is_given_up() -> None:
    shop = Shop(OK)
    client = shop.client()
    with pytest.raises(Unexpected, match="settle within 30 s"):
        client.until(lambda: client.ask("GET /", "200"), lambda _: False, "settle")
    assert 30 <= shop.now < 33
    assert len(shop.asked) < 30


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    for name in ("ADMIN_EMAIL", "ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)

    def become(email: str, password: str) -> None:
        monkeypatch.setenv("ADMIN_EMAIL", email)
        monkeypatch.setenv("ADMIN_PASSWORD", password)

    return become


def test_the_seeds_admin_is_for_shops_of_this_machine_only(
    environment: Callable[[str, str], None],
) -> None:
    assert not walk_of([f"--url={URL}"]).has_admin
    assert walk_of([]).admin_email == "admin@example.com"
    assert walk_of([]).api.url == "http://127.0.0.1:3000"
    assert walk_of(["--url=", "--port=3100"]).api.url == "http://127.0.0.1:3100"
    assert walk_of(["--url=http://127.0.0.1:3000/live"]).has_admin
    environment("me@example.com", "my-own-password")
    assert walk_of([f"--url={URL}"]).admin_email == "me@example.com"
    assert walk_of([]).admin_email == "me@example.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/live",
        "shop.example/live",
        "https://shop.example:port",
        "https://xn--.invalid",
        "https://me:secret@shop.example/live",
    ],
)
def test_a_url_that_tokens_cannot_be_sent_to_is_a_problem(url: str) -> None:
    with pytest.raises(Problem) as problem:
        walk_of([f"--url={url}"])
    assert "secret" not in str(problem.value)


def test_a_deployed_shop_is_named_by_its_url() -> None:
    with pytest.raises(Problem, match="URL"):
        walk_of(["--deployed", "--url="])


@pytest.mark.parametrize("half", [("me@example.com", ""), ("", "my-own-password")])
def test_half_an_admin_is_a_problem(
    half: tuple[str, str], environment: Callable[[str, str], None]
) -> None:
    environment(*half)
    with pytest.raises(Problem, match="belong together"):
        walk_of([])


def test_no_secret_is_in_what_a_walk_or_a_person_prints(
    environment: Callable[[str, str], None],
) -> None:
    environment("me@example.com", "my-own-password")
    person = Person(
        "me@example.com", "my-own-password", access_token="token-a", refresh_token="token-b"
    )
    printed = repr(walk_of([])) + repr(person)
    for secret in ("my-own-password", "token-a", "token-b"):
        assert secret not in printed
