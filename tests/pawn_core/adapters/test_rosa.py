"""RoSA: LoRA learns alone, gradients choose entries, both learn on."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from adapting import adapted, last_phase, perturb, tokens
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.adapters import Adapter
from pawn_core.adapters.lora import LoraLinear
from pawn_core.adapters.rosa import top_entries

WARMUP, BATCHES = 3, 4
FIELDS = {"rosa_warmup_steps": WARMUP, "rosa_mask_batches": BATCHES, "density": 0.01}


class Recorded:
    """The gradients of the loss on batches of its own, as the trainer gives them."""

    def __init__(self, adapter: Adapter) -> None:
        self.model = adapter.model
        self.batches: list[list[Tensor]] = []

    def __call__(self, matrices: list[nn.Parameter], count: int) -> Iterator[list[Tensor]]:
        """Yield each batch's gradients, and remember them."""
        for matrix in matrices:
            matrix.requires_grad_(True)
        for seed in range(count):
            logits = self.model(tokens(seed=seed)).flatten(0, 1)
            loss = F.cross_entropy(logits, tokens(seed=seed + 100).flatten())
            self.batches.append(list(torch.autograd.grad(loss, matrices)))
            yield self.batches[-1]
        for matrix in matrices:
            matrix.requires_grad_(False)


def never(matrices: list[nn.Parameter], count: int) -> Iterator[list[Tensor]]:
    raise AssertionError("gradients are taken once")


def test_entries_are_chosen_once_when_lora_has_learned_alone() -> None:
    adapter = perturb(adapted("rosa", **FIELDS))
    names = set(adapter.parameters())
    assert all("lora_" in name for name in names)
    assert [adapter.advance(step, never) for step in range(WARMUP)] == [""] * WARMUP
    assert adapter.advance(WARMUP, Recorded(adapter))
    added = set(adapter.parameters()) - names
    assert added == {f"layers.{n}.attn.w{w}.sparse.weight" for n in (0, 1) for w in "qkvo"}
    assert not adapter.advance(WARMUP, never)
    assert not adapter.advance(WARMUP + 1, never)


def test_choosing_leaves_lora_and_the_logits_as_they_are() -> None:
    adapter = perturb(adapted("rosa", **FIELDS))
    before, state = adapter.model(tokens()), {n: t.clone() for n, t in adapter.state().items()}
    adapter.advance(WARMUP, Recorded(adapter))
    assert torch.equal(adapter.model(tokens()), before)
    assert all(torch.equal(adapter.state()[name], state[name]) for name in state)


@pytest.mark.parametrize("alpha", [1, 2, 8])
def test_the_entries_are_those_of_the_largest_sums_of_powers_of_gradients(alpha: int) -> None:
    adapter = perturb(adapted("rosa", rosa_grad_alpha=alpha, **FIELDS))
    gradients = Recorded(adapter)
    adapter.advance(WARMUP, gradients)
    assert len(gradients.batches) == BATCHES
    for index, entries in enumerate(adapter.entries().values()):
        of_matrix = [batch[index].flatten().tolist() for batch in gradients.batches]
        scores = [sum(abs(g) ** alpha for g in place) for place in zip(*of_matrix, strict=True)]
        best = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
        assert entries.indices.tolist() == sorted(best[: 64 * 64 // 100])


def test_the_highest_scores_are_chosen_and_of_equals_the_first() -> None:
    scores = torch.tensor([[1.0, 5.0, 3.0], [3.0, 3.0, 0.0]])
    assert top_entries(scores, 3).tolist() == [1, 2, 3]
    assert top_entries(torch.zeros(50, 50), 4).tolist() == [0, 1, 2, 3]


def test_each_part_has_matrices_of_its_own() -> None:
    adapter = last_phase(adapted("rosa", lora_targets="qv", sparse_targets="vo", **FIELDS))
    kinds: dict[str, set[str]] = {}
    for name in adapter.parameters():
        matrix, kind = name.removesuffix(".weight").rsplit(".", 1)
        kinds.setdefault(matrix[-2:], set()).add(kind)
    lora = {"lora_A", "lora_B"}
    assert kinds == {"wq": lora, "wv": lora | {"sparse"}, "wo": {"sparse"}}


def test_a_checkpoint_of_any_phase_brings_the_phase_with_it() -> None:
    early = perturb(adapted("rosa", **FIELDS))
    late = perturb(last_phase(adapted("rosa", **FIELDS)))
    for trained in (early, late):
        new = adapted("rosa", **FIELDS)
        new.load({name: tensor.clone() for name, tensor in trained.state().items()})
        assert new.state().keys() == trained.state().keys()
        assert torch.equal(new.model(tokens()), trained.model(tokens()))
    assert not new.advance(WARMUP + 1, never)


def test_a_part_of_a_mask_is_refused_by_what_is_missing() -> None:
    state = last_phase(adapted("rosa", **FIELDS)).state()
    missing = "layers.1.attn.wo.sparse.indices"
    with pytest.raises(ValueError, match=f"lacks '{missing}'"):
        adapted("rosa", **FIELDS).load({n: t for n, t in state.items() if n != missing})


def test_a_merged_model_has_both_updates_in_its_matrices() -> None:
    adapter = perturb(last_phase(adapted("rosa", density=0.1, lora_targets="qv")))
    module = adapter.model.layers[0].attn.wq
    assert isinstance(module, LoraLinear)
    low_rank = module.lora_B.weight @ module.lora_A.weight
    entries = torch.zeros(64 * 64)
    entries[module.sparse.indices.long()] = module.sparse.weight.detach()
    merged = adapter.merge()
    found = merged.layers[0].attn.wq.weight
    expected = module.weight + low_rank + entries.view(64, 64)
    np.testing.assert_allclose(found, expected.detach(), atol=1e-6, rtol=1e-5)


@pytest.mark.slow
def test_a_compiled_model_follows_the_adapter_from_phase_to_phase() -> None:
    adapter = perturb(adapted("rosa", **FIELDS))
    compiled = torch.compile(adapter.model.forward, backend="aot_eager")

    def check() -> None:
        with torch.no_grad():
            torch.testing.assert_close(compiled(tokens()), adapter.model(tokens()))
        losses = [
            F.cross_entropy(model(tokens()).flatten(0, 1), tokens(seed=4).flatten())
            for model in (compiled, adapter.model)
        ]
        ours, theirs = (torch.autograd.grad(loss, parameters(adapter)) for loss in losses)
        torch.testing.assert_close(ours, theirs)

    check()
    adapter.advance(WARMUP, Recorded(adapter))
    check()
    perturb(adapter)
    check()


def parameters(adapter: Adapter) -> list[nn.Parameter]:
    return list(adapter.parameters().values())
