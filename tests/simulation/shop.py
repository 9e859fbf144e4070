"""The whole shop in one process: the functions of the template, each on its own real graph, on a
simulated AWS.

Streams, queues, schedules and the clock move only when a test says so, and any call of any function
to AWS may fail, be lost or never return (tests/simulation/wire.py). The code that runs is the real
one from the Lambda entry to botocore's wire.
"""

import contextvars
import copy
import json
import logging
import random
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self, cast
from unittest.mock import patch

import httpx
import time_machine
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from shared.contracts.events import Event
from shared.messaging import outbox
from shared.runtime import aws, settings
from shared.runtime.entry import Handler
from shared.storage.dynamodb import Table, from_wire
from tests.simulation.cloud import Cloud, Message
from tests.simulation.faults import Died, Fault, Mode, Outage, Target
from tests.simulation.resources import SWEEPERS, deploy, function_at
from tests.simulation.triggers import Broken, Lost, Triggers
from tests.simulation.wire import Invocation, Wire, current
from tests.support import books
from tests.support.aws import pretend_credentials
from tests.support.books import Witness
from tests.support.callers import PLACES
from tests.support.client import Client, RenewingClient, is_in_progress
from tests.support.context import LambdaContext
from tests.support.functions import FUNCTIONS
from tests.support.http import rest_event
from tests.support.privacy import PRIVACY
from tools.first_admin import make_admin
from tools.lambda_environment import variables
from tools.local.mail import PATH as MAIL
from users.accounts.repository import DynamoUsers

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.support.memory_stripe import MemoryStripe

_RUNTIME: Final = logging.getLogger("runtime")
_BEGINNING: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_PAUSE: Final = timedelta(seconds=5)
_ATTEMPTS: Final = 20
# All requests come from one address.
_ONE_NETWORK: Final = {"EmailsPerNetwork": "100000"}
_LONG_ENOUGH: Final = 40  # minutes: longer than every deadline there is
# For so long a worker takes an e-mail's dead letter for a duplicate (notifications.models).
_BEFORE_REDRIVE: Final = timedelta(minutes=61)


class SimulatedShop(Triggers):
    """The shop, and the managed services that it runs on.

    Attributes:
        down: functions that cannot be invoked.
        internal_calls: the calls of internal functions.
        parameters: the template's, those that differ from their defaults.
        witness: sees each response that a client gets.
        anyone: a client without a token.
        stripe: its account, if it is paid through Stripe (tests/simulation/stripe.py).
        customer, admin, mug, tray: two people and two products, from `open` on.
    """

    customer: RenewingClient
    admin: RenewingClient
    mug: dict[str, Any]
    tray: dict[str, Any]

    def __init__(self, now: datetime = _BEGINNING, *, ticks: bool = False) -> None:
        self._built: dict[str, Handler] = {}
        self._zombies: list[tuple[Invocation, threading.Thread]] = []
        self._open = ExitStack()
        self._clock = self._open.enter_context(time_machine.travel(now, tick=ticks))
        self.parameters = dict(_ONE_NETWORK)
        self.stripe: MemoryStripe | None = None
        self.down: set[str] = set()
        self.internal_calls: list[str] = []
        super().__init__(Cloud(time.time, self._invoked))
        self.wire = Wire(self.cloud, self._sleep)
        self.wire.wake_zombies = self.wake_zombies
        self.witness = Witness()
        self._names = deploy(self.cloud)
        self._tables = {name: name for name in books.TABLES}

    def __enter__(self) -> Self:
        pretend_credentials()
        session = aws._session()
        self._open.enter_context(self.wire.tapped(session.events))
        self._open.enter_context(patch("time.sleep", self._sleep))
        self._open.enter_context(patch.object(session, "client", _client_made_once(session.client)))
        self._dynamodb = aws.client("dynamodb")
        transport = httpx.MockTransport(self.answer)
        hooks = {"response": [self._saw]}
        http = httpx.Client(base_url="https://shop.example", transport=transport, event_hooks=hooks)
        self.anyone = RenewingClient(self._open.enter_context(http))
        return self

    def open(self) -> None:
        """Register a customer and an admin and add two products; afterwards nothing is under
        way."""
        self.customer = self.anyone.register(email="carla@example.com")
        admin = self.anyone.register(email="ada@example.com", full_name="Ada Admin")
        make_admin(_users(self._dynamodb), "ada@example.com")
        self.admin = admin.log_in()
        self.mug = admin.add_product(name="Mug", stock=8)
        self.tray = admin.add_product(name="Tray", price="24.50", stock=30)
        self.come_to_rest()

    def _saw(self, response: httpx.Response) -> None:
        self.witness.saw(response)

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # --- time ---

    def _sleep(self, seconds: float) -> None:
        self.pass_time(timedelta(seconds=float(seconds)))

    def pass_time(self, by: timedelta) -> None:
        """Let the clock go on; nothing else happens."""
        self._clock.shift(by)

    def remember(self) -> Callable[[], None]:
        """Return what restores the present state."""
        restore_cloud, restore_deliveries = self.cloud.snapshot(), self.snapshot_deliveries()
        restore_stripe = self.stripe.snapshot() if self.stripe else None
        moment = datetime.now(UTC)
        witness = copy.deepcopy(self.witness)
        people = [vars(self)[name] for name in ("customer", "admin") if name in vars(self)]
        tokens = [client.token for client in people]

        def restore() -> None:
            restore_cloud()
            restore_deliveries()
            if restore_stripe:
                restore_stripe()
                self._built.pop("OrdersCheckout", None)
            self.wire.forget()
            self.down.clear()
            self.internal_calls.clear()
            self._clock.move_to(moment)
            # What an environment remembers of keys and circuits would outlive the tables.
            for name in PLACES:
                self._built.pop(name, None)
            self._built.pop("NotificationsWorker", None)
            random.seed(0)
            self.witness = copy.deepcopy(witness)
            # A token that was issued later would not be valid yet.
            for client, token in zip(people, tokens, strict=True):
                client.token = token

        return restore

    def come_to_rest(self) -> None:
        """Finish all work: delayed messages are delivered, sweepers tick every minute, time-outs
        pass."""
        self.settle()
        for _ in range(_LONG_ENOUGH):
            if self.is_quiet() and not self._unfinished():
                break
            self.pass_time(timedelta(minutes=1))
            for sweeper, table in SWEEPERS.items():
                if table in self._unfinished():
                    self.tick(sweeper)
            self.settle()
        else:
            raise AssertionError("the shop does not come to rest")

    def redrive(self) -> int:
        """An operator moves the dead letters back, an hour later; return their number."""
        moved = 0
        for queue in self.cloud.queues.values():
            given_up = self.cloud.queues[queue.dead_letters].messages if queue.dead_letters else []
            if given_up and not moved:
                self.pass_time(_BEFORE_REDRIVE)
            moved += len(given_up)
            queue.messages += [
                Message(letter.body, self.cloud.now(), attributes=letter.attributes)
                for letter in given_up
            ]
            given_up.clear()
        return moved

    def pass_every_deadline(self) -> None:
        """The sweepers tick once more, long after: what has ended must stay as it is."""
        self.pass_time(timedelta(minutes=_LONG_ENOUGH))
        for sweeper in SWEEPERS:
            self.tick(sweeper)
        self.settle()

    def _unfinished(self) -> set[str]:
        """The tables with work for a sweeper: items in the indexes that it reads."""
        return {
            name
            for name, table in self.cloud.dynamodb.tables.items()
            if any("unsent" in item or "due" in item for item in table.items.values())
        }

    # --- functions ---

    def restart(self, name: str, **parameters: str) -> None:
        """A new environment of the function, which remembers nothing but what is stored; of a
        deployment with these parameters, if others than the default ones are given."""
        module = FUNCTIONS[name].module
        given = {**self.parameters, **parameters}
        read = settings.read(module.Settings, variables(name, self._names, given))
        self._built[name] = module.build(read)

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run a function as in a process of its own: nothing but JSON goes in and comes out.

        Raises:
            Lost: it died, or ran out of time.
        """
        if name not in self._built:
            self.restart(name)
        handler, sent = self._built[name], json.loads(json.dumps(event))
        invocation = Invocation(name)
        outcome: list[Any] = []

        def run() -> None:
            current.set(invocation)
            try:
                outcome.append(handler(sent, LambdaContext(function_name=name)))
            except (Died, Exception) as error:  # noqa: BLE001  # raised below
                outcome.append(error)
                # As Lambda's runtime puts it into the function's log.
                _RUNTIME.error("[ERROR] %s: %s", type(error).__name__, error)
            finally:
                invocation.stalled.set()

        if Mode.STALLS in self.wire.plan.values():
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            invocation.stalled.wait()
            if not outcome:
                self._zombies.append((invocation, thread))
        else:
            contextvars.Context().run(run)
        if self.wire.broken:
            raise Broken from self.wire.broken
        if not outcome or invocation.is_dead:
            # Its environment is gone with it.
            self._built.pop(name, None)
            raise Lost(name)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return json.loads(json.dumps(outcome[0]))

    def wake_zombies(self) -> int:
        """Let those that stalled go on from where they were, each to its end; return how many there
        were."""
        zombies, self._zombies = self._zombies, []
        for invocation, thread in zombies:
            invocation.resumed.set()
            thread.join()
        return len(zombies)

    def _invoked(self, name: str, payload: bytes) -> tuple[bytes, str | None]:
        """What `lambda.Invoke` answers: the payload, and what kind of error it is."""
        event = json.loads(payload)
        # A call by its name, or the health that the gateway asks a service for, or a trial's event.
        self.internal_calls.append(event.get("name") or event.get("path", ""))
        if name in self.down:
            return json.dumps({"errorType": "Runtime.ExitError"}).encode(), "Unhandled"
        zombies = len(self._zombies)
        try:
            return json.dumps(self.invoke(name, event)).encode(), None
        except Exception as error:  # as the runtime does
            if len(self._zombies) > zombies:
                raise ReadTimeoutError(endpoint_url=name) from error
            return json.dumps({"errorType": type(error).__name__}).encode(), "Unhandled"

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The API, as the handler of an httpx transport; and the e-mails, as the local front."""
        if request.url.path == MAIL:
            return self._mails_to(request.url.params["to"])
        function = function_at(request.method, request.url.path)
        event = rest_event(
            request.method,
            request.url.raw_path.decode(),
            body=request.content.decode() or None,
            headers=dict(request.headers),
        )
        try:
            given = self.invoke(function, event)
        except Lost:
            return httpx.Response(502, json={"message": "Internal server error"})
        PRIVACY.body(given["body"])
        headers = [*given["headers"].items()]
        for name, values in given.get("multiValueHeaders", {}).items():
            headers += [(name, value) for value in values]
        return httpx.Response(given["statusCode"], headers=headers, text=given["body"])

    def _mails_to(self, address: str) -> httpx.Response:
        """The newest e-mail with a link to an address, as soon as it is requested: many tests have
        no use for its delivery."""
        events = (
            Event.model_validate(from_wire(item)["event"])
            for item in self.cloud.dynamodb.tables["UsersTable"].items.values()
            if "event" in item
        )
        users = [event.aggregate_id for event in events if event.data.get("email") == address]
        text = f"https://shop.example/confirm?token={self.email_token(users[-1])}"
        return httpx.Response(200, json={"mails": [{"text": text}]})

    @contextmanager
    def refusing(
        self,
        operation: str,
        about: str = "",
        *,
        code: str = "AccessDeniedException",
        said: str = "",
    ) -> Iterator[None]:
        """AWS refuses an operation (`sns.PublishBatch`) wherever its request names `about`, with a
        sentence that begins so."""
        self.wire.refused[operation] = about, code, said
        try:
            yield
        finally:
            del self.wire.refused[operation]

    @contextmanager
    def holding(self, product: Mapping[str, Any]) -> Iterator[None]:
        """Another transaction holds a product's item whenever an order takes units from it."""
        self.wire.held = f"PRODUCT#{product['id']}"
        try:
            yield
        finally:
            self.wire.held = None

    @contextmanager
    def reading_stale(self, seconds: Callable[[bool], float]) -> Iterator[None]:
        """Reads that need not be consistent, and those of an index, see what was there so many
        seconds ago.

        Args:
            seconds: called for each read, with whether it is of an index.
        """
        now = self.cloud.now
        with self.cloud.dynamodb.seeing(lambda is_index: now() - seconds(is_index)):
            yield

    @contextmanager
    def answering_late(self, service: str, operation: str) -> Iterator[None]:
        """AWS does what an operation requests, and answers after the client's read time-out."""
        now = self.cloud.now()
        outage = Outage(Target(service, operation, ""), Fault.LATE, now, float("inf"))
        self.wire.begin(outage)
        try:
            yield
        finally:
            self.wire.outages.remove(outage)

    # --- what people do ---

    def insist(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Repeat a request until it has a response that is no server error, as a good client
        does."""
        answers: list[httpx.Response] = []
        while len(answers) < _ATTEMPTS:
            answers.append(ask())
            if answers[-1].status_code < 500 and not is_in_progress(answers[-1]):
                return answers[-1]
            self.pass_time(_PAUSE)
        raise AssertionError(f"no answer but {answers[-1].status_code} {answers[-1].text}")

    def order(self, *lines: tuple[dict[str, Any], int], key: str, **more: Any) -> dict[str, Any]:
        """The order that the customer places in the end."""
        answer = self.insist(lambda: self.customer.try_order(*lines, key=key, **more))
        assert answer.status_code == 201, answer.text
        return cast("dict[str, Any]", answer.json())

    def move(self, who: Client, order: Mapping[str, Any], verb: str, to: str) -> None:
        """Bring an order to a status. The repetition of a request whose answer was lost finds it
        there."""
        answer = self.insist(lambda: who.post(f"/api/v1/orders/{order['id']}/{verb}"))
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["from"]) == (409, to), answer.text

    # --- from behind ---

    def email_token(self, user_id: str) -> str:
        """The token of the last e-mail that was requested about an account."""
        sealed = [
            token
            for fact in outbox.history(Table("UsersTable", self._dynamodb), f"USER#{user_id}")
            if (token := fact.data.get("sealed_token"))
        ]
        opened = aws.client("kms").decrypt(
            KeyId=self._names["MailKey"],
            CiphertextBlob=b64decode(sealed[-1]),
            EncryptionContext={"user_id": user_id},
        )
        return opened["Plaintext"].decode()

    def books(self) -> books.Books:
        """All that is stored, and the e-mails that were handed over."""
        tables = self.cloud.dynamodb.tables
        steps = [
            (from_wire(change.before), from_wire(change.after))
            for change in tables["ProductsTable"].changes
            if change.before and change.after and change.key[1] == "PRODUCT"
        ]
        items = {name: list(map(from_wire, tables[name].items.values())) for name in books.TABLES}
        read = books.read(items, list(self.cloud.handed_over), steps)
        return replace(read, payments=self.stripe.payments()) if self.stripe else read


@contextmanager
def opened() -> Iterator[SimulatedShop]:
    """An open shop in which nothing is under way."""
    with SimulatedShop() as shop:
        shop.open()
        yield shop


def _users(dynamodb: "DynamoDBClient") -> DynamoUsers:
    return DynamoUsers(Table("UsersTable", dynamodb), Table("CredentialsTable", dynamodb))


def _client_made_once(make: Callable[..., Any]) -> Callable[..., Any]:
    """New environments share AWS clients, which take longest to make and remember nothing of what
    they were asked."""
    made: dict[str, Any] = {}

    def client(service: str, *, config: Config) -> Any:
        name = f"{service} {sorted(config._user_provided_options.items(), key=str)}"  # type: ignore[attr-defined]  # no other way to ask
        if name not in made:
            # Most of a call's time goes into what no simulated service reads. The unit tests have
            # the validation.
            quick = Config(
                user_agent="simulated", signature_version=UNSIGNED, parameter_validation=False
            )
            made[name] = make(service, config=config.merge(quick))
        return made[name]

    return client
