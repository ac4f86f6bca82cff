# syntax=docker/dockerfile:1
# A pod of PAWN lab: the lab served, trainers beside it, ssh. docs/pods.md tells how to build and run it.
#   docker build --tag pawn .                         with CUDA
#   docker build --tag pawn --build-arg TORCH=cpu .   for machines without a GPU
ARG PYTHON=3.11

# The engine is Rust; neither its toolchain nor its target folder goes into the image that runs.
FROM python:${PYTHON}-slim-bookworm AS build
ARG TORCH=cuda
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl gcc git libc6-dev make \
 && rm -rf /var/lib/apt/lists/*
ENV CARGO_HOME=/opt/cargo RUSTUP_HOME=/opt/rustup PATH=/opt/cargo/bin:$PATH
RUN curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs \
  | sh -s -- -y --profile minimal --no-modify-path
WORKDIR /opt/pawn
COPY . .
# Copied, not linked to a cache that stays behind; the lock alone decides what is installed.
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_DEV=1 UV_PYTHON_DOWNLOADS=never
RUN make setup TORCH="${TORCH}" \
 && rm -rf target .git .tools/uv* \
 && .venv/bin/pawn-lab --version \
 && .venv/bin/python -c 'import chess_engine, torch'

FROM python:${PYTHON}-slim-bookworm
# gcc: torch compiles kernels while it trains. stockfish: labels and opponents.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      ca-certificates curl gcc git libc6-dev make openssh-server procps rsync stockfish tmux \
 && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_* \
 && useradd --create-home --uid 1000 --shell /bin/bash pawn \
 && install -d -o pawn -g pawn /opt/pawn /workspace
COPY --from=build --chown=pawn:pawn /opt/pawn /opt/pawn
ENV PATH=/opt/pawn/.venv/bin:/usr/games:$PATH PYTHONUNBUFFERED=1 PAWN_VOLUME=/workspace
USER 1000
WORKDIR /workspace
VOLUME /workspace
EXPOSE 22 8321
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=5 \
  CMD ["python", "/opt/pawn/deploy/health.py"]
# Python in the first place, not a shell: that would take SIGTERM and end before anybody has saved.
ENTRYPOINT ["python", "/opt/pawn/deploy/entrypoint.py"]
