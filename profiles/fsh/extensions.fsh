// What R4 has no element for. Names as in the profile list; each says where it may stand.

Extension: Gb2261Sex
Id: gb2261-sex
Title: "性别原始代码 Sex as recorded"
Description: "GB/T 2261.1 的性别代码，保留申报值。The GB/T 2261.1 code as sent: administrative-gender cannot tell 0 (未知) from 9 (未说明)."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Patient.gender"
* value[x] 1..1
* value[x] only Coding
* valueCoding from YYSex (required)

Extension: Gb3304Ethnic
Id: gb3304-ethnic
Title: "民族 Ethnic group"
Description: "GB/T 3304 民族；表外值保留为文字。GB/T 3304; a value outside the table is kept as text."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Patient"
* value[x] 1..1
* value[x] only CodeableConcept
* valueCodeableConcept from YYEthnicGroup (extensible)

Extension: TownshipVillageAddress
Id: township-village-address
Title: "乡镇街道与村居 Township and village"
Description: "地址中的乡镇（街道）和村（居），网格与分派以此为准。The two levels of a Chinese address below the county that FHIR has no element for."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Address"
* value[x] 1..1
* value[x] only string

Extension: Guardian
Id: guardian
Title: "监护人 Guardian"
Description: "该联系人是否为老人的监护人。Whether this person is the elder's guardian."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "RelatedPerson"
* value[x] 1..1
* value[x] only boolean

Extension: AdmitCondition
Id: admit-condition
Title: "入院病情 Condition on admission"
Description: "住院病案首页“入院病情”（OID 2.16.156.10011.2.3.1.253）：4 为入院时没有，即院内获得。Whether the diagnosis was present on admission."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Condition"
* value[x] 1..1
* value[x] only CodeableConcept
* valueCodeableConcept from YYAdmitCondition (extensible)

Extension: Outcome
Id: outcome
Title: "转归 Outcome"
Description: "出院时该诊断的转归（OID 2.16.156.10011.2.3.1.148）。How the diagnosis stood at discharge."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Condition"
* value[x] 1..1
* value[x] only CodeableConcept
* valueCodeableConcept from YYOutcome (extensible)

Extension: Tier
Id: tier
Title: "层级 Tier"
Description: "机构在四级链条中的层级（DB41/T 2684—2024 5.1）。Where the organisation stands in the chain; said by the hub's registry, not by senders."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Organization"
* value[x] 1..1
* value[x] only code
* valueCode from YYTier (required)

Extension: ReferralDirection
Id: referral-direction
Title: "转诊方向 Direction of referral"
Description: "上转、下转或平转。Up, down or between equals."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "ServiceRequest"
* value[x] 1..1
* value[x] only code
* valueCode from YYReferralDirection (required)

Extension: GreenChannel
Id: green-channel
Title: "绿色通道 Green channel"
Description: "急危重症绿色通道（DB41/T 2684—2024 5.2.2.2）。The fast lane for emergencies."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "ServiceRequest"
* value[x] 1..1
* value[x] only boolean

Extension: EntryMode
Id: entry-mode
Title: "录入方式 Mode of entry"
Description: "数值由设备自动采集还是人工录入。Whether a device sent the value or a person typed it."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Observation"
* value[x] 1..1
* value[x] only code
* valueCode from YYEntryMode (required)

Extension: ConsentNecessity
Id: consent-necessity
Title: "必要性告知 Necessity as told"
Description: "告知的必要性（个人信息保护法第三十条）。Why sharing is necessary, as the elder was told (PIPL 30)."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Consent"
* value[x] 1..1
* value[x] only string

Extension: ConsentImpact
Id: consent-impact
Title: "影响告知 Impact as told"
Description: "告知的对个人权益的影响（个人信息保护法第三十条）。What sharing means for the elder, as told (PIPL 30)."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Consent"
* value[x] 1..1
* value[x] only string

Extension: ConsentNotice
Id: consent-notice
Title: "告知书 Notice"
Description: "签署时所示告知书的版本、文本和摘要，以及签署方式与代签证明。The notice that was shown: version, text and SHA-256; how it was signed, and the evidence of who signed for the elder."
* insert Definition
* ^context[0].type = #element
* ^context[0].expression = "Consent"
* value[x] 0..0
* extension contains
    version 1..1 and
    sha256 0..1 and
    text 0..1 and
    way 0..1 and
    evidence 0..1
* extension[version].value[x] only string
* extension[version].value[x] 1..1
* extension[sha256].value[x] only string
* extension[sha256].value[x] 1..1
* extension[sha256].valueString obeys yy-sha256
* extension[text].value[x] only string
* extension[text].value[x] 1..1
* extension[way].value[x] only string
* extension[way].value[x] 1..1
* extension[evidence].value[x] only string
* extension[evidence].value[x] 1..1

Invariant: yy-sha256
Description: "摘要须为 64 位十六进制 / A SHA-256 is 64 hexadecimal digits"
Severity: #error
Expression: "$this.matches('^[0-9a-fA-F]{64}$')"
