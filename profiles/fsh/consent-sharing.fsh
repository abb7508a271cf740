// The sharing consent. Source: 个人信息保护法 14, 23, 29-31; GB/T 39725-2020.

Profile: YYSharingConsent
Parent: Consent
Id: yy-consent-sharing
Title: "健康信息共享同意 Sharing consent"
Description: "老人同意向写明的机构共享写明类别的数据，用于写明的用途，有起止日期；除外内容为下级拒绝条款。没有点名的机构、类别或用途都不授权。The elder lets the named organisations have the named classes of data for the named purposes, from one day to another; what is kept back stands in nested denials. What is not named is not granted."
* insert Definition
* identifier 1..*
* identifier.system 1..1
* identifier.value 1..1
* scope = $consent-scope#patient-privacy
* category ^slicing.discriminator[0].type = #pattern
* category ^slicing.discriminator[0].path = "$this"
* category ^slicing.rules = #open
* category contains disclosure 1..1
* category[disclosure] = $act-code#INFA
* patient 1..1
* patient only Reference(YYPatient)
* dateTime 1..1
* performer 1..*
* performer only Reference(YYPatient or YYRelatedPerson)
* organization 1..*
* organization only Reference(YYOrganization)
* policy 1..*
* policy.uri 1..1
* provision 1..1
* provision.type 1..1
* provision.type = #permit
* provision.period 1..1
* provision.period.start 1..1
* provision.period.end 1..1
* provision.actor 1..*
* provision.actor.role = $participation#IRCP
* provision.actor.reference only Reference(YYOrganization)
* provision.purpose 1..*
* provision.purpose from YYConsentPurpose (required)
* provision.class 1..*
* provision.class from YYDataClass (required)
* provision.provision.type 1..1
* provision.provision.type = #deny
* provision.provision.securityLabel 1..*
* provision.provision.securityLabel from YYConsentExclusion (required)
* extension contains
    ConsentNecessity named necessity 0..1 and
    ConsentImpact named impact 0..1 and
    ConsentNotice named notice 0..1
