// Code systems of the workflow: the states of the task machines, what starts a referral.

CodeSystem: YYTaskCodeCS
Id: yy-task-code
Title: "任务种类 Task code"
Description: "任务所属的流程。The machine that drives a task."
* insert Complete
* #service-flow "服务流程"
* #referral "转诊"
* #follow-up "出院随访"
* #emergency "紧急响应"
* #complaint "投诉处理"
* #notification "报备告知"
* #identity-review "身份待核对"

CodeSystem: YYBusinessStatusCS
Id: yy-business-status
Title: "业务状态 Business status"
Description: "双向转诊与出院随访的状态。The states of the two-way referral and of the follow-up after discharge."
* insert Complete
* #draft "草稿"
* #awaiting-consent "等待知情同意"
* #submitted "已提交"
* #received "已接收"
* #accepted "已接受"
* #declined "已谢绝"
* #scheduled "已安排"
* #in-transit "转运途中"
* #arrived "已到达"
* #unattended "未到达"
* #in-care "照护中"
* #completed "已完成"
* #cancelled "已取消"
* #expired "已超期"
* #due "待随访"
* #planned "已安排随访"
* #visiting "随访中"
* #done "已随访"
* #not-done "未能随访"

CodeSystem: YYReferralCriteriaCS
Id: yy-referral-criteria
Title: "转诊指征 Referral criteria"
Description: "U：上转；D：下转。D00 由离院方式 3 产生。Reasons to refer up (U) and down (D)."
* insert Complete
* #U01 "生命体征不稳"
* #U02 "疑似卒中、急性冠脉综合征、急腹症等急危重症"
* #U03 "连续两次血压控制不满意"
* #U04 "连续两次空腹血糖控制不满意"
* #U05 "出现新并发症或原并发症加重"
* #U06 "药物不良反应难以控制"
* #U07 "诊断不明或疑难"
* #U08 "本机构不具备条件"
* #U09 "精神心理危机"
* #D00 "离院方式为医嘱转社区卫生服务机构/乡镇卫生院"
* #D01 "急性期后病情稳定需康复"
* #D02 "术后康复"
* #D03 "慢性病稳定需长期管理"
* #D04 "终末期安宁疗护"
* #D05 "需长期照护"
* #D06 "本人或家属要求"

CodeSystem: YYReferralDirectionCS
Id: yy-referral-direction
Title: "转诊方向 Direction of referral"
Description: "上转、下转、平转。Up, down, between equals."
* insert Complete
* #UP "上转"
* #DOWN "下转"
* #LATERAL "平转"
