"""The options of a command, as Typer shows and hands on what the fields of options classes say."""

import re
import subprocess
import sys
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from llm4es.options import (
    EmbedOptions,
    FinetuneOptions,
    ImportOptions,
    LoadOptions,
    SimilarOptions,
    split,
)
from llm4es_cli import main
from llm4es_cli.call import Call
from llm4es_cli.signature import with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)
received: list[dict[str, Any]] = []


@app.command()
@with_options(EmbedOptions, LoadOptions, leave_out=("batch_tokens",), shared=("dry_run",))
def embed(
    call: Call,
    recipe: Annotated[str, typer.Argument()],
    model: Annotated[str, typer.Option("--model", "-m")] = "m",
    **words: Any,
) -> None:
    """Embed what a recipe names."""
    received.append({"recipe": recipe, "model": model, "dry_run": call.dry_run, "store": call.store, **words})
    split(words, EmbedOptions, LoadOptions)


@app.command()
@with_options(FinetuneOptions)
def finetune(call: Call, **words: Any) -> None:
    """Tune."""
    received.append(words)


@app.command("import")
@with_options(ImportOptions, SimilarOptions)
def import_(call: Call, **words: Any) -> None:
    """Import."""
    received.append(words)


def called(*words: str) -> dict[str, Any]:
    """What a command was handed."""
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return received.pop()


def shown(command: str) -> str:
    """The help of a command, its spaces made one each."""
    return re.sub(r"\s+", " ", CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output)


def test_help_shows_what_the_fields_say() -> None:
    text = shown("embed")
    assert "Embed what a recipe names." in text
    assert "--k N|all,... Last layers averaged; several from one pass, e.g. 1,8,all. [default: 1,8; x>=1]" in text
    assert "--max-length N Tokens a window. [default: 512; x>=2]" in text
    assert "--history newest|oldest|full|events Texts over --max-length" in text
    assert "--trust-remote-code Run Python code that comes with the model. Only if you trust it." in text
    assert "--batch-tokens" not in text
    assert text.index("--model") < text.index("--k ") < text.index("--device") < text.index("--dry-run")
    text = shown("import")
    assert "--name NAME What the vectors are called here: their `model`. [required]" in text
    assert "-m, --model MODEL Whose vectors. [default: smollm2-135m]" in text
    assert "-n N Neighbours. [default: 10; x>=1]" in text


def test_a_command_is_handed_what_was_typed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLM4ES_STORE", raising=False)
    assert called("embed", "bank") == {
        "recipe": "bank", "model": "m", "dry_run": False, "store": "llm4es-store",
    }  # fmt: skip
    typed = ("--k", "1,all", "-m", "mine", "--dry-run", "--store", "s", "--trust-remote-code", "--max-length", "512")
    assert called("embed", "bank", *typed) == {
        "recipe": "bank", "model": "mine", "dry_run": True, "store": "s",
        "k": "1,all", "trust_remote_code": True, "max_length": "512",
    }  # fmt: skip
    assert called("finetune", "--preset", "paper", "--warmup", "0.1") == {"preset": "paper", "warmup": "0.1"}
    assert called("import", "--name", "coles", "--dataset", "d", "-n", "3") == {
        "name": "coles", "dataset": "d", "n": "3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--max-length", "1"), "error: --max-length 1 is below 2: give 2 or more\n"),
        (("--k", "few"), "error: --k 'few' is no number of layers: give 1 or more, or 'all'\n"),
        (
            ("--dtype", "float"),
            "error: --dtype 'float' is unknown: choose one of auto, float32, bfloat16, float16; "
            "did you mean 'float32'?\n",
        ),
    ],
)
def test_a_bad_value_is_one_line(
    words: tuple[str, ...], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "app", app)
    monkeypatch.setattr(sys, "argv", ["llm4es", "embed", "bank", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", line)


def test_what_a_required_option_lacks_is_told() -> None:
    done = CliRunner().invoke(app, ["import", "--dataset", "d"])
    assert done.exit_code == 2
    assert "Missing option '--name'" in done.output


def test_a_shell_completes_the_choices() -> None:
    command: Any = typer.main.get_command(app)
    option = next(p for p in command.commands["embed"].params if p.name == "history")
    context = command.commands["embed"].make_context("embed", ["bank"])
    assert [item.value for item in option.shell_complete(context, "f")] == ["full"]


def test_it_loads_nothing_heavy() -> None:
    code = "import llm4es_cli.signature, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "duckdb", "pyarrow", "numpy", "sklearn", "pydantic"} & set(loaded)
