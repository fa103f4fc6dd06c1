"""English numbers in digits, as people say them: ``$3.50`` becomes three dollars fifty cents."""

import re

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_THOUSANDS = ("", "thousand", "million", "billion", "trillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_COINS = {"$": ("dollar", "cent"), "£": ("pound", "pence"), "€": ("euro", "cent")}
#: Four digits that are spoken as two pairs: centuries, and this one from 2010 on.
_PAIRS = (range(1100, 2000), range(2010, 2100))

_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
_SCALE = r"thousand|million|billion|trillion"
_MONEY = re.compile(rf"([$£€])\s?({_NUMBER})(?:\.(\d+))?(?:\s({_SCALE})\b)?")
_DECADE = re.compile(r"'?\b(\d\d(?:\d\d)?)'?s\b")
_ORDINAL = re.compile(rf"\b({_NUMBER})(?:st|nd|rd|th)\b")
_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
_PLAIN = re.compile(rf"({_NUMBER})(?:\.(\d+))?")


def spell_numbers(text: str) -> str:
    """Write the numbers of a text in lower case as words; the result has no digit.

    Numbers of four digits are spoken as years are, digits behind a zero one by one, and so are
    numbers of more than fifteen digits.
    """
    text = _MONEY.sub(_money, text)
    text = re.sub(r"(?<=\d)\s?%", " percent", text)
    text = _DECADE.sub(lambda found: f" {_plural(_year(found[1]))} ", text)
    text = _ORDINAL.sub(lambda found: f" {_ordinal(found[1])} ", text)
    text = _CLOCK.sub(lambda found: f" {_clock(found[1], found[2])} ", text)
    return _PLAIN.sub(lambda found: f" {_decimal(found[1], found[2])} ", text)


def _cardinal(digits: str) -> str:
    """Say a whole number without commas."""
    if len(digits) > 15 or (digits.startswith("0") and len(digits) > 1):
        return _one_by_one(digits)
    number, words = int(digits), []
    for scale in _THOUSANDS:
        number, below = divmod(number, 1000)
        if below:
            words.append(f"{_below_thousand(below)} {scale}".strip())
    return " ".join(reversed(words)) or _SMALL[0]


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    return " ".join(words + ([_below_hundred(rest)] if rest else []))


def _below_hundred(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_SMALL[ones]}" if ones else _TENS[tens]


def _one_by_one(digits: str) -> str:
    return " ".join(_SMALL[int(digit)] for digit in digits)


def _whole(number: str) -> str:
    """Say a whole number; four digits without a comma are a year."""
    return _year(number) if len(number) == 4 else _cardinal(number.replace(",", ""))


def _year(digits: str) -> str:
    """Say nineteen oh five, nineteen hundred, twenty ten; other numbers as they count."""
    if not any(int(digits) in pairs for pairs in _PAIRS):
        return _cardinal(digits)
    century, rest = divmod(int(digits), 100)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


def _decimal(whole: str, fraction: str | None) -> str:
    if fraction is None:
        return _whole(whole)
    return f"{_cardinal(whole.replace(',', ''))} point {_one_by_one(fraction)}"


def _ordinal(number: str) -> str:
    *before, last = _cardinal(number.replace(",", "")).split()
    if last in _ORDINALS:
        last = _ORDINALS[last]
    else:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*before, last])


def _plural(words: str) -> str:
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _clock(hour: str, minute: str) -> str:
    if minute == "00":
        return _below_hundred(int(hour))
    oh = "oh " if minute.startswith("0") else ""
    return f"{_below_hundred(int(hour))} {oh}{_below_hundred(int(minute))}"


def _money(found: re.Match[str]) -> str:
    coin, small = _COINS[found[1]]
    whole, fraction, scale = found[2], found[3], found[4]
    if scale is not None or (fraction is not None and len(fraction) != 2):
        return f" {_decimal(whole, fraction)} {scale or ''} {coin}s "
    words = f"{_cardinal(whole.replace(',', ''))} {coin}{'' if whole == '1' else 's'}"
    if fraction is None or fraction == "00":
        return f" {words} "
    cents = f"{small}{'' if fraction == '01' or small == 'pence' else 's'}"
    return f" {words} {_below_hundred(int(fraction))} {cents} "
