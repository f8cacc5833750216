"""Stable Diffusion with an IP-Adapter: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionImg2ImgPipeline, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import save_file
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from backends.style.diffusion import Diffusion
from backends.style.fields import StyleInputs, StyleOutputs
from bench.bare import BareRun
from studio.errors import Cancelled
from studio.media.image import Image
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]
pytestmark = pytest.mark.slow

_SIZES = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2}
_VISION = {**_SIZES, "image_size": 32, "patch_size": 8, "projection_dim": 32}


def pipeline(folder: Path) -> UNet2DConditionModel:
    """Write a pipeline of tiny networks, as the hub has the large one; its network that takes noise away."""
    letters = "abcdefghijklmnopqrstuvwxyz,-"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=8,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
    )
    checker = CLIPConfig(text_config=_SIZES, vision_config=_VISION, projection_dim=32)
    whole: Any = StableDiffusionImg2ImgPipeline(
        vae=AutoencoderKL(
            block_out_channels=[8, 8, 8, 8],
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            norm_num_groups=4,
        ),
        text_encoder=CLIPTextModel(CLIPTextConfig(**_SIZES, vocab_size=len(words), bos_token_id=0, eos_token_id=1)),
        tokenizer=CLIPTokenizer(
            vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=77
        ),
        unet=unet,
        scheduler=PNDMScheduler(skip_prk_steps=True),
        safety_checker=StableDiffusionSafetyChecker(checker),
        feature_extractor=CLIPImageProcessor(size=32, crop_size=32),
    )
    whole.save_pretrained(folder / "made", variant="fp16")
    return unet


def adapter(folder: Path, unet: UNet2DConditionModel) -> None:
    """Write an IP-Adapter for the network: a projection, and a key and a value for each place that reads words."""
    tensors = {"image_proj.proj.weight": torch.randn(4 * 32, 32), "image_proj.proj.bias": torch.zeros(4 * 32)}
    tensors |= {"image_proj.norm.weight": torch.ones(32), "image_proj.norm.bias": torch.zeros(32)}
    readers = [module for name, module in unet.named_modules() if name.endswith("attn2")]
    for number, reader in enumerate(readers):
        for part in ("to_k", "to_v"):
            tensors[f"ip_adapter.{2 * number + 1}.{part}_ip.weight"] = getattr(reader, part).weight.detach().clone()
    (folder / "models").mkdir(parents=True)
    save_file(tensors, folder / "models" / "ip-adapter_sd15.safetensors")
    CLIPVisionModelWithProjection(CLIPVisionConfig(**_VISION)).save_pretrained(folder / "models" / "image_encoder")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("made")
    adapter(folder / "made", pipeline(folder))
    made = folder / "made"
    return {str(file.relative_to(made)): file.read_bytes() for file in made.rglob("*") if file.is_file()}


@pytest.fixture
def backend(hub: LocalHub, tmp_path: Path, files: dict[str, bytes]) -> Any:
    names = {"model_index.json": "index", "models/ip-adapter_sd15.safetensors": "adapter"}
    backend = Diffusion(pulled(hub, tmp_path, files, names), "cpu")
    backend._pipeline.safety_checker = None  # with random weights it refuses by chance; see below
    return backend


def inputs(**more: Any) -> StyleInputs:
    rgb = np.random.default_rng(0).integers(0, 256, (70, 100, 3)).astype(np.uint8)
    return StyleInputs(content=Image(rgb), **{"painting": "mosaic", "size": 96, **more})


def last(answers: Iterator[StyleOutputs]) -> StyleOutputs:
    *_, answer = answers
    return answer


def test_pictures_on_the_way_and_the_answer(backend: Any) -> None:
    run = BareRun()
    answers = list(backend(inputs(strength=1.0), run))
    assert len(answers) > 3
    assert {answer.picture.resolution_wh for answer in answers} == {(96, 67)}
    assert answers[-1].original.resolution_wh == (96, 67)
    assert not np.array_equal(answers[-1].picture.rgb, answers[-2].picture.rgb)
    again = last(backend(inputs(strength=1.0), BareRun()))
    assert np.array_equal(again.picture.rgb, answers[-1].picture.rgb)


def test_the_style_picture_is_seen_and_two_are_mixed(backend: Any) -> None:
    own = Image(np.full((64, 64, 3), (250, 20, 20), np.uint8))
    plain = last(backend(inputs(), BareRun())).picture.rgb
    assert not np.array_equal(last(backend(inputs(style=own), BareRun())).picture.rgb, plain)
    both = inputs(second="woodcut", blend=0.5)
    mixed, first = backend._shown(both), backend._shown(inputs())
    second = backend._shown(inputs(painting="woodcut"))
    assert torch.allclose(mixed, (first + second) / 2, atol=1e-2)


def test_what_is_not_used_is_said(backend: Any) -> None:
    assert "brush size was not used" in " ".join(last(backend(inputs(brush=2.0), BareRun())).notes)


def test_it_is_cancelled_between_two_steps(backend: Any) -> None:
    class Impatient(BareRun):
        def progress(self, fraction: float, note: str = "") -> None:
            if note.startswith("Step 2"):
                raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list(backend(inputs(), Impatient()))


def test_a_refused_picture_is_said_to_be_refused(backend: Any) -> None:
    class Strict:
        def __call__(self, images: torch.Tensor, **more: Any) -> tuple[torch.Tensor, list[bool]]:
            return torch.zeros_like(images), [True]

    backend._pipeline.safety_checker = Strict()
    answer = last(backend(inputs(), BareRun()))
    assert "safety checker refused" in " ".join(answer.notes)
