"""Labels for texts that are not ours to copy: by document hash and span, or by source and sentence hash.

corpus/standoff/documents.tsv labels sentences of documents by the sha256 of the document and a span
of characters; corpus/standoff/real_text.tsv labels sentences of openly licensed sources by repository, commit,
path and the sha256 of the sentence. Both keep the two annotators' labels and second choices.
"""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from claim_classifier import LABELS
from training.corpus import CORPUS, CorpusError

DOCUMENTS = Path("standoff/documents.tsv")
REAL_TEXT = Path("standoff/real_text.tsv")
_LABEL_FIELDS = ("label", "first", "first_choice", "second", "second_choice")


@dataclass(frozen=True, slots=True)
class SpanLabel:
    """A labelled sentence of a document: characters start to end of the file with that sha256."""

    document: str
    start: int
    end: int
    label: str
    first: str
    first_choice: str
    second: str
    second_choice: str


@dataclass(frozen=True, slots=True)
class SourceLabel:
    """A labelled sentence of a source: its id, home, sha256 and length in characters.

    White space within the sentence counts as one space. A path "A.zip!B" is the member B of the archive A.
    """

    id: str
    source: str
    repository: str
    commit: str
    path: str
    sha256: str
    length: int
    label: str
    first: str
    first_choice: str
    second: str
    second_choice: str


Row = TypeVar("Row", SpanLabel, SourceLabel)


def read_documents(root: Path = CORPUS) -> list[SpanLabel]:
    """The labelled spans of documents.

    Raises:
        CorpusError: a wrong header, number or label; names file and line.
    """
    return _read(root / DOCUMENTS, SpanLabel)


def read_real_text(root: Path = CORPUS) -> list[SourceLabel]:
    """The labelled sentences of sources.

    Raises:
        CorpusError: a wrong header, number or label; names file and line.
    """
    return _read(root / REAL_TEXT, SourceLabel)


def text_sha256(text: str) -> str:
    """The sha256 of a sentence, its white space made single spaces."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def join_documents(labels: list[SpanLabel], documents: Mapping[str, str]) -> list[dict[str, object]]:
    """Join labelled spans with their documents.

    Args:
        labels: the spans.
        documents: text by sha256 of the file.

    Returns:
        Rows with doc, start, end, text and label; spans of documents that are not there are left out.
    """
    return [
        {
            "doc": span.document,
            "start": span.start,
            "end": span.end,
            "text": documents[span.document][span.start : span.end],
            "label": span.label,
        }
        for span in labels
        if span.document in documents
    ]


def join_real_text(labels: list[SourceLabel], texts: Mapping[str, str]) -> list[dict[str, object]]:
    """Join labelled sentences with their texts, checking every hash.

    Args:
        labels: the sentences' labels.
        texts: text by id.

    Returns:
        Rows with id, doc, family (the source), text and label; sentences without a text are left out.

    Raises:
        CorpusError: a text is not the one that was labelled; names its id.
    """
    rows: list[dict[str, object]] = []
    for label in labels:
        text = texts.get(label.id)
        if text is None:
            continue
        if text_sha256(text) != label.sha256:
            raise CorpusError(f"{label.id}: the text is not the one that was labelled: its sha256 differs")
        doc = f"{label.repository}:{label.path}"
        rows.append(
            {"id": label.id, "doc": doc, "family": label.source, "text": " ".join(text.split()), "label": label.label}
        )
    return rows


def _read(file: Path, kind: type[Row]) -> list[Row]:
    names = [field.name for field in fields(kind)]
    numbers = {field.name for field in fields(kind) if field.type is int}
    rows: list[Row] = []
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        if next(reader, None) != names:
            raise CorpusError(f"{file}:1: expected the columns {', '.join(names)}")
        for values in reader:
            place = f"{file}:{reader.line_num}"
            if len(values) != len(names):
                raise CorpusError(f"{place}: {len(values)} fields where the header has {len(names)}")
            row = dict(zip(names, values, strict=True))
            for name in _LABEL_FIELDS:
                if row[name] not in LABELS and not (row[name] == "" and name not in {"label", "first"}):
                    raise CorpusError(f"{place}: {name}: unknown label {row[name]!r}; expected {', '.join(LABELS)}")
            if bad := [name for name in numbers if not row[name].isdecimal()]:
                raise CorpusError(f"{place}: {bad[0]} is {row[bad[0]]!r}, not a number")
            typed: dict[str, Any] = {name: int(value) if name in numbers else value for name, value in row.items()}
            rows.append(kind(**typed))
    return rows
