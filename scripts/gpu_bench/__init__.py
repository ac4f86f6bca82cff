"""The parts of `scripts/bench_gpu.py`: what is measured, and in which processes."""
