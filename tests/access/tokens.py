#!/usr/bin/env python3
"""tokens.py VERDICT [SEED]: random tokens signed by PyJWT, and forgeries of each, beside what `token_verdict` says of them.

A valid token must be taken by PyJWT and by us, with the same subject. Each kind of forgery must be refused by us for its own
reason. Prints the seed, each disagreement, and `N passed, N failed`: one check for all valid tokens of an algorithm, one for each
kind of forgery."""
import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import tempfile

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

NOW = 1700000000
AUDIENCE, ISSUER = "sluice", "https://auth.example"
TOKENS = 40

verdict_program = sys.argv[1]
seed = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else int.from_bytes(os.urandom(4), "big")
chance = random.Random(seed)
print(f"tokens: seed {seed}")


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwk(key, algorithm, kid):
    make = jwt.algorithms.get_default_algorithms()[algorithm].to_jwk
    row = json.loads(make(key.public_key()))
    row.pop("key_ops", None)
    return row | {"kid": kid, "use": "sig"}


rsa_key, other_key = (rsa.generate_private_key(public_exponent=65537, key_size=bits) for bits in (2048, 3072))
curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
keys = {name: ec.generate_private_key(curve) for name, curve in curves.items()}
keys |= {name: rsa_key for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")}
strangers = {name: ec.generate_private_key(curve) for name, curve in curves.items()}
strangers |= {name: other_key for name in keys if name not in strangers}
kids = {name: name.lower() if name in curves else "rsa" for name in keys}
key_set = {"keys": [jwk(keys[name], name, kids[name]) for name in curves] + [jwk(rsa_key, "RS256", "rsa")]}
key_set["keys"] += [{"kty": "oct", "k": "AAAA", "kid": "secret"}, {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "ed"}]
# PyJWT writes no `alg`, so the key of RSA is for all six.


def claims_random():
    claims = {"iss": ISSUER, "exp": NOW + chance.randint(1, 10**6), "sub": f"user-{chance.randrange(10**6)}"}
    claims["aud"] = AUDIENCE if chance.random() < 0.5 else chance.sample([AUDIENCE, "x", "y", "z"], 4)[: chance.randint(1, 4)]
    if AUDIENCE not in claims["aud"]:
        claims["aud"] = [AUDIENCE]
    if chance.random() < 0.5:
        claims["iat"] = NOW - chance.randint(0, 10**5)
    if chance.random() < 0.5:
        claims["nbf"] = NOW - chance.randint(0, 10**5)
    for _ in range(chance.randrange(5)):
        claims[f"c{chance.randrange(100)}"] = chance.choice([1.5, "é☃", [1, {"a": None}], True, "x" * chance.randrange(300)])
    return claims


def sign(algorithm, header, payload, key=None):
    """A token of any bytes, signed well."""
    signed = encode(header if isinstance(header, bytes) else json.dumps(header).encode()) + "." + encode(
        payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return signed + "." + signature(algorithm, signed, key)


def signature(algorithm, signed, key=None):
    return encode(jwt.algorithms.get_default_algorithms()[algorithm].sign(signed.encode(), key or keys[algorithm]))


def change(text, at, letters="ABCDEFGHabcdefgh0123-_"):
    return text[:at] + chance.choice([c for c in letters if c != text[at]]) + text[at + 1:]


# Each forges a token: (algorithm, header, claims, token) to another, or None where it means nothing of that algorithm.
def without(name):
    return lambda a, h, c, t: sign(a, h, {k: v for k, v in c.items() if k != name})


def with_claim(name, value):
    return lambda a, h, c, t: sign(a, h, c | {name: value})


def with_header(name, value):
    return lambda a, h, c, t: sign(a, h | {name: value}, c)


def with_public_key_as_secret(a, h, c, t):
    pem = keys[a].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = encode(json.dumps(h | {"alg": "HS256"}).encode()) + "." + t.split(".")[1]
    return signed + "." + encode(hmac.new(pem, signed.encode(), hashlib.sha256).digest())


def with_der(a, h, c, t):
    if a not in curves:
        return None
    head, raw = t.rsplit(".", 1)
    raw = decode(raw)
    half = len(raw) // 2
    return head + "." + encode(encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")))


def longer(a, h, c, t):
    head, raw = t.rsplit(".", 1)
    return head + "." + encode(b"\0" + decode(raw))


def swapped(a, h, c, t):
    other = {"RS256": "PS256", "PS256": "RS256", "RS384": "RS256", "RS512": "PS512", "PS384": "RS384", "PS512": "PS384"}.get(a)
    return other and sign(other, h, c)


def twice(a, h, c, t):
    return sign(a, h, json.dumps(c)[:-1].encode() + b', "exp": ' + str(NOW + 5).encode() + b"}")


def header_twice(a, h, c, t):
    return sign(a, json.dumps(h)[:-1].encode() + b', "alg": "' + a.encode() + b'"}', c)


def edited(a, h, c, t):
    head, _, tail = t.split(".")
    return head + "." + encode(json.dumps(c | {"sub": "root"}).encode()) + "." + tail


def bits_behind(a, h, c, t):
    """The last letter's bits that stand for no byte."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = {2: 4, 3: 2, 0: 0}[len(t.rsplit(".", 1)[1]) % 4]
    return t[:-1] + letters[letters.index(t[-1]) | 1] if spare else None


SIGNATURE, CLAIMS = "signature of the token", "claims of the token"
forgeries = {
    "alg none": (lambda a, h, c, t: encode(json.dumps(h | {"alg": "none"}).encode()) + "." + t.split(".")[1] + ".", "not signed"),
    "alg none, signed": (with_header("alg", "None"), "not signed"),
    "public key as secret": (with_public_key_as_secret, "algorithm of the token"),
    "alg of another key": (lambda a, h, c, t: sign(a, h | {"alg": "ES256" if a != "ES256" else "RS256"}, c), "not for its algorithm"),
    "padding or digest of another alg": (swapped, SIGNATURE),
    "unknown kid": (with_header("kid", "nobody"), "does not publish"),
    "kid of a secret": (with_header("kid", "secret"), "does not publish"),
    "kid that is a number": (with_header("kid", 7), "header of the token"),
    "crit": (with_header("crit", ["exp"]), "crit"),
    "typ of another purpose": (with_header("typ", "logout+jwt"), "another purpose"),
    "key of a stranger": (lambda a, h, c, t: sign(a, h, c, strangers[a]), SIGNATURE),
    "key in the header": (lambda a, h, c, t: sign(a, h | {"jwk": jwk(strangers[a], a, kids[a])}, c, strangers[a]), SIGNATURE),
    "claims edited": (edited, SIGNATURE),
    "signature edited": (lambda a, h, c, t: change(t, chance.randrange(t.rindex(".") + 1, len(t) - 1)), SIGNATURE),
    "signature cut": (lambda a, h, c, t: t[:-4], SIGNATURE),
    "signature longer": (longer, SIGNATURE),
    "signature in DER": (with_der, SIGNATURE),
    "signature left out": (lambda a, h, c, t: t[: t.rindex(".") + 1], SIGNATURE),
    "padding": (lambda a, h, c, t: t + "=", SIGNATURE),
    "spare bits": (bits_behind, SIGNATURE),
    "member twice": (twice, CLAIMS),
    "header member twice": (header_twice, "header of the token"),
    "claims that are a list": (lambda a, h, c, t: sign(a, h, [c]), CLAIMS),
    "claims that are no UTF-8": (lambda a, h, c, t: sign(a, h, b'{"exp": 1900000000, "sub": "\xff"}'), CLAIMS),
    "no exp": (without("exp"), "no expiry"),
    "exp as text": (with_claim("exp", str(NOW + 9)), CLAIMS),
    "expired": (with_claim("exp", NOW), "expired"),
    "not yet": (with_claim("nbf", NOW + 1), "not valid yet"),
    "of tomorrow": (with_claim("iat", NOW + 86400), "in the future"),
    "no aud": (without("aud"), "audience"),
    "another aud": (with_claim("aud", ["sluic", "sluice2"]), "audience"),
    "no iss": (without("iss"), "issuer"),
    "another iss": (with_claim("iss", ISSUER + "/"), "issuer"),
    "five parts": (lambda a, h, c, t: t + ".a.b", "encrypted"),
    "two parts": (lambda a, h, c, t: t[: t.rindex(".")], "three parts"),
    "1 MiB": (lambda a, h, c, t: t + "A" * (1 << 20), "more than 16384"),
}

rows = []  # what is checked, the token, its words, and the subject of a valid one
for algorithm in sorted(keys):
    for _ in range(TOKENS):
        claims = claims_random()
        token = jwt.encode(claims, keys[algorithm], algorithm=algorithm, headers={"kid": kids[algorithm]})
        jwt.decode(token, keys[algorithm].public_key(), algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER,
                   options={"verify_exp": False, "verify_nbf": False, "verify_iat": False})
        rows.append((algorithm, token, "taken " + claims["sub"]))
        header = jwt.get_unverified_header(token)
        assert decode(token.split(".")[1])
        # A forgery of one in eight: signing takes the time.
        for kind, (forge, words) in forgeries.items():
            forged = forge(algorithm, header, claims, token) if chance.random() < 0.125 else None
            if forged:
                rows.append((kind, forged, words))

with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    json.dump(key_set, file)
    file.flush()
    said = subprocess.run([verdict_program, file.name, str(NOW * 1000), AUDIENCE, ISSUER], check=True, capture_output=True, text=True,
                          input="".join(token + "\n" for _, token, _ in rows)).stdout.splitlines()
assert len(said) == len(rows), (len(said), len(rows))
failed = {}
for (what, token, words), answer in zip(rows, said):
    is_right = answer == words if what in keys else not answer.startswith("taken") and words in answer
    failed[what] = failed.get(what, 0) + (not is_right)
    if not is_right:
        print(f"tokens: {what}: {answer!r}, not {words!r}: {token[:2000]}")
missing = [kind for kind in forgeries if kind not in failed]
print(f"tokens: {len(rows)} tokens, {len(forgeries)} kinds of forgeries" + (f"; never drawn: {missing}" if missing else ""))
print(f"{sum(n == 0 for n in failed.values())} passed, {sum(n > 0 for n in failed.values()) + len(missing)} failed")
