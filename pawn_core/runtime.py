"""Where and how the computation runs: device, precision, compiler, attention backend."""

import ctypes
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

import torch

from pawn_core.attention.choice import USUAL_HEAD, ChosenWay, Situation, choose, mask_maker
from pawn_core.attention.masks import PackedRows, Sequences
from pawn_core.compiler_cache import CompilerCache, await_compiler, open_cache
from pawn_core.config import ConfigError, RunConfig
from pawn_core.config.compute import ComputeConfig
from pawn_core.config.dimensions import DimensionsConfig
from pawn_core.config.game_training import GameTrainingConfig
from pawn_core.config.games import GamesConfig
from pawn_core.flops import peak_flops
from pawn_core.machine import device_refusal
from pawn_core.parallel import ALONE, Processes, join_processes, local_device

P = ParamSpec("P")
R = TypeVar("R")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_MOST_GRAPHS = 64  # of one function; torch gives up after 8
_AMP_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "none": None}
_BFLOAT16_CPUS = ("avx512_bf16", "amx_bf16")  # others emulate it


@dataclass(frozen=True)
class Runtime:
    """The resolved hardware choices of a run."""

    device: torch.device
    amp_dtype: torch.dtype | None
    compiled: bool
    processes: Processes = ALONE
    attention: str = "dense"
    """The way of attention in packed rows (`pawn_core.attention.choice`); `math`: the kernels are
    turned off, `spans`: a CPU, uncompiled, has one of its own."""
    attention_refused: Mapping[str, str] = field(default_factory=dict)
    """Why each better way was not taken."""
    weights_copy: bool = True
    """Whether 16-bit products read copies of the weights that are made once a step."""
    graphs: bool = False
    """Whether steps are recorded and repeated, where their shapes allow it."""
    compiler_cache: CompilerCache | None = None
    """Where it compiles into, if it does."""
    whole_graph: bool = False
    """Whether a model's layers are compiled together, not one for all that are alike."""
    keeps_operands: bool = False
    """Whether what a compiled forward pass multiplies is kept for the backward pass, where it is
    cheaply made anew: without it a layer keeps a quarter less, and writes some of it twice."""

    @property
    def precision(self) -> str:
        """Return `amp_dtype` as configs write it."""
        return next(name for name, dtype in _AMP_DTYPES.items() if dtype is self.amp_dtype)

    def describe(self) -> dict[str, Any]:
        """Return how it computes, as a run's records have it."""
        computing: dict[str, Any] = {"amp_dtype": self.precision, "compiled": self.compiled}
        if self.compiled:
            computing["graph_of"] = "model" if self.whole_graph else "layer"
        computing["graphs"] = self.graphs
        attention = {"attention": self.attention}
        if self.attention_refused:
            attention |= {"attention_refused": dict(self.attention_refused)}
        return computing | attention

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context that computes in `amp_dtype`; without one, in float32."""
        if self.amp_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.amp_dtype)

    def compile(self, function: Callable[P, R], *, dynamic: bool | None = None) -> Callable[P, R]:
        """Return the compiled function, or the function itself where compiling is off.

        With `dynamic=False`, every shape is compiled anew; by default the second one for all.
        """
        if not self.compiled:
            return function
        await_compiler()
        set_up_compiler(self.keeps_operands)
        return torch.compile(function, dynamic=dynamic)

    def mask_maker(self, head_channels: int) -> Callable[[PackedRows], Any]:
        """Return what makes the mask of packed rows, for a model with heads of so many channels."""
        situation = Situation(self.device, self.amp_dtype, self.compiled, head_channels)
        mask_of = mask_maker(self.attention, situation)
        return partial(_of_any_number, mask_of) if self.compiled else mask_of

    def peak_flops(self) -> float | None:
        """Return the devices' 16-bit peak; None where it is unknown or the run is in float32."""
        if self.amp_dtype is None or self.device.type != "cuda":
            return None
        peak = peak_flops(torch.cuda.get_device_name(self.device))
        return peak and peak * self.processes.size

    def grad_scaler(self) -> torch.amp.GradScaler | None:
        """Return a loss scaler for float16, whose gradients underflow; None otherwise."""
        needed = self.amp_dtype is torch.float16
        return torch.amp.GradScaler(self.device.type) if needed else None


def resolve_runtime(config: RunConfig, resumed_precision: str | None = None) -> Runtime:
    """Choose the device and apply the process-wide settings.

    A resumed run's `amp_dtype` auto is what its checkpoint was trained in, on any machine.

    Raises:
        ConfigError: the device does not exist, there is no GPU for a model of real size, or the
            processes for several GPUs have not been started.
    """
    device = _resolve_device(config.device, config.real_size)
    if config.gpus > 1 and device.type == "cuda":
        device = _resolve_device(f"cuda:{local_device()}", config.real_size)
        torch.cuda.set_device(device)
    if device.type != "cuda":
        _keep_freed_memory()
    _set_threads()
    processes = join_processes(config)
    if not isinstance(config, ComputeConfig):
        return Runtime(device, None, compiled=False, processes=processes)
    return _computing(config, device, processes, resumed_precision)


def _computing(
    config: ComputeConfig, device: torch.device, processes: Processes, resumed: str | None
) -> Runtime:
    """Choose how a model computes; `resumed` is the precision of the checkpoint gone on from."""
    on_gpu, precision = device.type == "cuda", config.amp_dtype
    if precision == "auto":
        precision = resumed or best_precision(device)
    compiled = on_gpu if config.no_compile is None else not config.no_compile
    if config.sdpa_math:
        _force_math_attention()
    compiler_cache = open_cache(device) if compiled else None
    dtype = _AMP_DTYPES[precision]
    attention = _attention(config, device, dtype, compiled=compiled)
    graphs = on_gpu and isinstance(config, GamesConfig) and config.cuda_graphs
    chosen = attention.name, attention.refused
    return Runtime(
        device, dtype, compiled, processes, *chosen, graphs=graphs, compiler_cache=compiler_cache
    )


def _attention(
    config: ComputeConfig, device: torch.device, dtype: torch.dtype | None, *, compiled: bool
) -> ChosenWay:
    """Choose the way of attention in packed rows.

    Raises:
        ConfigError: the one that the config names does not work.
    """
    if device.type == "cpu":
        return ChosenWay("dense" if compiled else "spans")
    if config.sdpa_math:
        return ChosenWay("math")
    if not isinstance(config, GameTrainingConfig):
        return ChosenWay("dense")
    widths = {_head_channels(member) for member in config.members().values()}
    situations = (Situation(device, dtype, compiled, width) for width in sorted(widths))
    try:
        return choose(situations, config.attention)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _head_channels(config: RunConfig) -> int:
    """Return the channels of a head; of a backbone that is not loaded yet, what is usual."""
    if not isinstance(config, DimensionsConfig):
        return USUAL_HEAD
    return config.architecture.d_model // config.architecture.n_heads


def _of_any_number(mask_of: Callable[[PackedRows], Any], rows: PackedRows) -> Any:
    """Make a mask; the compiler is told that the number of sequences differs now and then."""
    mask = mask_of(rows)
    if isinstance(mask, Sequences):
        torch._dynamo.maybe_mark_dynamic(mask.begins_r, 0)
    return mask


def best_precision(device: torch.device) -> str:
    """Return what `amp_dtype` auto means on a device, for a new run."""
    native = device.type == "cuda" or any(
        torch.cpu.get_capabilities().get(name) for name in _BFLOAT16_CPUS
    )
    return "bfloat16" if native else "none"


def most_memory_bytes(device: torch.device) -> int | None:
    """Return the most that this process's tensors have held at once; None on a CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def _resolve_device(name: str, real_size: bool) -> torch.device:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (refusal := device_refusal(name, real_size, gpus)) is not None:
        raise ConfigError(refusal)
    if name == "auto":
        name = "cuda" if gpus else "cpu"
    return torch.device(name)


def set_up_compiler(keeps_operands: bool) -> None:
    """Set what `torch.compile` takes no option for.

    A function is compiled as often as layers differ (past a limit it would run uncompiled): models
    of several sizes share one, each in a few shapes, with gradients and without.
    """
    from torch._dynamo import config
    from torch._functorch import config as differentiation

    config.recompile_limit = max(config.recompile_limit, _MOST_GRAPHS)
    if hasattr(differentiation, "ban_recompute_materialized_backward"):
        differentiation.ban_recompute_materialized_backward = keeps_operands


def _force_math_attention() -> None:
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)


def _keep_freed_memory() -> None:
    """Tell glibc to reuse freed memory: giving it back costs a page fault a page at each step.

    Worth 10 % of a toy step's time. Other C libraries have no such option.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, -1)


def _set_threads() -> None:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > 0:
        torch.set_num_threads(int(threads))
