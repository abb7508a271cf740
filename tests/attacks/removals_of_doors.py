"""What the doors read and refuse before anybody is asked, taken out; and what tells one sender from another."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks import removing as how
from tests.attacks.removal import Removal, around, put, together


def door() -> Iterator[Removal]:
    """Yield the lines."""
    written, bodies = "headers-and-encodings", "bodies-that-confuse"
    yield Removal(
        "one Authorization header", "gateway/api/headers.py", "two are refused",
        around("gateway.api.headers:bearer", lambda read: lambda values: read(values[-1:])),
        ("access-tokens-forged/two-at-once",),
    )  # fmt: skip
    yield Removal(
        "Accept and _format", "gateway/api/headers.py", "FHIR JSON or XML or nothing",
        put("gateway.api.headers:demand_accepted", how.answering_now("json")),
        (f"{written}/accept-turtle", f"{written}/format-against-accept"),
    )  # fmt: skip
    yield Removal(
        "content type and coding", "gateway/api/headers.py", "UTF-8 JSON or XML, plain or by gzip",
        put("gateway.api.headers:demand_content", how.answering_now("json")),
        (f"{bodies}/packed-in-another-way", f"{bodies}/turtle"),
    )  # fmt: skip
    yield Removal(
        "DOCTYPE", "gateway/fhir/xml_reader.py", "and with it every entity, and instructions",
        put("gateway.fhir.xml_reader:_Reader.refuse", how.answering_now(None)),
        (f"{bodies}/xml-that-grows",),
    )  # fmt: skip
    yield Removal(
        "body limit", "gateway/api/bodies.py, gateway/fhir/wire.py", "4 MiB (two lines, removed together)",
        together(
            around("gateway.api.bodies:_bytes", lambda read: lambda request, limit: read(request, limit * 9)),
            put("gateway.fhir.wire:MAX_BYTES", how.HUGE), put("gateway.fhir.gate:MAX_BYTES", how.HUGE),
        ), (f"{bodies}/large",),
    )  # fmt: skip
    yield Removal(
        "conditions of requests", "gateway/api/interactions.py", "those that mean nothing are refused, not ignored",
        put("gateway.api.interactions:_CONDITIONS", ()),
        ("versions-and-conditions-as-an-oracle/a-condition-that-means-nothing",),
    )  # fmt: skip
    yield Removal(
        "unknown parameters of a read", "gateway/api/bodies.py", "refused, not ignored",
        put("gateway.api.bodies:demand_none", how.answering_now(None)),
        ("search-as-an-oracle/a-parameter-on-a-read", "verbs-that-are-not-built/metadata-with-a-mode"),
    )  # fmt: skip
    yield Removal(
        "form of an id", "gateway/api/interactions.py", "letters, digits, - and .",
        put("gateway.api.interactions:_ID", how.ANYTHING), (f"{written}/sql-in-an-id",),
    )  # fmt: skip
    yield Removal(
        "304 of a masked view", "gateway/api/interactions.py", "a masked view is never 'not modified'",
        around("gateway.hub.interaction:view", how.never_masked),
        ("versions-and-conditions-as-an-oracle/not-modified-of-a-masked-view",),
    )  # fmt: skip
    yield Removal(
        "duplicate keys", "gateway/fhir/strict_json.py", "a key twice is refused",
        together(put("gateway.fhir.strict_json:_keeps_keys", how.answering_now(True)),
             around("gateway.fhir.strict_json:StrictJson.read", how.last_key_wins)),
        (f"{bodies}/duplicate-key", f"{bodies}/duplicate-key-by-escape", f"{bodies}/duplicate-key-inside"),
    )  # fmt: skip
    yield Removal(
        "depth", "gateway/fhir/strict_json.py", "64 levels at most",
        put("gateway.fhir.strict_json:_is_too_deep", how.answering_now(False)), (f"{bodies}/just-too-deep",),
    )  # fmt: skip
    yield Removal(
        "lone surrogates", "gateway/fhir/strict_json.py", "no character, no text",
        put("gateway.fhir.strict_json:_refuse_surrogates", how.answering_now(None)), (f"{bodies}/half-a-surrogate",),
    )  # fmt: skip
    yield Removal(
        "narrative", "gateway/fhir/narrative.py", "an allow-list of XHTML",
        put("gateway.fhir.validate:forbidden_in", how.answering_now("")),
        (f"{bodies}/a-script-in-the-narrative", f"{bodies}/a-link-of-script-in-the-narrative"),
    )  # fmt: skip
    yield Removal(
        "numbers in names", "gateway/fhir/wire.py", "a name with a long number is not quoted",
        together(*(put(f"{place}:PERSONAL", how.NEVER) for place in
               ("gateway.fhir.wire", "gateway.fhir.search", "gateway.api.bodies", "gateway.formats.json"))),
        (f"{bodies}/what-a-fault-quotes", f"{written}/a-number-as-the-name-of-a-parameter-of-a-read",
         "intake-by-the-wrong-sender/a-number-as-a-key-that-stands-twice"),
    )  # fmt: skip


def intake() -> Iterator[Removal]:
    """Yield the lines."""
    wrong = "intake-by-the-wrong-sender"
    yield Removal(
        "scope of a feed", "gateway/app/intake_side.py", "intake/<feed>.c",
        put("gateway.app.intake_side:permits_feed", how.answering_now(True)),
        (f"{wrong}/a-registered-feed-without-the-scope",),
    )  # fmt: skip
    yield Removal(
        "registration of a feed", "security/state/snapshot.py", "and the scope (removed together)",
        together(put("gateway.app.intake_side:permits_feed", how.answering_now(True)),
             put("security.state.snapshot:Snapshot.http_sender", how.answering_now(True))),
        (f"{wrong}/another-client's-feed", f"{wrong}/a-feed-in-a-scope-made-up", f"{wrong}/a-status-without-the-feed"),
    )  # fmt: skip
    yield Removal(
        "sender of a message", "gateway/intake/status.py", "another's message is as if it did not exist",
        around("gateway.store.postgres.inbox:PostgresInbox.find", how.whoever_sent_it),
        (f"{wrong}/another-sender's-message",),
    )  # fmt: skip
    yield Removal(
        "feed of a message", "gateway/intake/status.py", "asked for by the feed it came by",
        around("gateway.app.intake_side:status", how.by_whatever_feed),
        (f"{wrong}/another-sender's-message-by-its-own-feed",),
    )  # fmt: skip
    yield Removal(
        "network of a sender", "security/state/snapshot.py", "MSH-3 and MSH-4 count from its addresses only",
        around("security.state.snapshot:Snapshot.mllp_sender", how.from_anywhere),
        (f"{wrong}/mllp-from-another-network",),
    )  # fmt: skip
    yield Removal(
        "facility of a sender", "security/state/snapshot.py", "MSH-4 as registered",
        around("security.state.snapshot:Snapshot.mllp_sender", how.of_any_facility),
        (f"{wrong}/mllp-in-another-facility's-name",),
    )  # fmt: skip
    yield Removal(
        "values in issues", "gateway/mapping/masking.py", "a sender is told the place, not the number",
        put("gateway.mapping.runtime:shown", lambda value, mask: str(value)), (f"{wrong}/a-reply-quotes-no-number",),
    )  # fmt: skip
