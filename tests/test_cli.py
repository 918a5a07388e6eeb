import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from claim_classifier import __version__
from claim_classifier.cli import main
from tests.conftest import read_jsonl


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_label_a_document(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# Dams\nThe dam is full. It may overflow.\n")
    result = run("label", tmp_path / "a.txt", "-o", tmp_path / "out.jsonl", "-m", tiny_model, "--threads", 1)
    assert result.exit_code == 0
    assert "3 rows" in result.stderr
    assert "2 ok, 1 skipped" in result.stderr
    assert [row["status"] for row in read_jsonl(tmp_path / "out.jsonl")] == ["skipped", "ok", "ok"]


def test_exit_code_1_where_rows_are_bad(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "The dam is full."}\n{"body": null}\n')
    result = run("label", tmp_path / "a.jsonl", "-o", tmp_path / "out.csv", "-m", tiny_model, "-t", "body")
    assert result.exit_code == 1
    assert "1 error, 1 ok" in result.stderr
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["label", "nowhere.txt", "-o", "out.jsonl"], "nowhere.txt: No such file"),
        (["label", "-o", "out.jsonl"], "Missing argument"),
        (["label", "a.txt"], "Missing option"),
        (["label", "a.txt", "-o", "out.jsonl", "-m", "nowhere"], "nowhere: no such directory"),
        (["info", "-m", "nowhere"], "nowhere: no such directory"),
        (["check-model", "nowhere"], "nowhere: no such directory"),
    ],
)
def test_exit_code_2_where_the_user_erred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_info_shows_the_released_model() -> None:
    result = run("info")
    assert result.exit_code == 0
    for word in (__version__, "recipe", "corpus_sha256", "scores dev", "Apache-2.0", "MB in"):
        assert word in result.stdout


def test_check_model(tiny_model: Path) -> None:
    assert "3 files as the manifest says" in run("check-model", tiny_model).stdout
    (tiny_model / "tokenizer.json").write_text("{}")
    result = run("check-model", tiny_model)
    assert result.exit_code == 2
    assert "tokenizer.json: altered" in result.stderr


def test_version() -> None:
    assert __version__ in run("--version").stdout


def test_a_pipe_from_end_to_end(tiny_model: Path) -> None:
    rows = [{"id": 1, "text": "The dam is full."}, {"id": 2, "text": "Open the gates."}]
    done = subprocess.run(
        [sys.executable, "-m", "claim_classifier", "label", "-", "-o", "-", "-m", str(tiny_model)],
        input="".join(json.dumps(row) + "\n" for row in rows),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["id"], row["status"]) for row in found] == [(1, "ok"), (2, "ok")]
    assert "\r" not in done.stderr  # no progress bar in a pipe
    assert "2 rows" in done.stderr


def test_interrupted_leaves_nothing(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The dam is full, and the gates are shut.\n" * 200_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "claim_classifier", "label", "a.txt", "-o", "out.jsonl", "-m", str(tiny_model)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob(".out.jsonl.*.part")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr == "interrupted; no output file was written\n"
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == []
