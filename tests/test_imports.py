"""Who may import whom, and what the quick commands must not load."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "llm4es": ROOT / "llm4es",
    "llm4es_store": ROOT / "store/llm4es_store",
    "llm4es_cli": ROOT / "cli/llm4es_cli",
}
ALLOWED: dict[str, str | None] = {
    "llm4es": r"$^",
    "llm4es_store": r"llm4es(\.core(\.\w+)*)?",  # the language both speak
    "llm4es_cli": None,  # may import both
}


def imported(path: Path) -> set[str]:
    """Our own modules that a file imports by absolute name, ``from package import module`` included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
            if node.module == "llm4es":
                found |= {f"llm4es.{alias.name}" for alias in node.names if (ROOT / "llm4es" / alias.name).exists()}
    return {name for name in found if name.partition(".")[0] in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    allowed = ALLOWED[package]
    for path in PACKAGES[package].rglob("*.py"):
        others = {name for name in imported(path) if name.partition(".")[0] != package}
        if allowed is not None:
            assert all(re.fullmatch(allowed, name) for name in others), f"{path.relative_to(ROOT)} imports {others}"


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_do_not_assert_or_print(package: str) -> None:
    for path in PACKAGES[package].rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        assert not [node for node in nodes if isinstance(node, ast.Assert)], path


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is(package: str) -> None:
    for path in PACKAGES[package].rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def loaded(code: str, cwd: Path) -> set[str]:
    """Top-level modules that are loaded after some code has run."""
    script = f"{code}\nimport sys; print(' '.join({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=cwd)
    return set(done.stdout.split())


def test_the_library_itself_loads_nothing(tmp_path: Path) -> None:
    heavy = {"torch", "transformers", "sklearn", "duckdb", "pyarrow", "deltalake", "pydantic", "rich", "typer"}
    assert not heavy & loaded("import llm4es, llm4es_store", tmp_path)


def test_help_loads_neither_torch_nor_the_store(tmp_path: Path) -> None:
    code = "from llm4es_cli.main import app\ntry: app(['--help'])\nexcept SystemExit: pass"
    assert not {"torch", "transformers", "sklearn", "duckdb", "pyarrow", "deltalake"} & loaded(code, tmp_path)


def test_sql_does_not_load_torch(tmp_path: Path) -> None:
    code = """
from llm4es_store import Store
Store("store", create=True)
from llm4es_cli.main import app
try: app(["sql", "SELECT 1", "--store", "store"])
except SystemExit: pass
"""
    assert not {"torch", "transformers", "sklearn", "scipy"} & loaded(code, tmp_path)
