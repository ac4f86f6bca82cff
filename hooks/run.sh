#!/bin/sh
# Run a hook with the project's Python, or with any other when the project is not set up.
# A hook that fails must never stop the agent: the exit status is always 0.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
python="$root/.venv/bin/python"
[ -x "$python" ] || python=python3
"$python" "$root/hooks/$1.py"
exit 0
