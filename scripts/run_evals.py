"""Evaluate every finished run of a folder, or one checkpoint; what has its results is skipped.

Fields of an evaluation are options, as `--evals legality,probes --games 512`: docs/configs.md.
Ctrl-C saves; the same command goes on. Each evaluation is a process of its own.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pawn_core.config import ConfigError
from pawn_core.config.types import VARIANT
from pawn_core.evaluation.suite import Job, job, jobs_of
from pawn_core.options import config_fields

EXIT_CONFIG_ERROR = 2
_REPOSITORY = "repository of the model; with {variant} in it, one for each model of a run"
STOPPED = 128  # and above: by a signal


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate as the command line says; 1 where an evaluation failed."""
    options, rest = parser().parse_known_args(arguments)
    try:
        jobs = list(_jobs(options, config_fields(rest)))
        failed = sum(code != 0 for code in evaluated(jobs))
        _publish(options.publish_results, jobs)
    except ConfigError as error:
        print(f"run_evals: {error}", file=sys.stderr)
        return EXIT_CONFIG_ERROR
    return int(failed > 0)


def parser() -> argparse.ArgumentParser:
    """Return the flags beside the fields of an evaluation."""
    flags = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    source = flags.add_mutually_exclusive_group(required=True)
    source.add_argument("--log-dir", type=Path, help="folder of runs, such as logs")
    source.add_argument("--checkpoint", help="folder, file or hub repository")
    flags.add_argument("--which", choices=("best", "latest"), default="best")
    flags.add_argument("--output-dir", type=Path, help="default: evals in the log-dir, or logs")
    flags.add_argument("--publish-results", metavar="OWNER/NAME", help=_REPOSITORY)
    return flags


def evaluated(jobs: list[Job]) -> Iterator[int]:
    """Make evaluations until one is stopped by a signal; yield the exit code of each."""
    for planned in jobs:
        yield (code := evaluate(planned))
        if not 0 <= code < STOPPED:
            return


def evaluate(planned: Job) -> int:
    """Make an evaluation, or go on with it; return the exit code of its process."""
    if planned.results is not None:
        print(f"{planned.name}: has results, skipped: {planned.run_dir}")
        return 0
    command = [sys.executable, "-m", "pawn_core", "--run-dir", str(planned.run_dir)]
    if (checkpoint := planned.resumed_from) is not None:
        command += ["--resume", str(checkpoint)]
    else:
        command += _flags(planned)
    print(f"{planned.name}: {planned.run_dir}", flush=True)
    return subprocess.run(command, check=False).returncode


def _flags(planned: Job) -> list[str]:
    """Return the job's config as a file for its process."""
    planned.run_dir.parent.mkdir(parents=True, exist_ok=True)
    path = planned.run_dir.with_suffix(".json")
    path.write_text(planned.config.model_dump_json(), encoding="utf-8")
    return ["--config", os.fspath(path)]


def _jobs(options: argparse.Namespace, fields: dict[str, Any]) -> list[Job]:
    output = options.output_dir or (options.log_dir or Path("logs")) / "evals"
    if options.checkpoint:
        return [job(options.checkpoint, options.checkpoint, output, fields)]
    return list(jobs_of(options.log_dir, options.which, output, fields))


def _publish(repository: str | None, jobs: list[Job]) -> None:
    if repository is None:
        return
    from pawn_core.uploads.errors import RefusedError
    from pawn_core.uploads.evaluations import publish

    places = {repository.replace(VARIANT, planned.model): planned for planned in jobs}
    if len(places) < len(jobs):
        raise ConfigError(f"publish-results is for one model each; {len(jobs)} would be in one")
    for place, planned in places.items():
        if (results := planned.results) is None:
            raise ConfigError(f"{planned.name} has no results to publish")
        try:
            print(f"{place}: commit {publish(results, place)}")
        except RefusedError as error:
            raise ConfigError(f"publish-results: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
