"""scripts/bench_gpu.py on a CPU: what it measures, prints and keeps, and what it survives."""

import importlib
import json
import math
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import DeviceType

SCRIPTS = Path(__file__).parents[2] / "scripts"
ON_CPU = "--device cpu --variants toy --batch-size 4 --max-seq-len 32 --steps 1 --num-workers 1"
FIELDS = {"variant": "toy", "batch_size": 4, "max_seq_len": 32, "num_workers": 0, "device": "cpu"}
JOB = {"fields": FIELDS | {"local_checkpoints": True}, "runtime": {}, "steps": 1, "launched": 0.0}


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch):
    """Let the scripts be imported as they import each other."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    torch.set_num_threads(1)


@pytest.fixture
def bench():
    """Return the script as a module."""
    return importlib.import_module("bench_gpu")


@pytest.fixture
def part():
    """Return a function that imports one of its parts."""
    return lambda name: importlib.import_module(f"gpu_bench.{name}")


def rows(printed: str) -> list[list[str]]:
    """Return the cells of all table rows, heads left out."""
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in lines]
    return [row for row in cells if "step ms" not in row and "way" not in row]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_ends_well(bench, capsys) -> None:
    assert bench.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "No GPU here: nothing was measured (scripts/bench_gpu.py)."
    ]


def test_an_unknown_section_is_refused_with_those_there_are(bench, capsys) -> None:
    with pytest.raises(SystemExit):
        bench.main(["sizes"])
    error = capsys.readouterr().err
    assert "'sizes' is unknown; one of: check, bars, start, ways, profile, grpo" in error


def test_each_row_is_measured_by_a_process_of_its_own_printed_and_kept(
    bench, part, capsys, monkeypatch, tmp_path
) -> None:
    job = part("jobs").Job
    wrong = job("ways", "a mistake", "steps", {"variant": "giant"})
    monkeypatch.setattr(bench, "jobs", lambda _: [job("bars", "toy", "steps", {}), wrong])
    monkeypatch.setattr(bench, "ask", in_process_if("a mistake", bench.ask, part("child")))
    monkeypatch.setenv("OUT", str(tmp_path))
    assert bench.main([*ON_CPU.split(), "--set", 'variant="toy"']) == 0
    printed = capsys.readouterr().out
    [toy, _] = rows(printed)
    assert f"CPU, torch {torch.__version__}" in printed
    assert float(toy[1]) * float(toy[2].replace(",", "")) == pytest.approx(4000, rel=0.1)
    assert (toy[0], toy[3], toy[5]) == ("toy", "unknown", "-")
    kept = [json.loads(line) for line in (tmp_path / "bench_gpu.jsonl").read_text().splitlines()]
    assert [line["name"] for line in kept] == ["toy", "a mistake"]
    assert kept[0]["way"]["compiled"] is False
    assert kept[0]["first_step_s"] > 0


def in_process_if(name, ask, child):
    """Return an `ask` that starts no process for the job of this name."""

    def asked(job, *rest):
        return child.answers(job | {"launched": 0.0}) if job["name"] == name else ask(job, *rest)

    return asked


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ({"fields": {"variant": "giant"}}, "failed: ConfigError: variant 'giant' is unknown; one"),
        ({"runtime": {"magic": 1}}, "failed: ValueError: Runtime has no attribute 'magic'"),
    ],
)
def test_a_row_that_fails_says_why_in_one_line(part, job, why) -> None:
    [answer] = part("child").answers(JOB | {"kind": "steps"} | job)
    assert answer["failed"].startswith(why)
    [cells] = part("tables").rows_of("steps", "row", answer)[1]
    assert cells == ("row", answer["failed"])


def test_a_row_without_memory_for_it_says_so(part) -> None:
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 TiB")
    assert part("child").reason(error) == "out of memory"


def test_a_process_that_outlives_its_time_is_killed_and_told_of(part, tmp_path) -> None:
    place = part("children").Place(tmp_path)
    [answer] = part("children").ask(JOB | {"kind": "steps"}, place, "row", limit_s=0.0)
    assert answer["failed"] == "killed, perhaps after its 0 s"


def test_a_signal_leaves_no_process_behind(bench, part, tmp_path) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(100)"]
    with (
        pytest.raises(SystemExit) as ended,
        part("children").process(sleep, os.environ, tmp_path / "log", 100.0) as running,
    ):
        bench._stop(signal.SIGTERM, None)
    assert ended.value.code == 128 + signal.SIGTERM
    assert running.returncode == -signal.SIGKILL


def test_a_way_that_learns_something_else_fails_the_check(part, monkeypatch) -> None:
    checks, way = part("checks"), part("jobs").Way
    repeated = way("graphs", {"batching": "packed"}, {"graphs": True, "attention": "dense"})
    ways = (repeated, way("other games", {"data_seed": 7}), way("float32", checks.FLOAT32))
    monkeypatch.setattr(checks, "CHECKED", ways)
    monkeypatch.setattr(checks, "TRAJECTORY", 7)
    answers = list(checks.check(JOB | {"passed_over": ["float32"], "until": math.inf}))
    assert [a["trying"] for a in answers if "trying" in a] == ["graphs", "other games"]
    good, bad = (answer for answer in answers if "row" in answer)
    assert (good["passed"], good["repeats"], good["way"]["events"]) == (True, True, {})
    assert not bad["passed"]
    assert bad["gradient"] > bad["gradient_bound"]
    assert [row[:2] for row in part("tables").rows_of("check", "", bad)[1]] == [
        ("other games", "FAIL")
    ]
    late = list(checks.check(JOB | {"passed_over": [], "until": 0.0}))
    assert {answer["failed"] for answer in late} == {"left out: no time for it"}
    assert [answer["row"] for answer in late] == [each.name for each in ways]


def test_checks_go_on_in_another_process_after_a_way_that_ended_one(
    bench, capsys, monkeypatch, part
) -> None:
    asked = []

    def ask(job, *_):
        asked.append(job["passed_over"].copy())
        if not job["passed_over"]:
            yield {"trying": "first"}
            yield {"row": "first", "failed": "out of memory"}
            yield {"trying": "second"}
            yield {"failed": "failed: exit code -11: Segmentation fault"}
        else:
            yield {"trying": "third"}
            yield {"row": "third", "failed": "failed: no such kernel"}

    monkeypatch.setattr(bench, "ask", ask)
    assert bench.main(["check", *ON_CPU.split()]) == 0
    assert asked == [[], ["first", "second"]]
    assert [row[:2] for row in rows(capsys.readouterr().out)] == [
        ["first", "out of memory"],
        ["second", "failed: exit code -11: Segmentation fault"],
        ["third", "failed: no such kernel"],
    ]


def test_a_plan_leaves_out_what_its_time_does_not_hold(bench, capsys, monkeypatch) -> None:
    monkeypatch.setattr(bench, "ask", lambda *_: iter([{"failed": "failed: measured"}]))
    assert bench.main(["bars", "--plan", "2", *ON_CPU.split()]) == 0
    found = dict(row[:2] for row in rows(capsys.readouterr().out))
    assert found["toy"] == "failed: measured"
    assert found["cotrain of toy"] == "left out: about 165 s, of 120 s left"


def test_a_plan_expects_later_starts_to_take_what_the_longest_took(bench, part) -> None:
    plan, job = bench.Plan(10), part("jobs").Job("bars", "toy", "steps", work_s=10, starts=2)
    assert plan.expects(job) == 10 + 2 * bench.FIRST_START_S
    for seconds in (8.0, 5.0):
        plan.learned({"first_step_s": seconds})
    assert plan.expects(job) == pytest.approx(10 + 2 * 1.2 * 8)


def test_the_most_valuable_rows_come_first(part) -> None:
    listed = part("jobs").jobs(["small", "base", "large"])
    assert [job.name for job in listed[:4]] == [
        "every way against float32",
        "base",
        "base, Muon, exact targets",
        "small",
    ]
    assert len({(job.section, job.name) for job in listed}) == len(listed)


def test_a_profile_divides_a_step_into_parts_and_directions(part, monkeypatch) -> None:
    for name in ("STEPS", "WARM_UP_STEPS"):
        monkeypatch.setattr(part("profiles"), name, 1)
    found = part("profiles").profile(JOB)
    parts = found["parts"]
    assert {"matrix products", "attention", "Muon and AdamW", "cross-entropy"} <= parts.keys()
    assert parts["matrix products"]["forward_ms"] > 0
    assert parts["attention"]["backward_ms"] > 0
    assert parts["Muon and AdamW"]["update_ms"] > 0
    assert parts["Muon and AdamW"]["backward_ms"] == 0
    told = sum(
        row[f"{of}_ms"] for row in parts.values() for of in ("forward", "backward", "update")
    )
    assert told == pytest.approx(found["busy_ms"])
    assert part("tables").rows_of("profile", "toy", found)[1][-2][0] == "gaps"


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("nvjet_tst_192x192_64x4_2x1_v_bz_coopB_TNT", "matrix products"),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64", "matrix products"),
        ("void flash::flash_bwd_dq_dk_dv_loop_seqk_parallel_kernel<Flash_bwd>", "attention"),
        ("triton_tem_fused_flex_attention_backward_4", "attention"),
        ("triton_poi_fused_mul_silu_7", "SwiGLU"),
        ("triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_3", "RMSNorm"),
        ("triton_per_fused__fused_rms_norm_backward_2", "RMSNorm"),
        ("triton_red_fused__log_softmax_5", "cross-entropy"),
        ("void at::native::multi_tensor_apply_kernel<L2Norm>", "clipping, sums over weights"),
        ("Memcpy DtoD (Device -> Device)", "casts and copies"),
        ("triton_poi_fused_mul_stack_sub_1", "rope"),
        ("triton_poi_fused_add_1", "other fused"),
        ("void something_else", "other"),
    ],
)
def test_a_kernel_is_of_the_part_that_its_name_tells(part, kernel, expected) -> None:
    profiles = part("profiles")
    assert profiles.part_of(profiles.Sample(kernel, (), 1.0)) == expected


def test_kernels_of_a_graph_count_though_no_operation_launched_them(part) -> None:
    profiles = part("profiles")
    backward = SimpleNamespace(name="autograd::engine::evaluate_function: Mm", cpu_parent=None)
    launch = event("cudaLaunchKernel", backward, [SimpleNamespace(name="gemm", duration=3.0)])
    graph = event("cudaGraphLaunch")
    on_device = [
        event("gemm", of=DeviceType.CUDA, us=3.0),
        event("gemm", of=DeviceType.CUDA, us=5.0),
        event(profiles.UPDATE, of=DeviceType.CUDA, us=100.0),
    ]
    found = list(profiles.kernels([launch, graph, *on_device]))
    assert [(s.name, s.us, profiles.direction(s)) for s in found] == [
        ("gemm", 3.0, "backward"),
        ("gemm", 5.0, "forward"),
    ]


def event(name, parent=None, kernels=(), of=DeviceType.CPU, us=0.0):
    """Return what the profiler says of an operation or a kernel."""
    took = SimpleNamespace(elapsed_us=lambda: us)
    return SimpleNamespace(
        name=name, cpu_parent=parent, kernels=list(kernels), device_type=of, time_range=took
    )


def test_a_recipe_s_steps_fill_its_time_and_decay_at_the_end(part) -> None:
    recipes = part("recipes")
    plan = recipes.schedule({}, step_s=0.05, seconds=600)
    assert plan["total_steps"] * 0.05 == pytest.approx(600 * recipes.TRAINING_SHARE, rel=1e-3)
    assert plan["total_steps"] == plan["eval_interval"] * recipes.EVALUATIONS
    assert plan["lr_schedule"] == "wsd"
    assert plan["decay_steps"] == pytest.approx(recipes.DECAY * plan["total_steps"], abs=1)
    assert "decay_steps" not in recipes.schedule({"lr_schedule": "cosine"}, 0.05, 600)


@pytest.mark.slow
def test_recipes_print_kl_against_seconds_and_starts_cold_and_again(bench, capsys) -> None:
    common = [*ON_CPU.split(), "--set", "val_games=2"]
    assert bench.main(["--learn", "0.5", "--recipes", "muon-2e-3", *common]) == 0
    *_, (name, step, seconds, kl, val_loss, *_) = rows(capsys.readouterr().out)
    assert name == "muon-2e-3"
    assert int(step.replace(",", "")) >= 8
    assert float(seconds) > 0
    assert 0 < float(kl) < float(val_loss)
    assert bench.main(["start", *common]) == 0
    starts = [row for row in rows(capsys.readouterr().out) if row[0].startswith("toy")]
    assert all(float(seconds) > 0 for row in starts for seconds in row[1:3])
    assert len(starts) == 2
