"""Adds pictures to a collection: read, embedded, described, stored one by one. One at fault never stops the others."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import PIL.Image

from backends.search.describing import Texts, passages, texts_about
from backends.search.fields import AddInputs, AddOutputs
from backends.search.files import pictures_in
from backends.search.library import MAX_PICTURES, Library, NewPicture
from backends.search.likeness import bits_apart, perceptual_hash
from backends.search.model import SearchModel
from backends.search.opening import fill_examples, is_examples
from studio.contract import Run
from studio.errors import InvalidInput, TooLarge
from studio.media.base import Limits
from studio.media.image import Image
from studio.media.table import Table
from studio.settings import Settings

#: Longest sides of what is kept of a picture, in pixels: to be shown, and for another model to look at.
PREVIEW_PX, _KEPT_PX = 256, 1_024
#: Two pictures whose hashes differ by at most so many of 64 bits are called nearly the same.
NEARLY_BITS = 6

State = Literal["added", "known", "failed"]


@dataclass
class Outcome:
    """What became of a picture, and in words what there is to know about it."""

    name: str
    state: State
    note: str = ""


def add(model: SearchModel, inputs: AddInputs, run: Run) -> AddOutputs:
    """Add what is new. What was stored before a cancel stays.

    Raises:
        InvalidInput: the name is empty.
        TooLarge: the collection would have too many pictures.
    """
    name = " ".join(inputs.collection.split())
    if not name:
        raise InvalidInput("The name is empty.", field="collection", expected="1 to 80 characters", got="only spaces")
    library = Library(run.storage)
    if is_examples(name):
        fill_examples(library, model, run)
    limits = Limits.of(Settings())
    found = [each for file in inputs.pictures for each in pictures_in(file, limits)]
    collection_id = library.create(name)
    _check_room(library, name, len(found))
    outcomes = add_pictures(library, collection_id, model, found, run, describe=inputs.describe)
    return _told(library, name, outcomes)


def add_pictures(
    library: Library,
    collection_id: int,
    model: SearchModel,
    pictures: Sequence[tuple[str, Callable[[], Image]]],
    run: Run,
    *,
    describe: bool = True,
    known_texts: Mapping[str, Texts] = MappingProxyType({}),
) -> list[Outcome]:
    """Add pictures by their names and what reads them; what became of each, in their order.

    Args:
        known_texts: by name, what is known about a picture; it is not described then.
    """
    hashes = dict(library.hashes(collection_id))
    outcomes = []
    for number, (name, opened) in enumerate(pictures):
        run.progress(number / len(pictures), f"{name}: {number + 1} of {len(pictures)}")
        try:
            image = opened()
        except InvalidInput as fault:
            outcomes.append(Outcome(name, "failed", fault.message))
            continue
        digest = hashlib.sha256(repr(image.rgb.shape).encode() + image.rgb.tobytes()).hexdigest()
        known = library.known(collection_id, digest)
        if known is not None:
            outcomes.append(Outcome(name, "known", f"It is in the collection already, as {known}."))
            continue
        made = perceptual_hash(image.rgb)
        texts = known_texts[name] if name in known_texts else texts_about(image, run) if describe else []
        new = NewPicture(
            name,
            digest,
            image.resolution_wh,
            made,
            small_jpeg(image, PREVIEW_PX),
            small_jpeg(image, _KEPT_PX),
            model.look(image, run),
            passages(texts, run),
        )
        run.check()
        stored = library.add(collection_id, new, model.name)
        outcomes.append(Outcome(stored, "added", _likeness(library, hashes, made)))
        hashes[-1 - number] = made
        outcomes[-1].note = outcomes[-1].note or ("" if stored == name else f"Another picture is called {name}.")
    return outcomes


def _likeness(library: Library, hashes: dict[int, bytes], made: bytes) -> str:
    near = [number for number, value in hashes.items() if bits_apart(value, made) <= NEARLY_BITS]
    return "It is nearly the same as another one: see Near duplicates." if near else ""


def small_jpeg(image: Image, longest_px: int) -> bytes:
    """The picture as JPEG, scaled down to that if it is larger."""
    picture = image.pil()
    picture.thumbnail((longest_px, longest_px), PIL.Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _check_room(library: Library, name: str, wanted: int) -> None:
    there = library.named(name)
    if there is not None and there.pictures + wanted > MAX_PICTURES:
        raise TooLarge(
            f"A collection holds at most {MAX_PICTURES:,} pictures.",
            field="pictures",
            expected=f"at most {MAX_PICTURES - there.pictures:,} more",
            got=f"{wanted:,}",
            hint="Begin another collection, or remove pictures from this one.",
        )


def _told(library: Library, name: str, outcomes: list[Outcome]) -> AddOutputs:
    import pandas

    counts = {state: sum(one.state == state for one in outcomes) for state in ("added", "known", "failed")}
    parts = [f"{counts['added']} {'picture' if counts['added'] == 1 else 'pictures'} added to {name}"]
    parts += [f"{counts['known']} there already"] if counts["known"] else []
    parts += [f"{counts['failed']} could not be read"] if counts["failed"] else []
    there = library.named(name)
    frame = pandas.DataFrame(
        [(one.name, one.state, one.note) for one in outcomes], columns=["picture", "state", "remarks"]
    )
    return AddOutputs(
        message=", ".join(parts) + ".",
        collection=name,
        added=counts["added"],
        pictures=there.pictures if there else 0,
        files=Table(frame, "pictures.csv"),
    )
