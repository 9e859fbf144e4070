"""A shop: the emulator, the template deployed into it, and the front that serves it on a port.

`make run` has one, and the tests have one of their own beside it:

    with Shop(port=free_port(), folder=tmp_path, enforce_iam=True).running() as shop:
        httpx.get(f"{shop.url}/health")
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from tools import intrinsics
from tools.local import bootstrap, emulator, front, processes, sam, stack, stripe, warmth, web
from tools.local.firewall import limits
from tools.local.places import APP_PYTHON, HOST, ROOT, STATE, architecture, aws_environment
from tools.progress import Problem, step

_STATE_FILE: Final = "shop.json"
_FRONT: Final = "tools.local.front"
_PREFERRED_EMULATOR_PORT: Final = 4566
_PREFERRED_STRIPE_PORT: Final = 8420


def _port(preferred: int) -> int:
    return processes.free_port() if processes.listening(preferred) else preferred


@dataclass
class Shop:
    """One shop on one port.

    Attributes:
        port: where the API answers.
        folder: for what it leaves behind: logs, process ids, temporary files.
        enforce_iam: deny what the template's policies don't allow, as the cloud does.
        parameters: the template's parameters that differ from samconfig.toml's.
        has_limits: refuse what prod's firewall refuses.
        stripe_key: a test key of Stripe's; without one, a shop with PaymentProvider=stripe pays
            through localstripe.
    """

    port: int
    folder: Path
    enforce_iam: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    has_limits: bool = False
    stripe_key: str = ""
    stripe_port: int = 0
    emulator_port: int = 0
    pids: dict[str, int] = field(default_factory=dict)

    @classmethod
    def on(cls, port: int) -> "Shop":
        """The shop of `make run` on that port, running or not."""
        shop = cls(port, STATE / str(port))
        state = shop.folder / _STATE_FILE
        if state.exists():
            shop.__dict__.update(json.loads(state.read_text()))
        return shop

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def endpoint(self) -> str:
        """The emulator's address, for any AWS client."""
        return emulator.endpoint(self.emulator_port)

    @property
    def stripe(self) -> str:
        """The address of the Stripe on this machine."""
        return stripe.address(self.stripe_port)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a program that uses the shop's AWS."""
        return aws_environment(self.endpoint)

    def stack(self) -> stack.Stack:
        return stack.read(self.endpoint)

    def is_running(self) -> bool:
        return bool(self.pids) and all(
            processes.alive(pid, name) for name, pid in self.pids.items()
        )

    def start(self) -> None:
        """Build what changed, start the emulator, deploy into it and serve the API."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._build()
        self.emulator_port = _port(_PREFERRED_EMULATOR_PORT)
        try:
            with step("emulator"):
                pid = emulator.start(self.emulator_port, self.folder, enforce_iam=self.enforce_iam)
                self._remember(emulator.NAME, pid)
                stack.make_bucket(self.endpoint)
                self._bootstrap()
            if self.parameters.get("PaymentProvider") == "stripe":
                self._start_stripe()
            self._deploy()
            self._serve()
            if self.stripe_port:
                stripe.send_webhooks(self.stripe_port, self.url)
        except BaseException:
            self.stop()
            raise

    def warm_up(self) -> None:
        """Start the functions' workers in advance."""
        warmth.warm_up(self.stack(), self.url)

    def redeploy(self) -> None:
        """Deploy changed code into the running shop; its data stay."""
        self._build()
        self._deploy()

    def stop(self) -> None:
        """End what it started; what it stored is gone with the emulator. Its logs stay."""
        for name, pid in reversed(list(self.pids.items())):
            processes.end(pid, name)
        self.pids.clear()
        self.stripe_port = 0
        self.has_limits = False
        for name in (_STATE_FILE, front.API_FILE):
            (self.folder / name).unlink(missing_ok=True)
        processes.discard(emulator.scratch(self.folder))

    @contextmanager
    def running(self) -> Iterator["Shop"]:
        self.start()
        try:
            with step("warm-up"):
                self.warm_up()
            yield self
        finally:
            self.stop()

    def _build(self) -> None:
        log = self.folder / "build.log"
        with step("build") as progress:
            if not sam.build_if_changed(log):
                progress.note("nothing changed")

    def _bootstrap(self) -> None:
        """The stack of `make bootstrap`, which an account has before its first shop."""
        address = intrinsics.parameter("SenderEmail", self.parameters)
        cloudformation = stack.cloudformation_of(self.endpoint)
        bootstrap.deploy(cloudformation, bootstrap.sender(address), poll=0.1)

    def _start_stripe(self) -> None:
        """Store the secret that a merchant stores, and start the provider that it leads to."""
        secret: dict[str, object] = {"webhook_secrets": [stripe.WEBHOOK_SECRET]}
        if self.stripe_key:
            secret |= {"api_key": self.stripe_key}
        else:
            self.stripe_port = _port(_PREFERRED_STRIPE_PORT)
            with step("localstripe"):
                stripe.start(self.stripe_port, self.folder, self._remember)
            secret |= {"api_key": stripe.KEY, "api_base": self.stripe}
        name = intrinsics.parameter("StripeSecret", self.parameters)
        stack.put_secret(self.endpoint, name, json.dumps(secret))

    def _deploy(self) -> None:
        log = self.folder / "deploy.log"
        own = {
            "Architecture": architecture(),
            # The storefront has the pages that e-mails link to.
            "ShopUrl": f"{self.url}/shop",
            # All requests come from one address.
            "EmailsPerNetwork": "100000",
        }
        parameters = {**own, **self.parameters}
        with step("deployment"):
            error = sam.deploy(self.endpoint, parameters, log)
            if error is not None:
                reason = stack.failure(stack.cloudformation_of(self.endpoint)) or error
                raise Problem(
                    f"The deployment failed: {reason}\n  Everything it said: {processes.shown(log)}"
                )
            deployed = self.stack()
            stack.wait_for_versions(deployed)
            self.point_front()

    def point_front(self) -> None:
        """Have the front forward requests to the API as it is deployed now."""
        deployed = self.stack()
        target = front.Target(
            deployed.api_url,
            stack.compression_threshold(deployed),
            sam.built("Api")["GatewayResponses"],
            [asdict(limit) for limit in limits(sam.built("WebFirewall")) if self.has_limits],
            web.headers(sam.built("WebHeaders")),
        )
        new = self.folder / f"{front.API_FILE}.new"
        new.write_text(json.dumps(target.__dict__))
        # Atomically: the front reads the file at any time.
        new.rename(self.folder / front.API_FILE)

    def enforce_limits(self) -> None:
        """Have the front refuse from now on what prod's firewall refuses."""
        self.has_limits = True
        self._write_state()
        self.point_front()

    def _serve(self) -> None:
        log = self.folder / "front.log"
        command = (APP_PYTHON, "-m", _FRONT, str(self.port), self.folder)
        environment = aws_environment(self.endpoint) | {"PYTHONPATH": str(ROOT / "layers/faults")}
        pid = processes.start(command, environment, log)
        self._remember(_FRONT, pid)
        failed = Problem(
            f"The shop's port {self.port} did not open: {processes.shown(log)} says why."
        )
        processes.wait_until(
            lambda: processes.listening(self.port), lambda: processes.alive(pid, _FRONT), failed
        )

    def _remember(self, name: str, pid: int) -> None:
        self.pids[name] = pid
        self._write_state()

    def _write_state(self) -> None:
        names = ("emulator_port", "stripe_port", "pids", "parameters", "has_limits")
        state = {name: getattr(self, name) for name in names}
        (self.folder / _STATE_FILE).write_text(json.dumps(state))
