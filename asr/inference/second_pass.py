"""The language model of the second pass, opened as the decoding options name it."""

from typing import TYPE_CHECKING

from asr.decoding.options import DecodingOptions

if TYPE_CHECKING:
    from asr.decoding.rescoring import SentenceScorer


def open_scorer(options: DecodingOptions) -> "SentenceScorer | None":
    """Open the second pass's language model, if the options name one.

    Raises:
        UserError: the file cannot be read, or is not the model that the weights were tuned with.
    """
    options.check_lm("neural_lm")
    if options.neural_lm is None:
        return None
    from asr.onnx.language_model import OnnxLanguageModel

    return OnnxLanguageModel(options.neural_lm).score
