"""ACE-Step's real classes at tiny size, under its publisher's names, pulled from a hub on the loopback address."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderOobleck
from diffusers.models.transformers import AceStepTransformer1DModel
from diffusers.pipelines.ace_step import AceStepConditionEncoder
from safetensors.torch import save
from transformers import Qwen3Config, Qwen3Model

from backends.music.ace_step import AceStep
from backends.music.fields import SoundOutputs, WordsInputs
from bench.bare import BareRun
from studio.errors import Cancelled
from studio.weights import Weights
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]

RATE_HZ = 8_000
SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "sliding_window": 16,
}
LATENTS = 4
NAMES = {
    "turbo/model.safetensors": "model",
    "turbo/silence_latent.pt": "silence",
    "vae/diffusion_pytorch_model.safetensors": "sound",
    "words/model.safetensors": "text",
    "words/tokenizer.json": "tokenizer",
}
DIFFUSION = {"num_hidden_layers": 2, "in_channels": 3 * LATENTS, "audio_acoustic_hidden_dim": LATENTS}
ENCODER = {
    "text_hidden_dim": 16,
    "timbre_hidden_dim": LATENTS,
    "num_lyric_encoder_hidden_layers": 1,
    "num_timbre_encoder_hidden_layers": 1,
}


class Watched(BareRun):
    """A run that remembers what it was told, and is cancelled when asked to be."""

    def __init__(self, cancelled: bool = False) -> None:
        super().__init__()
        self.told: list[str] = []
        self.cancelled = cancelled

    def progress(self, fraction: float, note: str = "") -> None:
        self.told.append(note)

    def check(self) -> None:
        if self.cancelled:
            raise Cancelled("Cancelled.")


def written(folder: Path, extra: dict[str, torch.Tensor] | None = None) -> dict[str, bytes]:
    """The publisher's files at tiny size, with random tensors."""
    torch.manual_seed(0)
    transformer = AceStepTransformer1DModel(**(SIZES | DIFFUSION))
    encoder = AceStepConditionEncoder(**(SIZES | ENCODER))
    vae = AutoencoderOobleck(
        encoder_hidden_size=8,
        downsampling_ratios=[2, 4, 4, 10],
        channel_multiples=[1, 1, 1, 1],
        decoder_channels=8,
        decoder_input_channels=LATENTS,
        audio_channels=2,
        sampling_rate=RATE_HZ,
    )
    text = Qwen3Model(
        Qwen3Config(
            vocab_size=4,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
        )
    )
    vae.save_pretrained(folder / "vae")
    text.save_pretrained(folder / "words")
    tensors = {f"encoder.{name}": value for name, value in encoder.state_dict().items() if name != "silence_latent"}
    tensors["null_condition_emb"] = tensors.pop("encoder.null_condition_emb")
    for name, value in transformer.state_dict().items():
        theirs = name.replace("proj_in_conv.", "proj_in.1.").replace("proj_out_conv.", "proj_out.1.")
        tensors[f"decoder.{theirs}"] = value
    silence = io.BytesIO()
    torch.save(torch.randn(1, LATENTS, 15_000), silence)
    return {
        "turbo/model.safetensors": save({k: v.contiguous() for k, v in (tensors | (extra or {})).items()}),
        "turbo/silence_latent.pt": silence.getvalue(),
        "vae/config.json": (folder / "vae" / "config.json").read_bytes(),
        "vae/diffusion_pytorch_model.safetensors": (
            folder / "vae" / "diffusion_pytorch_model.safetensors"
        ).read_bytes(),
        "words/config.json": (folder / "words" / "config.json").read_bytes(),
        "words/model.safetensors": (folder / "words" / "model.safetensors").read_bytes(),
        "words/tokenizer.json": json.dumps(TOKENIZER).encode(),
    }


TOKENIZER = {
    "version": "1.0",
    "added_tokens": [
        {
            "id": 0,
            "content": "<|endoftext|>",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
    ],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {
        "type": "WordLevel",
        "vocab": {"<|endoftext|>": 0, "<unk>": 1, "waltz": 2, "harbour": 3},
        "unk_token": "<unk>",
    },
}


def made(weights: Weights) -> AceStep:
    return AceStep(weights, "cpu", SIZES | DIFFUSION, SIZES | ENCODER)


@pytest.mark.slow
def test_words_become_sound(hub: LocalHub, tmp_path: Path) -> None:
    backend = made(pulled(hub, tmp_path, written(tmp_path, {"tokenizer.of_sound": torch.ones(2)}), NAMES))
    run = Watched()
    inputs = WordsInputs(words="a slow waltz", seconds=5, seed=1)
    piece = backend(inputs, run)
    assert isinstance(piece, SoundOutputs)
    assert piece.summary == "5 s of music, 8 kHz"
    assert piece.audio.samples.shape == (5 * RATE_HZ, 2)
    assert np.isfinite(piece.audio.samples).all()
    assert np.abs(piece.audio.samples).max() > 0
    assert [note for note in run.told if note.startswith("Step")] == [f"Step {n} of 8" for n in range(1, 9)]
    again = backend(inputs, Watched())
    assert np.array_equal(again.audio.samples, piece.audio.samples), "the same seed"
    others = [
        WordsInputs(words="a slow waltz", seconds=5, seed=2),
        WordsInputs(words="a slow harbour", seconds=5, seed=1),
        WordsInputs(words="a slow waltz", seconds=5, seed=1, lyrics="harbour"),
    ]
    for other in others:
        assert not np.array_equal(backend(other, Watched()).audio.samples, piece.audio.samples)
    with pytest.raises(Cancelled):
        backend(inputs, Watched(cancelled=True))


@pytest.mark.slow
def test_tensors_of_another_network_are_refused(hub: LocalHub, tmp_path: Path) -> None:
    weights = pulled(hub, tmp_path, written(tmp_path, {"decoder.layers.9.unknown": torch.ones(2)}), NAMES)
    with pytest.raises(RuntimeError, match=r"layers\.9\.unknown"):
        made(weights)
