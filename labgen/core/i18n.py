"""Which of the course's languages this computer speaks."""

from __future__ import annotations

import os

from labgen.core.words import Language


def ui_language() -> Language:
    """Find the user's language in the environment, else ask the system; English if it is neither of the two."""
    locale_name = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    if not locale_name:
        import locale

        locale_name = locale.getlocale()[0] or ""
    return "ko" if locale_name.lower().startswith(("ko", "korean")) else "en"
