// National tables, as fragments: the standards' owners publish them whole. Needed here to decide bindings.

RuleSet: National(oid)
* insert Definition
* ^url = "urn:oid:{oid}"
* ^experimental = false
* ^caseSensitive = true
* ^content = #fragment

CodeSystem: GB2261Sex
Id: gb2261-sex-table
Title: "GB/T 2261.1 性别 Sex"
Description: "GB/T 2261.1 人的性别代码。Sex of a person."
* insert National(2.16.156.10011.2.3.3.4)
* #0 "未知的性别"
* #1 "男"
* #2 "女"
* #9 "未说明的性别"

CodeSystem: GB4761Relation
Id: gb4761-relation-table
Title: "GB/T 4761 家庭关系 Family relation"
Description: "GB/T 4761 家庭关系代码（两位码的大类）。Family relation, the groups of the two-digit code."
* insert National(2.16.156.10011.2.3.3.8)
* #0 "本人"
* #10 "配偶"
* #20 "子"
* #30 "女"
* #40 "孙子女"
* #50 "父母"
* #60 "祖父母"
* #70 "兄弟姐妹"
* #80 "其他"

CodeSystem: CV0600226DischargeWay
Id: discharge-way-table
Title: "CV06.00.226 离院方式 Way of discharge"
Description: "WS/T 364 CV06.00.226 离院方式；3 触发向社区的交接。How the elder left; 3 starts the hand-over to the community."
* insert National(2.16.156.10011.2.3.1.265)
* #1 "医嘱离院"
* #2 "医嘱转院"
* #3 "医嘱转社区卫生服务机构/乡镇卫生院"
* #4 "非医嘱离院"
* #5 "死亡"
* #9 "其他"

CodeSystem: AdmitConditionTable
Id: admit-condition-table
Title: "入院病情 Condition on admission"
Description: "住院病案首页入院病情。Condition on admission."
* insert National(2.16.156.10011.2.3.1.253)
* #1 "有"
* #2 "临床未确定"
* #3 "情况不明"
* #4 "无"

CodeSystem: OutcomeTable
Id: outcome-table
Title: "转归 Outcome"
Description: "病情转归。Outcome of a disease."
* insert National(2.16.156.10011.2.3.1.148)
* #1 "治愈"
* #2 "好转"
* #3 "未愈"
* #5 "死亡"
* #9 "其他"

CodeSystem: SelfCareTable
Id: self-care-table
Title: "自理能力 Self-care"
Description: "自理能力代码。Ability of self-care at discharge."
* insert National(2.16.156.10011.2.3.2.55)
* #1 "完全自理"
* #2 "部分自理"
* #3 "完全不能自理"

CodeSystem: DocumentTypeTable
Id: document-type-table
Title: "文档类型 Document type"
Description: "电子病历共享文档规范的文档类型，只列所用者。Types of the shared health documents, those in use here."
* insert National(2.16.156.10011.2.4)
* #C0025 "出院评估与指导"
* #C0032 "住院病案首页"
* #C0049 "出院记录"
* #C0053 "出院小结"

CodeSystem: GB3304Ethnic
Id: gb3304-ethnic-table
Title: "GB/T 3304 民族 Ethnic group"
Description: "GB/T 3304 民族数字代码。Ethnic groups of China, numeric."
* insert National(2.16.156.10011.2.3.3.3)
* #01 "汉族"
* #02 "蒙古族"
* #03 "回族"
* #04 "藏族"
* #05 "维吾尔族"
* #06 "苗族"
* #07 "彝族"
* #08 "壮族"
* #09 "布依族"
* #10 "朝鲜族"
* #11 "满族"
* #12 "侗族"
* #13 "瑶族"
* #14 "白族"
* #15 "土家族"
* #16 "哈尼族"
* #17 "哈萨克族"
* #18 "傣族"
* #19 "黎族"
* #20 "傈僳族"
* #21 "佤族"
* #22 "畲族"
* #23 "高山族"
* #24 "拉祜族"
* #25 "水族"
* #26 "东乡族"
* #27 "纳西族"
* #28 "景颇族"
* #29 "柯尔克孜族"
* #30 "土族"
* #31 "达斡尔族"
* #32 "仫佬族"
* #33 "羌族"
* #34 "布朗族"
* #35 "撒拉族"
* #36 "毛南族"
* #37 "仡佬族"
* #38 "锡伯族"
* #39 "阿昌族"
* #40 "普米族"
* #41 "塔吉克族"
* #42 "怒族"
* #43 "乌孜别克族"
* #44 "俄罗斯族"
* #45 "鄂温克族"
* #46 "德昂族"
* #47 "保安族"
* #48 "裕固族"
* #49 "京族"
* #50 "塔塔尔族"
* #51 "独龙族"
* #52 "鄂伦春族"
* #53 "赫哲族"
* #54 "门巴族"
* #55 "珞巴族"
* #56 "基诺族"
* #97 "其他"
* #98 "外国血统"
