"""Text: what people transcribed becomes token ids, and words become phones.

In: raw transcripts, and pronunciation lexicons in CMU's or Kaldi's format.
Out: normalized text, token ids, and pronunciations.
Public: `NORMALIZERS`; `TAGS`, what becomes of [noise]; the tokenizers of characters, BPE
subwords and phones; the lexicon's reader.
`g2p` pronounces words by espeak-ng, whose synthesizer and pronouncer are in `espeak`.
"""

from asr.text.bpe import BPETokenizer
from asr.text.lexicon import Lexicon, read_lexicon, write_lexicon
from asr.text.normalizers import NORMALIZERS
from asr.text.phones import PhoneTokenizer
from asr.text.tags import TAGS, describe_tags, drop_tags
from asr.text.tokenizer import BLANK, BLANK_ID, SPACE, CharTokenizer, Tokenizer

__all__ = [
    "BLANK",
    "BLANK_ID",
    "NORMALIZERS",
    "SPACE",
    "TAGS",
    "BPETokenizer",
    "CharTokenizer",
    "Lexicon",
    "PhoneTokenizer",
    "Tokenizer",
    "describe_tags",
    "drop_tags",
    "read_lexicon",
    "write_lexicon",
]
