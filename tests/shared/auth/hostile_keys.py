"""Tokens that nobody may take, for the keys, the algorithms or the signatures that they come with."""

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth.jws import encoded
from tests.shared.auth.forging import Forge, Key, Sign, as_bytes

type Named = Iterator[tuple[str, str]]

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_KEY_IDS: Final[list[Any]] = [
    *("", " ", "x", "null", "undefined", "*", "%", "\x00", "0", "ключ", "\ud83d", "a" * 2000),
    *("../../dev/null", "/dev/null", "/proc/self/environ", "file:///etc/passwd", "C:\\nul"),
    *("https://evil.example/key", "arn:aws:kms:eu-west-1:1:key/x", "alias/aws/sns"),
    *("' OR '1'='1", "x' UNION SELECT 'k'; --", "${jndi:ldap://evil.example}", "{{7*7}}", "|id"),
    *(None, 0, -1, 1.5, True, [], {}),
]


def algorithms(forge: Forge) -> Named:
    names = ("none", "None", "NONE", "nOnE", "none ", " none", "", "es256", "ES256 ", "ES-256")
    others = ("ES384", "ES512", "ES256K", "RS256", "PS256", "EdDSA", "HS256", "dir", "A128KW")
    odd: list[Any] = [None, 0, True, [], ["ES256"], {}, ...]
    for alg in (*names, *others, *odd):
        header = forge.header(alg=alg)
        signed = forge.token(header=header)
        message = signed.rpartition(".")[0]
        yield f"alg {alg!r} and our signature", signed
        yield f"alg {alg!r} and no signature", f"{message}."
        yield f"alg {alg!r} and zeros for a signature", f"{message}.{encoded(bytes(64))}"


def secrets(forge: Forge) -> Named:
    """The public key, in every form that it is published in, as the secret of an HMAC."""
    key, jwk = forge.key.key, dict(forge.key.jwk)
    numbers = key.public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forms = {
        "PEM": pem,
        "PEM without its last line break": pem.strip(),
        "PEM in one line": pem.replace(b"\n", b""),
        "DER": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(jwk).encode(),
        "JWK without spaces": as_bytes(jwk),
        "JWK set": as_bytes({"keys": [jwk]}),
        "x as text": jwk["x"].encode(),
        "x as bytes": x,
        "y as text": jwk["y"].encode(),
        "x and y": x + y,
        "point": b"\x04" + x + y,
        "compressed point": key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        "key id": forge.key.kid.encode(),
        "nothing": b"",
    }
    for (form, secret), bits in itertools.product(forms.items(), (256, 384, 512)):
        sign = _hmac(secret, f"sha{bits}")
        header = forge.header(alg=f"HS{bits}")
        yield f"HS{bits} with {form}", forge.token(header=header, sign=sign)
        if bits == 512:  # as long as a signature of ES256
            yield f"ES256 by HMAC with {form}", forge.token(sign=sign)


def _hmac(secret: bytes, digest: str) -> Sign:
    return lambda message: hmac.digest(secret, message, digest)


def other_keys(forge: Forge) -> Named:
    foreign, wide = Key(), Key(ec.SECP384R1())
    modulus = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    scheme, edwards = padding.PKCS1v15(), ed25519.Ed25519PrivateKey.generate()
    others: dict[str, tuple[str, Sign]] = {
        "a foreign key": ("ES256", foreign.sign),
        "P-384": ("ES384", wide.sign),
        "P-384 called ES256": ("ES256", wide.sign),
        "P-384 cut to size": ("ES256", lambda message: wide.sign(message)[:64]),
        "P-521": ("ES512", Key(ec.SECP521R1()).sign),
        "secp256k1": ("ES256K", Key(ec.SECP256K1()).sign),
        "secp256k1 called ES256": ("ES256", Key(ec.SECP256K1()).sign),
        "RSA": ("RS256", lambda message: modulus.sign(message, scheme, hashes.SHA256())),
        "Ed25519": ("EdDSA", edwards.sign),
        "Ed25519 called ES256": ("ES256", edwards.sign),
    }
    for name, (alg, sign) in others.items():
        for kid in (forge.key.kid, foreign.public.kid):
            whose = "our" if kid == forge.key.kid else "its own"
            header = forge.header(alg=alg, kid=kid)
            yield f"{name} under {whose} key id", forge.token(header=header, sign=sign)


def key_ids(forge: Forge) -> Named:
    foreign = Key()
    for number, kid in enumerate([*_KEY_IDS, [forge.key.kid], {"kid": forge.key.kid}, ...]):
        header = forge.header(kid=kid)
        yield f"key id {number}: {str(kid)[:30]!a}", forge.token(header=header)
        yield (
            f"key id {number} and a foreign key",
            forge.token(header=header, sign=foreign.sign),
        )
    for kid in (
        forge.key.kid.lower(),
        forge.key.kid + "=",
        forge.key.kid[:-1],
        f" {forge.key.kid}",
    ):
        yield f"key id like ours: {kid}", forge.token(header=forge.header(kid=kid))


def header_members(forge: Forge) -> Named:
    """What a library may take a key, or an order, from. We never write them: refused even where we signed."""
    foreign = Key()
    jwk = dict(foreign.public.jwk)
    certificate = base64.b64encode(foreign.der).decode()
    members: dict[str, Any] = {
        "jwk": jwk,
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/chain.pem",
        "x5c": [certificate],
        "x5t": "AAAA",
        "x5t#S256": "AAAA",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "enc": "A128GCM",
        "cty": "JWT",
        "epk": jwk,
        "p2c": 2**31,
        "p2s": "AAAA",
        "url": "http://169.254.169.254/latest/meta-data/",
        "nonce": "x",
        "KID": forge.key.kid,
        "": "x",
    }
    for name, value in members.items():
        header = forge.header(**{name: value})
        yield f"{name!r} in the header", forge.token(header=header)
        header["kid"] = foreign.public.kid
        yield f"{name!r} and a foreign key", forge.token(header=header, sign=foreign.sign)
    yield "crit with its member", forge.token(header=forge.header(crit=["b64"], b64=True))
    for typ in (
        "JWT",
        "at+JWT",
        "application/at+jwt",
        "at+jwt ",
        "",
        "id+jwt",
        None,
        1,
        ["at+jwt"],
        ...,
    ):
        yield f"typ {typ!r}", forge.token(header=forge.header(typ=typ))


def signatures(forge: Forge) -> Named:
    message = forge.token().rpartition(".")[0]
    right = forge.sign(message.encode())
    r, s = (int.from_bytes(right[half]) for half in (slice(32), slice(32, None)))
    top = 2**256 - 1
    for a, b in itertools.product((0, 1, _ORDER, _ORDER - 1, _ORDER + 1, top), repeat=2):
        forged = a.to_bytes(32, "big") + b.to_bytes(32, "big")
        yield f"r = {a:x}, s = {b:x}", f"{message}.{encoded(forged)}"
    wrong = {
        "r and 0": right[:32] + bytes(32),
        "0 and s": bytes(32) + right[32:],
        "s and r": right[32:] + right[:32],
        "r twice": right[:32] * 2,
        "little-endian": right[:32][::-1] + right[32:][::-1],
        "DER": utils.encode_dss_signature(r, s),
        "a byte too many": right + b"\x00",
        "a zero in front": b"\x00" + right,
        "a byte too few": right[:-1],
        "twice": right * 2,
        "of other claims": forge.sign(b"other"),
        "of the digest": forge.sign(hashlib.sha256(message.encode()).digest()),
        "of the claims only": forge.sign(message.partition(".")[2].encode()),
    }
    for name, signature in wrong.items():
        yield f"signature: {name}", f"{message}.{encoded(signature)}"
