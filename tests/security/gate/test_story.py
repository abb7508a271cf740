"""The rules of the story, one by one, asked of the gate: relation, consent, one Patient, carer, originals, purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.fhir.predicate import NOTHING, Facts, holds
from gateway.fhir.query import Clause, Query, ReferenceTerm, TokenTerm
from security.caller import Caller, Role, Tier
from security.labels.view import SUBSETTED
from tests.security.town import (
    AUDITOR,
    CARER,
    CENTRE,
    CENTRE_DOCTOR,
    CENTRE_NURSE,
    ELDER,
    HISFEED,
    HOSPITAL,
    OTHER_CARER,
    OTHER_CENTRE,
    OTHER_DOCTOR,
    STATION,
    STATION_DOCTOR,
    Town,
    about,
    caller,
    care_plan,
    consent,
    patient,
    referral,
)

EVERYBODY = [CENTRE_DOCTOR, CENTRE_NURSE, STATION_DOCTOR, CARER, OTHER_DOCTOR, OTHER_CARER, AUDITOR, HISFEED]
ORIGINALS = ["DocumentReference", "Binary"]


@pytest.fixture
def town() -> Town:
    return Town()


def _condition(town: Town) -> Facts:
    return town.put(about("Condition", code={"text": "脑梗死"}))


# --- the care relation ------------------------------------------------------------------------------------------


def test_consent_alone_is_no_relation(town: Town) -> None:
    town.put(consent())
    assert not any(town.sees(who, _condition(town)) for who in EVERYBODY)


def test_a_relation_without_consent_shows_nothing(town: Town) -> None:
    town.put(referral("accepted"))
    town.put(care_plan(), CENTRE)
    assert not any(town.sees(who, _condition(town)) for who in EVERYBODY)


def test_the_centre_reads_from_received_on_and_writes_from_accepted_on(town: Town) -> None:
    town.put(consent())
    town.put(referral("received", status="requested"))
    own = replace(_condition(town), controllers=(CENTRE,))
    assert town.sees(CENTRE_DOCTOR, _condition(town))
    assert not town.ask(CENTRE_DOCTOR, own, "create").allow
    town.put(referral("accepted"))
    assert town.ask(CENTRE_DOCTOR, own, "create").rule == "W2-care"


@pytest.mark.parametrize("end", ["rejected", "cancelled"])
def test_rejection_and_cancellation_end_it(end: str, town: Town) -> None:
    town.in_care()
    town.put(referral(end, status=end))
    assert not town.sees(CENTRE_DOCTOR, _condition(town))


def test_the_station_reads_under_an_active_plan_that_names_it(town: Town) -> None:
    town.put(consent())
    observation = town.put(about("Observation"))
    assert not town.sees(CARER, observation)
    town.put(care_plan(), CENTRE)
    assert town.sees(CARER, observation)
    town.put(care_plan(status="completed"), CENTRE)
    assert not town.sees(CARER, observation)


def test_a_plan_does_not_serve_a_centre_nor_a_referral_a_station(town: Town) -> None:
    town.put(consent(CENTRE, STATION))
    town.put(care_plan(CENTRE), HOSPITAL)
    town.put(referral("accepted", STATION))
    assert not town.sees(CENTRE_DOCTOR, _condition(town))
    assert not town.sees(STATION_DOCTOR, _condition(town))


def test_the_other_chain_sees_nothing_of_it(town: Town) -> None:
    facts = _condition(town.in_care())
    for who in (OTHER_DOCTOR, OTHER_CARER):
        assert town.ask(who, facts).rule == "default-deny"
        assert not holds(town.gate.narrow(who, "search", "Condition"), facts)


def test_a_plan_that_names_the_other_chain_needs_a_consent_that_does(town: Town) -> None:
    town.in_care()
    town.put(care_plan("52410102MJ0000007Y", key="p2"), CENTRE)
    assert not town.sees(OTHER_CARER, town.put(about("Observation")))


def test_a_controller_always_reads_what_it_wrote(town: Town) -> None:
    facts = town.put(about("Condition"), CENTRE)
    assert town.ask(CENTRE_DOCTOR, facts).rule == "R1-own"
    assert town.ask(CENTRE_NURSE, facts, "history").allow


# --- consent ----------------------------------------------------------------------------------------------------

KIND_OF = {
    "DEMOGRAPHIC": "RelatedPerson",
    "DISCHARGE_SUMMARY": "Encounter",
    "DIAGNOSIS": "Condition",
    "MEDICATION": "MedicationRequest",
    "NURSING": "Observation",
    "CARE_PLAN": "Goal",
}


@pytest.mark.parametrize("missing", KIND_OF)
def test_a_class_that_is_not_consented_stays_away(missing: str, town: Town) -> None:
    town.in_care().put(consent(classes=[each for each in KIND_OF if each != missing]))
    seen = {klass for klass, kind in KIND_OF.items() if town.sees(CENTRE_DOCTOR, town.put(about(kind)))}
    assert seen == set(KIND_OF) - {missing}


def test_allergies_and_safety_flags_go_with_any_class(town: Town) -> None:
    town.in_care().put(consent(classes=["DEMOGRAPHIC"]))
    assert town.sees(CARER, town.put(about("AllergyIntolerance")))
    assert town.sees(CARER, town.put(about("Flag", code={"text": "跌倒高风险"})))
    assert not town.sees(CARER, town.put(about("Flag", code={"text": "出院后"})))


def test_the_hand_over_goes_along_and_only_to_whom_it_is_handed(town: Town) -> None:
    town.put(consent())
    task = town.put(referral("received", status="requested"))
    request = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "performer": [{"reference": f"Organization/{CENTRE}"}],
    }
    facts = town.put(request | {"subject": {"reference": f"Patient/{ELDER}"}})
    for each in (task, facts):
        assert town.sees(CENTRE_DOCTOR, each)
        assert not town.sees(CARER, each)
        assert not town.sees(OTHER_DOCTOR, each)


@pytest.mark.parametrize("state", ["awaiting-consent", "draft"])
def test_a_held_hand_over_is_seen_by_nobody_outside(state: str, town: Town) -> None:
    town.put(consent())
    facts = town.put(referral(state, status="on-hold"))
    assert facts.handed_to == ()
    assert not any(town.sees(who, facts) for who in EVERYBODY)


def test_without_consent_a_released_hand_over_is_not_seen_either(town: Town) -> None:
    assert not town.sees(CENTRE_DOCTOR, town.put(referral("received", status="requested")))


@pytest.mark.parametrize("kind", ORIGINALS)
def test_an_original_never_leaves_its_sender(kind: str, town: Town) -> None:
    facts = town.in_care().put(about(kind))
    assert not any(town.sees(who, facts) for who in EVERYBODY)
    assert {town.ask(who, facts).rule for who in (CENTRE_DOCTOR, STATION_DOCTOR, CARER)} == {"F3-original"}


def test_an_exclusion_hits_what_carries_its_label(town: Town) -> None:
    town.in_care().put(consent(excluded=[{"code": "DEM"}]))
    hit = town.put(about("Condition", "a", code={"text": "阿尔茨海默病"}))
    assert town.ask(CENTRE_DOCTOR, hit).rule == "F6-excluded"
    assert town.sees(CENTRE_DOCTOR, _condition(town))


def test_level_five_stays_with_its_author(town: Town) -> None:
    facts = town.in_care().put(about("Condition", "a", code={"text": "抑郁症"}))
    assert facts.level == 5
    assert town.ask(CENTRE_DOCTOR, facts).rule == "F4-level-5"
    assert town.sees(CENTRE_DOCTOR, replace(facts, controllers=(CENTRE,)))


def test_a_withdrawal_ends_everything_at_once(town: Town) -> None:
    town.in_care()
    task = town.put(referral("accepted"))
    records = [town.put(about(kind)) for kind in KIND_OF.values()] + [task, town.put(care_plan(), CENTRE)]
    assert all(town.sees(CENTRE_DOCTOR, facts) for facts in records)
    town.put(consent(status="inactive"))
    of_others = [facts for facts in records if CENTRE not in facts.controllers]
    for who in (CENTRE_DOCTOR, CENTRE_NURSE, STATION_DOCTOR, CARER):
        assert not any(town.sees(who, facts) for facts in of_others)
        assert not any(holds(town.gate.narrow(who, "search", facts.kind), facts) for facts in of_others)
    assert not town.ask(CENTRE_DOCTOR, task, "update").allow
    assert not town.ask(CENTRE_DOCTOR, replace(_condition(town), controllers=(CENTRE,)), "create").allow


def test_an_ended_period_ends_it_without_anybody_doing_anything(town: Town) -> None:
    town.in_care().put(consent(period=("2026-03-01", "2026-03-31")))
    facts = _condition(town)
    assert town.sees(CENTRE_DOCTOR, facts)
    assert holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Condition"), facts)
    town.clock.forward(days=30)
    assert not town.sees(CENTRE_DOCTOR, facts)
    assert not holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Condition"), facts)


@pytest.mark.parametrize(
    ("who", "purpose", "sees"),
    [
        (CENTRE_DOCTOR, "TREAT", True),
        (CENTRE_DOCTOR, "CAREMGT", False),
        (STATION_DOCTOR, "CAREMGT", False),
        (CARER, "CAREMGT", True),
        (CARER, "TREAT", False),
    ],
)
def test_the_purpose_follows_the_role(who: Caller, purpose: str, *, sees: bool, town: Town) -> None:
    facts = town.in_care().put(about("Observation"))
    assert town.sees(replace(who, purpose=purpose), facts) is sees


def test_a_consent_for_care_management_does_not_serve_the_doctor(town: Town) -> None:
    facts = town.in_care().put(about("Observation"))
    town.put(consent(purposes=["CAREMGT"]))
    assert not town.sees(CENTRE_DOCTOR, facts)
    assert town.sees(CARER, facts)


def test_a_named_recipient_sees_the_status_of_the_consent_and_no_more(town: Town) -> None:
    facts = town.in_care().put(consent())
    shown = town.shown(CENTRE_DOCTOR, consent(), facts)
    assert shown is not None
    assert set(shown) == {"resourceType", "id", "status", "patient", "dateTime", "provision", "meta"}
    assert set(shown["provision"]) == {"period"}
    assert town.shown(CARER, consent(), facts) is None


# --- one Patient per elder --------------------------------------------------------------------------------------

WHOLE = patient() | {
    "identifier": [
        {"system": "urn:oid:2.16.156.10011.1.3", "value": "410199194303051027"},
        {"system": "urn:centre:no", "value": "C-77"},
    ],
    "address": [{"text": "柳荫街道 8 号"}],
    "text": {"status": "generated", "div": "<div>王示兰</div>"},
}


def _joint(town: Town) -> Facts:
    town.put(patient(), HOSPITAL)
    return town.put(WHOLE, CENTRE, sent=("urn:centre:no|C-77",))


def test_a_controller_without_a_basis_sees_its_identifiers_name_sex_and_birth_date(town: Town) -> None:
    assert town.shown(CENTRE_DOCTOR, WHOLE, _joint(town)) == {
        "resourceType": "Patient",
        "id": ELDER,
        "identifier": [{"system": "urn:centre:no", "value": "C-77"}],
        "name": [{"text": "王示兰"}],
        "gender": "female",
        "birthDate": "1943-03-05",
        "meta": {"tag": [SUBSETTED]},
    }


def test_with_a_basis_it_sees_the_whole(town: Town) -> None:
    facts = _joint(town.in_care())
    assert town.shown(CENTRE_DOCTOR, WHOLE, facts) is WHOLE


def test_the_withdrawal_takes_the_basis_away(town: Town) -> None:
    facts = _joint(town.in_care())
    town.put(consent(status="inactive"))
    shown = town.shown(CENTRE_DOCTOR, WHOLE, facts)
    assert shown is not None
    assert "address" not in shown


@pytest.mark.parametrize(
    ("param", "found"),
    [
        ("identifier", True),
        ("name", True),
        ("_id", True),
        ("phone", False),
        ("address", False),
        ("general-practitioner", False),
    ],
)
def test_a_search_does_not_tell_what_the_view_hides(param: str, *, found: bool, town: Town) -> None:
    facts = _joint(town)
    query = Query("Patient", (Clause(param, "token", (TokenTerm(None, "13800000001"),)),))
    assert holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Patient", by=query), facts) is found
    in_care = Town().in_care()
    assert holds(in_care.gate.narrow(CENTRE_DOCTOR, "search", "Patient", by=query), _joint(in_care))


# --- the station's pull -----------------------------------------------------------------------------------------

CARD = TokenTerm("urn:oid:2.16.156.10011.1.3", "410199194303051027")


@pytest.mark.parametrize("who", [CARER, STATION_DOCTOR, CENTRE_DOCTOR])
def test_a_care_plan_is_found_by_the_elders_full_identifier(who: Caller, town: Town) -> None:
    town.in_care()
    chained = Clause("patient", "reference", chain=Query("Patient", (Clause("identifier", "identifier", (CARD,)),)))
    assert not town.gate.forbidden_param(who, "CarePlan", chained.param)
    assert not town.gate.forbidden_param(who, "Patient", "identifier", terms=(CARD,))
    assert holds(town.gate.narrow(who, "search", "Patient"), town.put(patient()))
    assert holds(town.gate.narrow(who, "search", "CarePlan"), town.put(care_plan(), CENTRE))


def test_the_other_carer_finds_neither_the_elder_nor_the_plan(town: Town) -> None:
    town.in_care()
    assert not holds(town.gate.narrow(OTHER_CARER, "search", "Patient"), town.put(patient()))
    assert not holds(town.gate.narrow(OTHER_CARER, "search", "CarePlan"), town.put(care_plan(), CENTRE))


def test_tasks_are_found_by_owner_and_status(town: Town) -> None:
    town.in_care()
    facts = town.put(referral("due", STATION, status="requested", code="follow-up"))
    for param in ("owner", "status", "patient", "code", "business-status"):
        assert not town.gate.forbidden_param(CARER, "Task", param, terms=(ReferenceTerm("Organization", STATION),))
    assert holds(town.gate.narrow(CARER, "search", "Task"), facts)


def test_a_new_owner_of_a_task_takes_the_place_of_the_old_one(town: Town) -> None:
    town.in_care()
    before = town.put(referral("due", CENTRE, status="requested", code="follow-up"))
    assert town.ask(CENTRE_NURSE, before, "update").rule == "W1-task"
    assert not town.sees(CARER, before)
    after = town.put(referral("due", STATION, status="requested", code="follow-up"))
    assert town.ask(CARER, after, "update").rule == "W1-task"
    assert not town.ask(CENTRE_NURSE, after, "update").allow


# --- roles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Encounter", "Provenance", "Composition", "Condition", "Consent"])
def test_a_kind_that_the_carer_never_sees_cannot_be_searched(kind: str, town: Town) -> None:
    town.in_care()
    assert town.gate.narrow(CARER, "search", kind) == NOTHING
    assert town.gate.forbidden_param(CARER, kind, "patient") or kind == "Provenance"


def test_the_feed_reads_nothing(town: Town) -> None:
    facts = town.put(about("Condition"), HOSPITAL)
    for action in ("read", "vread", "search", "history", "create", "update", "delete"):
        assert not town.ask(replace(HISFEED, scopes=frozenset({"system/*.cruds"})), facts, action).allow


def test_the_auditor_reads_the_journal_and_no_record(town: Town) -> None:
    journal = Facts("AuditEvent", klass="AUDIT")
    auditor = replace(AUDITOR, scopes=frozenset({"system/AuditEvent.rs"}))
    assert town.ask(auditor, journal, "audit").rule == "R8-audit"
    assert not town.sees(AUDITOR, town.put(about("Condition"), HOSPITAL))
    assert not any(town.ask(who, journal, "audit").allow for who in EVERYBODY if who is not AUDITOR)


def test_a_carer_writes_no_record_and_a_nurse_deletes_none(town: Town) -> None:
    town.in_care()
    at_station = town.put(about("Observation"), STATION)
    assert not town.ask(CARER, at_station, "create").allow
    assert town.ask(STATION_DOCTOR, at_station, "create").allow
    at_centre = town.put(about("Observation", "b"), CENTRE)
    assert not town.ask(CENTRE_NURSE, at_centre, "delete").allow
    assert town.ask(CENTRE_DOCTOR, at_centre, "delete").allow


def test_nobody_writes_a_patient_or_a_consent_by_rest(town: Town) -> None:
    town.in_care()
    for doc in (patient(), consent()):
        facts = town.put(doc, CENTRE)
        assert not any(
            town.ask(who, facts, action).allow for who in EVERYBODY for action in ("create", "update", "delete")
        )


def test_a_scope_is_needed_beside_everything_else(town: Town) -> None:
    facts = _condition(town.in_care())
    assert town.ask(replace(CENTRE_DOCTOR, scopes=frozenset({"system/Patient.rs"})), facts).rule == "F1-scope"


# --- inner actors -----------------------------------------------------------------------------------------------


def test_a_community_may_only_hand_in_what_its_relation_lets_it_write(town: Town) -> None:
    pipeline = Caller.system("pipeline", organisation=CENTRE, tier=Tier.CENTRE)
    facts = town.put(about("Observation"), CENTRE)
    assert not town.ask(pipeline, facts, "ingest").allow
    town.in_care()
    assert town.ask(pipeline, facts, "ingest").rule == "I2-community"


def test_a_hospital_hands_in_its_own_only(town: Town) -> None:
    pipeline = Caller.system("pipeline", organisation=HOSPITAL, tier=Tier.HOSPITAL)
    assert town.ask(pipeline, town.put(about("Condition")), "ingest").rule == "I1-hospital"
    assert not town.ask(pipeline, town.put(about("Condition", "b"), CENTRE), "ingest").allow


@pytest.mark.parametrize("client", ["system:nobody", "system:", "pipeline", "system:system:pipeline"])
def test_an_unknown_actor_may_nothing(client: str, town: Town) -> None:
    who = replace(Caller.system("pipeline", organisation=HOSPITAL, tier=Tier.HOSPITAL), client=client)
    facts = town.put(about("Condition"))
    assert not any(town.ask(who, facts, action).allow for action in ("read", "search", "ingest", "create"))


def test_each_role_of_the_story_has_a_caller() -> None:
    assert {who.role for who in EVERYBODY} == set(Role) - {Role.SYSTEM}
    assert caller(Role.CENTRE_NURSE, OTHER_CENTRE).tier is Tier.CENTRE
