"""A document to sentences with character offsets.

Lines are grouped into blocks (a paragraph, a heading, a list item), blocks are
split into sentences by sentencex, and what is no sentence is marked as skipped
with the reason, so that every line of the document is accounted for.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sentencex


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a document: a sentence, or something skipped and why.

    Attributes:
        start: offset of its first character in the document.
        end: offset after its last character.
        text: the document's characters from start to end.
        skipped: None for a sentence, else the reason.
    """

    start: int
    end: int
    text: str
    skipped: str | None = None

    @property
    def is_sentence(self) -> bool:
        """Whether it is to be labelled."""
        return self.skipped is None


_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W_]+)*")
_MARKER = re.compile(
    r"(?:[-*+•‣◦·–—>]|\d{1,3}[.)]|[a-z]\.|(?:[a-zA-Z]|[ivxIVX]{1,5})\)|\((?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})\))\s+"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ATX_HEADING = re.compile(r"#{1,6}\s")
_RULE = re.compile(r"(?:[-=_*~#]\s*){3,}$")
_LINK = re.compile(r"<?(?:(?:https?://|www\.)\S+|\S+@\S+\.\w+)>?[.,;]?$")
_CAPTION = re.compile(r"(?:Figure|Fig\.|Table|Chart|Box|Photo|Source|Image)\s*\d*\s*[:.]", re.IGNORECASE)
_BYLINE = re.compile(r"By\s+(?:[A-Z][\w.'’-]*[\s,]*(?:and\s+)?){1,6}$")
_GREETING = re.compile(
    r"(?:(?:dear|hi|hello|hey)\b[^.?!]{0,40}[,!:]?|(?:good (?:morning|afternoon|evening))\b[^.?!]{0,30}[,.!]?"
    r"|(?:(?:best|kind|warm)(?: regards| wishes)?|regards|sincerely|yours \w+|cheers"
    r"|(?:many )?thanks|thank you)[,.!]?)$",
    re.IGNORECASE,
)
_TERMINAL = re.compile(r"""[.!?…]["'”’)\]*_»]*$""")
_SMALL_WORDS = frozenset("a an and as at but by for from in into of on or the to via vs with".split())  # noqa: SIM905
# A short line with one of these has a subject or a verb: a sentence, whatever its punctuation.
_PREDICATE = re.compile(
    r"(?:^|\s)(?:i|you|he|she|it|we|they|this|that|there|who|is|are|was|were|be|been|am|has|have|had|do|does|did"
    r"|will|would|shall|should|can|cannot|could|may|might|must|let|please|not|never|\w+n['’]t|\w+['’](?:s|re|ll|ve|d|m))"
    r"(?=$|[\s,;:])",
    re.IGNORECASE,
)
_QUESTION_HEADING = re.compile(r"(?:how|what|when|where|why|who|which)\b", re.IGNORECASE)
_LONGEST_HEADING = 14
_LONGEST_PLAIN_HEADING = 8
_SHORTEST_WRAPPED_LINE = 50


def split_document(text: str) -> list[Span]:
    """Split a document into sentences and skipped stretches, in order.

    Headings, list markers, blank lines, tables, rules, code, lone links, captions, bylines,
    greetings and one-word fragments are skipped; everything else is a sentence.

    Args:
        text: the document. Line ends of any kind are kept as they are.

    Returns:
        Spans in order, not overlapping, with ``text[span.start:span.end] == span.text``.
        Only white space lies between them.
    """
    return list(split_lines(text.splitlines(keepends=True)))


def split_lines(lines: Iterable[str]) -> Iterator[Span]:
    """Like `split_document`, lazily, over the lines of a document with their line ends kept."""
    offset = 0
    block = ""
    block_start = 0
    fenced = False
    for line in lines:
        stripped = line.strip().lstrip("\ufeff")
        start, offset = offset, offset + len(line)
        fence = stripped.startswith(("```", "~~~"))
        if block and not fenced and not fence and _continues(block, stripped):
            block += line
            continue
        yield from _split_block(block, block_start)
        block = ""
        if fence or fenced:
            fenced = fenced != fence
            yield _span(line, start, "code")
        elif not stripped:
            yield _span(line, start, "blank line")
        else:
            block, block_start = line, start
    yield from _split_block(block, block_start)


def _span(text: str, offset: int, skipped: str | None = None) -> Span:
    """A span without the white space around it (a blank line keeps its start)."""
    kept = text.strip().strip("\ufeff").strip()
    start = offset + (text.find(kept) if kept else 0)
    return Span(start, start + len(kept), kept, skipped)


def _continues(block: str, line: str) -> bool:
    """Whether a line goes on with the block before it: hard-wrapped prose does."""
    last = block.rstrip("\r\n").rpartition("\n")[2].strip()
    if not line or _TERMINAL.search(last) or last.endswith(":") or _not_prose(last) or _not_prose(line):
        return False
    if _MARKER.match(line) or (len(block.splitlines()) == 1 and _is_heading(last, bullet=False)):
        return False
    return len(last) >= _SHORTEST_WRAPPED_LINE or line[0].islower()


def _not_prose(line: str) -> str | None:
    """Why a whole line is no prose, or None."""
    if _ATX_HEADING.match(line):
        return "heading"
    if _RULE.match(line):
        return "rule"
    if line.startswith("|") or line.count("\t") >= 2 or line.count(" | ") >= 2:
        return "table"
    return None


def _split_block(block: str, offset: int) -> Iterator[Span]:
    if not block:
        return
    content = block.lstrip().lstrip("\ufeff").lstrip()
    offset += len(block) - len(content)
    if reason := _not_prose(content.rstrip()):
        yield _span(content, offset, reason)
        return
    bullet = False
    while marker := _MARKER.match(content):
        if not content[marker.end() :].strip():
            break
        bullet = not marker.group().strip("() .").isalnum()
        yield _span(marker.group(), offset, "list marker")
        offset += marker.end()
        content = content[marker.end() :]
    if reason := _whole_block(content.strip(), bullet=bullet):
        yield _span(content, offset, reason)
        return
    # The splitter takes valid Unicode only; a replacement keeps the offsets.
    for boundary in sentencex.get_sentence_boundaries("en", _SURROGATE.sub("\ufffd", content)):
        piece = content[boundary["start_index"] : boundary["end_index"]]
        if piece.strip():
            span = _span(piece, offset + boundary["start_index"])
            yield Span(span.start, span.end, span.text, _not_sentence(span.text))


def _whole_block(block: str, *, bullet: bool) -> str | None:
    """Why a block that is one line without closing punctuation is no sentence, or None."""
    if _TERMINAL.search(block):
        return None
    if _CAPTION.match(block) or _BYLINE.match(block):
        return "caption or byline"
    if _GREETING.match(block):
        return "greeting"
    return "heading" if _is_heading(block, bullet=bullet) else None


def _is_heading(block: str, *, bullet: bool) -> bool:
    """Whether a line is short, and bold, in title case, ending in a colon, or without a verb."""
    words = _WORD.findall(block)
    if not words or len(words) > _LONGEST_HEADING:
        return False
    if block.endswith(":"):
        return len(words) <= _LONGEST_PLAIN_HEADING
    if block.startswith(("**", "__")) and block.endswith(("**", "__")):
        return True
    weighty = [w for w in words if w.lower() not in _SMALL_WORDS]
    if len(weighty) > 1 and all(w[0].isupper() for w in weighty):
        return True
    if bullet or not block[0].isupper() or len(words) > _LONGEST_PLAIN_HEADING:
        return False
    return bool(_QUESTION_HEADING.match(block)) or not _PREDICATE.search(block)


def _not_sentence(text: str) -> str | None:
    """Why a stretch between two boundaries is no sentence, or None."""
    words = _WORD.findall(text)
    if _LINK.match(text):
        return "link"
    if len(words) < 2:
        return "not a sentence"
    if _GREETING.match(text):
        return "greeting"
    return None
