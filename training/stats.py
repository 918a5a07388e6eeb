"""Counts of the corpus by split, family and length, as text."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from claim_classifier import LABELS
from training.corpus import Sentence


def summary(rows: Sequence[tuple[str, Sentence]]) -> str:
    """Tables of counts.

    Args:
        rows: the split and the row of each sentence.
    """
    lines: list[str] = []
    keys = {"split": lambda s, _: s, "family": lambda _, r: r["family"], "length": lambda _, r: _length_band(r)}
    for title, key in keys.items():
        groups: dict[str, list[Sentence]] = defaultdict(list)
        for split, row in rows:
            groups[key(split, row)].append(row)
        lines.append(f"\n{title:14s} documents sentences  hard  " + "  ".join(f"{label:>14s}" for label in LABELS))
        lines += [_line(name, groups[name]) for name in sorted(groups)]
    lines.append("\n" + _line("all", [row for _, row in rows]))
    lines.append(f"{len({r['genre'] for _, r in rows})} genres in {len({r['family'] for _, r in rows})} families")
    return "\n".join(lines)


def _length_band(row: Sentence) -> str:
    words = len(row["text"].split())
    low = next(low for low in (40, 30, 20, 10, 0) if words >= low)
    return f"{low:2d}+ words"


def _line(name: str, rows: Sequence[Sentence]) -> str:
    labels = Counter(row["label"] for row in rows)
    shares = "  ".join(f"{labels[label]:6,d} ({labels[label] / len(rows):4.0%})" for label in LABELS)
    documents = len({row["doc"] for row in rows})
    hard = sum(row["hard"] for row in rows) / len(rows)
    return f"{name:14s} {documents:9,d} {len(rows):9,d}  {hard:4.0%}  {shares}"
