"""Korean particles after inserted words."""

from __future__ import annotations

from pathlib import Path

import pytest

from labgen.core.i18n import Messages
from labgen.core.josa import Ending, ending, with_particles

VOWEL, RIEUL, CONSONANT = Ending.VOWEL, Ending.RIEUL, Ending.CONSONANT


@pytest.mark.parametrize(
    ("word", "sound"),
    [
        # Hangul
        ("서비스", VOWEL), ("노드", VOWEL), ("이미지", VOWEL), ("랩", CONSONANT), ("볼륨", CONSONANT), ("파일", RIEUL),
        # digits: 영, 일, 이, 삼, 사, 오, 육, 칠, 팔, 구
        ("swarm-worker0", CONSONANT), ("swarm-worker1", RIEUL), ("swarm-worker2", VOWEL), ("swarm-worker3", CONSONANT),
        ("4", VOWEL), ("5", VOWEL), ("6", CONSONANT), ("7", RIEUL), ("8", RIEUL), ("9", VOWEL), ("10.0.2.101", RIEUL),
        # names of letters
        ("IP", VOWEL), ("URL", RIEUL), ("VM", CONSONANT), ("LAN", CONSONANT), ("GiB", VOWEL),
        # English words as Korean spells them
        ("swarm-manager", VOWEL), ("docker", VOWEL), ("site-users", VOWEL), ("spread", VOWEL), ("nginx", VOWEL),
        ("swarm", CONSONANT), ("debian", CONSONANT), ("engine", CONSONANT), ("ping", CONSONANT), ("stack", CONSONANT),
        ("web", CONSONANT), ("net", CONSONANT), ("root", VOWEL), ("vagrant", VOWEL), ("libvirt", VOWEL),
        ("http", VOWEL),
        ("lab.yml", RIEUL), ("file", RIEUL), ("service", VOWEL), ("node", VOWEL), ("virtualbox", VOWEL),
        ("log", VOWEL),
        # what stands between a word and its particle
        ("'web'", CONSONANT), ("`labgen up`", CONSONANT), ("lab.yml(설정 파일)", RIEUL), ("/home/kim/", CONSONANT),
    ],
)  # fmt: skip
def test_ending(word: str, sound: Ending) -> None:
    assert ending(word) is sound


@pytest.mark.parametrize("word", ["", "?", "{service}", "日本"])
def test_ending_of_what_has_no_sound_that_is_known(word: str) -> None:
    assert ending(word) is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("swarm-worker1이(가) 없습니다", "swarm-worker1이 없습니다"),
        ("swarm-manager이(가) 없습니다", "swarm-manager가 없습니다"),
        ("10.0.2.101을(를)", "10.0.2.101을"),
        ("spread을(를)", "spread를"),
        ("site-users은(는)", "site-users는"),
        ("web과(와) db와(과) alb", "web과 db와 alb"),
        ("8080(으)로", "8080으로"),
        ("worker1(으)로", "worker1로"),
        ("worker2으로(로)", "worker2로"),
        ("lab.yml(이)라는 파일, web(이)나 db(이)나", "lab.yml이라는 파일, web이나 db나"),
        ("'nginx'를(을) `labgen up`가(이)", "'nginx'를 `labgen up`이"),
        ("{service}이(가) 없습니다", "{service}이(가) 없습니다"),
        ("괄호(설명)는 그대로, (이) 것도", "괄호(설명)는 그대로, (이) 것도"),
    ],
)
def test_josa_with_particles(text: str, right: str) -> None:
    assert with_particles(text) == right


def test_text_in_korean_has_the_particle_of_its_value(tmp_path: Path) -> None:
    po = tmp_path / "ko.po"
    po.write_text('msgid "%(node)s is missing."\nmsgstr "%(node)s이(가) 없습니다."\n', encoding="utf-8")
    text = Messages(str(po))("%(node)s is missing.", node="swarm-manager")
    assert (text.in_("ko"), text.in_("en")) == ("swarm-manager가 없습니다.", "swarm-manager is missing.")


def test_text_has_the_particle_of_a_parameter_that_a_change_fills_in(tmp_path: Path) -> None:
    po = tmp_path / "ko.po"
    po.write_text('msgid "{service} runs."\nmsgstr "{service}이(가) 실행 중입니다."\n', encoding="utf-8")
    text = Messages(str(po))("{service} runs.").changed(lambda words: words.replace("{service}", "web"))
    assert text.in_("ko") == "web이 실행 중입니다."
