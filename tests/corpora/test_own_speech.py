"""One's own speech: folders, tables, JSON lines and Kaldi data directories."""

import json
import os
from pathlib import Path

import pytest
from phone_files import encode, tones
from refusals import refused

from asr.corpora import folder, prepare
from asr.util.errors import UserError


def read(path):
    """Read the utterances of a path, by id."""
    return {utterance.id: utterance for utterance in folder.read(path, path).utterances}


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)
    return path


class TestFolder:
    def test_recordings_with_same_named_texts(self, tmp_path, write_audio):
        for suffix in ("wav", "flac", "OGG", "mp3"):
            audio = write_audio(tmp_path / f"take {suffix}.{suffix}")
            write(audio.with_suffix(".txt"), f"Take,\n {suffix}! \n")
        write(tmp_path / ".hidden.txt", "not mine")
        utterances = read(tmp_path)
        assert set(utterances) == {"take_wav", "take_flac", "take_OGG", "take_mp3"}
        assert utterances["take_OGG"].text == "Take, OGG!"
        assert utterances["take_OGG"].audio == tmp_path / "take OGG.OGG"
        assert utterances["take_OGG"].speaker is None

    def test_subfolders_are_speakers(self, tmp_path, write_audio):
        for name in ("ann/1", "ann/2", "bob/1", "bob/monday/1"):
            write(write_audio(tmp_path / f"{name}.wav").with_suffix(".txt"), "yes")
        speakers = {name: utterance.speaker for name, utterance in read(tmp_path).items()}
        assert speakers == {"ann-1": "ann", "ann-2": "ann", "bob-1": "bob", "bob-monday-1": "bob"}

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (("w/ann/1", "w/bob/1"), {(None, "ann"), (None, "bob")}),
            (("w/x/train/ann/1", "w/x/dev/bob/1"), {("train", "ann"), ("dev", "bob")}),
            (("train/w/ann/1", "dev/w/bob/1"), {("train", "ann"), ("dev", "bob")}),
            (("train/w/1", "train/w/2"), {("train", None)}),
            (("w/1", "w/2"), {(None, None)}),
            (("w/ann/1", "2"), {(None, "w"), (None, None)}),
        ],
    )
    def test_a_folder_of_everything_is_no_speaker(self, tmp_path, write_audio, names, expected):
        for name in names:
            write(write_audio(tmp_path / f"{name}.wav").with_suffix(".txt"), "yes")
        assert {(u.split, u.speaker) for u in read(tmp_path).values()} == expected

    def test_a_stray_text_does_not_make_a_folder_of_all_recordings_a_speaker(
        self, tmp_path, write_audio
    ):
        for name in ("w/ann/1", "w/bob/1"):
            write(write_audio(tmp_path / f"{name}.wav").with_suffix(".txt"), "yes")
        write(tmp_path / "stray.txt", "of no recording")
        write(tmp_path / "README.txt", "where these are from")
        speakers = {name: utterance.speaker for name, utterance in read(tmp_path).items()}
        assert speakers == {"w-ann-1": "ann", "w-bob-1": "bob", "stray": None}

    def test_folders_named_as_splits_are_splits(self, tmp_path, write_audio):
        for name in ("train/ann/1", "dev/2", "test/3"):
            write(write_audio(tmp_path / f"{name}.wav").with_suffix(".txt"), "yes")
        utterances = read(tmp_path)
        assert {name: (u.split, u.speaker) for name, u in utterances.items()} == {
            "train-ann-1": ("train", "ann"),
            "dev-2": ("dev", None),
            "test-3": ("test", None),
        }
        write(write_audio(tmp_path / "4.wav").with_suffix(".txt"), "yes")
        with pytest.raises(UserError, match=r"are in dev, test, train and others, such as .*4.txt"):
            read(tmp_path)

    def test_other_names_of_splits_are_noted(self, tmp_path, write_audio):
        for name in ("Train/ann/1", "Validation/2", "EVAL/3", "test/4"):
            write(write_audio(tmp_path / f"{name}.wav").with_suffix(".txt"), "yes")
        collection = folder.read(tmp_path, tmp_path)
        assert {u.id: (u.split, u.speaker) for u in collection.utterances} == {
            "Train-ann-1": ("train", "ann"),
            "Validation-2": ("dev", None),
            "EVAL-3": ("test", None),
            "test-4": ("test", None),
        }
        assert collection.notes[1:] == [
            "EVAL is taken for test.",
            "Validation is taken for dev.",
        ]

    def test_a_corpus_without_dev_has_it_held_out_of_train(self, tmp_path, write_audio):
        for name in [*(f"train/{n}" for n in range(8)), "test/1", "test/2"]:
            write(write_audio(tmp_path / "own" / f"{name}.wav").with_suffix(".txt"), "yes")
        summary = prepare("folder", tmp_path / "own", tmp_path / "out")
        sizes = [split.utterances for split in summary.splits.values()]
        assert sum(sizes) == 10
        assert sizes[1] > 0
        assert sizes[2] == 2
        assert summary.notes[0].startswith("the corpus has no dev: a hash of the id draws dev out")

    def test_byte_order_marks_are_dropped(self, tmp_path, write_audio):
        write(write_audio(tmp_path / "a.wav").with_suffix(".txt"), "yes", "utf-8-sig")
        assert read(tmp_path)["a"].text == "yes"

    def test_utf_16_without_a_byte_order_mark_is_a_problem(self, tmp_path, write_audio):
        write(write_audio(tmp_path / "a.wav").with_suffix(".txt"), "one\ntwo", "utf-16-le")
        problem = read(tmp_path)["a"].problem
        assert problem.where == f"{tmp_path}/a.txt:1"
        assert problem.detail == "byte 0x00 is not UTF-8 text; save it as UTF-8"

    def test_linked_folders_are_read_once_even_in_a_circle(self, tmp_path, write_audio):
        own, elsewhere = tmp_path / "own", tmp_path / "disk" / "bob"
        for path in (own / "ann" / "1.wav", elsewhere / "1.wav"):
            write(write_audio(path).with_suffix(".txt"), "yes")
        (own / "bob").symlink_to(elsewhere)
        (own / "robert").symlink_to(elsewhere)
        (elsewhere / "back").symlink_to(own)
        assert {name: u.speaker for name, u in read(own).items()} == {
            "ann-1": "ann",
            "bob-1": "bob",
        }

    def test_hidden_folders_are_ignored(self, tmp_path, write_audio):
        for name in ("a", ".trash/b", "ann/.cache/c"):
            write(write_audio(tmp_path / f"{name}.wav").with_suffix(".txt"), "yes")
        assert list(read(tmp_path)) == ["a"]

    @pytest.mark.parametrize("suffix", ["m4a", "sph"])
    def test_every_kind_of_recording_needs_a_transcript(self, tmp_path, write_audio, suffix):
        write(write_audio(tmp_path / "a.wav").with_suffix(".txt"), "yes")
        (tmp_path / f"b.{suffix}").write_bytes(b"sound")
        assert read(tmp_path)["b"].text == ""

    def test_of_recordings_of_one_name_those_to_convert_are_ignored(self, tmp_path):
        for suffix in ("m4a", "wav", "webm", "txt"):
            write(tmp_path / f"a.{suffix}", "yes")
        (utterance,) = folder.read(tmp_path, tmp_path).utterances
        assert utterance.audio == tmp_path / "a.wav"
        write(tmp_path / "a.flac", "yes")
        found = [u.audio.name for u in folder.read(tmp_path, tmp_path).utterances]
        assert found == ["a.flac", "a.wav"]

    def test_a_file_of_another_type_is_not_taken_for_the_recording(self, tmp_path):
        for suffix in ("json", "m4a", "txt"):
            write(tmp_path / f"a.{suffix}", "yes")
        assert read(tmp_path)["a"].audio == tmp_path / "a.m4a"

    def test_a_name_that_is_not_utf8_is_a_problem(self, tmp_path, write_audio, capsys):
        own = tmp_path / "own"
        write(write_audio(own / "a.wav").with_suffix(".txt"), "yes")
        name = os.fsencode(own) + b"/caf\xe9.wav"
        Path(os.fsdecode(name)).write_bytes((own / "a.wav").read_bytes())
        summary = prepare("folder", own, tmp_path / "out", skip_invalid=True)
        print(summary)
        assert summary.splits["train"].utterances == 1
        assert r"caf\udce9.wav: its name is not UTF-8; rename it" in capsys.readouterr().out

    def test_problems_are_named(self, tmp_path, write_audio):
        own = tmp_path / "own"
        write(write_audio(own / "good.wav").with_suffix(".txt"), "yes")
        write(own / "silent.txt", "no recording")
        write_audio(own / "wordless.wav")
        write(own / "phone.txt", "a format that libsndfile lacks")
        (own / "phone.m4a").write_bytes(b"\0\0\0 ftypM4A ")
        with refused("; mend them, or leave them out with --skip-invalid\n") as caught:
            prepare("folder", own, tmp_path / "out")
        message = str(caught.value)
        assert "3 of 4 utterances are invalid" in message
        assert (
            f"{own}/silent.txt:1: missing audio: {own}/silent.wav: there is no such file" in message
        )
        assert f"{own}/wordless.wav: empty text" in message
        assert f"{own}/phone.txt:1: unreadable audio: {own}/phone.m4a" in message
        assert "; convert it to wav or flac" in message

    def test_converted_recordings_are_not_read_again(self, tmp_path):
        for name in "abc":
            write(encode(tmp_path / f"{name}.m4a", "aac", tones()).with_suffix(".txt"), "yes")
        for _ in range(2):
            prepare("folder", tmp_path, tmp_path / "manifests")
        assert len(list((tmp_path / "manifests" / "converted").iterdir())) == 3

    def test_text_that_is_not_utf8_is_a_problem_named_with_its_line(self, tmp_path, write_audio):
        own = tmp_path / "own"
        for name in "abcd":
            write(write_audio(own / f"{name}.wav").with_suffix(".txt"), "yes")
        (own / "b.txt").write_bytes("first\ncaf\xe9".encode("latin-1"))
        with pytest.raises(UserError) as caught:
            prepare("folder", own, tmp_path / "out")
        message = str(caught.value)
        assert "1 of 4 utterances are invalid (1 unreadable text)" in message
        assert f"{own}/b.txt:2: unreadable text: byte 0xe9 is not UTF-8 text" in message
        summary = prepare("folder", own, tmp_path / "out", skip_invalid=True)
        assert [problem.where for problem in summary.skipped] == [f"{own}/b.txt:2"]
        assert sum(split.utterances for split in summary.splits.values()) == 3

    def test_an_empty_folder_is_refused(self, tmp_path):
        with pytest.raises(UserError, match="no recordings found"):
            read(tmp_path)


class TestTable:
    def test_path_and_text_are_enough(self, tmp_path, write_audio):
        write_audio(tmp_path / "wav" / "a.wav")
        table = write(tmp_path / "my.csv", 'path,text\nwav/a.wav,"Hello,  world!"\n')
        (utterance,) = read(table).values()
        assert utterance.id == "wav-a"
        assert utterance.audio == tmp_path / "wav" / "a.wav"
        assert utterance.text == "Hello, world!"
        assert utterance.where == f"{table}:2"
        assert (utterance.start_s, utterance.end_s, utterance.split) == (0.0, None, None)

    def test_all_columns_in_any_order_among_unknown_ones(self, tmp_path):
        table = write(
            tmp_path / "my.tsv",
            "split\tspeaker\tmood\tend\tstart\ttext\tpath\n"
            'dev\tann\tglad\t2.5\t1\tthe "word"\ta.wav\n'
            "test\t\t\t\t2.5\tno\ta.wav\n",
        )
        utterances = read(table)
        assert list(utterances) == ["a-0001000-0002500", "a-0002500-end"]
        first, second = utterances.values()
        assert (first.start_s, first.end_s, first.speaker, first.split) == (1.0, 2.5, "ann", "dev")
        assert first.text == 'the "word"'
        assert (second.start_s, second.end_s, second.speaker) == (2.5, None, None)

    def test_recordings_beside_the_tables_folder_keep_their_folders(self, tmp_path, write_audio):
        """Otherwise ann/1 and bob/1 would have one id, and a valid corpus would be refused."""
        for speaker in ("ann", "bob"):
            write_audio(tmp_path / "audio" / speaker / "1.wav")
        for place in ("../audio", tmp_path / "audio"):
            rows = f"path,text\n{place}/ann/1.wav,yes\n{place}/bob/1.wav,no\n"
            utterances = read(write(tmp_path / "tables" / "my.csv", rows))
            assert list(utterances) == ["..-audio-ann-1", "..-audio-bob-1"]

    @pytest.mark.parametrize("name", ["my.csv", "my.tsv"])
    def test_lines_may_end_as_on_windows_after_a_byte_order_mark(self, tmp_path, name):
        rows = "path\ttext\r\na.wav\tyes\r\n\r\nb.wav\tno\r\n"
        rows = rows.replace("\t", "," if name.endswith("csv") else "\t")
        (tmp_path / name).write_bytes(rows.encode("utf-8-sig"))
        assert {key: u.text for key, u in read(tmp_path / name).items()} == {"a": "yes", "b": "no"}

    def test_a_given_split_is_kept(self, tmp_path, write_audio):
        rows = [
            f"{write_audio(tmp_path / f'{n}.wav').name},yes,{split}"
            for n, split in enumerate(["Train", "dev", "valid", "test", "TEST", "test"])
        ]
        table = write(tmp_path / "my.csv", "\n".join(["path,text,split", *rows]))
        summary = prepare("folder", table, tmp_path / "out")
        assert [split.utterances for split in summary.splits.values()] == [1, 2, 3]
        assert summary.notes == ["valid is taken for dev."]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", r"my.csv:1: no column path or text, found nothing"),
            ("sound,text\na.wav,yes\n", r"my.csv:1: no column path, found sound, text"),
            ("path&text\na.wav&yes\n", r"my.csv:1: .*found path&text; .*separated by commas$"),
            ("path,text\na.wav,yes\nb.wav,yes, no\n", r"my.csv:3: more or fewer cells"),
            ("path,text\na.wav\n", r"my.csv:2: more or fewer cells"),
            ("path,text\n,yes\n", r"my.csv:2: names no recording"),
            ("path,text,end\na.wav,yes,1e308\n", r"my.csv:2: end is '1e308', expected seconds"),
            ("path,text,start\na.wav,yes,soon\n", r"my.csv:2: start is 'soon', expected seconds"),
            ("path,text,end\na.wav,yes,nan\n", r"my.csv:2: end is 'nan', expected seconds"),
            ("path,text,split\na.wav,yes,\n", r"my.csv:2: split is '', expected train, dev, test"),
            (f"path,text\na.wav,{'x' * 200_000}\n", r"my.csv:2: not a table: field larger"),
            (
                'path,text\na.wav,yes\nb.wav,"no\nc.wav,no\n',
                r"my.csv:3: not a table: unexpected end",
            ),
            ('"path,text\na.wav,yes\n', r"my.csv:1: not a table: unexpected end"),
            ('path,text\na.wav,"yes" he said\n', r"my.csv:2: not a table: ',' expected after"),
        ],
    )
    def test_an_invalid_table_is_refused(self, tmp_path, content, message):
        with pytest.raises(UserError, match=message):
            read(write(tmp_path / "my.csv", content))

    def test_problems_are_named_by_their_line(self, tmp_path, write_audio):
        write_audio(tmp_path / "a.wav", seconds=1.0)
        table = write(
            tmp_path / "my.csv",
            "path,text,start,end\na.wav,one,0,0.5\na.wav,one,0,0.5\na.wav,,0.5,1\na.wav,two,0.5,9\n",
        )
        with pytest.raises(UserError) as caught:
            prepare("folder", table, tmp_path / "out")
        message = str(caught.value)
        assert f"{table}:3: duplicated id" in message
        assert f"{table}:4: empty text" in message
        assert f"{table}:5: segment outside its recording: 0.5 s to 9 s of 1.00 s" in message


class TestJsonl:
    def test_lines_as_nemo_writes_them(self, tmp_path):
        lines = [
            {"audio_filepath": "wav/a.wav", "duration": 1.5, "text": "yes  sir"},
            {"audio_filepath": "/b.wav", "duration": 2, "text": "no", "offset": 0.5, "speaker": 7},
            {"audio_filepath": "c.wav", "text": "perhaps", "lang": "en", "speaker": ""},
        ]
        path = write(tmp_path / "my.jsonl", "\n".join(map(json.dumps, lines)))
        first, second, third = read(path).values()
        assert (first.id, first.audio, first.text) == ("wav-a", tmp_path / "wav/a.wav", "yes sir")
        assert (first.start_s, first.end_s, first.speaker) == (0.0, 1.5, None)
        assert second.id.endswith("..-b-0000500-0002500")
        assert str(second.audio) == "/b.wav"
        assert (second.start_s, second.end_s, second.speaker) == (0.5, 2.5, "7")
        assert (third.start_s, third.end_s, third.where) == (0.0, None, f"{path}:3")
        assert third.speaker is None

    def test_a_given_split_is_kept(self, tmp_path):
        lines = [
            {"audio_filepath": f"{split}.wav", "text": "yes", "split": split}
            for split in ("train", "Dev", "testing")
        ]
        path = write(tmp_path / "my.jsonl", "\n".join(map(json.dumps, lines)))
        assert [u.split for u in read(path).values()] == ["train", "dev", "test"]

    def test_a_line_without_a_split_among_others_is_refused(self, tmp_path):
        first = '{"audio_filepath": "a.wav", "text": "yes", "split": "train"}\n'
        path = write(tmp_path / "my.jsonl", first + '{"audio_filepath": "b.wav", "text": "no"}\n')
        with pytest.raises(UserError, match=r"such as .*my.jsonl:2, in no split; put all of them"):
            read(path)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"audio_filepath": "a.wav", "text": "ye', "not JSON"),
            ('{"audio_filepath": ' + 100_000 * "[", "not JSON: maximum recursion"),
            ('["a.wav", "yes"]', "expected one JSON object a line"),
            ('{"audio_filepath": "a", "text": "\\ud800"}', "not text, surrogates not allowed"),
            ('{"audio_filepath": "", "text": "b"}', "names no recording"),
            ('{"audio_filepath": "a.wav"}', "text is None, expected a string"),
            ('{"audio_filepath": 3, "text": "yes"}', "audio_filepath is 3, expected a string"),
            ('{"audio_filepath": "a", "text": "b", "duration": "long"}', "duration is 'long'"),
            ('{"audio_filepath": "a", "text": "b", "offset": NaN}', "offset is nan"),
            ('{"audio_filepath": "a", "text": "b", "split": "x"}', "split is 'x', expected train"),
        ],
    )
    def test_invalid_lines_are_named(self, tmp_path, line, message):
        good = '{"audio_filepath": "a.wav", "text": "yes"}'
        path = write(tmp_path / "my.json", f"{good}\n\n{line}\n")
        with pytest.raises(UserError, match=f"my.json:3: .*{message}"):
            read(path)


class TestKaldi:
    @pytest.fixture
    def directory(self, tmp_path, write_audio):
        place = tmp_path / "data"
        audio = write_audio(tmp_path / "a.wav", seconds=2.0)
        write_audio(place / "b.wav")
        write(place / "wav.scp", f"rec1 {audio}\nrec2 b.wav\n")
        write(place / "text", "ann-1 YES\nann-2 NO  NO\nbob-1 GO\n")
        write(place / "utt2spk", "ann-1 ann\nann-2 ann\nbob-1 bob\n")
        write(place / "segments", "ann-1 rec1 0.0 0.75\nann-2 rec1 0.75 -1\nbob-1 rec2 0 0.5\n")
        return place

    def test_segments_and_speakers(self, directory, tmp_path):
        utterances = read(directory)
        assert list(utterances) == ["ann-1", "ann-2", "bob-1"]
        second = utterances["ann-2"]
        assert (second.audio, second.text, second.speaker) == (tmp_path / "a.wav", "NO NO", "ann")
        assert (second.start_s, second.end_s) == (0.75, None)
        assert second.where == f"{directory}/text:2"
        assert utterances["bob-1"].audio == directory / "b.wav"
        summary = prepare("folder", directory, tmp_path / "out")
        assert sum(s.hours for s in summary.splits.values()) == pytest.approx(2.5 / 3600)

    def test_utterances_that_are_their_own_speakers_have_none(self, directory):
        write(directory / "utt2spk", "ann-1 ann-1\nann-2 ann-2\nbob-1 bob-1\n")
        assert {utterance.speaker for utterance in read(directory).values()} == {None}
        write(directory / "utt2spk", "ann-1 ann\nann-2\nbob-1 bob\n")
        assert [utterance.speaker for utterance in read(directory).values()] == ["ann", None, "bob"]

    def test_without_segments_an_utterance_is_a_recording(self, directory):
        (directory / "segments").unlink()
        (directory / "utt2spk").unlink()
        write(directory / "text", "rec2 GO\nrec1 YES\n")
        assert [(u.id, u.text, u.speaker, u.end_s) for u in read(directory).values()] == [
            ("rec2", "GO", None, None),
            ("rec1", "YES", None, None),
        ]

    def test_paths_may_be_relative_to_the_working_folder(self, directory, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        write(directory / "wav.scp", "rec1 a.wav\nrec2 data/b.wav\n")
        assert len({u.audio for u in read(directory).values() if u.audio.is_file()}) == 2

    @pytest.mark.parametrize("names", [("train", "dev", "test"), ("Train", "valid", "Eval")])
    def test_directories_named_as_splits_are_splits(self, directory, tmp_path, names):
        train, *others = names
        directory.rename(tmp_path / train)
        for name in others:
            write(tmp_path / name / "wav.scp", f"{name} {tmp_path}/a.wav\n")
            write(tmp_path / name / "text", f"{name} YES\n")
        splits = {name: utterance.split for name, utterance in read(tmp_path).items()}
        assert list(splits) == ["ann-1", "ann-2", "bob-1", *others]
        assert list(splits.values()) == ["train", "train", "train", "dev", "test"]

    def test_a_directory_without_the_name_of_a_split_is_refused(self, directory, tmp_path):
        directory.rename(tmp_path / "train")
        write(tmp_path / "train_sp" / "wav.scp", f"a {tmp_path}/a.wav\n")
        with pytest.raises(UserError, match=r"/train_sp: a Kaldi data directory whose name is no"):
            read(tmp_path)

    def test_commands_are_refused_and_never_run(self, directory, tmp_path):
        write(directory / "wav.scp", f"rec1 touch {tmp_path}/ran; cat a.wav |\n")
        with pytest.raises(UserError, match=r"wav.scp:1: the recording is a command, which is nev"):
            prepare("folder", directory, tmp_path / "out")
        assert not (tmp_path / "ran").exists()

    def test_recordings_without_text_are_counted(self, directory, tmp_path):
        write(directory / "text", "ann-1 YES\n")
        with pytest.raises(UserError, match="2 empty text") as caught:
            prepare("folder", directory, tmp_path / "out")
        assert f"{directory}/segments:2: empty text: 'ann-2' has no words" in str(caught.value)
        (directory / "segments").unlink()
        write(directory / "text", "rec1 YES\n")
        with pytest.raises(UserError, match=r"data/wav.scp: empty text: 'rec2' has no words"):
            prepare("folder", directory, tmp_path / "out")

    def test_unknown_recordings_are_missing_audio(self, directory, tmp_path):
        write(directory / "segments", "ann-1 rec1 0 0.75\nann-2 rec9 0 1\nbob-1 rec2 0 0.5\n")
        with pytest.raises(UserError, match=r"data/text:2: missing audio"):
            prepare("folder", directory, tmp_path / "out")

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("segments", "ann-1 rec1 0\n", r"segments:1: found 'rec1 0', expected recording, st"),
            ("utt2spk", "ann-1 ann\nann-1 bob\n", r"utt2spk:2: 'ann-1' is already in .*:1"),
            ("segments", "ann-1 rec1 0 end\n", r"segments:1: start or end is 'end', expected se"),
        ],
    )
    def test_invalid_lines_are_named(self, directory, name, content, message):
        write(directory / name, content)
        with pytest.raises(UserError, match=message):
            read(directory)

    def test_a_directory_without_text_is_refused(self, directory):
        (directory / "text").unlink()
        with pytest.raises(UserError, match=r"/data: a Kaldi data directory without the file text"):
            read(directory)


@pytest.mark.parametrize(
    ("name", "message"),
    [("none", "there is no such file or folder"), ("a.wav", "not a collection")],
)
def test_other_paths_are_refused(tmp_path, write_audio, name, message):
    write_audio(tmp_path / "a.wav")
    with pytest.raises(UserError, match=message):
        read(tmp_path / name)


def test_no_path_is_refused(tmp_path):
    with pytest.raises(UserError, match="no path given"):
        prepare("folder", None, tmp_path)


def test_ids_do_not_repeat_folders_that_the_names_of_files_hold(tmp_path, write_audio):
    for name in ("12/7/12-7-0001", "12/7/12-7-0002", "ann/b"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_audio(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text("yes")
    assert ids(tmp_path) == ["12-7-0001", "12-7-0002", "ann-b"]
    write_audio(tmp_path / "ann" / "ann-b.wav")
    (tmp_path / "ann" / "ann-b.txt").write_text("yes")
    assert ids(tmp_path) == ["12-7-12-7-0001", "12-7-12-7-0002", "ann-ann-b", "ann-b"]


def ids(source):
    return sorted(one.id for one in folder.read(source, None).utterances)
