from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from training.config import RecipeError, load_recipe

RECIPES = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("file", RECIPES, ids=lambda p: p.stem)
def test_every_recipe_loads(file: Path) -> None:
    assert load_recipe(file).name == file.stem


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rat": 0.1}, "learning_rat: Extra inputs"),
        ({"epochs": None}, "epochs: Input should be a valid integer"),
        ({"epochs": "4"}, "epochs: Input should be a valid integer"),
        ({"learning_rate": "2e-5"}, "learning_rate: .*YAML reads 2e-5 as text"),
        ({"learning_rate": 0}, "learning_rate: Input should be"),
        ({"precision": "fp16"}, "precision: Input should be 'auto', 'fp32' or 'bf16'"),
        ({"base_sha256": "abc"}, "base_sha256: String should match"),
        ({"base_sha256": "0" * 64}, "must be null where base is tiny-random"),
        ({"max_length": 4}, "max_length: Input should be greater"),
    ],
)
def test_wrong_recipes_name_the_key(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    values = yaml.safe_load((ROOT / "configs" / "smoke.yaml").read_text())
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump({**values, **changes}))
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("key", yaml.safe_load((ROOT / "configs" / "smoke.yaml").read_text()))
def test_every_key_is_required(tmp_path: Path, key: str) -> None:
    values = yaml.safe_load((ROOT / "configs" / "smoke.yaml").read_text())
    del values[key]
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(RecipeError, match=f"{key}: Field required"):
        load_recipe(tmp_path / "recipe.yaml")


@pytest.mark.parametrize(
    ("content", "message"), [("a: [", "not YAML"), ("- 1", "expected keys"), (None, "No such file")]
)
def test_files_that_are_no_recipe(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "recipe.yaml").write_text(content)
    with pytest.raises(RecipeError, match=message):
        load_recipe(tmp_path / "recipe.yaml")
