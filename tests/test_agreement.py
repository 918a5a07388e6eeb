import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from claim_classifier import LABELS
from tests.conftest import ROOT
from training import agreement
from training.challenge import FILE, read_challenge
from training.corpus import CORPUS, CorpusError, read_documents
from training.label_errors import self_confidence

C, S, R = LABELS


def test_kappa_and_alpha_by_hand() -> None:
    pairs = [(C, C)] * 4 + [(S, S)] * 3 + [(R, R)] * 1 + [(C, S)] * 2
    observed, expected = 0.8, (6 * 4 + 3 * 5 + 1) / 100
    assert agreement.kappa(pairs) == pytest.approx((observed - expected) / (1 - expected))
    values = {C: 10, S: 8, R: 2}
    disagreement = 4 / 20
    chance = 1 - sum(n * (n - 1) for n in values.values()) / (20 * 19)
    assert agreement.alpha(pairs) == pytest.approx(1 - disagreement / chance)
    assert agreement.kappa([(C, C)] * 3) == agreement.alpha([(C, C)] * 3) == 1.0
    assert agreement.confusion_table(pairs).splitlines()[1].split() == ["claim", "4", "2", "0"]


def test_the_corpus_is_annotated_twice_where_it_has_to_be_and_the_command_prints_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts: dict[str, list[bool]] = {}
    for split, _, row in read_documents(ROOT / CORPUS):
        counts.setdefault(split, []).append(row["second"] is not None)
    assert all(all(counts[split]) for split in ("dev", "test", "heldout"))
    assert sum(counts["train"]) >= len(counts["train"]) / 5
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(agreement.main)
    assert result.exit_code == 0
    for name in ("security", "challenge", "standoff documents", "standoff real text", "first, second"):
        assert name in result.stdout


def test_the_challenge_set_is_whole_and_is_trained_on_nowhere() -> None:
    rows = read_challenge(ROOT / CORPUS)
    assert len(rows) >= 1200
    assert len({row["phenomenon"] for row in rows}) >= 30
    sets: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        sets.setdefault((row["phenomenon"], row["set"]), set()).add(row["label"])
    assert sum(len(labels) > 1 for labels in sets.values()) / len(sets) > 0.95
    texts = {row["text"] for _, _, row in read_documents(ROOT / CORPUS)}
    assert not texts & {row["text"] for row in rows}


def challenge_row(**changes: object) -> dict[str, object]:
    row = {
        "phenomenon": "may",
        "set": 1,
        "text": "It may.",
        "label": S,
        "writer": S,
        "second": S,
        "second_choice": None,
    }
    return {**row, **changes}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([challenge_row(label="x")], ":1: label: unknown label 'x'"),
        ([challenge_row(), challenge_row(text="it MAY")], ":2: the same sentence as in .*:1"),
        ([{"text": "It may."}], ":1: expected the fields"),
    ],
)
def test_bad_challenge_rows_are_named(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    (tmp_path / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(CorpusError, match=message):
        read_challenge(tmp_path)


def test_a_wrong_label_gets_the_least_confidence() -> None:
    random = np.random.default_rng(1)
    references = np.arange(90) % 3
    vectors = np.eye(3)[references] + random.normal(size=(90, 3)) * 0.1
    texts = [f"{('alpha', 'beta', 'gamma')[r]} word {i % 7}" for i, r in enumerate(references)]
    wrong = references.copy()
    wrong[40] = (wrong[40] + 1) % 3
    confidence = self_confidence(vectors, texts, wrong, [f"doc {i // 3}" for i in range(90)])
    assert confidence.argmin() == 40
    assert confidence.shape == (90,)
