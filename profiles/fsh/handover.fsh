// The hand-over after discharge: referral, its task, the follow-up, the flag.

Profile: YYReferralRequest
Parent: ServiceRequest
Id: yy-referral-request
Title: "转诊申请 Referral request"
Description: "双向转诊的申请：方向、紧急程度、指征、一个接收机构。绿色通道即 STAT。A referral: direction, urgency, criteria, one receiving organisation; the green channel is stat."
* insert Definition
* obeys yy-ref-green
* intent = #order
* category 1..*
* category ^slicing.discriminator[0].type = #pattern
* category ^slicing.discriminator[0].path = "$this"
* category ^slicing.rules = #open
* category contains referral 1..1
* category[referral] = $sct#3457005
* priority 1..1
* insert OfElder(subject)
* authoredOn 1..1
* requester 1..1
* performer 1..1
* performer only Reference(YYOrganization)
* reasonCode 1..*
* reasonCode from YYReferralCriteria (required)
* extension contains
    ReferralDirection named direction 1..1 and
    GreenChannel named greenChannel 0..1

Invariant: yy-ref-green
Description: "绿色通道的优先级须为 stat / A referral through the green channel is stat"
Severity: #error
Expression: "extension.where(url = 'https://yiyang-gateway.example/fhir/StructureDefinition/green-channel' and value = true).exists() implies priority = 'stat'"

RuleSet: HubTask(code)
* insert Definition
* intent = #order
* code 1..1
* code = YYTaskCodeCS#{code}
* for 1..1
* for only Reference(YYPatient)
* requester 1..1
* owner 1..1
* owner only Reference(YYOrganization)
* businessStatus 1..1
* restriction 1..1
* restriction.period 1..1
* restriction.period.end 1..1

Profile: YYReferralTask
Parent: Task
Id: yy-referral-task
Title: "转诊任务 Referral task"
Description: "转诊的进程：状态与业务状态一致，谢绝须有原因，每个状态有期限。How a referral goes: both states agree, a refusal has a reason, a deadline stands in the restriction."
* insert HubTask(referral)
* obeys yy-task-reason and yy-task-referral
* focus 1..1
* focus only Reference(YYReferralRequest)
* businessStatus from YYReferralStatus (required)

Profile: YYFollowUpTask
Parent: Task
Id: yy-followup-task
Title: "出院随访任务 Follow-up task"
Description: "出院后的首次随访，期限自出院算起。The first visit after discharge; its deadline runs from the discharge."
* insert HubTask(follow-up)
* obeys yy-task-reason and yy-task-followup
* businessStatus from YYFollowupStatus (required)

Invariant: yy-task-reason
Description: "谢绝或未能完成须写明原因 / A refusal or a failure has a reason"
Severity: #error
Expression: "(status = 'rejected' or status = 'failed') implies statusReason.exists()"

Invariant: yy-task-referral
Description: "任务状态与业务状态不一致 / status and businessStatus disagree"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://yiyang-gateway.example/fhir/CodeSystem/yy-business-status').all((code = 'draft' implies %resource.status = 'draft') and ((code = 'awaiting-consent' or code = 'unattended') implies %resource.status = 'on-hold') and (code = 'submitted' implies %resource.status = 'requested') and (code = 'received' implies %resource.status = 'received') and (code = 'accepted' implies %resource.status = 'accepted') and (code = 'declined' implies %resource.status = 'rejected') and (code = 'scheduled' implies %resource.status = 'ready') and ((code = 'in-transit' or code = 'arrived' or code = 'in-care') implies %resource.status = 'in-progress') and (code = 'completed' implies %resource.status = 'completed') and (code = 'cancelled' implies %resource.status = 'cancelled') and (code = 'expired' implies %resource.status = 'failed'))"

Invariant: yy-task-followup
Description: "任务状态与业务状态不一致 / status and businessStatus disagree"
Severity: #error
Expression: "businessStatus.coding.where(system = 'https://yiyang-gateway.example/fhir/CodeSystem/yy-business-status').all((code = 'awaiting-consent' implies %resource.status = 'on-hold') and (code = 'due' implies %resource.status = 'requested') and (code = 'planned' implies %resource.status = 'accepted') and (code = 'visiting' implies %resource.status = 'in-progress') and (code = 'done' implies %resource.status = 'completed') and (code = 'not-done' implies %resource.status = 'failed') and (code = 'cancelled' implies %resource.status = 'cancelled'))"

Profile: YYKeyPopulationFlag
Parent: Flag
Id: yy-flag-key-population
Title: "重点人群标记 Key population flag"
Description: "老人属于某一重点人群，自何时起。The elder belongs to a key population, since when."
* insert Definition
* code from YYKeyPopulation (required)
* insert OfElder(subject)
* period 1..1
* period.start 1..1
* author 1..1
