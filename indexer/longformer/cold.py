"""A Longformer that a process has at once: torch is loaded when there is enough to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from notekin.indexer.longformer.brief import BriefLongformer
from notekin.indexer.longformer.config import LongformerConfig, read_config
from notekin.indexer.longformer.packing import Ids
from notekin.types import Vectors

if TYPE_CHECKING:
    from notekin.indexer.longformer.model import PackedLongformer

BRIEF_TEXTS = 16
"""Short texts that are read before torch is loaded; someone who asks more asks many."""


class ColdLongformer:
    """The first short texts are read in numpy, anything else with torch, and then all."""

    def __init__(
        self,
        folder: Path,
        *,
        precision: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        """Prepare the model in a folder.

        Args:
            folder: A folder with config.json and weights.
            precision: ``fp32``, ``bf16``, ``int8``, or ``auto`` for what suits this machine.
                ``bf16`` and ``int8`` load torch at once.
            device: As torch names it; any but ``cpu`` loads torch at once.
            threads: Processor threads for torch; its own choice where None.

        Raises:
            EncoderError: The folder holds no Longformer, or it is damaged.
            UsageError: There is no such precision.
        """
        self.config: LongformerConfig = read_config(folder)
        self._folder, self._threads = folder, threads
        self._precision, self._device = precision, device
        self._packed: PackedLongformer | None = None
        self._left = BRIEF_TEXTS
        plain = precision in ("auto", "fp32") and device == "cpu"
        self._brief = BriefLongformer.of(folder, self.config) if plain else None
        if self._brief is None:
            self._load()

    @property
    def dim(self) -> int:
        """Length of a token's vector."""
        return self.config.hidden_size

    def forward(self, sequences: Sequence[Ids], *, global_first: bool = False) -> Vectors:
        """Return the last layer's vector of each token; see ``PackedLongformer.forward``."""
        brief = self._brief
        if brief is not None and self._left and brief.reads(sequences, global_first=global_first):
            self._left -= 1
            return brief.forward(sequences[0])
        self._brief = None
        rows: Vectors = self._load().forward(sequences, global_first=global_first).numpy()
        return rows

    def _load(self) -> PackedLongformer:
        if self._packed is None:
            import torch

            from notekin.indexer.longformer.model import PackedLongformer

            if self._threads:
                torch.set_num_threads(self._threads)
            self._packed = PackedLongformer.from_folder(
                self._folder, precision=self._precision, device=self._device
            )
        return self._packed
