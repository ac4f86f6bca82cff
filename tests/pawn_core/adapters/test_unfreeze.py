"""Unfreezing trains whole layers from where they are."""

import torch
from adapting import adapted, backbone, perturb, tokens


def test_the_last_layer_moves_unless_others_are_named() -> None:
    names = {name.split(".")[1] for name in adapted("unfreeze").parameters()}
    assert names == {"1"}
    assert len(adapted("unfreeze", adapter_layers="0,1").parameters()) == 2 * 9


def test_a_checkpoint_holds_the_layers_that_moved_and_nothing_else() -> None:
    adapter = perturb(adapted("unfreeze"))
    assert adapter.state().keys() == {
        name for name in backbone().state_dict() if name.startswith("layers.1.")
    }


def test_a_merged_model_is_the_adapted_one_bit_for_bit() -> None:
    adapter = perturb(adapted("unfreeze"))
    assert torch.equal(adapter.merge()(tokens()), adapter.model(tokens()))
