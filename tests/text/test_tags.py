"""Tags such as [noise] are no words; ordinary writers' brackets and marks stay."""

import pytest

from asr.text.tags import describe_tags, drop_tags, may_have_tags

TAGS = [
    "[noise]", "[NOISE]", "[[NOISE]]", "[vocalized-noise]", "[lip-smack]", "[door slams]", "[sic]",
    "[00:01:02]", "[BLANK_AUDIO]", "[Musik]", "<unk>", "<s>", "</s>", "<NON/>", "<sil>", "<eps>",
    '<noise type="door bell">', "<speech in noise>", "<COMMA>", "&lt;unk&gt;", "＜unk＞",
    "(laughter)",
    "(Laughs.)", "(door slams)", "(speaking foreign language)", "(Gelächter)", "(rires)", "(笑)",
    "（笑）", "(())", "(00:12)", "{cough}", "{NOISE}", "{{breath}}", "{lip_smack}", "++um++",
    "++noise++",
    "+noise+", "*noise*", "**laughs**", "*door slams*", "*cough", "&uh", "&-um", "&=laughs", "&+fr",
    "%uh", "%HESITATION", "#noise#", "#noise", "_SIL_", "__noise__", "~SIL", "=laugh=", "--noise--",
    "-noise-", "/noise/", "@noise", "!SIL", "$NOISE",
    "(0.5)", "!NULL", "SIL", "SPN", "NSN", "UNK", "xxx", "【音乐】",
    "ignore_time_segment_in_scoring",
]  # fmt: skip

ORDINARY = [
    "hello (and welcome) all", "the *really* good one", "C++ and C++ here", "if a < b and c > d",
    "100% sure", "50 % off", "him/her and/or", "rock 'n' roll - yes", "e-mail me @home",
    "well -noise is bad", "noise.", "the noise and laughter", "it's (a) one", "I said **no** twice",
    "R&B by &John", "rock &roll", "(with music)", "(( yes ))", "I <3 you", "th[at]- one",
    "sil vous plait", "silence, please!", "um, uh", "#winning", "wow!!", "9 + 1 = 10",
    "$5 (5)", "a_b",
]  # fmt: skip


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_left_out_of_the_words_and_counted(tag):
    for text in (f"yes {tag} no", f"{tag} yes no", f"yes no {tag}", f"yes no {tag}."):
        assert drop_tags(text).strip(" .").split() == ["yes", "no"]
    assert drop_tags(tag) == ""
    assert describe_tags(["yes", f"{tag} no"]).startswith(
        "1 tags that are no words, in 1 of 2 texts"
    )
    assert may_have_tags(f"yes {tag} no".encode())


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text):
    assert drop_tags(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[laughter-yes] sir", "yes sir"),
        ("<laugh>yes sir</laugh>", "yes sir"),
        ("yes[noise]sir", "yes sir"),
        ("yes<unk>sir", "yes sir"),
        ("the(2) man", "the man"),
        ("AT&amp;T &quot;yes&quot;", 'AT&T "yes"'),
        ("[noise] [noise] yes {cough}", "yes"),
    ],
)
def test_words_within_and_beside_tags_stay(text, words):
    assert drop_tags(text).split() == words.split()


def test_the_most_frequent_tags_are_the_examples():
    texts = ["[noise] a [noise]", "<unk> b", "c", "[noise]"]
    assert describe_tags(texts) == (
        "4 tags that are no words, in 3 of 4 texts: [noise] (3), <unk> (1)"
    )
    assert describe_tags(["a", "b"]) == ""
