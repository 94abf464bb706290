"""What is released: one version, and in the wheel and the source archive all that belongs there and nothing else."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import llm4es

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "llm4es": ROOT / "llm4es",
    "llm4es_store": ROOT / "store/llm4es_store",
    "llm4es_cli": ROOT / "cli/llm4es_cli",
}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_version_is_said_once_and_is_that_of_the_citation_and_the_changelog() -> None:
    said = [
        path for folder in PACKAGES.values() for path in folder.rglob("*.py") if "__version__ = " in path.read_text()
    ]
    assert said == [ROOT / PYPROJECT["tool"]["hatch"]["version"]["path"]]
    assert re.findall(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE) == [llm4es.__version__]
    released = re.findall(r"^## (\d\S*) \((\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    dated = re.findall(r"^date-released: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert released[0] == (llm4es.__version__, *dated)


def test_the_workflow_does_what_ci_does_on_the_versions_that_are_promised() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert "run: .ci/run\n" in workflow
    tried = set(re.findall(r'"(3\.\d+)"', workflow))
    stated = {line.rpartition(" ")[2] for line in PYPROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert tried == stated
    assert PYPROJECT["project"]["requires-python"] == f">={min(stated, key=lambda version: int(version[2:]))}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and a source archive of this tree."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


def test_the_wheel_holds_the_packages_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {
        f"{package}/{path.relative_to(folder)}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == files
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {"llm4es/recipes/meds.toml", "llm4es/enrich/prompts/table.toml", "llm4es/report/page.css"} <= names
    assert wheel.stat().st_size < 1_300_000


def test_the_source_archive_holds_what_its_tests_read(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    for folder in ("tests", "benchmarks", "docs", "examples"):
        files = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.*") if path.suffix in (".py", ".md")}
        assert files <= names
    assert {
        ".ci/run",
        "CITATION.cff",
        "README.md",
        "constraints.txt",
        "noxfile.py",
        "tests/data/store-0.1.tar.xz",
    } <= names
