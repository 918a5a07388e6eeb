"""Compare sentence splitters on hard cases and, where given, on documents.

    python -m benchmarks.sentences [FILE.txt ...]

A case is a list of sentences; they are joined by a space, split again, and the
boundaries found are compared with the true ones (precision, recall, F1, and cases
that are wholly right). Files have no true boundaries: for them the number of
sentences is printed, whether every offset slices its sentence, and the characters
a second. Ends with one JSON line.
"""

import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterator

Split = Callable[[str], list[tuple[int, int]]]

CASES: dict[str, list[list[str]]] = {
    "abbreviations": [
        ["Dr. Okafor met Prof. Lindqvist at 4 p.m. on Tuesday.", "They agreed on nothing."],
        ["The U.S. Treasury fined the bank.", "It paid in full."],
        ["Exports fell in Jan. and Feb. before they rose.", "Nobody knows why."],
        ["Shares of Halden Inc. rose 4 per cent.", "Those of Brekke Co. fell."],
        ["See e.g. the annex, i.e. the second table, for details.", "It is short."],
        ["Gen. Abdi and Lt. Col. Mwangi signed the order.", "Sen. Ortiz objected."],
        ["He lives in the U.K.", "His sister lives in the U.S."],
        ["The firm, St. Ives Ltd., closed.", "It owed 3 m. in tax."],
        ["Compare fig. 3 with fig. 4 (pp. 12 ff.).", "The trend is the same."],
        ["Mr. and Mrs. Tan v. the State was decided at 9 a.m. sharp.", "The judge was brief."],
    ],
    "quotations": [
        ['"We will not leave," she said.', '"This is our home."'],
        ["“The talks failed.”", "That was the whole statement."],
        ['He asked, "Who pays for it?" and sat down.', "No one answered."],
        ['"Stop!" he cried.', "The convoy halted."],
        ["The mayor called it “a disgrace.”", "The council did not reply."],
        ["She said: ‘It may rain.’", "It did."],
    ],
    "decimals": [
        ["Inflation rose 3.5 per cent in May.", "It was 2.1 per cent a year before."],
        ["The index closed at 1,204.7.", "Volumes were thin."],
        ["Version 2.10.3 fixes it.", "Upgrade now."],
        ["The fee is $4.50.", "It was $3.99."],
        ["Section 4.2.1 applies.", "Section 4.2.2 does not."],
    ],
    "initials": [
        ["J. R. Almeida wrote the report.", "K. Sato reviewed it."],
        ["The plan of George W. Hart failed.", "It was costly."],
        ["A. B. Cole, C. D. Diaz and E. F. Eze resigned.", "G. Hall stayed."],
        ["It was vitamin C.", "It was not vitamin B."],
    ],
    "urls": [
        ["Read www.example.org/a.b?c=d.e for more.", "It is free."],
        ["Write to press.office@example.gov.uk by Friday.", "Replies are slow."],
        ["The file is at https://example.com/report.final.pdf.", "Open it with care."],
        ["Install foo.js first.", "Then run bar.py twice."],
    ],
    "lead-ins": [
        ["Overall: the risk is low.", "Watch the border."],
        ["Escalation of the conflict: The war could spread to the coast.", "Ports would close."],
        ["Three points matter: cost, time and trust.", "Cost comes first."],
        ["Q: Why now?", "A: Because it can wait no longer."],
    ],
    "ellipsis and marks": [
        ["Well... I would not go.", "Would you?"],
        ["Really?!", "Nobody told me."],
        ["He waited … and waited.", "Nothing came."],
        ["Is it safe?", "Perhaps!", "We shall see."],
        ["The deal (see below.) is done.", "Both sides signed."],
        ["They agreed (the text is secret).", "It binds both."],
        ["Yahoo! bought the site.", "It closed in a year."],
    ],
    "informal": [
        ["i think it could work.", "no idea when tho.", "ask the mods."],
        ["idk maybe try again?", "it worked for me."],
        ["That’s it 😀.", "Go home."],
    ],
    "plain": [
        [
            "The ministry published the figures on Monday, a day late, and withdrew them on Tuesday.",
            "It gave no reason.",
        ],
        ["Rain fell all week in the north; rivers rose.", "Two bridges were closed, and a third may follow."],
        ["Lawmakers must act.", "The alternative is worse.", "What would it cost?"],
        ["The 2nd Brigade crossed at km. 40.", "It met no fire."],
    ],
}


def pysbd_spans() -> Split:
    import pysbd

    segmenter = pysbd.Segmenter(language="en", clean=False, char_span=True)
    return lambda text: [(s.start, s.end) for s in segmenter.segment(text)]


def sentencex_spans() -> Split:
    import sentencex

    return lambda text: [(b["start_index"], b["end_index"]) for b in sentencex.get_sentence_boundaries("en", text)]


def syntok_spans() -> Split:
    from syntok import segmenter

    def split(text: str) -> list[tuple[int, int]]:
        return [
            (sentence[0].offset, sentence[-1].offset + len(sentence[-1].value))
            for paragraph in segmenter.analyze(text)
            for sentence in paragraph
        ]

    return split


def blingfire_spans() -> Split:
    import blingfire

    def split(text: str) -> list[tuple[int, int]]:
        return [tuple(pair) for pair in blingfire.text_to_sentences_and_offsets(text)[1]]

    return split


def ours() -> Split:
    from claim_classifier.sentences import split_document

    return lambda text: [(s.start, s.end) for s in split_document(text) if s.is_sentence]


CANDIDATES = {
    "pysbd": pysbd_spans,
    "sentencex": sentencex_spans,
    "syntok": syntok_spans,
    "blingfire": blingfire_spans,
    "claim_classifier": ours,
}


def ends(text: str, spans: list[tuple[int, int]]) -> set[int]:
    """Where sentences end, white space before the end left out."""
    return {start + len(text[start:end].rstrip()) for start, end in spans if text[start:end].strip()}


def true_ends(sentences: list[str]) -> Iterator[int]:
    position = 0
    for sentence in sentences:
        yield position + len(sentence)
        position += len(sentence) + 1


def score_cases(split: Split) -> dict[str, object]:
    found = right = true = whole = total = 0
    wrong: dict[str, list[list[str]]] = {}
    for group, cases in CASES.items():
        for sentences in cases:
            text = " ".join(sentences)
            spans = split(text)
            got, want = ends(text, spans), set(true_ends(sentences))
            found, right, true, total = found + len(got), right + len(got & want), true + len(want), total + 1
            if got == want:
                whole += 1
            else:
                wrong.setdefault(group, []).append([text[s:e].strip() for s, e in spans])
    precision, recall = right / found, right / true
    return {
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(2 * precision * recall / (precision + recall), 3),
        "cases_right": f"{whole}/{total}",
        "wrong": wrong,
    }


def main(paths: list[str]) -> None:
    texts = [pathlib.Path(p).read_text(encoding="utf-8") for p in paths]
    sample = "\n\n".join(" ".join(s) for cases in CASES.values() for s in cases) * 20
    table = {}
    for name, make in CANDIDATES.items():
        try:
            split = make()
        except ImportError as error:
            print(f"{name}: not installed ({error})", file=sys.stderr)
            continue
        row = score_cases(split)
        for group, cases in row.pop("wrong").items():
            for case in cases:
                print(f"{name:17s} {group:20s} {case}")
        start = time.perf_counter()
        split(sample)
        row["characters_a_second"] = round(len(sample) / (time.perf_counter() - start))
        row["sentences_in_files"] = [len(split(t)) for t in texts]
        table[name] = row
    for name, row in table.items():
        print(name, row)
    print(json.dumps({"benchmark": "sentences", "table": table}))


if __name__ == "__main__":
    main(sys.argv[1:])
