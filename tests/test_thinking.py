"""Thinking in answers: whatever its marks are, none of it is taken for the answer, and no answer for thinking."""

import time

import pytest

from llm4es.enrich.engine import Answer
from llm4es.enrich.thinking import without_thinking

from .scripted import FILMS, Scripted, faithful, one

KIMI = ("\N{WHITE LEFT-POINTING TRIANGLE}", "\N{WHITE RIGHT-POINTING TRIANGLE}")
HARMONY = "<|channel|>analysis<|message|>hm\n- Kolya<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>"


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        "<think>\n\n</think>\n\n{}",
        "<think>\nI see:\n```\nfoo\n```\n</think>{}",
        "<THINKING>hm</THINKING>{}",
        '<think effort="low">hm</think>{}',
        "Okay, the user wants a list.\n</think>\n{}",  # the template began the block
        "<think>a</think><think>b</think>{}",
        "<think>a <think>b</think> c</think>{}",
        "<think>a</think>{}<think>was that right?</think>",
        "<think>the user wants no <think> tags in it</think>{}",
        "<think>a</think>{}<think>were there <think> tags?</think>",
        "{}\n<think>and now",
        "<reasoning>hm</reasoning><answer>{}</answer>",
        "<analysis>hm</analysis>\n{}",
        "<answer>\n{}\n</answer>",
        "<think>a</think>\n<answer>{}</answer>",
        "[THINK]hm[/THINK]{}",
        f"{KIMI[0]}think{KIMI[1]}hm{KIMI[0]}/think{KIMI[1]}{{}}",
        "<|begin_of_thought|>hm<|end_of_thought|>\n<|begin_of_solution|>{}<|end_of_solution|>",
        "<unused94>thought\nhm<unused95>{}",
        "<seed:think>hm</seed:think>{}",
        HARMONY,
        HARMONY.removesuffix("<|return|>"),
        "<|start|>assistant<|channel|>commentary<|message|>hm<|end|>" + HARMONY,
        "<|channel|>final <|constrain|>json<|message|>{}",
        "analysisThe user wants a list.assistantfinal{}",
    ],
)
def test_the_answer_alone_is_left(answer: str) -> None:
    said = faithful(["", *FILMS])
    assert without_thinking(answer.replace("{}", said)) == said


@pytest.mark.parametrize(
    "answer", ["<think>hm", "<think>a</think><think>b", "", "<|channel|>analysis<|message|>hm", "hm</think>"]
)
def test_thinking_alone_is_no_answer(answer: str) -> None:
    assert without_thinking(answer) == ""


@pytest.mark.parametrize("event", ["How to <think> | good | 1995", "</THINK> | bad | 1996", "<|channel|> | x | 1"])
def test_marks_that_stand_in_the_events_are_kept(event: str) -> None:
    films = [*FILMS, event]
    row = one(Scripted(faithful), films)
    assert (row["fidelity"], row["note"]) == (1.0, None)
    assert event in row["text"]


@pytest.mark.parametrize("prompt", ["narrative", "paper", "bullets"])
def test_no_thinking_gets_into_a_text(prompt: str) -> None:
    told = " ".join(film.replace(" | ", ", ") + "." for film in FILMS)
    said = faithful(["", *FILMS]) if prompt == "bullets" else told
    row = one(Scripted(lambda _: f"<think>I must keep to the facts.</think>\n{said}"), formats=(prompt,))
    assert (row["text"], row["note"]) == (said, None)


def test_thinking_that_never_ends_is_asked_for_again() -> None:
    row = one(Scripted(lambda lines: f"<think>{faithful(lines)}", faithful))
    assert (row["fidelity"], row["note"]) == (1.0, "asked again: thinking alone, and no answer")
    cut = one(Scripted(Answer("<think>Toy Story", finished=False)), retries=0)
    assert cut["note"] == "1 of 1 chunks replaced by bullet_list: cut off by --max-new-tokens"


def test_many_marks_take_no_long_time() -> None:
    began = time.monotonic()
    for mark in ("<think>", "</think>", "<think", "<|channel|>final", "analysisassistantfinal", "<answer>"):
        without_thinking(mark * 200_000)
    assert time.monotonic() - began < 20  # quadratic work on such a text would take hours
