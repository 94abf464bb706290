"""Prompts about events and histories: what their files say, and what the model is asked."""

import re

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import OptionError
from llm4es.embed.prompts import (
    Asked,
    Combine,
    PromptSet,
    built_in_prompt,
    built_in_prompts,
    event_texts,
    history_frame,
    parse_prompts,
    prompt_fields,
)


def test_built_in_prompts_ask_about_events_and_about_histories() -> None:
    assert built_in_prompts() == ["meta", "one-word"]
    for name in built_in_prompts():
        for asked in Asked:
            prompts = parse_prompts(built_in_prompt(name), name, asked)
            assert all(template.strip() == template for template in prompts.templates)  # an answer follows at once
            assert len({*prompts.templates}) == len(prompts.templates)
    assert parse_prompts(built_in_prompt("meta"), "meta").combine is Combine.MEAN


def test_an_event_is_written_into_the_question() -> None:
    values = {"Title": pa.array(["Heat", None, "{x}"]), "year": pa.array(["1995", "1996", "1997"])}
    lines = pa.array(["Heat | 1995", " | 1996", "{x} | 1997"])
    made = event_texts('{{{title}}} of {year}, {fields}: "{event}" is "', values, lines, "Title | Year\n")
    assert made.to_pylist() == [
        '{Heat} of 1995, Title | Year: "Heat | 1995" is "',
        '{} of 1996, Title | Year: " | 1996" is "',
        '{{x}} of 1997, Title | Year: "{x} | 1997" is "',
    ]
    assert prompt_fields('{{{title}}} of {year}, {fields}: "{event}" is "') == ("title", "year")
    with pytest.raises(OptionError, match=r"--prompt: \{titel\} is no field of the events: did you mean Title\?"):
        event_texts("{titel} is", values)


def test_a_history_is_framed() -> None:
    assert history_frame("Read:\n{history}\nIn {{one}} word: ") == ("Read:\n", "\nIn {one} word: ")
    assert history_frame("{history}") == ("", "")


def test_several_prompts_are_joined_or_averaged() -> None:
    vectors = [np.array([[1, 2]], np.float32), np.array([[3, 6]], np.float32)]
    both = ("a", "b"), ("{event} is", "{event} has")
    assert PromptSet("x", Asked.EVENTS, *both).combined(vectors).tolist() == [[1, 2, 3, 6]]
    assert PromptSet("x", Asked.EVENTS, *both, Combine.MEAN).combined(vectors).tolist() == [[2, 4]]


def test_the_fingerprint_is_the_words_not_the_names() -> None:
    one = parse_prompts("[events]\na = '{event} is'", "x")
    assert one.fingerprint == parse_prompts("combine = 'mean'\n[events]\nb = '{event} is'", "y").fingerprint
    assert one.fingerprint != parse_prompts("[events]\na = '{event} was'", "x").fingerprint
    two = "[events]\na = '{event} is'\nb = '{event} has'"
    assert parse_prompts(two, "x").fingerprint != parse_prompts("combine = 'mean'\n" + two, "x").fingerprint


@pytest.mark.parametrize(
    ("text", "asked", "message"),
    [
        ("[events", "events", "--prompt mine is no TOML (Expected"),
        ("[event]\na = '{event}'", "events", "'event' is unknown: did you mean events?"),
        ("[events]\na = '{event}'", "histories", "asks nothing about histories: give it a table [histories]"),
        ("[events]", "events", "asks nothing about events"),
        ("combine = 'sum'\n[events]\na = '{event}'", "events", "combine = 'sum' is unknown: give 'join' or 'mean'"),
        ("[events]\na = 'In one word: '", "events", "'a' shows nothing of the event: write {event} or a field into it"),
        ("[events]\na = '{fields}: '", "events", "'a' shows nothing of the event"),
        ("[events]\na = '{history} is'", "events", "'a' shows {history}: a prompt about events has {event} or fields"),
        ("[events]\na = '{event is'", "events", "'a' has a brace without its other one"),
        ("[events]\na = '{} is'", "events", "'a' has braces without a name"),
        ("[events]\na = '{title:>9} is'", "events", "'a' has braces without a name"),
        ("[events]\na = 3", "events", "'a' is no text: write the question between quotes"),
        ("[histories]\na = 'In one word: '", "histories", "'a' shows the history 0 times"),
        ("[histories]\na = '{history}, {history}'", "histories", "'a' shows the history 2 times"),
        ("[histories]\na = '{history} {title}'", "histories", "'a' shows {title}: a prompt about histories has"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(text: str, asked: str, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)) as refused:
        parse_prompts(text, "mine", asked)
    assert "\n" not in str(refused.value)


def test_a_prompt_that_there_is_not() -> None:
    with pytest.raises(OptionError, match=r"neither a built-in prompt nor a \.toml file: did you mean one-word"):
        built_in_prompt("one-wrod")
