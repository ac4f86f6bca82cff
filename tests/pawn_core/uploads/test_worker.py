"""Whatever the hub does, each checkpoint that matters arrives whole, once, its manifest last."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_hub import FAULTS, SIGNATURE, TOKEN, Fault, Snapshot

from pawn_core.checkpoint import store
from pawn_core.uploads.serve import listen_to_client, open_first
from pawn_core.weights import load_pretrained


def assert_manifests_are_true(files: Snapshot) -> None:
    """Check that each manifest in a snapshot has all its files beside it, hash by hash."""
    for path in files:
        if path.startswith("checkpoints/") and path.endswith(".complete"):
            folder = path.removesuffix(".complete")
            for name, sha256 in json.loads(files[path])["files"].items():
                assert hashlib.sha256(files[folder + name]).hexdigest() == sha256


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_delays_an_upload_and_changes_nothing_else(
    hub, uploading, run_dir, client_pauses, fault: str
) -> None:
    hub.faults += [replace(each) for each in FAULTS[fault]]
    asked_to_wait = sum(each.times for each in hub.faults if each.headers)
    upload = uploading(run_dir)
    listen_to_client(upload.worker)
    for step in (4, 8, 12):
        upload.run(up_to=step)
    commits = hub.branch(upload.where)
    assert [c.title for c in commits] == ["step_00000004", "step_00000008", "step_00000012"]
    for commit in commits:
        assert_manifests_are_true(commit.files)
        sent = {k.split("/")[-1]: v for k, v in commit.files.items() if f"{commit.title}/" in k}
        assert sent == contents(run_dir / "checkpoints" / commit.title)
    assert not any(each.times for each in hub.faults), "a fault that never happened"
    assert {r["checkpoint"] for r in upload.events("upload_retried")} == {"step_00000004"}
    assert [done["revision"] for done in upload.events("upload_done")] == [c.oid for c in commits]
    waited = [pause for pause in (*client_pauses, *upload.pauses) if pause in (47, 48)]
    assert len(waited) == asked_to_wait
    told = json.dumps(upload.reports)
    assert TOKEN not in told
    assert SIGNATURE not in told


def test_the_weights_load_by_name_and_revision_and_are_those_of_the_checkpoint(
    hub, uploading, run_dir
) -> None:
    upload = uploading(run_dir)
    upload.run(up_to=8)
    upload.run()
    saved = store.load(run_dir / "checkpoints/step_00000012").model
    earlier = store.load(run_dir / "checkpoints/step_00000008").model
    first, last = hub.branch(upload.where)
    for source, expected in {
        upload.where: saved,
        f"owner/name@{last.oid}": saved,
        f"owner/name@{first.oid}": earlier,
        f"{upload.where}:checkpoints/step_00000008": earlier,
    }.items():
        model = load_pretrained(source).model.state_dict()
        assert all(torch.equal(model[name], expected[name]) for name in expected), source


def test_what_the_run_has_compiled_goes_along(hub, uploading, run_dir) -> None:
    (run_dir / "compiled").mkdir()
    (run_dir / "compiled/torch-2-h200.graphs").write_bytes(b"compiled")
    upload = uploading(run_dir)
    upload.run()
    (commit,) = hub.branch(upload.where)
    assert commit.files["compiled/torch-2-h200.graphs"] == b"compiled"


def test_each_variant_of_several_loads_from_a_folder_of_its_name(
    hub, uploading, tiny, train, tmp_path
) -> None:
    shared = {k: v for k, v in tiny.items() if k not in ("variant", "d_model", "n_layers")}
    sizes = {"variant": "custom", "n_layers": 1, "n_heads": 2}
    variants = {"thin": sizes | {"d_model": 16}, "wide": sizes | {"d_model": 32}}
    del shared["n_heads"]
    train(shared | {"run_type": "cotrain", "variants": variants}, "several")
    upload = uploading(tmp_path / "several")
    upload.run()
    [commit] = hub.branch(upload.where)
    assert_manifests_are_true(commit.files)
    for name, own in variants.items():
        for folder in (name, f"checkpoints/step_00000012/{name}"):
            loaded = load_pretrained(f"{upload.where}:{folder}")
            assert loaded.spec.architecture.d_model == own["d_model"]


def test_a_backlog_is_cut_to_the_newest_and_the_best(hub, uploading, run_dir) -> None:
    metrics = run_dir / "metrics.jsonl"
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    for line in lines:
        if line["type"] == "eval":
            line["val_loss"] = {4: 3.0, 8: 2.0, 12: 4.0}[line["step"]]
    metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    upload = uploading(run_dir)
    upload.run()
    commits = hub.branch(upload.where)
    assert [c.title for c in commits] == ["step_00000012", "step_00000008"]
    best = (run_dir / "checkpoints/step_00000008/model.safetensors").read_bytes()
    assert commits[-1].files["model.safetensors"] == best
    assert not any("step_00000004" in path for path in commits[-1].files)


@pytest.mark.parametrize("status", [401, 403, 404, 400])
def test_a_refusal_is_told_at_once_and_the_next_checkpoint_is_tried_again(
    hub, uploading, run_dir, status: int
) -> None:
    upload = uploading(run_dir)
    hub.faults.append(Fault("/commit/", status))
    upload.run(up_to=4)
    upload.run(up_to=4)
    [failed] = upload.events("upload_failed")
    assert failed["checkpoint"] == "step_00000004"
    assert str(status) in failed["message"] or "Bad request" in failed["message"]
    assert not upload.pauses
    upload.run(up_to=8)
    assert [c.title for c in hub.branch(upload.where)] == ["step_00000008"]


def test_a_damaged_checkpoint_is_not_uploaded(hub, uploading, run_dir) -> None:
    model = run_dir / "checkpoints/step_00000012/model.safetensors"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    upload = uploading(run_dir)
    upload.run()
    [failed] = upload.events("upload_failed")
    assert "does not match its SHA-256" in failed["message"]
    assert not hub.branch(upload.where)


def test_what_has_arrived_is_known_to_the_next_process_and_not_sent_again(
    hub, uploading, run_dir
) -> None:
    first = uploading(run_dir)
    first.run()
    again = uploading(run_dir)
    again.run()
    assert not again.reports
    (run_dir / "uploads/hf_repo.json").write_text("{torn")
    lost = uploading(run_dir)
    lost.run()
    [done] = lost.events("upload_done")
    assert done["revision"] == hub.branch(lost.where)[-1].oid
    assert len(hub.branch(lost.where)) == 1


def test_a_step_that_was_saved_again_is_uploaded_again(hub, uploading, run_dir) -> None:
    upload = uploading(run_dir)
    upload.run()
    checkpoint = store.load(run_dir / "checkpoints/step_00000012")
    checkpoint.training_state["data"]["next_game"] += 1
    store.save(run_dir / "checkpoints", checkpoint)
    upload.run()
    commits = hub.branch(upload.where)
    assert [c.title for c in commits] == ["step_00000012"] * 2
    assert_manifests_are_true(commits[-1].files)


def test_a_bucket_gets_the_files_and_the_manifests_last(
    hub, uploading, run_dir, monkeypatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    upload = uploading(run_dir, "hf_bucket")
    hub.faults.append(Fault("/batch", 503))
    upload.run()
    *data, manifests = hub.batches
    assert all(path.endswith(".complete") for path in manifests)
    assert not any(path.endswith(".complete") for batch in data for path in batch)
    [done] = upload.events("upload_done")
    assert done["checkpoint"] == "step_00000012"
    assert upload.where.startswith("hf://buckets/owner/bucket/")
    folder = upload.where.removeprefix("hf://buckets/owner/bucket/")
    names = contents(run_dir / "checkpoints/step_00000012")
    assert {f"{folder}/checkpoints/step_00000012/{name}" for name in names} <= {
        *hub.buckets["owner/bucket"]
    }


@pytest.mark.parametrize(
    ("faults", "words", "goes_on"),
    [
        ([], ["ready"], True),
        ([Fault("", 503, 2)], ["ready"], True),
        ([Fault("", 503, 3)], ["unreachable"], True),
        ([Fault("", "drop", 3)], ["unreachable"], True),
        ([Fault("/create", 401), Fault("/api/models/", 404)], ["refused"], False),
        ([Fault("/auth-check", 403)], ["refused"], False),
    ],
)
def test_a_destination_answers_before_training_begins(
    hub, uploading, run_dir, faults, words, goes_on
) -> None:
    upload = uploading(run_dir)
    hub.faults += faults
    told: list[dict] = []
    destination = upload.worker._destination
    assert open_first(destination, upload.where, told.append, [].append) is goes_on
    assert [each["event"] for each in told] == words
    assert upload.where in told[0]["message"]
