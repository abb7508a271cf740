// Code systems of the ability assessment, GB/T 42195—2022. The item texts of the standard are not repeated.

CodeSystem: YYAbilityLevelCS
Id: yy-ability-level
Title: "老年人能力等级 Ability level"
Description: "GB/T 42195—2022 的五个等级，数字越大越失能。The five levels, 0 best."
* insert Complete
* #0 "能力完好"
* #1 "轻度失能"
* #2 "中度失能"
* #3 "重度失能"
* #4 "完全失能"

CodeSystem: YYScaleCS
Id: yy-scale
Title: "量表 Scale"
Description: "没有 LOINC 编码的量表与分项。Scales and their parts that LOINC has no code for."
* insert Complete
* #gb42195-level "老年人能力等级"
* #gb42195-base "初步等级"
* #gb42195-total "总分"
* #gb42195-b1 "自理能力"
* #gb42195-b2 "基础运动能力"
* #gb42195-b3 "精神状态"
* #gb42195-b4 "感知觉与社会参与"

CodeSystem: YYAssessmentReasonCS
Id: yy-assessment-reason
Title: "评估原因 Reason for assessment"
Description: "GB/T 42195—2022 附录 A 的评估原因。Why the elder is assessed."
* insert Complete
* #first "首次评估"
* #routine "常规评估"
* #immediate "即时评估"
* #reassessment "复评"
* #other "其他"

CodeSystem: YYLivingSituationCS
Id: yy-living-situation
Title: "居住状况 Living situation"
Description: "GB/T 42195—2022 附录 A 的居住状况。With whom the elder lives."
* insert Complete
* #alone "独居"
* #with-spouse "与配偶居住"
* #with-children "与子女居住"
* #with-parents "与父母居住"
* #with-siblings "与兄弟姐妹居住"
* #with-relatives "与其他亲属居住"
* #with-others "与非亲属居住"
* #institution "养老机构"

CodeSystem: YYAnswerCS
Id: yy-answer
Title: "是否 Yes or no"
Description: "评估中的是非题；显示文字写明所问的病情，标签据此判定。Answers of the assessment; the display of an answer names the condition it is about, which the labels are read from."
* insert Complete
* #yes "是"
* #no "否"

CodeSystem: YYPainCS
Id: yy-pain
Title: "疼痛感 Pain"
Description: "GB/T 42195—2022 附录 A.5 的疼痛感。Pain as assessed."
* insert Complete
* #none "无疼痛"
* #mild "轻度疼痛"
* #moderate "中度疼痛"
* #severe "重度疼痛"
* #unknown "不能判断"

CodeSystem: YYSpecialCareCS
Id: yy-special-care
Title: "特殊医疗照护 Special medical care"
Description: "GB/T 42195—2022 附录 A.5 的特殊医疗照护情况。Tubes, stomas and devices that need care."
* insert Complete
* #none "无"
* #gastric-tube "胃管"
* #urinary-catheter "尿管"
* #ostomy "造瘘口"
* #gastrostomy "胃造瘘"
* #tracheostomy "气管切开"
* #oxygen "吸氧"
* #ventilator "呼吸机"
* #dialysis "透析"
* #other "其他"
