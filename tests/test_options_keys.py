"""Stores are keyed by what options say of themselves: by the same keys as ever."""

import json
from datetime import UTC, datetime

import pytest

from llm4es.core.hashing import config_id
from llm4es.options import (
    FINETUNE_PRESETS,
    Attention,
    Device,
    Dtype,
    EmbedOptions,
    EngineName,
    EnrichBy,
    EnrichOptions,
    FinetuneOptions,
    History,
    ImportOptions,
    LoadIn,
    LoadOptions,
    Method,
    OnBadRow,
    Optimizer,
    Options,
    Pooling,
    ProbeOptions,
    SerializeOptions,
)

FINGERPRINTS: list[tuple[Options, str, str]] = [
    (
        SerializeOptions(),
        '{"history": "newest", "max_events": null, "as_of": null, "preset": "raw"}',
        "31fb29498263",
    ),
    (
        SerializeOptions(
            history=History.OLDEST,
            max_events=200,
            as_of=datetime(1998, 3, 1, tzinfo=UTC),
            preset="paper",
            on_bad_row=OnBadRow.SKIP,
        ),
        '{"history": "oldest", "max_events": 200, "as_of": "1998-03-01T00:00:00+00:00", "preset": "paper"}',
        "8d521d992a19",
    ),
    (
        EnrichOptions(),
        '{"by": "rules", "variants": 2, "formats": [], "seed": 0, "group_by": ""}',
        "e763a5986795",
    ),
    (
        EnrichOptions(variants=3, formats=("json", "table"), seed=7, group_by="Genres", batch_size=4),
        '{"by": "rules", "variants": 3, "formats": ["json", "table"], "seed": 7, "group_by": "Genres"}',
        "faf8a9607ad2",
    ),
    (
        EnrichOptions(by=EnrichBy.LLM),
        '{"by": "llm", "variants": 2, "formats": [], "seed": 0, "group_by": "", "engine": "transformers", '
        '"model": "smollm2-135m", "temperature": 0.6, "top_p": 0.9, "max_new_tokens": 512, "context": 4096, '
        '"min_fidelity": 0.9, "retries": 1}',
        "c182972937ae",
    ),
    (
        EnrichOptions(
            by=EnrichBy.LLM,
            engine=EngineName.OPENAI,
            model="m",
            base_url="http://x",
            temperature=0.0,
            top_p=0.5,
            max_new_tokens=64,
            context=1024,
            min_fidelity=0.5,
            retries=2,
            concurrency=2,
        ),
        '{"by": "llm", "variants": 2, "formats": [], "seed": 0, "group_by": "", "engine": "openai", '
        '"model": "m", "temperature": 0.0, "top_p": 0.5, "max_new_tokens": 64, "context": 1024, '
        '"min_fidelity": 0.5, "retries": 2}',
        "3b62288acced",
    ),
    (
        EmbedOptions(),
        '{"pooling": "mean", "texts": ["raw"], "max_length": 512, "history": "newest"}',
        "f828730a651e",
    ),
    (
        EmbedOptions(
            k=(1, 0),
            pooling=Pooling.CONTENT_MEAN,
            texts=("raw", "json"),
            max_length=256,
            history=History.FULL,
            batch_tokens=64,
        ),
        '{"pooling": "content_mean", "texts": ["raw", "json"], "max_length": 256, "history": "full"}',
        "2b271616eb9f",
    ),
    (
        EmbedOptions(dims=64),
        '{"pooling": "mean", "texts": ["raw"], "max_length": 512, "history": "newest", "dims": 64}',
        "c996188e1897",
    ),
    (  # the words of a prompt are added by whoever reads them; its name is none of the configuration
        EmbedOptions(prompt="one-word"),
        '{"pooling": "last", "texts": ["raw"], "max_length": 512, "history": "newest"}',
        "a3d00e1e6f3f",
    ),
    (
        FinetuneOptions(),
        '{"method": "lora", "texts": ["all"], "steps": null, "epochs": 1.0, "max_length": 512, '
        '"learning_rate": null, "warmup": 0.1, "warmup_steps": null, "weight_decay": 1e-06, '
        '"adam_beta2": 0.999, "adam_epsilon": 1e-08, "max_grad_norm": 1.0, "optimizer": "adamw", '
        '"tokens_per_step": 2048, "accumulate": 1, "lora_rank": 16, "evaluate_every": null, "patience": null, '
        '"held_out_tokens": null, "seed": 0}',
        "e14c5d498937",
    ),
    (
        FinetuneOptions(
            method=Method.FULL,
            steps=50,
            texts=("raw",),
            learning_rate=3e-4,
            warmup_steps=5,
            optimizer=Optimizer.ADAMW_8BIT,
            evaluate_every=5,
            patience=2,
            held_out_tokens=100,
            seed=3,
            save_every=7,
            gradient_checkpointing=True,
            logit_chunk=64,
        ),
        '{"method": "full", "texts": ["raw"], "steps": 50, "epochs": 1.0, "max_length": 512, '
        '"learning_rate": 0.0003, "warmup": 0.1, "warmup_steps": 5, "weight_decay": 1e-06, '
        '"adam_beta2": 0.999, "adam_epsilon": 1e-08, "max_grad_norm": 1.0, "optimizer": "adamw_8bit", '
        '"tokens_per_step": 2048, "accumulate": 1, "lora_rank": 16, "evaluate_every": 5, "patience": 2, '
        '"held_out_tokens": 100, "seed": 3}',
        "e0434fd1bf75",
    ),
    (
        FINETUNE_PRESETS["paper"],
        '{"method": "full", "texts": ["all"], "steps": null, "epochs": 2.0, "max_length": 8192, '
        '"learning_rate": 1e-05, "warmup": 0.1, "warmup_steps": 608, "weight_decay": 1e-06, '
        '"adam_beta2": 0.95, "adam_epsilon": 1e-05, "max_grad_norm": 1.0, "optimizer": "adamw", '
        '"tokens_per_step": 8192, "accumulate": 1, "lora_rank": 16, "evaluate_every": null, "patience": null, '
        '"held_out_tokens": null, "seed": 0}',
        "63ebbea2176c",
    ),
    (
        ProbeOptions(),
        '{"protocol": "cv", "probe": "logistic", "folds": 5, "repeats": 3, "bootstrap": 1000, "seed": 0, '
        '"train_size": null, "unseen_only": false}',
        "7246a91422c3",
    ),
    (
        ProbeOptions(
            protocol="holdout",
            probe="lightgbm",
            folds=10,
            repeats=1,
            bootstrap=50,
            seed=2,
            train_size=100,
            unseen_only=True,
            workers=2,
        ),
        '{"protocol": "holdout", "probe": "lightgbm", "folds": 10, "repeats": 1, "bootstrap": 50, "seed": 2, '
        '"train_size": 100, "unseen_only": true}',
        "8cc1bdb77930",
    ),
    (
        LoadOptions(),
        '{"load_in": "none", "dtype": "auto"}',
        "6b991a589713",
    ),
    (
        LoadOptions(
            load_in=LoadIn.NF4,
            dtype=Dtype.BFLOAT16,
            device=Device.CUDA,
            attention=Attention.EAGER,
            trust_remote_code=True,
        ),
        '{"load_in": "4bit", "dtype": "bfloat16"}',
        "01534a907dc8",
    ),
    (
        ImportOptions("coles", "bank", id="x"),
        '{"imported": "coles"}',
        "9080668e3e06",
    ),
]


@pytest.mark.parametrize(("given", "fingerprint", "key"), FINGERPRINTS)
def test_stores_are_keyed_as_they_always_were(given: Options, fingerprint: str, key: str) -> None:
    assert given.fingerprint() == json.loads(fingerprint)
    assert config_id(given.fingerprint()) == key
