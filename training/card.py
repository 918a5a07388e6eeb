"""Fill the figures of model_card.md from the released model and its metrics.json.

    python -m training.card

Prose is written by hand; what stands between <!-- figures:NAME --> and <!-- /figures --> is written
here. A test compares the two, so that the card cannot disagree with the measurements.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from claim_classifier import LABELS
from claim_classifier.model_dir import DEFAULT_MODEL, read_manifest

CARD = Path("model_card.md")
#: Figures of the released model, as `training.score` wrote them.
METRICS = Path(__file__).parent.parent / "docs" / "released" / "metrics.json"
_MARKED = re.compile(r"(<!-- figures:(\w+) -->\n).*?(<!-- /figures -->)", re.DOTALL)
_PREDICTORS = {"model": "model", "tfidf": "TF-IDF + logistic regression", "cue_rules": "cue rules"}

Blocks = dict[str, Callable[[dict[str, Any], dict[str, Any]], str]]


class CardError(Exception):
    """The card has a marker that nothing fills, or the metrics are of another model."""


def fill(card: str, metrics: dict[str, Any], manifest: dict[str, Any]) -> str:
    """The card with every marked block written anew.

    Raises:
        CardError: an unknown marker, or metrics of another model than the manifest's.
    """
    for key in ("version", "corpus_sha256", "files"):
        if metrics["model"][key] != manifest[key]:
            raise CardError(f"{METRICS}: is of a model with another {key}; score the released model again")

    def block(match: re.Match[str]) -> str:
        name = match.group(2)
        if name not in _BLOCKS:
            raise CardError(f"{CARD}: unknown marker figures:{name}; expected {', '.join(_BLOCKS)}")
        return f"{match.group(1)}{_BLOCKS[name](metrics, manifest)}\n{match.group(3)}"

    return _MARKED.sub(block, card)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _facts(metrics: dict[str, Any], manifest: dict[str, Any]) -> str:
    size = sum(entry["bytes"] for entry in manifest["files"].values())
    gate = manifest["gate"] or {}
    rows = [
        ["version", manifest["version"]],
        ["base", f"`{manifest['base']}`"],
        ["precision", manifest["precision"]],
        ["size", f"{size / 1e6:.1f} MB"],
        ["tokens read of a text", str(manifest["max_length"])],
        ["corpus sha256", f"`{manifest['corpus_sha256']}`"],
        ["labels that int8 changes on dev", f"{100 * gate.get('labels_changed', 0):.1f} %"],
    ]
    return _table(["fact", "value"], rows)


def _scores(metrics: dict[str, Any], manifest: dict[str, Any]) -> str:
    rows = []
    for name, results in metrics["sets"].items():
        for predictor, title in _PREDICTORS.items():
            scores = results[predictor]["scores"]
            rows.append([f"{name} ({results['model']['sentences']:,})", title, *map(_figure, _main(scores))])
    return _table(["set (sentences)", "predictor", "macro-F1", "accuracy", "MCC", "ECE", "Brier"], rows)


def _main(scores: dict[str, Any]) -> list[dict[str, Any]]:
    return [scores[name] for name in ("macro_f1", "accuracy", "mcc", "ece", "brier")]


def _figure(score: dict[str, Any]) -> str:
    low, high = score["interval"]
    return f"{score['value']:.3f} ({low:.3f} to {high:.3f})"


def _labels(metrics: dict[str, Any], manifest: dict[str, Any]) -> str:
    rows = []
    for name, results in metrics["sets"].items():
        scores = results["model"]["scores"]
        rows += [
            [name, label, *(_figure(scores[f"{m}_{label}"]) for m in ("precision", "recall", "f1"))] for label in LABELS
        ]
    return _table(["set", "label", "precision", "recall", "F1"], rows)


def _breakdown(name: str) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def block(metrics: dict[str, Any], manifest: dict[str, Any]) -> str:
        rows = [
            [set_name, group, f"{entry['sentences']:,}", f"{entry['macro_f1']:.3f}", f"{entry['accuracy']:.3f}"]
            for set_name, results in metrics["sets"].items()
            for group, entry in results["model"].get(f"by_{name}", {}).items()
        ]
        return _table(["set", name, "sentences", "macro-F1", "accuracy"], rows)

    return block


def _abstention(metrics: dict[str, Any], manifest: dict[str, Any]) -> str:
    rows = [
        [name, f"{a['threshold']:.3f}", f"{100 * a['coverage']:.1f} %", f"{100 * a['accuracy']:.1f} %"]
        for name, a in ((name, results["abstention"]) for name, results in metrics["sets"].items())
    ]
    return _table(["set", "threshold", "answered", "right among the answered"], rows)


_BLOCKS: Blocks = {
    "facts": _facts,
    "scores": _scores,
    "labels": _labels,
    "families": _breakdown("family"),
    "phenomena": _breakdown("phenomenon"),
    "hard": _breakdown("hard"),
    "abstention": _abstention,
}


def fill_released(card: Path = CARD) -> str:
    """The project's card, filled for the released model."""
    metrics = json.loads(METRICS.read_text(encoding="utf-8"))
    return fill(card.read_text(encoding="utf-8"), metrics, read_manifest(DEFAULT_MODEL))


@click.command(help=__doc__)
def main() -> None:
    """Write the card."""
    CARD.write_text(fill_released(), encoding="utf-8")
    click.echo(f"{CARD}: written from {METRICS}")


if __name__ == "__main__":
    main()
