"""Options and the command line: every field of every step can be typed, defaults are said once, and no flag is lost."""

import ast
from pathlib import Path
from typing import Any

import pytest
import typer

from llm4es import options
from llm4es.options import (
    REQUIRED,
    CompareOptions,
    DiffOptions,
    EmbedOptions,
    EnrichOptions,
    ExportOptions,
    FinetuneOptions,
    ImportOptions,
    LimitOptions,
    LoadOptions,
    ModelExportOptions,
    Options,
    PredictOptions,
    ProbeOptions,
    ReportOptions,
    RunOptions,
    SelectOptions,
    SerializeOptions,
    Setting,
    SimilarOptions,
    WorkerOptions,
)
from llm4es.options.base import fields_of
from llm4es.options.coerce import plain
from llm4es_cli.main import app

CLI = Path(__file__).parent.parent / "cli/llm4es_cli"

OPTIONS: dict[str, tuple[type[Options], ...]] = {
    "sql": (LimitOptions,),
    "init": (LimitOptions,),
    "run": (RunOptions, LoadOptions),
    "serialize": (SerializeOptions,),
    "enrich": (EnrichOptions, LoadOptions),
    "finetune": (FinetuneOptions, LoadOptions),
    "embed": (EmbedOptions, LoadOptions, WorkerOptions),
    "probe": (ProbeOptions, SelectOptions),
    "predict": (PredictOptions,),
    "compare": (CompareOptions,),
    "diff": (DiffOptions,),
    "similar": (SimilarOptions,),
    "report": (ReportOptions,),
    "import": (ImportOptions,),
    "export": (ExportOptions,),
    "models export": (ModelExportOptions,),
}
"""Commands, and the options of the step that each calls."""

INTERNAL = {
    (ProbeOptions, "train_size"): "typed as --sizes: a probe for each of them, with this set",
}
"""Every field that nobody can type, and why."""

FLAGS = {
    "run": "--data --as-of --on-bad-row --model -m --k --max-length --history --variants --finetune --method --task -t "
    "--memory-limit --spill-limit --threads --timeout "
    "--load-in --dtype --device --trust-remote-code --seed --max-entities --dry-run --format",
    "serialize": "--data --history --max-events --as-of --preset --on-bad-row --max-entities --dry-run --format "
    "--memory-limit --spill-limit --threads --timeout",
    "enrich": "--task -t --by --variants --formats --group-by --model -m --engine --base-url --temperature --top-p "
    "--max-new-tokens --min-fidelity --retries --context --concurrency --batch-size --load-in --dtype --device "
    "--trust-remote-code --seed --max-entities --dry-run --format",
    "finetune": "--task -t --model -m --name --method --steps --epochs --preset --texts --max-length "
    "--learning-rate --warmup --weight-decay --tokens-per-step --accumulate --lora-rank --evaluate-every --patience "
    "--held-out-tokens --optimizer --gradient-checkpointing --logit-chunk --save-every --load-in --dtype --device "
    "--attention --trust-remote-code --seed --max-entities --dry-run --format",
    "embed": "--task -t --model -m --k --texts --pooling --max-length --history --batch-tokens --layers --load-in "
    "--dtype --device --attention --trust-remote-code --max-entities --dry-run --format",
    "probe": "--task -t --features --protocol --probe --folds --repeats --k --layers --sizes --unseen-only --seed "
    "--max-entities --dry-run --format",
    "compare": "--task -t --reference --metric --protocol --probe --common --unseen-only --wide --format",
    "diff": "--dataset -n --sample --format",
    "sql": "--at --verify --format --out --memory-limit --spill-limit --threads --timeout",
    "similar": "--task -t --model -m --k --features -n --by --format",
    "report": "--task -t --out -o --features --projection --protocol --common",
    "init": "--out --force --memory-limit --spill-limit --threads --timeout",
    "recipes": "--format",
    "models": "--format",
    "models list": "--format",
    "models show": "",
    "models pull": "",
    "models export": "--to --k --pooling --max-length",
    "runs": "--limit -n --format",
    "runs show": "",
    "import": "--name --dataset --id --vector --dry-run --format",
    "export": "--task -t --features --out --layout --format --max-entities",
    "optimize": "--format",
    "check": "--repair --format",
    "copy": "--format",
    "gc": "--older-than --dry-run --format",
}
"""What scripts type: every option that a command has ever had, beside those that all have."""

OF_ALL = "--store --quiet -q --debug"

OFFERED = [
    (command, setting) for command, classes in OPTIONS.items() for cls in classes for setting in cls.settings().values()
]


def command_of(words: str) -> Any:
    """A command, or a command's command, as Typer makes it."""
    command: Any = typer.main.get_command(app)
    for word in words.split():
        command = command.get_command(None, word)
    return command


def test_every_options_class_has_its_command() -> None:
    classes = {kind for kind in vars(options).values() if isinstance(kind, type) and issubclass(kind, Options)}
    assert {cls for of in OPTIONS.values() for cls in of} == classes - {Options}


def test_what_nobody_can_type_is_listed_with_its_reason() -> None:
    classes = {cls for of in OPTIONS.values() for cls in of}
    assert {(cls, name) for cls in classes for name, s in fields_of(cls).items() if s.internal} == set(INTERNAL)


@pytest.mark.parametrize(
    ("command", "setting"), OFFERED, ids=[f"{command} {setting.flag}" for command, setting in OFFERED]
)
def test_every_field_can_be_typed_and_shows_its_default(command: str, setting: Setting) -> None:
    made = command_of(command)
    context = typer.Context(made)
    parameters = [p for p in made.params if setting.flag in p.opts]
    assert len(parameters) == 1, f"{command} has no {setting.flag}"
    _, shown = parameters[0].get_help_record(context)
    assert shown.startswith(setting.help), "the field's own words"
    assert setting.short == "" or setting.short in parameters[0].opts
    default = "" if setting.default is REQUIRED or setting.kind is bool else plain(setting, setting.default)
    assert (f"[default: {default}" in shown) if default else ("[default:" not in shown)
    assert ("required" in shown) is (setting.default is REQUIRED)


@pytest.mark.parametrize("command", FLAGS)
def test_no_flag_is_lost(command: str) -> None:
    known = {flag for parameter in command_of(command).params for flag in parameter.opts}
    assert not {*FLAGS[command].split(), *OF_ALL.split()} - known


@pytest.mark.parametrize("path", sorted(CLI.rglob("*.py")), ids=lambda path: path.stem)
def test_no_default_of_an_option_is_typed_again(path: Path) -> None:
    names = {setting.name for _, setting in OFFERED} | {"model"}
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        positional = [*node.args.posonlyargs, *node.args.args]
        pairs = [
            *zip(positional[len(positional) - len(node.args.defaults) :], node.args.defaults, strict=True),
            *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
        ]
        literal = [
            argument.arg
            for argument, default in pairs
            if argument.arg.rstrip("_") in names
            and isinstance(default, ast.Constant | ast.Tuple)
            and not (isinstance(default, ast.Constant) and default.value is None)
        ]
        assert not literal, f"{path.name}: {node.name} types the default of {', '.join(literal)} again"
