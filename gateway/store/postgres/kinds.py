"""Number the R4 resource types, name the partition that keeps each, and the date that is promoted to columns.

The numbers stand in the database: they never change and none is used twice. Source: FHIR R4 resourcelist.html;
the choice of partitions is a design default (storage.md section 4: one per hot type).
"""

from __future__ import annotations

from typing import Final

_R4 = """
Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem
ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest
CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement
DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest
EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization
ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List
Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge
MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization
MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient
MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged
MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader
MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition
OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation
Person PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse
RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject
RiskAssessment RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition
StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein
SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task
TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
"""
R4_KINDS: Final = tuple(_R4.split())
NUMBERS: Final = {kind: number for number, kind in enumerate(R4_KINDS, start=1)}
NAMES: Final = {number: kind for kind, number in NUMBERS.items()}

HOT_KINDS: Final = (
    "CarePlan",
    "Composition",
    "Condition",
    "DocumentReference",
    "Encounter",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "ServiceRequest",
    "Task",
)
"""Types with a partition of their own; the rest share `res_other`."""

# Only elements that occur once: a Timing counts by its outer limits (R4 search.html#date), so one span is enough.
PROMOTED_DATES: Final = {
    "Composition": "date",
    "Condition": "onset-date",
    "Consent": "date",
    "CarePlan": "date",
    "DocumentReference": "date",
    "Encounter": "date",
    "Goal": "start-date",
    "MedicationRequest": "authoredon",
    "MedicationStatement": "effective",
    "Observation": "date",
    "Patient": "birthdate",
    "Procedure": "date",
    "Provenance": "recorded",
    "QuestionnaireResponse": "authored",
    "ServiceRequest": "authored",
    "Task": "authored-on",
}
"""The date parameter kept in the columns lo and hi of the row itself; every other one is a row of `dat`."""

_PARTITIONS: Final = {kind: f"res_{kind.lower()}" for kind in HOT_KINDS}
OTHER: Final = "res_other"
PARTITIONS: Final = (*_PARTITIONS.values(), OTHER)
"""All partitions in the order in which a commit locks them."""


def partition(kind: str) -> str:
    """Return the table that holds the current versions of ``kind``."""
    return _PARTITIONS.get(kind, OTHER)
