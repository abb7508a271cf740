"""The ways in which `removals` takes lines of enforcement out: what stands in their place, as if nobody had thought.

Each function answers as the gateway would without the line, and does nothing else; none is used by any product code.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.fhir import codec
from gateway.fhir.predicate import EVERYTHING as ALL_ROWS
from gateway.fhir.problem import Problem
from gateway.hub import Demand, links
from security.access import policy
from security.access.relations import Bond
from security.caller import Caller
from security.consent.book import ANY_CLASS, Grants
from security.consent.parse import CLASSES
from security.oauth.assertion import Proven
from security.oauth.jose import Unreadable
from security.state.roles import ROLES
from tests.flows.town import START, URL

BASE: Final = f"{URL}/fhir"
ANYTHING: Final = re.compile(r".*", re.DOTALL)
NEVER: Final = re.compile(r"(?!)")
HUGE: Final = 1 << 40
FROM_THE_LIST: Final = "&& [...]"
"""Stands for the last condition of a policy: a list of kinds or classes."""
_THE_LIST = re.compile(r"&&\s*\[[^\]]*\]\.contains\([a-z.]+\)")


def answering(value: Any) -> Callable[..., Any]:
    """Return an async function that answers ``value`` to everything."""

    async def answer(*_: Any, **__: Any) -> Any:
        return value

    return answer


def answering_now(value: Any) -> Callable[..., Any]:
    """Return a function that answers ``value`` to everything."""
    return lambda *_, **__: value


def policies_without(load: Callable[..., Any], changes: Sequence[tuple[str, str]]) -> Callable[..., Any]:
    """Return a loader of the policies with parts of some left out."""

    def loaded(folder: str = "policies") -> policy.Policies:
        found = load(folder)
        texts = dict(found.texts)
        for id, part in changes:
            name = next(name for name, text in texts.items() if f'@id("{id}")' in text)
            texts[name] = _without(texts[name], id, part)
        return policy.parse(texts, found.schema_text)

    return loaded


def _without(text: str, id: str, part: str) -> str:
    start = text.index(f'@id("{id}")')
    end = text.index(";", text.index("(principal", start)) + 1
    body = text[start:end]
    if part == FROM_THE_LIST:
        left, count = _THE_LIST.subn("", body)
    else:
        left, count = (body.replace(part, " "), body.count(part)) if part else ("", 1)
    assert count == 1, f"{id} does not say {part!r} once any more"
    return text[:start] + left + text[end:]


def unverified(token: str, key: Any, algorithm: str) -> Mapping[str, Any]:
    """Return the claims of ``token``, whoever signed them."""
    found: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return found


def three_words_of_any(token: str) -> dict[str, str]:
    """Return the three words of a header, whatever else it asks for."""
    try:
        found = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        raise Unreadable("unreadable") from None
    return {name: str(found[name]) for name in ("alg", "kid", "typ") if name in found}


def as_if_es256(read: Callable[[str], dict[str, str]]) -> Callable[[str], dict[str, str]]:
    """Return a reader of headers that takes every access token's algorithm for ours."""

    def header(token: str) -> dict[str, str]:
        found = read(token)
        return {**found, "alg": "ES256"} if found.get("typ") == "at+jwt" else found

    return header


def by_its_own_algorithm(verify: Callable[..., Any]) -> Callable[..., Any]:
    """Return a verifier that does what the token itself says: the classical mistake."""

    def verified(token: str, key: ECKey, algorithm: str) -> Any:
        signed, _, signature = token.rpartition(".")
        alg = jws.extract_compact(token.encode()).headers()["alg"]
        if alg == "none":
            return unverified(token, key, algorithm)
        if alg.startswith("HS"):
            made = hmac.digest(key.as_pem(private=False), signed.encode(), f"sha{alg[2:]}")
            if base64.urlsafe_b64encode(made).decode().rstrip("=") == signature:
                return unverified(token, key, algorithm)
        return verify(token, key, algorithm)

    return verified


def as_if_access_token(read: Callable[[str], dict[str, str]]) -> Callable[[str], dict[str, str]]:
    """Return a reader of headers to which every ES256 token is an access token."""

    def header(token: str) -> dict[str, str]:
        found = read(token)
        return {**found, "typ": "at+jwt"} if found.get("alg") == "ES256" else found

    return header


def claiming(
    *, token: Mapping[str, Any] | None = None, assertion: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes a verifier take some claims of tokens, or of assertions, for the right ones."""

    def around(verify: Callable[..., Any]) -> Callable[..., Any]:
        def verified(text: str, key: Any, algorithm: str) -> Any:
            claims = verify(text, key, algorithm)
            return {**claims, **((token if "client_id" in claims else assertion) or {})}

        return verified

    return around


def nothing_revoked(snapshot: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a registry's snapshot without the revoked tokens."""
    return lambda self: replace(snapshot(self), revoked=frozenset())


def as_the_token_says(claims: Any, known: Any) -> Caller:
    """Return a caller with role and organisation of the token."""
    client, organisation = known.client(claims.client), known.organisation(claims.organisation)
    if client is None or organisation is None or claims.jti in known.revoked:
        raise Problem("SEC-401")
    return Caller(
        client=client.client_id,
        role=type(client.role)(claims.role),
        organisation=organisation.uscc,
        tier=organisation.tier,
        purpose=ROLES[type(client.role)(claims.role)].purpose,
        scopes=claims.scopes & client.scopes or client.scopes,
        token=claims.jti,
    )


def proven_by_signature_alone(client: Any, claims: Mapping[str, Any], audience: str, moment: float) -> Proven:
    """Return an assertion as proven, whatever it says of subject and number."""
    return Proven(client, str(claims.get("jti")), float(claims["exp"]))


def whatever_the_grant(read: Callable[..., str]) -> Callable[..., str]:
    """Return a reader of the token form to which every grant is ours."""
    return lambda form, headers: read({**form, "grant_type": "client_credentials"}, headers)


def never_masked(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view that forgets that it is one."""

    def shown(*given: Any) -> Any:
        released = view(*given)
        return None if released is None else replace(released, masked=False)

    return shown


def last_key_wins(read: Callable[..., Any]) -> Callable[..., Any]:
    """Return a reader of JSON that takes the last of two keys."""

    def found(self: Any, text: str) -> Any:
        try:
            return read(self, text)
        except Exception as error:
            if getattr(error, "why", "") != "key":
                raise
            return codec.parse_exact(json.dumps(json.loads(text)))

    return found


def allowing(action: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes every decision on ``action`` a yes."""

    def around(decide: Callable[..., Any]) -> Callable[..., Any]:
        def decided(self: Any, asked: str, facts: Any, **more: Any) -> Any:
            decision = decide(self, asked, facts, **more)
            return decision._replace(allow=True) if asked == action else decision

        return decided

    return around


def everything(self: Any, caller: Any, action: str, kind: str, **_: Any) -> Any:
    """Return no restriction at all."""
    return ALL_ROWS


async def vread_of_that_version_only(tools: Any, caller: Any, kind: str, id: str, *, version: int) -> Any:
    """Return a version decided by itself, whatever became of the resource since."""
    async with tools.interaction(caller, "vread", kind=kind, id=id) as it:
        it.scope("vread", kind)
        return it.release(await tools.store.vread(kind, id, version), "vread")


def plainly(pairs: Any, query: Any, blind: Any) -> str:
    """Return a query string as it was asked."""
    return links.written(pairs)


def version_first(visible: Callable[..., Any]) -> Callable[..., Any]:
    """Return a check of updates that looks at the version before it asks who may see it."""

    async def checked(it: Any, kind: str, id: str, *, demand: Demand) -> Any:
        prior = await it.tools.store.read(kind, id)
        if prior is not None:
            demand.check(prior)
        return await visible(it, kind, id, demand=demand)

    return checked


def without_if_match(visible: Callable[..., Any]) -> Callable[..., Any]:
    """Return a check of updates that takes the stored version for the one that was read."""

    async def checked(it: Any, kind: str, id: str, *, demand: Demand) -> Any:
        prior = await it.tools.store.read(kind, id)
        return await visible(it, kind, id, demand=demand if prior is None else Demand(prior.version))

    return checked


def elder_of_before(elder: Callable[..., str]) -> Callable[..., str]:
    """Return whose a draft is, as it was before."""
    return lambda self, base: self.prior.facts.elder if self.prior is not None else elder(self, base)


def everything_granted(self: Any, recipient: str, elder: str, purpose: str, moment: float) -> Grants:
    """Return that everything is consented to."""
    return Grants(CLASSES | ANY_CLASS, frozenset())


def every_class(grants: Callable[..., Grants]) -> Callable[..., Grants]:
    """Return grants of all classes where there are any."""

    def granted(*asked: Any) -> Grants:
        found = grants(*asked)
        return Grants(found.classes | CLASSES, found.excluded) if found.classes else found

    return granted


def no_exclusion(grants: Callable[..., Grants]) -> Callable[..., Grants]:
    """Return grants that exclude nothing."""
    return lambda *asked: grants(*asked)._replace(excluded=frozenset())


def any_purpose(grants: Callable[..., Grants]) -> Callable[..., Grants]:
    """Return what is granted for treatment, whatever the purpose."""
    return lambda self, recipient, elder, purpose, moment: grants(self, recipient, elder, "TREAT", moment)


_NOON: Final = START.timestamp() - 5 * 24 * 3600
"""A moment at which every consent of the world is in force."""


def at_noon(grants: Callable[..., Grants]) -> Callable[..., Grants]:
    """Return what was granted then."""
    return lambda self, recipient, elder, purpose, moment: Grants(
        *map(
            frozenset.union,
            grants(self, recipient, elder, purpose, _NOON),
            grants(self, recipient, elder, purpose, moment),
        )
    )


def in_force_at_noon(in_force: Callable[..., bool]) -> Callable[..., bool]:
    """Return whether a consent was in force then."""
    return lambda self, recipient, elder, moment: (
        in_force(self, recipient, elder, _NOON) or in_force(self, recipient, elder, moment)
    )


def every_bond(self: Any, organisation: str, elder: str) -> Bond:
    """Return every relation there is."""
    return Bond.RECEIVED | Bond.ACCEPTED | Bond.PLANNED


def whoever_sent_it(find: Callable[..., Any]) -> Callable[..., Any]:
    """Return the search of the inbox by number alone."""

    async def found(self: Any, sender: str, message_id: str) -> Any:
        rows = await find(self, sender, message_id)
        for other in ("hospital-his", "second-his", "centre-doctor"):
            rows = rows or await find(self, other, message_id)
        return rows

    return found


def by_whatever_feed(status: Callable[..., Any]) -> Callable[..., Any]:
    """Return the status of a message by any feed."""

    async def told(inbox: Any, *, sender: str, message_id: str, feed: str, held: Any) -> Any:
        rows = await inbox.find(sender, message_id)
        came_by = rows[0].arrival.feed if rows else feed
        return await status(inbox, sender=sender, message_id=message_id, feed=came_by, held=held)

    return told


def from_anywhere(find: Callable[..., Any]) -> Callable[..., Any]:
    """Return the search of a sender that does not look at its address."""

    def found(self: Any, msh3: str, msh4: str, address: str) -> Any:
        return next(
            (
                one
                for one in self.senders.values()
                if (getattr(one, "msh3", ""), getattr(one, "msh4", "")) == (msh3, msh4)
            ),
            None,
        )

    return found


def of_any_facility(find: Callable[..., Any]) -> Callable[..., Any]:
    """Return the search of a sender that does not look at its facility."""
    return lambda self, msh3, msh4, address: next(
        (found for one in self.senders.values() if (found := find(self, msh3, getattr(one, "msh4", ""), address))), None
    )
