"""Names of files as text, whatever the locale."""

import os
import sys


def use_utf8() -> None:
    """Start this program again in Python's UTF-8 mode, where the locale has another encoding.

    Names of files are UTF-8 in manifests and outputs, and on nearly all file systems. In another
    encoding Python reads them as bytes without a meaning, or as other letters. What is printed
    stays in the locale's encoding, unless that is ASCII.
    """
    if sys.flags.utf8_mode or not sys.executable or sys.getfilesystemencoding() == "utf-8":
        return
    if sys.stdout is not None and sys.stdout.encoding not in ("ascii", "us-ascii", "utf-8"):
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.execv(sys.executable, [sys.orig_argv[0], "-X", "utf8", *sys.orig_argv[1:]])
