import pytest
from hypothesis import given
from hypothesis import strategies as st

from claim_classifier.sentences import Span, split_document, split_lines

DOCUMENT = """\ufeff# A Title
By Jane Doe

Dear Sir,

This is a hard-wrapped paragraph, which is long enough to go
on over two lines. It has two sentences.

1. Do this first. Then do that.
- The mine reopened
| a | b | c |
---
```
code here.
```
https://example.org/x
Yes.
What follows:
Figure 1: The trend
What to do first
The Immediate Consequences
i think it could work. no idea why
He never came back
**In bold**
Best regards,
"""

EXPECTED = [
    ("# A Title", "heading"),
    ("By Jane Doe", "caption or byline"),
    ("", "blank line"),
    ("Dear Sir,", "greeting"),
    ("", "blank line"),
    ("This is a hard-wrapped paragraph, which is long enough to go\non over two lines.", None),
    ("It has two sentences.", None),
    ("", "blank line"),
    ("1.", "list marker"),
    ("Do this first.", None),
    ("Then do that.", None),
    ("-", "list marker"),
    ("The mine reopened", None),
    ("| a | b | c |", "table"),
    ("---", "rule"),
    ("```", "code"),
    ("code here.", "code"),
    ("```", "code"),
    ("https://example.org/x", "link"),
    ("Yes.", "not a sentence"),
    ("What follows:", "heading"),
    ("Figure 1: The trend", "caption or byline"),
    ("What to do first", "heading"),
    ("The Immediate Consequences", "heading"),
    ("i think it could work.", None),
    ("no idea why", None),
    ("He never came back", None),
    ("**In bold**", "heading"),
    ("Best regards,", "greeting"),
]


FENCES = """\
```pip install x```
The dam is full.
```sh
~~~
code.
```
It may overflow.
"""


def test_fences_close_on_their_own_mark_only() -> None:
    assert [span.text for span in split_document(FENCES) if span.is_sentence] == [
        "The dam is full.",
        "It may overflow.",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "1. Publish the full report by June",
        "2. Close the road; and",
        "Close the road;",
        "The company closed two plants.[12]",
        "Prices rose sharply in May.¹",
        "Hi, you must evacuate now!",
        "Hello, the dam has burst and may flood us",
        "Rain fell. Prices rose",
    ],
)
def test_lines_that_look_like_headings_or_greetings_and_are_not(line: str) -> None:
    assert any(span.is_sentence for span in split_document(line))


def test_a_page_break_ends_a_paragraph() -> None:
    text = "a line of the first page that is long and has no stop\x0cThe second page begins here, in the middle."
    spans = split_document(text)
    assert [span.text for span in spans] == text.split("\x0c")
    assert spans == list(split_lines([text]))


def test_long_text_without_stops_and_hostile_lines_take_linear_time() -> None:
    lines = 20_000
    text = "and so it went on from the first line of the talk to the last\n" * lines
    assert len(split_document(text)) == 1
    assert len(split_document("By " + "A" * 5_000 + " and!x")) == 1


def assert_tiles(text: str, spans: list[Span]) -> None:
    """Spans slice the text exactly, in order, and leave nothing but white space and byte-order marks out."""
    position = 0
    for span in spans:
        assert text[span.start : span.end] == span.text
        assert span.start >= position
        assert not text[position : span.start].replace("\ufeff", "").strip()
        position = span.end
    assert not text[position:].replace("\ufeff", "").strip()


def test_what_is_a_sentence_and_what_is_skipped() -> None:
    spans = split_document(DOCUMENT)
    assert [(span.text, span.skipped) for span in spans] == EXPECTED
    assert_tiles(DOCUMENT, spans)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Okafor met Prof. Lindqvist at 4 p.m. on Tuesday.", "They agreed on nothing."],
        ["He lives in the U.K.", "His sister lives in the U.S."],
        ["“The talks failed.”", "That was the whole statement."],
        ['"We will not leave," she said.', '"This is our home."'],
        ["Inflation rose 3.5 per cent in May.", "It was 2.1 per cent a year before."],
        ["J. R. Almeida wrote the report.", "K. Sato reviewed it."],
        ["Read www.example.org/a.b?c=d.e for more.", "It is free of charge."],
        ["Escalation of the conflict: The war could spread to the coast.", "Ports would close."],
        ["That’s it 😀.", "Go home now."],
    ],
)
def test_boundaries(sentences: list[str]) -> None:
    assert [span.text for span in split_document(" ".join(sentences))] == sentences


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_are_kept(end: str) -> None:
    text = end.join(["# Dams", "", "The dam is full. It may overflow.", "", "Open the gates."])
    spans = split_document(text)
    assert_tiles(text, spans)
    assert [s.text for s in spans if s.is_sentence] == ["The dam is full.", "It may overflow.", "Open the gates."]


@given(st.text(alphabet=st.sampled_from("ab AB.!?:;\n\r\t-*#1)(|`>“”\"'😀é\ufeff\u2028\x0b\x85"), max_size=200))
def test_every_character_is_accounted_for(text: str) -> None:
    assert_tiles(text, split_document(text))


def test_lines_are_read_lazily() -> None:
    read = []

    def lines() -> object:
        for number in range(100):
            read.append(number)
            yield f"Sentence {number} ends here.\n"

    spans = split_lines(lines())
    assert next(spans).text == "Sentence 0 ends here."
    assert len(read) <= 2
