// Systems and canonicals by a short name. Source of the OIDs: GB/T and WS/T tables as the hospitals' CDA names them.

Alias: $B = https://yiyang-gateway.example/fhir
Alias: $loinc = http://loinc.org
Alias: $sct = http://snomed.info/sct
Alias: $ucum = http://unitsofmeasure.org

// HL7 terminology
Alias: $v2-0203 = http://terminology.hl7.org/CodeSystem/v2-0203
Alias: $act-code = http://terminology.hl7.org/CodeSystem/v3-ActCode
Alias: $act-reason = http://terminology.hl7.org/CodeSystem/v3-ActReason
Alias: $participation = http://terminology.hl7.org/CodeSystem/v3-ParticipationType
Alias: $consent-scope = http://terminology.hl7.org/CodeSystem/consentscope
Alias: $condition-category = http://terminology.hl7.org/CodeSystem/condition-category
Alias: $observation-category = http://terminology.hl7.org/CodeSystem/observation-category
Alias: $provenance-participant = http://terminology.hl7.org/CodeSystem/provenance-participant-type

// National identifiers
Alias: $idcard = urn:oid:2.16.156.10011.1.3
Alias: $health-record = urn:oid:2.16.156.10011.1.2
Alias: $health-card = urn:oid:2.16.156.10011.1.19
Alias: $insurance = urn:oid:2.16.156.10011.1.15
Alias: $hospital-pi = urn:oid:2.16.156.10011.2.5.1.4
Alias: $visit-serial = urn:oid:2.16.156.10011.2.5.1.9
Alias: $inpatient-no = urn:oid:2.16.156.10011.1.12
Alias: $outpatient-no = urn:oid:2.16.156.10011.1.11
Alias: $medical-record-no = urn:oid:2.16.156.10011.1.13
Alias: $staff-no = urn:oid:2.16.156.10011.1.4
Alias: $uscc = urn:oid:2.16.156.10011.1.5
Alias: $document-no = urn:oid:2.16.156.10011.1.1

// National tables
Alias: $gb2261-sex-cs = urn:oid:2.16.156.10011.2.3.3.4
Alias: $gb3304-cs = urn:oid:2.16.156.10011.2.3.3.3
Alias: $gb4761-cs = urn:oid:2.16.156.10011.2.3.3.8
Alias: $icd10-cn = urn:oid:2.16.156.10011.2.3.3.11
Alias: $icd9cm3-cn = urn:oid:2.16.156.10011.2.3.3.12
Alias: $discharge-way-cs = urn:oid:2.16.156.10011.2.3.1.265
Alias: $admit-condition-cs = urn:oid:2.16.156.10011.2.3.1.253
Alias: $outcome-cs = urn:oid:2.16.156.10011.2.3.1.148
Alias: $self-care-cs = urn:oid:2.16.156.10011.2.3.2.55
Alias: $document-type-cs = urn:oid:2.16.156.10011.2.4
Alias: $data-element = urn:oid:2.16.156.10011.2.2.1
