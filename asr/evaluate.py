"""A model's error rates on a cut manifest."""

import torch
from tqdm import tqdm

from asr.data import SpeechDataset, read_cuts
from asr.decoding.greedy import greedy_decode
from asr.inference import compute_log_probs
from asr.recognizer import Recognizer
from asr.scoring import Report, score

#: Seconds of padded audio at a time; bounds memory, and changes no result.
BATCH_S = 120.0


def evaluate(recognizer: Recognizer, manifest: str, vocabulary: set[str] | None = None) -> Report:
    """Transcribe every utterance of a manifest and score the result.

    References are normalised as the model's training text was, so that case and punctuation the
    model cannot write are no errors; characters it cannot write are.

    Args:
        recognizer: the model.
        manifest: path of a cut manifest with transcripts.
        vocabulary: known words, for the out-of-vocabulary rate.

    Raises:
        UserError: the manifest or audio it names cannot be read.
    """
    dataset = SpeechDataset(read_cuts(manifest), recognizer.tokenizer, recognizer.sample_rate)
    hypotheses: dict[str, str] = {}
    with tqdm(total=len(dataset), unit="utt", disable=None) as bar:
        results = compute_log_probs(recognizer.model, dataset, BATCH_S, device=torch.device("cpu"))
        for batch, log_probs, lengths in results:
            paths = greedy_decode(log_probs.numpy(), lengths.numpy())
            for utterance_id, path in zip(batch.utterance_ids, paths, strict=True):
                hypotheses[utterance_id] = recognizer.tokenizer.decode(path.token_ids)
            bar.update(len(paths))
    references = {cut.id: text for cut, text in zip(dataset.cuts, dataset.texts, strict=True)}
    speakers = {cut.id: cut.supervisions[0].speaker for cut in dataset.cuts}
    known = speakers if all(speakers.values()) else None
    return score(references, hypotheses, speakers=known, vocabulary=vocabulary)
