"""What the command line shows: results on standard output, the rest on standard error."""

import sys

from asr.cli.remedies import worded
from asr.util.printable import printable_lines, printable_sentence


def show(text: object, end: str = "\n") -> None:
    """Print a result of one or several lines, at once."""
    print(printable_lines(str(text)), end=end, flush=True)


def tell(sentence: object) -> None:
    """Print what is to be known besides the result."""
    print(printable_sentence(str(sentence)), file=sys.stderr)


def complain(sentence: object) -> None:
    """Print what went wrong, and the remedy that an error names."""
    tell(f"asr: {worded(sentence)}")
