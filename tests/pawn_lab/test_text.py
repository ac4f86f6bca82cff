"""Text made safe to show: control codes and secrets out, everything else as it was."""

import pytest

from pawn_lab.text import MASK, clean, mask_secrets

DIGEST = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("loss fell \ud83d", "loss fell \ufffd"),
        ("\ude00 first", "\ufffd first"),
        ("\ud83d\ude00", "\U0001f600"),
        ("größer, 日本", "größer, 日本"),
        ("\x1b[31mred\x1b[0m\u202e", "red"),
    ],
)
def test_half_a_character_is_replaced_and_the_text_around_it_kept(text, shown):
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token hf_abcdefghijklmnop in use", f"token {MASK} in use"),
        ("ghp_0123456789abcdefghij", MASK),
        ("sk-ant-api03-abcdefghijkl", MASK),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0", MASK),
        ("HF_TOKEN=abcdefgh", f"HF_TOKEN={MASK}"),
        ('{"password": "hunter22", "lr": 1}', f'{{"password": "{MASK}", "lr": 1}}'),
        (r"{\"api_key\": \"hunter22\"}", rf"{{\"api_key\": \"{MASK}\"}}"),
        ("Authorization: Bearer abc.def-12", f"Authorization: Bearer {MASK}"),
        ("curl -H 'x: bearer abcdef0123'", f"curl -H 'x: bearer {MASK}'"),
        ("https://me:p@ss@hub.example/x", f"https://{MASK}@hub.example/x"),
        ("https://abcdefgh1@hub.example/x", f"https://{MASK}@hub.example/x"),
        ("GET /x?access_token=abc123def&n=1", f"GET /x?access_token={MASK}&n=1"),
        ("--hub-token abcdefgh", f"--hub-token {MASK}"),
        (f"wandb: logged in with {DIGEST}", f"wandb: logged in with {MASK}"),
        (
            "machine api.wandb.ai login user password abc",
            f"machine api.wandb.ai login user password {MASK}",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", MASK),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_beside_it(text, shown):
    assert mask_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"commit {DIGEST}",
        "no_outcome_token=true, outcome_token=white_mates, pad_token: 1968th",
        "max_tokens=500000; 123456 tokens/s",
        "pass the token: it is here",
        "git+ssh://git@github.example/x",
        "api key missing; password required",
        "the bearer capability",
        "lab_notes(section='Compaction summary')",
    ],
)
def test_what_is_no_secret_stays_readable(text):
    assert mask_secrets(text) == text


def test_the_value_of_a_variable_named_like_a_secret_is_masked_wherever_it_stands(monkeypatch):
    monkeypatch.setenv("RUNPOD_API_KEY", "plain words of mine")
    monkeypatch.setenv("HF_TOKEN_PATH", "/home/me/token")
    assert mask_secrets("so: plain words of mine; /home/me/token") == f"so: {MASK}; /home/me/token"
