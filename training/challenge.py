"""The challenge set: minimal pairs and triples by phenomenon, never trained on.

corpus/challenge.jsonl holds a sentence a line: phenomenon, set (sentences that belong together), text, label
(adjudicated), writer and second (two independent annotators) and second_choice.
"""

import json
from pathlib import Path
from typing import Any

from claim_classifier import LABELS
from training.corpus import CORPUS, CorpusError, normalised

FILE = "challenge.jsonl"
_FIELDS = ("phenomenon", "set", "text", "label", "writer", "second", "second_choice")


def read_challenge(root: Path = CORPUS) -> list[dict[str, Any]]:
    """The challenge set.

    Raises:
        CorpusError: a wrong field or label, or a sentence that occurs twice; names file and line.
    """
    file = root / FILE
    rows: list[dict[str, Any]] = []
    places: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{file}:{number}"
        row = json.loads(line)
        if tuple(row) != _FIELDS:
            raise CorpusError(f"{place}: expected the fields {', '.join(_FIELDS)}")
        for name in ("label", "writer", "second"):
            if row[name] not in LABELS:
                raise CorpusError(f"{place}: {name}: unknown label {row[name]!r}; expected {', '.join(LABELS)}")
        key = normalised(row["text"])
        if key in places:
            raise CorpusError(f"{place}: the same sentence as in {places[key]}")
        places[key] = place
        rows.append(row)
    return rows
