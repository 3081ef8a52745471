import numpy as np
import pytest

from notekin.errors import UsageError
from notekin.search.fusion import Fusion
from notekin.search.mode import Mode, mode_named, modes_named


def test_a_fused_score_lies_from_zero_to_one() -> None:
    ends = np.array([0.0, 1.0], np.float32)
    for words in (0, 1, 5, 500):
        fusion = Fusion.for_words(words)
        assert fusion.fuse(ends, ends).tolist() == pytest.approx([0, 1])
        assert fusion.fuse(ends, -ends).min() == 0


def test_it_grows_with_either_channel() -> None:
    fusion = Fusion.for_words(3)
    steps = np.linspace(0, 1, 50, dtype=np.float32)
    half = np.full(50, 0.5, np.float32)
    assert np.all(np.diff(fusion.fuse(steps, half)) > 0)
    assert np.all(np.diff(fusion.fuse(half, steps)) > 0)


def test_meaning_weighs_more_in_a_longer_query_within_bounds() -> None:
    weights = [Fusion.for_words(count).dense_weight for count in (0, 1, 2, 5, 20, 1000)]
    assert weights == sorted(weights)
    assert weights[3] == 1
    assert weights[0] >= 0.5
    assert weights[-1] <= 1.5


def test_a_mode_is_named_by_its_word_and_by_itself() -> None:
    assert mode_named("dense") is Mode.DENSE
    assert mode_named(Mode.LEXICAL) is Mode.LEXICAL
    assert modes_named(["all"]) == list(Mode)
    assert modes_named(["dense", "dense", "hybrid"]) == [Mode.DENSE, Mode.HYBRID]


@pytest.mark.parametrize("name", ["", "Dense", "both"])
def test_another_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UsageError, match="hybrid, dense, lexical"):
        mode_named(name)


def test_no_mode_at_all_is_refused() -> None:
    with pytest.raises(UsageError):
        modes_named([])
