"""What clinical sections are called: one title for each, and the headings that mean it."""

from __future__ import annotations

import re
from functools import cache

_HEADINGS = {
    "chief complaint": "cc; complaint; complaints; chief complaints; presenting complaint; "
    "presenting complaints; presenting problem; reason for visit; reason for encounter; "
    "reason for admission; reason for presentation; pc; c/c",
    "reason for consultation": "reason for consult; reason for referral; consultation question; "
    "reason for request",
    "history of present illness": "hpi; history of presenting illness; history of the present "
    "illness; history of presenting complaint; history of present complaint; presenting history; "
    "present illness; present history; history of current illness; hopi; hpc; "
    "history of present problem; current illness; current history; history of chief complaint",
    "interval history": "interim history; interval events; overnight events; events overnight; "
    "events; interval changes; 24 hour events; interval update",
    "subjective": "s",
    "past medical history": "pmh; pmhx; medical history; past history; past medical histories; "
    "previous medical history; prior medical history; significant past medical history; "
    "medical problems; past medical problems; chronic conditions; comorbidities; "
    "past illnesses; significant medical history; general medical history; "
    "preexisting conditions; pre-existing conditions; medical background",
    "past medical and surgical history": "past medical/surgical history; pmh/psh; pmsh; "
    "past medical history and past surgical history; past medical and past surgical history; "
    "medical and surgical history",
    "problem list": "problems; active problems; active problem list; active issues; "
    "current problems; problems/diagnoses; ongoing problems; patient active problem list",
    "past surgical history": "psh; pshx; surgical history; prior surgeries; past surgeries; "
    "previous surgeries; surgeries; previous operations; previous surgical history; "
    "past operative history; prior surgical history; past procedures",
    "past psychiatric history": "psychiatric history; pph; past psychological history; "
    "psychiatric past history",
    "obstetric history": "obstetrical history; ob history; gynecologic history; gyn history; "
    "ob/gyn history; past obstetric history; gynecological history; obgyn history; "
    "obstetric and gynecologic history; past ob history; past gyn history; pregnancy history",
    "birth history": "neonatal history; perinatal history; prenatal history",
    "developmental history": "development; developmental milestones",
    "family history": "fh; fhx; fam history; family medical history; family hx; "
    "family psychiatric history; pertinent family history; fmh; fmhx; "
    "family history of medical illness",
    "family and social history": "fh/sh; sh/fh; shx/fhx; fhx/shx; family social history; "
    "family/social history; social and family history; social/family history; "
    "social family history",
    "social history": "sh; shx; soc history; social; habits; personal history; "
    "personal and social history; psychosocial history; personal social history; "
    "social habits; tobacco history; substance use history; substance abuse history; "
    "occupational history; work history; military history; sexual history; lifestyle; "
    "drug and alcohol history; alcohol and drug history; social and developmental history",
    "allergies": "allergy; drug allergies; medication allergies; allergies and intolerances; "
    "allergies/intolerances; allergies to medications; allergies to medicines; "
    "known allergies; allergies/adverse reactions; adverse drug reactions; allergic history; "
    "allergy history; all; drug sensitivities; allergies and sensitivities; "
    "allergies/sensitivities; allergies and adverse reactions",
    "medications": "meds; current medications; current meds; medication; medicines; medication "
    "list; home medications; home meds; medications at home; outpatient medications; "
    "medications prior to admission; regular medications; drug history; dh; dhx; "
    "medication history; prescriptions; current medication; current medication list; "
    "current outpatient medications; present medications; other medications; "
    "current drugs; drugs; current medicines; regular medicines; inpatient medications; "
    "scheduled medications; prn medications; active medications; infusions; "
    "current outpatient prescriptions; medication reconciliation",
    "medications on admission": "admission medications; preadmission medications; "
    "preadmission medication list; medications upon admission; meds on admission; "
    "the preadmission medication list is accurate and complete",
    "discharge medications": "medications on discharge; discharge meds; medications at discharge; "
    "medications upon discharge; medication on discharge; discharge medication list; "
    "discharge medication; medicines on discharge; to take out; tto; ttos; ttas",
    "immunizations": "immunization; immunization history; vaccinations; vaccination history; "
    "vaccines; immunisations; immunisation history",
    "review of systems": "ros; systems review; review of system; systemic review; "
    "review of symptoms; functional inquiry; systems enquiry; systemic enquiry; "
    "systems inquiry; complete review of systems",
    "vital signs": "vitals; vs; obs; observations; vital signs on admission; admission vitals",
    "physical exam": "pe; exam; examination; physical examination; physical; o/e; on examination; "
    "physical findings; clinical examination; general physical examination; admission exam; "
    "admission physical exam; exam on admission; px; phys exam; focused exam; "
    "physical exam on admission; gen exam; general exam; general examination; "
    "physical examination on admission; targeted exam; objective examination",
    "discharge exam": "discharge physical exam; physical exam on discharge; exam on discharge; "
    "physical examination on discharge; discharge physical examination; "
    "physical exam at discharge; exam at discharge",
    "mental status exam": "mental status examination; mse; mental status; mental state examination",
    "objective": "o; objective data; objective findings",
    "laboratory data": "labs; lab; laboratory; laboratory results; lab results; laboratory "
    "studies; laboratory findings; laboratory values; lab data; bloods; blood tests; "
    "pertinent labs; pertinent laboratory data; labs on admission; admission labs; "
    "laboratory examination; laboratory tests; laboratory evaluation; labs/studies; "
    "discharge labs; labs on discharge; blood results; lab work; lab values; labs and studies",
    "microbiology": "micro; cultures; microbiology results",
    "results": "pertinent results; test results; studies; diagnostic studies; diagnostic data; "
    "investigations; data; pertinent data; diagnostics; diagnostic tests; ancillary data; "
    "diagnostic results; results review; tests; workup; work-up; relevant investigations; "
    "investigation results; pertinent studies; diagnostic test results; other studies; "
    "laboratory/diagnostic data; diagnostic/laboratory data; diagnostic studies/lab data; "
    "test and x-ray results; data reviewed",
    "imaging": "radiology; radiology results; radiologic studies; radiologic data; imaging "
    "studies; imaging results; radiographs; x-rays; radiographic studies; x-ray; "
    "radiological studies; radiographic data; imaging data; radiology data",
    "electrocardiogram": "ecg; ekg; electrocardiography",
    "pathology": "histology; gross description; microscopic description; pathology report; "
    "final pathologic diagnosis; pathologic diagnosis; pathology results; histopathology; "
    "microscopic diagnosis; gross examination; microscopic examination",
    "technique": "protocol; procedure technique; examination technique; "
    "technique of examination; contrast; scanning technique",
    "comparison": "comparisons; comparison studies; compared with; prior studies; comparison study",
    "indication": "indications; clinical indication; clinical history; clinical information; "
    "indication for procedure; indications for procedure; indication for surgery; "
    "indications for surgery; indications for operation; indication for operation; "
    "indications for the procedure; indication for the procedure; reason for exam; "
    "reason for examination; reason for study; reason for this examination; clinical data; "
    "reason for test; clinical details; history/indication; clinical statement; "
    "indication for study; indications for study; clinical background",
    "history": "hx; brief history; history and physical; brief history of the patient; summary "
    "of history; relevant history; clinical summary; pertinent history; case history",
    "findings": "finding; operative findings; intraoperative findings; gross findings; "
    "findings at surgery; report; major findings; angiographic findings; "
    "findings at operation; operative finding; endoscopic findings",
    "impression": "impressions; imp; conclusion; conclusions; opinion; radiologic impression; "
    "final impression; diagnostic impression; interpretation; impression and recommendation; "
    "clinical impression; endoscopic impression; impression/recommendation; final report "
    "impression; overall impression; ed impression; impression and recommendations; "
    "impression/recommendations",
    "assessment": "a; assessments; clinical assessment; assessment and impression; "
    "impression and assessment; formulation; discussion; medical decision making; mdm; "
    "summary and assessment; case formulation; assessment/impression",
    "plan": "p; plans; treatment plan; recommendations; recommendation; plan of care; "
    "management plan; management; treatment; care plan; postoperative plan; plan of action; "
    "treatment and plan; treatment recommendations; plan and recommendations; "
    "plan/recommendations; proposed plan; next steps; suggestions; action plan",
    "assessment and plan": "a/p; a&p; ap; a and p; assessment/plan; assessment & plan; "
    "impression and plan; impression/plan; imp/plan; plan and assessment; i/p; "
    "assessment and recommendations; assessment/recommendations; assessment and "
    "recommendation; assessment and treatment plan; diagnosis and plan; "
    "summary and plan; assessment with plan; assessment, plan; assessment plan; "
    "assessment and plans; assessment and care plan; diagnosis/plan; "
    "impression/assessment and plan",
    "diagnosis": "diagnoses; dx; final diagnosis; final diagnoses; principal diagnosis; primary "
    "diagnosis; secondary diagnosis; secondary diagnoses; primary diagnoses; working diagnosis; "
    "principal and secondary diagnoses; provisional diagnosis; differential diagnosis; "
    "principal diagnoses; clinical diagnosis; ed diagnosis; diagnosis list; ddx; "
    "differential; initial diagnosis; initial diagnoses; main diagnosis; associated diagnoses; "
    "differential diagnoses",
    "admission diagnosis": "admitting diagnosis; admission diagnoses; admitting diagnoses; "
    "diagnosis on admission; diagnoses on admission; diagnosis at admission",
    "discharge diagnosis": "discharge diagnoses; diagnosis on discharge; diagnoses on discharge; "
    "primary discharge diagnosis; primary discharge diagnoses; secondary discharge "
    "diagnoses; secondary discharge diagnosis; final discharge diagnosis; "
    "diagnosis at discharge; diagnoses at discharge; principal discharge diagnosis",
    "preoperative diagnosis": "preoperative diagnoses; preop diagnosis; pre-operative diagnosis; "
    "pre-operative diagnoses; preprocedure diagnosis; preop diagnoses; pre-op diagnosis; "
    "pre-procedure diagnosis; pre operative diagnosis; preprocedural diagnosis",
    "postoperative diagnosis": "postoperative diagnoses; postop diagnosis; post-operative "
    "diagnosis; post-operative diagnoses; postprocedure diagnosis; postop diagnoses; "
    "post-op diagnosis; post-procedure diagnosis; post operative diagnosis",
    "procedure": "procedures; procedure performed; procedures performed; operation; operations; "
    "operation performed; operations performed; operative procedure; operative procedures; "
    "title of operation; title of procedure; name of operation; name of procedure; "
    "major surgical or invasive procedure; title of procedures; procedure done; surgery; "
    "procedure name; operation/procedure; surgical procedure; procedures done; "
    "surgeries and procedures; principal procedure; surgery performed",
    "description of procedure": "procedure in detail; description of operation; procedure "
    "details; procedure detail; details of procedure; description of the procedure; operative "
    "procedure in detail; procedure note; details of the procedure; operation in detail; "
    "description of the operation; operative technique; details of the operation; narrative; "
    "operative details; operative course; details of operation; technique in detail; "
    "description of procedure in detail; operative report; operative note; "
    "procedure description; procedure and findings; findings and procedure; "
    "technique of procedure; operative narrative",
    "anesthesia": "anaesthesia; anesthetic; type of anesthesia",
    "complications": "complication; intraoperative complications; operative complications",
    "specimens": "specimen; specimens removed; specimen removed; specimens sent",
    "blood loss": "estimated blood loss; ebl",
    "hospital course": "brief hospital course; course; course in hospital; course in the hospital; "
    "clinical course; hospital course by problem; hospital course summary; summary of hospital "
    "course; hospital course by system; brief summary of hospital course; course of treatment; "
    "summary of stay; hospital summary; inpatient course; hospitalization course; "
    "hospital course and treatment; progress in hospital; "
    "concise summary of hospital course by issue/system; narrative hospital course; "
    "concise summary of hospital course; brief course; hospital stay",
    "emergency department course": "ed course; course in the department; management in ed; "
    "emergency room course; er course; emergency department treatment; ed management; "
    "course in ed; course in emergency department; course in the ed; "
    "emergency department management; course in the emergency department",
    "discharge condition": "condition on discharge; condition at discharge; condition upon "
    "discharge; discharge status; condition; status at discharge",
    "discharge disposition": "disposition; discharge destination; dispo; discharged to",
    "discharge instructions": "instructions to patient; patient instructions; advice given; "
    "discharge advice; instructions; instructions on discharge; disch instructions; "
    "patient education; discharge plan; discharge plans; discharge planning; advice; "
    "instructions given; patient advice; discharge instruction; "
    "advice to patient; safety net; safety netting",
    "followup": "follow-up; follow up; followup instructions; follow-up instructions; followup "
    "plan; follow-up plan; follow up instructions; follow up plan; "
    "followup appointments; follow up appointments; follow-up appointments; outpatient follow up; "
    "discharge follow-up; discharge followup; recommended followup",
    "functional status": "functional history; functional assessment; adls; baseline function; "
    "activities of daily living",
    "code status": "resuscitation status; goals of care; advance directives; advance directive",
    "summary": "brief summary; synopsis; case summary; clinical synopsis",
    "diet": "nutrition; dietary history; discharge diet",
    "activity": "activities; activity level; discharge activity",
    "addendum": "addenda",
    "adverse event narrative": "adverse event; event narrative; narrative of event; "
    "adverse reaction",
}
"""The title that Notekin gives a section, and other headings of it, parted by semicolons."""

_PARTS = (
    "general; general appearance; appearance; gen; constitutional; const; "
    "constitutional symptoms; thorax; respirations; strength; nose and throat; nasal; tone; "
    "heent; head; head and neck; "
    "eyes; ears; nose; throat; ent; mouth; mouth/ent; neck; chest; lungs; lung; heart; cor; "
    "cardiac; "
    "cardiovascular; cv; cvs; cardio; respiratory; resp; pulmonary; pulm; breasts; breast; "
    "abdomen; abd; abdominal; gastrointestinal; gi; genitourinary; gu; genitalia; genital; "
    "pelvic; pelvis; rectal; back; spine; extremities; extremity; ext; exts; limbs; legs; arms; "
    "musculoskeletal; msk; skin; integumentary; integument; dermatologic; derm; neurologic; "
    "neurological; neuro; cns; central nervous system; cranial nerves; motor; sensory; sensation; "
    "reflexes; deep tendon reflexes; gait; coordination; coord; station; station/gait; "
    "cerebellar; height; weight; "
    "psychiatric; psych; psychological; endocrine; endo; hematologic; heme; hematological; "
    "hematologic/lymphatic; lymphatic; lymphatics; lymph nodes; lymph; nodes; "
    "allergic/immunologic; "
    "immunologic; renal; id; infectious disease; fen; fen/gi; fen/ppx; ppx; prophylaxis; vascular; "
    "pulses; peripheral vascular; mood; affect; speech; thought content; judgment; insight; "
    "cardiovascular system; respiratory system; gastrointestinal system; nervous system; "
    "axis i; axis ii; axis iii; axis iv; axis v; gynecologic; urologic; urinary; onc; oncologic; "
    "neurological/psychiatric; neurologic/psychiatric; skin and lymphatics; neuropsychiatric; "
    "musculoskeletal system; genitourinary system; neck and thyroid; thyroid"
)
"""Headings within a section: of body systems, in an exam, a review or a plan by system."""

_SPELLED = {"&": "and", "+": "and", "hx": "history", "dx": "diagnosis", "w": "with"}
_LIGHT = re.compile(r"^(?:patient's|patients?|brief|pertinent|significant|relevant) ")
_REASON = re.compile(r"^(?:surgical |operative |clinical )?indications?(?: (?:for|of) .*)?$")
_EXAMINED = re.compile(r"^(?:exam|ros) | (?:exam|examination|system)$")
_TAIL = re.compile(r"\s*\([^)]*\)?\s*$")
_TOKEN = re.compile(r"[a-z0-9']+|[&+/]")


def title_of(heading: str) -> str:
    """Return the title of the section under a heading: the usual one, or its words in lower case.

    ``A/P``, ``Assessment & Plan`` and ``IMPRESSION/PLAN:`` are ``assessment and plan``.
    """
    return known_title(heading) or _spelled(heading).replace(" / ", "/")


def known_title(heading: str) -> str | None:
    """Return the usual title of a heading; None where the table has none."""
    spelled = _spelled(heading)
    known = _titles().get(spelled) or _titles().get(_LIGHT.sub("", spelled))
    return known or ("indication" if _REASON.match(spelled) else None)


def is_part(heading: str) -> bool:
    """Say whether a heading is of a body system or the like, within a larger section."""
    return _EXAMINED.sub("", _spelled(heading)) in _parts()


def _spelled(heading: str) -> str:
    """Return a heading's words: lower case, abbreviations of single words spelled out."""
    words: list[str] = _TOKEN.findall(_TAIL.sub("", heading).lower())
    return " ".join(_SPELLED.get(word, word) for word in words)


@cache
def _titles() -> dict[str, str]:
    return {
        _spelled(heading): title
        for title, headings in _HEADINGS.items()
        for heading in (title, *headings.split(";"))
    }


@cache
def _parts() -> frozenset[str]:
    return frozenset(_spelled(heading) for heading in _PARTS.split(";"))
