// The stay in hospital: encounter, diagnoses, procedures, allergies, discharge drugs. Source: WS/T 500.53, WS 445.

Profile: YYInpatientEncounter
Parent: Encounter
Id: yy-encounter-inpatient
Title: "住院就诊 Inpatient stay"
Description: "一次住院，以住院号标识。出院时须有离院方式；转院或转社区时须有拟接收机构。One stay by its inpatient number; when finished it tells how the elder left, and to whom when handed over."
* insert Definition
* obeys yy-enc-end and yy-enc-disposition and yy-enc-destination
* identifier 1..*
* insert SliceBySystem(identifier, 按标识系统区分 By system)
* identifier contains
    inpatientNo 1..1 and
    visitSerial 0..1
* identifier[inpatientNo].system 1..1
* identifier[inpatientNo].system = "urn:oid:2.16.156.10011.1.12" (exactly)
* identifier[inpatientNo].type = $v2-0203#VN
* identifier[inpatientNo].value 1..1
* identifier[inpatientNo].assigner 1..1
* identifier[visitSerial].system 1..1
* identifier[visitSerial].system = "urn:oid:2.16.156.10011.2.5.1.9" (exactly)
* identifier[visitSerial].value 1..1
* identifier[visitSerial].assigner 1..1
* class = $act-code#IMP
* insert OfElder(subject)
* period 1..1
* period.start 1..1
* serviceProvider 1..1
* serviceProvider only Reference(YYOrganization)
* hospitalization.destination only Reference(YYOrganization)
* diagnosis.condition only Reference(YYCondition or YYProcedure)

Invariant: yy-enc-end
Description: "已出院的就诊须有出院时间 / A finished stay has an end"
Severity: #error
Expression: "status = 'finished' implies period.end.exists()"

Invariant: yy-enc-disposition
Description: "已出院的就诊须有离院方式（CV06.00.226） / A finished stay tells the way of discharge (CV06.00.226)"
Severity: #error
Expression: "status = 'finished' implies hospitalization.dischargeDisposition.exists()"

Invariant: yy-enc-destination
Description: "离院方式为 2 或 3 时须有拟接收机构 / With 离院方式 2 or 3 the receiving organisation is named"
Severity: #error
Expression: "hospitalization.dischargeDisposition.coding.where(system = 'urn:oid:2.16.156.10011.2.3.1.265' and (code = '2' or code = '3')).exists() implies hospitalization.destination.exists()"

Profile: YYCondition
Parent: Condition
Id: yy-condition
Title: "诊断与问题 Condition"
Description: "诊断或照护问题。就诊诊断须有 ICD-10 国家临床版编码；照护问题可以只有文字。A diagnosis or a care problem: a diagnosis of a stay carries the national ICD-10 code, a care problem may be a text."
* insert Definition
* obeys yy-con-icd and yy-con-said
* category 1..*
* code 1..1
* insert OfElder(subject)
* encounter only Reference(YYInpatientEncounter or Encounter)
* extension contains
    AdmitCondition named admitCondition 0..1 and
    Outcome named outcome 0..1

Invariant: yy-con-icd
Description: "就诊诊断须有 ICD-10 国家临床版编码 / A diagnosis of a stay has a code of the national ICD-10"
Severity: #error
Expression: "category.coding.where(code = 'encounter-diagnosis').exists() implies code.coding.where(system = 'urn:oid:2.16.156.10011.2.3.3.11' and code.exists()).exists()"

Invariant: yy-con-said
Description: "病情须有编码或文字 / A condition has a code or a text"
Severity: #error
Expression: "code.text.exists() or code.coding.code.exists()"

Profile: YYProcedure
Parent: Procedure
Id: yy-procedure
Title: "手术操作 Procedure"
Description: "手术或操作，ICD-9-CM-3 国家临床版编码。A procedure by its national ICD-9-CM-3 code."
* insert Definition
* code 1..1
* insert SliceBySystem(code.coding, 按编码系统区分 By system)
* code.coding contains icd9cm3 1..1
* code.coding[icd9cm3].system 1..1
* code.coding[icd9cm3].system = "urn:oid:2.16.156.10011.2.3.3.12" (exactly)
* code.coding[icd9cm3].code 1..1
* insert OfElder(subject)

Profile: YYAllergy
Parent: AllergyIntolerance
Id: yy-allergy
Title: "过敏 Allergy"
Description: "过敏或不耐受，写明过敏原。写给任何接收者，不受类别限制。An allergy names its substance; it goes with any class of a consent."
* insert Definition
* code 1..1
* code.text 1..1
* insert OfElder(patient)

Profile: YYMedicationRequest
Parent: MedicationRequest
Id: yy-medication-request
Title: "用药医嘱 Medication order"
Description: "出院带药或其他用药医嘱：药名和用法都要有人能读的文字。A drug that was ordered: name and dosage as text that a person can read."
* insert Definition
* obeys yy-med-dosage
* intent = #order
* medication[x] only CodeableConcept
* medicationCodeableConcept.text 1..1
* insert OfElder(subject)
* authoredOn 1..1
* dosageInstruction.text 1..1

Invariant: yy-med-dosage
Description: "没有用法：首次随访时须核对用药 / No dosage: reconcile the medication at the first visit"
Severity: #warning
Expression: "dosageInstruction.exists()"
