"""ACE-Step 1.5 turbo (Gong et al. 2026, https://arxiv.org/abs/2602.00744): music from words, by diffusers.

The publisher's own repository keeps the diffusion network and the encoder of its conditions in one file, under names of
its own; here they are sorted into diffusers' classes, whose defaults are this model's sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers import AceStepPipeline, AutoencoderOobleck, FlowMatchEulerDiscreteScheduler
from diffusers.models.transformers import AceStepTransformer1DModel
from diffusers.pipelines.ace_step import AceStepConditionEncoder
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Model

from backends.music.fields import SoundOutputs, WordsInputs
from studio.contract import Run
from studio.media.audio import Audio
from studio.weights import Weights

_STEPS = 8
_INSTRUMENTAL = "[Instrumental]"
_PAD = "<|endoftext|>"


class AceStep:
    """ACE-Step 1.5 turbo: eight steps of a diffusion transformer whose guidance is distilled into its weights.

    Args:
        weights: files `model`, `silence`, `sound` and `text` with their `config.json` beside them, and `tokenizer`.
        diffusion, encoder: sizes of both networks; their published ones where they are not named.
    """

    def __init__(
        self,
        weights: Weights,
        device: str,
        diffusion: Mapping[str, Any] | None = None,
        encoder: Mapping[str, Any] | None = None,
    ) -> None:
        transformer = AceStepTransformer1DModel(**(diffusion or {}), is_turbo=True, model_version="turbo")
        conditions = AceStepConditionEncoder(**(encoder or {}))
        decoder_tensors, encoder_tensors = sorted_tensors(load_file(weights.path()))
        encoder_tensors["silence_latent"] = _silence(weights)
        # Of use to guidance alone, which turbo does without.
        encoder_tensors.setdefault("null_condition_emb", conditions.null_condition_emb.detach())
        transformer.load_state_dict(decoder_tensors)
        conditions.load_state_dict(encoder_tensors)
        folders = weights.path("sound").parent, weights.path("text").parent
        vae = AutoencoderOobleck.from_pretrained(folders[0], local_files_only=True, low_cpu_mem_usage=False)
        text: Any = Qwen3Model.from_pretrained(folders[1], local_files_only=True, dtype=torch.float32)
        if device == "cuda":  # half as much memory; not every CPU computes in it
            for net in (transformer, conditions, vae, text):
                net.bfloat16()
        tokenizer: Any = PreTrainedTokenizerFast  # whose making is untyped
        self._pipe: Any = AceStepPipeline(
            vae=vae.eval(),
            text_encoder=text.eval(),
            tokenizer=tokenizer(tokenizer_file=str(weights.path("tokenizer")), pad_token=_PAD),
            transformer=transformer.eval(),
            condition_encoder=conditions.eval(),
            scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
        ).to(device)
        self._pipe.set_progress_bar_config(disable=True)

    def __call__(self, inputs: WordsInputs, run: Run) -> SoundOutputs:
        """The piece that the words describe."""
        run.progress(0.02, "Reading the words")

        def after(_pipe: Any, step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            run.check()
            run.progress(0.05 + 0.85 * (step + 1) / _STEPS, f"Step {step + 1} of {_STEPS}")
            return tensors

        random = torch.Generator().manual_seed(inputs.seed)
        lyrics = inputs.lyrics.strip()
        sound = self._pipe(
            prompt=inputs.words,
            lyrics=lyrics or _INSTRUMENTAL,
            audio_duration=float(inputs.seconds),
            num_inference_steps=_STEPS,
            guidance_scale=1.0,
            generator=random,
            callback_on_step_end=after,
            output_type="pt",
        ).audios[0]
        rate_hz = int(self._pipe.sample_rate)
        samples = np.asarray(sound.float().cpu().numpy().T, np.float32)[: inputs.seconds * rate_hz]  # (samples, 2)
        return SoundOutputs(
            summary=f"{len(samples) / rate_hz:.0f} s of {'song' if lyrics else 'music'}, {rate_hz / 1000:g} kHz",
            audio=Audio(np.clip(samples, -1, 1), rate_hz, "piece.wav"),
            notes=[],
        )


def sorted_tensors(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The publisher's tensors under diffusers' names: those of the diffusion network, and those of the encoder.

    The rest belongs to a tokeniser of sound, which music from words does not use.
    """
    decoder, encoder = {}, {}
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        if part == "decoder":
            decoder[rest.replace("proj_in.1.", "proj_in_conv.").replace("proj_out.1.", "proj_out_conv.")] = value
        elif part == "encoder":
            encoder[rest] = value
        elif name == "null_condition_emb":
            encoder[name] = value
    return decoder, encoder


def _silence(weights: Weights) -> Tensor:
    stored: Tensor = torch.load(weights.path("silence"), map_location="cpu", weights_only=True)  # (1, 64, T)
    return stored.transpose(1, 2).contiguous()
