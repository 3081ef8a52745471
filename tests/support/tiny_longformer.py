"""A complete Longformer of a few hundred kilobytes, with seeded weights and its own tokenizer.

::

    write_tiny_longformer(folder: Path, seed=0) -> Path

writes config.json, model.safetensors, tokenizer.json and tokenizer_config.json into
``folder`` (made if need be) and returns it. 2 layers, 32 wide, 4 heads, windows of 32 and
64, at most 4,096 tokens; nothing is downloaded. Any text can be tokenised: byte-level, as
RoBERTa does it, with merges for a hundred common words, so that ordinary English comes out
at two to five characters a token. Case is kept. Same seed, same bytes.

``shape`` changes a size: write_tiny_longformer(folder, attention_window=[512, 512]).
``write_tiny_bert`` and ``write_tiny_roberta`` write checkpoints that can be converted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import RobertaProcessing, TemplateProcessing

WORDS = (
    "the of and to in a is was with for on no not his her she he patient denies history "
    "chest pain shortness breath fever chills nausea vomiting blood pressure heart rate "
    "daily mg left right normal mild severe acute chronic disease diabetes mellitus "
    "hypertension pneumonia infection antibiotics admitted discharge home follow up clinic "
    "day days year old male female mother father family medication medications exam "
    "abdomen soft lungs clear edema stable treatment diagnosis surgery fracture stroke "
    "cancer renal failure liver lung cardiac congestive atrial fibrillation infarction "
    "sepsis anemia depression anxiety pregnancy cough headache weakness numbness swelling "
    "rash allergy penicillin insulin aspirin metoprolol warfarin hospital course "
    "assessment plan reviewed negative positive stopped started "
)
ROBERTA_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "initializer_range": 0.02,
}


def write_tiny_longformer(folder: Path, seed: int = 0, **shape: Any) -> Path:
    """Write a complete model into the folder and return it; see the module's first lines."""
    tokenizer = byte_level_tokenizer()
    config = SHAPE | {
        "model_type": "longformer",
        "architectures": ["LongformerModel"],
        "attention_window": [32, 64],
        "max_position_embeddings": 4098,
        "type_vocab_size": 1,
        "vocab_size": tokenizer.get_vocab_size(),
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "sep_token_id": 2,
    }
    return _write(folder, seed, config | shape, tokenizer, ("<s>", "</s>", "<pad>"))


def write_tiny_roberta(folder: Path, seed: int = 0, **shape: Any) -> Path:
    """Write a RoBERTa checkpoint with 64 positions."""
    tokenizer = byte_level_tokenizer()
    config = SHAPE | {
        "model_type": "roberta",
        "architectures": ["RobertaModel"],
        "max_position_embeddings": 66,
        "type_vocab_size": 1,
        "vocab_size": tokenizer.get_vocab_size(),
        "pad_token_id": 1,
    }
    return _write(folder, seed, config | shape, tokenizer, ("<s>", "</s>", "<pad>"))


def write_tiny_bert(folder: Path, seed: int = 0, **shape: Any) -> Path:
    """Write a BERT checkpoint with 64 positions and two token types."""
    tokenizer = wordpiece_tokenizer()
    config = SHAPE | {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
        "vocab_size": tokenizer.get_vocab_size(),
        "pad_token_id": 0,
        "layer_norm_eps": 1e-12,
    }
    return _write(folder, seed, config | shape, tokenizer, ("[CLS]", "[SEP]", "[PAD]"))


def byte_level_tokenizer() -> Tokenizer:
    """Return a tokenizer that reads any text, as RoBERTa's does."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = dict.fromkeys((*ROBERTA_SPECIAL, *alphabet))
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS.split():
        for form in (f"Ġ{word}", word.capitalize()):
            for end in range(1, len(form)):
                merges[form[:end], form[end]] = None
                pieces[form[: end + 1]] = None
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.add_special_tokens(list(ROBERTA_SPECIAL[:4]))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return tokenizer


def wordpiece_tokenizer() -> Tokenizer:
    """Return a tokenizer that reads lower-cased words and letters, as BERT's does."""
    letters = [chr(code) for code in range(33, 127)]
    pieces = [*BERT_SPECIAL, *letters, *(f"##{letter}" for letter in letters), *WORDS.split()]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token=BERT_SPECIAL[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(list(BERT_SPECIAL))
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(pad_id=0, pad_token=BERT_SPECIAL[0], length=16)
    return tokenizer


def random_weights(config: dict[str, Any], seed: int) -> dict[str, torch.Tensor]:
    """Return seeded weights, each named as in transformers' base model.

    They are large enough that every weight matters to the output, and unlike each other.
    """
    generator = torch.Generator().manual_seed(seed)
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    weights: dict[str, torch.Tensor] = {}

    def normal(name: str, *shape: int, deviation: float) -> None:
        weights[name] = torch.randn(*shape, generator=generator) * deviation

    def linear(name: str, out: int, into: int) -> None:
        normal(f"{name}.weight", out, into, deviation=into**-0.5)
        normal(f"{name}.bias", out, deviation=0.1)

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = 0.5 + torch.rand(hidden, generator=generator)
        normal(f"{name}.bias", hidden, deviation=0.1)

    for table, rows, deviation in (
        ("word", config["vocab_size"], 1.0),
        ("position", config["max_position_embeddings"], 0.2),
        ("token_type", config["type_vocab_size"], 0.2),
    ):
        normal(f"embeddings.{table}_embeddings.weight", rows, hidden, deviation=deviation)
    norm("embeddings.LayerNorm")
    roles = ["query", "key", "value"]
    if config["model_type"] == "longformer":
        roles += [f"{role}_global" for role in roles]
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        for role in roles:
            linear(f"{layer}.attention.self.{role}", hidden, hidden)
        linear(f"{layer}.attention.output.dense", hidden, hidden)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", wide, hidden)
        linear(f"{layer}.output.dense", hidden, wide)
        norm(f"{layer}.output.LayerNorm")
    return weights


def _write(
    folder: Path,
    seed: int,
    config: dict[str, Any],
    tokenizer: Tokenizer,
    special: tuple[str, str, str],
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(random_weights(config, seed), folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))
    roles = dict(zip(("cls_token", "sep_token", "pad_token"), special, strict=True))
    is_bert = config["model_type"] == "bert"
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer" if is_bert else "RobertaTokenizer"} | roles)
    )
    (folder / "config.json").write_text(json.dumps(config))
    return folder
