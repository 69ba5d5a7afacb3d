"""A computer that says its processor is arm64, and that runs programs of arm64.

labgen, Vagrant and libvirt ask uname(2) what the processor is. A library that is loaded before all others answers
"aarch64", so that each takes the road that it takes on such a computer: libvirt emulates machines of its "own"
architecture. The programs themselves stay those of this computer, whose KVM runs no machines of arm64: the library
hides it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from labgen.core.process import Runner

MACHINE = "aarch64"
_LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>

#define NEXT(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

int uname(struct utsname *name)
{
    int status = NEXT(uname)(name);
    if (status == 0)
        strcpy(name->machine, "aarch64");
    return status;
}

static int hidden(const char *path)
{
    if (path == NULL || strcmp(path, "/dev/kvm") != 0)
        return 0;
    errno = ENOENT;
    return 1;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return hidden(path) ? -1 : NEXT(name)(path, flags, mode); \
    }
#define ACCESS(name) \
    int name(const char *path, int mode) { return hidden(path) ? -1 : NEXT(name)(path, mode); }

int eaccess(const char *, int), euidaccess(const char *, int), access(const char *, int);

OPEN(open)
OPEN(open64)
ACCESS(access)
ACCESS(eaccess)
ACCESS(euidaccess)
"""
_TOLD = ("vagrant", "libvirtd")
"""Programs that ask what the processor is."""
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_EMULATOR = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
"""What Debian's qemu-user-static registers where systemd runs."""


def environment(place: Path, search_path: str) -> dict[str, str]:
    """Give the environment of a labgen that is told that this computer is arm64, as are the programs it starts.

    :param place: an empty folder.
    :param search_path: the user's ``PATH``. What labgen starts does not get the library from it, hence by a script.
    """
    source, library = place / "arm64.c", place / "arm64.so"
    source.write_text(_LIBRARY, encoding="ascii")
    Runner().run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"]).or_raise()
    programs = place / "bin"
    programs.mkdir()
    for name in _TOLD:
        program = shutil.which(name, path=f"{search_path}:/usr/sbin")
        assert program is not None, f"{name} is not installed"
        script = programs / name
        script.write_text(f'#!/bin/sh\nLD_PRELOAD={library} exec {program} "$@"\n', encoding="ascii")
        script.chmod(0o755)
    return {"LD_PRELOAD": str(library), "PATH": f"{programs}:{search_path}"}


@contextlib.contextmanager
def foreign_programs() -> Iterator[None]:
    """Have programs of arm64 run here, emulated by qemu-user; what is registered for it is removed at the end."""
    with contextlib.ExitStack() as undo:
        if platform.machine() != MACHINE and not (_BINFMT / "qemu-aarch64").exists():
            if not (_BINFMT / "register").exists():
                Runner().run(["mount", "-t", "binfmt_misc", "binfmt_misc", _BINFMT]).or_raise()
                undo.callback(os.system, f"umount {_BINFMT}")
            (_BINFMT / "register").write_text(_EMULATOR.read_text(encoding="ascii"), encoding="ascii")
            undo.callback((_BINFMT / "qemu-aarch64").write_text, "-1", encoding="ascii")
        yield
