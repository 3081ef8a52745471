from pathlib import Path

import numpy as np
import pytest

from notekin import api
from notekin.errors import EncoderMismatchError, UsageError
from notekin.indexer.spread import Spread, SpreadEncoder, Spreading
from notekin.types import Vectors
from tests.support.tiny_longformer import write_tiny_longformer
from tests.support.words import WordEncoder


def crowded(seed: int = 0, rows: int = 400) -> Vectors:
    """Return unit vectors that nearly all point the same way."""
    random = np.random.default_rng(seed)
    raw = 20 + random.standard_normal((rows, 6)) * np.array([1, 1, 1, 1, 1, 5])
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)


def mean_cosine(vectors: Vectors) -> float:
    cosines = vectors @ vectors.T
    return float((cosines.sum() - len(vectors)) / (len(vectors) * (len(vectors) - 1)))


@pytest.mark.parametrize("kind", list(Spreading))
def test_vectors_that_point_the_same_way_are_spread_out(kind: Spreading) -> None:
    vectors = crowded()
    spread = Spread.fit(kind, vectors).apply(crowded(seed=1))
    assert mean_cosine(vectors) > 0.95
    assert abs(mean_cosine(spread)) < 0.02
    assert np.allclose(np.linalg.norm(spread, axis=1), 1, atol=1e-5)


def test_whitening_gives_every_direction_the_same_spread() -> None:
    vectors = crowded()
    whitened = (vectors - Spread.fit(Spreading.WHITEN, vectors).mean) @ Spread.fit(
        Spreading.WHITEN, vectors
    ).matrix
    assert np.allclose(np.cov(whitened, rowvar=False)[1:, 1:], np.eye(5), atol=0.05)


@pytest.mark.parametrize("kind", list(Spreading))
def test_a_transform_comes_back_from_a_store_as_it_was(kind: Spreading) -> None:
    fitted = Spread.fit(kind, crowded())
    again = Spread.from_settings(fitted.to_settings())
    assert np.array_equal(again.apply(crowded(1)), fitted.apply(crowded(1)))
    assert again.digest() == fitted.digest()


def test_too_few_vectors_to_fit_on_are_refused() -> None:
    with pytest.raises(UsageError, match="too few"):
        Spread.fit(Spreading.CENTRE, crowded(rows=1))


def test_another_fit_is_another_encoder() -> None:
    encoder = WordEncoder(dim=6)
    one, other = (
        SpreadEncoder(encoder, Spread.fit(Spreading.CENTRE, crowded(seed))) for seed in (0, 1)
    )
    assert not one.fingerprint.matches(other.fingerprint)
    assert not one.fingerprint.matches(encoder.fingerprint)


def test_a_store_keeps_its_transform_and_refuses_to_be_without(tmp_path: Path) -> None:
    model = str(write_tiny_longformer(tmp_path / "model"))
    notes = tmp_path / "notes"
    notes.mkdir()
    for number, text in enumerate(("fever and cough", "chest pain", "rash", "a fall at home")):
        (notes / f"{number}.txt").write_text(text)
    with api.open(tmp_path / "s", model=model, spreading="centre") as store:
        assert store.index(notes).added == 4
        crowd = store.stats().mean_pairwise_cosine
    with api.open(tmp_path / "plain", model=model) as plain:
        plain.index(notes)
        before = plain.stats().mean_pairwise_cosine
    assert crowd is not None
    assert before is not None
    assert crowd < before
    with api.open(tmp_path / "s") as again:
        assert again.index(notes).unchanged == 4
        assert again.search("chest pain", 1)[0].note_id == "1"
        assert "centre" in again.stats().reading
    with (
        api.open(tmp_path / "plain", model=model, spreading="whiten") as other,
        pytest.raises(EncoderMismatchError),
    ):
        other.index(notes)
