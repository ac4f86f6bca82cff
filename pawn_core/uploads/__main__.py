"""`python -m pawn_core.uploads RUN_DIR`: upload what a run that has ended still lacks."""

import argparse
import json
import sys
from pathlib import Path

from pawn_core.run_paths import RunPaths
from pawn_core.uploads.record import UploadRecord
from pawn_core.uploads.registry import destination_named, places
from pawn_core.uploads.serve import listen_to_client
from pawn_core.uploads.worker import Orders, Report, Worker


def main() -> int:
    """Return 0 once everything has arrived, 1 where something cannot."""
    parser = argparse.ArgumentParser(prog="python -m pawn_core.uploads", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="the folder of a run or of a trial's run")
    run_dir = parser.parse_args().run_dir
    config = json.loads(RunPaths(run_dir).config.read_bytes())
    failed = [_upload_rest(run_dir, *place) for place in places(config, run_dir).items()]
    return 1 if any(failed) else 0


def _upload_rest(run_dir: Path, name: str, where: str) -> bool:
    """Upload what one destination lacks; returns whether any of it cannot be."""
    reports: list[Report] = []

    def report(event: Report) -> None:
        reports.append(event)
        sys.stdout.write(f"{event['event']}: {event['message']}\n")

    destination = destination_named(name).build(where)
    record = UploadRecord.read(run_dir, name, where)
    worker = Worker(run_dir, destination, record, report, Orders(up_to=None, ending=True))
    listen_to_client(worker)
    worker.run()
    return any(event["event"] == "upload_failed" for event in reports)


if __name__ == "__main__":
    sys.exit(main())
