"""The remedies that errors name, in the words of the command line.

Libraries raise errors with data, since they do not know who calls them: from Python a setting is an
argument, here it is a flag.
"""

#: The key that an error or a note carries -> what to do, with the error's details in braces.
REMEDIES = {
    "continue_download": "the same command continues it, or fetch it by other means and give its "
    "folder as --source",
    "earlier_start": "give a smaller --start",
    "either_layout": "say --layout kaldi or --layout plain",
    "energy_detector": "use --vad energy",
    "known_language": "give one of those that `espeak-ng --voices` lists, such as en-us, de or fr",
    "librispeech_parts": "give the corpus as --source, or name the parts to download, for example "
    "--train train-clean-5 --dev dev-clean-2",
    "make_lexicon": "`asr lexicon TEXT --output {path}` makes one, or name yours by tokens.lexicon",
    "make_room": "make room or give another --output, and the same command goes on",
    "mix_channels": "use --channel mix",
    "other_layout": "write it as `words (id)`, or say another --layout",
    "other_output": "give another --output",
    "plain_layout": "if they are words, say --layout plain",
    "pronounce_words": "give their pronunciations in a --lexicon, which `asr lexicon` makes of the "
    "text",
    "repeated_id": "keep one of them, or say --layout plain",
    "same_layout": "give both in one layout, or say which with --layout",
    "skip_invalid": "mend them, or leave them out with --skip-invalid",
    "spell_out": "spell them out as the training text did",
}


def worded(error: object) -> str:
    """Put the remedy that an error or a note names behind the first line of its message."""
    message, remedy = str(error), getattr(error, "remedy", None)
    if remedy is None:
        return message
    first, newline, others = message.partition("\n")
    return f"{first}; {REMEDIES[remedy].format_map(error.details)}{newline}{others}"  # type: ignore[attr-defined]


def worded_package(package: str) -> str:
    """Say that an installation lacks a package, as those without training do, and what to do."""
    missing = f"needs the package {package}, which is not installed; install asr-toolkit"
    if package in ("numba", "llvmlite"):
        return f"{missing} or asr-toolkit-runtime in place of asr-toolkit-compiled"
    return f"{missing} in place of this part of it"
