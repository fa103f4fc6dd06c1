"""Helpers without knowledge of speech, for all other packages.

`errors`: the exceptions that users read. `files`, `text_files`, `flat_yaml`: files written whole,
texts and settings read. `array_file`, `array_cache`: arrays mapped from files, and kept in the
cache. `printable`: text escaped for a terminal. `paths`, `cache_folder`: where recipes, models and
caches are. `threads`, `native`, `compiled`, `masks`: work on several cores, numba, and
padding. Each is imported by its module's name.
"""
