"""Pictures painted anew by a diffusion model that is shown the style: Stable Diffusion 1.5 with an IP-Adapter.

Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models", arXiv:2112.10752; Ye et al. 2023,
"IP-Adapter: Text Compatible Image Prompt Adapter for Text-to-Image Diffusion Models", arXiv:2308.06721; noise is added
to the picture and taken away again after Meng et al. 2021, "SDEdit", arXiv:2108.01073.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionImg2ImgPipeline
from torch import Tensor

from backends.style.fields import StyleInputs, StyleOutputs
from backends.style.palettes import RGB, as_rgb, as_tensor, own_colours
from backends.style.pictures import asked_styles, scaled_note
from backends.style.styles import STYLES
from backends.style.swapper import resized
from studio.contract import Run
from studio.devices import has_bfloat16
from studio.media.image import Image
from studio.telling import told_by
from studio.weights import Weights

_STEPS = 30  # for the whole way from noise; a picture goes a part of it
_GUIDANCE = 6.0
_NOT = "photograph, blurry, deformed, watermark, text"
_SHOWN_EVERY = 5  # steps between two pictures of what is there so far
_STRIDE_PX = 8  # a picture's side is a multiple of it
_LEAST_PX = 64


class Step(NamedTuple):
    """How far the painting is: the step of all steps, and what is there, RGB (H, W, 3), where it was looked at.

    Attributes:
        refused: whether the safety checker takes the picture for indecent.
    """

    done: int
    steps: int
    rgb: RGB | None
    refused: bool = False


class Diffusion:
    """Stable Diffusion 1.5, guided by the style picture and, for a shipped style, by its description.

    Args:
        weights: file `index` of the pipeline's folder, and `adapter` of the IP-Adapter's.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        pipeline: Any = StableDiffusionImg2ImgPipeline.from_pretrained(
            weights.path("index").parent, variant="fp16", torch_dtype=_type_for(device), local_files_only=True
        )
        pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
        adapter = weights.path("adapter")
        pipeline.load_ip_adapter(
            str(adapter.parent.parent),
            subfolder="models",
            weight_name=adapter.name,
            image_encoder_folder="models/image_encoder",
            local_files_only=True,
        )
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline.to(device)

    def __call__(self, inputs: StyleInputs, run: Run) -> Iterator[StyleOutputs]:
        """The picture after some of the steps, then the answer."""
        original = resized(inputs.content.rgb, max(_LEAST_PX, inputs.size))
        notes = scaled_note(inputs.content, original)
        if inputs.brush != 1:
            notes.append("This model chooses its brush itself: the brush size was not used.")
        run.progress(0.02, "Looking at the style")
        for step in told_by(partial(self._painted, original, inputs), "diffusion"):
            run.progress(0.05 + 0.95 * step.done / step.steps, f"Step {step.done} of {step.steps}")
            if step.refused:
                notes.append("The model's safety checker refused the picture: it is black.")
            if step.rgb is not None:
                yield _outputs(step.rgb, original, inputs, notes)

    def _painted(self, original: RGB, inputs: StyleInputs, tell: Callable[[Step], None]) -> Step:
        """Paint, and tell each step."""
        height, width = original.shape[:2]
        size = tuple(max(_LEAST_PX, round(side / _STRIDE_PX) * _STRIDE_PX) for side in (width, height))
        self._pipeline.set_ip_adapter_scale(0.4 + 0.4 * inputs.strength)

        def after(pipeline: Any, number: int, moment: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            steps = pipeline.num_timesteps
            looked = (number + 1) % _SHOWN_EVERY == 0 and number + 1 < steps
            tell(Step(number + 1, steps + 1, self._decoded(tensors["latents"]) if looked else None))
            return {}

        with torch.inference_mode():
            found = self._pipeline(
                prompt=_words(inputs),
                negative_prompt=_NOT,
                image=PIL.Image.fromarray(original).resize(size, PIL.Image.Resampling.LANCZOS),
                ip_adapter_image_embeds=[self._shown(inputs)],
                strength=0.25 + 0.55 * inputs.strength,
                num_inference_steps=_STEPS,
                guidance_scale=_GUIDANCE,
                generator=torch.Generator().manual_seed(inputs.seed),
                callback_on_step_end=after,
            )
        rgb = np.asarray(found.images[0].convert("RGB"))
        return Step(1, 1, rgb, bool(found.nsfw_content_detected and found.nsfw_content_detected[0]))

    def _shown(self, inputs: StyleInputs) -> Tensor:
        """What the model sees in the style pictures, mixed by their shares."""
        parts = []
        for rgb, share in asked_styles(inputs):
            (seen,) = self._pipeline.prepare_ip_adapter_image_embeds(
                PIL.Image.fromarray(rgb), None, self._pipeline.device, 1, True
            )
            parts.append(share * seen)
        return torch.stack(parts).sum(0)

    def _decoded(self, latents: Tensor) -> RGB:
        """The picture (H, W, 3) that is in the making."""
        vae = self._pipeline.vae
        rgb = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0][0].float()
        return as_rgb((rgb / 2 + 0.5).clamp(0, 1))


def _type_for(device: str) -> torch.dtype:
    """The type to compute with: half the bytes where the hardware has it."""
    if device == "cpu":
        return torch.bfloat16 if has_bfloat16() else torch.float32
    return torch.float16 if device == "cuda" else torch.float32


def _words(inputs: StyleInputs) -> str:
    """The styles in words; a visitor's own is only shown."""
    asked = [(inputs.painting, inputs.style)]
    if inputs.second != "none" and inputs.blend > 0:
        asked.append((inputs.second, inputs.second_style))
    told = [STYLES[name].about for name, own in asked if own is None]
    return ", ".join(["a painting", *told])


def _outputs(rgb: RGB, original: RGB, inputs: StyleInputs, notes: list[str]) -> StyleOutputs:
    height, width = original.shape[:2]
    painted = PIL.Image.fromarray(rgb).resize((width, height), PIL.Image.Resampling.LANCZOS)
    shown = as_tensor(np.asarray(painted))
    if inputs.keep_colours:
        shown = own_colours(shown, as_tensor(original))
    picture = Image(as_rgb(shown), "painted.jpg")
    return StyleOutputs(picture=picture, original=Image(original, "before.jpg"), notes=list(notes))
