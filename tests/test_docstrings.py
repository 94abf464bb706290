"""Every public face says what goes in, what comes out, what it raises, and shows an example."""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from llm4es.core.errors import Llm4esError

FACES = (
    "llm4es.serialize.serialize:serialize",
    "llm4es.enrich.enrich:enrich",
    "llm4es.enrich.open_engine:open_engine",
    "llm4es.finetune.finetune:finetune",
    "llm4es.embed.embed:embed",
    "llm4es.embed.embed:embed_layers",
    "llm4es.probe.probe:probe",
    "llm4es.probe.compare:compare",
    "llm4es.probe.difference:difference",
    "llm4es.features.neighbours:nearest",
    "llm4es.features.shared_values:shared",
    "llm4es.features.baselines:tfidf",
    "llm4es.features.baselines:majority",
    "llm4es.features.aggregates:aggregates",
    "llm4es.features.aggregates:counts",
    "llm4es.features.recency:recency",
    "llm4es.features.feature_set:FeatureSet",
    "llm4es.features.feature_set:join",
    "llm4es.features.import_vectors:import_vectors",
    "llm4es.features.to_table:to_table",
    "llm4es.models:resolve",
    "llm4es.models:pull",
    "llm4es.models:load_model",
    "llm4es.recipes:load_recipe",
    "llm4es.recipes:locate",
    "llm4es.recipes:read_events",
    "llm4es.recipes:read_labels",
    "llm4es.recipes:read_splits",
    "llm4es.report:render",
    "llm4es_store:Store",
    "llm4es:Project",
    "llm4es.project.steps:Steps",
    "llm4es.project.results:Results",
    "llm4es:Result",
    "llm4es:Outcome",
    "llm4es.project.run_result:RunResult",
    "llm4es:Local",
    "llm4es:Logging",
    "llm4es:encode",
)
"""The functions and classes that users of the library call. Of a class its public methods are faces too, but for data
classes, whose fields speak for themselves."""


SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)


def face(path: str) -> Any:
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


def sections(thing: Any) -> dict[str, str]:
    """The numpydoc sections of a docstring: title -> text."""
    parts = SECTION.split(inspect.getdoc(thing) or "")
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def parameters_of(function: Callable[..., Any]) -> set[str]:
    return {name for name in inspect.signature(function).parameters if name not in ("self", "cls")}


def described(section: str) -> set[str]:
    """The names at the left edge of a section: ``a, b : FeatureSet``."""
    heads = [line.partition(" : ")[0] for line in section.splitlines() if line and not line.startswith(" ")]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def raises(function: Any) -> set[str]:
    """Names of our own errors that a function's body raises itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    ours = {error.__name__ for error in errors(Llm4esError)}
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    names = {getattr(getattr(call, "func", call), "id", "") for call in calls}
    return names & ours


def errors(base: type[Llm4esError]) -> list[type[Llm4esError]]:
    return [base, *(each for child in base.__subclasses__() for each in errors(child))]


def lacks(function: Any, *, returns: bool = True) -> list[str]:
    """What a function's docstring leaves out."""
    of, missing = sections(function), []
    parameters = described(of.get("Parameters", "")) | described(of.get("Other Parameters", ""))
    if unsaid := parameters_of(function) - parameters:
        missing.append(f"parameters {', '.join(sorted(unsaid))}")
    if unknown := parameters - parameters_of(function):
        missing.append(f"parameters that there are none of: {', '.join(sorted(unknown))}")
    annotated = inspect.signature(function).return_annotation not in (None, "None")
    if returns and annotated and not {"Returns", "Yields"} & set(of):
        missing.append("what it returns")
    if unsaid := raises(function) - described(of.get("Raises", "")):
        missing.append(f"that it raises {', '.join(sorted(unsaid))}")
    if ">>>" not in of.get("Examples", ""):
        missing.append("an example")
    return missing


def methods(class_: type) -> list[tuple[str, Any]]:
    """A class's public methods, class methods included; properties have no parameters and need a sentence only."""
    members = [(name, getattr(class_, name)) for name in vars(class_) if not name.startswith("_")]
    return [(name, member) for name, member in members if inspect.isfunction(member) or inspect.ismethod(member)]


@pytest.mark.parametrize("path", FACES)
def test_a_face_says_everything(path: str) -> None:
    thing = face(path)
    if not inspect.isclass(thing):
        assert lacks(thing) == []
        return
    assert ">>>" in sections(thing).get("Examples", "")
    if hasattr(thing, "__dataclass_fields__"):
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for field, follows in zip(tree.body, [*tree.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign):
                assert isinstance(follows, ast.Expr), f"{ast.unparse(field)} has no docstring"
        assert raises(thing) <= described(sections(thing).get("Raises", ""))
        return
    assert parameters_of(thing) <= described(sections(thing).get("Parameters", ""))
    assert {name: lacks(method) for name, method in methods(thing) if lacks(method)} == {}


def test_the_check_itself_finds_what_is_missing() -> None:
    def silent(a: int, b: int) -> int:
        """Add.

        Parameters
        ----------
        a, c : int
            Numbers.
        """
        if a < b:
            raise Llm4esError("no")
        return a + b

    assert lacks(silent) == [
        "parameters b",
        "parameters that there are none of: c",
        "what it returns",
        "that it raises Llm4esError",
        "an example",
    ]
