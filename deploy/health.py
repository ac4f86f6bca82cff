"""Say by the exit code whether the lab's server answers: the container's health check.

Standard library only.
"""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 8


def main() -> int:
    """Return 0 where the server answers, with a page or with a refusal; 1 where it does not."""
    address = f"http://127.0.0.1:{os.environ.get('PAWN_LAB_PORT', '8321')}/"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S):
            return 0
    except urllib.error.HTTPError as error:
        return int(error.code >= 500)
    except OSError as error:
        print(f"{address}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
