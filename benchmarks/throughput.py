"""Sentences a second of a model directory, by text length, against transformers' pipeline.

    python -m benchmarks.throughput [MODEL_DIR] [--run RUN_DIR]

With a run directory, the same model is also timed in a transformers pipeline (batch 32), in
alternation. Other work on the same cores halves a figure: the ratios count. Ends with one JSON line.
"""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from claim_classifier import ClaimClassifier

# One token a word in most vocabularies, so that a text's length in tokens is known.
WORDS = "the old bridge over this river was built in stone and then again made of wood for a year".split()  # noqa: SIM905
LENGTHS = (10, 30, 60, 120)
SENTENCES = 512
ROUNDS = 3

Predict = Callable[[Sequence[str]], object]


def texts(tokens: int) -> list[str]:
    words = tokens - 2
    return [" ".join((WORDS[i % len(WORDS) :] + WORDS * 8)[:words]) for i in range(SENTENCES)]


def rate(predict: Predict, sample: list[str]) -> float:
    start = time.perf_counter()
    predict(sample)
    return len(sample) / (time.perf_counter() - start)


def pipeline(run: Path) -> Predict:
    from transformers import pipeline as make

    classify = make("text-classification", model=str(run), batch_size=32, device="cpu")
    return lambda sample: classify(list(sample))


@click.command(help=__doc__)
@click.argument("model_dir", type=click.Path(path_type=Path), required=False)
@click.option("--run", type=click.Path(path_type=Path, exists=True))
def main(model_dir: Path | None, run: Path | None) -> None:
    candidates: dict[str, Predict] = {"claim_classifier": ClaimClassifier.load(model_dir).predict}
    if run is not None:
        candidates["transformers_pipeline"] = pipeline(run)
    table = {}
    for tokens in LENGTHS:
        sample = texts(tokens)
        rates: dict[str, list[float]] = {name: [] for name in candidates}
        for predict in candidates.values():
            predict(sample[:64])
        for _ in range(ROUNDS):
            for name, predict in candidates.items():
                rates[name].append(rate(predict, sample))
        table[tokens] = {name: round(statistics.median(found)) for name, found in rates.items()}
        click.echo(f"{tokens:4d} tokens: {table[tokens]} sentences a second")
    click.echo(json.dumps({"benchmark": "throughput", "sentences_a_second": table}))


if __name__ == "__main__":
    main()
