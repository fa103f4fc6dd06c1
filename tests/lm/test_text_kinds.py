"""`asr lm train` reads the sentences of what people give it, and learns no id, path or tag."""

import pytest

from asr.cli import main
from asr.lm.store import open_ngram

ID = "1272-128104-000"
KINDS = {
    "a csv": ("t.csv", "wav_filename,wav_filesize,transcript\na0.wav,9,YES SIR\na1.wav,9,NO SIR\n"),
    "a csv of texts": ("t.csv", "text\nYES SIR\nNO SIR\n"),
    "a csv without a heading": ("t.csv", "a0.wav,YES SIR\na1.wav,NO SIR\n"),
    "a tsv": ("t.tsv", "path\tsentence\na0.mp3\tYES SIR\na1.mp3\tNO SIR\n"),
    "a table called txt": ("t.txt", "path,text\na0.wav,YES SIR\na1.wav,NO SIR\n"),
    "kaldi's text": ("text", "a0 YES SIR\na1 NO SIR\n"),
    "kaldi's text, speakers first": ("text", "ann-utt1 YES SIR\nbob-utt1 NO SIR\n"),
    "librispeech": ("a.trans.txt", f"{ID}0 YES SIR\n{ID}1 NO SIR\n"),
    "speechocean": ("text", "000010011\tYES SIR\n000010035\tNO SIR\n"),
    "voxforge": ("PROMPTS", "ann/mfc/a0001 YES SIR\nann/mfc/a0002 NO SIR\n"),
    "ljspeech": ("metadata.csv", "LJ001-0001|Yes Sir|YES SIR\nLJ001-0002|No Sir|NO SIR\n"),
    "vits": ("train.txt", "wavs/a1.wav|YES SIR\nwavs/a2.wav|NO SIR\n"),
    "trn": ("ref.trn", "YES SIR (ann-1)\nNO SIR (ann-2)\n"),
    "an4": ("a.transcription", "<s> YES SIR </s> (an1-ann-b)\n<s> NO SIR </s> (an2-ann-b)\n"),
    "stm": ("t.stm", "t 1 ann 0.1 1.5 <o> YES SIR\nt 1 ann 2.0 3.5 <o> NO SIR\n"),
    "timit": ("sa.txt", "0 46797 YES SIR\n0 51200 NO SIR\n"),
    "nemo": (
        "t.jsonl",
        '{"audio_filepath": "a.wav", "text": "YES SIR"}\n'
        '{"audio_filepath": "b.wav", "text": "NO SIR"}\n',
    ),
    "nemo as json": ("t.json", '{"audio_filepath": "a.wav", "text": "YES SIR NO SIR"}\n'),
    "srt": (
        "t.srt",
        "1\n00:00:00,0 --> 00:00:01,5\nYES SIR\n\n2\n00:00:02,0 --> 00:00:03,5\nNO SIR\n",
    ),
    "tags": ("t.txt", "<s> YES [noise] SIR </s>\n[laughter]\n<unk> NO SIR ++um++\n"),
    "utf-16": ("t.txt", "\ufeffYES SIR\r\nNO SIR\r\n"),
    "old mac line ends": ("t.txt", "YES SIR\rNO SIR\r"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_words_are_learnt(tmp_path, capsys, kind):
    name, content = KINDS[kind]
    (tmp_path / name).write_bytes(content.encode("utf-16-le" if kind == "utf-16" else "utf-8"))
    out = tmp_path / "lm.arpa"
    assert main(["lm", "train", str(tmp_path / name), "--order", "2", "--output", str(out)]) == 0
    assert set(open_ngram(out).words) == {"<unk>", "<s>", "</s>", "YES", "NO", "SIR"}
    printed = capsys.readouterr()
    assert f"from {1 if kind == 'nemo as json' else 2} sentences of 4 tokens" in printed.out
    plain = kind in ("utf-16", "old mac line ends")
    assert plain or "asr: note: " in printed.err


@pytest.mark.parametrize(
    "text",
    ["1st place\n2nd place\n", "a1 sauce\nsteak\n", "2 cats\n3 cats\n", "say (it)\nnow (please)\n"],
)
def test_a_plain_text_is_taken_as_it_is(tmp_path, capsys, text):
    (tmp_path / "t.txt").write_text(text)
    out = tmp_path / "lm.arpa"
    assert main(["lm", "train", str(tmp_path / "t.txt"), "--order", "2", "--output", str(out)]) == 0
    assert set(text.split()) <= set(open_ngram(out).words)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1 0.10 0.20 yes 0.9\na 1 0.30 0.20 sir 0.9\n", "t.txt: CTM, expected text"),
        ("\\data\\\nngram 1=3\n", "t.txt: an n-gram model, expected text"),
        ("<!DOCTYPE html><html></html>\n", "t.txt: HTML, expected text"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, capsys, content, message):
    (tmp_path / "t.txt").write_text(content)
    assert main(["lm", "train", str(tmp_path / "t.txt"), "--output", str(tmp_path / "lm")]) == 1
    assert message in capsys.readouterr().err


def test_tags_may_be_kept(tmp_path):
    (tmp_path / "t.txt").write_text("YES [noise]\n(laughter) NO\n")
    out = tmp_path / "lm.arpa"
    arguments = ["--order", "2", "--tags", "keep", "--output", str(out)]
    assert main(["lm", "train", str(tmp_path / "t.txt"), *arguments]) == 0
    assert {"[noise]", "(laughter)"} <= set(open_ngram(out).words)
