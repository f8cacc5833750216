"""Answers by BLIP, with its publisher's weights.

Li et al. 2022, "BLIP: Bootstrapping Language-Image Pre-training for Unified Vision-Language Understanding and
Generation", arXiv:2201.12086. Only weights and vocabulary are fetched: the network is built from a configuration that
is written down here.
"""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file
from transformers import BertTokenizer, BlipConfig, BlipForQuestionAnswering, BlipImageProcessor

from backends.vqa.answer import Answer, refused
from backends.vqa.fields import QuestionInputs, QuestionOutputs
from backends.vqa.questions import questions_in
from backends.vqa.telling import outputs
from studio.contract import Run
from studio.weights import Weights

_BEAMS, _MOST_TOKENS = 3, 20
_BECAUSE = "a network's words; the confidence is the mean probability of its word pieces"


class BlipAnswers:
    """BLIP base, trained on questions about pictures (VQA v2).

    Args:
        weights: files `model` and `vocabulary`.
        config: of the network.
    """

    def __init__(self, weights: Weights, device: str, config: BlipConfig | None = None) -> None:
        told: Any = config or BlipConfig(text_config={"num_attention_heads": 12})
        model: Any = BlipForQuestionAnswering.from_pretrained(None, config=told, state_dict=load_file(weights.path()))
        self._model = model.eval().to(device)
        side_px: int = told.vision_config.image_size
        self._processor = BlipImageProcessor(size={"height": side_px, "width": side_px})
        self._tokenizer: Any = BertTokenizer(vocab=str(weights.path("vocabulary")))
        self._most_tokens: int = told.text_config.max_position_embeddings

    def __call__(self, inputs: QuestionInputs, run: Run) -> QuestionOutputs:
        """Answer each question on its own."""
        pixels = self._processor(images=inputs.image.rgb, return_tensors="pt", input_data_format="channels_last")
        pixels = pixels["pixel_values"].to(self._model.device)
        questions = questions_in(inputs.question)
        answers, steps = [], []
        for number, question in enumerate(questions, 1):
            run.progress((number - 1) / len(questions), question[:80])
            answers.append(self._answered(pixels, question))
            steps.append((number, "ask the network", answers[-1].text))
        run.note("A network answers every question, and may be wrong: it shows no evidence.")
        return outputs(inputs.image, questions, answers, steps)

    @torch.inference_mode()
    def _answered(self, pixels: torch.Tensor, question: str) -> Answer:
        read = self._tokenizer(question, truncation=True, max_length=self._most_tokens, return_tensors="pt")
        told = self._model.generate(
            pixel_values=pixels,
            input_ids=read["input_ids"].to(self._model.device),
            attention_mask=read["attention_mask"].to(self._model.device),
            num_beams=_BEAMS,
            max_new_tokens=_MOST_TOKENS,
            do_sample=False,
            return_dict_in_generate=True,
            output_scores=True,
        )
        written = told.sequences[0, 1:].tolist()  # the first one starts an answer, and is in no vocabulary
        text = self._tokenizer.decode(written, skip_special_tokens=True).strip()
        if not text:
            return refused("The network gave no answer.", _BECAUSE)
        steps = self._model.text_decoder.compute_transition_scores(
            told.sequences, told.scores, told.beam_indices, normalize_logits=False
        )
        likely = steps[0][torch.isfinite(steps[0]) & (steps[0] < 0)]
        return Answer(text, True, float(likely.exp().mean()) if len(likely) else None, _BECAUSE)
