"""The records that the county's systems would send, in the shapes of domain.md §4.

In: an elder and what happened when. Out: envelopes (dicts) and HL7 v2 text, deterministic for the same input.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from gateway.demo.county import HOSPITAL, Elder

NOTICE = "示范市人民医院健康信息共享告知书 1.0（示例文本）"
DIAGNOSES = {
    "I63.900": "脑梗死",
    "I10.x00x002": "高血压病3级（极高危）",
    "L89.100": "压疮Ⅱ期",
    "E11.900": "2型糖尿病",
    "J44.100": "慢性阻塞性肺病急性加重",
    "I50.900": "心力衰竭",
    "S72.000": "股骨颈骨折",
    "M17.900": "膝关节病",
}
DRUGS = {
    "阿司匹林肠溶片": ("100mg", "100", "QD"),
    "阿托伐他汀钙片": ("20mg", "20", "QN"),
    "苯磺酸氨氯地平片": ("5mg", "5", "QD"),
    "盐酸二甲双胍片": ("500mg", "500", "BID"),
    "呋塞米片": ("20mg", "20", "QD"),
}
FULL_SCORES = (
    {f"B1.{item}": 4 for item in range(1, 9)}
    | {"B2.1": 4, "B2.2": 4, "B2.3": 4, "B2.4": 3}
    | {f"B3.{item}": 4 for item in range(1, 7)}
    | {"B3.7": 1, "B3.8": 1, "B3.9": 2, "B4.1": 2, "B4.2": 2, "B4.3": 4, "B4.4": 3, "B4.5": 4}
)
"""The most that each item of GB/T 42195-2022 can give; together 90."""
CUTS = ((90, "0"), (66, "1"), (46, "2"), (30, "3"), (0, "4"))
"""Points from which a level applies (GB/T 42195-2022)."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stay:
    """One hospital stay: when, with what, how the elder was, where they went (离院方式 and receiving organisation)."""

    number: str
    admitted: datetime
    discharged: datetime
    diagnoses: tuple[str, ...]
    drugs: tuple[str, ...]
    barthel: int
    braden: int
    morse: int
    way: str
    receiver: str = ""


def envelope(event: str, message_id: str, system: str, at: datetime, data: Record) -> Record:
    """Return the vendor envelope (spelling of domain.md §4)."""
    return {"msgId": message_id, "orginSysId": system, "msgTime": _dt14(at), "event": event, "data": data}


def patient(elder: Elder, *, full: bool = True) -> Record:
    """Return the patient block; without ``full`` only what a consent form asks."""
    block: Record = {
        "patId": elder.patient_no,
        "idCardType": "01",
        "idCardNo": elder.card,
        "name": elder.name,
        "sexCode": elder.gender,
        "birthDate": elder.birth.isoformat(),
    }
    if full:
        block |= {
            "nationCode": "01",
            "maritalCode": "30" if elder.number % 3 == 0 else "20",
            "phone": elder.phone,
            "healthRecordNo": elder.health_record_no,
            "insuranceTypeCode": "01",
            "address": _address(elder),
            "contacts": [{"name": elder.son, "relationCode": "20", "phone": elder.son_phone, "guardian": True}],
        }
    return block


def consent(elder: Elder, *, at: datetime, recipients: tuple[str, ...], status: str = "1") -> Record:
    """Return a sharing consent (domain.md §4.6) of one year in favour of ``recipients``; ``status`` 2 withdraws it."""
    number = f"TY{at:%Y%m%d}-D{elder.number:04d}"
    data = {
        "consentNo": number,
        "kind": "SHARING",
        "patient": patient(elder, full=False),
        "recipients": [{"orgCode": code, "contact": f"0371-000000{code[-2:]}"} for code in recipients],
        "dataClasses": ["DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN"],
        "excluded": ["精神卫生记录"],
        "purposes": ["TREAT", "CAREMGT"],
        "necessity": "出院后由社区继续康复与护理",
        "impact": "接收机构可查看上述类别的记录",
        "period": {"start": at.date().isoformat(), "end": (at.date() + timedelta(days=364)).isoformat()},
        "noticeVersion": "1.0",
        "noticeText": NOTICE,
        "noticeSha256": hashlib.sha256(NOTICE.encode()).hexdigest(),
        "signer": {"name": elder.son, "relationCode": "20", "guardianEvidence": "户口簿"},
        "way": "PAPER_SCAN",
        "signedTime": at.isoformat(timespec="seconds"),
        "status": status,
    }
    return envelope("CONSENT", f"CONSENT-{number}-{status}", "HIS", at, data)


def discharge(elder: Elder, stay: Stay) -> Record:
    """Return the discharge record (domain.md §4.3)."""
    at = stay.discharged + timedelta(minutes=30)
    encounter: Record = {
        "admNo": f"ADM{stay.number}",
        "inpatNo": stay.number,
        "admNum": 1,
        "admTypeCode": "3",
        "deptCode": "0307",
        "deptName": "神经内科",
        "wardName": "神内一病区",
        "bedNo": str(elder.number + 1),
        "admitWayCode": "1",
        "admitTime": _dt14(stay.admitted),
        "dischargeTime": _dt14(stay.discharged),
        "lengthOfStay": (stay.discharged.date() - stay.admitted.date()).days,
        "dischargeWayCode": stay.way,
        "readmitPlan31d": "1",
        "attending": {"id": "1042", "name": "李示范"},
    }
    if stay.receiver:
        encounter |= {"receivingOrgCode": stay.receiver, "receivingOrgName": "街道医养服务中心"}
    data = {
        "patient": patient(elder),
        "encounter": encounter,
        "diagnoses": [_diagnosis(place, code) for place, code in enumerate(stay.diagnoses)],
        "procedures": [],
        "allergies": [{"substance": "青霉素", "reaction": "皮疹"}] if elder.number % 4 == 0 else [],
        "medications": [_medication(name) for name in stay.drugs],
        "nursing": {
            "selfCareCode": "1" if stay.barthel > 80 else "2",
            "barthel": stay.barthel,
            "braden": stay.braden,
            "morse": stay.morse,
            "tubes": [],
            "dietGuide": "低盐低脂",
            "revisitGuide": "7日内社区首访",
        },
        "courseText": "抗血小板、调脂、康复训练",
        "conditionText": "病情平稳",
        "orderText": "见出院带药；继续康复",
    }
    return envelope("DISCHARGE", f"D{stay.number}", "HIS", at, data)


def assessment(elder: Elder, *, at: datetime, scores: dict[str, int]) -> Record:
    """Return an ability assessment after GB/T 42195-2022 with its declared sum (domain.md §4.5)."""
    number = f"PG{at:%Y%m%d}-D{elder.number:04d}"
    total = sum(scores.values())
    data = {
        "assessNo": number,
        "standard": "GB/T 42195-2022",
        "reasonCode": "first",
        "orgCode": elder.centre,
        "assessTime": at.isoformat(timespec="seconds"),
        "patient": patient(elder),
        "info": {
            "livingSituation": "alone" if elder.number % 2 == 0 else "withSpouse",
            "risk30d": {"fall": elder.number % 2, "wander": 0, "choke": 0, "selfHarm": 0, "other": 0},
            "diagnoses": ["I10.x00x002"],
            "dementia": False,
            "mentalDisorder": False,
            "coma": False,
            "specialCare": ["none"],
            "pain": "mild",
        },
        "scores": scores,
        "assessors": [
            {"id": "3001", "name": "孙示评", "role": "护士"},
            {"id": "3002", "name": "周示估", "role": "社会工作者"},
        ],
        "informant": {"name": elder.son, "relation": "child"},
        "total": total,
        "level": next(level for cut, level in CUTS if total >= cut),
    }
    return envelope("ASSESSMENT", f"ASSESSMENT-{number}", "CENTRE", at, data)


def care_plan(elder: Elder, *, at: datetime, days: int = 91) -> Record:
    """Return a care plan that names the elder's station (domain.md §4.5)."""
    number = f"JH{at:%Y%m%d}-D{elder.number:04d}"
    end = at.date() + timedelta(days=days)
    data = {
        "planNo": number,
        "orgCode": elder.centre,
        "patient": patient(elder),
        "period": {"start": at.date().isoformat(), "end": end.isoformat()},
        "mode": "HOME",
        "level": "moderate",
        "team": [
            {"role": "家庭医生", "id": "2007", "org": elder.station},
            {"role": "护士", "id": "3001", "org": elder.centre},
            {"role": "养老护理员", "id": "4012", "org": elder.station},
        ],
        "problems": [{"code": "I63.900", "name": "脑梗死恢复期"}],
        "goals": [
            {
                "code": "G1",
                "text": "3个月内Barthel≥60分",
                "measure": "96761-2",
                "target": ">=60",
                "due": end.isoformat(),
            }
        ],
        "services": [
            {"itemCode": "S03", "name": "上门康复训练", "freq": "每周2次", "performer": elder.centre},
            {"itemCode": "L03", "name": "助浴", "freq": "每周1次", "performer": elder.station},
            {"itemCode": "R01", "name": "巡访（独居）", "freq": "每日1次", "performer": elder.station},
        ],
    }
    return envelope("CARE_PLAN", f"CARE_PLAN-{number}", "CENTRE", at, data)


def adt_a03(elder: Elder, stay: Stay) -> bytes:
    """Return the discharge as HL7 v2.5 ADT^A03 (domain.md §4.1), UTF-8, without MLLP framing."""
    at = stay.discharged + timedelta(minutes=31)
    visit = [""] * 46
    visit[1:4] = ["1", "I", f"SNK^1203^{elder.number + 1}^{HOSPITAL}"]
    visit[7] = visit[17] = "1042^李示范"
    visit[10], visit[14], visit[18] = "0307", "1", "3"
    visit[19] = f"{stay.number}^^^{HOSPITAL}^VN"
    visit[36], visit[37] = stay.way, f"{stay.receiver}^{_dt14(stay.discharged)}" if stay.receiver else ""
    visit[44], visit[45] = _dt14(stay.admitted), _dt14(stay.discharged)
    identifiers = "~".join(
        (
            f"{elder.patient_no}^^^{HOSPITAL}^PI",
            f"{elder.card}^^^GA^NNCHN",
            f"{elder.health_record_no}^^^HR^HR",
            f"{stay.number}^^^{HOSPITAL}^VN",
        )
    )
    lines = [
        f"MSH|^~\\&|HIS|{HOSPITAL}|YYHUB|GATEWAY|{_dt14(at)}||ADT^A03^ADT_A03|A03{stay.number}|P|2.5|||AL|NE|CHN"
        "|UNICODE UTF-8|zh-CN",
        f"EVN|A03|{_dt14(at)}|||1042^李示范|{_dt14(stay.discharged)}",
        f"PID|1||{identifiers}||{elder.name}^^^^^^L||{elder.birth:%Y%m%d}|{elder.gender}||01^汉族^GB3304",
        f"NK1|1|{elder.son}^^^^^^L|20^子^GB4761||^PRN^CP^^^^{elder.son_phone}",
        "|".join(["PV1", *visit[1:]]),
        *(_dg1(place, code, stay) for place, code in enumerate(stay.diagnoses)),
        _obx(1, "96761-2", "Barthel指数总分", stay.barthel, stay.discharged),
        _obx(2, "38227-5", "Braden评分总分", stay.braden, stay.discharged),
        _obx(3, "59460-6", "Morse跌倒评分总分", stay.morse, stay.discharged),
    ]
    return ("\r".join(lines) + "\r").encode()


def _dg1(place: int, code: str, stay: Stay) -> str:
    rank = "1" if place == 0 else "2"
    coded = f"{code}^{DIAGNOSES[code]}^ICD10GB"
    return f"DG1|{place + 1}||{coded}||{stay.discharged:%Y%m%d}|F|||||||||{rank}|1042^李示范"


def _obx(place: int, code: str, name: str, value: int, at: datetime) -> str:
    return f"OBX|{place}|NM|{code}^{name}^LN||{value}|{{score}}|||||F|||{_dt14(at)}"


def _diagnosis(place: int, code: str) -> Record:
    return {
        "seq": place + 1,
        "type": "主要诊断" if place == 0 else "其他诊断",
        "code": code,
        "system": "ICD10GB",
        "name": DIAGNOSES[code],
        "admitConditionCode": "1",
        "outcomeCode": "2",
    }


def _medication(name: str) -> Record:
    spec, dose, frequency = DRUGS[name]
    return {
        "name": name,
        "spec": spec,
        "dose": dose,
        "doseUnit": "mg",
        "routeCode": "1",
        "freqCode": frequency,
        "days": 30,
    }


def _address(elder: Elder) -> Record:
    return {
        "state": "河南省",
        "city": "示范市",
        "county": "示范区",
        "countyCode": "410199",
        "township": "柳荫街道",
        "village": "柳荫社区",
        "street": "示范路",
        "houseNo": f"{elder.number + 1}号院3号楼2单元501",
        "postalCode": "450000",
    }


def _dt14(moment: datetime | date) -> str:
    return f"{moment:%Y%m%d%H%M%S}"
