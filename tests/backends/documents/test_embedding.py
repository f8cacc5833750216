"""Texts as vectors with the model that comes with the studio."""

from __future__ import annotations

import numpy as np
import pytest

from backends.documents.text_fields import EmbeddingInputs, EmbeddingOutputs
from studio.errors import TooLarge
from studio.jobs import JobRun
from studio.runtime import Runtime


def test_calls_embedded_together_are_those_embedded_alone(runtime: Runtime) -> None:
    """Rounding apart: how many texts share a pass changes the order of additions."""
    task = runtime.catalogue.task("text_embedding")
    adapter = task.adapters[0]
    calls = [
        EmbeddingInputs(texts=["The kiln is hot.", "The roof is repaired in June, and the barn after it."]),
        EmbeddingInputs(texts=["When is the roof repaired?"], purpose="question"),
        EmbeddingInputs(texts=["word " * 400]),
    ]
    alone = [runtime.run(task.name, call) for call in calls]
    runs = [JobRun(job, "cpu") for job in alone]
    for job in alone:
        job.remarks.clear()
    with runtime.pool.lease(runtime.catalogue.entry(task.name).family, adapter) as loaded:
        together = loaded.backend.many(calls, runs)
        with pytest.raises(TooLarge):
            loaded.backend.many([EmbeddingInputs(texts=["a word"] * 65)] * 2, runs[:2])
    assert adapter.batch > 1
    for one, many in zip(alone, together, strict=True):
        assert isinstance(one.outputs, EmbeddingOutputs)
        assert many.tokens == one.outputs.tokens
        np.testing.assert_allclose(many.vectors, one.outputs.vectors, atol=1e-5)
