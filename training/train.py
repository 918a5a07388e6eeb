"""Fine-tune an encoder by a recipe.

    python -m training.train --recipe configs/default.yaml --output runs/default

Writes a run directory: weights (safetensors), tokenizer, recipe.yaml, run.json (corpus hash,
commit, versions, seeds, dev scores, duration) and curve.png. Killed and started again with
the same recipe and corpus, it goes on from the last checkpoint and ends with the same model.
"""

import json
import platform
import shutil
import subprocess
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
import transformers
from datasets import Dataset, DatasetDict, disable_progress_bars
from transformers import (
    DataCollatorWithPadding,
    PreTrainedTokenizerBase,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint

from claim_classifier import LABELS
from training.base import load_base
from training.config import Recipe, RecipeError, load_recipe
from training.corpus import CORPUS, CorpusError, corpus_hash, load_corpus
from training.metrics import trainer_metrics
from training.order import LengthGroupedTrainer
from training.standoff import join_real_text, read_real_text

RUN = "run.json"
BEGUN = "begun.json"
RECIPE = "recipe.yaml"
CHECKPOINTS = "checkpoints"
_PACKAGES = ("torch", "transformers", "datasets", "evaluate", "accelerate", "tokenizers", "numpy")
_PAD_TO = 16


class RunError(Exception):
    """A run directory cannot be used as asked."""


def train(recipe_file: Path, output: Path, corpus: Path = CORPUS) -> dict[str, Any]:
    """Train by a recipe into a run directory.

    Args:
        recipe_file: the YAML file.
        output: the run directory; one left by a killed run of the same recipe is resumed, and a
            finished one is left as it is.
        corpus: the corpus folder.

    Returns:
        The run's facts, as in run.json.

    Raises:
        RecipeError, CorpusError: see `load_recipe` and `load_corpus`.
        RunError: output holds a run of another recipe or corpus, or the recipe's real text is not there.
    """
    recipe = load_recipe(recipe_file)
    data = load_corpus(corpus)
    identity = {"recipe": recipe.model_dump(), "corpus_sha256": corpus_hash(corpus)}
    sentences = training_sentences(data["train"], recipe, corpus)
    if (output / RUN).exists():
        facts: dict[str, Any] = json.loads((output / RUN).read_text(encoding="utf-8"))
        _check_same(output, facts, identity)
        return facts
    _begin(output, recipe_file, identity)
    transformers.set_seed(recipe.seed)
    tokenizer, model = load_base(recipe)
    encoded = encode(data["dev"], sentences, tokenizer, recipe)
    trainer = LengthGroupedTrainer(
        model=model,
        args=training_arguments(recipe, output / CHECKPOINTS, len(encoded["train"])),
        train_dataset=encoded["train"],
        eval_dataset=encoded["dev"],
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=_PAD_TO),
        compute_metrics=trainer_metrics(),
    )
    checkpoint = last_whole_checkpoint(output / CHECKPOINTS)
    begun = time.perf_counter()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.perf_counter() - begun
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    history = trainer.state.log_history
    _plot(history, output / "curve.png")
    facts = {
        **identity,
        "dev": {
            k.removeprefix("eval_"): v for k, v in trainer.evaluate().items() if k in ("eval_macro_f1", "eval_accuracy")
        },
        "sentences": {split: len(encoded[split]) for split in encoded},
        "best_checkpoint": Path(trainer.state.best_model_checkpoint or "").name,
        "seconds": round(seconds, 1),
        "resumed_from": checkpoint and Path(checkpoint).name,
        "bf16": trainer.args.bf16,
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
        "history": history,
    }
    # run.json comes last: its presence says that the run is whole.
    _write_json(output / RUN, facts)
    shutil.rmtree(output / CHECKPOINTS)
    (output / BEGUN).unlink()
    return facts


def last_whole_checkpoint(folder: Path) -> str | None:
    """The last checkpoint in a folder, those removed that a kill left half written; None where there is none."""
    if not folder.is_dir():
        return None
    for checkpoint in folder.glob("checkpoint-*"):
        if not is_whole(checkpoint):
            shutil.rmtree(checkpoint)
    found: str | None = get_last_checkpoint(folder)
    return found


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was saved to its end; the trainer writes its state last."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def training_sentences(written: Dataset, recipe: Recipe, corpus: Path) -> Dataset:
    """What a recipe trains on: text and label of the corpus's training split, cut to its limit, and of real text.

    Raises:
        RunError: the recipe wants real text that is not there; says how to get it.
    """
    if recipe.train_limit is not None and recipe.train_limit < len(written):
        order = np.random.default_rng(recipe.seed).permutation(len(written))
        written = written.select(sorted(order[: recipe.train_limit].tolist()))
    rows = [{"text": row["text"], "label": row["label"]} for row in written]
    if recipe.real_text is not None:
        rows += real_text(Path(recipe.real_text), corpus)
    return Dataset.from_list(rows)


def real_text(file: Path, corpus: Path = CORPUS) -> list[dict[str, str]]:
    """Labelled sentences of real text, checked against the corpus's standoff labels.

    Raises:
        RunError: the file is not there, or lacks sentences that are labelled; says how to get them.
        CorpusError: a text is not the one that was labelled.
    """
    remedy = (
        "The recipe wants all labelled real text, whose sentences are not in the repository: run "
        "python -m training.texts fetch (from the network) or python -m training.texts join --texts FOLDER "
        "(from local copies), or set real_text to null"
    )
    if not file.is_file():
        raise RunError(f"{file}: is not there. {remedy}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    labels = read_real_text(corpus)
    joined = join_real_text(labels, {row["id"]: row["text"] for row in rows})
    if len(joined) < len(labels):
        raise RunError(f"{file}: holds {len(joined):,} of {len(labels):,} labelled sentences. {remedy}")
    return [{"text": str(row["text"]), "label": str(row["label"])} for row in joined]


def encode(dev: Dataset, train_split: Dataset, tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> DatasetDict:
    """Both splits as token ids and label indices."""

    def tokens(batch: dict[str, list[Any]]) -> dict[str, Any]:
        encoded = tokenizer(batch["text"], truncation=True, max_length=recipe.max_length)
        return {**encoded, "labels": [LABELS.index(label) for label in batch["label"]]}

    def encode_split(split: Dataset) -> Dataset:
        return split.map(tokens, batched=True, remove_columns=split.column_names, keep_in_memory=True)

    disable_progress_bars()
    return DatasetDict(train=encode_split(train_split), dev=encode_split(dev))


def training_arguments(recipe: Recipe, output: Path, sentences: int) -> TrainingArguments:
    """Map a recipe to transformers' TrainingArguments."""
    steps_per_epoch = -(-sentences // recipe.batch_size)
    every = max(1, steps_per_epoch // recipe.checkpoints_per_epoch)
    return TrainingArguments(
        output_dir=str(output),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=64,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(recipe.warmup_ratio * recipe.epochs * steps_per_epoch),
        weight_decay=recipe.weight_decay,
        label_smoothing_factor=recipe.label_smoothing,
        bf16=recipe.precision == "bf16" or (recipe.precision == "auto" and cpu_has_bf16()),
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        logging_steps=every,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        report_to="none",
    )


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware; without, autocast is many times slower than fp32."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16") or found.get("bf16"))


def _begin(output: Path, recipe_file: Path, identity: dict[str, Any]) -> None:
    """Start a run directory, or check that a killed run in it was of the same recipe and corpus."""
    begun = output / BEGUN
    if begun.exists():
        _check_same(output, json.loads(begun.read_text(encoding="utf-8")), identity)
        return
    if output.exists() and any(output.iterdir()):
        raise RunError(f"{output}: is not empty and holds no run; choose another --output")
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(recipe_file, output / RECIPE)
    _write_json(begun, identity)


def _check_same(output: Path, found: dict[str, Any], identity: dict[str, Any]) -> None:
    for key, value in identity.items():
        if found.get(key) != value:
            raise RunError(f"{output}: holds a run with another {key}; choose another --output or remove it")


def _write_json(file: Path, content: dict[str, Any]) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    part.replace(file)


def _commit() -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run([git, "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _plot(history: Iterable[dict[str, Any]], file: Path) -> None:
    from matplotlib.figure import Figure

    history = list(history)
    losses = [(h["epoch"], h["loss"]) for h in history if "loss" in h]
    scores = [(h["epoch"], h["eval_macro_f1"]) for h in history if "eval_macro_f1" in h]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    left = figure.subplots()
    left.plot(*zip(*losses, strict=True), color="tab:grey", label="training loss")
    left.set(xlabel="epoch", ylabel="training loss")
    right = left.twinx()
    right.plot(*zip(*scores, strict=True), color="tab:blue", marker="o", label="dev macro-F1")
    right.set_ylabel("dev macro-F1")
    figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(file, dpi=120)


@click.command(help=__doc__)
@click.option("--recipe", "recipe_file", required=True, type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--corpus", default=CORPUS, show_default=True, type=click.Path(path_type=Path))
def main(recipe_file: Path, output: Path, corpus: Path) -> None:
    """Train, and print the dev scores."""
    try:
        facts = train(recipe_file, output, corpus)
    except (RecipeError, CorpusError, RunError) as error:
        raise click.ClickException(str(error)) from error
    scores = ", ".join(f"{name} {value:.4f}" for name, value in facts["dev"].items())
    click.echo(f"{output}: dev {scores}; {facts['sentences']['train']:,} sentences, {facts['seconds']:.0f} s")


if __name__ == "__main__":
    main()
