"""Options: said once at their fields, read as people type them, and keyed in stores as they always were."""

import dataclasses
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es import options
from llm4es.core.errors import OptionError
from llm4es.options import (
    FINETUNE_PRESETS,
    REQUIRED,
    Device,
    Dtype,
    EmbedOptions,
    EnrichBy,
    EnrichOptions,
    FinetuneOptions,
    History,
    ImportOptions,
    Layers,
    LoadIn,
    LoadOptions,
    Method,
    Options,
    Pooling,
    ProbeOptions,
    RunOptions,
    SelectOptions,
    SerializeOptions,
    Setting,
    SimilarOptions,
    split,
)

CLASSES = [kind for kind in vars(options).values() if isinstance(kind, type) and issubclass(kind, Options)]
CLASSES.remove(Options)
FIELDS = [(cls, setting) for cls in CLASSES for setting in cls.settings().values()]
NAMES = [f"{cls.__name__}.{setting.name}" for cls, setting in FIELDS]

"""Options, what their fingerprint is as JSON, and the config_id made of it: stores are keyed by them."""


@pytest.mark.parametrize(("cls", "setting"), FIELDS, ids=NAMES)
def test_every_field_says_what_it_is(cls: type[Options], setting: Setting) -> None:
    assert setting.help.endswith((".", ")."))
    assert setting.kind is not object
    if setting.kind is int and setting.name != "seed":
        assert setting.minimum is not None, "a count has a least one"
    if setting.default is not REQUIRED and setting.default is not None:
        setting.check(setting.default)


@pytest.mark.parametrize(("cls", "setting"), FIELDS, ids=NAMES)
def test_what_is_below_its_bound_is_refused_by_name(cls: type[Options], setting: Setting) -> None:
    if setting.minimum is None:
        assert setting.maximum is None
        return
    low = setting.minimum - (2 if setting.names else 1)  # 0 stands for a name
    value = (int(low),) if setting.many else setting.kind(low)
    needed: dict[str, Any] = {name: "x" for name, s in cls.settings().items() if s.default is REQUIRED}
    with pytest.raises(OptionError, match=rf"^{setting.flag} {low:g} is (below|not above|not between) .*: give "):
        cls(**{**needed, setting.name: value})


def test_a_default_can_be_read_from_the_class() -> None:
    assert (EmbedOptions.max_length, EmbedOptions.k, EmbedOptions().k) == (512, (1, 8), (1, 8))
    assert (LoadOptions.dtype, SerializeOptions.max_events) == (Dtype.AUTO, None)


@pytest.mark.parametrize(
    ("cls", "words", "values"),
    [
        (EmbedOptions, {"k": "1,8,all"}, {"k": (1, 8, 0)}),
        (EmbedOptions, {"k": (1, 8, "all")}, {"k": (1, 8, 0)}),
        (EmbedOptions, {"k": 8}, {"k": (8,)}),
        (EmbedOptions, {"k": " all "}, {"k": (0,)}),
        (EmbedOptions, {"k": np.array([1, 3])}, {"k": (1, 3)}),
        (EmbedOptions, {"texts": "raw, json"}, {"texts": ("raw", "json")}),
        (EmbedOptions, {"texts": ["raw", "json"]}, {"texts": ("raw", "json")}),
        (
            EmbedOptions,
            {"history": "full", "pooling": Pooling.LAST},
            {"history": History.FULL, "pooling": Pooling.LAST},
        ),
        (EmbedOptions, {"max_length": "64", "batch_tokens": np.int64(9)}, {"max_length": 64, "batch_tokens": 9}),
        (EmbedOptions, {"max_length": None, "layers": "keep"}, {"max_length": 512, "layers": Layers.KEEP}),
        (LoadOptions, {"trust_remote_code": True}, {"trust_remote_code": True}),
        (LoadOptions, {"trust_remote_code": "no", "load_in": "4bit"}, {"load_in": LoadIn.NF4}),
        (EnrichOptions, {"model": Path("models/mine"), "temperature": 1}, {"model": "models/mine", "temperature": 1.0}),
        (SerializeOptions, {"as_of": "1998-03-01"}, {"as_of": datetime(1998, 3, 1, tzinfo=UTC)}),
        (SerializeOptions, {"as_of": date(1998, 3, 1)}, {"as_of": datetime(1998, 3, 1, tzinfo=UTC)}),
        (SerializeOptions, {"as_of": datetime(1998, 3, 1, 12)}, {"as_of": datetime(1998, 3, 1, 12, tzinfo=UTC)}),
        (SerializeOptions, {"as_of": "1998-03-01T12:00+02:00"}, {"as_of": datetime(1998, 3, 1, 10, tzinfo=UTC)}),
        (SimilarOptions, {"k": "all", "n": "3"}, {"k": 0, "n": 3}),
        (
            SelectOptions,
            {"features": "tfidf,m@8 [256 tokens, full]"},
            {"features": ("tfidf", "m@8 [256 tokens, full]")},
        ),
        (RunOptions, {"finetune": "none", "variants": 0}, {"finetune": 0, "variants": 0}),
        (RunOptions, {}, {"finetune": None, "history": None, "on_bad_row": None}),
        (FinetuneOptions, {"steps": "dry_run"}, {"steps": 2}),
        (FinetuneOptions, {"steps": "tiny_run"}, {"steps": 50}),
        (FinetuneOptions, {"epochs": 2}, {"epochs": 2.0}),
    ],
)
def test_words_are_read_as_people_type_them(cls: type[Options], words: dict[str, Any], values: dict[str, Any]) -> None:
    read = cls.of(**words)
    assert read == dataclasses.replace(cls(), **values)
    assert [type(getattr(read, name)) for name in values] == [type(value) for value in values.values()]


@pytest.mark.parametrize(
    ("cls", "given", "values"),
    [
        (
            EmbedOptions,
            {"k": 8, "max_length": "64", "history": "full", "texts": "raw"},
            {"k": (8,), "max_length": 64, "history": History.FULL, "texts": ("raw",)},
        ),
        (EmbedOptions, {"k": [1, "all"], "pooling": None}, {"k": (1, 0), "pooling": Pooling.MEAN}),
        (SerializeOptions, {"as_of": "1998-03-01"}, {"as_of": datetime(1998, 3, 1, tzinfo=UTC)}),
        (LoadOptions, {"dtype": "bfloat16", "device": Device.CPU}, {"dtype": Dtype.BFLOAT16, "device": Device.CPU}),
        (LoadOptions, {"trust_remote_code": "yes"}, {"trust_remote_code": True}),
        (ProbeOptions, {"train_size": "50"}, {"train_size": 50}),
        (EnrichOptions, {"by": "llm", "temperature": 1}, {"by": EnrichBy.LLM, "temperature": 1.0}),
    ],
)
def test_a_class_itself_reads_them_too(cls: type[Options], given: dict[str, Any], values: dict[str, Any]) -> None:
    made = cls(**given)
    assert {name: getattr(made, name) for name in values} == values
    assert [type(getattr(made, name)) for name in values] == [type(value) for value in values.values()]
    assert json.dumps(made.fingerprint()) == json.dumps(cls(**values).fingerprint())


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (SerializeOptions, {"history": "ful", "max_events": 2}, "--history 'ful' is unknown: choose one of newest, "),
        (SerializeOptions, {"history": "full", "max_events": 2}, "--history full keeps every event and --max-events 2"),
        (EmbedOptions, {"max_length": "many"}, "--max-length 'many' is no number of tokens: give 2 or more"),
        (EmbedOptions, {"max_length": 8.5}, "--max-length 8.5 is no number of tokens: give 2 or more"),
        (EmbedOptions, {"k": ()}, "--k is empty: give at least one number of layers, or 'all'"),
        (EmbedOptions, {"k": "0"}, "--k 0 is below 1: give 1 or more, or 'all'"),
        (ImportOptions, {"name": None, "dataset": "d"}, "--name is missing: "),
    ],
)
def test_a_class_itself_refuses_what_cannot_be(cls: type[Options], values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        cls(**values)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("cls", "words", "message"),
    [
        (EmbedOptions, {"max_lenght": 8}, "no option 'max_lenght'; did you mean 'max_length'?"),
        (SimilarOptions, {"zzz": 8}, "no option 'zzz'; there are model, k, features, n, by"),
        (ProbeOptions, {"train_size": 8}, "no option 'train_size'; did you mean"),
        (
            EmbedOptions,
            {"history": "ful"},
            "--history 'ful' is unknown: choose one of newest, oldest, full, events; did you mean 'full'?",
        ),
        (EmbedOptions, {"pooling": 3}, "--pooling 3 is unknown: choose one of mean, last, content_mean"),
        (EmbedOptions, {"k": "x"}, "--k 'x' is no number of layers: give 1 or more, or 'all'"),
        (EmbedOptions, {"k": "0"}, "--k 0 is below 1: give 1 or more, or 'all'"),
        (EmbedOptions, {"k": 0}, "--k 0 is below 1: give 1 or more, or 'all'"),
        (EmbedOptions, {"k": (8, np.int64(0))}, "--k 0 is below 1: give 1 or more, or 'all'"),
        (SelectOptions, {"layers": [0]}, "--layers 0 is below 1: give 1 or more, or 'all'"),
        (SimilarOptions, {"k": 0.0}, "--k 0 is below 1: give 1 or more, or 'all'"),
        (RunOptions, {"k": 0}, "--k 0 is below 1: give 1 or more, or 'all'"),
        (RunOptions, {"k": ""}, "--k is empty: give at least one number of layers, or 'all'"),
        (RunOptions, {"engine": "openai", "k": 2}, "--k 2 with --engine openai: leave it out, a server pools itself"),
        (
            RunOptions,
            {"engine": "openai", "workers": 2},
            "--workers 2 with --engine openai: --concurrency says",
        ),
        (RunOptions, {"engine": "openai", "base_url": "http://a:b@c"}, "--base-url holds a name or password"),
        (EmbedOptions, {"k": (8, -1)}, "--k -1 is below 1: give 1 or more, or 'all'"),
        (EmbedOptions, {"k": ""}, "--k is empty: give at least one number of layers, or 'all'"),
        (EmbedOptions, {"max_length": 1}, "--max-length 1 is below 2: give 2 or more"),
        (EmbedOptions, {"max_length": 8.5}, "--max-length 8.5 is no number of tokens: give 2 or more"),
        (EmbedOptions, {"max_length": True}, "--max-length True is no number of tokens: give 2 or more"),
        (EmbedOptions, {"texts": 3}, "--texts 3 is no text: give it between quotes"),
        (LoadOptions, {"trust_remote_code": "maybe"}, "--trust-remote-code 'maybe' is neither true nor false"),
        (EnrichOptions, {"top_p": "1.5"}, "--top-p 1.5 is not between 0 and 1: give a number from 0 to 1"),
        (EnrichOptions, {"temperature": "nan"}, "--temperature nan is no number: give 0 or more"),
        (EnrichOptions, {"temperature": "warm"}, "--temperature 'warm' is no number: give 0 or more"),
        (
            SerializeOptions,
            {"as_of": "soon"},
            "--as-of 'soon' is no date: give for example 1998-03-01 or 1998-03-01T12:00",
        ),
        (SerializeOptions, {"as_of": 3}, "--as-of 3 is no date"),
        (ImportOptions, {"dataset": "d"}, "--name is missing: "),
        (SelectOptions, {"features": "a", "k": 1}, "--features names the depths already: leave out --k and --layers"),
        (FinetuneOptions, {"preset": "thesis"}, "--preset 'thesis' is unknown: choose one of paper"),
        (
            FinetuneOptions,
            {"steps": "few"},
            "--steps 'few' is no number of steps: give 1 or more, or 'dry_run', 'tiny_run'",
        ),
        (FinetuneOptions, {"steps": 3, "epochs": 2}, "--steps 3 and --epochs 2 both say how long: give one"),
        (FinetuneOptions, {"warmup": 0.5, "warmup_steps": 2}, "--warmup 0.5 and --warmup-steps 2 both say how long"),
        (FinetuneOptions, {"warmup": 1}, "--warmup 1 is not between 0 and 1: give a number from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_option(
    cls: type[Options], words: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError) as caught:
        cls.of(**words)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_what_was_given_beats_a_preset() -> None:
    paper = FINETUNE_PRESETS["paper"]
    assert FinetuneOptions.of(preset="paper") == paper
    assert FinetuneOptions.of(preset="paper", warmup=0.1) == dataclasses.replace(paper, warmup=0.1, warmup_steps=None)
    assert FinetuneOptions.of(preset="paper", warmup_steps=5) == dataclasses.replace(paper, warmup_steps=5)
    assert FinetuneOptions.of(preset="paper", steps="tiny_run") == dataclasses.replace(paper, steps=50)
    assert FinetuneOptions.of(preset="paper", epochs="30") == dataclasses.replace(paper, epochs=30.0)
    # a value that is the default of a field is given all the same
    assert FinetuneOptions.of(preset="paper", max_length=512).max_length == 512
    assert FinetuneOptions.of(preset="paper", method="lora").method is Method.LORA


def test_what_stands_for_a_name_stays_in_an_object() -> None:
    everything = EmbedOptions.of(k="all,1")
    assert dataclasses.replace(everything, max_length=64).k == (0, 1)
    assert EmbedOptions(k=everything.k) == everything


def test_words_are_divided_among_classes() -> None:
    embedding, load = split({"k": 8, "dtype": "bfloat16", "device": None}, EmbedOptions, LoadOptions)
    assert (embedding, load) == (EmbedOptions(k=(8,)), LoadOptions(dtype=Dtype.BFLOAT16))
    with pytest.raises(OptionError, match=r"no option 'dtyp'; did you mean 'dtype'\?"):
        split({"k": 8, "dtyp": "bfloat16"}, EmbedOptions, LoadOptions)
    tuning, load = split({"preset": "paper", "warmup": 0.5, "load_in": "4bit"}, FinetuneOptions, LoadOptions)
    assert (tuning.warmup_steps, tuning.max_length, load.load_in) == (None, 8192, LoadIn.NF4)


def test_a_learning_curve_is_a_probe_a_size() -> None:
    assert ProbeOptions.of(folds=3).each_size() == [ProbeOptions(folds=3)]
    sized = ProbeOptions.of(sizes="50,100", folds=3).each_size()
    assert sized == [ProbeOptions(folds=3, train_size=50), ProbeOptions(folds=3, train_size=100)]
