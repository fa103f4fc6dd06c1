"""What each part of streaming costs in word errors: normalization, right context and endpoints.

Each row takes one part from streams and all others from files: python benchmarks/streaming_costs.py
CUTS. Behind each utterance come 3 s of noise at the level of its pauses, as in `asr evaluate
--stream`. The last row joins the utterances of a speaker, in random order and each with its noise,
to one stream, normalizes it, and takes all else from files.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from lhotse.cut import Cut
from tqdm import tqdm

from asr.data.manifests import load_waveform, read_cuts
from asr.inference.recognizer import Recognizer, load
from asr.inference.streaming import Stream, StreamOptions
from asr.inference.streaming.evaluation import append_silence
from asr.inference.streaming.normalization import RunningNormalizer
from asr.model.numpy_features import Features
from asr.model.shapes import count_frames
from asr.scoring import score
from asr.transcript import Segment

#: Log-mel values of an utterance, and of the utterance with noise behind it.
Values = tuple[Features, Features]


def main() -> None:
    """Print the word error rate of each row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cuts", metavar="CUTS", help="a cut manifest")
    parser.add_argument("--model", default="en-small")
    args = parser.parse_args()
    costs = Costs(load(args.model), list(read_cuts(args.cuts)))
    costs.report("offline", lambda values: costs.decode(costs.encode(costs.by_file(values, 0))))
    costs.report("noise behind", lambda values: costs.decode(costs.encode(costs.by_file(values))))
    costs.report(
        "running normalization", lambda values: costs.decode(costs.encode(costs.running(values[1])))
    )
    for chunk_ms, context_ms in ((2000, 1000), (1000, 500), (500, 500)):
        costs.report(
            f"chunks of {chunk_ms} ms, right context {context_ms} ms",
            lambda values, sizes=(chunk_ms, context_ms): costs.decode(
                costs.encode_chunks(costs.by_file(values), *sizes)
            ),
        )
    costs.report("endpoints", lambda values: costs.end(costs.encode(costs.by_file(values))))
    costs.report_long("running normalization, long streams")


class Costs:
    """A recognizer whose parts are called one by one.

    Args:
        recognizer: with its model's normalization of ``utterance``.
        cuts: a test set.
    """

    def __init__(self, recognizer: Recognizer, cuts: Sequence[Cut]) -> None:
        self.recognizer, self.engine, self.cuts = recognizer, recognizer.engine, cuts
        normalize, rate = recognizer.tokenizer.normalize, recognizer.sample_rate
        self.references = {cut.id: normalize(cut.supervisions[0].text) for cut in cuts}
        log_mel = self.engine.log_mel.log_mel
        self.values: dict[str, Values] = {}
        for cut in tqdm(cuts, unit="utt", disable=None):
            waveform = load_waveform(cut, rate)
            self.values[cut.id] = log_mel(waveform), log_mel(append_silence(waveform, rate))

    def report(self, name: str, transcribe: Callable[[Values], str]) -> None:
        """Transcribe every utterance in one way, and print the errors."""
        self._print(name, {key: transcribe(values) for key, values in self.values.items()})

    def report_long(self, name: str) -> None:
        """Normalize the utterances of a speaker as one stream, and print the errors."""
        by_speaker: dict[str | None, list[str]] = {}
        for cut in self.cuts:
            by_speaker.setdefault(cut.supervisions[0].speaker, []).append(cut.id)
        texts = {}
        for keys in by_speaker.values():
            order = [str(key) for key in np.random.default_rng(0).permutation(keys)]
            rest = self.running(np.concatenate([self.values[key][1] for key in order]))
            for key in order:
                speech, with_noise = map(len, self.values[key])
                texts[key], rest = self.decode(self.encode(rest[:speech])), rest[with_noise:]
        self._print(name, texts)

    def _print(self, name: str, texts: dict[str, str]) -> None:
        print(f"{name:42}{score(self.references, texts).wer:.2%}", flush=True)

    def by_file(self, values: Values, which: int = 1) -> Features:
        """Normalize by the utterance alone: 0 gives the utterance, 1 the noise behind it too."""
        utterance = self.engine.log_mel.limit_range(values[0])
        std = np.maximum(utterance.std(0), 0.5)
        least = values[0].max() - self.engine.log_mel.settings.range_nats
        return ((np.maximum(values[which], least) - utterance.mean(0)) / std).astype(np.float32)

    def running(self, values: Features) -> Features:
        """Normalize as a stream."""
        normalizer = RunningNormalizer(self.engine.log_mel.settings, self.engine.statistics)
        block = self.engine.settings.subsampling["factor"]
        parts = [values[first : first + block] for first in range(0, len(values), block)]
        found = [normalizer.feed(part) for part in parts]
        return np.concatenate([*found, normalizer.feed(values[:0], last=True)])

    def encode(self, features: Features) -> Features:
        """Encode a whole utterance."""
        return self.encode_chunks(features, 60_000, 0)

    def encode_chunks(self, features: Features, chunk_ms: float, context_ms: float) -> Features:
        """Encode as a stream."""
        sizes = (count_frames(self.engine.settings, size) for size in (chunk_ms, context_ms))
        stream = self.engine.open_stream(*sizes)
        return np.concatenate([stream.feed(features), stream.feed(features[:0], last=True)])

    def decode(self, log_probs: Features) -> str:
        """Decode a whole utterance."""
        lengths = np.array([len(log_probs)])
        return self.recognizer.decoder.decode(log_probs[None], lengths, self.engine.frame_s)[0].text

    def end(self, log_probs: Features) -> str:
        """Decode as a stream, which endpoints cut."""
        stream: Stream = self.recognizer.stream(self.engine.sample_rate, StreamOptions())
        stream._features = stream._encoder = Given(log_probs)
        events = stream.accept(np.zeros(1, np.float32)) + stream.finish()
        return " ".join(event.text for event in events if isinstance(event, Segment))


class Given:
    """Stands for the features and the encoder of a stream whose log-probabilities are known."""

    def __init__(self, log_probs: Features) -> None:
        self._log_probs = log_probs

    def feed(self, _: Features, *, last: bool = False) -> Features:
        """Give all at the first call, and none at the end."""
        return self._log_probs[: 0 if last else None]


if __name__ == "__main__":
    main()
