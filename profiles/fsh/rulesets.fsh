// What several definitions repeat.

RuleSet: Definition
* ^language = #zh-CN
* ^status = #draft
* ^jurisdiction = urn:iso:std:iso:3166#CN

RuleSet: OfElder(element)
* {element} 1..1
* {element} only Reference(YYPatient)

RuleSet: SliceBySystem(element, reason)
* {element} ^slicing.discriminator[0].type = #value
* {element} ^slicing.discriminator[0].path = "system"
* {element} ^slicing.rules = #open
* {element} ^slicing.description = "{reason}"

RuleSet: SliceByCode(element, reason)
* {element} ^slicing.discriminator[0].type = #pattern
* {element} ^slicing.discriminator[0].path = "code"
* {element} ^slicing.rules = #open
* {element} ^slicing.description = "{reason}"
