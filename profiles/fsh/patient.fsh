// The elder. Source: GB 11643 and GB/T 2261.1; the hospitals' own number is unique only with the hospital.

Profile: YYPatient
Parent: Patient
Id: yy-patient
Title: "老人 Elder"
Description: "接受服务的老人：至少一个标识、姓名、性别（保留原始代码）和出生日期。The elder: at least one identifier, a name, the sex with the code as sent, a birth date."
* insert Definition
* obeys yy-pat-birth and yy-pat-sex
* identifier 1..*
* insert SliceBySystem(identifier, 按标识系统区分 By system)
* identifier contains
    idcard 0..1 and
    healthRecord 0..1 and
    healthCard 0..1 and
    insurance 0..1 and
    hospitalPI 0..*
* identifier[idcard].system 1..1
* identifier[idcard].system = "urn:oid:2.16.156.10011.1.3" (exactly)
* identifier[idcard].value 1..1
* identifier[idcard] obeys yy-idcard
* identifier[healthRecord].system 1..1
* identifier[healthRecord].system = "urn:oid:2.16.156.10011.1.2" (exactly)
* identifier[healthRecord].value 1..1
* identifier[healthRecord] obeys yy-health-record
* identifier[healthCard].system 1..1
* identifier[healthCard].system = "urn:oid:2.16.156.10011.1.19" (exactly)
* identifier[healthCard].value 1..1
* identifier[insurance].system 1..1
* identifier[insurance].system = "urn:oid:2.16.156.10011.1.15" (exactly)
* identifier[insurance].value 1..1
* identifier[hospitalPI].system 1..1
* identifier[hospitalPI].system = "urn:oid:2.16.156.10011.2.5.1.4" (exactly)
* identifier[hospitalPI].value 1..1
* identifier[hospitalPI].assigner 1..1
* name 1..*
* name.text 1..1
* gender 1..1
* gender.extension contains Gb2261Sex named sexAsSent 1..1
* birthDate 1..1
* extension contains Gb3304Ethnic named ethnic 0..1
* address.extension contains TownshipVillageAddress named townshipVillage 0..1

Invariant: yy-idcard
Description: "身份证号须为 18 位且校验码正确（GB 11643） / An identity card number has 18 digits and a right check digit (GB 11643)"
Severity: #error
Expression: "value.matches('^[0-9]{17}[0-9X]$') and (value.substring(0, 1).toInteger() * 7 + value.substring(1, 1).toInteger() * 9 + value.substring(2, 1).toInteger() * 10 + value.substring(3, 1).toInteger() * 5 + value.substring(4, 1).toInteger() * 8 + value.substring(5, 1).toInteger() * 4 + value.substring(6, 1).toInteger() * 2 + value.substring(7, 1).toInteger() * 1 + value.substring(8, 1).toInteger() * 6 + value.substring(9, 1).toInteger() * 3 + value.substring(10, 1).toInteger() * 7 + value.substring(11, 1).toInteger() * 9 + value.substring(12, 1).toInteger() * 10 + value.substring(13, 1).toInteger() * 5 + value.substring(14, 1).toInteger() * 8 + value.substring(15, 1).toInteger() * 4 + value.substring(16, 1).toInteger() * 2 + iif(value.substring(17, 1) = 'X', 10, value.substring(17, 1).toInteger())) mod 11 = 1"

Invariant: yy-health-record
Description: "健康档案编号须为 17 位数字 / A health record number has 17 digits"
Severity: #error
Expression: "value.matches('^[0-9]{17}$')"

Invariant: yy-pat-birth
Description: "出生日期与身份证号不一致 / The birth date differs from the identity card"
Severity: #warning
Expression: "identifier.where(system = 'urn:oid:2.16.156.10011.1.3').value.empty() or birthDate.empty() or identifier.where(system = 'urn:oid:2.16.156.10011.1.3').value.first().substring(6, 8) = birthDate.toString().replaceMatches('-', '')"

Invariant: yy-pat-sex
Description: "性别与身份证号不一致 / The sex differs from the identity card"
Severity: #warning
Expression: "identifier.where(system = 'urn:oid:2.16.156.10011.1.3').value.empty() or ((gender = 'male' or gender = 'female') implies gender = iif(identifier.where(system = 'urn:oid:2.16.156.10011.1.3').value.first().substring(16, 1).toInteger() mod 2 = 1, 'male', 'female'))"

Profile: YYRelatedPerson
Parent: RelatedPerson
Id: yy-related-person
Title: "联系人 Related person"
Description: "老人的亲属或联系人，关系用 GB/T 4761。A relative or contact of the elder; the relation by GB/T 4761, an unknown one as text."
* insert Definition
* insert OfElder(patient)
* relationship from YYFamilyRelation (extensible)
* name 1..*
* name.text 1..1
* extension contains Guardian named guardian 0..1
