#!/bin/sh
# Stand-in: like the official image's entry point, it takes options or a file for redis-server as they
# are, and lets other containers in (Debian's redis-server starts in protected mode).
set -e
case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ]; then
    set -- "$@" --protected-mode no
fi
exec "$@"
