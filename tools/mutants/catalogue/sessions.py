"""Tokens, log-in and sessions: what keeps strangers out of accounts."""

from typing import Final

from tools.mutants.mutant import Mutant

_TOKENS: Final = "layers/shared/shared/auth/tokens.py"
_FORM: Final = "layers/shared/shared/auth/jws.py"
_MODELS: Final = "functions/users/models.py"
_ATTEMPTS: Final = "functions/users/attempts.py"
_HOSTILE: Final = ("tests/shared/test_tokens.py",)
_IN_SESSION: Final = ("tests/users/test_sessions.py",)
_GUARDED: Final = ("tests/users/test_attempts.py",)
_STORED: Final = ("tests/users/test_repository.py",)
_LOGGED_IN: Final = ("tests/flows/test_log_in.py",)
_ROTATED: Final = ("tests/flows/test_key_rotation.py",)

MUTANTS: Final = (
    Mutant(
        "a token's header may say what it likes",
        _TOKENS,
        "if header.keys() != _HEADER or header",
        "if header",
        _HOSTILE,
    ),
    Mutant(
        "a token of another type is taken",
        _TOKENS,
        ' or header["typ"] != TYPE:',
        ":",
        _HOSTILE,
    ),
    Mutant(
        "a token may live for ever",
        _TOKENS,
        "        or expires_at - issued_at > LIFETIME_SECONDS\n",
        "",
        _HOSTILE,
    ),
    Mutant(
        "a token of the future is taken",
        _TOKENS,
        "        or issued_at > time.time() + _CLOCKS_DIFFER_SECONDS\n",
        "",
        _HOSTILE,
    ),
    Mutant(
        "a subject may be any text",
        _TOKENS,
        'map(_is_id, (claims["sub"], claims["jti"]))',
        "()",
        _HOSTILE,
    ),
    Mutant(
        "who makes key ids up makes us ask KMS each time",
        _TOKENS,
        "            self._has_all = True\n",
        "",
        _HOSTILE,
    ),
    Mutant(
        "a second key that cannot be had stands against all tokens",
        _TOKENS,
        "                if key.kid == kid:\n                    return key\n",
        "",
        _ROTATED,
    ),
    Mutant(
        "a token's parts may be spelled in several ways",
        _FORM,
        "    if encoded(data) != part:\n        raise Malformed\n",
        "",
        _HOSTILE,
    ),
    Mutant(
        "of two claims of one name the last counts",
        _FORM,
        "    if len(members) < len(pairs):\n        raise Malformed\n",
        "",
        _HOSTILE,
    ),
    Mutant(
        "claims may be of any type",
        _FORM,
        " or any(type(m) not in (str, int) for m in members.values())",
        "",
        _HOSTILE,
    ),
    Mutant(
        "who knows a family's id can end it",
        _MODELS,
        "hmac.compare_digest(token.mark, _mark(self.key, token.secret))",
        "token.family_id == self.id",
        _IN_SESSION,
    ),
    Mutant(
        "an attempt is made whether it was counted or not",
        _ATTEMPTS,
        "            if is_counted:\n",
        "            if is_counted or pair:\n",
        _GUARDED,
    ),
    Mutant(
        "of many attempts at once all count as one",
        "functions/users/repository/attempts.py",
        '"attribute_not_exists(#last_at)", {}',
        '"attribute_not_exists(#nothing)", {}',
        _STORED,
    ),
    Mutant(
        "at midnight the wait begins anew",
        _MODELS,
        "is_first = at - self.last_at >= forgotten_after",
        "is_first = at // forgotten_after > self.last_at // forgotten_after",
        _GUARDED,
    ),
    Mutant(
        "a guesser locks everybody out who shares the address",
        _ATTEMPTS,
        "below=None if is_trusted else _TOLERATED_OF_SOURCE",
        "below=_TOLERATED_OF_SOURCE",
        _GUARDED,
    ),
    Mutant(
        "who is refused for the source's sake is taken for a guesser",
        _ATTEMPTS,
        "        if not may_go_on:\n            self._log.give_back(pair)\n",
        "        if not may_go_on:\n",
        _GUARDED,
    ),
    Mutant(
        "an attempt that an outage interrupts counts",
        _ATTEMPTS,
        "            self._withdraw(admitted)\n",
        "",
        _GUARDED,
    ),
    Mutant(
        "a wrong password does not count",
        _ATTEMPTS,
        "        except BodegaError:\n            raise\n",
        "",
        _GUARDED,
    ),
    Mutant(
        "log-ins that succeed use the source up",
        _ATTEMPTS,
        "by=-1, below=None",
        "by=0, below=None",
        _GUARDED,
    ),
    Mutant(
        "all of IPv4 is one source in its IPv6 form",
        _ATTEMPTS,
        "        if address.ipv4_mapped is None:\n",
        "        if address:\n",
        _GUARDED,
    ),
    Mutant(
        "an unknown address costs no hash",
        "functions/users/passwords.py",
        "        try:\n            self._hasher.verify(",
        "        if password_hash is None:\n            return False\n"
        "        try:\n            self._hasher.verify(",
        _LOGGED_IN,
    ),
    Mutant(
        "an unknown address costs one read less",
        "functions/users/repository/accounts.py",
        "            self._read_nobody()\n",
        "",
        _LOGGED_IN,
    ),
    Mutant(
        "who has been here before costs one call less",
        _ATTEMPTS,
        "            may_go_on = self._log.count_source(",
        "            may_go_on = is_trusted or self._log.count_source(",
        _LOGGED_IN,
    ),
)
