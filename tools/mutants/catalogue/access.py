"""Who gets in, what is whose, and what a body may be."""

from typing import Final

from tools.mutants.mutant import Mutant

_AUTH: Final = "layers/shared/shared/auth/authentication.py"
_ROUTING: Final = "layers/shared/shared/web/routing.py"
_BODIES: Final = "layers/shared/shared/web/request_body.py"
_GATE: Final = ("tests/shared/test_auth.py",)
_READER: Final = ("tests/shared/test_bodies.py",)
_MATRIX: Final = ("tests/access/test_matrix.py",)
_STRANGERS: Final = ("tests/access/test_strangers.py",)
_HOSTILE: Final = ("tests/access/test_hostile.py",)

MUTANTS: Final = (
    Mutant(
        "an admin's route lets customers in",
        _AUTH,
        "if who is Who.ADMIN and not admitted.is_admin:",
        "if who is Who.ADMIN and not admitted.id:",
        _MATRIX,
    ),
    Mutant(
        "an account that is not active any more is let in",
        _AUTH,
        "if self._standing:",
        "if self._standing and not admitted:",
        _GATE,
    ),
    Mutant(
        "an admin's route is declared to be everybody's",
        "layers/shared/shared/auth/access.py",
        '("POST", "/api/v1/orders/{id}/ship"): Who.ADMIN,',
        '("POST", "/api/v1/orders/{id}/ship"): Who.USER,',
        ("tests/orders/test_api.py",),
    ),
    Mutant(
        "a body is looked at before it is known who sent it",
        _ROUTING,
        """            gate.admit(request, self.path_format)
            if not takes_any_path:
                _check_query(request, self.dependant)
            return await handle(await request_body.checked(request, is_needed=is_needed))
""",
        """            checked = await request_body.checked(request, is_needed=is_needed)
            gate.admit(request, self.path_format)
            if not takes_any_path:
                _check_query(request, self.dependant)
            return await handle(checked)
""",
        _GATE,
    ),
    Mutant(
        "a route that nobody declared is served",
        _ROUTING,
        """raise NotGuarded(
                    f"{method} {route.path_format} does not stand in shared.auth.access"
                )""",
        "continue",
        _GATE,
    ),
    Mutant(
        "a route without a guard is served",
        _ROUTING,
        "if not isinstance(route.original_route, GuardedRoute):",
        "if not route.original_route:",
        _GATE,
    ),
    Mutant(
        "a route for anyone may ask who is calling",
        _ROUTING,
        "if who is Who.ANYONE and _asks_for_caller(route.dependant):",
        "if who is None and _asks_for_caller(route.dependant):",
        _GATE,
    ),
    Mutant(
        "the last of two values for one parameter counts",
        _ROUTING,
        "        if name in seen:",
        "        if not name and name in seen:",
        _GATE,
    ),
    Mutant(
        "whoever knows an order's id sees it",
        "functions/orders/service.py",
        """        if not caller.may_act_for(order.user_id):
            raise OrderNotFound
        return order
""",
        "        return order\n",
        _STRANGERS,
    ),
    Mutant(
        "a customer lists everybody's orders",
        "functions/orders/service.py",
        "owner = user_id if caller.is_admin else caller.id",
        "owner = user_id",
        _STRANGERS,
    ),
    Mutant(
        "a customer lists another's notifications",
        "functions/notifications/service.py",
        "if user_id is not None and not caller.may_act_for(user_id):",
        "if user_id is not None and not user_id:",
        _STRANGERS,
    ),
    Mutant(
        "a customer reads what is for admins",
        "functions/notifications/service.py",
        "shared = [ADMINS] if own and caller.is_admin else []",
        "shared = [ADMINS] if own else []",
        _MATRIX,
    ),
    Mutant(
        "whoever knows a user's id sees the account",
        "functions/users/service.py",
        "user = self._users.find(user_id) if caller.may_act_for(user_id) else None",
        "user = self._users.find(user_id)",
        _STRANGERS,
    ),
    Mutant(
        "a cursor is good in anybody's hands",
        "layers/shared/shared/web/cursors.py",
        "[caller, {k: v for k, v in query.items() if v is not None}], sort_keys=True",
        '["", {k: v for k, v in query.items() if v is not None}], sort_keys=True',
        _STRANGERS,
    ),
    Mutant(
        "one key places one order, whoever's it is",
        "functions/orders/models.py",
        "named = json.dumps([user_id, idempotency_key]).encode()",
        'named = json.dumps(["", idempotency_key]).encode()',
        _STRANGERS,
    ),
    Mutant(
        "a body of any size is read",
        _BODIES,
        "        if len(body) > _LARGEST:",
        "        if len(body) > _LARGEST**2:",
        _GATE,
    ),
    Mutant(
        "a compressed body is taken for plain",
        _BODIES,
        'if request.headers.get("content-encoding", "identity").strip().lower() != "identity":',
        'if not request.headers.get("content-encoding", "identity"):',
        _HOSTILE,
    ),
    Mutant(
        "the last of two members of one name counts",
        _BODIES,
        "    if len(members) < len(pairs):",
        "    if len(members) > len(pairs):",
        _READER,
    ),
    Mutant(
        "NaN is a number",
        _BODIES,
        "            parse_constant=_constant,\n",
        "",
        _READER,
    ),
    Mutant(
        "a price goes through a float",
        _BODIES,
        "            parse_float=_decimal,\n",
        "",
        _READER,
    ),
    Mutant(
        "a body nests as deep as it likes",
        _BODIES,
        "                if depth == _DEEPEST:",
        "                if depth == -1:",
        _READER,
    ),
    Mutant(
        "a number is taken for an object with nothing in it",
        _BODIES,
        "    if is_needed and not isinstance(document, dict):",
        "    if is_needed and document is None:",
        _HOSTILE,
    ),
    Mutant(
        "half a character is text",
        _BODIES,
        "    if _NO_TEXT.search(text):",
        '    if _NO_TEXT.search(""):',
        _READER,
    ),
    Mutant(
        "a host that is none breaks the function",
        "layers/shared/shared/web/rest_events.py",
        '_UNUSED: Final = ("host", "x-forwarded-port")',
        '_UNUSED: Final = ("x-forwarded-port",)',
        _HOSTILE,
    ),
)
