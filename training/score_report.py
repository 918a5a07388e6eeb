"""The scores of a model as one self-contained HTML page, with plots and the worst errors."""

import io
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from claim_classifier import LABELS
from training.metrics import Floats, Labels
from training.score import Labelled

_WORST = 25
_BINS = 10

_TEMPLATES = Path(__file__).parent / "templates"


def render(found: dict[str, Any], sets: dict[str, Labelled], probabilities: dict[str, Floats]) -> str:
    """The page of `training.score`'s figures.

    Args:
        found: what metrics.json holds.
        sets: the labelled sentences of each set.
        probabilities: the model's, shape (n, 3) a set.
    """
    parts = {}
    for name, data in sets.items():
        results = found["sets"][name]
        plots = [_confusion(results["model"]["confusion"]), _reliability(probabilities[name], data.references)]
        plots += [_groups(b, results["model"][f"by_{b}"]) for b in data.groups]
        parts[name] = {"results": results, "plots": plots, "errors": worst_errors(data, probabilities[name])}
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    page = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template(
        "score.html"
    )
    return page.render(model=found["model"], sets=parts)


def worst_errors(data: Labelled, probabilities: Floats) -> list[dict[str, Any]]:
    """The wrong answers of which the model was surest."""
    predicted, scores = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(predicted != data.references)
    return [
        {
            "text": data.texts[row],
            "true": LABELS[data.references[row]],
            "predicted": LABELS[predicted[row]],
            "score": float(scores[row]),
        }
        for row in wrong[np.argsort(-scores[wrong], kind="stable")][:_WORST]
    ]


def _svg(figure: Figure) -> Markup:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "claim-classifier", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    # Our own drawing; the group names in it are escaped by matplotlib.
    return Markup(buffer.getvalue().partition("<svg")[1] + buffer.getvalue().partition("<svg")[2])  # noqa: S704


def _confusion(table: list[list[int]]) -> Markup:
    figure = Figure(figsize=(4.2, 3.4), layout="constrained")
    axes = figure.subplots()
    counts = np.array(table, float)
    axes.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(LABELS)), [label[:5] for label in LABELS])
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set(xlabel="predicted", ylabel="true", title="Confusion")
    for i, row in enumerate(table):
        for j, count in enumerate(row):
            dark = count > 0.5 * max(sum(row), 1)
            axes.text(j, i, str(count), ha="center", va="center", color="white" if dark else "black")
    return _svg(figure)


def _reliability(probabilities: Floats, references: Labels) -> Markup:
    scores, right = probabilities.max(1), probabilities.argmax(1) == references
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    figure = Figure(figsize=(4.2, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([1 / len(LABELS), 1], [1 / len(LABELS), 1], color="tab:grey", linestyle=":")
    filled = [b for b in range(_BINS) if (bins == b).any()]
    axes.plot([scores[bins == b].mean() for b in filled], [right[bins == b].mean() for b in filled], marker="o")
    for b in filled:
        axes.annotate(str((bins == b).sum()), (scores[bins == b].mean(), right[bins == b].mean()), fontsize=7)
    axes.set(xlabel="score", ylabel="share right", title="Reliability (counts at the points)", ylim=(0, 1.05))
    return _svg(figure)


def _groups(breakdown: str, table: dict[str, Any]) -> Markup:
    names = sorted(table, key=lambda name: table[name]["macro_f1"])
    figure = Figure(figsize=(8, 0.8 + 0.25 * len(names)), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(names):
        entry = table[name]
        axes.plot(entry["macro_f1"], row, "o", color="tab:blue")
        if "interval" in entry:
            axes.hlines(row, *entry["interval"], color="tab:blue")
    axes.set_yticks(range(len(names)), [f"{name} ({table[name]['sentences']})" for name in names])
    axes.set(xlabel="macro-F1", title=f"By {breakdown}", xlim=(0, 1.02))
    axes.grid(axis="x", alpha=0.3)
    return _svg(figure)
