"""The one exception that is a user's to mend, and how it is worded."""

import errno

#: What a system calls a disk, or a user's share of it, that has no room left.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class UserError(Exception):
    """A mistake in what the user gave: a path, a file's content, a setting.

    The message is one sentence that says what is wrong, what was found, where, and what to do,
    for example ``train.jsonl.gz:17: duration is -0.3 s, expected more than 0; prepare the corpus
    again``. The command line prints it without a traceback and exits with status 1.
    """


def printable(text: str) -> str:
    """Escape what is no text: Python carries the bytes of a file's name that is not UTF-8 along."""
    return text.encode(errors="backslashreplace").decode()
