"""Arguments of a tool drawn from its input schema, for a lab that holds the finished study."""

from hypothesis import strategies as st

from pawn_core.config import config_json_schema
from pawn_lab.tools import LabTool

TOY = {"variant": "toy", "local_checkpoints": True, "total_steps": 4, "device": "cpu"}
CONFIG_FIELDS = config_json_schema()["properties"]
RATES = st.lists(st.floats(1e-5, 1e-2), min_size=1, max_size=3)

WORDS = {
    "run_type": ["pretrain", "cotrain"],
    "tag": ["plain", "mate-boost"],
    "until": ["ended", "any", "launched", "val_loss<3", "step>=5"],
    "metric": ["val_loss", "kl", "top1", "perplexity"],
    "factor": ["lr", "mate_boost"],
    "ablation": ["baseline", "mate_boost"],
    "weights": ["trial:3", "nothing.safetensors"],
    "since": ["3", "7.0a1b2c3d4"],
}
"""Texts that mean something to an argument."""

TRIAL_IDS = frozenset({"trial_id", "trial_ids", "lineage", "reference", "a", "b"})
FIXED = {"dry_run": True, "timeout_s": 0}
"""Nothing is launched, and no wait lasts."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=8,
)


def calls(tool: LabTool) -> st.SearchStrategy[dict]:
    """Draw what a tool's schema allows; one call in ten has any values under the tool's names."""
    wild = st.dictionaries(st.sampled_from(list(tool.signature.parameters)), JSON)
    return st.integers(0, 9).flatmap(lambda tenth: allowed(tool) if tenth else wild)


def allowed(tool: LabTool) -> st.SearchStrategy[dict]:
    """Draw arguments that a tool's schema allows, each of them left out at times."""
    schema = tool.whole_schema
    drawn = {name: values(name, spec) for name, spec in schema["properties"].items()}
    drawn |= {name: st.just(value) for name, value in FIXED.items() if name in drawn}
    always = {"settings", *schema.get("required", []), *FIXED} & drawn.keys()
    return st.fixed_dictionaries(
        {name: drawn[name] for name in sorted(always)},
        optional={name: drawn[name] for name in sorted(drawn.keys() - always)},
    )


def values(name: str, spec: dict) -> st.SearchStrategy:
    """Draw what a schema allows, mostly what means something to the study and its four trials."""
    match spec:
        case {"anyOf": options}:
            return st.one_of([values(name, option) for option in options])
        case {"enum": choices}:
            return st.sampled_from(choices)
        case {"const": only}:
            return st.just(only)
        case {"type": "integer" | "number"} if name in TRIAL_IDS:
            return st.sampled_from([1, 2, 3, 4, 1, 2, 3, 4, 0, 5])
        case {"type": "integer" | "number" as kind}:
            return numbers(kind, spec)
        case {"type": "string"}:
            return st.integers(0, 3).flatmap(lambda fourth: words(name) if fourth else TEXT)
        case {"type": "array", "items": items}:
            return st.lists(values(name, items), max_size=4)
        case {"type": "object"}:
            return {"config": configs(TOY), "settings": plans()}.get(name, configs({}))
        case {"type": "boolean"}:
            return st.booleans()
    return st.none()


TEXT = st.text(max_size=8)


def words(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(WORDS.get(name, ["a"]))


def numbers(kind: str, spec: dict) -> st.SearchStrategy[float]:
    """Draw a small number, or any within the bounds."""
    least = spec.get("minimum", spec.get("exclusiveMinimum", 0))
    most = spec.get("maximum", spec.get("exclusiveMaximum"))
    small = st.integers(int(least), int(least) + 6 if most is None else int(most))
    return small | (st.integers if kind == "integer" else st.floats)(least, most)


def configs(base: dict) -> st.SearchStrategy[dict]:
    """Draw a base with up to three fields of a config more."""
    names = st.sampled_from(sorted(CONFIG_FIELDS))
    fields = names.flatmap(lambda name: st.tuples(st.just(name), values(name, CONFIG_FIELDS[name])))
    return st.lists(fields, max_size=3).map(lambda changes: base | dict(changes))


def plans() -> st.SearchStrategy[dict]:
    """Draw plans of sweeps over the learning rate."""
    return st.fixed_dictionaries(
        {"config": configs(TOY), "space": st.fixed_dictionaries({"lr": RATES})}
    )
