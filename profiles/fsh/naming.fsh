// The identifiers that are exchanged, with the other names under which senders write the same system.

RuleSet: Naming(name, zh, system)
* name = "{name}"
* status = #draft
* kind = #identifier
* date = "2026-01-01"
* description = "{zh}"
* jurisdiction = urn:iso:std:iso:3166#CN
* uniqueId[0].type = #uri
* uniqueId[0].value = "{system}"
* uniqueId[0].preferred = true

RuleSet: AlsoNamed(at, system)
* uniqueId[{at}].type = #uri
* uniqueId[{at}].value = "{system}"
* uniqueId[{at}].preferred = false

Instance: resident-identity-card
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(ResidentIdentityCard, 居民身份证号 Resident identity card, urn:oid:2.16.156.10011.1.3)
* insert AlsoNamed(1, urn:oid:2.16.840.1.113883.2.23.1.19.1)

Instance: health-record-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(HealthRecordNumber, 健康档案编号 Health record number, urn:oid:2.16.156.10011.1.2)

Instance: health-card-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(HealthCardNumber, 居民健康卡号 Health card number, urn:oid:2.16.156.10011.1.19)

Instance: insurance-card-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(InsuranceCardNumber, 医保卡或社保卡号 Insurance card number, urn:oid:2.16.156.10011.1.15)
* insert AlsoNamed(1, urn:oid:2.16.840.1.113883.2.23.1.19.2)

Instance: inpatient-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(InpatientNumber, 住院号 Inpatient number, urn:oid:2.16.156.10011.1.12)

Instance: outpatient-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(OutpatientNumber, 门急诊号 Outpatient number, urn:oid:2.16.156.10011.1.11)
* insert AlsoNamed(1, urn:oid:2.16.156.10011.1.10)

Instance: medical-record-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(MedicalRecordNumber, 病案号 Medical record number, urn:oid:2.16.156.10011.1.13)

Instance: hospital-patient-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(HospitalPatientNumber, 院内患者标识 Patient number of one hospital, urn:oid:2.16.156.10011.2.5.1.4)

Instance: visit-serial-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(VisitSerialNumber, 就诊流水号 Serial number of a visit, urn:oid:2.16.156.10011.2.5.1.9)

Instance: staff-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(StaffNumber, 医务人员编号 Staff number, urn:oid:2.16.156.10011.1.4)
* insert AlsoNamed(1, urn:oid:2.16.156.10011.1.7)

Instance: organization-credit-code
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(OrganizationCreditCode, 统一社会信用代码 Unified social credit code, urn:oid:2.16.156.10011.1.5)

Instance: document-serial-number
InstanceOf: NamingSystem
Usage: #definition
* insert Naming(DocumentSerialNumber, 文档流水号 Serial number of a document, urn:oid:2.16.156.10011.1.1)
