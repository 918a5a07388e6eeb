"""A job: read rows, label the good ones, write every one."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claim_classifier.classifier import ClaimClassifier, text_fault
from claim_classifier.errors import JobError
from claim_classifier.jobs.readers import STANDARD_INPUT, open_source
from claim_classifier.jobs.rows import UNKNOWN, Columns, Row, Source, common_type
from claim_classifier.jobs.writers import STANDARD_OUTPUT, open_output, output_format
from claim_classifier.records import Prediction, Status, added_values

CHUNK = 512


@dataclass(slots=True)
class JobSummary:
    """What a job did.

    Attributes:
        rows: how many rows were written.
        by_status: rows that are ok, skipped, error.
        by_label: labelled rows a label.
        abstained: labelled rows under the abstention threshold.
        truncated: labelled rows of which only the beginning was read.
        seconds: how long it took, loading the model not counted.
    """

    rows: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_label: Counter[str] = field(default_factory=Counter)
    abstained: int = 0
    truncated: int = 0
    seconds: float = 0.0


def label_files(
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    classifier: ClaimClassifier | None = None,
    text_column: str = "text",
    overwrite: bool = False,
    progress: Callable[[int], object] | None = None,
) -> JobSummary:
    """Label files into one output file, row by row, in constant memory.

    Text documents (.txt) give a row a sentence and a row for everything skipped; tables
    (.jsonl, .csv, .tsv, .parquet) give a row a row, with their own columns kept. A row that
    cannot be labelled has status "error" and says why. The output appears under its name
    only when it is whole.

    Args:
        inputs: paths, or "-" for JSONL on standard input; all documents, or all tables
            with the same columns.
        output: a path ending in .jsonl, .csv, .tsv or .parquet, or "-" for JSONL on
            standard output.
        classifier: the released model by default.
        text_column: the column of a table that holds the text.
        overwrite: replace an output that exists.
        progress: called with the number of rows of each chunk written.

    Raises:
        JobError: the job cannot start (no such input or column, a column named like one
            that the job adds, an output that exists) or its output cannot be written.
        ModelError: the released model is damaged.
    """
    names = [str(name) for name in inputs]
    target = str(output)
    _check_names(names, target, overwrite=overwrite)
    with ExitStack() as stack:
        sources = _open_sources(names, text_column, stack)
        columns = _own_columns(sources)
        is_jsonl = output_format(target) == ".jsonl"
        if columns is None and not is_jsonl:
            raise JobError(f"{target}: JSONL on standard input has columns that only its end tells; write .jsonl")
        names_written = None if columns is None or is_jsonl else columns.names
        classifier = classifier or ClaimClassifier.load()
        summary = JobSummary()
        begun = time.perf_counter()
        with open_output(target, columns) as write:
            for chunk in _chunks(_rows(sources), CHUNK):
                labelled = _label(chunk, classifier, names_written, summary)
                write(labelled)
                if progress is not None:
                    progress(len(chunk))
    summary.seconds = time.perf_counter() - begun
    return summary


def _check_names(inputs: list[str], output: str, *, overwrite: bool) -> None:
    if not inputs:
        raise JobError("no input was named")
    output_format(output)
    if output == STANDARD_OUTPUT:
        return
    path = Path(output)
    if path.is_dir():
        raise JobError(f"{path}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise JobError(f"{path.parent}: no such folder; make it first")
    if any(name != STANDARD_INPUT and path.exists() and path.samefile(name) for name in inputs if Path(name).exists()):
        raise JobError(f"{path}: is an input as well; write to another file")
    if path.exists() and not overwrite:
        raise JobError(f"{path}: exists; choose another name or say --overwrite")


def _open_sources(names: list[str], text_column: str, stack: ExitStack) -> list[Source]:
    sources = []
    for name in names:
        source = open_source(name, text_column)
        stack.enter_context(source.closing)
        sources.append(source)
    return sources


def _own_columns(sources: list[Source]) -> Columns | None:
    """The columns of all sources: those of the first, which the others must share; of JSONL, all that occur."""
    first = sources[0]
    for source in sources[1:]:
        if source.kind != first.kind:
            raise JobError(f"{source.name}: is a {source.kind} and {first.name} a {first.kind}; label them in two jobs")
        if source.kind == "table" and source.columns != first.columns:
            raise JobError(f"{source.name}: its columns are not those of {first.name}; label them in two jobs")
    if first.kind != "JSONL table":
        return first.columns
    types: dict[str, type] = {}
    for source in sources:
        if source.columns is None:
            return None
        for name, kind in source.columns.types.items():
            types[name] = common_type(types.get(name, UNKNOWN), kind)
    return Columns({name: str if kind is UNKNOWN else kind for name, kind in types.items()})


def _rows(sources: list[Source]) -> Iterator[Row]:
    return itertools.chain.from_iterable(source.rows for source in sources)


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    rows = iter(rows)
    while chunk := list(itertools.islice(rows, size)):
        yield chunk


def _label(
    rows: list[Row], classifier: ClaimClassifier, columns: tuple[str, ...] | None, summary: JobSummary
) -> list[dict[str, Any]]:
    for row in rows:
        if row.fault is None and row.skipped is None:
            row.fault = text_fault(row.text)
    good = [row for row in rows if row.fault is None and row.skipped is None]
    predictions = iter(classifier.predict([str(row.text) for row in good]))
    return [_output_row(row, predictions, columns, summary) for row in rows]


def _output_row(
    row: Row, predictions: Iterator[Prediction], columns: tuple[str, ...] | None, summary: JobSummary
) -> dict[str, Any]:
    status: Status = "error" if row.fault else "skipped" if row.skipped else "ok"
    prediction = next(predictions) if status == "ok" else None
    summary.rows += 1
    summary.by_status[status] += 1
    if prediction is not None:
        summary.by_label[prediction.label] += 1
        summary.abstained += prediction.abstained
        summary.truncated += prediction.truncated
    own = row.columns if columns is None else {c: row.columns.get(c) for c in columns}
    return {**own, **added_values(prediction, status, row.fault or row.skipped)}
