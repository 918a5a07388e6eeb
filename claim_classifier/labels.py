"""The three labels and their order; the only place that knows them."""

from typing import Literal, get_args

Label = Literal["claim", "speculation", "recommendation"]

LABELS: tuple[Label, ...] = get_args(Label)
