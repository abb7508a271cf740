"""One request as the corpus writes it, made in the world: FHIR, token endpoint, feed or MLLP.

In: a mapping of a corpus file, in which `<home.condition>` stands for an id, a number or what an earlier step kept.
Out: an `Answer`. Token and assertion may be forged in any way (`forge`). See README.md for the words.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from gateway.intake.mllp import END, START, Framer
from security.oauth import TokenKeys
from tests.attacks.plan import Plan
from tests.attacks.world import World
from tests.flows.town import ASSERTION, URL, a03, record
from tests.security.oauth import forge

Doc = dict[str, Any]
_NAME = re.compile(r"<([a-z]+\.[a-z0-9.-]+)>")
_TIMES = re.compile(r"now([+-][0-9]+)")
_AS_WRITTEN = "".join(chr(code) for code in range(33, 127))
"""What is not ASCII is percent-encoded, as every client does; nothing else is touched."""
_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``status`` (0 where there is none), ``headers``, ``body``, and the ``request`` id it names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request: str = ""

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")

    def meets(self, plan: Plan) -> set[str]:
        """Return the secrets in body and headers."""
        told = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return plan.met(self.body + b"\n" + told.encode("utf-8", "replace"))

    def codes(self) -> set[str]:
        """Return the codes of what was refused: of issues, of a token endpoint's error, of an ACK."""
        try:
            doc = json.loads(self.body)
        except ValueError:
            return set(re.findall(r"MSA\|(\w\w)", self.text))
        if not isinstance(doc, dict):
            return set()
        issues = [*doc.get("issue", ()), *_data(doc).get("issues", ())]
        found = {code["code"] for issue in issues for code in issue.get("details", {}).get("coding", ())}
        found |= {issue["code"] for issue in issues if "code" in issue}
        return found | {str(doc[name]) for name in ("error", "success") if name in doc}


async def ask(world: World, request: Doc, known: Mapping[str, str], by: str) -> Answer:
    """Make ``request`` as ``by`` and return the answer; ``known`` are the names that it may use."""
    request = filled(request, known)
    if "mllp" in request:
        return await _mllp(world, request["mllp"])
    request_id = str(uuid4())
    method, _, path = request["ask"].partition(" ")
    headers = {"X-Request-Id": request_id, **(await _authorization(world, request, by)), **request.get("headers", {})}
    content = await _content(world, request, headers, by)
    pairs = [(name, value) for name, values in headers.items() for value in _many(values)]
    address = path if path.startswith("/") else f"/fhir/{path}".rstrip("/")
    sent = world.http.build_request(method, "/", headers=pairs, content=content)
    # As written: a client library would mend dots, slashes and percent signs.
    sent.url = sent.url.copy_with(raw_path=quote(address, safe=_AS_WRITTEN).encode())
    response = await (await _worker(world, request)).http.send(sent)
    answer = Answer(response.status_code, dict(response.headers), response.content, request_id)
    if "then" in request and answer.status == 200:
        token = json.loads(answer.body)["access_token"]
        later = await ask(world, {"ask": request["then"], "token": token}, known, by)
        return replace(later, body=later.body + answer.body)
    return answer


async def _worker(world: World, request: Doc) -> World:
    """Return the worker that ``request`` goes to: the world's own, or the second one on the same database."""
    return await world.second() if request.get("worker") == 2 else world


def filled(node: Any, known: Mapping[str, str]) -> Any:
    """Return ``node`` with every `<name>` replaced. AssertionError for a name that nobody knows."""
    if isinstance(node, Mapping):
        return {filled(key, known): filled(value, known) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value, known) for value in node]
    return _NAME.sub(lambda match: _known(match, known), node) if isinstance(node, str) else node


def _known(match: re.Match[str], known: Mapping[str, str]) -> str:
    assert match[1] in known, f"nothing is called {match[0]}"
    return known[match[1]]


def _data(doc: Doc) -> Doc:
    data = doc.get("data")
    return data if isinstance(data, dict) else {}


def _many(values: str | list[str]) -> list[str]:
    return values if isinstance(values, list) else [values]


async def _authorization(world: World, request: Doc, by: str) -> dict[str, Any]:
    match request.get("token", "own"):
        case "own" if "assertion" in request or by == "nobody":
            return {}
        case "own":
            return {"Authorization": f"Bearer {await world.token(by)}"}
        case "none":
            return {}
        case str(token):
            return {"Authorization": f"Bearer {token}"}
        case Mapping() as changes:
            return {"Authorization": f"Bearer {await _forged_token(world, changes, by)}"}


async def _forged_token(world: World, changes: Mapping[str, Any], by: str) -> str:
    """Return an access token of ``by`` with ``changes`` of head and claims, signed as ``key`` says."""
    role, organisation, scopes, _ = world.clients[by]
    keys = TokenKeys.load(world.settings.token_key_file)
    moment = int(world.clock().timestamp())
    claims = {
        "iss": URL,
        "sub": by,
        "client_id": by,
        "aud": f"{URL}/fhir",
        "jti": str(uuid4()),
        "iat": moment,
        "exp": moment + 240,
        "scope": " ".join(scopes),
        "org": organisation,
        "role": role.value,
    }
    head = {"alg": "ES256", "typ": "at+jwt", "kid": keys.kid}
    return _signed(world, changes, head, claims, keys.active)


def _signed(world: World, changes: Mapping[str, Any], head: Doc, claims: Doc, own: ECKey) -> str:
    head = _changed(world, {**head, **changes.get("head", {})})
    claims = _changed(world, {**claims, **changes.get("claims", {})})
    if "pad" in changes:
        claims["pad"] = "0" * int(changes["pad"])
    match changes.get("key", "own"):
        case "own":
            return forge.signed(head, claims, own)
        case "none":
            return forge.unsigned(head, claims)
        case "stranger":
            return forge.signed(head, claims, ECKey.generate_key(own.curve_name, private=True))
        case "stranger-p256":
            return forge.signed(head, claims, ECKey.generate_key("P-256", private=True))
        case "public":
            # Key confusion: the public key, which everybody may read, as the secret of an HMAC.
            return _by_hand(
                head, claims, lambda data: hmac.digest(own.as_pem(private=False), data, f"sha{head['alg'][2:]}")
            )
        case "by-hand":
            return _by_hand(head, claims, lambda data: _ecdsa(own, data))
        case name:
            return forge.signed(head, claims, world.keys[name])


def _by_hand(head: Doc, claims: Doc, sign: Callable[[bytes], bytes]) -> str:
    """Return a compact JWS that no library would sign."""
    data = forge.unsigned(head, claims).removesuffix(".")
    return f"{data}.{base64.urlsafe_b64encode(sign(data.encode())).decode().rstrip('=')}"


def _ecdsa(key: ECKey, data: bytes) -> bytes:
    """Return an ES256 signature (RFC 7518 §3.4)."""
    one, two = decode_dss_signature(key.private_key.sign(data, ECDSA(SHA256())))
    return one.to_bytes(32) + two.to_bytes(32)


def _changed(world: World, values: Doc) -> Doc:
    """Return ``values`` without those that are null, `now+60` turned into an instant."""
    moment = int(world.clock().timestamp())
    found = {name: value for name, value in values.items() if value is not None}
    for name, value in found.items():
        if isinstance(value, str) and (time := _TIMES.fullmatch(value)):
            found[name] = moment + int(time[1])
    return found


async def _content(world: World, request: Doc, headers: Doc, by: str) -> bytes:
    if "assertion" in request:
        return _form(headers, {**_assertion(world, request["assertion"], by), **request.get("form", {})})
    if "form" in request:
        return _form(headers, request["form"])
    if "record" in request:
        headers.setdefault("Content-Type", "application/json")
        return json.dumps(_record(request["record"]), ensure_ascii=False).encode()
    if "json" in request:
        headers.setdefault("Content-Type", "application/fhir+json")
        return json.dumps(request["json"], ensure_ascii=False).encode()
    if "body" in request:
        headers.setdefault("Content-Type", "application/fhir+json")
        return _raw(request["body"])
    return b""


def _form(headers: Doc, values: Mapping[str, Any]) -> bytes:
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    pairs = [(name, value) for name, many in values.items() if many is not None for value in _many(many)]
    return urlencode(pairs).encode()


def _assertion(world: World, changes: Mapping[str, Any], by: str) -> Doc:
    key = world.keys[by]
    moment = int(world.clock().timestamp())
    claims = {"iss": by, "sub": by, "aud": f"{URL}/oauth/token", "jti": str(uuid4()), "exp": moment + 240}
    head = {"alg": "ES384", "kid": key.thumbprint(), "typ": "JWT"}
    return {
        "grant_type": "client_credentials",
        "scope": " ".join(world.clients[by][2]),
        "client_assertion_type": ASSERTION,
        "client_assertion": _signed(world, changes, head, claims, key),
    }


def _raw(body: Mapping[str, Any] | str) -> bytes:
    """Return the bytes that ``body`` describes: text, text many times over, packed, or base64."""
    if isinstance(body, str):
        return body.encode()
    text = "".join(part if isinstance(part, str) else part["of"] * part["times"] for part in body["parts"])
    raw = base64.b64decode(text) if body.get("base64") else text.encode()
    return gzip.compress(raw) if body.get("gzip") else raw


def _record(described: Mapping[str, Any]) -> Doc:
    """Return a sample record with members set by path."""
    found = record(described["of"])
    found["msgId"] = f"ATTACK-{uuid4()}"
    for path, value in described.get("set", {}).items():
        node: Any = found
        *steps, last = path.split(".")
        for step in steps:
            node = node[int(step) if step.isdigit() else step]
        node[last] = value
    return found


async def _mllp(world: World, described: Mapping[str, Any]) -> Answer:
    """Send the sample discharge from the address ``from``, with ``replace`` done to it."""
    message = a03()
    for old, new in {"A03202603120001": uuid4().hex[:16], **described.get("replace", {})}.items():
        assert old.encode() in message, old
        message = message.replace(old.encode(), new.encode())
    source = (described.get("from", "127.0.0.1"), 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.app.mllp_port, local_addr=source)
    try:
        writer.write(START + message + END + b"\r")
        async with asyncio.timeout(_WITHIN_S):
            frames = []
            framer = Framer()
            while not frames and (data := await reader.read(65536)):
                frames = framer.feed(data)
    finally:
        writer.close()
        await writer.wait_closed()
    await world.quiet()
    return Answer(0, {}, frames[0] if frames and isinstance(frames[0], bytes) else b"")
