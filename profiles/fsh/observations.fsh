// What was measured or scored: blood pressure, scales, nursing findings, the ability level.

Profile: YYBloodPressure
Parent: Observation
Id: yy-vital-bp
Title: "血压 Blood pressure"
Description: "一次测量的收缩压与舒张压，同 R4 bp 规范。自动采集须写明设备。One measurement, the two pressures together, as R4's bp profile has it; a value that came by itself names its device."
* insert Definition
* obeys yy-auto-device
* category 1..*
* category ^slicing.discriminator[0].type = #pattern
* category ^slicing.discriminator[0].path = "$this"
* category ^slicing.rules = #open
* category contains vitalSigns 1..1
* category[vitalSigns] = $observation-category#vital-signs
* code = $loinc#85354-9
* insert OfElder(subject)
* effective[x] 1..1
* value[x] 0..0
* component 2..*
* insert SliceByCode(component, 收缩压与舒张压 The two pressures)
* component contains
    systolic 1..1 and
    diastolic 1..1
* component[systolic].code = $loinc#8480-6
* component[systolic].value[x] only Quantity
* component[systolic].value[x] 1..1
* component[systolic].valueQuantity = $ucum#mm[Hg]
* component[systolic].valueQuantity.value 1..1
* component[diastolic].code = $loinc#8462-4
* component[diastolic].value[x] only Quantity
* component[diastolic].value[x] 1..1
* component[diastolic].valueQuantity = $ucum#mm[Hg]
* component[diastolic].valueQuantity.value 1..1
* extension contains EntryMode named entryMode 0..1

Invariant: yy-auto-device
Description: "自动采集的数值须写明设备 / A value that a device sent names the device"
Severity: #error
Expression: "extension.where(url = 'https://yiyang-gateway.example/fhir/StructureDefinition/entry-mode' and value = 'AUTO').exists() implies device.exists()"

Profile: YYScaleScore
Parent: Observation
Id: yy-scale-score
Title: "量表总分 Scale score"
Description: "一个量表的总分。由医院送来时没有逐项答案，故 derivedFrom 不作必填。The score of a scale; a hospital sends it without the answers, so derivedFrom is not asked for."
* insert Definition
* category 1..*
* code from YYScaleCode (required)
* insert OfElder(subject)
* effective[x] 1..1
* effective[x] only dateTime
* value[x] 1..1
* value[x] only Quantity
* valueQuantity.value 1..1
* valueQuantity = $ucum#{score}
* derivedFrom only Reference(YYAssessmentResponse or Observation)

Profile: YYAbilityLevel
Parent: Observation
Id: yy-ability-level
Title: "老年人能力等级 Ability level"
Description: "GB/T 42195—2022 的能力等级，由本系统按条目计分：总分、四个维度分和初步等级。The ability level, scored by the gateway from the items: the total, the four domains, the level before it was raised."
* insert Definition
* obeys yy-abl-sum
* code = YYScaleCS#gb42195-level
* insert OfElder(subject)
* effective[x] 1..1
* effective[x] only dateTime
* performer 1..*
* value[x] 1..1
* value[x] only CodeableConcept
* valueCodeableConcept from YYAbilityLevels (required)
* derivedFrom 1..1
* derivedFrom only Reference(YYAssessmentResponse)
* insert SliceByCode(component, 总分与维度 Total and domains)
* component contains
    total 1..1 and
    base 1..1 and
    b1 1..1 and
    b2 1..1 and
    b3 1..1 and
    b4 1..1
* component[total].code = YYScaleCS#gb42195-total
* component[total].value[x] 1..1
* component[total].value[x] only Quantity
* component[total] obeys yy-abl-total
* component[base].code = YYScaleCS#gb42195-base
* component[base].value[x] 1..1
* component[base].value[x] only CodeableConcept
* component[base].valueCodeableConcept from YYAbilityLevels (required)
* component[b1].code = YYScaleCS#gb42195-b1
* component[b1].value[x] 1..1
* component[b1].value[x] only Quantity
* component[b2].code = YYScaleCS#gb42195-b2
* component[b2].value[x] 1..1
* component[b2].value[x] only Quantity
* component[b3].code = YYScaleCS#gb42195-b3
* component[b3].value[x] 1..1
* component[b3].value[x] only Quantity
* component[b4].code = YYScaleCS#gb42195-b4
* component[b4].value[x] 1..1
* component[b4].value[x] only Quantity

Invariant: yy-abl-total
Description: "总分须在 0 至 90 之间 / The total is between 0 and 90"
Severity: #error
Expression: "value.value >= 0 and value.value <= 90"

Invariant: yy-abl-sum
Description: "总分须等于四个维度分之和 / The total is the sum of the four domains"
Severity: #error
Expression: "component.where(code.coding.code = 'gb42195-total').value.value = component.where(code.coding.code = 'gb42195-b1').value.value + component.where(code.coding.code = 'gb42195-b2').value.value + component.where(code.coding.code = 'gb42195-b3').value.value + component.where(code.coding.code = 'gb42195-b4').value.value"

Profile: YYNursingObservation
Parent: Observation
Id: yy-nursing-observation
Title: "护理观察 Nursing observation"
Description: "出院护理评估所见：自理能力、压力性损伤。What nursing finds at discharge: self-care, a pressure injury with its place and stage."
* insert Definition
* obeys yy-nur-site and yy-nur-stage
* category 1..*
* code from YYNursingObservationCode (required)
* insert OfElder(subject)
* effective[x] 1..1
* value[x] only CodeableConcept

Invariant: yy-nur-site
Description: "压力性损伤须写明部位 / A pressure injury names its place"
Severity: #error
Expression: "code.coding.where(code = 'pressure-injury').exists() implies bodySite.exists()"

Invariant: yy-nur-stage
Description: "压力性损伤的分期用 yy-pressure-stage 编码；没有对应代码时只写文字 / The stage of a pressure injury is coded by yy-pressure-stage, or a text alone"
Severity: #error
Expression: "code.coding.where(code = 'pressure-injury').exists() implies value.coding.where(code.exists()).all(system = 'https://yiyang-gateway.example/fhir/CodeSystem/yy-pressure-stage')"

Profile: YYAssessmentResponse
Parent: QuestionnaireResponse
Id: yy-assessment-response
Title: "评估答卷 Assessment response"
Description: "一次评估的答案，写明问卷及其版本。The answers of one assessment; the questionnaire is named with its version."
* insert Definition
* identifier 1..1
* identifier.system 1..1
* identifier.value 1..1
* questionnaire 1..1
* questionnaire obeys yy-qre-version
* insert OfElder(subject)
* authored 1..1
* author 1..1
* item 1..*

Invariant: yy-qre-version
Description: "问卷须带版本（url|version） / The questionnaire is named with its version (url|version)"
Severity: #error
Expression: "$this.matches('^[^|]+[|][^|]+$')"
