"""Classifiers of ImageNet's 1,000 classes with weights from the hub: timm's networks, in the wrapper of transformers.

What is downloaded is one safetensors file. How the network is built and how a picture is prepared is what timm's own
registry says for these weights, so no configuration, and no code, comes from the hub.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import timm
import torch
from torch import Tensor, nn
from transformers import AutoModelForImageClassification, TimmWrapperConfig, TimmWrapperImageProcessor

from backends.pictures.embedding import Vector, unit
from backends.pictures.gradcam import grad_cam, tapped, tokens_as_maps
from backends.pictures.model import Look
from backends.pictures.operations import answer
from backends.pictures.overlay import RGB, Box, Part
from studio.contract import Inputs, Outputs, Run
from studio.weights import Weights

#: The only name that ImageNet gives to two classes.
_CRANES = {134: "crane, wading bird", 517: "crane, lifting machine"}


class ImageNetClassifier(ABC):
    """A network of timm, and how to tap it.

    Attributes:
        architecture: timm's name of network and weights.
        model_args: what differs from the network of that name; nothing, but in tests.
        sure, least: scores of the best class from which only that is named, and below which none is likely. They are
            not measured.
    """

    architecture: ClassVar[str]
    model_args: ClassVar[dict[str, Any]] = {}

    sure, least = 0.5, 0.15
    least_familiarity = None
    unlikely = "Nothing that I know looks likely."
    advice = "This model knows ImageNet's 1,000 classes: animals, tools, vehicles, food, but no people or places."

    def __init__(self, weights: Weights, device: str) -> None:
        registered = timm.get_pretrained_cfg(self.architecture)
        if registered is None:
            raise LookupError(f"timm has no {self.architecture}")
        settings: dict[str, Any] = registered.to_dict(remove_null=True)  # type: ignore[no-untyped-call]
        self._processor = TimmWrapperImageProcessor(pretrained_cfg=settings, architecture=self.architecture)
        config = TimmWrapperConfig.from_dict(
            {
                "architecture": self.architecture,
                "num_classes": settings["num_classes"],
                "pretrained_cfg": settings,
                "model_args": self.model_args,
            }
        )
        net = AutoModelForImageClassification.from_pretrained(
            weights.path().parent, config=config, local_files_only=True, use_safetensors=True
        )
        self._net = net.eval().requires_grad_(False).to(device)
        self.labels = tuple(_CRANES.get(number, config.id2label[number]) for number in range(config.num_labels))

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """See `backends.pictures.operations.answer`."""
        return answer(self, inputs, run)

    @torch.inference_mode()
    def features(self, rgb: RGB) -> Vector:
        """What goes into the last layer (D,), at unit length."""
        pixels = self._processor(PIL.Image.fromarray(rgb))["pixel_values"].to(self._net.device)
        net: Any = self._net.timm_model
        pooled = net.forward_head(net.forward_features(pixels), pre_logits=True)  # (1, D)
        return unit(pooled[0].double().cpu().numpy())

    def look(self, rgb: RGB, *, quick: bool = False) -> Look:
        """See `PictureModel.look`."""
        pixels = self._processor(PIL.Image.fromarray(rgb))["pixel_values"]  # (1, 3, 224, 224)
        box_xyxy = self._box(rgb)

        def answer(pixels: Tensor) -> Tensor:
            logits: Tensor = self._net(pixel_values=pixels).logits  # (1, 1000)
            return logits

        logits, output = tapped(answer, self.layer(), pixels.to(self._net.device))

        def explain(number: int) -> list[Part]:
            return [Part(grad_cam(output, logits[:, number], self.as_maps)[0], box_xyxy)]

        probabilities = np.asarray(logits[0].detach().double().softmax(0).cpu().numpy(), np.float64)
        return Look(
            probabilities=probabilities,
            likely=bool(probabilities.max() >= self.least),
            seen=self._as_picture(pixels[0]),
            explain=explain,
            notes=_notes(rgb, box_xyxy),
        )

    @abstractmethod
    def layer(self) -> nn.Module:
        """The layer whose maps are shown: the last one that still knows places."""

    def as_maps(self, output: Tensor) -> Tensor:
        """The layer's output as maps (N, C, h, w)."""
        return output

    def _box(self, rgb: RGB) -> Box:
        """The part of the picture that the network sees: the middle square, less a margin."""
        height, width = rgb.shape[:2]
        settings = self._processor.data_config
        seen_px = int(settings["input_size"][-1])
        side = min(height, width) * seen_px / math.floor(seen_px / settings["crop_pct"])
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side

    def _as_picture(self, pixels: Tensor) -> RGB:
        """Pixels (3, H, W), normalised, as uint8 (H, W, 3)."""
        settings = self._processor.data_config
        mean, deviation = (torch.tensor(settings[name]).view(3, 1, 1) for name in ("mean", "std"))
        levels = (pixels.cpu() * deviation + mean).clamp(0, 1).mul(255).round()
        return np.asarray(levels.permute(1, 2, 0).byte().numpy(), np.uint8)


class ConvNext(ImageNetClassifier):
    """ConvNeXt-T (Liu et al. 2022), trained on ImageNet-12k, then on ImageNet-1k, by Ross Wightman."""

    architecture = "convnext_tiny.in12k_ft_in1k"

    def layer(self) -> nn.Module:
        """The last stage: (1, 768, 7, 7)."""
        stage: nn.Module = self._net.timm_model.stages[-1]
        return stage


class Vit(ImageNetClassifier):
    """ViT-B/16 (Dosovitskiy et al. 2021), trained on ImageNet-21k (Steiner et al. 2021), then on ImageNet-1k."""

    architecture = "vit_base_patch16_224.augreg2_in21k_ft_in1k"

    def layer(self) -> nn.Module:
        """What goes into the last attention, (1, 1 + 14 * 14, 768): after it only the class token is read."""
        normalised: nn.Module = self._net.timm_model.blocks[-1].norm1
        return normalised

    def as_maps(self, output: Tensor) -> Tensor:
        """The patches' tokens as 14 x 14 places."""
        return tokens_as_maps(output)


def _notes(rgb: RGB, box_xyxy: Box) -> list[str]:
    height, width = rgb.shape[:2]
    share = (box_xyxy[2] - box_xyxy[0]) * (box_xyxy[3] - box_xyxy[1]) / (width * height)
    return [] if share > 0.6 else [f"The model sees the middle square only: {share:.0%} of the picture."]
