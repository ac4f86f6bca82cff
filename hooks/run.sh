#!/bin/sh
# Run a hook with the Python of the lab's environment, or with any other where that is missing.
# A hook that fails must never stop the agent: the exit status is always 0.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# A checkout's own environment; the one that a wheel is installed in, from pawn_lab/share.
for python in "$root/.venv/bin/python" "$root/../../../../../bin/python" python3; do
  [ -x "$python" ] && break
done
# The two that read the whole lab need its packages; the others start without looking for any.
case $1 in
  session_start | post_compact) "$python" "$root/hooks/$1.py" ;;
  *) "$python" -S "$root/hooks/$1.py" ;;
esac
exit 0
