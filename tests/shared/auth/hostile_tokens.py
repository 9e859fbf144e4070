"""Tokens that nobody may take: what RFC 8725 warns of, what lenient decoders have let through, and what time forbids.

All that can be is signed by the verifier's own key, so that nothing but the fault itself speaks against it.
"""

import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.auth.jws import encoded
from tests.shared.auth import hostile_keys
from tests.shared.auth.forging import Forge, as_bytes, decoded
from tests.shared.auth.hostile_keys import Named

_ENDLESS: Final = [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9" * 400]
_NO_NUMBERS: Final[list[Any]] = [None, True, False, "", "1", [], [1], {}, {"a": 1}, 1.5]
_NO_TEXTS: Final[list[Any]] = [None, True, 0, 1, 1.5, [], {}, {"a": "b"}]
_NO_IDS: Final = ["", " ", "a b", "alice ", "alice\n", "\x00", "\x7f", "älice", "\ud800", "a" * 129]


def hostile(forge: Forge) -> dict[str, str]:
    """All of them, by what is wrong with each."""
    makers: tuple[Callable[[Forge], Named], ...] = (
        hostile_keys.algorithms,
        hostile_keys.secrets,
        hostile_keys.other_keys,
        hostile_keys.key_ids,
        hostile_keys.header_members,
        _duplicates,
        _times,
        _claims,
        _payloads,
        hostile_keys.signatures,
        _forms,
        _spellings,
        _cut,
        _flipped,
    )
    made: dict[str, str] = {}
    for maker in makers:
        for name, token in maker(forge):
            assert name not in made, name
            made[name] = token
    return made


def surrounded(forge: Forge) -> dict[str, str]:
    """A good token with white space round it, which HTTP takes off before anybody sees it."""
    good = forge.token()
    return {
        f"{space!r} {place}": text
        for space in (" ", "\t", "\n", "\r\n", "\x00", "\u00a0")
        for place, text in (("before", space + good), ("behind", good + space))
    }


def _duplicates(forge: Forge) -> Named:
    """Two members of one name: a lenient reader takes the last, another the first."""
    header, claims = forge.header(), forge.claims()
    other = {"role": "admin", "sub": "bob", "exp": claims["exp"] + 99, "alg": "none", "typ": "JWT"}
    for part, whole in (("header", header), ("claims", claims)):
        for name, value in whole.items():
            for how, twice in (
                ("good twice", _twice(whole, name, value, value)),
                ("good first", _twice(whole, name, value, other.get(name, "x"))),
                ("good last", _twice(whole, name, other.get(name, "x"), value)),
                ("escaped", _twice(whole, name, value, value, escaped=True)),
            ):
                parts = (claims, twice) if part == "header" else (twice, header)
                yield f"{name!r} twice in the {part}, {how}", forge.token(*parts)


def _twice(
    whole: Mapping[str, Any], name: str, first: object, second: object, *, escaped: bool = False
) -> bytes:
    again = f"\\u{ord(name[0]):04x}{name[1:]}" if escaped else name
    rest = "".join(f",{json.dumps(n)}:{json.dumps(v)}" for n, v in whole.items() if n != name)
    return f'{{"{name}":{json.dumps(first)}{rest},"{again}":{json.dumps(second)}}}'.encode()


def _times(forge: Forge) -> Named:
    now = int(time.time())
    moments: dict[str, list[Any]] = {
        "exp": [now, now - 1, now - 900, 0, -1, -now, now + 902, now * 1000, 2**31, 2**63, 10**300],
        "iat": [now + 60, now + 900, now * 1000, 2**63, 0, -1, now - 2],
        "nbf": [now + 60, now + 901, now * 1000, 2**63],
    }
    for name, values in moments.items():
        for value in values:
            yield f"{name} {str(value)[:20]}", forge.token(forge.claims(**{name: value}))
        for wrong in (*_NO_NUMBERS, str(now + 900), float(now + 900), [now + 900]):
            said = forge.claims(**{name: wrong})
            yield f"{name} of another type: {wrong!r}", forge.token(said)
        for endless in _ENDLESS:
            said = forge.claims(**{name: 123454321})
            raw = as_bytes(said).replace(b"123454321", endless)
            yield f"{name} {endless[:9].decode()}", forge.token(raw)
    for ends in (901, 3600, 6 * 3600, 10**9):
        yield f"a life of {ends} s", forge.token(forge.claims(exp=now + ends, iat=now))


def _claims(forge: Forge) -> Named:
    for name in forge.claims():
        yield f"without {name}", forge.token(forge.claims(**{name: ...}))
    for name in ("iss", "aud", "sub", "jti", "role"):
        good = forge.claims()[name]
        for wrong in (*_NO_TEXTS, [good], {good: good}, ""):
            yield f"{name} of another type: {wrong!r}", forge.token(forge.claims(**{name: wrong}))
    for name, wrong in itertools.product(("sub", "jti"), _NO_IDS):
        if wrong:
            yield f"{name} {wrong[:9]!a}", forge.token(forge.claims(**{name: wrong}))
    others: dict[str, list[Any]] = {
        "iss": [
            "https://evil.example",
            forge.issuer + "/",
            forge.issuer.upper(),
            f" {forge.issuer}",
        ],
        "aud": ["elsewhere", "Bodega", "bodega ", "bode", "bodega,elsewhere", ["bodega", "x"], "*"],
        "role": ["owner", "Admin", "admin ", "customer,admin", ["customer", "admin"], "root", "*"],
    }
    for name, values in others.items():
        for value in values:
            yield f"{name} {value!r}", forge.token(forge.claims(**{name: value}))
    for extra in ({"a": 1}, [1], None, True, 1.5):
        yield f"a further claim that is {extra!r}", forge.token(forge.claims(further=extra))


def _payloads(forge: Forge) -> Named:
    good, subject = as_bytes(forge.claims()), forge.subject.encode()
    payloads = {
        "no object: list": b"[]",
        "no object: text": b'"x"',
        "no object: number": b"1",
        "no object: null": b"null",
        "no object: true": b"true",
        "empty": b"{}",
        "no JSON": b"x",
        "NUL": b"\x00",
        "another token": forge.token().encode(),
        "another token in JSON": json.dumps(forge.token()).encode(),
        "single quotes": good.replace(b'"', b"'"),
        "a comma too many": good[:-1] + b",}",
        "a comment": good + b"//",
        "something behind": good + good,
        "cut": good[:-1],
        "byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-32": good.decode().encode("utf-32"),
        "no UTF-8": good.replace(subject, b"al\xffce"),
        "overlong UTF-8": good.replace(subject, b"al\xc0\xafce"),
        "a line break in a text": good.replace(subject, b"al\nice"),
        "nested deep": b'{"a":' + b"[" * 1400 + b"]" * 1400 + b"}",
        "nested deeper": b"[" * 2800,
        "objects nested deep": b'{"a":' * 560,
    }
    for name, payload in payloads.items():
        yield f"claims: {name}", forge.token(payload)
        yield f"header: {name}", forge.token(header=payload)


def _forms(forge: Forge) -> Named:
    good = forge.token()
    head, body, signature = good.split(".")
    flat = {"protected": head, "payload": body, "signature": signature}
    general = {"payload": body, "signatures": [{"protected": head, "signature": signature}]}
    forms = {
        "one part": head,
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "five parts, as a JWE has": f"{good}.{body}.{signature}",
        "a JWE": ".".join([encoded(b'{"alg":"dir","enc":"A128GCM"}'), "", "AAAA", body, signature]),
        "flattened JSON": json.dumps(flat),
        "general JSON": json.dumps(general),
        "detached claims": f"{head}..{signature}",
        "no header": f".{body}.{signature}",
        "dots": "...",
        "two dots": "..",
        "x": "x",
        "a token twice": good + good,
        "two tokens": f"{good},{good}",
        "quoted": f'"{good}"',
        "with its scheme": f"Bearer {good}",
        "another's claims": f"{head}.{encoded(as_bytes(forge.claims(role='admin')))}.{signature}",
        "reversed": good[::-1],
        "upper case": good.upper(),
        "lower case": good.lower(),
        "escaped dots": good.replace(".", "%2E"),
    }
    yield from forms.items()
    for size in (4097, 8192, 65536, 1_000_000):
        yield f"{size} characters", "A" * size
        padded = forge.claims(pad="x" * size)
        yield f"claims of {size} characters and more", forge.token(padded)
    long = forge.header(pad="x" * 4096)
    yield "a header of 4,096 characters and more", forge.token(header=long)


def _spellings(forge: Forge) -> Named:
    """The same bytes in letters that a lenient decoder takes for them, signed in that spelling where that is possible."""
    good = _with_all_letters(forge)
    parts = dict(zip(("header", "claims", "signature"), good.split("."), strict=True))
    for place, text in parts.items():
        other_bits = text[:-1] + chr(ord(text[-1]) + 1)
        spelled = {
            "bits that no byte needs": other_bits if len(text) % 4 else f"{text}A",
            "padding": text + "=" * (-len(text) % 4 or 4),
            "the standard alphabet": text.replace("-", "+").replace("_", "/"),
            **{
                f"{skipped!r} inside": text[:9] + skipped + text[9:]
                for skipped in ("=", "!", " ", "\n", "\t", "\x00", "é", "\u200b", "~")
            },
        }
        for how, other in spelled.items():
            changed = {**parts, place: other}
            whole = ".".join(changed.values())
            if whole == good:
                continue
            yield f"{how} in the {place}", whole
            if place != "signature":
                message = f"{changed['header']}.{changed['claims']}"
                yield f"{how} in the {place}, signed so", forge.signed(message)


def _with_all_letters(forge: Forge) -> str:
    """A good token in which every part has a letter that the standard alphabet spells otherwise, and bits to spare."""
    while True:
        # Texts that base64url spells with "-" and "_".
        token = forge.token(forge.claims(jti="~~~???"), forge.header())
        if {*"-_"} & {*token.rpartition(".")[2]}:
            return token


def _cut(forge: Forge) -> Named:
    good = forge.token()
    for length in range(len(good)):
        yield f"the first {length} characters", good[:length]


def _flipped(forge: Forge) -> Named:
    """One bit of each byte."""
    parts = forge.token().split(".")
    for place, part in enumerate(parts):
        whole = decoded(part)
        for number in range(len(whole)):
            flipped = bytearray(whole)
            flipped[number] ^= 1 << number % 8
            changed = [*parts[:place], encoded(bytes(flipped)), *parts[place + 1 :]]
            yield f"a bit of byte {number} of part {place} flipped", ".".join(changed)
