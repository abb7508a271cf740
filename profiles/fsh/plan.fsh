// The care plan and what belongs to it. Source: DB41/T 2684—2024 7.4, 8.3.1.

Profile: YYCarePlan
Parent: CarePlan
Id: yy-careplan
Title: "照护计划 Care plan"
Description: "老人的照护计划：照护方式、期限、制定机构，活动用 yy-service-item。表内没有的项目保留为文字。The elder's plan: where the care happens, from when to when, by whom; activities by service item, an unknown one as text."
* insert Definition
* identifier 1..*
* intent = #plan
* category 1..*
* category ^slicing.discriminator[0].type = #value
* category ^slicing.discriminator[0].path = "coding.system"
* category ^slicing.rules = #open
* category contains
    mode 1..1 and
    level 0..1 and
    kind 0..*
* category[mode] from YYCareMode (required)
* category[mode].coding 1..*
* category[mode].coding.system 1..1
* category[mode].coding.system = "https://yiyang-gateway.example/fhir/CodeSystem/yy-care-mode" (exactly)
* category[level] from YYAbilityLevels (required)
* category[level].coding 1..*
* category[level].coding.system 1..1
* category[level].coding.system = "https://yiyang-gateway.example/fhir/CodeSystem/yy-ability-level" (exactly)
* category[kind] from YYPlanKind (required)
* category[kind].coding 1..*
* category[kind].coding.system 1..1
* category[kind].coding.system = "https://yiyang-gateway.example/fhir/CodeSystem/yy-plan-kind" (exactly)
* insert OfElder(subject)
* period 1..1
* period.start 1..1
* period.end 1..1
* author 1..1
* careTeam only Reference(YYCareTeam)
* addresses only Reference(YYCondition)
* goal only Reference(YYGoal)
* activity.reference 0..0
* activity.detail 1..1
* activity.detail.kind 1..1
* activity.detail.code 1..1
* activity.detail.code from YYServiceItem (extensible)
* activity.detail obeys yy-cpl-detail

Invariant: yy-cpl-detail
Description: "照护活动须有项目编码或文字 / An activity has a code or a text"
Severity: #error
Expression: "code.text.exists() or code.coding.code.exists()"

Profile: YYGoal
Parent: Goal
Id: yy-goal
Title: "照护目标 Goal"
Description: "照护计划的目标，有人能读的文字。A goal of the plan, as text that a person can read."
* insert Definition
* description.text 1..1
* insert OfElder(subject)

Profile: YYCareTeam
Parent: CareTeam
Id: yy-careteam
Title: "照护团队 Care team"
Description: "照护团队：每名成员有岗位；工作人员写明所代表的机构，授权由此而来。Who cares for the elder: each with a role; a practitioner names the organisation, which the right to read comes from."
* insert Definition
* insert OfElder(subject)
* participant 1..*
* participant.role 1..*
* participant.role from YYStaffRole (extensible)
* participant.member 1..1
* participant obeys yy-team-org
* managingOrganization 1..*
* managingOrganization only Reference(YYOrganization)

Invariant: yy-team-org
Description: "工作人员须写明所代表的机构 / A practitioner names the organisation"
Severity: #error
Expression: "member.resolve().exists($this is Practitioner) implies onBehalfOf.exists()"
