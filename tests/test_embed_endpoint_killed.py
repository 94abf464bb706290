"""Vectors from a server, killed in the middle; and from llama.cpp's own."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from llm4es.embed.drift import TEXTS

from .embeddings import FIXED, embedded, words
from .serving import Reply, gguf, llama, served
from .shell import Shell, committing_at_once, rows_so_far


def at_once(folder: Path) -> dict[str, str]:
    """The environment of a process that commits every answer as it comes."""
    environment = committing_at_once(folder)
    with (folder / "sitecustomize.py").open("a") as file:
        file.write("\nimport llm4es.project.embed_endpoint as e; e.COMMIT_SECONDS = 0.0\n")
    return environment


def kill_after(own: Shell, rows: int, more: tuple[object, ...], environment: dict[str, str]) -> set[str]:
    """Embed in a process that is killed as soon as so many rows are there; whose rows are there then."""
    command = [sys.executable, "-m", "llm4es_cli.main", "embed", own.recipe, *more, "--store", own.root]
    process = subprocess.Popen(
        [str(word) for word in command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and rows_so_far(own.root, "embeddings") < rows:
        time.sleep(0.05)
    process.kill()
    process.wait()
    return {entity for (entity,) in own.sql("SELECT entity_id FROM embeddings")}


def test_what_was_committed_is_not_asked_for_again(own: Shell) -> None:
    def slowly(asked: dict[str, Any]) -> Reply:
        time.sleep(0.3)
        return embedded(asked)

    with served(slowly) as server:
        more = words(server, "--batch-inputs", 2, "--concurrency", 1)
        kept = kill_after(own, 4, more, at_once(own.folder))
        before = len(server.seen)
        (outcome,) = own.stage("embed", *words(server))
        again = {text for asked in server.seen[before + FIXED :] for text in asked["input"]}
    texts = dict(own.sql("SELECT entity_id, text FROM texts"))
    assert 4 <= len(kept) < 20
    assert (outcome["computed"], outcome["reused"]) == (20 - len(kept), len(kept))
    assert again == {texts[entity] for entity in texts.keys() - kept}


def test_an_interrupt_waits_for_no_server(own: Shell) -> None:
    def hanging(asked: dict[str, Any]) -> Reply:
        answer = embedded(asked)
        return answer if {*asked["input"]} <= {*TEXTS.values()} else replace(answer, pause=300)

    with served(hanging) as server:
        command = [sys.executable, "-m", "llm4es_cli.main", "embed", own.recipe, *words(server), "--store", own.root]
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and len(server.seen) <= FIXED:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in err


@pytest.fixture(scope="module")
def file() -> Path:
    """The built-in model's, found before the cache is another."""
    return gguf()


@pytest.mark.real
def test_a_real_server(own: Shell, file: Path) -> None:
    """llama.cpp's own, with the built-in model: the vectors are those that the openai client gets."""
    pytest.importorskip("xllamacpp")
    with llama(file, embedding=True) as address:
        environment = at_once(own.folder)
        kept = kill_after(own, 2, words(address, "--batch-inputs", 2, "--concurrency", 1), environment)
        (outcome,) = own.stage("embed", *words(address))
        assert (outcome["computed"], outcome["reused"]) == (20 - len(kept), len(kept))
        client = openai.OpenAI(base_url=address, api_key="none")
        rows = own.sql("SELECT entity_id, text, vector, n_tokens FROM embeddings JOIN texts USING (entity_id)")
        for _, text, vector, _ in rows[:5]:
            made = client.embeddings.create(model="bge", input=text, encoding_format="float").data[0].embedding
            assert vector == pytest.approx(made, rel=1e-3, abs=1e-4)  # rounding differs with what stands beside it
        counted = client.embeddings.create(model="bge", input=[text for _, text, _, _ in rows]).usage.prompt_tokens
        assert sum(n_tokens for *_, n_tokens in rows) == counted
