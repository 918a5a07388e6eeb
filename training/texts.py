"""Texts of the standoff labels: fetched from their public homes, or joined from local copies.

    python -m training.texts fetch [--output texts]
    python -m training.texts join --texts DIR_OR_FILE [--texts ...] [--output texts]

`fetch` downloads every file that corpus/standoff/real_text.tsv names, at its commit, finds the labelled
sentences in it by their hashes, and writes OUTPUT/real_text.jsonl. `join` takes the sentences from
JSONL files (any text whose hash is labelled) and documents from .txt files, and writes
OUTPUT/real_text.jsonl and OUTPUT/documents.jsonl. Both say what is missing. Nothing that is fetched
belongs in the repository: OUTPUT is for this machine.
"""

import contextlib
import hashlib
import html
import http.client
import io
import json
import re
import urllib.parse
import urllib.request
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from training.corpus import CorpusError
from training.standoff import (
    SourceLabel,
    join_documents,
    join_real_text,
    read_documents,
    read_real_text,
    text_sha256,
)

TEXTS = Path("texts")
REAL_TEXT = "real_text.jsonl"
DOCUMENTS = "documents.jsonl"
_HOME = "https://raw.githubusercontent.com/{repository}/{commit}/{path}"
_TIMEOUT_S = 60
_MARKDOWN_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_MARKS = re.compile(r"\*+|`|^#+ |(?<!\w)_+|_+(?!\w)", re.MULTILINE)

Open = Callable[[str], bytes]


def download(url: str) -> bytes:
    """The content at a URL.

    Raises:
        OSError: it cannot be had.
    """
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:  # noqa: S310
        content: bytes = response.read()
        return content


def fetch(labels: Iterable[SourceLabel], get: Open = download) -> Iterator[tuple[SourceLabel, str | None]]:
    """Fetch the texts of labelled sentences, file by file.

    Args:
        labels: the sentences.
        get: gives the bytes at a URL.

    Yields:
        Each label and its text; None where its file cannot be had or no longer holds it.
    """
    by_file: dict[tuple[str, str, str], list[SourceLabel]] = defaultdict(list)
    for label in labels:
        by_file[label.repository, label.commit, label.path.partition("!")[0]].append(label)
    for (repository, commit, path), found in by_file.items():
        url = _HOME.format(repository=repository, commit=commit, path=urllib.parse.quote(path))
        by_member: dict[str, list[SourceLabel]] = defaultdict(list)
        for label in found:
            by_member[label.path.partition("!")[2]].append(label)
        texts: dict[str, str] = {}
        # A file that cannot be had, or is cut or damaged, loses its own sentences only.
        with contextlib.suppress(OSError, http.client.HTTPException, zipfile.BadZipFile, KeyError):
            content = get(url)
            for member, members in by_member.items():
                texts |= locate(members, _member(content, member))
        yield from ((label, texts.get(label.sha256)) for label in found)


def locate(labels: Iterable[SourceLabel], content: str) -> dict[str, str]:
    """Find labelled sentences in a file's content by length and hash.

    The content is searched as it is and with markup taken off (JSON escapes, XML and Markdown), white space
    made single spaces; every word start is tried as the start of a sentence.

    Returns:
        Text by sha256, of those found.
    """
    wanted: dict[int, set[str]] = defaultdict(set)
    for label in labels:
        wanted[label.length].add(label.sha256)
    found: dict[str, str] = {}
    for form in _forms(content):
        text = " ".join(form.split())
        starts = [0, *(match.end() for match in re.finditer(r"[\s\W]", text))]
        for length, hashes in wanted.items():
            for start in starts:
                if not hashes:
                    break
                piece = text[start : start + length]
                digest = hashlib.sha256(piece.encode()).hexdigest()
                if digest in hashes:
                    found[digest] = piece
                    hashes.discard(digest)
    return found


def _member(content: bytes, member: str) -> str:
    if member:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(member)
    return content.decode("utf-8", "replace")


def _forms(content: str) -> Iterator[str]:
    yield content
    yield html.unescape(re.sub(r"<[^>]+>", " ", content))
    yield html.unescape(re.sub(r"<[^>]+>", "", content))
    try:
        yield "\n".join(_strings(json.loads(content)))
    except ValueError:
        yield html.unescape(_MARKS.sub("", re.sub(r"<[^>]+>", "", _MARKDOWN_LINK.sub(r"\1", content))))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield html.unescape(re.sub(r"<[^>]+>", " ", value))
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def local_texts(paths: Iterable[Path], labels: Iterable[SourceLabel]) -> tuple[dict[str, str], dict[str, str]]:
    """Read local copies.

    Args:
        paths: JSONL files with a text a line, .txt documents, or folders of them.
        labels: the labelled sentences that are looked for.

    Returns:
        Sentences by the id of their label, and documents by the sha256 of their file.
    """
    ids = {label.sha256: label.id for label in labels}
    texts: dict[str, str] = {}
    documents: dict[str, str] = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix == ".jsonl":
                for line in file.read_text(encoding="utf-8").splitlines():
                    text = json.loads(line).get("text")
                    if isinstance(text, str) and (known := ids.get(text_sha256(text))):
                        texts[known] = text
            elif file.suffix == ".txt":
                content = file.read_bytes()
                documents[hashlib.sha256(content).hexdigest()] = content.decode("utf-8", "replace")
    return texts, documents


def write_rows(rows: list[dict[str, object]], file: Path) -> None:
    """Write rows as JSONL, atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    part.replace(file)


@click.group(help=__doc__)
def main() -> None:
    """Group of the commands below."""


@main.command("fetch")
@click.option("--output", default=TEXTS, show_default=True, type=click.Path(path_type=Path, file_okay=False))
def fetch_command(output: Path) -> None:
    """Download the labelled sentences from their public homes."""
    labels = read_real_text()
    texts: dict[str, str] = {}
    with click.progressbar(fetch(labels), length=len(labels), label="sentences") as found:
        for label, text in found:
            if text is not None:
                texts[label.id] = text
    _finish(join_real_text(labels, texts), len(labels), output / REAL_TEXT)


@main.command()
@click.option("--texts", "paths", multiple=True, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--output", default=TEXTS, show_default=True, type=click.Path(path_type=Path, file_okay=False))
def join(paths: tuple[Path, ...], output: Path) -> None:
    """Take the labelled sentences and documents from local copies."""
    labels, spans = read_real_text(), read_documents()
    texts, documents = local_texts(paths, labels)
    try:
        rows = join_real_text(labels, texts)
    except CorpusError as error:
        raise click.ClickException(str(error)) from error
    _finish(rows, len(labels), output / REAL_TEXT)
    if documents:
        _finish(join_documents(spans, documents), len(spans), output / DOCUMENTS)


def _finish(rows: list[dict[str, object]], wanted: int, file: Path) -> None:
    """Write what was found, but never over a file that holds more."""
    held = len(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else 0
    if len(rows) < held:
        raise click.ClickException(
            f"{file}: holds {held:,} sentences and is kept; {len(rows):,} of {wanted:,} were found"
        )
    write_rows(rows, file)
    missing = f"; {wanted - len(rows):,} were not found" if len(rows) < wanted else ""
    click.echo(f"{file}: {len(rows):,} of {wanted:,} labelled sentences{missing}")


if __name__ == "__main__":
    main()
