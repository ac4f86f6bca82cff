"""What of our environment reaches a trainer, and what a file of the trial tells of it."""

import stat

import pytest
from lab_testing import CONFIG, open_gate, trainer_greeting

from pawn_lab.documents import read_json_object
from pawn_lab.lab import launching
from pawn_lab.shim.environment import TrialEnvironment, allowed, compiled_into

TRAVELS = """
PATH HOME LC_ALL TMPDIR LD_LIBRARY_PATH XDG_CONFIG_HOME XDG_CACHE_HOME MALLOC_ARENA_MAX HTTP_PROXY
HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy SSL_CERT_FILE
SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NETRC HF_HOME HF_ENDPOINT HF_HUB_OFFLINE
HF_HUB_CACHE HF_TOKEN_PATH HF_HUB_DISABLE_IMPLICIT_TOKEN TRANSFORMERS_OFFLINE WANDB_MODE
WANDB_BASE_URL TRACKIO_DIR NCCL_P2P_DISABLE NCCL_SOCKET_IFNAME NCCL_IB_PKEY GLOO_SOCKET_IFNAME
UCX_TLS FI_PROVIDER CUDA_HOME CUDA_LAUNCH_BLOCKING CUBLAS_WORKSPACE_CONFIG NVIDIA_TF32_OVERRIDE
PYTORCH_ALLOC_CONF PYTORCH_CUDA_ALLOC_CONF TORCH_HOME TORCH_NCCL_ASYNC_ERROR_HANDLING TORCH_LOGS
TORCHINDUCTOR_CACHE_DIR TORCHDYNAMO_DISABLE TRITON_CACHE_DIR OMP_WAIT_POLICY KMP_BLOCKTIME
PAWN_ALLOW_CPU PAWN_COMPILED_CACHE PAWN_GAMES_CACHE CC CXX
"""
STAYS = """
HF_TOKEN HUGGING_FACE_HUB_TOKEN HUGGINGFACE_HUB_TOKEN WANDB_API_KEY TRACKIO_WRITE_TOKEN
AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID OPENAI_API_KEY ANTHROPIC_API_KEY GITHUB_TOKEN
RUNPOD_API_KEY KAGGLE_KEY GOOGLE_APPLICATION_CREDENTIALS SSH_AUTH_SOCK PAWN_LAB_TOKEN HF_API_KEY
TORCH_PASSWORD UCX_AUTH XDG_SECRET LD_PRELOAD PYTHONSTARTUP WORLD_SIZE RANK LOCAL_RANK MASTER_ADDR
TORCHELASTIC_RUN_ID SLURM_JOB_ID
"""


@pytest.mark.parametrize("name", TRAVELS.split())
def test_what_training_by_hand_would_find_reaches_a_trainer(name):
    assert allowed({name: "x"}) == {name: "x"}


@pytest.mark.parametrize("name", STAYS.split())
def test_a_secret_or_what_belongs_to_another_launcher_stays(name):
    assert allowed({name: "x"}) == {}


def test_trainers_of_a_lab_share_what_they_compile_unless_they_are_told_where(tmp_path):
    assert compiled_into(tmp_path, {}) == {"PAWN_COMPILED_CACHE": str(tmp_path)}
    for name in ("PAWN_COMPILED_CACHE", "TORCHINDUCTOR_CACHE_DIR"):
        assert compiled_into(tmp_path, {name: "/elsewhere"}) == {}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("HTTPS_PROXY", "http://me:s3cret@proxy:3128", "http://[masked]@proxy:3128"),
        ("https_proxy", "me:s3cret@proxy:3128", "[masked]@proxy:3128"),
        ("ALL_PROXY", "socks5h://me:s3@cret@proxy", "socks5h://[masked]@proxy"),
        ("HF_ENDPOINT", "https://s3cret@hub.example/x", "https://[masked]@hub.example/x"),
    ],
)
def test_a_password_inside_an_address_is_masked(name, value, shown):
    assert TrialEnvironment.of({name: value}) == ({name: shown}, [name])


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", "localhost,.org"), ("PATH", "/opt/a@2/b")],
)
def test_a_value_without_a_password_is_recorded_as_it_is(name, value):
    assert TrialEnvironment.of({name: value}) == ({name: value}, [])


def test_a_proxys_password_reaches_the_trainer_and_no_file_of_the_lab(open_lab, monkeypatch):
    address = "http://me:s3cret-word@proxy:3128"
    monkeypatch.setenv("HTTPS_PROXY", address)
    lab = open_lab("gate")
    trial = launching.launch(lab, CONFIG)
    assert trainer_greeting(lab, trial.id)["environment"]["HTTPS_PROXY"] == address
    paths = lab.paths.trial(trial.id)
    launch = read_json_object(paths.launch)
    assert launch["environment"]["HTTPS_PROXY"] == "http://[masked]@proxy:3128"
    assert stat.S_IMODE(paths.launch.stat().st_mode) == 0o600
    files = [path for path in lab.paths.root.rglob("*") if path.is_file() and path != paths.log]
    assert not [path for path in files if b"s3cret-word" in path.read_bytes()]
    open_gate(lab, trial.id)


def test_a_trainer_compiles_into_its_workspace(open_lab, monkeypatch):
    monkeypatch.delenv("PAWN_COMPILED_CACHE")
    lab = open_lab("gate")
    trial = launching.launch(lab, CONFIG)
    environment = trainer_greeting(lab, trial.id)["environment"]
    assert environment["PAWN_COMPILED_CACHE"] == str(lab.paths.root.absolute() / "compiled")
    open_gate(lab, trial.id)
