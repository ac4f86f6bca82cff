#!/bin/sh
# GPU pods for PAWN lab: `deploy/pod.sh --help`. Needs Python 3.11, ssh and runpodctl.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for python in "${PYTHON:-}" "$here/../.venv/bin/python" python3; do
  if [ -n "$python" ] && command -v "$python" >/dev/null 2>&1 &&
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    exec "$python" "$here/pods" "$@"
  fi
done
echo "pod.sh: needs Python 3.11 or later; name one in PYTHON" >&2
exit 1
