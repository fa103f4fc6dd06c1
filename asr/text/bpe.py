"""Subword tokens, learned from the training transcripts by byte-pair encoding (Sennrich 2016).

The optional extra sentencepiece learns the subwords and segments text into them. Subwords become
text by their spelling alone, so that transcribing needs no more than the model file.
"""

import zlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from io import BytesIO
from types import ModuleType
from typing import Any

from asr.text.normalizers import NORMALIZERS
from asr.text.tokenizer import BLANK, SPACE, Tokenizer
from asr.util.errors import UserError

#: sentencepiece's mark for the start of a word; it stands for the space before it.
WORD_START = "▁"


class BPETokenizer(Tokenizer):
    """Tokens are frequent words, frequent parts of words, and every single character.

    Args:
        tokens: the blank, then the subwords in the order of their ids in `model`.
        normalizer: a key of `asr.text.normalizers.NORMALIZERS`.
        model: sentencepiece's own model, serialized; it is opened when text is first encoded.

    Raises:
        UserError: as `Tokenizer`.
    """

    boundary = WORD_START
    kind = "subword"

    def __init__(self, tokens: Sequence[str], normalizer: str, model: bytes) -> None:
        super().__init__(tokens, normalizer)
        self.model = model

    @classmethod
    def from_texts(cls, texts: Iterable[str], normalizer: str, subwords: int) -> "BPETokenizer":
        """Learn subwords from training text: equal texts always give equal subwords.

        Args:
            texts: raw transcripts.
            normalizer: a key of `NORMALIZERS`, applied to the texts first.
            subwords: the most tokens, blank included; a small text gives fewer.

        Raises:
            UserError: sentencepiece is not installed, the texts are empty, or they have more
                different characters than `subwords` allows.
        """
        if normalizer not in NORMALIZERS:
            return cls([BLANK], normalizer, b"")  # one place words the refusal
        lines = [line for line in map(NORMALIZERS[normalizer], texts) if line]
        if not lines:
            raise UserError("tokens.subwords: the training transcripts have no text to learn from")
        least = len(set("".join(lines)) | {SPACE}) + 1
        if subwords < least:
            raise UserError(
                f"tokens.subwords: expected {least} or more, the blank and every character of the "
                f"training transcripts, found {subwords}"
            )
        model = _train(lines, subwords)
        return cls(_subwords(_open(model)), normalizer, model)

    def encode(self, text: str) -> list[int]:
        """Turn normalized text into token ids; no character may be `unknown`.

        Raises:
            UserError: sentencepiece is not installed, or its stored model is damaged.
        """
        return self._processor.encode(text)

    @cached_property
    def _processor(self) -> Any:
        processor = _open(self.model)
        if _subwords(processor) != self.tokens:
            raise UserError("tokens: the subwords are not those of the stored sentencepiece model")
        return processor

    def summary(self) -> str:
        """Give a checksum of the subwords and their order, which decide how text is encoded."""
        checksum = zlib.crc32("\n".join(self.tokens).encode())
        return f"BPE subwords with checksum {checksum:08x}"


def _train(lines: list[str], subwords: int) -> bytes:
    file = BytesIO()
    _sentencepiece().SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=file, model_type="bpe",
        vocab_size=subwords, hard_vocab_limit=False, character_coverage=1.0,
        normalization_rule_name="identity",  # the text is normalized already
        max_sentence_length=4 * max(map(len, lines)),  # in bytes; longer lines would be left out
        # CTC's blank has sentencepiece's id of the unknown token, so that ids need no shifting.
        unk_id=0, unk_piece=BLANK, bos_id=-1, eos_id=-1, pad_id=-1,
        num_threads=1, minloglevel=2,
    )  # fmt: skip
    return file.getvalue()


def _open(model: bytes) -> Any:
    processor = _sentencepiece().SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(model)
    except RuntimeError as error:
        raise UserError("tokens: the stored sentencepiece model is damaged") from error
    return processor


def _subwords(processor: Any) -> list[str]:
    return [processor.id_to_piece(index) for index in range(len(processor))]


def _sentencepiece() -> ModuleType:
    try:
        import sentencepiece
    except ImportError as error:
        raise UserError(
            "tokens: encoding text in BPE subwords needs sentencepiece, which is not installed; "
            "pip install sentencepiece"
        ) from error
    return sentencepiece
