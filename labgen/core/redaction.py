"""Cut secrets out of texts: what nodes answer, what exercises print, what reports show.

A secret is replaced by a stand-in, ``(secret)``, or with a key ``(secret-1a2b3c4d)``: the beginning of a keyed digest,
so that two values that differ stay different. Whoever does not have the key cannot try passwords out on it.

JSON stays JSON: its strings are decoded, redacted one by one, and encoded again; everything else is left as it is.
``docs/evidence.md`` lists what is cut out. A form that is added here is added there.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
from collections import deque
from collections.abc import Callable, Sequence

_StandIn = Callable[[str], str]

_STAND_IN = r"\(secret(?:-[0-9a-f]{8})?\)"

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|auth(?:orization)?"
    r"|(?:api|access|private|secret|encryption|signing|master|app|jwt|ssh|deploy)[_.-]?key)"
    r"(?:[_-](?:base|hash|value|old|new)|[_-]?\d{1,3})?"
)
"""End of the name of a variable, key or option that holds a secret."""

# A cheap search that decides whether a text is looked at any further: it finds whatever the patterns below find.
_SUSPICIOUS = re.compile(
    r"(?i)pass|pwd|secret|token|credential|auth|key\b|bearer|swmtkn|swmkey|://|\$[\w-]{1,12}\$|\{\w{3,8}\}|redis-cli|curl|mysql"
)
_OPTION = r"--?[\w-]{0,40}(?:pass(?:word|wd|phrase)?|masterauth|token|(?:api|access|secret|private)-key|client-secret)"

# A value in quotes, in quotes that are escaped themselves, or up to the next space. Escapes are units in all of them.
_VALUE = (
    rf"(?!{_STAND_IN}|(?:basic|bearer|digest)[ \t])"
    rf"(?:(?P<open>\\{{0,7}}[\"'])(?!{_STAND_IN})(?P<quoted>(?:(?!(?P=open))(?:\\.|[^\\\n]))+)(?P=open)"
    r"|(?!\\{0,7}[\"'])(?P<bare>(?:\\.|[^\s\"'\\&;])+))"
)
# `--secret NAME` gives a service a secret by its name, which is none itself; `a:b` without a space may be an image.
_ASSIGNED = re.compile(
    rf"(?i)(?P<name>(?:(?<!--)|(?!secret)){_NAME})"
    r"(?:\\{0,7}[\"'])?(?:[ \t]{0,8}=(?!=)[ \t]{0,8}|[ \t]{0,8}:(?:[ \t]{1,8}|(?=\\{0,7}[\"'])))"
    r"(?:(?:basic|bearer|digest)[ \t]{1,8})?"
    rf"{_VALUE}"
)
_OPTION_VALUE = re.compile(rf"(?i)(?<![\w-]){_OPTION}[ \t]{{1,8}}(?![-$]|\"\$){_VALUE}")
_WORKING_FOLDER = re.compile(r"(?i)(?:OLD)?PWD")
_END_OF_NAME = re.compile(r"\w+\Z")

_FORMS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<secret>SWMTKN-[0-9A-Za-z-]+|SWMKEY-[0-9A-Za-z+/=-]+)",
        r"(?P<secret>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:(?:(?!-----(?:BEGIN|END))[^\"])*"
        r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|(?:(?:\s|\\[nr])*(?!labgen-)[A-Za-z0-9+/=]{3,})*))",
        r"(?i)\bbearer[ \t]{1,8}(?!token\b|auth)(?P<secret>[A-Za-z0-9._~+/=-]{6,})",
        # What htpasswd, mkpasswd and /etc/shadow make of a password.
        r"(?P<secret>\$(?:apr1|argon2\w{1,2}|2[abxy]|[156y])\$[./A-Za-z0-9$=,+-]{8,})",
        r"\{S?SHA\d{0,3}\}(?P<secret>[A-Za-z0-9+/=]{8,})",
        r":\{(?:PLAIN|plain)\}(?!PASSWORD|비밀번호|\(secret)(?P<secret>[^\s\"']+)",
        r"redis-cli[^\n|;&]{0,200}?[ \t]-a[ \t]{1,8}(?P<secret>(?!\(secret)[^\s\"']+)",
        r"\b(?:mysql|mysqladmin|mysqldump|mariadb)\b[^\n|;&]{0,200}?[ \t]-p(?P<secret>(?!\(secret)[^\s\"']+)",
        r"curl[^\n|;&]{0,200}?[ \t](?:-u|--user)[ \t]{1,8}[^\s:\"']{1,200}:(?P<secret>(?!\(secret)[^\s\"']+)",
    )
)
# An @ in a password, which no URL can have, does not end it.
_IN_URLS = re.compile(r"(?<=://)[^/\s:@\"'\\]{0,200}:(?:\\.|[^/\s\"'\\])+(?=@)")

_SUSPICIOUS_WORDS = (
    *("pass", "pwd", "secret", "token", "credential", "auth", "key", "bearer", "swmtkn", "swmkey", "://", "$"),
    *("{sha", "{ssha", "{plain", "redis-cli", "curl", "mysql"),
)

_SECRET_NAME = re.compile(rf"(?i)[\w.-]*{_NAME}")
_SECRET_OPTION = re.compile(rf"(?i){_OPTION}")
_VARIABLE = re.compile(rf"(?is)(?P<name>[\w.-]*(?:{_NAME}|_key))=(?!=)(?P<value>.+)")

_LITERAL = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_JSON = re.compile(
    rf"(?:[\s\[\]{{}}:,]++|{_LITERAL.pattern}|true|false|null|NaN|-?Infinity|-?\d[\d.eE+-]*+)*+", re.DOTALL
)
_NUMBER = re.compile(r"(\s*:\s*)(-?\d[\d.eE+-]*)")
_LINE = re.compile(r"[^\n]+")
_PART = 2**20
"""Characters of a text without JSON that are looked at together."""

_MOST = 20_000
"""Secrets that one text may have."""

_MOST_STRINGS = 2_000_000
"""Strings of a JSON text that are looked at one by one; one that has more is read by nobody."""

_WORD = 256
"""Characters that a name of a secret, an option or a program may have."""

_WORDS = 32
"""Words of a command that are remembered while its later ones are looked at."""


class TooManySecrets(ValueError):
    """A text has more secrets than any that is not made to keep one busy."""


def redact(text: str, key: bytes = b"") -> str:
    """Replace the secrets in a text by stand-ins.

    :param key: makes stand-ins differ where the secrets do; without one they are all the same.
    :raises TooManySecrets: with a key only.
    """

    count = 0

    def stand_in(secret: str) -> str:
        nonlocal count
        count += 1
        if not key or not secret:
            return "(secret)"
        if count > _MOST:
            raise TooManySecrets
        digest = hmac.new(key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"(secret-{digest[:8]})"

    return _redact(text, stand_in)


def _redact(text: str, stand_in: _StandIn) -> str:
    if not _may_have_secrets(text):
        return text
    if _is_json(text):
        return _redact_json(text, stand_in)
    redacted = io.StringIO()
    plain = 0  # where lines of no JSON begin, which stay together: a private key has many
    for line in _LINE.finditer(text):
        if line[0].lstrip()[:1] in ("{", "[") and _is_json(line[0]):
            _write_plain(text[plain : line.start()], stand_in, redacted)
            redacted.write(_redact_json(line[0], stand_in))
            plain = line.end()
    _write_plain(text[plain:], stand_in, redacted)
    return redacted.getvalue()


def _may_have_secrets(text: str) -> bool:
    # Of long texts one word after the other: that is a hundred times as fast.
    if len(text) > _PART and not any(map(text.lower().__contains__, _SUSPICIOUS_WORDS)):
        return False
    return len(text) > _PART or _SUSPICIOUS.search(text) is not None


def _write_plain(text: str, stand_in: _StandIn, redacted: io.StringIO) -> None:
    """Redact a text in parts, cut between words: what is put in the place of many secrets takes memory for each."""
    start = 0
    while len(text) - start > _PART:
        cut = max(text.rfind("\n", start, start + _PART), text.rfind(" ", start, start + _PART)) + 1
        end = cut if cut > start else start + _PART
        redacted.write(_redact_plain(text[start:end], stand_in))
        start = end
    redacted.write(_redact_plain(text[start:], stand_in))


def _is_json(text: str) -> bool:
    """Tell whether a text has only JSON's words outside its strings. It is not parsed: it may be deep, or large."""
    return 0 < text.count('"') <= 2 * _MOST_STRINGS and _JSON.fullmatch(text) is not None


def _redact_json(text: str, stand_in: _StandIn) -> str:
    """Redact the strings of a JSON text, each by what stands before it: a key, or earlier words of its list."""
    redacted = io.StringIO()
    written = end = 0
    words: deque[str] = deque(maxlen=_WORDS)
    for literal in _LITERAL.finditer(text):
        between = text[end : literal.start()].strip()
        if between == ":" and words and _SECRET_NAME.fullmatch(words[-1]):
            string = _quoted(_redact_value(_decoded(literal[0]), words[-1], stand_in))
        else:
            if between != ",":
                words.clear()
            string = _redact_literal(literal[0], words, stand_in)
        words.append(_decoded(literal[0]) if len(literal[0]) < _WORD else "")
        end = literal.end()
        number = _NUMBER.match(text, end) if _SECRET_NAME.fullmatch(words[-1]) else None
        if number:
            string += number[1] + _quoted(stand_in(number[2]))
            end = number.end()
        if number or string != literal[0]:
            redacted.write(text[written : literal.start()])
            redacted.write(string)
            written = end
    redacted.write(text[written:])
    return redacted.getvalue()


def _redact_literal(literal: str, words: Sequence[str], stand_in: _StandIn) -> str:
    before = words[-1] if words else ""
    if not before.startswith("-") and not literal.startswith('"-p') and not _SUSPICIOUS.search(literal):
        return literal
    string = _decoded(literal)
    redacted = _redact_word(string, words, stand_in) or _redact(string, stand_in)
    return literal if redacted == string else _quoted(redacted)


def _redact_word(word: str, words: Sequence[str], stand_in: _StandIn) -> str:
    """Redact a variable of an environment, or a word of a command by those before it; empty if it is neither."""
    if variable := _VARIABLE.fullmatch(word):
        name = variable["name"]
        return "" if name.lower() == "--secret" else f"{name}={_redact_value(variable['value'], name, stand_in)}"
    before = words[-1] if words else ""
    user, colon, password = word.partition(":")
    if before.startswith("-") and not word.startswith("$"):
        if _SECRET_OPTION.fullmatch(before) or (before == "-a" and _names(words, "redis-cli")):
            return _redact_value(word, before, stand_in)
        if before in ("-u", "--user") and password and _names(words, "curl"):
            return f"{user}{colon}{_redact_value(password, before, stand_in)}"
    if word.startswith("-p") and _names(words, "mysql", "mysqladmin", "mysqldump", "mariadb"):
        return f"-p{_redact_value(word[2:], '-p', stand_in)}"
    return ""


def _names(words: Sequence[str], *programs: str) -> bool:
    return any(word.rpartition("/")[2] in programs for word in words)


def _redact_value(value: str, name: str, stand_in: _StandIn) -> str:
    """Redact a value that is a secret from end to end; a ``PWD`` that is a path is the working folder, and stays."""
    if not value or re.fullmatch(_STAND_IN, value) or (_WORKING_FOLDER.fullmatch(name) and value.startswith("/")):
        return value
    return stand_in(value)


def _redact_plain(text: str, stand_in: _StandIn) -> str:
    for form in _FORMS:
        text = form.sub(lambda match: _replaced(match, "secret", stand_in), text)
    text = _IN_URLS.sub(lambda match: "secret" + stand_in(match[0]).strip("()").removeprefix("secret"), text)
    text = _OPTION_VALUE.sub(lambda match: _replaced(match, "quoted", stand_in), text)
    return _ASSIGNED.sub(lambda match: _assigned(match, stand_in), text)


def _assigned(match: re.Match[str], stand_in: _StandIn) -> str:
    name = _END_OF_NAME.search(match.string, max(0, match.start() - 80), match.start())
    value = match["quoted"] or match["bare"]
    if value.startswith("/") and _WORKING_FOLDER.fullmatch((name[0] if name else "") + match["name"]):
        return match[0]
    return _replaced(match, "quoted", stand_in)


def _replaced(match: re.Match[str], group: str, stand_in: _StandIn) -> str:
    group = group if match[group] is not None else "bare"
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + stand_in(match[group]) + match[0][end:]


def _decoded(literal: str) -> str:
    try:
        string: str = json.loads(literal, strict=False)
    except ValueError:
        return literal[1:-1]
    return string


def _quoted(text: str) -> str:
    return json.dumps(text)
