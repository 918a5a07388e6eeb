"""Input files to rows, lazily. A bad row is a row with a fault; it never ends the reading."""

import contextlib
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from claim_classifier.errors import JobError
from claim_classifier.records import ADDED_COLUMNS, DOCUMENT_COLUMNS
from claim_classifier.sentences import split_lines

if TYPE_CHECKING:
    import pyarrow as pa

STANDARD_INPUT = "-"
_UNKNOWN = type(None)
_SCALARS = {bool, int, float, str}
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LONGEST_FIELD = 2**31 - 1


@dataclass(slots=True)
class Row:
    """One row of an input.

    Attributes:
        columns: the input's own columns, as they are.
        text: what is to be labelled; not a string where the input has none.
        skipped: why the row is not to be labelled (a heading, a blank line), or None.
        fault: why the row cannot be labelled, or None.
    """

    columns: dict[str, Any]
    text: object = None
    skipped: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """An input's own columns.

    Attributes:
        types: their names, in order, and the Python type of their values; object where it
            varies or is nested.
        schema: their Arrow types, where the format has them (Parquet).
    """

    types: dict[str, type]
    schema: "pa.Schema | None" = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(self.types)


@dataclass(slots=True)
class Source:
    """An input that is open for reading.

    Attributes:
        name: how messages call it.
        kind: "document", "JSONL table" or "table".
        columns: its own columns; None where only reading tells (standard input).
        rows: the rows, read once.
    """

    name: str
    kind: str
    columns: Columns | None
    rows: Iterator[Row]
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


def open_source(name: str, text_column: str) -> Source:
    """Open an input by its name.

    Args:
        name: a path ending in .txt, .jsonl, .csv, .tsv or .parquet, or "-": standard
            input, read as JSONL.
        text_column: the column of a table that holds the text.

    Raises:
        JobError: no such file, not readable, a format not known, or no such column.
    """
    if name == STANDARD_INPUT:
        return Source("standard input", "JSONL table", None, _jsonl_rows(sys.stdin.buffer, text_column))
    path = Path(name)
    if path.is_dir():
        raise JobError(f"{path}: is a folder; name the files in it")
    opener = {
        ".txt": _open_document,
        ".jsonl": _open_jsonl,
        ".csv": _open_delimited,
        ".tsv": _open_delimited,
        ".parquet": _open_parquet,
    }.get(path.suffix.lower())
    if opener is None:
        raise JobError(f"{path}: cannot tell the format; expected .txt, .jsonl, .csv, .tsv or .parquet")
    try:
        source = opener(path, text_column)
    except OSError as error:
        raise JobError(f"{path}: {error.strerror or error}") from error
    if fault := _column_fault(source, text_column):
        source.closing.close()
        raise JobError(f"{path}: {fault}")
    return source


def _column_fault(source: Source, text_column: str) -> str | None:
    if source.kind == "document" or source.columns is None:
        return None
    columns = source.columns.names
    if text_column not in columns:
        return f"no column {text_column!r}; it has {', '.join(columns) or 'none'}: choose one with --text-column"
    if clashes := added_names(columns):
        return f"has columns that the job adds ({', '.join(clashes)}); rename them first"
    return None


def _open_document(path: Path, text_column: str) -> Source:
    # Line ends are not translated and bad bytes stay one character each, so that offsets count the file's text.
    stack = contextlib.ExitStack()
    file = stack.enter_context(path.open(encoding="utf-8", errors="surrogateescape", newline=""))
    return Source(str(path), "document", Columns(DOCUMENT_COLUMNS), _document_rows(str(path), file), closing=stack)


def _document_rows(document: str, lines: Iterable[str]) -> Iterator[Row]:
    sentence = 0
    for span in split_lines(lines):
        sentence += span.is_sentence
        fault = _undecodable(span.text)
        columns = {
            "document": document,
            "sentence": sentence if span.is_sentence else None,
            "start": span.start,
            "end": span.end,
            "text": _printable(span.text) if fault else span.text,
        }
        yield Row(columns, span.text, span.skipped, fault)


def _open_jsonl(path: Path, text_column: str) -> Source:
    stack = contextlib.ExitStack()
    file = stack.enter_context(path.open("rb"))
    return Source(str(path), "JSONL table", _jsonl_columns(path), _jsonl_rows(file, text_column), closing=stack)


def _jsonl_columns(path: Path) -> Columns:
    """All columns of a JSONL file, in order of first appearance: one quick pass before the work."""
    types: dict[str, type] = {}
    with path.open("rb") as file:
        for _, value, _ in _jsonl_values(file):
            if isinstance(value, dict):
                for name, content in value.items():
                    types[name] = common_type(types.get(name, _UNKNOWN), type(content))
    return Columns({name: str if kind is _UNKNOWN else kind for name, kind in types.items()})


def common_type(one: type, other: type) -> type:
    """The type that holds values of both; that of None gives way to any."""
    if other is _UNKNOWN or one is other:
        return one
    if one is _UNKNOWN:
        return other if other in _SCALARS else object
    return float if {one, other} == {int, float} else object


def _jsonl_values(lines: Iterable[bytes]) -> Iterator[tuple[bytes, object, str | None]]:
    """The content of each line, its JSON value, and what is wrong with it, if anything."""
    for number, line in enumerate(lines, 1):
        content = line.removeprefix(_BOM if number == 1 else b"").rstrip(b"\r\n")
        value, fault = None, None
        if content.strip():
            try:
                value = json.loads(content.decode("utf-8"))
            except UnicodeDecodeError as error:
                fault = f"line {number}: not valid UTF-8 at byte {error.start}"
            except (ValueError, RecursionError) as error:
                fault = f"line {number}: not JSON: {error}"
            else:
                if not isinstance(value, dict):
                    fault = f"line {number}: not an object but {type(value).__name__}"
        yield content, value, fault


def _jsonl_rows(lines: Iterable[bytes], text_column: str) -> Iterator[Row]:
    for number, (content, value, broken) in enumerate(_jsonl_values(lines), 1):
        clashes = added_names(value) if isinstance(value, dict) else []
        added = f"line {number}: has columns that the job adds ({', '.join(clashes)}); rename them"
        if fault := broken or (clashes and added):
            yield Row({text_column: content.decode("utf-8", "backslashreplace")}, fault=fault)
        elif not isinstance(value, dict):
            yield Row({}, skipped="blank line")
        elif text_column not in value:
            yield Row(value, fault=f"line {number}: no column {text_column!r}")
        else:
            yield Row(value, value[text_column])


def added_names(columns: Iterable[str]) -> list[str]:
    """Those of an input's columns that are called like one that a job adds."""
    return [name for name in columns if name in ADDED_COLUMNS]


def _open_delimited(path: Path, text_column: str) -> Source:
    csv.field_size_limit(_LONGEST_FIELD)
    stack = contextlib.ExitStack()
    file = stack.enter_context(path.open(encoding="utf-8-sig", errors="surrogateescape", newline=""))
    reader = csv.reader(file, delimiter=_DELIMITERS[path.suffix.lower()])
    header = next(reader, None)
    if not header:
        stack.close()
        raise JobError(f"{path}: is empty; expected a header row with the column names")
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        stack.close()
        raise JobError(f"{path}: the header names {', '.join(repeated)} twice; rename one")
    rows = _delimited_rows(reader, tuple(header), text_column)
    return Source(str(path), "table", Columns(dict.fromkeys(header, str)), rows, closing=stack)


def _delimited_rows(reader: Any, header: tuple[str, ...], text_column: str) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield Row(dict.fromkeys(header), fault=f"line {line}: {error}")
            continue
        if fields is None:
            return
        if not fields:
            yield Row(dict.fromkeys(header), skipped="blank line")
            continue
        fault = None
        if len(fields) != len(header):
            surplus = f"; left over: {fields[len(header) :]!r}" if len(fields) > len(header) else ""
            fault = f"line {line}: {len(fields)} fields where the header has {len(header)}{surplus}"
        elif any(map(_undecodable, fields)):
            fault = f"line {line}: not valid UTF-8"
        columns: dict[str, Any] = dict.fromkeys(header)
        columns.update(zip(header, map(_printable, fields), strict=False))
        yield Row(columns, columns[text_column], fault=fault)


def _open_parquet(path: Path, text_column: str) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stack = contextlib.ExitStack()
    file: IO[bytes] = stack.enter_context(path.open("rb"))
    try:
        parquet = pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        stack.close()
        raise JobError(f"{path}: not a Parquet file: {error}") from error
    schema = parquet.schema_arrow
    columns = Columns(dict.fromkeys(schema.names, object), schema)
    return Source(str(path), "table", columns, _parquet_rows(parquet, text_column), closing=stack)


def _parquet_rows(parquet: Any, text_column: str) -> Iterator[Row]:
    for batch in parquet.iter_batches(batch_size=1024):
        for columns in batch.to_pylist():
            yield Row(columns, columns[text_column])


def _undecodable(text: str) -> str | None:
    """A fault where reading with surrogateescape met bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"not valid UTF-8 at character {error.start} of the text"
    return None


def _printable(text: str) -> str:
    r"""Text with undecodable bytes written as \xNN."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
