"""--pooling model: the vectors of sentence-transformers' own ``encode``, and what it cannot be."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es.core.errors import ModelError, OptionError
from llm4es.embed import embed
from llm4es.embed.sentence_transformers import export
from llm4es.models import load_model, resolve
from llm4es.models.sentence_modules import read_modules
from llm4es.options import EmbedOptions, History, ModelExportOptions, Pooling

from . import encoders, tiny
from .encoders import TEXTS


def ours(folder: Path, texts: list[str] = TEXTS, **options: Any) -> list[dict[str, Any]]:
    rows = tiny.texts(*[(f"e{i}", text) for i, text in enumerate(texts)])
    options = {"max_length": 256, "pooling": "model", **options}
    return tiny.rows(list(embed([rows], load_model(resolve(str(folder))), EmbedOptions(**options))))


def assert_as_encoded(folder: Path, **options: Any) -> None:
    expected = encoders.encoded(folder, TEXTS)
    found = ours(folder, **options)
    assert np.abs(np.array([row["vector"] for row in found]) - expected).max() <= 1e-5 * np.abs(expected).max()
    assert {(row["k"], row["dim"], row["pooling"]) for row in found} == {(1, expected.shape[1], "model")}


def edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("kind", encoders.ENCODERS)
def test_as_sentence_transformers_encodes(kind: str, tmp_path: Path) -> None:
    assert_as_encoded(encoders.save_sentence_model(tmp_path / "st", kind))


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken", "mean_sqrt_len_tokens"])
@pytest.mark.parametrize("after", [(), ("Dense",), ("Linear", "Normalize")])
def test_poolings_and_what_follows_them(pooling: str, after: tuple[str, ...], tmp_path: Path) -> None:
    assert_as_encoded(encoders.save_sentence_model(tmp_path / "st", after=after, pooling_mode=pooling))


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
@pytest.mark.parametrize("include", [True, False])
def test_prompts(pooling: str, include: bool, tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(
        tmp_path / "st", prompt="a user: ", pooling_mode=pooling, include_prompt=include
    )
    assert_as_encoded(folder)
    assert ours(folder)[0]["n_tokens"] == len("a user: " + TEXTS[0]) + 2


def test_a_decoder_s_last_token(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st", "qwen3", pooling_mode="lasttoken", prompt="Instruct: x\n")
    assert not resolve(str(folder)).encoder
    assert_as_encoded(folder)


def test_lower_case(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st")
    plain = encoders.encoded(folder, TEXTS)
    edit(folder / "sentence_bert_config.json", do_lower_case=True)
    assert np.abs(encoders.encoded(folder, TEXTS) - plain).max() > 1e-3
    assert_as_encoded(folder)


def test_settings_under_the_names_of_the_first_versions(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st")
    plain = encoders.encoded(folder, TEXTS)
    file = folder / "sentence_bert_config.json"
    edit(file, do_lower_case=True, max_seq_length=200)
    for kind in ("roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"):
        file = file.rename(folder / f"sentence_{kind}_config.json")
        modules = read_modules(folder, "st", 32)
        assert (modules.lower_case, modules.max_seq_length) == (True, 200)
    encoded = encoders.encoded(folder, TEXTS)
    assert np.abs(encoded - plain).max() > 1e-3
    assert_as_encoded(folder)
    to = export(load_model(resolve(str(folder))), tmp_path / "out", 1, Pooling.MODEL, 100)
    assert np.abs(encoders.encoded(to, TEXTS) - encoded).max() <= 1e-6


def test_of_two_settings_the_first_that_says_anything(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st")
    (folder / "sentence_bert_config.json").write_text("{}")
    (folder / "sentence_xlnet_config.json").write_text('{"max_seq_length": 7}')
    assert read_modules(folder, "st", 32).max_seq_length == 7
    (folder / "sentence_albert_config.json").write_text('{"max_seq_length": 9}')
    assert read_modules(folder, "st", 32).max_seq_length == 9


@pytest.mark.parametrize("first", [8, 64])
def test_first_dimensions(first: int, tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st")
    whole = read_modules(folder, "st", 32)
    edit(folder / "config_sentence_transformers.json", truncate_dim=first)
    assert encoders.encoded(folder, TEXTS).shape[1] == min(first, 32)
    assert_as_encoded(folder)
    assert (read_modules(folder, "st", 32).fingerprint == whole.fingerprint) == (first > 32)


def test_every_window_begins_with_the_prompt(tmp_path: Path) -> None:
    """Windows of a long text, pooled as one: the mean over the tokens of the windows, each encoded by itself."""
    folder = encoders.save_sentence_model(tmp_path / "st", after=(), prompt="user: ")
    (row,) = ours(folder, ["h\n" + "abcd\n" * 6], max_length=20, history=History.FULL)
    windows = ["h\n" + "abcd\n" * 2] * 3  # 2 special tokens, 6 of the prompt, 2 of the header, 10 of events
    assert (row["n_windows"], row["n_tokens"]) == (3, 60)
    assert np.abs(np.array(row["vector"]) - encoders.encoded(folder, windows)[0]).max() <= 1e-5


def test_variants_are_averaged_and_normalised(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st")
    rows = tiny.texts(("a", "raw", TEXTS[0]), ("a", "json", TEXTS[1]))
    options = EmbedOptions.of(pooling="model", texts=("all",), max_length=256)
    (row,) = tiny.rows(list(embed([rows], load_model(resolve(str(folder))), options)))
    mean = encoders.encoded(folder, TEXTS[:2]).mean(0)
    assert np.abs(np.array(row["vector"]) - mean / np.linalg.norm(mean)).max() <= 1e-5


def test_the_first_dimensions(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st", after=("Dense",))
    expected = encoders.encoded(folder, TEXTS)[:, :8]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(np.array([row["vector"] for row in ours(folder, dims=8)]) - expected).max() <= 1e-5
    with pytest.raises(ModelError, match="--dims 25 is above the 24 dimensions of st: give 24 or less"):
        ours(folder, dims=25)


def test_what_sums_over_tokens_cannot_give(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st", pooling_mode="max")
    with pytest.raises(ModelError, match="st pools by max, which sums over tokens cannot give"):
        read_modules(folder, "st", 32)
    edit(folder / "1_Pooling" / "config.json", pooling_mode=["mean", "cls"])
    with pytest.raises(ModelError, match="st pools by mean and cls, which sums"):
        read_modules(folder, "st", 32)


def test_folders_that_say_no_pooling(tmp_path: Path) -> None:
    plain = encoders.save(tmp_path / "plain", "bert")
    with pytest.raises(
        ModelError, match=re.escape("plain says no pooling of its own (no modules.json): give --pooling")
    ):
        ours(plain)
    folder = encoders.save_sentence_model(tmp_path / "st", after=("Dense",))
    listed = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([*listed[:2], listed[2] | {"type": "some.LSTM"}]))
    with pytest.raises(ModelError, match=r"the step some\.LSTM of st cannot be read"):
        read_modules(folder, "st", 32)
    (folder / "modules.json").write_text(json.dumps([listed[0] | {"type": "custom_st.Transformer"}, *listed[1:]]))
    with pytest.raises(ModelError, match=r"st is made of custom_st\.Transformer, Pooling, Dense; Transformer, Pooling"):
        read_modules(folder, "st", 32)
    (folder / "modules.json").write_text(json.dumps(listed[:1]))
    with pytest.raises(ModelError, match="st is made of Transformer; Transformer, Pooling"):
        read_modules(folder, "st", 32)
    (folder / "modules.json").write_text(json.dumps([{"idx": 0}]))
    with pytest.raises(ModelError, match="lists no steps of sentence-transformers"):
        read_modules(folder, "st", 32)
    (folder / "modules.json").write_text("{}")
    with pytest.raises(ModelError, match="holds no JSON array"):
        read_modules(folder, "st", 32)


def test_dense_layers_that_do_not_fit(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st", after=("Dense",))
    edit(folder / "2_Dense" / "config.json", activation_function="os.system")
    with pytest.raises(ModelError, match="2_Dense does not take the 32 dimensions of st"):
        read_modules(folder, "st", 32)
    edit(folder / "2_Dense" / "config.json", activation_function="torch.nn.modules.activation.None")
    with pytest.raises(ModelError, match=r"the dense layer in .*2_Dense cannot be read"):
        ours(folder)
    edit(folder / "2_Dense" / "config.json", use_residual=True)
    with pytest.raises(ModelError, match="2_Dense is no plain linear layer"):
        read_modules(folder, "st", 32)


def test_the_last_layer_alone() -> None:
    assert EmbedOptions.of(pooling="model").k == EmbedOptions.of(pooling="model", k=1).k == (1,)
    assert ModelExportOptions.of(pooling="model").k == 1
    with pytest.raises(OptionError, match=r"--k 4,all with --pooling model: .* reads the last layer alone"):
        EmbedOptions.of(pooling="model", k="4,all")
    with pytest.raises(OptionError, match="--layers keep with --pooling model"):
        EmbedOptions.of(pooling="model", layers="keep")


def test_exported_as_it_came(tmp_path: Path) -> None:
    folder = encoders.save_sentence_model(tmp_path / "st", after=("Dense", "Normalize"), prompt="user: ")
    to = export(load_model(resolve(str(folder))), tmp_path / "out", 1, Pooling.MODEL, 100)
    assert np.abs(encoders.encoded(to, TEXTS) - encoders.encoded(folder, TEXTS)).max() <= 1e-6
    assert read_modules(to, "out", 32).max_seq_length == 100


@pytest.mark.real
def test_minilm_with_its_real_weights() -> None:
    ref = resolve("all-minilm-l6-v2")
    assert (ref.n_layers, ref.dim, ref.context, ref.encoder) == (6, 384, 512, True)
    assert_as_encoded(ref.folder)
    settings = read_modules(ref.folder, ref.name, ref.dim)
    assert (settings.pooling, settings.steps, settings.max_seq_length) == ("mean", (None,), 256)
