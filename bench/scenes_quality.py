"""The networks for drawn scenes: words and answers on combinations that they never saw, and photographs told apart."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pandas as pd
import PIL.Image
import torch
from safetensors.torch import load_file

from backends.scenes.answers import answered
from backends.scenes.captions import middle, tensor
from backends.scenes.domain import Domain, network_tensors
from backends.scenes.drawing import centres, draw, drawn_style
from backends.scenes.net import Answerer, Captioner
from backends.scenes.questions import ANSWERS, LONGEST, WORDS, asked, words_of
from backends.scenes.scene import drawn, held_out
from backends.scenes.sentences import caption
from bench.figures import Figure, NoData
from recipes import scene_questions, scenes
from recipes.publish import ROOT
from studio.settings import Settings

EXACT, BLEU, ANSWERED, AUROC = 0.97, 0.95, 0.97, 0.95
_WEIGHTS = ROOT / "models_cache" / "embedded" / "scenes"
_SCENES, _QUESTIONS, _POINTED = 2_000, 5_000, 500
_SEED = 77  # no recipe draws with it
_PHOTOGRAPHS = "Flickr8k subset"


def measure(settings: Settings) -> list[Figure]:
    """Captions on held-out combinations drawn anew, and how well photographs are told from scenes.

    BLEU-4 by sacrebleu and CIDEr by pycocoevalcap, each of the likeliest captions against the one true caption.
    """
    photographs = _photographs(settings)
    torch.set_grad_enabled(False)
    unseen = scenes.scenes_with_captions(_SCENES, _SEED, unseen=True)
    figures = [figure for name in ("scenes", "scenes_lstm") for figure in _captions(name, unseen)]
    for name in ("scenes", "scene_questions"):
        value = _told_apart(name, unseen.pictures, photographs)
        size = f"{len(photographs):,} photographs, {len(unseen.pictures):,} scenes"
        figures.append(Figure(_PHOTOGRAPHS, size, f"told apart, {name}, AUROC", value, f">= {AUROC}", value >= AUROC))
    return figures


def measure_answers(settings: Settings) -> list[Figure]:
    """Answers about held-out combinations drawn anew, and whether their evidence is what was asked about."""
    torch.set_grad_enabled(False)
    answerer = Answerer(len(WORDS), len(ANSWERS), LONGEST)
    answerer.load_state_dict(network_tensors(load_file(_WEIGHTS / "scene_questions" / "model.safetensors")))
    questions = scene_questions.scenes_with_questions(_QUESTIONS // 5, _SEED, unseen=True)
    found = scene_questions.accuracy(answerer.eval(), questions)
    share = found.pop("all")
    each = ", ".join(f"{form} {value:.3f}" for form, value in found.items())
    size = f"held-out combinations, {len(questions.questions):,}"
    hits = _pointing(answerer)
    asked_for = f"held-out combinations, {len(hits):,}"
    return [
        Figure("drawn scenes", size, "answers right", share, f">= {ANSWERED}", share >= ANSWERED, detail=each),
        Figure("drawn scenes", asked_for, "evidence is the thing asked for", float(np.mean(hits))),
    ]


def captioner(name: str) -> tuple[Captioner, Domain]:
    """A published captioner, with what it takes for drawn scenes."""
    tensors = load_file(_WEIGHTS / name / "model.safetensors")
    net = Captioner("lstm" if name.endswith("lstm") else "transformer")
    net.load_state_dict(network_tensors(tensors))
    return net.eval(), Domain.of(tensors)


def _captions(name: str, unseen: scenes.Drawn) -> list[Figure]:
    import sacrebleu
    from pycocoevalcap.cider.cider import Cider

    net, _ = captioner(name)
    truths = [str(caption(scene)) for scene in unseen.scenes]
    texts = scenes.written(net, unseen.pictures)
    attributes = scenes.exact(unseen, texts)
    bleu = sacrebleu.corpus_bleu(texts, [truths], tokenize="none", force=True).score / 100
    cider = float(
        Cider().compute_score(
            {n: [text] for n, text in enumerate(truths)}, {n: [text] for n, text in enumerate(texts)}
        )[0]
    )
    whole = float(np.mean([text == truth for text, truth in zip(texts, truths, strict=True)]))
    size = f"held-out combinations, {len(truths):,}"
    return [
        Figure("drawn scenes", size, f"{name}: exact attributes", attributes, f">= {EXACT}", attributes >= EXACT),
        Figure("drawn scenes", size, f"{name}: BLEU-4", bleu, f">= {BLEU}", bleu >= BLEU),
        Figure("drawn scenes", size, f"{name}: CIDEr", cider),
        Figure("drawn scenes", size, f"{name}: captions right to the last word", whole),
    ]


def _pointing(answerer: Answerer) -> list[bool]:
    """For questions with a name for an answer: whether the thing that spoke most for it is the one asked for."""
    rng = np.random.default_rng(_SEED)
    hits: list[bool] = []
    while len(hits) < _POINTED:
        scene = drawn(rng, lambda _: True)
        question = asked(rng, scene, "query")
        if question is None or not any(held_out(look) for look in scene.looks):
            continue
        style = drawn_style(rng, len(scene.things))
        rgb = tensor(draw(scene, style, rng))
        words = torch.tensor([[WORDS.index(word) for word in words_of(question.text)]])
        found = answered(answerer, answerer.encoder.maps(rgb), words)
        across, down, _ = found.things.places[0, int(found.shares.argmax())].tolist()
        (thing,) = question.rests_on
        true_across, true_down = centres(scene, style)[thing]
        hits.append(bool(max(abs(across - true_across), abs(down - true_down)) <= scene.things[thing].radius))
    return hits


def _photographs(settings: Settings) -> list[npt.NDArray[np.uint8]]:
    if settings.data is None or not (settings.data / "flickr8k_subset").is_dir():
        raise NoData("set ATELIER_DATA to a folder that has flickr8k_subset/")
    parts = [pd.read_parquet(settings.data / "flickr8k_subset" / f"{split}.parquet") for split in ("dev", "test")]
    return [np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB")) for part in parts for data in part["image"]]


def _told_apart(name: str, own_pictures: torch.Tensor, photographs: list[npt.NDArray[np.uint8]]) -> float:
    """Area under the curve of photographs refused over scenes refused, as the limit of strangeness moves."""
    from sklearn.metrics import roc_auc_score

    tensors = load_file(_WEIGHTS / name / "model.safetensors")
    encoder = Captioner("transformer").encoder
    kept = {part[8:]: value for part, value in network_tensors(tensors).items() if part.startswith("encoder.")}
    encoder.load_state_dict(kept)
    domain, encoder = Domain.of(tensors), encoder.eval()
    parts = torch.split(own_pictures, 250)
    own = torch.cat([domain.strangeness(encoder.maps(part.float().div(255))) for part in parts])
    other = torch.cat([domain.strangeness(encoder.maps(tensor(middle(rgb)))) for rgb in photographs])
    labels = np.r_[np.zeros(len(own)), np.ones(len(other))]
    return float(roc_auc_score(labels, torch.cat([own, other]).numpy()))
