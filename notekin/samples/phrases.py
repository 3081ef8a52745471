"""Phrase banks: how clinicians word what every chart holds."""

from __future__ import annotations

from typing import Final

SITES: Final = {
    "ashmere": "Ashmere General Hospital",
    "tolvaine": "Port Tolvaine Infirmary",
}

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "CC": ("Chief complaint", "Reason for visit", "Presenting complaint", "CC"),
    "HPI": ("History of present illness", "HPI", "History", "Presenting history"),
    "PMH": ("Past medical history", "PMHx", "Background", "Medical history"),
    "MEDS": ("Medications", "Current medications", "Meds", "Drug history"),
    "ALL": ("Allergies", "Allergies/intolerances", "Drug allergies"),
    "FH": ("Family history", "FHx", "Family hx"),
    "SH": ("Social history", "SHx", "Social", "Social hx"),
    "ROS": ("Review of systems", "ROS", "Systems review"),
    "VS": ("Vitals", "Vital signs", "Obs", "VS"),
    "EXAM": ("Physical exam", "Examination", "O/E", "Exam", "PE"),
    "LABS": ("Labs", "Laboratory data", "Results", "Bloods", "Pertinent labs"),
    "IMAGING": ("Imaging", "Radiology", "Imaging and studies", "Studies"),
    "AP": ("Assessment and plan", "A/P", "Impression and plan", "Assessment/Plan"),
    "COURSE": ("Hospital course", "Brief hospital course", "Course in hospital"),
    "DX": ("Discharge diagnoses", "Diagnoses", "Principal and secondary diagnoses"),
    "DISPO": ("Disposition", "Discharge disposition", "Dispo", "Condition at discharge"),
    "INSTR": ("Discharge instructions", "Advice given", "Instructions to patient"),
    "FU": ("Follow-up", "Follow up", "To do after discharge", "Outstanding issues"),
    "INDICATION": ("Indication", "Clinical information", "Reason for exam", "History"),
    "TECHNIQUE": ("Technique", "Procedure", "Protocol"),
    "FINDINGS": ("Findings", "Report", "Description"),
    "IMPRESSION": ("Impression", "Conclusion", "Opinion", "Summary"),
    "S": ("Subjective", "S", "Interval history", "Overnight events", "24h events"),
    "ED": ("ED course", "Course in the department", "Management in ED", "MDM"),
    "OP": ("Description of procedure", "Procedure in detail", "Operative details"),
    "GROSS": ("Gross description", "Macroscopic", "Specimen"),
    "MICRO": ("Microscopic description", "Microscopy", "Histology"),
    "DIAG": ("Diagnosis", "Final diagnosis", "Final pathologic diagnosis"),
}

SHORT: Final = {
    "hypertension": "HTN",
    "type 2 diabetes": "T2DM",
    "type 1 diabetes": "T1DM",
    "chronic kidney disease": "CKD",
    "atrial fibrillation": "AF",
    "coronary artery disease": "CAD",
    "heart failure": "HF",
    "hyperlipidemia": "HLD",
    "osteoarthritis": "OA",
    "obstructive sleep apnea": "OSA",
    "gastroesophageal reflux": "GERD",
    "benign prostatic hyperplasia": "BPH",
    "rheumatoid arthritis": "RA",
    "multiple sclerosis": "MS",
    "iron deficiency anemia": "IDA",
}

ONE_LINERS: Final = (
    "{age}-year-old {noun} with a history of {pmh}",
    "{age}{sex} w/ PMHx {short}",
    "{title} {surname}, {a} {age}-year-old {noun} with {pmh},",
    "{age} yo {adjective} with {short}",
    "{age} y/o {sex} with background of {pmh}",
    "This {age}-year-old {noun} with {pmh}",
)
ONE_LINERS_WELL: Final = (
    "Previously well {age}-year-old {noun}",
    "{age}{sex}, no significant PMHx,",
    "{title} {surname}, {age}, with no past history of note,",
    "{age} yo otherwise healthy {adjective}",
    "Fit and well {age} y/o {adjective}",
)

NORMAL_EXAM: Final[dict[str, tuple[str, ...]]] = {
    "gen": (
        "alert, comfortable at rest",
        "well appearing, in no acute distress",
        "NAD, conversant",
        "sitting up in bed, looks well",
        "awake and pleasant, not toxic",
        "appears stated age, no distress",
    ),
    "cv": (
        "RRR, no murmurs, rubs or gallops",
        "HS I+II+0, JVP not raised",
        "regular rhythm, normal S1 and S2",
        "heart sounds normal, no added sounds",
        "S1S2 normal, well perfused, CRT < 2 s",
    ),
    "lungs": (
        "clear to auscultation bilaterally",
        "CTAB, no wheeze",
        "good air entry both sides, no added sounds",
        "vesicular breathing throughout",
        "unlabored, clear bases",
    ),
    "abd": (
        "soft, non-tender, bowel sounds present",
        "SNT, no organomegaly",
        "soft, ND, NT, no guarding",
        "benign, no masses felt",
        "soft throughout, BS+",
    ),
    "ext": (
        "warm, no edema, calves soft",
        "no peripheral oedema, pulses intact",
        "WWP, no c/c/e",
        "no swelling, 2+ distal pulses",
        "calves soft and non-tender",
    ),
    "neuro": (
        "AOx3, moving all four limbs, no focal deficit",
        "CN II-XII intact, power 5/5 throughout",
        "grossly non-focal",
        "oriented, speech fluent, gait not tested",
        "GCS 15, pupils equal and reactive",
    ),
}
EXAM_LABELS: Final[dict[str, tuple[str, ...]]] = {
    "gen": ("General", "Gen", "Constitutional"),
    "cv": ("CV", "Cardiovascular", "Heart"),
    "lungs": ("Resp", "Lungs", "Chest", "Pulm"),
    "abd": ("Abdomen", "Abd", "GI"),
    "ext": ("Ext", "Extremities", "Limbs", "Legs"),
    "neuro": ("Neuro", "Neurological", "CNS"),
    "heent": ("HEENT", "Head/ENT", "Mouth/ENT"),
    "neck": ("Neck",),
    "skin": ("Skin", "Integument"),
    "psych": ("Psych", "MSE", "Mental status"),
    "msk": ("MSK", "Joints"),
    "eyes": ("Eyes", "Ophth"),
    "gu": ("GU", "Pelvis"),
    "wound": ("Wound", "Surgical site", "Incision"),
}

NORMAL_LABS: Final[dict[str, tuple[int, int, int]]] = {
    "Na": (136, 143, 1),
    "K": (36, 48, 10),
    "HCO3": (23, 28, 1),
    "BUN": (9, 19, 1),
    "Cr": (6, 10, 10),
    "Glu": (84, 118, 1),
    "WBC": (46, 98, 10),
    "Hgb": (124, 149, 10),
    "Plt": (168, 342, 1),
}
"""Lowest, highest and divisor of an unremarkable result."""

NEGATIVE_ROS: Final = (
    "Denies {no}.",
    "Negative for {no}.",
    "Specifically no {no}.",
    "No {no} reported.",
    "{Pronoun} denies {no}.",
)
POSITIVE_ROS: Final = (
    "Positive for {yes}.",
    "Endorses {yes}.",
    "Reports {yes}.",
    "Admits to {yes}.",
    "As above, plus {yes}.",
)
ROS_END: Final = (
    "Remaining systems reviewed and negative.",
    "Otherwise 10-point ROS unremarkable.",
    "Nothing else on direct questioning.",
    "All other systems negative.",
    "",
)

PROPHYLAXIS: Final[dict[str, tuple[str, ...]]] = {
    "enoxaparin": (
        "FEN/PPx: regular diet, enoxaparin 40 mg SC daily. Full code.",
        "Diet as tolerated; VTE prophylaxis with LMWH; full resuscitation status.",
        "#PPX: Lovenox 40. #Diet: regular. #Code: full, confirmed on admission.",
    ),
    "heparin": (
        "FEN/PPx: renal diet, heparin 5000 units SC TID. Full code.",
        "VTE prophylaxis: UFH 5,000 units three times daily given eGFR. For full escalation.",
    ),
    "scd": (
        "PPx: SCDs only, no pharmacologic VTE prophylaxis for now. Full code.",
        "Mechanical VTE prophylaxis (SCDs), chemical held. Full code.",
        "#PPX: pneumatic compression boots; heparin products not given. #Code: full.",
    ),
    "dnr": (
        "VTE prophylaxis: LMWH. Not for CPR, ward-level care; form completed with family.",
        "PPx enoxaparin 30. DNR/DNI per advance directive, otherwise treat.",
    ),
}

NURSING: Final[dict[str, tuple[str, ...]]] = {
    "safety": (
        "Bed low and locked, call bell within reach, non-slip socks on.",
        "High falls risk band on; bed alarm set; hourly rounding done.",
        "Side rails up x2, belongings close by, room uncluttered.",
        "Falls bundle in place, light left on in the bathroom.",
    ),
    "skin": (
        "Skin intact over heels and sacrum; turned q2h with wedges.",
        "Braden 17, no pressure damage seen, barrier cream applied.",
        "Pressure areas checked with HCA, blanching redness only, offloaded.",
        "Waterlow reassessed, air mattress ordered, heels floated.",
    ),
    "lines": (
        "20G L forearm flushes well, dressing dry, day 2.",
        "PIV x2 patent, no phlebitis (VIP 0).",
        "Cannula R hand re-sited after it tissued; new one flushed.",
        "IV site clean, fluids running as charted.",
    ),
    "intake": (
        "Ate about half of supper, taking sips well.",
        "Tolerated full breakfast, fluids encouraged.",
        "Appetite poor; supplement drinks offered and one taken.",
        "Managing soft diet, no nausea after meals.",
    ),
    "sleep": (
        "Slept in short spells between observations.",
        "Settled after midnight, slept until 05:30.",
        "Awake most of the night, wanted the door open.",
        "Rested well, no PRN needed for sleep.",
    ),
    "family": (
        "Family rang at 20:00 and were updated with consent.",
        "Daughter at bedside this afternoon, questions answered.",
        "Partner visited, brought glasses and charger.",
        "Son would like to speak to the team tomorrow.",
    ),
    "handover": (
        "Handed over at bedside to oncoming RN.",
        "SBAR handover given, no outstanding tasks.",
        "Will continue to monitor per plan of care.",
        "Plan of care reviewed; continue as charted.",
    ),
}

RETURN: Final[dict[str, tuple[str, ...]]] = {
    "heart": (
        "Weigh yourself each morning; call if you gain 2 kg in three days. If you should have "
        "chest pain lasting more than ten minutes, call an ambulance.",
        "Salt under 2 g a day. Come back at once if breathing gets worse at night, if the legs "
        "swell, or if you faint.",
    ),
    "surgical": (
        "No heavy lifting for six weeks. Shower from day two, no baths. Call us if the wound "
        "turns red, opens or leaks pus, or if temperature goes above 38 °C.",
        "Walk every day. Should you develop fever, vomiting or a calf that is swollen and sore, "
        "come to the emergency department.",
    ),
    "bleed": (
        "Return if you pass black stool or bright blood, or feel light-headed on standing.",
        "If bleeding happens again do not wait for the clinic: come straight in.",
    ),
    "neuro": (
        "Call emergency services for face droop, arm weakness, slurred speech, a seizure or a "
        "sudden very bad headache.",
        "No driving until cleared in clinic. Someone should stay with you this week; return for "
        "drowsiness, repeated vomiting or new weakness.",
    ),
    "chest": (
        "Come back if you become more breathless, cough up blood or run a temperature. No flying "
        "until we have seen you again.",
        "Finish the course even when you feel well. Seek help if your breathing worsens or your "
        "lips look blue.",
    ),
    "general": (
        "Seek medical attention if symptoms return or you are worried for any reason.",
        "Drink plenty, rest, and ring the ward in the first 48 hours with any concern.",
        "Return precautions discussed and understood; written leaflet given.",
        "Take medicines as listed and bring the list to every appointment.",
    ),
}

SIGN_OFF: Final = (
    "Electronically signed by {author}",
    "{author}",
    "Signed: {author}, {clock}",
    "-- {author}",
    "Dictated and reviewed, {author}",
    "E-signed {day} {clock} {author}",
)
GREETINGS: Final = ("Dear Colleague,", "Dear Dr {gp},", "Dear {gp},", "Dear Doctor,")
FAREWELLS: Final = ("Yours sincerely,", "With kind regards,", "Many thanks,", "Best wishes,")
FAMILY_DOCTORS: Final = ("Quillfeather", "Ambrel", "Tosswick", "Verrane", "Oduyelle", "Maskarin")

CLINICIANS: Final[dict[str, tuple[str, ...]]] = {
    "ED note": ("R. Tarrowby, MD", "S. Ilvenko, MD", "D. Pellamare, MD", "K. Achterin, PA-C"),
    "Nursing note": ("J. Wenscott, RN", "M. Adebisola, RN", "T. Corrigane, RN", "L. Fenholt, RN"),
    "Radiology report": ("H. Zanbrek, MD", "P. Ruthinga, MD", "E. Dovelaine, MD"),
    "Pathology report": ("V. Mirantz, MD", "O. Kestrand, MD"),
    "Echo report": ("A. Solvegård, MD", "B. Tremontaine, MD"),
    "Telephone encounter": ("J. Wenscott, RN", "N. Pryderow, RN", "C. Halbeck, NP"),
}
PHYSICIANS: Final = (
    "G. Fairloch, MD",
    "Y. Matsubane, MD",
    "I. Carrowdine, MD",
    "F. Brantôme, MD",
    "W. Okonjari, MD",
    "C. Lisvane, MD",
    "A. Petrusek, MD",
    "N. Holmquarry, DO",
    "E. Vasquilla, MD",
    "T. Rathmoyle, MBBS",
    "S. Deverakonde, MD",
    "U. Eikelund, MD",
)
