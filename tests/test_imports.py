"""Who may import whom, what the quick commands must not load, and how large a file may be."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import llm4es_store
from llm4es_store import Store

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "llm4es": ROOT / "llm4es",
    "llm4es_store": ROOT / "store/llm4es_store",
    "llm4es_cli": ROOT / "cli/llm4es_cli",
}

STAGE = ("models", "inputs", "features", "options", "core")
ALLOWED: dict[str, tuple[str, ...]] = {
    "llm4es.core": (),
    "llm4es.options": ("core",),
    "llm4es.recipes": ("options", "core"),
    "llm4es.models": ("options", "core"),
    "llm4es.inputs": ("options", "core"),
    "llm4es.servers": ("core",),
    "llm4es.features": ("options", "core"),
    "llm4es.serialize": (*STAGE, "recipes"),
    "llm4es.enrich": (*STAGE, "servers", "serialize.formats", "serialize.escaping"),
    "llm4es.finetune": STAGE,
    "llm4es.embed": (*STAGE, "servers"),
    "llm4es.probe": STAGE,
    "llm4es.report": (*STAGE, "probe"),
    "llm4es.project": (*STAGE, "servers", "recipes", "serialize", "enrich", "finetune", "embed", "probe", "report"),
}
"""Folder -> folders of llm4es whose modules it may import, besides its own."""


def _modules() -> dict[str, Path]:
    found = {}
    for package, base in PACKAGES.items():
        for path in base.rglob("*.py"):
            parts = [package, *path.relative_to(base).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def imported(module: str) -> Iterator[str]:
    """Our own modules that a module imports anywhere in its text: also in a function, also for types only."""
    path = MODULES[module]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
            base = parts[: len(parts) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                # a folder hands its function on under the name of the module that holds it
                if submodule in MODULES and submodule != module:
                    yield submodule
                elif source in MODULES:
                    yield source


def _is_in(module: str, folder: str) -> bool:
    return module == folder or module.startswith(f"{folder}.")


@pytest.mark.parametrize("folder", ALLOWED)
def test_folders_import_one_way(folder: str) -> None:
    allowed = [f"llm4es.{name}" for name in ALLOWED[folder]] + [folder]
    for module in (name for name in MODULES if _is_in(name, folder)):
        others = {name for name in imported(module) if _is_in(name, "llm4es") and name != "llm4es"}
        stray = {name for name in others if not any(_is_in(name, each) for each in allowed)}
        assert not stray, f"{module} imports {sorted(stray)}"
        if folder != "llm4es.project":
            assert not [name for name in imported(module) if _is_in(name, "llm4es_store")], module


def test_every_folder_has_its_place() -> None:
    folders = {".".join(name.split(".")[:2]) for name in MODULES if name.startswith("llm4es.")}
    assert folders == set(ALLOWED)


def test_the_store_knows_what_all_stand_on_and_nothing_else() -> None:
    for module in (name for name in MODULES if _is_in(name, "llm4es_store")):
        others = {name for name in imported(module) if not _is_in(name, "llm4es_store")}
        assert all(_is_in(name, "llm4es.core") or name == "llm4es" for name in others), f"{module} imports {others}"


def test_the_command_line_knows_the_face_and_no_stage() -> None:
    stages = ("serialize", "enrich", "finetune", "embed", "probe", "models", "servers", "inputs", "features", "report")
    for module in (name for name in MODULES if _is_in(name, "llm4es_cli")):
        behind = {name for name in imported(module) if any(_is_in(name, f"llm4es.{stage}") for stage in stages)}
        assert not behind, f"{module} imports {behind}"


def test_no_circle_of_imports() -> None:
    graph = {name: set(imported(name)) - {name} for name in MODULES}
    while leaves := {name for name, others in graph.items() if not others & graph.keys()}:
        graph = {name: others for name, others in graph.items() if name not in leaves}
    assert not graph, f"circles among {sorted(graph)}"


def test_no_public_class_name_twice() -> None:
    names = Counter(
        node.name
        for path in MODULES.values()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name: count for name, count in names.items() if count > 1} == {}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_files_fit_on_a_few_screens() -> None:
    lengths = {module: _lines(path) for module, path in MODULES.items()}
    assert {module: n for module, n in lengths.items() if n > 300} == {}
    assert median(lengths.values()) <= 90


COMMANDS = sorted((PACKAGES["llm4es_cli"] / "commands").glob("*.py"))
CLI = sorted(PACKAGES["llm4es_cli"].rglob("*.py"))
_SQL = re.compile(r"\bSELECT\b.+\bFROM\b|\bWHERE\b|\b(GROUP|ORDER) BY\b", re.DOTALL)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_command_is_small(path: Path) -> None:
    assert _lines(path) <= 90


@pytest.mark.parametrize("path", CLI, ids=lambda path: path.stem)
def test_the_command_line_decides_nothing_about_data(path: Path) -> None:
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    assert not [node.value for node in constants if isinstance(node.value, str) and _SQL.search(node.value)]
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in names if name.partition(".")[0] in ("pyarrow", "duckdb", "numpy", "deltalake")]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_do_not_assert(package: str) -> None:
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


def test_asking_a_server_for_vectors_loads_no_torch(tmp_path: Path) -> None:
    code = "from llm4es.embed import by_server, drift, endpoint_check, smaller_vectors\nimport llm4es.project.project"
    assert not {"torch", "transformers", "sklearn", "scipy"} & loaded(code, tmp_path)


def test_reading_with_a_plain_model_loads_no_peft(tmp_path: Path) -> None:
    code = "import llm4es.embed.batches\nfrom llm4es.project import embed, first_look"
    assert not {"peft", "bitsandbytes", "sklearn", "deltalake"} & loaded(code, tmp_path)


def test_a_command_s_help_loads_neither_torch_nor_the_store(tmp_path: Path) -> None:
    code = "from llm4es_cli.main import app\ntry: app(['embed', '--help'])\nexcept SystemExit: pass"
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


def test_reading_a_store_loads_neither_the_network_nor_what_writes(tmp_path: Path) -> None:
    """Also while a run is under way: a row of the record as Python values would bring pandas in."""
    run = Store(tmp_path / "store", create=True).run("embed", "d", {}, "0")
    run.begin()
    code = """
import sys
from llm4es_store import Store
assert Store("store").connect().execute("SELECT status FROM runs").fetchall() == [("running",)]
assert not {"urllib.request", "pyarrow.compute", "llm4es_store.run", "llm4es_store.check"} & {*sys.modules}
"""
    assert "pandas" not in loaded(code, tmp_path)


def test_comparing_does_not_load_scikit_learn(tmp_path: Path) -> None:
    code = "from llm4es.probe import compare, metrics, probe, protocols\nfrom llm4es.project import compare"
    assert not {"torch", "transformers", "sklearn"} & loaded(code, tmp_path)


def test_a_name_that_is_loaded_when_it_is_first_used_is_no_modules() -> None:
    """Once such a module is imported, the package's name would be the module and no longer what is in it."""
    modules = {path.stem for path in (ROOT / "store/llm4es_store").glob("*.py")}
    assert not modules & set(llm4es_store.__all__)
