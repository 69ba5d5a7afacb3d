"""The environment of the programs that labgen starts: what of the user's they get, and nothing else.

A variable that the user has exported for another program must not send a command of labgen's elsewhere
(``VAGRANT_CWD``), let foreign code into it (``PYTHONPATH``, ``PYTEST_PLUGINS``), or change what it says
(``PYTHONOPTIMIZE``). So this is a list of what is handed on; each entry has its reason. What labgen itself
wants a program to have, it adds (:class:`labgen.core.process.Runner`).
"""

from __future__ import annotations

import os
import platform
import site
import sys
from collections.abc import Mapping
from pathlib import Path

from labgen.core.i18n import LANGUAGE_VARIABLE, ui_language

_USER = (
    "HOME USER LOGNAME SHELL TMPDIR TZ LANG LANGUAGE DISPLAY WAYLAND_DISPLAY XAUTHORITY DBUS_SESSION_BUS_ADDRESS "
    "SSH_AUTH_SOCK SUDO_USER SUDO_UID SUDO_GID XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_RUNTIME_DIR"
)
"""Who the user is, in which session; VirtualBox and libvirt look for theirs there."""

_TERMINAL = "TERM COLORTERM COLUMNS LINES NO_COLOR FORCE_COLOR CLICOLOR CLICOLOR_FORCE"
"""What the terminal can show."""

_LOADER = "LD_LIBRARY_PATH DYLD_LIBRARY_PATH DYLD_FALLBACK_LIBRARY_PATH"
"""Without these a Python that was built with a shared library may not start."""

_WINDOWS = (
    "SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT TEMP TMP OS USERPROFILE USERNAME USERDOMAIN COMPUTERNAME HOMEDRIVE "
    "HOMEPATH APPDATA LOCALAPPDATA PROGRAMDATA ALLUSERSPROFILE PUBLIC PROGRAMFILES PROGRAMFILES(X86) PROGRAMW6432 "
    "COMMONPROGRAMFILES COMMONPROGRAMFILES(X86) COMMONPROGRAMW6432 NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE "
    "PROCESSOR_ARCHITEW6432 PROCESSOR_IDENTIFIER PROCESSOR_LEVEL PROCESSOR_REVISION PSMODULEPATH WSL_DISTRO_NAME "
    "WSL_INTEROP WSLENV"
)
"""Without these few programs start there, and none finds the user's folders."""

_NETWORK = (
    "http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY "
    "SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE"
)
"""How the internet is reached: boxes, images and packages come from there."""

_VAGRANT = (
    "VAGRANT_HOME VAGRANT_SERVER_URL VAGRANT_SERVER_ACCESS_TOKEN_BY_URL VAGRANT_CLOUD_TOKEN VAGRANT_LOG "
    "VAGRANT_CHECKPOINT_DISABLE VAGRANT_BOX_UPDATE_CHECK_DISABLE VAGRANT_NO_PLUGINS VAGRANT_NO_PARALLEL "
    "VAGRANT_PREFER_SYSTEM_BIN VAGRANT_DISABLE_STRICT_DEPENDENCY_ENFORCEMENT VAGRANT_ENABLE_RESOLV_REPLACE "
    "VAGRANT_DISABLE_RESOLV_REPLACE VAGRANT_POWERSHELL_VERSION_DETECTION_TIMEOUT VAGRANT_WSL_ENABLE_WINDOWS_ACCESS "
    "VAGRANT_WSL_WINDOWS_ACCESS_USER VAGRANT_WSL_WINDOWS_ACCESS_USER_HOME_PATH VAGRANT_WSL_DISABLE_VAGRANT_HOME"
)
"""Where Vagrant keeps its boxes and fetches them from, and how it behaves: not for which folder, Vagrantfile,
provider or data it works, and not what its commands mean."""

_PROVIDERS = (
    "VBOX_USER_HOME VBOX_INSTALL_PATH VBOX_MSI_INSTALL_PATH VBOX_IPC_SOCKETID "
    "DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY DOCKER_TLS DOCKER_API_VERSION "
    "DOCKER_BUILDKIT"
)
"""Which VirtualBox, and which engine, is the user's: documented settings, which `labgen doctor` looks at as well.
``LIBVIRT_DEFAULT_URI`` is none: a lab's machines are always those of this computer's ``qemu:///system``."""

_PYTHON = "PYTHONUSERBASE PYTHONDONTWRITEBYTECODE"
"""Where `pip install --user` has put labgen, and that no caches are to be written."""

_LABGEN = "LABGEN_ALLOW_RECORDINGS LABGEN_LANG LABGEN_LOCK LABGEN_TRACEBACK LABGEN_VERBOSE"
"""Whether recordings of exercises may be graded (:mod:`verify.bundle`), the user's language (:mod:`labgen.core.i18n`),
the lock that is handed on (:mod:`labgen.core.lock`), whether stack traces are wanted (:mod:`labgen.core.console`), and
whether what is started is shown (:mod:`labgen.core.verbose`)."""

HANDED_ON = frozenset(
    " ".join((_USER, _TERMINAL, _LOADER, _WINDOWS, _NETWORK, _VAGRANT, _PROVIDERS, _PYTHON, _LABGEN)).split()
)
"""Names of the variables that programs get from the user's environment; ``PATH`` and ``LC_*`` besides."""

INSTALLED = Path(__file__).resolve().parents[2]
"""The folder in which this labgen, provision and verify are."""


def handed_on(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Choose from the user's environment what a program gets.

    :param environment: the user's; this process's own where ``None``.
    """
    chosen = {
        name: value
        for name, value in (os.environ if environment is None else environment).items()
        # Names of variables have no case on Windows, and Python gives them in capitals there.
        if name in HANDED_ON or name.startswith("LC_")
    }
    path = search_path(environment)
    return {**chosen, "PATH": path} if path else chosen


def search_path(environment: Mapping[str, str] | None = None) -> str:
    """Give the user's ``PATH`` without relative folders: what is in the working directory is not a program of ours."""
    path = (os.environ if environment is None else environment).get("PATH", "")
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if Path(folder).is_absolute())


def import_nothing_from_the_working_folder() -> None:
    """Take the working folder out of the places that this process imports from.

    Python looks there where it is started with ``-m``, or where ``PYTHONPATH`` has an empty entry
    (``export PYTHONPATH=$PYTHONPATH:/opt/x``): a hand-in's ``json.py`` would be taken for Python's own. What Python has
    imported before this is called is not undone.
    """
    working = Path.cwd()
    if working != INSTALLED:
        sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != working]


def plain_locale() -> dict[str, str]:
    """Give the variables that make programs speak English, in UTF-8: their output is read."""
    # Not plain C: Vagrant's Ruby refuses paths that are not ASCII there. macOS has C.UTF-8 only since its version 15.
    return {"LC_ALL": "en_US.UTF-8" if platform.system() == "Darwin" else "C.UTF-8", "LANGUAGE": "C"}


def of_python() -> dict[str, str]:
    """Give the variables of a Python of labgen's own, which runs this labgen's code and no other.

    It finds labgen where this process did, imports nothing from the working directory, prints line by line, and speaks
    the user's language.
    """
    variables = {
        # Programs that labgen starts have a locale in English: this says more than theirs.
        LANGUAGE_VARIABLE: ui_language(),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        # A pipe on Windows would have a code page that cannot hold what a node says.
        "PYTHONUTF8": "1",
        # Only pytest itself: what else is installed here must not change a grade.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    if str(INSTALLED) not in (*site.getsitepackages(), site.getusersitepackages()):
        variables["PYTHONPATH"] = str(INSTALLED)
    return variables
