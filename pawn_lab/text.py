"""Text from outside made safe to show: no escape sequence, no hidden direction, no secret."""

import os
import re
from collections.abc import Callable, Mapping

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS, SOS, PM, APC: titles, links
    r"|\x1b[ -/]*[0-~]"  # other two-character escapes
)
# C0 and C1 controls but tab and newline; bidirectional, zero-width and other unseen marks (Unicode
# TR 36); the plane of tags and the variation selectors, in which text can be hidden.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u070f\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")

MASK = "[masked]"
_LEAST_SECRET_CHARACTERS = 8
_SECRET_VARIABLE = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|API_?KEY|ACCESS_KEY|CREDENTIAL", re.I)
_NO_SECRET_VARIABLE = re.compile(r"_(?:PATH|FILE|DIR|HOME)$", re.I)
_SECRETS = re.compile(
    # What the makers of tokens put in front of them: Hugging Face, GitHub, GitLab, OpenAI and
    # Anthropic, AWS, Google, Slack, W&B, RunPod, npm, PyPI, DigitalOcean, Replicate, Groq.
    r"\b(?:hf_|hfp_|api_org_)[A-Za-z0-9]{8,}"
    r"|\b(?:gh[oprsu]_|github_pat_|glpat-)[\w-]{8,}"
    r"|\bsk-[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|\b(?:AIza|ya29\.)[\w.-]{16,}"
    r"|\bxox[a-z]-[\w-]{10,}"
    r"|\b(?:wandb_v\d_|rpa_|rps_|npm_|dop_v\d_|r8_|gsk_)\w{16,}"
    r"|\bpypi-[\w-]{16,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*-----)?"
)
_NAMED_SECRETS = (
    # A name that says so, then its value: NAME=value, "name": "value".
    re.compile(
        r"((?:(?<!outcome_)(?<!pad_)token|secret|pass(?:word|wd|phrase)|api[_-]?key|credentials?"
        r"|(?:access|private|secret)[_-]?key(?:[_-]id)?|(?:x-amz-)?signature)"
        r"[\"'\\]*\s*(?:=>?|:)\s*[\"'\\]*)(?!\[)[^\s\"'\\,;&}\]]{6,}",
        re.I,
    ),
    re.compile(r"(--[\w-]*(?:token|secret|password|api-key)\s+)(?!\[|--)\S{6,}", re.I),
    re.compile(
        r"(\bauthorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:\w+\s+)?)(?!\[|\w+\s+\[)[^\s\"'\\,]{6,}",
        re.I,
    ),
    re.compile(r"(\bbearer\s+)(?=[^\s\"']*[\d_-])[\w.~+/=-]{8,}", re.I),
    re.compile(r"(\blogin\s+\S+\s+password\s+)(?!\[)\S+"),  # netrc
    re.compile(r"(://)[^\s/\"'@:]*:[^\s/\"']*(?=@)"),  # user:password in a URL
    re.compile(r"(://)[^\s/\"'@:]{8,}(?=@)"),  # a token in a URL
    # A W&B key is a bare digest: only its surroundings tell it from that of a commit.
    re.compile(r"(\b(?:wandb|api[ _-]?key)\b[^\n]{0,80}?)\b[0-9a-f]{40}\b", re.I),
)


def clean(text: str) -> str:
    """Return text without escape sequences, control codes and invisible direction marks.

    Halves of a surrogate pair are joined; one that stands alone becomes U+FFFD.
    """
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _HIDDEN.sub("", _ESCAPES.sub("", text))


def clean_line(line: str) -> str:
    """Return a terminal line as it would be left on screen: what follows the last return."""
    visible = line.rstrip("\r").rpartition("\r")[2]
    return clean(visible).replace("\n", " ")


def shorten(text: str, most: int) -> str:
    """Cut text to a length, saying how much is missing."""
    if len(text) <= most:
        return text
    note = f"... [{len(text) - most} more characters]"
    return text[:most] + note


def mask_secrets(text: str) -> str:
    """Return text in which whatever looks like a token or a password is masked.

    So is the value of each variable of our own environment that is named like one.
    """
    return secret_mask()(text)


def secret_mask() -> Callable[[str], str]:
    """Return `mask_secrets` for many texts: the environment is looked at once."""
    own = _own_secrets(os.environ)

    def mask(text: str) -> str:
        text = _SECRETS.sub(MASK, own.sub(MASK, text))
        for named in _NAMED_SECRETS:
            text = named.sub(rf"\1{MASK}", text)
        return text

    return mask


def _own_secrets(environment: Mapping[str, str]) -> re.Pattern[str]:
    values = {
        value
        for name, value in environment.items()
        if _SECRET_VARIABLE.search(name)
        and not _NO_SECRET_VARIABLE.search(name)
        and len(value) >= _LEAST_SECRET_CHARACTERS
    }
    longest_first = sorted(values, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
