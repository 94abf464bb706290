"""Histories that a model is asked about: the state of the last token, against transformers' own pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from llm4es import Project, encode
from llm4es.core.errors import ModelError, OptionError
from llm4es.embed import embed, embed_layers
from llm4es.embed.prompts import Asked, Combine, PromptSet
from llm4es.models.load import Model
from llm4es.options import EmbedOptions, History

from . import tiny
from .shell import Shell
from .test_read_events import loaded

ONE = PromptSet("mine", Asked.HISTORIES, ("a",), ("Read:\n{history}\nIn a word: ",))
TWO = PromptSet("mine", Asked.HISTORIES, ("a", "b"), (*ONE.templates, "{history} is"))
TEXTS = tiny.texts(("a", "Shop\ntea\nmilk"), ("b", "Shop\n" + "\n".join(f"tea {i}" for i in range(20))), ("c", "x"))
WORDS = ("--prompt", "one-word", "--max-length", 256, "--k", 2)


def vectors(model: Model, prompts: PromptSet, **options: Any) -> dict[str, dict[str, Any]]:
    chosen = EmbedOptions(**{"k": (2,), "max_length": 256, "prompt": "mine", **options})
    return {row["entity_id"]: row for row in tiny.rows(list(embed([TEXTS], model, chosen, prompts=prompts)))}


def plain(model: Model, text: str, k: int) -> torch.Tensor:
    """Transformers' own state of the prompt's last token, mean over the last k layers; no special token behind it."""
    ids = [i for i in model.tokenizer(text)["input_ids"] if i != 257]
    network: Any = model.network.base_model
    with torch.no_grad():
        states = network(torch.tensor([ids]), output_hidden_states=True).hidden_states[1:]
    return torch.stack(states[-k:]).mean(0)[0, -1]


@pytest.mark.parametrize("architecture", list(tiny.ARCHITECTURES))
def test_the_vector_is_the_state_of_the_prompts_last_token(architecture: str, tmp_path: Path) -> None:
    model = loaded(tmp_path, architecture, bos=True)
    texts = dict(zip(TEXTS["entity_id"].to_pylist(), TEXTS["text"].to_pylist(), strict=True))
    for entity, row in vectors(model, ONE).items():
        expected = plain(model, f"Read:\n{texts[entity]}\nIn a word: ", 2)
        assert (torch.tensor(row["vector"]) - expected).norm() <= 1e-5 * expected.norm()
        assert (row["pooling"], row["n_events_dropped"], row["n_windows"]) == ("last", 0, 1)


def test_windows_of_a_long_history_each_have_the_whole_prompt() -> None:
    model = tiny.counting()
    ask = PromptSet("mine", Asked.HISTORIES, ("a",), ("8 9 {history} 7",))
    text = tiny.texts(("a", "5\n1 2\n3 4\n6 1"))  # header 5
    for history, states in {History.NEWEST: [(7, 7)], History.OLDEST: [(7, 7)], History.FULL: [(7, 7), (7, 5)]}.items():
        options = EmbedOptions(k=(1,), max_length=8, history=history, prompt="mine")
        (row,) = tiny.rows(list(embed([text], model, options, prompts=ask)))
        assert row["vector"][:2] == pytest.approx([10 * sum(each) / len(states) for each in zip(*states, strict=True)])
        assert row["n_tokens"] == (14 if history is History.FULL else 8)


def test_the_tokenizers_own_end_is_left_out() -> None:
    """The next token after a prompt is its answer, not what follows the end of a text."""
    model = tiny.counting(tiny.number_tokenizer(bos=True, eos=True))
    ask = PromptSet("mine", Asked.HISTORIES, ("a",), ("8 {history} 7",))
    options = EmbedOptions(k=(1,), max_length=8, prompt="mine")
    (row,) = tiny.rows(list(embed([tiny.texts(("a", "5"))], model, options, prompts=ask)))
    assert (row["vector"][:2], row["n_tokens"]) == (pytest.approx([70, 30]), 4)


def test_several_prompts_are_joined_or_averaged_and_variants_averaged() -> None:
    model = tiny.counting()
    both = tiny.texts(("a", "raw", "5"), ("a", "json", "5 6 6"))
    options = EmbedOptions(k=(1,), max_length=8, prompt="mine", texts=("all",))
    for combine, first in ((Combine.JOIN, [90, 20, 40, 10, 80, 30, 40, 10]), (Combine.MEAN, [85, 25, 40, 10])):
        ask = PromptSet("mine", Asked.HISTORIES, ("a", "b"), ("{history} 9", "3 {history} 8"), combine)
        (row,) = tiny.rows(list(embed([both], model, options, prompts=ask)))
        assert row["vector"] == pytest.approx(first)
        assert (row["dim"], row["n_tokens"]) == (len(first), 2 + 4 + 3 + 5)
        (plainly,) = tiny.rows(list(embed([both], model, EmbedOptions(k=(1,), max_length=8, texts=("all",)))))
        assert row["source_hash"] == plainly["source_hash"]
    ((_, layers),) = embed_layers([both], model, options, prompts=TWO_NUMBERS)
    assert layers["dim"].to_pylist() == [8] * 4


TWO_NUMBERS = PromptSet("mine", Asked.HISTORIES, ("a", "b"), ("{history} 9", "3 {history} 8"))


def test_encoders_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is an encoder: it embeds, predicts no next token and so cannot be asked"):
        vectors(loaded(tmp_path, "bert"), ONE)


def test_options_that_do_not_go_with_a_prompt() -> None:
    assert EmbedOptions(prompt="one-word").pooling == "last"
    with pytest.raises(OptionError, match="--pooling content_mean with --prompt one-word: the last token's state"):
        EmbedOptions.of(prompt="one-word", pooling="content_mean")
    with pytest.raises(OptionError, match="--answers man,woman without --prompt: nothing is asked"):
        EmbedOptions.of(answers="man,woman")
    with pytest.raises(OptionError, match="--answers man with --history newest: they are kept of single events"):
        EmbedOptions.of(answers="man", prompt="one-word")
    with pytest.raises(OptionError, match="--prompt one-word with --engine openai: leave it out, a server pools"):
        EmbedOptions.of(prompt="one-word", engine="openai", base_url="http://127.0.0.1:1/v1")


def test_the_words_of_a_prompt_are_the_configuration_and_its_name_is_shown(shell: Shell, tmp_path: Path) -> None:
    shell.stage("serialize")
    (made,) = shell.stage("embed", "--model", shell.model, *WORDS)
    (again,) = shell.stage("embed", "--model", shell.model, *WORDS)
    assert (made["computed"], again["computed"]) == (20, 0)
    own = tmp_path / "mine.toml"
    for words, computed in (("Who did {history}? ", 20), ("Who did {history}? ", 0), ("Who has done {history}? ", 20)):
        own.write_text(f"[histories]\nwho = '{words}'")
        (made,) = shell.stage("embed", "--model", shell.model, "--prompt", own, *WORDS[2:])
        assert made["computed"] == computed
    shell.stage("probe", "--task", "loyal", "--folds", 2)
    shown = shell("compare", shell.recipe, "--task", "loyal")[1]
    assert "@2 [256 tokens, one-word]" in shown
    assert "@2 [256 tokens, mine]" in shown
    missing = ("--prompt", tmp_path / "none.toml", *WORDS[2:])
    said = shell.fails("embed", shell.recipe, "--model", shell.model, *missing)
    assert "none.toml cannot be read (No such file or directory): give a TOML file of templates" in said
    assert "did you mean one-word?" in shell.fails(
        "embed", shell.recipe, "--model", shell.model, "--prompt", "one-wrod", *WORDS[2:]
    )


def test_encode_asks_too(project: Project, model: Path) -> None:
    events = {"customer": ["a", "b", "a"], "shop": ["shoes", "books", "tea"]}
    import pandas as pd

    words: dict[str, Any] = {"entity": "customer", "model": str(model), "k": 1, "observer": "silent"}
    asked = encode(pd.DataFrame(events), prompt="one-word", **words)
    plainly = encode(pd.DataFrame(events), **words)
    assert asked["entity_id"].tolist() == ["a", "b"]
    assert np.abs(np.stack(asked["vector"]) - np.stack(plainly["vector"])).max() > 1e-3
