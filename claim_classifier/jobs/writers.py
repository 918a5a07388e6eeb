"""Rows to an output file that appears under its name only when it is whole."""

import contextlib
import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from claim_classifier.errors import JobError
from claim_classifier.jobs.readers import Columns
from claim_classifier.labels import LABELS
from claim_classifier.records import ADDED_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

STANDARD_OUTPUT = "-"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
FORMATS = (".jsonl", ".csv", ".tsv", ".parquet")

Write = Callable[[list[dict[str, Any]]], None]


def output_format(name: str) -> str:
    """The suffix that decides an output's format; JSONL on standard output.

    Raises:
        JobError: a format that we do not write.
    """
    if name == STANDARD_OUTPUT:
        return ".jsonl"
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise JobError(
            f"{name}: cannot tell the output format; expected {', '.join(FORMATS)}, or - for standard output"
        )
    return suffix


@contextlib.contextmanager
def open_output(name: str, columns: Columns | None) -> Iterator[Write]:
    """Open an output; what is written appears under its name when the block ends well.

    Args:
        name: a path, or "-" for standard output as JSONL.
        columns: the input's own columns; JSONL needs none.

    Yields:
        A function that writes a list of rows.

    Raises:
        JobError: the output cannot be written; nothing is left behind.
    """
    suffix = output_format(name)
    if name == STANDARD_OUTPUT:
        yield _jsonl_writer(sys.stdout)
        sys.stdout.flush()
        return
    path = Path(name)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise JobError(f"{path}: cannot write there: {error.strerror}") from error
    part = Path(temporary)
    os.close(handle)
    try:
        with _open_part(part, suffix, columns or Columns({})) as write:
            yield write
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _jsonl_writer(file: IO[str]) -> Write:
    def write(rows: list[dict[str, Any]]) -> None:
        # default=str: Parquet has dates and decimals, which JSON writes as their ISO text.
        file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)

    return write


def _open_part(part: Path, suffix: str, columns: Columns) -> contextlib.AbstractContextManager[Write]:
    if suffix == ".jsonl":
        return _open_jsonl(part)
    if suffix == ".parquet":
        return _open_parquet(part, columns)
    return _open_delimited(part, _DELIMITERS[suffix], columns.names)


@contextlib.contextmanager
def _open_jsonl(part: Path) -> Iterator[Write]:
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        yield _jsonl_writer(file)


@contextlib.contextmanager
def _open_delimited(part: Path, delimiter: str, columns: tuple[str, ...]) -> Iterator[Write]:
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.DictWriter(file, [*columns, *ADDED_COLUMNS], delimiter=delimiter)
        writer.writeheader()
        yield lambda rows: writer.writerows({k: _csv_value(v) for k, v in row.items()} for row in rows)


def _csv_value(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


@contextlib.contextmanager
def _open_parquet(part: Path, columns: Columns) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = columns.schema
    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    own = list(schema or [pa.field(name, types.get(kind, pa.string())) for name, kind in columns.types.items()])
    full = pa.schema([*own, *_added_fields()], metadata=schema.metadata if schema else None)
    mixed = [name for name, kind in columns.types.items() if kind is object] if schema is None else []

    def write(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row |= {name: _as_text(row[name]) for name in mixed}
        writer.write_table(pa.Table.from_pylist(rows, schema=full))

    with pq.ParquetWriter(part, full) as writer:
        yield write


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _added_fields() -> "list[pa.Field]":
    import pyarrow as pa

    floats = {"score", *(f"p_{label}" for label in LABELS)}
    booleans = {"abstained", "truncated"}
    return [
        pa.field(name, pa.float32() if name in floats else pa.bool_() if name in booleans else pa.string())
        for name in ADDED_COLUMNS
    ]
