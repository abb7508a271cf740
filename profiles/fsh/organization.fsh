// Who gives care: organisations and the people who work in them.

Profile: YYOrganization
Parent: Organization
Id: yy-organization
Title: "机构 Organisation"
Description: "医疗卫生或养老机构，以统一社会信用代码标识（GB 32100）。层级由本系统的机构登记给出，记录中不带。A hospital, centre or station by its unified social credit code; its tier is said by the hub's registry, no record carries it."
* insert Definition
* identifier 1..*
* insert SliceBySystem(identifier, 按标识系统区分 By system)
* identifier contains uscc 1..1
* identifier[uscc].system 1..1
* identifier[uscc].system = "urn:oid:2.16.156.10011.1.5" (exactly)
* identifier[uscc].value 1..1
* identifier[uscc] obeys yy-uscc
* extension contains Tier named tier 0..1

Invariant: yy-uscc
Description: "统一社会信用代码须为 18 位且校验码正确（GB 32100） / A credit code has 18 characters and a right check character (GB 32100)"
Severity: #error
Expression: "value.matches('^[0-9A-HJ-NPQRTUWXY]{18}$') and ('0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(0, 1)) * 1 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(1, 1)) * 3 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(2, 1)) * 9 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(3, 1)) * 27 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(4, 1)) * 19 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(5, 1)) * 26 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(6, 1)) * 16 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(7, 1)) * 17 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(8, 1)) * 20 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(9, 1)) * 29 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(10, 1)) * 25 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(11, 1)) * 13 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(12, 1)) * 8 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(13, 1)) * 24 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(14, 1)) * 10 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(15, 1)) * 30 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(16, 1)) * 28 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(%context.value.substring(17, 1)) * 1) mod 31 = 0"

Profile: YYPractitioner
Parent: Practitioner
Id: yy-practitioner
Title: "工作人员 Practitioner"
Description: "医务或照护人员：编号只在其机构内唯一。Somebody who works for an organisation: the number is unique only there."
* insert Definition
* identifier 1..*
* insert SliceBySystem(identifier, 按标识系统区分 By system)
* identifier contains staff 1..*
* identifier[staff].system 1..1
* identifier[staff].system = "urn:oid:2.16.156.10011.1.4" (exactly)
* identifier[staff].value 1..1
* identifier[staff].assigner 1..1
* name.text 1..1
