import pytest

from llm4es.core.errors import ModelError
from llm4es.inputs.tokenize import tokenize
from llm4es.inputs.windows import Cut, Tokens, cut
from llm4es.options import History

from .tiny import byte_tokenizer, event_offsets, number_tokenizer

# opening 90 91 | event 0: 1 2 3 | event 1: 4 5 | event 2: 6 7 8 9 | event 3: 10; a token every ten characters
IDS = [90, 91, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
TEXT = Tokens(ids=IDS, starts=[10 * i for i in range(12)])
OFFSETS = [20, 50, 70, 110, 120]
FRAME = (90, 91)


def test_a_text_that_fits_is_one_window() -> None:
    assert cut(TEXT, OFFSETS, 4, 12, History.NEWEST) == Cut((tuple(IDS),), 12, 0, 4, 0)
    assert cut(TEXT, None, 4, 12, History.FULL) == Cut((tuple(IDS),), 12, 0, 4, 0)


@pytest.mark.parametrize(
    ("history", "max_length", "windows", "dropped", "events"),
    [
        (History.NEWEST, 7, [(*FRAME, 6, 7, 8, 9, 10)], 5, 2),
        (History.NEWEST, 8, [(*FRAME, 6, 7, 8, 9, 10)], 5, 2),  # event 1 needs two places and there is one
        (History.NEWEST, 9, [(*FRAME, 4, 5, 6, 7, 8, 9, 10)], 3, 3),
        (History.OLDEST, 7, [(*FRAME, 1, 2, 3, 4, 5)], 5, 2),
        (History.OLDEST, 6, [(*FRAME, 1, 2, 3)], 7, 1),
        (History.FULL, 7, [(*FRAME, 1, 2, 3, 4, 5), (*FRAME, 6, 7, 8, 9, 10)], 0, 4),
        (History.FULL, 6, [(*FRAME, 1, 2, 3), (*FRAME, 4, 5), (*FRAME, 6, 7, 8, 9), (*FRAME, 10)], 0, 4),
    ],
)
def test_windows_are_cut_between_events(
    history: History, max_length: int, windows: list[tuple[int, ...]], dropped: int, events: int
) -> None:
    made = cut(TEXT, OFFSETS, 4, max_length, history)
    assert made == Cut(tuple(windows), sum(map(len, windows)), dropped, events, 4 - events)


def test_special_tokens_stand_around_every_window() -> None:
    text = Tokens(TEXT.ids, TEXT.starts, prefix=[256], suffix=[257])
    made = cut(text, OFFSETS, 4, 9, History.FULL)
    assert made.windows == ((256, *FRAME, 1, 2, 3, 4, 5, 257), (256, *FRAME, 6, 7, 8, 9, 10, 257))
    assert made.n_tokens == 18


def test_the_closing_stands_in_every_window() -> None:
    made = cut(TEXT, [20, 50, 70, 110], 3, 8, History.FULL)  # token 10 is now the closing
    assert made.windows == ((*FRAME, 1, 2, 3, 4, 5, 10), (*FRAME, 6, 7, 8, 9, 10))
    assert (made.n_tokens_dropped, made.n_events, made.n_events_dropped) == (0, 3, 0)


def test_an_event_longer_than_a_window_is_cut_itself() -> None:
    one_event = [20, 120]
    assert cut(TEXT, one_event, 1, 6, History.NEWEST).windows == ((*FRAME, 7, 8, 9, 10),)
    assert cut(TEXT, one_event, 1, 6, History.OLDEST).windows == ((*FRAME, 1, 2, 3, 4),)
    full = cut(TEXT, one_event, 1, 6, History.FULL)
    assert full.windows == ((*FRAME, 1, 2), (*FRAME, 3, 4, 5, 6), (*FRAME, 7, 8, 9, 10))
    assert (full.n_tokens_dropped, full.n_events, full.n_events_dropped) == (0, 1, 0)


def test_a_frame_that_would_fill_half_the_window_is_left_out() -> None:
    made = cut(TEXT, OFFSETS, 4, 3, History.NEWEST)
    assert made == Cut(((10,),), 1, 11, 1, 3)


def test_a_text_without_marked_events_is_cut_by_tokens() -> None:
    assert cut(TEXT, None, 4, 5, History.NEWEST) == Cut(((6, 7, 8, 9, 10),), 5, 7, None, None)
    assert cut(TEXT, None, 4, 5, History.OLDEST).windows == ((90, 91, 1, 2, 3),)
    assert cut(TEXT, None, 4, 5, History.FULL) == Cut(((90, 91), (1, 2, 3, 4, 5), (6, 7, 8, 9, 10)), 12, 0, 4, 0)


def test_a_long_text_is_cut_fast_and_whole() -> None:
    size = 200_000
    text = Tokens(range(size), range(size))
    made = cut(text, None, None, 512, History.FULL)
    assert [token for window in made.windows for token in window] == list(range(size))
    marked = cut(text, range(0, size + 1, 10), size // 10, 512, History.FULL)
    assert len(marked.windows) == -(-size // 510)
    assert marked.n_tokens_dropped == 0


def test_no_room() -> None:
    text = Tokens([5, 6, 7], [0, 1, 2], prefix=[256], suffix=[257])
    with pytest.raises(ModelError, match=r"--max-length 2 leaves no room beside 2 tokens around every text: give more"):
        cut(text, None, None, 2, History.NEWEST)


def test_an_empty_text_has_no_window() -> None:
    assert cut(Tokens([], [], [256], []), None, 0, 8, History.NEWEST).windows == ()


def test_tokens_know_where_they_start_and_which_are_special() -> None:
    (tokens,) = tokenize(byte_tokenizer(bos=True), ["aé\nb"])
    assert (list(tokens.prefix), len(tokens.ids), list(tokens.suffix)) == ([256], 5, [])
    assert list(tokens.starts) == [0, 1, 1, 2, 3]
    (numbers,) = tokenize(number_tokenizer(bos=True, eos=True), ["7 8"])
    assert (list(numbers.prefix), list(numbers.ids), list(numbers.suffix)) == ([1], [7, 8], [2])
    (empty,) = tokenize(byte_tokenizer(bos=True), [""])
    assert (list(empty.prefix), list(empty.ids)) == ([256], [])
    assert tokenize(byte_tokenizer(), []) == []


def test_events_of_a_real_text_are_whole_lines() -> None:
    text = "H\nab\ncdé\nf"
    (tokens,) = tokenize(byte_tokenizer(), [text])
    made = cut(tokens, event_offsets(text), 3, 9, History.NEWEST)
    assert byte_tokenizer().decode(list(made.windows[0])) == "H\ncdé\nf"
    assert (made.n_tokens_dropped, made.n_events, made.n_events_dropped) == (3, 2, 1)
