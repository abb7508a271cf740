// One value set a binding. Required where we own the codes or a wrong one would decide wrongly; else extensible.

RuleSet: AllOf(system)
* insert Definition
* ^experimental = false
* include codes from system {system}

ValueSet: YYSex
Id: yy-sex
Title: "性别 Sex"
Description: "GB/T 2261.1。Sex as recorded."
* insert AllOf(GB2261Sex)

ValueSet: YYEthnicGroup
Id: yy-ethnic-group
Title: "民族 Ethnic group"
Description: "GB/T 3304。Ethnic groups."
* insert AllOf(GB3304Ethnic)

ValueSet: YYFamilyRelation
Id: yy-family-relation
Title: "家庭关系 Family relation"
Description: "GB/T 4761。Relation to the elder."
* insert AllOf(GB4761Relation)

ValueSet: YYAdmitCondition
Id: yy-admit-condition
Title: "入院病情 Condition on admission"
Description: "入院病情。Condition on admission."
* insert AllOf(AdmitConditionTable)

ValueSet: YYOutcome
Id: yy-outcome
Title: "转归 Outcome"
Description: "病情转归。Outcome."
* insert AllOf(OutcomeTable)

ValueSet: YYTier
Id: yy-tier
Title: "层级 Tier"
Description: "机构层级。Tier of an organisation."
* insert AllOf(YYTierCS)

ValueSet: YYStaffRole
Id: yy-staff-role
Title: "团队岗位 Staff role"
Description: "团队岗位。Role in a team."
* insert AllOf(YYStaffRoleCS)

ValueSet: YYServiceItem
Id: yy-service-item
Title: "服务项目 Service item"
Description: "服务项目。What is done for the elder."
* insert AllOf(YYServiceItemCS)

ValueSet: YYCareMode
Id: yy-care-mode
Title: "照护方式 Care mode"
Description: "照护方式。Where the elder is cared for."
* insert AllOf(YYCareModeCS)

ValueSet: YYPlanKind
Id: yy-plan-kind
Title: "计划种类 Kind of plan"
Description: "计划种类。What a plan is about."
* insert AllOf(YYPlanKindCS)

ValueSet: YYKeyPopulation
Id: yy-key-population
Title: "重点人群 Key population"
Description: "重点人群。Elders who need looking after most."
* insert AllOf(YYKeyPopulationCS)

ValueSet: YYAbilityLevels
Id: yy-ability-level
Title: "能力等级 Ability level"
Description: "老年人能力等级。Ability level."
* insert AllOf(YYAbilityLevelCS)

ValueSet: YYDataClass
Id: yy-data-class
Title: "数据类别 Data class"
Description: "同意书的数据类别。Classes of data of a consent."
* insert AllOf(YYDataClassCS)

ValueSet: YYReferralCriteria
Id: yy-referral-criteria
Title: "转诊指征 Referral criteria"
Description: "转诊指征。Why somebody is referred."
* insert AllOf(YYReferralCriteriaCS)

ValueSet: YYReferralDirection
Id: yy-referral-direction
Title: "转诊方向 Direction of referral"
Description: "转诊方向。Direction of referral."
* insert AllOf(YYReferralDirectionCS)

ValueSet: YYEntryMode
Id: yy-entry-mode
Title: "录入方式 Mode of entry"
Description: "录入方式。Mode of entry."
* insert AllOf(YYEntryModeCS)

ValueSet: YYPressureStage
Id: yy-pressure-stage
Title: "压力性损伤分期 Stage of pressure injury"
Description: "压力性损伤分期。Stage of pressure injury."
* insert AllOf(YYPressureStageCS)

ValueSet: YYReferralStatus
Id: yy-referral-status
Title: "转诊状态 State of a referral"
Description: "双向转诊任务的状态。The states of the two-way referral."
* insert Definition
* ^experimental = false
* YYBusinessStatusCS#draft
* YYBusinessStatusCS#awaiting-consent
* YYBusinessStatusCS#submitted
* YYBusinessStatusCS#received
* YYBusinessStatusCS#accepted
* YYBusinessStatusCS#declined
* YYBusinessStatusCS#scheduled
* YYBusinessStatusCS#in-transit
* YYBusinessStatusCS#arrived
* YYBusinessStatusCS#unattended
* YYBusinessStatusCS#in-care
* YYBusinessStatusCS#completed
* YYBusinessStatusCS#cancelled
* YYBusinessStatusCS#expired

ValueSet: YYFollowupStatus
Id: yy-followup-status
Title: "随访状态 State of a follow-up"
Description: "出院随访任务的状态。The states of the follow-up after discharge."
* insert Definition
* ^experimental = false
* YYBusinessStatusCS#awaiting-consent
* YYBusinessStatusCS#due
* YYBusinessStatusCS#planned
* YYBusinessStatusCS#visiting
* YYBusinessStatusCS#done
* YYBusinessStatusCS#not-done
* YYBusinessStatusCS#cancelled

ValueSet: YYConsentPurpose
Id: yy-consent-purpose
Title: "共享用途 Purpose of sharing"
Description: "同意书可授权的用途。Purposes that a sharing consent can grant."
* insert Definition
* ^experimental = false
* $act-reason#TREAT "诊疗"
* $act-reason#CAREMGT "照护管理"

ValueSet: YYConsentExclusion
Id: yy-consent-exclusion
Title: "除外内容 Exclusion"
Description: "可从共享中除外的敏感内容；只列系统能识别并拦截者。What a consent may keep back: only what the labels can find and hold."
* insert Definition
* ^experimental = false
* $act-code#PSY "精神卫生记录"
* $act-code#HIV "艾滋病记录"
* $act-code#STD "性病记录"
* $act-code#GDIS "遗传信息"
* $act-code#INF "传染病记录"

ValueSet: YYScaleCode
Id: yy-scale-code
Title: "量表总分 Scale score"
Description: "可存为量表总分的项目。Scales whose score is stored by itself."
* insert Definition
* ^experimental = false
* $loinc#96761-2 "Barthel 指数总分"
* $loinc#38227-5 "Braden 评分总分"
* $loinc#59460-6 "Morse 跌倒评分总分"
* $loinc#72514-3 "疼痛数字评分"
* $loinc#72106-8 "MMSE 总分"

ValueSet: YYNursingObservationCode
Id: yy-nursing-observation-code
Title: "护理观察项目 Nursing observation"
Description: "出院护理评估的观察项目。What nursing finds at discharge."
* insert Definition
* ^experimental = false
* $data-element#DE05.10.122.00 "自理能力"
* YYObservationCS#pressure-injury "压力性损伤"
