"""Korean particles after inserted words.

Many particles have two forms: one after a consonant, one after a vowel. A translation cannot know what word comes
before, so it writes both, as Korean programs do: ``%(node)s이(가)``. :func:`with_particles` keeps the right form::

    swarm-manager이(가) -> swarm-manager가      swarm-worker1이(가) -> swarm-worker1이
    web을(를) -> web을                          10.0.2.100(으)로 -> 10.0.2.100으로

The sound of a Latin word is guessed from its spelling, after the rules by which Korean writes English words.
"""

from __future__ import annotations

import re
from enum import Enum

_PARTICLE = re.compile(
    r"은\(는\)|는\(은\)|이\(가\)|가\(이\)|을\(를\)|를\(을\)|과\(와\)|와\(과\)|\(으\)로|으로\(로\)|\(이\)(?=[가-힣])"
)

_FORMS = {
    "은": ("은", "는"),
    "는": ("은", "는"),
    "이": ("이", "가"),
    "가": ("이", "가"),
    "을": ("을", "를"),
    "를": ("을", "를"),
    "과": ("과", "와"),
    "와": ("과", "와"),
}
"""After a consonant and after a vowel, by the first letter of the particle."""

_SILENT = "\"'`’”」』)]>*/. "
"""What may stand between a word and its particle."""


class Ending(Enum):
    """The sound at the end of a word; ㄹ counts as a vowel before ``(으)로``."""

    VOWEL = "vowel"
    RIEUL = "ㄹ"
    CONSONANT = "consonant"


_DIGITS = dict(zip("0123456789", "영일이삼사오육칠팔구", strict=True))
_CAPITALS = {"L": Ending.RIEUL, "R": Ending.RIEUL, "M": Ending.CONSONANT, "N": Ending.CONSONANT}
"""Letters whose Korean names (엘, 알, 엠, 엔) end in a consonant."""
_LATIN = (
    (re.compile(r"le?$"), Ending.RIEUL),
    # worm, engine, ping
    (re.compile(r"(?:[mn]e?|ng)$"), Ending.CONSONANT),
    # stack; web, net, stop: a stop after one short vowel. Not http, root, vagrant.
    (re.compile(r"(?:ck|(?:^|[^aeiou])[aeiou][bckpt])$"), Ending.CONSONANT),
)


def ending(word: str) -> Ending | None:
    """Find out in which sound a word ends; ``None`` if it ends in no letter or digit.

    >>> ending("swarm-worker1")
    <Ending.RIEUL: 'ㄹ'>
    """
    word = word.rstrip(_SILENT)
    last = _DIGITS.get(word[-1:], word[-1:])
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return {0: Ending.VOWEL, 8: Ending.RIEUL}.get(final, Ending.CONSONANT)
    if not (last.isascii() and last.isalpha()):
        return None
    if last.isupper():
        return _CAPITALS.get(last, Ending.VOWEL)
    return next((sound for spelling, sound in _LATIN if spelling.search(word)), Ending.VOWEL)


def with_particles(text: str) -> str:
    """Give a Korean text in which each particle that is written in both forms has the one that is right.

    >>> with_particles("'spread'을(를) 노드 3(으)로")
    "'spread'를 노드 3으로"
    """
    return _PARTICLE.sub(_form, text) if "(" in text else text


def _form(particle: re.Match[str]) -> str:
    # Of a long text only the last word counts.
    sound = ending(particle.string[max(0, particle.start() - 40) : particle.start()])
    if sound is None:
        return particle[0]
    if particle[0].endswith("로") or particle[0] == "으로(로)":
        return "으로" if sound is Ending.CONSONANT else "로"
    if particle[0] == "(이)":
        return "" if sound is Ending.VOWEL else "이"
    after_consonant, after_vowel = _FORMS[particle[0][0]]
    return after_vowel if sound is Ending.VOWEL else after_consonant
