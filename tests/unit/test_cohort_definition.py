"""A definition is read as it is written, and what is wrong with it is said in one line."""

from pathlib import Path
from typing import Any

import pytest

from notekin.errors import CohortError, NoSuchSourceError
from notekin.search.cohort.definition import json_schema
from notekin.search.cohort.definition_file import definition_of, read_definition
from notekin.search.cohort.rules import (
    All,
    Asserted,
    Criterion,
    Cut,
    CutKind,
    Examples,
    Grain,
    Not,
    Rules,
    Unit,
    Within,
)
from notekin.search.cohort.rules import (
    Any as AnyPart,
)
from notekin.storage.conditions import AllOf, OneOf, Range
from notekin.types import Experiencer, Polarity, Temporality
from tests.support.notes import CANARY

WHOLE = """\
name: hfref-new-arni
grain: patient            # patient | encounter
include:
  all:
    - id: hfref
      meaning: heart failure with reduced ejection fraction
      assertion: affirmed
      at_least: 2 notes
      where: {category: [Discharge summary, Echo], nyha_class: {at_least: 2, below: 4}}
    - id: arni
      phrase: [sacubitril, entresto]
    - id: symptoms
      any:
        - meaning: shortness of breath on exertion
          cut: {top: 200}
        - not: {phrase: no dyspnoea, assertion: any}
exclude:
  any:
    - meaning: heart transplant
      within: {of: hfref, days: 365, before: true}
like: {patients: [p17, "90"]}
unlike: {notes: [007]}
limit: 500
"""
DEFAULT = Asserted()


def read(tmp_path: Path, text: str, name: str = "d.yaml") -> Rules:
    path = tmp_path / name
    path.write_text(text)
    return read_definition(path).rules()


def test_a_whole_definition_is_read_as_it_is_written(tmp_path: Path) -> None:
    facts = AllOf(
        (
            OneOf("category", ("Discharge summary", "Echo")),
            Range("nyha_class", 2.0, 4.0, True, False),
        )
    )
    assert read(tmp_path, WHOLE) == Rules(
        "hfref-new-arni",
        Grain.PATIENT,
        All(
            (
                Criterion(
                    "hfref",
                    "heart failure with reduced ejection fraction",
                    condition=facts,
                    asserted=DEFAULT,
                    at_least=2,
                ),
                Criterion("arni", phrases=("sacubitril", "entresto"), asserted=DEFAULT),
                AnyPart(
                    (
                        Criterion(
                            "c1",
                            "shortness of breath on exertion",
                            asserted=DEFAULT,
                            cut=Cut(CutKind.TOP, 200),
                        ),
                        Not(Criterion("c2", phrases=("no dyspnoea",))),
                    ),
                    "symptoms",
                ),
            )
        ),
        AnyPart(
            (
                Criterion(
                    "c3",
                    "heart transplant",
                    asserted=DEFAULT,
                    within=Within("hfref", 365, before=True),
                ),
            )
        ),
        Examples(("p17", "90")),
        Examples(notes=("007",)),
        500,
    )


@pytest.mark.parametrize(
    ("written", "cut", "calibrated"),
    [
        ("calibrated", Cut(CutKind.CALIBRATED, 0.0), True),
        ({"precision": 0.9}, Cut(CutKind.PRECISION, 0.9), True),
        ({"recall": 0.8}, Cut(CutKind.RECALL, 0.8), True),
        ({"score": 0.8}, Cut(CutKind.SCORE, 0.8), False),
    ],
)
def test_judgements_decide_a_cut_that_aims_at_f1_precision_or_recall(
    written: object, cut: Cut, calibrated: bool
) -> None:
    value = {"name": "a", "include": {"meaning": "heart failure", "cut": written}}
    (criterion,) = definition_of(value).rules().criteria()
    assert (criterion.cut, criterion.cut.is_calibrated) == (cut, calibrated)


def test_a_definition_comes_back_from_its_own_mapping(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(WHOLE)
    definition = read_definition(path)
    assert definition_of(definition.to_dict()) == definition


def test_json_and_yaml_of_one_definition_are_the_same(tmp_path: Path) -> None:
    import json

    path = tmp_path / "d.yaml"
    path.write_text(WHOLE)
    as_json = json.dumps(read_definition(path).to_dict(), indent="\t")
    assert read(tmp_path, as_json, "d.json") == read(tmp_path, WHOLE)


def test_words_and_numbers_are_taken_as_yaml_1_2_means_them(tmp_path: Path) -> None:
    text = "name: x\ninclude: {where: {a: [no, 007, 12:30, 2015-01-01, 1.5, 2, true, '3', 1e2]}}"
    rules = read(tmp_path, text)
    (criterion,) = rules.criteria()
    values = ("no", "007", "12:30", "2015-01-01", 1.5, 2, True, "3", 100.0)
    assert criterion.condition == AllOf((OneOf("a", values),))


def test_every_name_of_an_assertion_takes_one_value_several_or_any(tmp_path: Path) -> None:
    text = (
        "name: x\ninclude: {phrase: a, at_least: 3 encounters, assertion: "
        "{polarity: [affirmed, possible], experiencer: any, temporality: historical}}"
    )
    (criterion,) = read(tmp_path, text).criteria()
    assert criterion.asserted == Asserted(
        frozenset({Polarity.AFFIRMED, Polarity.POSSIBLE}),
        frozenset(Experiencer),
        frozenset({Temporality.HISTORICAL}),
    )
    assert (criterion.at_least, criterion.unit) == (3, Unit.ENCOUNTERS)


WRONG = [
    ("2 notes", "two", "line 8, column 7 (include.all[0].at_least): takes a number such as 2"),
    ("2 notes", "0", "line 8, column 7 (include.all[0].at_least): takes a number such as 2"),
    ("assertion: affirmed", "assertion: denied", "line 7, column 7 (include.all[0].assertion)"),
    ("assertion: affirmed", "assertion: {who: me}", "line 7, column 19 (include.all[0].assertion)"),
    ("    - meaning: heart", "    - meening: heart", "line 19, column 7 (exclude.any[0]): a name"),
    ("of: hfref", "of: hfrf", "line 20, column 16 (exclude.any[0].within.of): no criterion has"),
    ("of: hfref", "of: symptoms", "no criterion has this id"),
    ("days: 365", "days: -1", "line 20, column 27 (exclude.any[0].within.days): takes a whole"),
    ("before: true", "before: true, after: true", "(exclude.any[0].within): takes before or after"),
    ("p17", "17", "line 21, column 19 (like.patients[0]): takes a list of ids"),
    ("nyha_class: {at_least", "nyha_class: {atleast", "column 65 (include.all[0].where): a name"),
    ("nyha_class: {at_least", "category: {at_least", "column 52: this name stands a second time"),
    ("nyha_class: {at_least: 2,", "nyha_class: {at_least: x,", "A range takes numbers such as 65"),
    ("at_least: 2, below", "at_least: 2, above", "line 9, column"),
    ("at_least: 2, below: 4", "at_least: 2, above: 1", "takes each end of a range once"),
    ("{top: 200}", "{top: 0}", "line 15, column 17 (include.all[2].any[0].cut.top): takes a whole"),
    ("{top: 200}", "{top: 2, score: 0.1}", "(include.all[2].any[0].cut): takes one of score"),
    ("{top: 200}", "{recall: 1}", "cut.recall): takes a share between 0 and 1"),
    ("id: arni", "id: hfref", "line 10, column 7 (include.all[1].id): another criterion or group"),
    ("id: arni", "id: a b", "(include.all[1].id): takes letters, digits"),
    ("grain: patient", "grain: ward", "line 2, column 1 (grain): takes patient or encounter."),
    ("grain: patient", "grain: *it", "line 2, column 8: aliases are not taken"),
    ("id: arni", "id: !!python/name:os.system arni", "line 10, column 11: tags are not taken"),
    ("[sacubitril, entresto]", "[]", "(include.all[1].phrase): takes a text or a list of texts."),
    ("[sacubitril, entresto]", "[[", "is no YAML from line 12, column 5 on"),
    ("phrase: [sacubitril, entresto]", "phrase:", "(include.all[1]): a name without a value"),
    ("phrase: [sacubitril, entresto]", "at_least: 2", "(include.all[1]): asks for nothing"),
    ("phrase: [sacubitril", "meaning: x\n      phrase: [sacubitril", "takes meaning or phrase"),
    ("phrase: [sacubitril", "cut: calibrated\n      phrase: [sacubitril", "no scores to cut"),
    ("name: hfref-new-arni", "name: ../../etc", "line 1, column 1 (name): takes letters, digits"),
    ("name: hfref-new-arni\n", "", "line 1, column 1: name is missing."),
    ("limit: 500", "limit: 500\nlimit: 3", "line 24, column 1: this name stands a second time"),
    ("limit: 500", "limit: true", "line 23, column 1 (limit): takes a whole number from 1."),
]


@pytest.mark.parametrize(("what", "instead", "said"), WRONG)
def test_an_error_names_file_line_column_and_field(
    tmp_path: Path, what: str, instead: str, said: str
) -> None:
    assert what in WHOLE
    with pytest.raises(CohortError) as raised:
        read(tmp_path, WHOLE.replace(what, instead, 1))
    message = str(raised.value)
    assert said in message
    assert message.startswith(str(tmp_path / "d.yaml"))
    assert "\n" not in message


PLACES = [
    ("name: hfref-new-arni", "name: {}"),
    ("grain: patient", "grain: {}"),
    ("grain: patient", "{}: patient"),
    ("2 notes", "{}"),
    ("assertion: affirmed", "assertion: {}"),
    ("assertion: affirmed", "{}: affirmed"),
    ("category: [", "{}: ["),
    ("nyha_class: {at_least", "{}: {{at_least: x, "),
    ("nyha_class: {at_least: 2", "nyha_class: {{{}: 2"),
    ("nyha_class: {at_least: 2", "nyha_class: {{at_least: {}"),
    ("of: hfref", "of: {}"),
    ("365", "{}"),
    ("[p17", "[[{}]"),
    ("grain: patient", "grain: *{}"),
    ("grain: patient", "grain: !{} x"),
    ("grain: patient", "grain: %{}"),
    ("grain: patient", "grain: patient\n{0}: 1\n{0}: 2"),
]


@pytest.mark.parametrize(("what", "instead"), PLACES)
def test_no_error_repeats_what_stands_in_the_file(tmp_path: Path, what: str, instead: str) -> None:
    assert what in WHOLE
    for name in (CANARY, CANARY.replace(" ", "")):
        changed = WHOLE.replace(what, instead.format(name), 1)
        path = tmp_path / "d.yaml"
        path.write_text(changed)
        try:
            read_definition(path).rules()
        except CohortError as error:
            said = str(error)
        else:
            said = "it is a definition"
        assert "Zebulon" not in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8 from byte 0 on"),
        (b"name: \x00", "is no YAML"),
        (b"- a\n- b\n", "takes names with values"),
        (b"name: x\n---\nname: y\n", "is no YAML from line 2"),
        (b"x" * (1 << 21), "is larger than a definition can be"),
        (b"include: " + b"{not: " * 3000 + b"a" + b"}" * 3000, "nests too deep"),
        (b"name: x\ninclude: " + b"{not: " * 30 + b"{phrase: a}" + b"}" * 30, "nests deeper than"),
    ],
)
def test_what_is_no_definition_is_said_in_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "d.yaml"
    path.write_bytes(data)
    with pytest.raises(CohortError, match=said) as raised:
        read_definition(path)
    assert "\n" not in str(raised.value)


def test_broken_json_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="is no JSON from line 2, column 1 on"):
        read(tmp_path, '{"name": "x",\n}', "d.json")
    with pytest.raises(CohortError, match="line 1, column 15: this name stands a second time"):
        read(tmp_path, '{"name": "x", "name": "y"}', "d.json")


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoSuchSourceError):
        read_definition(tmp_path / "none.yaml")


def test_criteria_that_hang_on_each_other_in_a_circle_are_refused() -> None:
    part: dict[str, Any] = {"phrase": "x"}
    circle = [
        part | {"id": "a", "within": {"of": "b", "days": 1}},
        part | {"id": "b", "within": {"of": "c", "days": 1}},
        part | {"id": "c", "within": {"of": "a", "days": 1}},
    ]
    with pytest.raises(CohortError, match="circle"):
        definition_of({"name": "x", "include": {"all": circle}})
    chain = [*circle[:2], part | {"id": "c"}]
    assert len(definition_of({"name": "x", "include": {"all": chain}}).rules().criteria()) == 3


def test_the_schema_names_all_that_a_definition_takes() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {
        *("name", "description", "grain", "include", "exclude", "like", "unlike", "limit")
    }
    assert {"id", "meaning", "phrase", "where", "assertion", "at_least", "within", "cut"} == set(
        schema["$defs"]["Criterion"]["properties"]
    )
    assert "not" in schema["$defs"]["NotThis"]["properties"]
