#!/bin/bash
# ssh to the one pod there is, which is a folder of this machine; 255 where it cannot be reached.
while [ $# -gt 0 ]; do
  case $1 in
    -o | -p) shift 2 ;;
    *) break ;;
  esac
done
[ -e "$FAKE_ACCOUNT/unreachable" ] && { echo "ssh: connect to host: timed out" >&2; exit 255; }
[ "$1" = pawn@127.0.0.1 ] || { echo "ssh: unknown host $1" >&2; exit 255; }
shift
cd "$PAWN_VOLUME" || exit 1
exec bash -c "$*"
