"""The script that makes plain weights of an adapter."""

import runpy
import sys

from adapting import adapt, write_backbone

SCRIPT = "scripts/merge_adapter.py"


def test_it_says_what_it_wrote_and_never_overwrites(tmp_path, monkeypatch, capsys) -> None:
    _, checkpoint = adapt(write_backbone(tmp_path / "backbone"), tmp_path / "run")
    merged = tmp_path / "merged"
    monkeypatch.setattr(sys, "argv", [SCRIPT, str(tmp_path / "run"), str(merged)])
    main = runpy.run_path(SCRIPT)["main"]
    assert main() == 0
    file = checkpoint / "adapter_model.safetensors"
    assert capsys.readouterr().out == f"{file} of step 12 -> {merged}\n"
    assert main() == 1
    assert "exists; name a folder" in capsys.readouterr().err
