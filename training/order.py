"""The order of training batches: grouped by length, another in every epoch, and the same after a resume.

transformers' own grouping by length draws from torch's global random state, which a resumed training
restores only after the order of its epoch is drawn; from the second epoch on it would then see another
order than an uninterrupted one.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import Trainer
from transformers.trainer_pt_utils import get_length_grouped_indices


class LengthGroupedOrder(Sampler[int]):
    """Rows in batches of similar length, shuffled by seed and epoch alone."""

    def __init__(self, lengths: list[int], batch_size: int, seed: int) -> None:
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; the trainer calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        return iter(get_length_grouped_indices(self.lengths, self.batch_size, generator=generator))


class LengthGroupedTrainer(Trainer):
    """transformers' Trainer with `LengthGroupedOrder`."""

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        lengths = [len(ids) for ids in rows["input_ids"]]
        return LengthGroupedOrder(lengths, self.args.train_batch_size, self.args.seed)
