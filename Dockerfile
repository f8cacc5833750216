# The studio in a container, for the CPU by default:
#
#   docker build -t atelier .
#   docker run -p 7860:7860 -e ATELIER_TOKEN=... -v atelier:/home/user/.atelier atelier
#
# PyPI's torch is the CUDA build. It runs on a CPU too, but does not import without its nvidia-* packages (libtorch_cpu
# is linked to libcudart and libcupti), so the image carries several GB that a CPU never uses. For a small CPU image give
# the index of torch's CPU wheels, whose versions sort above the plain ones that requirements.txt pins:
#
#   docker build --build-arg TORCH_INDEX=<address of the CPU wheel index> -t atelier .
#
# For a GPU: docker build --build-arg DEVICE=auto -t atelier-cuda .   and   docker run --gpus all ...
FROM python:3.11-slim-bookworm

ARG DEVICE=cpu
ARG TORCH_INDEX=""
# Packages for a deployment of one's own, such as Ray's: see deploy/kubernetes_ray.yaml.
ARG EXTRA=""

# OpenCV, which ultralytics needs, is linked to the first two. The others play music: without them a plain synthesiser does.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 fluidsynth timgm6mb-soundfont \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user/app
ENV PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

COPY --chown=user requirements.txt .
RUN pip install --user --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt $EXTRA
COPY --chown=user . .

# Nothing is written but the temporary folder and ATELIER_HOME. Off the loopback address a token is required:
# ATELIER_TOKEN sets it, otherwise one is printed at the start. ATELIER_PUBLIC=true asks for none.
ENV ATELIER_HOST=0.0.0.0 \
    ATELIER_PORT=7860 \
    ATELIER_HOME=/home/user/.atelier \
    ATELIER_DEVICE=$DEVICE \
    HF_HOME=/home/user/.atelier/huggingface
RUN mkdir -p /home/user/.atelier
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"ATELIER_PORT\"]}/readyz', timeout=4)"]
CMD ["python", "app.py"]
