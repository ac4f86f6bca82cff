"""How the model plays, as a program sets it: one list for the protocol and the command line."""

from collections.abc import Callable
from typing import Any, NamedTuple

from pawn_core.config.eval import EvalConfig
from pawn_core.threads import usable_cores

_INT32 = 2**31 - 1
"""The largest number that every program can send."""
_DEFAULT_TEMPERATURE = EvalConfig.model_fields["play_temperature"].default
_HOTTEST = 100.0


class PlaySettings(NamedTuple):
    """What decides between moves, and how fast."""

    temperature: float = _DEFAULT_TEMPERATURE
    seed: int = 0
    game: int = 0
    threads: int = 1


class PlayOption(NamedTuple):
    """A field of the settings as UCI has it."""

    field: str
    meaning: str
    kind: str
    """Its UCI type with the bounds."""
    read: Callable[[str], Any]
    """Raises ValueError with what is allowed."""

    @property
    def name(self) -> str:
        """What programs call it."""
        return self.field.capitalize()

    def declaration(self, settings: PlaySettings) -> str:
        """Return the line that tells of it."""
        kind, *bounds = self.kind.split(maxsplit=1)
        default = getattr(settings, self.field)
        return " ".join(["option name", self.name, "type", kind, f"default {default}", *bounds])

    def set(self, settings: PlaySettings, text: str) -> PlaySettings:
        """Return the settings with another value.

        Raises:
            ValueError: it is none.
        """
        try:
            return settings._replace(**{self.field: self.read(text)})
        except ValueError as error:
            raise ValueError(f"{self.name} {text!r}: {error}") from None


def _number(text: str, read: Callable[[str], Any], low: Any, high: Any) -> Any:
    try:
        value = read(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise ValueError(f"allowed: {read.__name__} of {low} to {high}")
    return value


def _whole(field: str, meaning: str, low: int, high: int) -> PlayOption:
    bounds = f"spin min {low} max {high}"
    return PlayOption(field, meaning, bounds, lambda text: _number(text, int, low, high))


OPTIONS = (
    PlayOption(
        "temperature",
        "divides the logits; 0 takes the likeliest move",
        "string",
        lambda text: _number(text, float, 0.0, _HOTTEST),
    ),
    _whole("seed", "of the random numbers", 0, _INT32),
    _whole("game", "number of the next game, which has random numbers of its own", 0, _INT32),
    _whole("threads", "to compute with", 1, usable_cores()),
)


def set_option(words: list[str], settings: PlaySettings) -> PlaySettings:
    """Return the settings as the words behind `setoption` change them; case does not matter.

    Raises:
        ValueError: there is no such option or value.
    """
    at = words.index("value") if "value" in words else len(words)
    name = " ".join(words[1:at])
    options = {option.name.lower(): option for option in OPTIONS}
    if words[:1] != ["name"] or name.lower() not in options:
        allowed = ", ".join(option.name for option in OPTIONS)
        raise ValueError(f"option {name!r} is unknown (chess alone is played); one of: {allowed}")
    return options[name.lower()].set(settings, " ".join(words[at + 1 :]))
