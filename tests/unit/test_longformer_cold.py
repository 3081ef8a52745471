"""What a process reads before it loads torch, and when it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from notekin.errors import EncoderError, UsageError
from notekin.indexer.longformer.cold import BRIEF_TEXTS, ColdLongformer
from notekin.indexer.longformer.model import PackedLongformer
from tests.support.tiny_longformer import write_tiny_longformer

IDS = np.arange(5, 15, dtype=np.int32)
WITHOUT_TORCH = """
import json, sys
from pathlib import Path
import numpy as np
from notekin.indexer.longformer.cold import ColdLongformer

model = ColdLongformer(Path(sys.argv[1]))
asked = json.loads(sys.argv[2])
for lengths in asked:
    model.forward([np.zeros(length, np.int32) for length in lengths])
print("torch" in sys.modules)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_longformer(tmp_path / "model")


def loads_torch(folder: Path, asked: list[list[int]]) -> bool:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(folder), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip() == "True"


def exact(folder: Path) -> np.ndarray:
    rows: np.ndarray = PackedLongformer.from_folder(folder).forward([IDS]).numpy()
    return rows


def test_single_short_texts_are_read_without_torch(folder: Path) -> None:
    assert not loads_torch(folder, [[10]] * BRIEF_TEXTS)


@pytest.mark.parametrize("asked", [[[10]] * (BRIEF_TEXTS + 1), [[18]], [[10, 10]]])
def test_many_texts_or_a_long_one_are_read_with_torch(folder: Path, asked: list[list[int]]) -> None:
    assert loads_torch(folder, asked)


def test_once_torch_is_loaded_it_reads_short_texts_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ColdLongformer(folder, precision="fp32")
    model.forward([IDS, IDS])
    calls: list[int] = []
    packed = PackedLongformer.forward

    def counted(self: PackedLongformer, *args: object, **options: object) -> torch.Tensor:
        calls.append(1)
        return packed(self, *args, **options)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(PackedLongformer, "forward", counted)
    assert np.allclose(model.forward([IDS]), exact(folder), atol=1e-5)
    assert len(calls) == 2  # ours, and the one that it is compared with


def test_half_precision_weights_are_read_with_torch(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(path).items()}, path)
    assert loads_torch(folder, [])
    assert np.allclose(
        ColdLongformer(folder, precision="fp32").forward([IDS]), exact(folder), atol=1e-5
    )


def test_a_pickle_is_read_with_torch(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert loads_torch(folder, [])


def test_weights_in_several_files_under_a_prefix_are_the_same_model(folder: Path) -> None:
    expected = exact(folder)
    whole = load_file(folder / "model.safetensors")
    names = sorted(whole)
    index: dict[str, str] = {}
    for number, part in enumerate((names[::2], names[1::2])):
        file = f"model-{number}.safetensors"
        save_file({f"longformer.{name}": whole[name] for name in part}, folder / file)
        index |= {f"longformer.{name}": file for name in part}
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    assert not loads_torch(folder, [[10]])
    assert np.allclose(ColdLongformer(folder).forward([IDS]), expected, atol=1e-5)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-4],
        lambda data: data[:6],
        lambda data: b"",
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: data[:8] + b"?" + data[9:],
        lambda data: data.replace(b"F32", b"F99"),
    ],
    ids=["cut short", "no header", "empty", "header too long", "no JSON", "unknown numbers"],
)
def test_damaged_weights_are_an_error_of_one_line(folder: Path, spoil: object) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]  # one of the above
    with pytest.raises(EncoderError, match="damaged"):
        ColdLongformer(folder)


def test_a_missing_weight_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    name = "encoder.layer.1.output.dense.bias"
    save_file({key: value for key, value in load_file(path).items() if key != name}, path)
    with pytest.raises(EncoderError, match=name):
        ColdLongformer(folder)


def test_a_precision_that_there_is_not_is_refused_at_once(folder: Path) -> None:
    with pytest.raises(UsageError, match="fp8"):
        ColdLongformer(folder, precision="fp8")
    with pytest.raises(EncoderError, match="vocabulary"):
        ColdLongformer(folder).forward([np.array([99_999], np.int32)])
