#!/usr/bin/env bash
# One check-in for `/loop 15m bash scripts/check_progress.sh`: the lab's status, nothing else.
# Arguments go to `pawn-lab status`, for example: --json, --workspace DIR, a trial number.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
exec "$root/.venv/bin/pawn-lab" status "$@"
