#!/usr/bin/env bash
# One look at a pod for `/loop 15m bash scripts/monitor_training.sh POD`: what happened, how it stands.
# Without a pod, at the lab of this machine. Exit code 10: a decision is needed. Further arguments go
# to `pawn-lab checkin`.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
case ${1:-} in
  "" | -*) exec "$root/.venv/bin/pawn-lab" checkin --full --as monitor "$@" ;;
esac
exec "$root/deploy/pod.sh" ssh "$1" pawn-lab checkin --full --as monitor "${@:2}"
