"""Packed texts are the texts that were packed."""

import pytest

from asr.util.strings import SortedStrings, Strings

TEXTS = ["b", "", "é\n", "你好", "a", "ab", "\ud800"]


@pytest.mark.parametrize("texts", [TEXTS, [""], []])
def test_what_is_packed_comes_out(texts: list[str]) -> None:
    packed = Strings.pack(texts)
    again = Strings.unpack("x", packed.named("x"))
    for one in (packed, again):
        assert [*one] == [one[index] for index in range(len(one))] == texts
        assert one.lengths.tolist() == [len(text.encode(errors="surrogatepass")) for text in texts]
    assert not packed.letters.flags.writeable


def test_an_index_past_the_end_is_refused() -> None:
    packed = Strings.pack(["a", "b"])
    assert packed[-1] == "b"
    with pytest.raises(IndexError):
        packed[2]


def test_texts_are_found_in_any_order() -> None:
    found = SortedStrings.sort(Strings.pack(TEXTS))
    assert [found.find(text) for text in TEXTS] == [*range(len(TEXTS))]
    assert [found.find(text) for text in ("c", "aa", "abc", "\ud801", "你", "0")] == [-1] * 6
    assert SortedStrings.sort(Strings.pack([])).find("a") == -1
