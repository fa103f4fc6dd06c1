"""The nearest of the known names, or what to do where none is near."""

import pytest

from asr.util.suggest import did_you_mean

KNOWN = ("json", "srt", "vtt")


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("jsn", {}, "did you mean json?"),
        ("jsn", {"show": repr}, "did you mean 'json'?"),
        ("x", {}, "choose one of json, srt, vtt"),
        ("x", {"otherwise": "see the list"}, "see the list"),
        ("s", {"cutoff": 0.0}, "did you mean srt?"),
        ("", {"cutoff": 0.0, "otherwise": "see the list"}, "did you mean vtt?"),
    ],
)
def test_the_nearest_name_is_asked_for(name, settings, expected) -> None:
    assert did_you_mean(name, KNOWN, **settings) == expected
