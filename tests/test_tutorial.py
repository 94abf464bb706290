"""docs/tutorial.ipynb: its outputs are stripped, and every cell runs, in order, with the built-in model."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = json.loads((Path(__file__).parent.parent / "docs/tutorial.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_outputs_are_stripped() -> None:
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert len(cells) == len(CODE) >= 8
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells] == [([], None)] * len(cells)
    assert set(NOTEBOOK["metadata"]) == {"kernelspec", "language_info"}


@pytest.mark.real
def test_every_cell_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "tutorial"}
    displayed = [run(code, names) for code in CODE]
    assert any("serialize bank: 1 computed, 199 reused (1 text changed)" in text for text in displayed)
    planned = "embed smollm2-135m: 2 to compute, 398 reused (2 text changed), "  # and what it costs
    assert any(text.startswith(planned) for text in displayed)
    assert names["X"].shape == (200, 576)
    comparison = names["comparison"].set_index("features")["value"]
    vectors = comparison[[name for name in comparison.index if name.startswith("smollm2-135m@8")]]
    assert len(vectors) == 1
    assert vectors.iloc[0] > comparison["majority"] + 0.1  # the habits are in the texts, and the model reads them


def run(code: str, names: dict[str, Any]) -> str:
    """What a cell displays: its last line, where that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "docs/tutorial.ipynb", "exec"), names)
    return "" if last is None else repr(eval(ast.unparse(last), names))
