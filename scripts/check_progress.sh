#!/usr/bin/env bash
# One check-in for `/loop 15m bash scripts/check_progress.sh`: what needs a decision, and what is new
# since the last one. Exit code 10: somebody has to decide something.
# Arguments go to `pawn-lab checkin`, for example: --full, --as NAME, --json, --workspace DIR.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
exec "$root/.venv/bin/pawn-lab" checkin "$@"
