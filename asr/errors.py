"""The one exception that is a user's to mend, and how it is worded."""


class UserError(Exception):
    """A mistake in what the user gave: a path, a file's content, a setting.

    The message is one sentence that says what is wrong, what was found, where, and what to do,
    for example ``train.jsonl.gz:17: duration is -0.3 s, expected more than 0; prepare the corpus
    again``. The command line prints it without a traceback and exits with status 1.
    """
