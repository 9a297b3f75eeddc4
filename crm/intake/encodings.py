"""In which older encoding was this text saved? Told by the letters that would stand in it.

A guess from byte statistics needs pages of prose; a list of people has a few telling letters. So each encoding is
tried, and the one wins whose letters all belong to one language.
"""

from __future__ import annotations

import re

ENCODINGS = ("cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp866", "cp850", "mac_roman")

_LANGUAGES = [
    frozenset(letters + letters.upper().replace("SS", ""))
    for letters in (
        "æøåéü",  # Danish, Norwegian
        "äöåéü",  # Swedish, Finnish
        "äöüßé",
        "àâæçéèêëîïôœùûüÿ",
        "áéíñóúüçº",
        "ãáàâçéêíóôõúü",
        "àèéìíîòóùú",
        "áíúýðþæöó",  # Icelandic
        "ëéïöüèáó",  # Dutch
        "ąćęłńóśźż",
        "áčďéěíňóřšťúůýž",
        "áäčďéíĺľňóôŕšťúýž",
        "áéíóöőúüű",
        "ăâîșțşţ",
        "čćđšž",
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    )
]
_NEUTRAL = frozenset("«»„”“’‘–—…€§°№·•\u00a0®™©²½&£")


def older(telling: bytes) -> str:
    """The likeliest encoding of lines that are not UTF-8; cp1252 where nothing tells."""
    return max(ENCODINGS, key=lambda encoding: _likelihood(telling, encoding))


def _likelihood(telling: bytes, encoding: str) -> float:
    text = telling.decode(encoding, errors="replace")
    signs = [sign for sign in text if not sign.isascii()]
    letters = [sign for sign in signs if sign not in _NEUTRAL]
    if not letters:
        return sum(sign in _NEUTRAL for sign in signs) / (len(signs) or 1)
    at_home = max(sum(letter in language for letter in letters) for language in _LANGUAGES)
    # KOI8 and the code pages of Windows hold the same alphabet with small and capital letters changed about.
    upside_down = len(re.findall(r"(?<=[а-яё])[А-ЯЁ]|(?<=[a-z])[À-ÞА-ЯЁ]", text))
    return (at_home - upside_down) / len(letters)
