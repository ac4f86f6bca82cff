"""`python -m pawn_core.preflight --config FILE --folder F`: try a few real steps of a run.

Exit status 1 where a check fails, 2 where the config is refused.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pawn_core.config import ConfigError, RunConfig, parse_config
from pawn_core.config.files import read_json
from pawn_core.preflight.before import try_alone
from pawn_core.preflight.preflight import LIMIT_S, STEPS, Preflight, StoppedError
from pawn_core.preflight.report import PreflightReport
from pawn_core.signals import StopFlag
from pawn_core.threads import settle_threads
from pawn_core.training.outcome import EXIT_CODES, EXIT_CONFIG_ERROR

_FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report of a preflight."""
    stop = StopFlag().install()
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if os.environ.get("RANK", "0") != "0":
        return 0  # of torchrun's processes one tries for all
    try:
        config = parse_config(read_json(options.config))
        settle_threads()
        if options.run_dir is not None:
            return _run_alone(config, options, stop)
        return _report(config, options, stop)
    except ConfigError as error:
        sys.stderr.write(f"preflight: {error}\n")
        return EXIT_CONFIG_ERROR


def _run_alone(config: RunConfig, options: argparse.Namespace, stop: StopFlag) -> int:
    settings = {"steps": options.steps, "limit_s": options.limit_s}
    outcome = try_alone(config, options.run_dir, stop, **settings)
    sys.stderr.write(f"preflight: {outcome.message}\n")
    return outcome.exit_code


def _report(config: RunConfig, options: argparse.Namespace, stop: StopFlag) -> int:
    preflight = Preflight(
        config,
        options.folder / "run",
        lambda _: stop.signal is None,
        steps=options.steps,
        limit_s=options.limit_s,
    )
    try:
        report = preflight.run().priced(options.price, config.gpus)
    except StoppedError:
        return EXIT_CODES["signal"]
    sys.stdout.write((report.model_dump_json() if options.json else described(report)) + "\n")
    if report.failed is not None:
        sys.stderr.write(preflight.last_lines())
    return _FAILED if report.failed else 0


def described(report: PreflightReport) -> str:
    """Return the report for a person, a line a check."""
    lines = [
        f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.found}" for check in report.checks
    ]
    if (failed := report.failed) is not None:
        lines.append(f"to mend it: {failed.mend}")
    if report.whole_s is not None:
        price = "" if report.cost is None else f", {report.cost:.2f} at this price"
        lines.append(
            f"{report.remaining} {report.unit}s take about {report.whole_s / 3600.0:.2f} h{price}, "
            "evaluations and checkpoints aside"
        )
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pawn_core.preflight", description=__doc__)
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="JSON config.")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--folder", metavar="F", type=Path, help="To work in.")
    run = "As a run of its own in this folder, which keeps the report and an outcome."
    place.add_argument("--run-dir", metavar="R", type=Path, help=run)
    parser.add_argument("--steps", type=int, choices=range(1, 101), metavar="N", default=STEPS)
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, help="For all the steps.")
    parser.add_argument("--price", type=float, help="Of an hour of a device.")
    parser.add_argument("--json", action="store_true", help="Print the report as JSON, a line.")
    return parser


if __name__ == "__main__":
    sys.exit(main())
