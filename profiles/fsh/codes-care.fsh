// Code systems of our own about care and people. Complete: a required binding to one of them can be decided.

RuleSet: Complete
* insert Definition
* ^experimental = false
* ^caseSensitive = true
* ^content = #complete

CodeSystem: YYTierCS
Id: yy-tier
Title: "链条层级 Tier"
Description: "DB41/T 2684—2024 5.1 的四级链条，另加行政部门。The four tiers of the chain, and government."
* insert Complete
* #H "医院"
* #C "街道（乡镇）医养服务中心"
* #S "社区（村）医养服务站"
* #F "家庭"
* #G "行政部门与质控中心"

CodeSystem: YYStaffRoleCS
Id: yy-staff-role
Title: "团队岗位 Staff role"
Description: "DB41/T 2684—2024 4.2、国卫办老龄发〔2023〕18号 二（二）、国卫老龄发〔2024〕40号（四）的人员。Who works in an integrated-care team."
* insert Complete
* #physician "医师"
* #family-doctor "家庭医生"
* #village-doctor "乡村医生"
* #nurse "护士"
* #pharmacist "药师"
* #dietitian "营养师"
* #psychologist "心理咨询师"
* #rehabilitation-therapist "康复治疗师"
* #elder-care-worker "养老护理员"
* #care-giver "照护师"
* #health-manager "健康管理师"
* #social-worker "社会工作者"
* #volunteer "志愿者"
* #grid-leader "网格长"
* #administrator "行政人员"

CodeSystem: YYServiceItemCS
Id: yy-service-item
Title: "服务项目 Service item"
Description: "S：国卫办老龄发〔2020〕23号的 14 项医疗卫生服务；L、R、P、K：DB41/T 2684—2024 8.2.2 的生活照料、巡访、精神慰藉、康复。The 14 medical services of the co-operation agreement; daily living, visits, comfort and rehabilitation."
* insert Complete
* #S01 "基本公共卫生服务"
* #S02 "疾病诊疗服务"
* #S03 "医疗康复服务"
* #S04 "医疗护理服务"
* #S05 "中医药服务"
* #S06 "精神卫生服务"
* #S07 "安宁疗护服务"
* #S08 "家庭病床服务"
* #S09 "急诊急救绿色通道服务"
* #S10 "双向转诊服务"
* #S11 "药事管理指导服务"
* #S12 "专业培训"
* #S13 "传染病防控和院感防控指导"
* #S14 "远程医疗服务"
* #L01 "生活照料"
* #L02 "助餐"
* #L03 "助浴"
* #L04 "助洁"
* #L05 "助医"
* #L06 "助行"
* #L07 "助急"
* #L08 "辅具租赁"
* #R01 "巡访"
* #P01 "精神慰藉"
* #K01 "康复评估"
* #K02 "康复训练"
* #K03 "康复指导"

CodeSystem: YYCareModeCS
Id: yy-care-mode
Title: "照护方式 Care mode"
Description: "居家、日间照料、入住或家庭病床（DB41/T 2684—2024 6、7.2）。Where the elder is cared for."
* insert Complete
* #home "居家"
* #daycare "日间照料"
* #residence "机构入住"
* #homebed "家庭病床"

CodeSystem: YYPlanKindCS
Id: yy-plan-kind
Title: "计划种类 Kind of plan"
Description: "诊疗、照护、健康管理、安宁疗护、康复。What a plan is about."
* insert Complete
* #treatment "诊疗计划"
* #care "照护计划"
* #health-management "健康管理计划"
* #palliative "安宁疗护计划"
* #rehabilitation "康复计划"

CodeSystem: YYKeyPopulationCS
Id: yy-key-population
Title: "重点人群 Key population"
Description: "DB41/T 2684—2024 5.2.4、8.3.2 的重点服务人群。Elders who need looking after most."
* insert Complete
* #living-alone "独居"
* #empty-nest "空巢"
* #left-behind "留守"
* #disabled "失能"
* #dementia "失智"
* #severely-disabled "重残"
* #oldest-old "高龄"
* #chronic-disease "慢病"
* #rehabilitation "康复期"
* #end-of-life "终末期"
* #post-discharge "出院后"

CodeSystem: YYNursingProblemCS
Id: yy-nursing-problem
Title: "护理问题 Nursing problem"
Description: "不属于 ICD 的照护问题。Problems of a care plan that are no ICD codes."
* insert Complete
* #NQ01 "压力性损伤"

CodeSystem: YYObservationCS
Id: yy-observation
Title: "观察项目 Observation"
Description: "没有通用编码的观察项目。Observations without a code elsewhere."
* insert Complete
* #pressure-injury "压力性损伤"

CodeSystem: YYPressureStageCS
Id: yy-pressure-stage
Title: "压力性损伤分期 Stage of pressure injury"
Description: "GB/T 42195—2022 附录 A.5 的分期。The stages as the ability assessment counts them; 0 is none."
* insert Complete
* #0 "无"
* #1 "1期"
* #2 "2期"
* #3 "3期"
* #4 "4期"
* #U "不可分期"
* #D "深部组织损伤"

CodeSystem: YYDataClassCS
Id: yy-data-class
Title: "数据类别 Data class"
Description: "同意书按类别授权共享的数据。The classes of data that a sharing consent grants."
* insert Complete
* #DEMOGRAPHIC "基本信息"
* #DISCHARGE_SUMMARY "出院小结"
* #DIAGNOSIS "诊断"
* #MEDICATION "用药"
* #NURSING "护理与评估"
* #CARE_PLAN "照护计划"

CodeSystem: YYEntryModeCS
Id: yy-entry-mode
Title: "录入方式 Mode of entry"
Description: "数值的来源方式。How a value came in."
* insert Complete
* #AUTO "设备自动采集"
* #MANUAL "人工录入"

CodeSystem: YYDetectedIssueCS
Id: yy-detected-issue
Title: "数据问题 Detected issue"
Description: "接收记录时发现、需要人工处理的问题。What was found in a record and needs a person."
* insert Complete
* #unstructured-order "出院医嘱为未结构化文本"
