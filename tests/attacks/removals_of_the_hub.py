"""What the hub and the views do with every resource and every write, taken out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.attacks import removing as how
from tests.attacks.removal import Removal, around, put, together


def hub() -> Iterator[Removal]:
    """Yield the lines."""
    ids, search, pages = "object-ids-of-another-chain", "search-as-an-oracle", "page-links-of-others"
    yield Removal(
        "scope at the hub", "gateway/hub/interaction.py", "HUB-001 before anything is looked up",
        put("gateway.app.app:permits", how.answering_now(True)),
        ("scopes-beyond-the-grant/another-kind", "scopes-beyond-the-grant/writing-with-a-scope-to-read"),
    )  # fmt: skip
    yield Removal(
        "scope in the policy", "security/access/policies (F1)", "every decision asks for a scope, too",
        put("security.gate:covers", how.answering_now(True)), ("scopes-beyond-the-grant/learning-by-writing",),
    )  # fmt: skip
    for action, caught in _DECIDED.items():
        yield Removal(
            f"decision on {action}", "security/gate.py, gateway/hub", f"every row of a {action} is decided",
            around("gateway.hub.interaction:Interaction.decide", how.allowing(action)), caught,
        )  # fmt: skip
    yield Removal(
        "decision on ingest", "gateway/hub, gateway/intake/permission.py",
        "what a sender hands in is decided, before the answer and at the commit (two lines, removed together)",
        together(around("gateway.hub.interaction:Interaction.decide", how.allowing("ingest")),
             put("gateway.intake.permission:Permission.problems", how.answering(()))),
        ("intake-by-the-wrong-sender/a-plan-for-another-chain's-elder",),
    )  # fmt: skip
    yield Removal(
        "restriction of a search", "security/gate.py (narrow)", "the query finds only what is open",
        put("security.gate:Gate._narrowed", how.everything),
        (f"{ids}/search-by-patient", f"{ids}/search-by-id", f"{ids}/post-search"),
    )  # fmt: skip
    yield Removal(
        "restriction and re-check of a search", "security/gate.py, gateway/hub/search.py", "both of them",
        together(put("security.gate:Gate._narrowed", how.everything),
             around("gateway.hub.interaction:Interaction.decide", how.allowing("search"))),
        (f"{ids}/search-by-id", f"{ids}/post-search", f"{ids}/chain-by-card-number", f"{ids}/transaction-search"),
    )  # fmt: skip
    yield Removal(
        "current version of a vread", "gateway/hub/vread.py", "what is closed today is closed in every version",
        put("gateway.hub.vread:vread", how.vread_of_that_version_only),
        ("labels-and-controllers/an-ordinary-version-of-what-is-closed-now",),
    )  # fmt: skip
    yield Removal(
        "mask", "security/gate.py (mask)", "what the view hides is taken out",
        put("security.gate:Gate.mask", lambda self, caller, decision, doc: doc),
        ("masked-elements/the-card-number-for-the-station's-doctor", "masked-elements/narrative",
         "masked-elements/the-representation-of-a-write", "masked-elements/by-a-transaction",
         "patch-as-an-oracle/testing-a-masked-number"),
    )  # fmt: skip
    yield Removal(
        "contained resources", "security/labels/view.py", "each through the row of its own kind",
        put("security.labels.view:View._contained", lambda self, resources: resources),
        ("masked-elements/a-contained-elder's-number", "masked-elements/a-contained-diagnosis"),
    )  # fmt: skip
    yield Removal(
        "display of what is withheld", "security/labels/view.py", "a reference tells nothing of a closed target",
        put("security.labels.view:View._reference", lambda self, node: node),
        ("masked-elements/the-display-of-what-is-withheld",),
    )  # fmt: skip
    yield Removal(
        "restore", "security/labels/restore.py", "a write neither sets nor loses what its writer does not see",
        put("security.gate:Gate.restore", lambda self, caller, decision, incoming, stored: incoming),
        ("masked-elements/losing-a-hidden-element", "masked-elements/setting-a-hidden-element"),
    )  # fmt: skip
    yield Removal(
        "hidden members of a patch", "security/gate.py (demand_shown)", "a patch names nothing that is hidden",
        put("security.gate:Gate.demand_shown", how.answering_now(None)),
        ("patch-as-an-oracle/testing-a-hidden-element",
         "patch-as-an-oracle/copying-a-hidden-element-to-where-it-is-seen"),
    )  # fmt: skip
    yield Removal(
        "guard of parameters", "security/labels/guard.py", "no search, order or chain by what is masked",
        put("security.labels.guard:Guard.forbids", how.answering_now(False)),
        (f"{search}/count-by-a-masked-birth-date", f"{search}/order-by-a-masked-birth-date",
         f"{search}/chain-to-a-masked-birth-date", "headers-and-encodings/encoded-dot-of-a-chain",
         f"{search}/missing-modifier", f"{search}/text-of-a-hidden-code", f"{search}/full-content"),
    )  # fmt: skip
    yield Removal(
        "what a partial view blanks out", "security/labels/guard.py", "no digits in texts, no numbers in references",
        put("security.labels.guard:Guard._partial", how.answering_now(False)),
        (f"{search}/digits-in-a-text", f"{search}/identifier-inside-a-reference"),
    )  # fmt: skip
    yield Removal(
        "guard of a joint controller", "security/labels/guard.py", "outside the relation no search beyond the basis",
        put("security.labels.guard:Guard.beyond_basis", how.answering_now(False)),
        ("consent-is-not-there/after-the-withdrawal-a-phone-is-looked-for",),
    )  # fmt: skip
    yield Removal(
        "basis of a joint controller", "security/labels/views.py", "without a basis name, sex, birth date, own numbers",
        put("security.labels.views:Views.of_basis", lambda self, kind, role, sent: self.of_own(kind, role)),
        ("consent-is-not-there/after-the-withdrawal-the-joint-elder",),
    )  # fmt: skip
    yield Removal(
        "scope of a chain's target", "gateway/hub/chains.py", "a chain searches its target, too",
        put("gateway.hub.chains:guard", how.answering_now(None)),
        ("scopes-beyond-the-grant/another-kind-by-chain", f"{search}/reverse-chain-through-a-masked-element"),
    )  # fmt: skip
    yield Removal(
        "what R4 knows and is not built", "gateway/fhir/search.py", "_filter and the rest are refused by name",
        put("gateway.fhir.search:_UNBUILT", frozenset()),
        (f"{search}/contained",),
    )  # fmt: skip
    yield Removal(
        "guard of includes", "gateway/hub/including.py", "no include by what is masked, from or to what is closed",
        put("gateway.hub.including:guard", how.answering_now(None)),
        (f"{search}/include", f"{search}/reverse-include", f"{search}/reverse-include-of-the-journal"),
    )  # fmt: skip
    yield Removal(
        "caller in a page link", "gateway/hub/links.py", "a link opens for who got it, and there",
        put("gateway.hub.links:_bound", lambda caller, where, policy: b"page"),
        (f"{pages}/another-chain", f"{pages}/another-role-of-the-same-organisation", f"{pages}/another-kind"),
    )  # fmt: skip
    yield Removal(
        "blinding of links", "gateway/hub/links.py", "no number of a person in a link",
        put("gateway.hub.links:blinded", how.plainly), (f"{search}/the-link-of-a-search-by-number",
                                                        f"{search}/the-link-of-a-chain-by-number"),
    )  # fmt: skip
    yield Removal(
        "order of an update's checks", "gateway/hub/update.py", "who may not see it learns nothing from its version",
        around("gateway.hub.update:visible", how.version_first),
        ("versions-and-conditions-as-an-oracle/if-match-on-a-hidden-task",
         "versions-and-conditions-as-an-oracle/if-match-on-a-hidden-plan"),
    )  # fmt: skip
    yield Removal(
        "If-Match of a Task", "gateway/hub/update.py", "only against the version that was read",
        around("gateway.hub.update:visible", how.without_if_match),
        ("tasks-moved-by-the-wrong-hand/without-the-version-that-was-read",),
    )  # fmt: skip
    yield Removal(
        "references to elders", "gateway/hub/references.py", "no reference to an elder who is closed to the writer",
        put("gateway.hub.references:demand", how.answering(None)),
        ("references-retargeted/in-a-place-that-decides-nothing", "references-retargeted/in-a-contained-resource",
         "references-retargeted/a-measurement-for-another-chain's-elder"),
    )  # fmt: skip
    yield Removal(
        "whose it is", "gateway/hub/update.py", "a resource stays with its elder",
        around("gateway.hub.commit:Draft.elder", how.elder_of_before),
        ("references-retargeted/moving-one's-own-between-elders-in-care",),
    )  # fmt: skip
    yield Removal(
        "elements of a Task", "security/gate.py (task_change)", "status, businessStatus, statusReason, note, output",
        put("gateway.hub.update:task_change", how.answering_now({})),
        ("tasks-moved-by-the-wrong-hand/a-new-owner", "tasks-moved-by-the-wrong-hand/a-new-elder"),
    )  # fmt: skip
    yield Removal(
        "transitions of a Task", "gateway/workflow/transition.py", "only along the machine",
        put("gateway.app.app:advance", lambda caller, stored, wanted, *, now: dict(wanted)),
        ("tasks-moved-by-the-wrong-hand/a-leap",),
    )  # fmt: skip
    yield Removal(
        "roles of a transition", "gateway/workflow/transition.py", "a doctor's move is a doctor's",
        put("gateway.workflow.transition:_check", how.answering_now(None)),
        ("tasks-moved-by-the-wrong-hand/a-doctor's-move-by-a-nurse",),
    )  # fmt: skip
    yield Removal(
        "addresses of entries", "gateway/hub/bundle.py", "a fullUrl is that of its entry, so that no reference turns",
        put("gateway.hub.bundle:_demand_own_urls", how.answering_now(None)),
        ("references-retargeted/an-address-that-is-another-entry's",),
    )  # fmt: skip
    yield Removal(
        "criteria of a write", "gateway/hub/chains.py", "a write means what its caller may search and finds",
        put("gateway.hub.chains:guard", how.answering_now(None)),
        ("versions-and-conditions-as-an-oracle/if-none-exist-by-a-masked-birth-date",
         "versions-and-conditions-as-an-oracle/a-conditional-reference-by-a-masked-birth-date"),
    )  # fmt: skip
    yield Removal(
        "ids that a client gives", "gateway/hub/own_ids.py", "named below one's organisation alone",
        put("gateway.hub.own_ids:may_give", how.answering_now(True)),
        ("versions-and-conditions-as-an-oracle/an-id-that-is-taken",),
    )  # fmt: skip
    yield Removal(
        "one entry a resource", "gateway/hub/transaction.py", "a resource stands once in a transaction",
        put("gateway.hub.transaction:_demand_distinct", how.answering_now(None)),
        ("references-retargeted/one-resource-twice",),
    )  # fmt: skip
    yield Removal(
        "the journal's readers", "gateway/hub/trail.py", "the auditor only",
        put("gateway.hub.trail:_may", how.answering_now(True)),
        ("integrators-and-auditors/the-journal-by-a-doctor", "integrators-and-auditors/one-entry-by-a-doctor"),
    )  # fmt: skip
    yield Removal(
        "entry of a refusal", "gateway/hub/interaction.py", "a refusal is in the journal before it is answered",
        put("gateway.hub.interaction:Interaction.__aexit__", how.answering(None)),
        (f"{ids}/read-a-diagnosis", "scopes-beyond-the-grant/another-kind"),
    )  # fmt: skip
    yield Removal(
        "entry of a stranger", "gateway/app/trace.py", "who never came in is in the journal, too",
        together(put("gateway.app.trace:Trace.request", how.answering(None)),
             put("gateway.app.trace:Trace.token", how.answering(None))),
        ("access-tokens-forged/none", "client-assertions-forged/expired"),
    )  # fmt: skip
    yield Removal(
        "masking of entries", "security/audit/record.py", "an entry holds no number of a person",
        put("security.audit.record:mask", lambda text: text),
        ("integrators-and-auditors/what-the-journal-says-of-a-number-in-the-path",),
    )  # fmt: skip


_DECIDED: Final = {
    "read": ("object-ids-of-another-chain/read-a-diagnosis",
             "consent-is-not-there/a-discharge-held-for-want-of-consent",
             "what-never-leaves-its-writer/bytes-of-the-original", "object-ids-of-another-chain/transaction-read",
             "integrators-and-auditors/one-entry-by-a-doctor"),
    "vread": ("object-ids-of-another-chain/vread", "what-never-leaves-its-writer/an-older-version-of-level-5"),
    "history": ("object-ids-of-another-chain/history",
                "what-never-leaves-its-writer/an-older-version-of-level-5-in-a-history"),
    "create": ("references-retargeted/no-elder-at-all", "references-retargeted/making-a-task-in-care",
               "labels-and-controllers/a-carer-writes-a-diagnosis"),
    "update": ("labels-and-controllers/the-hospital's-own-record",),
    "delete": ("labels-and-controllers/deleting-the-hospital's-own-record", "labels-and-controllers/a-nurse-deletes"),
}  # fmt: skip
