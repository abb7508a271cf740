// The documents of a record and where it came from.

Profile: YYDischargeComposition
Parent: Composition
Id: yy-discharge-composition
Title: "出院小结 Discharge summary"
Description: "WS/T 500.53 出院小结（C0053），章节以编码区分，同一章节至多一次；没有内容的章节须说明原因。The discharge summary; sections by code, each at most once, an empty one with its reason."
* insert Definition
* type 1..1
* insert SliceBySystem(type.coding, 按编码系统区分 By system)
* type.coding contains
    national 1..1 and
    loinc 1..1
* type.coding[national].system 1..1
* type.coding[national].system = "urn:oid:2.16.156.10011.2.4" (exactly)
* type.coding[national].code 1..1
* type.coding[national].code = #C0053 (exactly)
* type.coding[loinc].system 1..1
* type.coding[loinc].system = "http://loinc.org" (exactly)
* type.coding[loinc].code 1..1
* type.coding[loinc].code = #18842-5 (exactly)
* insert OfElder(subject)
* encounter 1..1
* encounter only Reference(YYInpatientEncounter)
* custodian 1..1
* custodian only Reference(YYOrganization)
* section.code 1..1
* section obeys yy-cmp-section
* insert SliceByCode(section, 按章节编码区分 By code of the section)
* section contains
    course 0..1 and
    condition 0..1 and
    orders 0..1 and
    reason 0..1 and
    devices 0..1 and
    diet 0..1 and
    drugs 0..1 and
    revisit 0..1 and
    readmission 0..1
* section[course].code = $loinc#8648-8
* section[condition].code = $loinc#11535-2
* section[orders].code = $loinc#46209-3
* section[reason].code = $loinc#42349-1
* section[devices].code = $loinc#46264-8
* section[diet].code = $data-element#DE06.00.291.00
* section[drugs].code = $data-element#DE06.00.136.00
* section[revisit].code = $data-element#DE06.00.299.00
* section[readmission].code = $data-element#DE06.00.194.00

Invariant: yy-cmp-section
Description: "章节没有内容时须说明原因 / A section without content tells why"
Severity: #error
Expression: "text.exists() or entry.exists() or section.exists() or emptyReason.exists()"

Profile: YYDocumentReference
Parent: DocumentReference
Id: yy-document-reference
Title: "原文 Original record"
Description: "来源记录的原文：类型、大小、摘要和存放处。不离开发送机构。The original of a record: type, size, hash, place. It never leaves its sender."
* insert Definition
* type 1..1
* insert OfElder(subject)
* date 1..1
* custodian 1..1
* custodian only Reference(YYOrganization)
* content 1..1
* content.attachment.contentType 1..1
* content.attachment.url 1..1
* content.attachment.size 1..1
* content.attachment.hash 1..1
* content.attachment.data 0..0

Profile: YYProvenance
Parent: Provenance
Id: yy-provenance
Title: "来源 Provenance"
Description: "资源由哪条消息、经哪张映射表（含版本）而来：来源实体是原始字节的 SHA-256。By which message and which map, with its version, resources came about; the source is the SHA-256 of the original bytes."
* insert Definition
* policy 1..*
* agent.who 1..1
* entity 1..*
* entity ^slicing.discriminator[0].type = #value
* entity ^slicing.discriminator[0].path = "role"
* entity ^slicing.rules = #open
* entity contains message 1..1
* entity[message].role = #source (exactly)
* entity[message].what.identifier 1..1
* entity[message].what.identifier.system 1..1
* entity[message].what.identifier.system = "https://yiyang-gateway.example/fhir/sid/message-sha256" (exactly)
* entity[message].what.identifier.value 1..1
* entity[message].what.identifier obeys yy-prv-hash

Invariant: yy-prv-hash
Description: "消息摘要须为 64 位十六进制 / The hash of a message is 64 hexadecimal digits"
Severity: #error
Expression: "value.matches('^[0-9a-fA-F]{64}$')"
