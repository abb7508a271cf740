"""What the policies, the consents, the relation and the labels say, taken out."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks import removing as how
from tests.attacks.removal import Removal, around, left_out, put, together


def policies() -> Iterator[Removal]:
    """Yield the lines."""
    where, consent = "security/access/policies", "consent-is-not-there"
    yield Removal(
        "level 5", f"{where} (F4, F5)", "stays with its writer, and above every clearance (removed together)",
        left_out(("F4-level-5", ""), ("F5-clearance", "")),
        ("what-never-leaves-its-writer/level-5-without-an-exclusion",),
    )  # fmt: skip
    yield Removal(
        "exclusions in the policy", f"{where} (F6)", "what the elder excluded",
        left_out(("F6-excluded", "")), (f"{consent}/an-exclusion", f"{consent}/an-exclusion-by-search"),
    )  # fmt: skip
    yield Removal(
        "relation in the policy", f"{where} (R3)", "care needs a relation",
        left_out(("R3-care", "resource.related && ")), (f"{consent}/named-but-not-in-care",),
    )  # fmt: skip
    yield Removal(
        "consent in the policy", f"{where} (R3)", "care needs a consented class",
        left_out(("R3-care", " && resource.consented")),
        (f"{consent}/a-class-that-was-not-consented-to", f"{consent}/a-class-that-was-not-consented-to-by-search"),
    )  # fmt: skip
    yield Removal(
        "the carer's kinds", f"{where} (R4)", "what care needs, and no diagnosis",
        left_out(("R4-care-carer", how.FROM_THE_LIST)),
        ("headers-and-encodings/another-caller-by-header",),
    )  # fmt: skip
    yield Removal(
        "consent of a hand-over", f"{where} (R5)", "a Task is read while the elder consents",
        left_out(("R5-handed", " && resource.consented")), (f"{consent}/another-purpose-for-a-task",),
    )  # fmt: skip
    yield Removal(
        "people of an organisation", f"{where} (R7)", "the directory without people",
        left_out(("R7-directory", " && resource.level <= 2")),
        ("what-never-leaves-its-writer/a-doctor-of-the-hospital",),
    )  # fmt: skip
    yield Removal(
        "originals", f"{where} (F3, R3)", "stay with their sender, and are no class of care (removed together)",
        left_out(("F3-original", ""), ("R3-care", how.FROM_THE_LIST), ("R3-care", " && resource.consented")),
        ("what-never-leaves-its-writer/bytes-of-the-original",),
    )  # fmt: skip
    yield Removal(
        "writing after the hand-over", f"{where} (W2)", "own records of an elder in care",
        left_out(("W2-care", " && resource.mayWrite")), (f"{consent}/after-the-withdrawal-a-new-record",),
    )  # fmt: skip
    yield Removal(
        "writing one's own", f"{where} (W2)", "no other organisation's record",
        left_out(("W2-care", "resource.own && ")), ("labels-and-controllers/the-hospital's-own-record",),
    )  # fmt: skip
    yield Removal(
        "deleting one's own", f"{where} (W3)", "no other organisation's record",
        left_out(("W3-delete", "resource.own && ")), ("labels-and-controllers/deleting-the-hospital's-own-record",),
    )  # fmt: skip
    yield Removal(
        "handing in for elders in care", f"{where} (I2)", "a centre hands in what its relation covers",
        left_out(("I2-community", " && resource.mayWrite")),
        ("intake-by-the-wrong-sender/a-plan-for-another-chain's-elder",),
    )  # fmt: skip
    yield Removal(
        "consent in force", "security/consent/book.py",
        "a consent, not taken back; the relation ends with it (removed together)",
        together(put("security.consent.book:ConsentBook.in_force", how.answering_now(True)),
             put("security.consent.book:ConsentBook.grants", how.everything_granted),
             put("security.access.relations:Relations.bond", how.every_bond)),
        (f"{consent}/after-the-withdrawal-a-diagnosis", f"{consent}/a-discharge-held-for-want-of-consent"),
    )  # fmt: skip
    yield Removal(
        "consented classes", "security/consent/book.py", "the classes that were named",
        around("security.consent.book:ConsentBook.grants", how.every_class),
        (f"{consent}/a-class-that-was-not-consented-to",),
    )  # fmt: skip
    yield Removal(
        "exclusions of a consent", "security/consent/book.py", "the labels that were excluded",
        around("security.consent.book:ConsentBook.grants", how.no_exclusion), (f"{consent}/an-exclusion",),
    )  # fmt: skip
    yield Removal(
        "purpose of a consent", "security/consent/book.py", "the purposes that were named",
        around("security.consent.book:ConsentBook.grants", how.any_purpose), (f"{consent}/another-purpose",),
    )  # fmt: skip
    yield Removal(
        "period of a consent", "security/consent/book.py", "from its beginning to its end",
        together(around("security.consent.book:ConsentBook.grants", how.at_noon),
             around("security.consent.book:ConsentBook.in_force", how.in_force_at_noon)),
        (f"{consent}/after-the-end-of-the-consent",),
    )  # fmt: skip
    yield Removal(
        "care relation", "security/access/relations.py", "a referral received, a plan that names one",
        put("security.access.relations:Relations.bond", how.every_bond), (f"{consent}/named-but-not-in-care",),
    )  # fmt: skip
    yield Removal(
        "labels by words and codes", "security/labels/labeler.py", "what a writer does not say is found",
        put("security.labels.labeler:Labeler.sensitivity", how.answering_now(())),
        ("labels-and-controllers/a-lower-label", "labels-and-controllers/a-level-5-diagnosis-hidden-in-a-note",
         "labels-and-controllers/a-level-5-diagnosis-hidden-in-a-contained-resource"),
    )  # fmt: skip
