"""Rows to an output file that appears under its name only when it is whole."""

import contextlib
import csv
import io
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from claim_classifier.errors import JobError
from claim_classifier.jobs.rows import Columns
from claim_classifier.labels import LABELS
from claim_classifier.records import ADDED_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

STANDARD_OUTPUT = "-"
# Tabs and line ends would break a TSV row.
_TSV_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ROW_GROUP = 65_536
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
    try:
        if name == STANDARD_OUTPUT:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
            yield _jsonl_writer(sys.stdout)
            sys.stdout.flush()
        else:
            with _part_of(Path(name)) as part, _open_part(part, suffix, columns or Columns({})) as write:
                yield write
    except BrokenPipeError:
        raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise JobError(f"{name}: cannot write: {getattr(error, 'strerror', None) or error}") from error


@contextlib.contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """A temporary file beside a path, which takes its place when the block ends well."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(temporary)
    os.close(handle)
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _jsonl_writer(file: IO[str]) -> Write:
    def write(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            plain = {name: _jsonable(value) for name, value in row.items()}
            file.write(json.dumps(plain, ensure_ascii=False, default=_as_json) + "\n")

    return write


def _jsonable(value: object) -> object:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_json(value: Any) -> object:
    """Dates, decimals and the like, which Parquet has and JSON has not, as their ISO text."""
    if not hasattr(value, "cast"):
        return str(value)
    return value.cast("string").as_py() if value.is_valid else None


def _open_part(part: Path, suffix: str, columns: Columns) -> contextlib.AbstractContextManager[Write]:
    if suffix == ".jsonl":
        return _open_jsonl(part)
    if suffix == ".parquet":
        return _open_parquet(part, columns)
    return _open_delimited(part, suffix, columns.names)


@contextlib.contextmanager
def _open_jsonl(part: Path) -> Iterator[Write]:
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        yield _jsonl_writer(file)


@contextlib.contextmanager
def _open_delimited(part: Path, suffix: str, columns: tuple[str, ...]) -> Iterator[Write]:
    names = [*columns, *ADDED_COLUMNS]
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        if suffix == ".csv":
            writer = csv.writer(file)
            writer.writerow(names)
            yield lambda rows: writer.writerows([_cell(row[name]) for name in names] for row in rows)
        else:
            file.write("\t".join(names) + "\n")
            yield lambda rows: file.writelines(
                "\t".join(str(_cell(row[name])).translate(_TSV_ESCAPES) for name in names) + "\n" for row in rows
            )


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_as_json)
    if hasattr(value, "cast"):
        return _cell(_as_json(value))
    return value


@contextlib.contextmanager
def _open_parquet(part: Path, columns: Columns) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = columns.schema
    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    own = list(schema or [pa.field(name, types.get(kind, pa.string())) for name, kind in columns.types.items()])
    full = pa.schema([*own, *_added_fields()], metadata=schema.metadata if schema else None)
    textual = [name for name, kind in columns.types.items() if kind not in types] if schema is None else []
    pending: list[Any] = []

    def write(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row |= {name: _as_text(row[name]) for name in textual}
        pending.append(pa.Table.from_pylist(rows, schema=full))
        if sum(map(len, pending)) >= _ROW_GROUP:
            writer.write_table(pa.concat_tables(pending))
            pending.clear()

    with pq.ParquetWriter(part, full) as writer:
        yield write
        if pending:
            writer.write_table(pa.concat_tables(pending))


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _added_fields() -> "list[pa.Field]":
    import pyarrow as pa

    floats = {"score", *(f"p_{label}" for label in LABELS)}
    booleans = {"abstained", "truncated"}
    return [
        pa.field(name, pa.float32() if name in floats else pa.bool_() if name in booleans else pa.string())
        for name in ADDED_COLUMNS
    ]
