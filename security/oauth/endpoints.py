"""The authorization server for SMART backend services: token endpoint, key set, discovery.

In: a parsed form. Out: status, headers and body; no web framework. To give a token we need:
(1) a complete request that uses one way of authentication · (2) an assertion that holds (assertion.py) ·
(3) never used before, in any process · (4) a scope that the client is allowed · (5) an entry in the journal, also
when any step says no. Source: RFC 6749 §4.4, §5; RFC 7523 §2.2; SMART App Launch 2.2 "Backend Services".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from gateway.fhir.problem import Problem
from security.oauth.assertion import SMART_ALGORITHMS, Proven, verify
from security.oauth.jose import MAX_CHARS, Unreadable
from security.oauth.problems import render
from security.oauth.scopes import narrow
from security.oauth.tokens import Issued, Tokens
from security.state.registry import Registry

GRANT: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# 64 kinds with their letters fit (design default).
MAX_SCOPE_CHARS: Final = 4096
_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
_REQUIRED: Final = ("client_assertion_type", "client_assertion")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where this server is reached: ``issuer``, ``token`` and ``jwks`` endpoints, all absolute."""

    issuer: str
    token: str
    jwks: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One use of the token endpoint, for the journal. ``reason`` is one word ("" when granted), never shown outside.

    ``client`` is empty until the assertion is proven: nobody can write another's name into the journal.
    """

    granted: bool
    reason: str
    client: str = ""
    role: str = ""
    organisation: str = ""
    scopes: frozenset[str] = frozenset()
    token: str = ""
    request: str = ""
    address: str = ""


class Reply(NamedTuple):
    """An HTTP answer: status, headers, and a body to be written as JSON."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class _Refused(Exception):  # noqa: N818 - the word for it
    """The request is refused: ``problem`` for the client, ``reason`` for the journal, ``proven`` if it came so far."""

    def __init__(self, problem: Problem, reason: str, proven: Proven | None = None) -> None:
        super().__init__(reason)
        self.problem, self.reason, self.proven = problem, reason, proven


class OAuth:
    """The endpoints of one authorization server."""

    def __init__(
        self,
        registry: Registry,
        tokens: Tokens,
        *,
        addresses: Addresses,
        now: Callable[[], datetime],
        audit: Callable[[Attempt], Awaitable[object]],
    ) -> None:
        """Authenticate by ``registry``, issue by ``tokens``; ``audit`` is awaited before any answer leaves."""
        self._registry, self._tokens = registry, tokens
        self._addresses, self._now, self._audit = addresses, now, audit
        self.algorithms = SMART_ALGORITHMS
        """Accepted for assertions. Adding RS256 here is the switch for clients that cannot do better."""

    async def token(
        self, form: Mapping[str, str], headers: Mapping[str, str], *, request_id: str = "", address: str = ""
    ) -> Reply:
        """Answer one POST. ``form`` holds each parameter once, ``headers`` have lower-case names."""
        try:
            proven, scopes = await self._granted(form, headers)
        except _Refused as refused:
            await self._audit(_denial(refused, request_id, address))
            return _refusal(refused.problem)
        except Problem as problem:  # (5) also when the registry is out of reach
            await self._audit(Attempt(granted=False, reason=problem.code, request=request_id, address=address))
            return _refusal(problem)
        issued = self._tokens.issue(proven.client, scopes)
        await self._audit(_grant(proven, issued, request_id, address))  # (5)
        return Reply(200, dict(_HEADERS), _body(issued))

    async def refuse_form(self, parameter: str, *, request_id: str = "", address: str = "") -> Reply:
        """Answer a POST whose form could not be read: ``parameter`` names what is missing or there twice."""
        refused = _Refused(Problem("SEC-121", parameter=parameter), "form")
        await self._audit(_denial(refused, request_id, address))
        return _refusal(refused.problem)

    def jwks(self) -> dict[str, Any]:
        """Return the public keys that access tokens are signed with."""
        return self._tokens.jwks()

    def configuration(self) -> dict[str, Any]:
        """Return `.well-known/smart-configuration`: what is built, nothing else."""
        return {
            "issuer": self._addresses.issuer,
            "jwks_uri": self._addresses.jwks,
            "token_endpoint": self._addresses.token,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": sorted(self.algorithms, reverse=True),
            "grant_types_supported": [GRANT],
            "scopes_supported": ["system/*.cruds"],
            "code_challenge_methods_supported": ["S256"],  # required of every server, whatever its grants
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        }

    async def _granted(self, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[Proven, frozenset[str]]:
        assertion = _assertion(form, headers)  # (1)
        proven = self._proven(assertion, form.get("client_id"))  # (2)
        expires = datetime.fromtimestamp(proven.expires, UTC)
        if not await self._registry.spend(proven.client.client_id, proven.jti, expires):  # (3)
            raise _Refused(Problem("SEC-122"), "replayed", proven)
        scopes = narrow(form.get("scope", "")[:MAX_SCOPE_CHARS].split(), proven.client.scopes)  # (4)
        if not scopes:
            raise _Refused(Problem("SEC-124"), "scope", proven)
        return proven, scopes

    def _proven(self, assertion: str, named: str | None) -> Proven:
        known, moment = self._registry.snapshot(), self._now().timestamp()
        try:
            proven = verify(assertion, known, audience=self._addresses.token, algorithms=self.algorithms, moment=moment)
        except Unreadable as error:
            raise _Refused(Problem("SEC-122"), str(error)) from None
        if named is not None and named != proven.client.client_id:
            raise _Refused(Problem("SEC-122"), "client-id", proven)
        return proven


def _assertion(form: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Return the client assertion of a complete request."""
    if not form.get("grant_type"):
        raise _Refused(Problem("SEC-121", parameter="grant_type"), "form")
    if form["grant_type"] != GRANT:
        raise _Refused(Problem("SEC-123"), "grant-type")
    # RFC 6749 §2.3: no more than one way of authentication a request.
    for other, place in (("authorization", headers), ("client_secret", form)):
        if other in place:
            raise _Refused(Problem("SEC-121", parameter=other), "two-authentications")
    for name in _REQUIRED:
        if not form.get(name):
            raise _Refused(Problem("SEC-121", parameter=name), "form")
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise _Refused(Problem("SEC-121", parameter="client_assertion_type"), "form")
    if len(form["client_assertion"]) > MAX_CHARS:
        raise _Refused(Problem("SEC-122"), "too-large")
    return form["client_assertion"]


def _refusal(problem: Problem) -> Reply:
    return Reply(problem.status, dict(_HEADERS), render(problem))


def _body(issued: Issued) -> dict[str, Any]:
    return {
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": " ".join(sorted(issued.scopes)),
    }


def _denial(refused: _Refused, request: str, address: str) -> Attempt:
    if refused.proven is None:
        return Attempt(granted=False, reason=refused.reason, request=request, address=address)
    client = refused.proven.client
    return Attempt(
        granted=False,
        reason=refused.reason,
        client=client.client_id,
        role=client.role,
        organisation=client.organisation,
        request=request,
        address=address,
    )


def _grant(proven: Proven, issued: Issued, request: str, address: str) -> Attempt:
    client = proven.client
    return Attempt(
        granted=True,
        reason="",
        client=client.client_id,
        role=client.role,
        organisation=client.organisation,
        scopes=issued.scopes,
        token=issued.jti,
        request=request,
        address=address,
    )
