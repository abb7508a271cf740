"""What lets a token or an assertion in: the lines of `security/oauth` and of the registry, taken out."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks import removing as how
from tests.attacks.removal import Removal, around, put, together


def tokens() -> Iterator[Removal]:
    """Yield the lines."""
    oauth, forged, assertions = "security/oauth", "access-tokens-forged", "client-assertions-forged"
    yield Removal(
        "signature", f"{oauth}/jose.py", "a token or assertion is verified",
        put("security.oauth.jose:verified", how.unverified),
        (f"{forged}/another-key-under-our-kid", f"{forged}/the-right-head-and-no-signature",
         f"{assertions}/another-client's-key", "intake-by-the-wrong-sender/with-a-forged-token"),
    )  # fmt: skip
    yield Removal(
        "algorithm", f"{oauth}/tokens.py, jose.py", "only ES256 and our header words (two lines, removed together)",
        together(
            around("security.oauth.jose:header", how.as_if_es256),
            around("security.oauth.jose:verified", how.by_its_own_algorithm),
        ),
        (f"{forged}/without-a-signature", f"{forged}/key-confusion"),
    )  # fmt: skip
    yield Removal(
        "header words", f"{oauth}/jose.py", "jku, crit and the like are refused",
        put("security.oauth.jose:header", how.three_words_of_any),
        (f"{forged}/key-by-url", f"{assertions}/the-key-by-url"),
    )  # fmt: skip
    yield Removal(
        "token type", f"{oauth}/tokens.py", "only `at+jwt`",
        around("security.oauth.jose:header", how.as_if_access_token), (f"{forged}/another-type-of-token",),
    )  # fmt: skip
    yield Removal(
        "token audience", f"{oauth}/tokens.py", "the token is for this FHIR base",
        around("security.oauth.jose:verified", how.claiming(token={"aud": how.BASE})),
        (f"{forged}/another-audience", f"{forged}/many-audiences"),
    )  # fmt: skip
    yield Removal(
        "token issuer", f"{oauth}/tokens.py", "the token is ours",
        around("security.oauth.jose:verified", how.claiming(token={"iss": how.URL})), (f"{forged}/another-issuer",),
    )  # fmt: skip
    yield Removal(
        "token time", f"{oauth}/tokens.py", "the token is in force now",
        put("security.oauth.tokens:_alive", lambda claims, moment: moment + 60),
        (f"{forged}/expired", f"{forged}/without-an-end", f"{forged}/of-the-future"),
    )  # fmt: skip
    yield Removal(
        "revocation", f"{oauth}/tokens.py", "a revoked token is refused",
        around("security.state.registry:Registry.snapshot", how.nothing_revoked), (f"{forged}/a-revoked-one",),
    )  # fmt: skip
    yield Removal(
        "disabled client", "security/state/snapshot.py", "a disabled client is unknown",
        put("security.state.snapshot:Snapshot.client", lambda self, client_id: self.clients.get(client_id)),
        (f"{forged}/a-dismissed-client", f"{assertions}/a-dismissed-client"),
    )  # fmt: skip
    yield Removal(
        "role and organisation", f"{oauth}/tokens.py", "those of the registry, not those of the token",
        put("security.oauth.tokens:_admitted", how.as_the_token_says),
        (f"{forged}/another-role-than-registered", f"{forged}/another-organisation-than-registered"),
    )  # fmt: skip
    yield Removal(
        "scopes in use", f"{oauth}/tokens.py", "no more than the registry allows now",
        put("security.oauth.tokens:narrow", lambda asked, allowed: frozenset(asked)),
        (f"{forged}/more-scopes-than-registered",),
    )  # fmt: skip
    yield Removal(
        "scopes asked for", f"{oauth}/endpoints.py", "no more than the registry allows",
        put("security.oauth.endpoints:narrow", lambda asked, allowed: frozenset(asked)),
        ("scopes-beyond-the-grant/asking-for-everything", "scopes-beyond-the-grant/asking-for-a-user's-scope",
         "integrators-and-auditors/an-integrator-asks-for-a-scope-to-read"),
    )  # fmt: skip
    yield Removal(
        "single use", "security/state/registry.py", "an assertion counts once, in all workers",
        put("security.state.registry:Registry.spend", how.answering(True)),
        (f"{assertions}/replayed", f"{assertions}/replayed-with-another-end",
         f"{assertions}/replayed-on-another-worker"),
    )  # fmt: skip
    yield Removal(
        "assertion audience", f"{oauth}/assertion.py", "the assertion is for our token endpoint",
        around("security.oauth.jose:verified", how.claiming(assertion={"aud": f"{how.URL}/oauth/token"})),
        (f"{assertions}/another-audience", f"{assertions}/the-fhir-base-as-audience"),
    )  # fmt: skip
    yield Removal(
        "assertion life", f"{oauth}/assertion.py", "five minutes at most, and not over",
        put("security.oauth.assertion:_expires", lambda claims, moment: float(claims.get("exp", moment + 60))),
        (f"{assertions}/good-for-an-hour", f"{assertions}/expired"),
    )  # fmt: skip
    yield Removal(
        "assertion subject and number", f"{oauth}/assertion.py", "iss = sub = the client, with a jti",
        put("security.oauth.assertion:_proven", how.proven_by_signature_alone),
        (f"{assertions}/without-a-number-of-its-own", f"{assertions}/another-subject"),
    )  # fmt: skip
    yield Removal(
        "one way of authentication", f"{oauth}/endpoints.py", "no second way beside the assertion",
        around("security.oauth.endpoints:_assertion", lambda read: lambda form, headers: read(form, {})),
        (f"{assertions}/two-ways-at-once",),
    )  # fmt: skip
    yield Removal(
        "client named twice", f"{oauth}/endpoints.py", "client_id is that of the assertion",
        around("security.oauth.endpoints:OAuth._proven", lambda read: lambda self, text, _: read(self, text, None)),
        (f"{assertions}/another-client-in-the-form",),
    )  # fmt: skip
    yield Removal(
        "form keys once", f"{oauth}/starlette.py", "a parameter that comes twice is refused",
        around("security.oauth.starlette:parse_qsl", lambda read: lambda *a, **k: list(dict(read(*a, **k)).items())),
        (f"{assertions}/two-assertions",),
    )  # fmt: skip
    yield Removal(
        "grant type", f"{oauth}/endpoints.py", "client_credentials only",
        around("security.oauth.endpoints:_assertion", how.whatever_the_grant),
        (f"{assertions}/a-password", f"{assertions}/another-grant"),
    )  # fmt: skip
