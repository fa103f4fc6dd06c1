"""Folders and tables in the layouts of published corpora: each is read with its right texts."""

import json
from pathlib import Path

import pytest
import soundfile

from asr.corpora import folder, prepare
from asr.data.manifests import load_waveform, read_cuts
from asr.util.errors import UserError

HEADED = {
    "hugging face csv": ("metadata.csv", "file_name,transcription\n{a}.wav,YES\n{b}.wav,NO\n"),
    "hugging face sentence": ("metadata.csv", "file_name,sentence\n{a}.wav,YES\n{b}.wav,NO\n"),
    "hugging face jsonl": (
        "metadata.jsonl",
        '{{"file_name": "{a}.wav", "text": "YES"}}\n{{"file_name": "{b}.wav", "text": "NO"}}\n',
    ),
    "coqui": (
        "metadata.csv",
        "wav_filename,wav_filesize,transcript\n{a}.wav,8044,YES\n{b}.wav,8044,NO\n",
    ),
    "excel in europe": ("texte.csv", "Datei;Text;Path\nx;YES;{a}.wav\ny;NO;{b}.wav\n"),
    "excel's own line": ("x.csv", "sep=;\r\npath;text\r\n{a}.wav;YES\r\n{b}.wav;NO\r\n"),
    "everyvoice": (
        "x.psv",
        "basename|language|speaker|characters|phones\n{a}|eng|s|YES|j e s\n{b}|eng|s|NO|n o\n",
    ),
    "tabs in a csv": ("all.csv", "audio\ttranscript\n{a}.wav\tYES\n{b}.wav\tNO\n"),
    "speechbrain": (
        "a.csv",
        "ID,duration,wav,spk_id,wrd\n1,0.5,{a}.wav,s,YES\n2,0.5,{b}.wav,s,NO\n",
    ),
    "speechbrain json": (
        "data.json",
        '{{"u1": {{"wav": "{{root}}/{a}.wav", "words": "YES"}},'
        ' "u2": {{"wav": "{{root}}/{b}.wav", "words": "NO"}}}}',
    ),
    "a list of objects": (
        "data.json",
        '[{{"path": "{a}.wav", "text": "YES"}}, {{"path": "{b}.wav", "text": "NO"}}]',
    ),
    "magicdata": (
        "TRANS.txt",
        "UtteranceID\tSpeakerID\tTranscription\n{a}.wav\t3\tYES\n{b}.wav\t4\tNO\n",
    ),
    "voxpopuli": (
        "asr.tsv",
        "id\traw_text\tnormalized_text\tspeaker_id\n{a}\tYes.\tYES\t1\n{b}\tNo.\tNO\t1\n",
    ),
    "capitals and spaces": ("x.csv", "File Name,Transcript\n{a}.wav,YES\n{b}.wav,NO\n"),
    "windows paths": ("x.csv", "path,text\nC:\\clips\\{a}.wav,YES\nC:\\clips\\{b}.wav,NO\n"),
    "names without suffix": ("x.tsv", "id\tsentence\n{a}\tYES\n{b}\tNO\n"),
    "mp3 converted to wav": ("x.tsv", "path\tsentence\n{a}.mp3\tYES\n{b}.mp3\tNO\n"),
    "pipes with a heading": ("x.txt", "audio_file|text\nwavs/{a}.wav|YES\nwavs/{b}.wav|NO\n"),
    "a utf-16 table": ("x.tsv", "path\ttext\n{a}.wav\tYES\n{b}.wav\tNO\n"),
}
LISTS = {
    "ljspeech": ("metadata.csv", "{a}|Yes 1|YES\n{b}|No 1|NO\n"),
    "ljspeech in two columns": ("metadata.csv", "{a}|YES\n{b}|NO\n"),
    "ljspeech with quotes": ("metadata.csv", '{a}|"YES|YES\n{b}|"NO|NO\n'),
    "vits": ("filelist.txt", "DUMMY1/{a}.wav|3|YES\nDUMMY1/{b}.wav|4|NO\n"),
    "openslr": ("line_index.tsv", "{a}\tYES\n{b}\tNO\n"),
    "openslr with speakers": ("utt_spk_text.tsv", "{a}\t01\tYES\n{b}\t02\tNO\n"),
    "librispeech": ("1-2.trans.txt", "{a} YES\n{b} NO\n"),
    "aishell": ("transcript/all.txt", "{a} YES\n{b} NO\n"),
    "kaldi's text alone": ("text", "{a} YES\n{b} NO\n"),
    "voxforge": ("etc/PROMPTS", "someone-2010/mfc/{a} YES\nsomeone-2010/mfc/{b} NO\n"),
    "voxforge's prompts": ("prompts", "*/{a} YES\n*/{b} NO\n"),
    "jsut": ("transcript_utf8.txt", "{a}:YES\n{b}:NO\n"),
    "css10": ("transcript.txt", "wavs/{a}.wav|Yes|YES|1.5\nwavs/{b}.wav|No|NO|2.5\n"),
    "fleurs": (
        "all.tsv",
        "1\t{a}.wav\tYes.\tYES\ty e s |\t8000\tM\n2\t{b}.wav\tNo.\tNO\tn o |\t8000\tF\n",
    ),
    "cmu arctic": ("etc/txt.done.data", '( {a} "YES" )\n( {b} "NO" )\n'),
    "sclite's trn": ("ref.trn", "YES ({a})\nNO ({b})\n"),
    "an4": ("etc/an4.transcription", "<s> YES </s> ({a})\n<s> NO </s> ({b})\n"),
    "htk": ("words.mlf", '#!MLF!#\n"*/{a}.lab"\nYES\n.\n"*/{b}.lab"\nNO\n.\n'),
    "commas without a heading": ("x.csv", '{a}.wav,YES\n{b}.wav,"NO"\n'),
    "old mac line ends": ("x.trans.txt", "{a} YES\r{b} NO\r"),
}
BESIDE = {
    "txt": (".txt", "YES"),
    "lab": (".lab", "YES\n"),
    "trn": (".trn", "YES ({a})\n"),
    "kaldi's in a txt": (".txt", "{a} YES\n"),
    "wav.trn of three lines": (".wav.trn", "YES\nye4 s\ny e s\n"),
    "wav.txt": (".wav.txt", "YES\n"),
    "libritts": (".normalized.txt", "YES\n"),
    "timit": (".TXT", "0 46797 YES\n"),
    "timit's words": (".WRD", "0 100 YES\n"),
    "json": (".json", '{{"text": "YES"}}'),
    "srt": (".srt", "1\n00:00:00,000 --> 00:00:00,400\n<i>YES</i>\n"),
    "hidden characters": (".txt", "\ufeff\u200bY\u00adE\u2060S\u200e\u200b"),
    "vtt": (".vtt", "WEBVTT\n\n00:00.000 --> 00:00.400\nYES\n"),
    "audacity": (".txt", "0.000000\t0.400000\tYES\n"),
}


def lay(root: Path, names: tuple[str, ...], write_audio) -> Path:
    for name in names:
        write_audio(root / f"{name}.wav")
    return root


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def texts(source: Path) -> dict[str, str]:
    return {u.audio.stem: u.text for u in folder.read(source, source / "out").utterances}


@pytest.mark.parametrize("kind", [*HEADED, *LISTS])
def test_a_table_beside_the_recordings_is_read(tmp_path, write_audio, kind):
    name, table = (HEADED | LISTS)[kind]
    lay(tmp_path, ("wavs/a-001", "wavs/b-001"), write_audio)
    filled = table.format(a="a-001", b="b-001")
    write(tmp_path / name, filled, "utf-16" if "utf-16" in kind else "utf-8")
    wanted = {"a-001": "YES", "b-001": "NO"}
    if kind == "an4":
        wanted = {name: f"<s> {text} </s>" for name, text in wanted.items()}
    assert texts(tmp_path) == wanted
    assert texts(tmp_path / name) == wanted or name.startswith(("etc", "transcript"))


@pytest.mark.parametrize("kind", BESIDE)
def test_a_transcript_beside_its_recording_is_read(tmp_path, write_audio, kind):
    ending, text = BESIDE[kind]
    lay(tmp_path, ("a001",), write_audio)
    write(tmp_path / f"a001{ending}", text.format(a="a001"))
    assert texts(tmp_path) == {"a001": "YES"}


def test_subtitles_become_utterances_with_their_times(tmp_path, write_audio):
    lay(tmp_path, ("talk",), write_audio)
    cues = "1\n00:00:00,100 --> 00:00:00,200\nYES\nSIR\n\n2\n00:00:00,250 --> 00:00:00,400\nNO\n"
    write(tmp_path / "talk.srt", cues)
    found = folder.read(tmp_path, tmp_path).utterances
    assert [(u.id, u.start_s, u.end_s, u.text) for u in found] == [
        ("talk-0000100-0000200", 0.1, 0.2, "YES SIR"),
        ("talk-0000250-0000400", 0.25, 0.4, "NO"),
    ]


def test_common_voice(tmp_path, write_audio):
    lay(tmp_path, ("clips/c1", "clips/c2", "clips/c3", "clips/c4"), write_audio)
    heading = "client_id\tpath\tsentence\tup_votes\n"
    for table, clip in (("train", "c1"), ("dev", "c2"), ("test", "c3"), ("validated", "c1")):
        write(tmp_path / f"{table}.tsv", f'{heading}s{clip}\t{clip}.mp3\tsaid "{clip}"\t2\n')
    write(tmp_path / "invalidated.tsv", f"{heading}s4\tc4.mp3\twrong\t0\n")
    found = folder.read(tmp_path, tmp_path / "out")
    assert {(u.audio.stem, u.split, u.speaker, u.text) for u in found.utterances} == {
        ("c1", "train", "sc1", 'said "c1"'),
        ("c2", "dev", "sc2", 'said "c2"'),
        ("c3", "test", "sc3", 'said "c3"'),
    }
    assert "1 recordings are left out, since no table names them." in found.notes


@pytest.mark.parametrize(
    "names",
    [
        ("train.csv", "dev.csv", "test.csv"),
        ("metadata_train.csv", "metadata_val.csv", "metadata_test.csv"),
        ("train/metadata.csv", "validation/metadata.csv", "test/metadata.csv"),
        ("librivox-train-clean-100.csv", "librivox-dev-clean.csv", "librivox-test-clean.csv"),
    ],
)
def test_splits_of_tables_are_kept(tmp_path, write_audio, names):
    lay(tmp_path, ("audio/a", "audio/b", "audio/c"), write_audio)
    for table, name in zip(names, "abc", strict=True):
        write(tmp_path / table, f"wav_filename,wav_filesize,transcript\n{name}.wav,9,{name}\n")
    found = folder.read(tmp_path, tmp_path / "out").utterances
    assert {u.text: u.split for u in found} == {"a": "train", "b": "dev", "c": "test"}


def test_vctk(tmp_path, write_audio):
    waves = "wav48_silence_trimmed"
    names = [f"{waves}/p{s}/p{s}_001_mic{m}" for s in (225, 226) for m in (1, 2)]
    lay(tmp_path, tuple(names), write_audio)
    for speaker in ("p225", "p226"):
        write(tmp_path / "txt" / speaker / f"{speaker}_001.txt", f"text of {speaker}")
    write(tmp_path / "speaker-info.txt", "ID AGE\np225 23\n")
    found = folder.read(tmp_path, tmp_path / "out").utterances
    assert {(u.audio.name, u.speaker, u.text) for u in found} == {
        ("p225_001_mic1.wav", "p225", "text of p225"),
        ("p226_001_mic1.wav", "p226", "text of p226"),
    }


def test_timit(tmp_path, write_audio):
    for split, speaker in (("TRAIN", "FCJF0"), ("TEST", "MDAB0")):
        place = tmp_path / split / "DR1" / speaker
        audio = write_audio(place / "SA1.wav")
        audio.rename(place / "SA1.WAV")
        (place / "SA1.WAV.wav").write_bytes((place / "SA1.WAV").read_bytes())
        write(place / "SA1.TXT", f"0 8000 She had {speaker}\n")
        write(place / "SA1.WRD", "0 100 she\n")
        write(place / "SA1.PHN", "0 100 sh\n")
    found = folder.read(tmp_path, tmp_path / "out").utterances
    assert {(u.split, u.speaker, u.text) for u in found} == {
        ("train", "FCJF0", "She had FCJF0"),
        ("test", "MDAB0", "She had MDAB0"),
    }


def test_texts_of_another_speaker_are_not_taken(tmp_path, write_audio):
    """Both have a recording 1, of which one lacks its text and one its recording."""
    lay(tmp_path, ("ann/1", "ann/2", "bob/2"), write_audio)
    for name in ("ann/2", "bob/1", "bob/2"):
        write(tmp_path / f"{name}.txt", f"text of {name}")
    found = {u.id: u.text for u in folder.read(tmp_path, tmp_path / "out").utterances}
    assert found["ann-1"] == ""


def test_stm(tmp_path, write_audio):
    lay(tmp_path, ("talk",), write_audio)
    lines = ";; by someone\ntalk 1 ann 0.1 0.3 <o,f0,female> hello there\n"
    ignored = "talk 1 inter_segment_gap 0.3 0.4 <o> ignore_time_segment_in_scoring\n"
    write(tmp_path / "talk.stm", lines + ignored)
    for source in (tmp_path, tmp_path / "talk.stm"):
        (one,) = folder.read(source, tmp_path / "out").utterances
        assert (one.text, one.start_s, one.end_s, one.speaker) == ("hello there", 0.1, 0.3, "ann")


def test_columns_that_are_no_text_for_sure_are_refused(tmp_path, write_audio):
    lay(tmp_path, ("a", "b"), write_audio)
    write(tmp_path / "kss.txt", "a.wav|그는 괜찮은|he is fine\nb.wav|어서 와요|welcome in\n")
    with pytest.raises(UserError, match=r"kss.txt: 2 of its 3 columns may be the text; name"):
        folder.read(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a.eaf", r"a.eaf is not read: export it from ELAN"),
        ("all.xlsx", r"all.xlsx is not read: save it as CSV"),
        ("metadata.csv", r"metadata.csv names no recording here, such as 'other.wav'"),
    ],
)
def test_what_lies_there_unread_is_named(tmp_path, write_audio, name, hint):
    lay(tmp_path / "own", ("a",), write_audio)
    write(tmp_path / "own" / name, "path,text\nother.wav,YES\n")
    with pytest.raises(UserError, match=f"own/a.wav: empty text: 'a' has no words.*{hint}"):
        prepare("folder", tmp_path / "own", tmp_path / "out")


def test_a_table_in_another_encoding_is_refused(tmp_path, write_audio):
    lay(tmp_path, ("a",), write_audio)
    write(tmp_path / "metadata.csv", "path,text\na.wav,schön\n", "latin-1")
    with pytest.raises(UserError, match=r"metadata.csv:2: byte 0xf6 is not UTF-8 text"):
        folder.read(tmp_path, tmp_path / "out")


def test_nemo_manifests_may_name_moved_recordings(tmp_path, write_audio):
    lay(tmp_path, ("wavs/a",), write_audio)
    entry = {"audio_filepath": "/elsewhere/wavs/a.wav", "text": "YES", "duration": 0.5}
    write(tmp_path / "train.json", json.dumps(entry))
    (one,) = folder.read(tmp_path / "train.json", tmp_path).utterances
    assert one.audio == tmp_path / "wavs/a.wav"
    assert soundfile.info(one.audio).frames == 8000


class TestKaldi:
    @pytest.fixture
    def corpus(self, tmp_path, write_audio):
        """A corpus as it is published: paths in wav.scp begin at its root."""
        for name in ("WAVE/S1/u1", "WAVE/S2/u2"):
            write_audio(tmp_path / f"{name}.WAV")
        write(tmp_path / "train" / "wav.scp", "u1\tWAVE/S1/u1.WAV\nu2\tWAVE/S2/u2.WAV\n")
        write(tmp_path / "train" / "text", "u1\tYES\nu2\tNO\n")
        write(tmp_path / "train" / "spk2utt", "S1 u1\nS2 u2\n")
        return tmp_path

    @pytest.mark.parametrize("source", [".", "train"])
    def test_paths_may_begin_at_the_root_of_the_corpus(self, corpus, source):
        found = folder.read(corpus / source, corpus / "out").utterances
        assert {(u.id, u.speaker, u.text) for u in found} == {
            ("u1", "S1", "YES"),
            ("u2", "S2", "NO"),
        }
        assert all(u.audio.is_file() for u in found)

    def two_channels(self, corpus, write_audio):
        write_audio(corpus / "call.wav", channels=2)
        write(corpus / "train" / "wav.scp", f"call-A {corpus}/call.wav\ncall-B {corpus}/call.wav\n")
        write(corpus / "train" / "text", "ann-1 YES\nbob-1 NO\n")

    def cuts(self, corpus, tmp_path):
        prepare("folder", corpus / "train", tmp_path / "out", into="test")
        return {cut.id: cut for cut in read_cuts(tmp_path / "out" / "test.jsonl.gz")}

    def test_reco2file_and_channel(self, corpus, tmp_path, write_audio):
        self.two_channels(corpus, write_audio)
        write(corpus / "train" / "segments", "ann-1 call-A 0.0 0.2\nbob-1 call-B 0.2 0.4\n")
        write(corpus / "train" / "reco2file_and_channel", "call-A call A\ncall-B call B\n")
        cuts = self.cuts(corpus, tmp_path)
        assert (cuts["ann-1"].channel, cuts["bob-1"].channel) == (0, 1)
        samples = soundfile.read(corpus / "call.wav", dtype="float32")[0]
        assert (load_waveform(cuts["bob-1"], 16000) == samples[3200:6400, 1]).all()

    def test_segments_with_channels(self, corpus, tmp_path, write_audio):
        self.two_channels(corpus, write_audio)
        write(corpus / "train" / "segments", "ann-1 call-A 0.0 0.2 0\nbob-1 call-A 0.2 0.4 1\n")
        cuts = self.cuts(corpus, tmp_path)
        assert (cuts["ann-1"].channel, cuts["bob-1"].channel) == (0, 1)
        write(corpus / "train" / "segments", "ann-1 call-A 0.0 0.2 0\nbob-1 call-A 0.2 0.4 2\n")
        with pytest.raises(UserError, match="channel outside its recording: channel 3 of 2"):
            self.cuts(corpus, tmp_path)

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            (
                "wav.scp",
                "u1 sph2pipe u1.sph |\nu2 a.wav\n",
                r"\(1 of 2 are\); convert all by `wav-c",
            ),
            ("wav.scp", "u1 wav.ark:12\nu2 a.wav\n", r"wav.scp:1: the recording is in an archive"),
            ("segments", "u1 u1 0 1 2 3\n", r"segments:1: found 'u1 0 1 2 3', expected recording"),
            (
                "segments",
                "u1 u1 0 1 left\n",
                r"segments:1: channel is 'left', expected 0, 1, A or B",
            ),
            ("reco2file_and_channel", "u1 u1\n", r"channel:1: found 'u1', expected a file and its"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, corpus, name, content, message):
        write(corpus / "train" / name, content)
        with pytest.raises(UserError, match=message):
            folder.read(corpus / "train", corpus)

    def test_features_without_recordings_are_refused(self, corpus):
        (corpus / "train" / "wav.scp").rename(corpus / "train" / "feats.scp")
        with pytest.raises(
            UserError, match="a Kaldi data directory with features, but without wav"
        ):
            folder.read(corpus / "train", corpus)


def test_speech_for_a_test_alone_needs_no_training_split(tmp_path, write_audio):
    for name in ("own/test/a", "own/test/b"):
        write(write_audio(tmp_path / f"{name}.wav").with_suffix(".txt"), "yes")
    summary = prepare("folder", tmp_path / "own", tmp_path / "out")
    assert [split.utterances for split in summary.splits.values()] == [0, 0, 2]
    summary = prepare("folder", tmp_path / "own" / "test", tmp_path / "out", into="test")
    assert [split.utterances for split in summary.splits.values()] == [0, 0, 2]


def test_notes_tell_of_tags_and_of_garbled_text(tmp_path, write_audio):
    for name, text in (("a", "yes [noise]"), ("b", "grÃ¼n"), ("c", "grün")):
        write(write_audio(tmp_path / "own" / f"{name}.wav").with_suffix(".txt"), text)
    notes = "\n".join(prepare("folder", tmp_path / "own", tmp_path / "out").notes)
    assert "1 tags that are no words, in 1 of 3 texts: [noise] (1); training and" in notes
    assert "1 texts look like UTF-8 that was read as Latin-1, such as 'grÃ¼n' for 'grün'" in notes


def test_characters_that_were_lost_are_a_problem(tmp_path, write_audio):
    write(write_audio(tmp_path / "own" / "a.wav").with_suffix(".txt"), "gr\ufffdn")
    with pytest.raises(UserError, match=r"a.txt:1: unreadable text: it has U\+FFFD"):
        prepare("folder", tmp_path / "own", tmp_path / "out")


def test_facts_in_json_beside_recordings_are_no_transcripts(tmp_path, write_audio):
    lay(tmp_path, ("a", "b"), write_audio)
    for name in "ab":
        write(tmp_path / f"{name}.json", '{"rate": 16000, "microphone": "phone"}')
    write(tmp_path / "metadata.csv", "file_name,text\na.wav,YES\nb.wav,NO\n")
    assert texts(tmp_path) == {"a": "YES", "b": "NO"}


def test_l2_arctic(tmp_path, write_audio):
    """Each speaker has a folder of recordings and one of texts, of the same names."""
    for speaker in ("ABA", "BWC"):
        write_audio(tmp_path / speaker / "wav" / "arctic_a0001.wav")
        write(tmp_path / speaker / "transcript" / "arctic_a0001.txt", f"text of {speaker}")
    found = folder.read(tmp_path, tmp_path / "out").utterances
    assert {u.speaker: u.text for u in found} == {"ABA": "text of ABA", "BWC": "text of BWC"}


def test_librispeech_as_it_is_published(tmp_path, write_audio):
    for part, speaker in (("train-clean-5", "19"), ("dev-clean", "84")):
        place = tmp_path / part / speaker / "1"
        write_audio(place / f"{speaker}-1-0000.flac")
        write(place / f"{speaker}-1.trans.txt", f"{speaker}-1-0000 YES\n")
    found = folder.read(tmp_path, tmp_path / "out").utterances
    assert {(u.split, u.speaker) for u in found} == {("train", "19"), ("dev", "84")}


@pytest.mark.parametrize("heading", ["", "path,transcript\n"])
def test_a_manifest_may_name_the_files_of_its_texts(tmp_path, write_audio, heading):
    lay(tmp_path, ("wav/a1", "wav/b1"), write_audio)
    for name, text in (("a1", "YES\n"), ("b1", "NO\n")):
        write(tmp_path / f"txt/{name}.txt", text)
    write(tmp_path / "x.csv", f"{heading}wav/a1.wav,txt/a1.txt\nwav/b1.wav,txt/b1.txt\n")
    assert texts(tmp_path / "x.csv") == {"a1": "YES", "b1": "NO"}


def test_times_may_be_those_of_a_clock(tmp_path, write_audio):
    lay(tmp_path, ("a1",), write_audio)
    write(tmp_path / "x.csv", "path,start,end,text\na1.wav,00:00:00.1,0:0.4,YES\n")
    (found,) = folder.read(tmp_path / "x.csv", tmp_path).utterances
    assert (found.start_s, found.end_s) == (0.1, 0.4)
