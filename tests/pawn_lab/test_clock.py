"""How long this machine has been up."""

import time

from pawn_lab import clock


def test_a_machine_is_up_since_its_first_process_was_started_after_the_boot():
    now = time.time()
    assert now - clock.uptime_s() <= clock.up_since(now) <= now
