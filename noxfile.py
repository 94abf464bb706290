"""How the project is kept: ``nox`` runs the checks in this order, each in an environment of its own."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True

PYPROJECT = nox.project.load_toml("pyproject.toml")


def _install(session: nox.Session, group: str, *project: str) -> None:
    """Install a dependency group, and the project where it is needed, in the versions of constraints.txt."""
    requirements = nox.project.dependency_groups(PYPROJECT, group)
    session.install("-q", "-c", "constraints.txt", *requirements, *project)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and common mistakes."""
    _install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Strict typing of packages, tests and benchmarks."""
    _install(session, "types", "-e", ".[all]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Every test, a process a core; ``nox -s tests -- -m 'not real'`` leaves out those that fetch weights and data."""
    _install(session, "test", "-e", ".[all]")
    one_thread = {"OMP_NUM_THREADS": "1"}  # processes of several threads each would wait for each other
    each_file_on_one = ("-n", "logical", "--dist", "worksteal")  # what a file's tests share is made once
    session.run("pytest", "-q", *each_file_on_one, *session.posargs, env=one_thread)


PROCESSORS = (
    {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"},
    {"OMP_NUM_THREADS": "4", "ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    {"OMP_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem", "MKL_CBWR": "AVX2"},
)
"""Settings that make torch, oneDNN, MKL and OpenBLAS compute as on other processors."""

NUMERIC = [
    *("test_chunked_loss", "test_drift", "test_embed", "test_embed_batches", "test_engines", "test_packing"),
    *("test_finetune", "test_finetune_resume", "test_models_adapters", "test_models_load", "test_pooling"),
    *("test_sentence_transformers", "test_compare", "test_difference", "test_estimators", "test_metrics"),
    *("test_neighbours", "test_probe", "test_uncertainty", "test_cli_finetune"),
]
"""Tests of what a processor rounds."""


@nox.session
def processors(session: nox.Session) -> None:
    """The numeric tests as other processors would compute them."""
    _install(session, "test", "-e", ".[all]")
    for settings in PROCESSORS:
        session.run("pytest", "-q", *(session.posargs or [f"tests/{name}.py" for name in NUMERIC]), env=settings)


OLDEST = [
    *("test_baselines", "test_built_in", "test_chunked_loss", "test_cli_evidence", "test_cli_finetune", "test_cli_sql"),
    *("test_constraint", "test_cutoff_own", "test_embed", "test_estimators", "test_examples_run", "test_export"),
    *("test_frames", "test_init_values", "test_models_adapters", "test_models_load", "test_packing", "test_predictor"),
    *("test_recipes_meds", "test_report", "test_uncertainty"),
]
"""Tests that pass through every dependency."""


@nox.session(python="3.11")
def minimums(session: nox.Session) -> None:
    """What pyproject.toml promises of each dependency: the lowest version that it admits."""
    session.install("-q", "-c", "constraints.txt", "uv")
    lowest = Path(session.create_tmp(), "lowest.txt").absolute()
    resolved = ("--resolution", "lowest-direct", "--all-extras", "--python", session.virtualenv.location)
    session.run("uv", "pip", "compile", "-q", "pyproject.toml", *resolved, "-o", str(lowest))
    around = ("pytest", "pytest-xdist", "pandas", "polars", "openpyxl", "meds", "psutil")  # the tests' own
    session.run("uv", "pip", "install", "-q", "-c", str(lowest), "-e", ".[all]", *around)
    which = session.posargs or ["-m", "not real", *(f"tests/{name}.py" for name in OLDEST)]
    session.run("pytest", "-q", "-n", "logical", "-o", "filterwarnings=", *which)  # old releases in new company warn


@nox.session
def docs(session: nox.Session) -> None:
    """Write the reference of commands from what ``--help`` says; a test holds that it is up to date."""
    session.install("-q", "-c", "constraints.txt", "-e", ".")
    words = ("--name", "llm4es", "--title", "Commands", "--output", "docs/commands.md")
    session.run("python", "-m", "typer", "llm4es_cli.main", "utils", "docs", *words)


@nox.session
def site(session: nox.Session) -> None:
    """The documentation as a site, in ``site/``; a link that leads nowhere is an error."""
    _install(session, "docs")
    session.run("mkdocs", "build", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def demo(session: nox.Session) -> None:
    """The main job on a small real input."""
    session.install("-q", "-c", "constraints.txt", ".")
    session.run("llm4es", "run", "movielens-100k", "--max-entities", "100", "--max-length", "128", "--finetune", "5")


BENCHMARKS = (("serialize",), ("embed",), ("finetune", "speed"), ("store",))
"""What ``bench`` measures where nothing is named."""


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmark named with its options, such as ``nox -s bench -- embed --texts 64``; ratios, not seconds."""
    _install(session, "test", "-e", ".[all]")
    for name, *words in [session.posargs] if session.posargs else BENCHMARKS:
        session.run("python", f"benchmarks/{name}.py", *words)
