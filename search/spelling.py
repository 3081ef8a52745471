"""British and American spellings of clinical words: oedema and edema, tumour and tumor."""

from __future__ import annotations

from functools import lru_cache

_CACHED = 1 << 14

_AMERICAN = (
    ("haem", "hem"),
    ("aem", "em"),
    ("paed", "ped"),
    ("aesth", "esth"),
    ("aec", "ec"),
    ("aeti", "eti"),
    ("oede", "ede"),
    ("oeso", "eso"),
    ("oestr", "estr"),
    ("rhoe", "rhe"),
    ("pnoe", "pne"),
    ("foet", "fet"),
    ("coeli", "celi"),
    ("isation", "ization"),
    ("lysed", "lyzed"),
    ("ilise", "ilize"),
    ("omise", "omize"),
    ("erise", "erize"),
    ("sulph", "sulf"),
    ("titre", "titer"),
    ("fibre", "fiber"),
)
"""British letters and American ones; the first are rare in American words."""
_OUR = ("tumour", "colour", "behaviour", "odour", "humour", "vapour", "labour", "favour", "honour")
_BRITISH = (
    ("hemo", "haemo"),
    ("hema", "haema"),
    ("emia", "aemia"),
    ("emic", "aemic"),
    ("edem", "oedem"),
    ("esoph", "oesoph"),
    ("estro", "oestro"),
    ("rhea", "rhoea"),
    ("pnea", "pnoea"),
    ("pediat", "paediat"),
    ("orthoped", "orthopaed"),
    ("esthe", "aesthe"),
    ("fecal", "faecal"),
    ("feces", "faeces"),
    ("cecal", "caecal"),
    ("cecum", "caecum"),
    ("fetal", "foetal"),
    ("fetus", "foetus"),
    ("gynec", "gynaec"),
    ("celiac", "coeliac"),
    ("etiol", "aetiol"),
    ("ization", "isation"),
    ("lyzed", "lysed"),
    ("sulf", "sulph"),
)
_CHEMISTRY = "chem"
"""Letters of words that hold others' and are spelled alike everywhere: chemotherapy."""


@lru_cache(_CACHED)
def american(word: str) -> str:
    """Return a word, in lower case, as it is spelled in America."""
    for british in _OUR:
        word = word.replace(british, british[:-2] + "r")
    for british, spelled in _AMERICAN:
        word = word.replace(british, spelled)
    return word


@lru_cache(_CACHED)
def spellings(word: str) -> tuple[str, ...]:
    """Return a word, in lower case, and the other spellings that it may have in notes."""
    ours = american(word)
    theirs = ours
    for plain in (british[:-2] + "r" for british in _OUR):
        theirs = theirs.replace(plain, plain[:-1] + "ur")
    for spelled, british in _BRITISH:
        if _CHEMISTRY not in theirs:
            theirs = theirs.replace(spelled, british)
    return tuple(dict.fromkeys((word, ours, theirs)))
