"""The face tasks: verification, identification with its gallery, and a threshold of one's own."""

from __future__ import annotations

from pathlib import Path

from backends.faces import about
from backends.faces.fields import (
    EnrolmentInputs,
    EnrolmentOutputs,
    GalleryInputs,
    GalleryOutputs,
    IdentificationInputs,
    IdentificationOutputs,
    ThresholdInputs,
    ThresholdOutputs,
    VerificationInputs,
    VerificationOutputs,
)
from studio.contract import Adapter, Example, Live, Task

_EXAMPLES = Path(__file__).parent / "examples"
_SECTION = "Faces"

_DLIB = Adapter(
    name="dlib",
    title="dlib ResNet",
    entry="backends.faces.dlib_faces:DlibFaces",
    weights="dlib",
    memory_mb=100,
    licence="CC0-1.0",
    source="https://github.com/davisking/dlib-models",
    kind="package",
    quality="ORL faces, all 79,800 pairs, threshold 0.53: true accept rate 0.9956 at false accept rate 0.0023 "
    "(python -m bench.quality faces)",
    limits="Children, relatives, profile views, masks and large sunglasses; error rates differ between groups of "
    "people. A photograph held into the camera passes like a face. Not for decisions about people.",
)

_YUNET_SFACE = Adapter(
    name="yunet_sface",
    title="OpenCV YuNet and SFace",
    entry="backends.faces.yunet_sface:YunetSface",
    weights="yunet_sface",
    memory_mb=150,
    licence="Apache-2.0 (SFace) and MIT (YuNet)",
    source="https://huggingface.co/opencv/face_recognition_sface",
    kind="hub",
    quality="LFW 99.60 % as published by OpenCV; not measured here",
    limits="Children, relatives, profile views, masks and large sunglasses; error rates differ between groups of "
    "people. A photograph held into the camera passes like a face. Not for decisions about people.",
)

_KEEPER = Adapter(
    name="gallery",
    title="Your gallery",
    entry="backends.faces.gallery_task:GalleryKeeper",
    memory_mb=0,
    licence="none needed: no model",
    source="SQLite, https://sqlite.org",
    kind="embedded",
)

face_verification = Task(
    name="face_verification",
    title="Face verification",
    section=_SECTION,
    summary="Two photographs, or a photograph and the webcam: is it the same person?",
    inputs=VerificationInputs,
    outputs=VerificationOutputs,
    examples=(
        Example(
            title="One photograph, mirrored and darker",
            values={"first": _EXAMPLES / "hopper.jpg", "second": _EXAMPLES / "hopper_mirrored_darker.jpg"},
        ),
        Example(
            title="Two different people",
            values={"first": _EXAMPLES / "hopper.jpg", "second": _EXAMPLES / "collins.jpg"},
        ),
        Example(
            title="A picture with two faces",
            values={"first": _EXAMPLES / "collins.jpg", "second": _EXAMPLES / "hopper_and_collins.jpg"},
        ),
    ),
    adapters=(_DLIB, _YUNET_SFACE),
    how_it_works=about.VERIFICATION,
    live=Live(camera="second", show="second_face"),
    keywords=("face recognition", "same person", "compare faces", "webcam", "biometrics"),
)

face_identification = Task(
    name="face_identification",
    title="Face identification",
    section=_SECTION,
    summary="Enrol people, then find them in a picture or in front of the webcam. Strangers stay unknown.",
    inputs=IdentificationInputs,
    outputs=IdentificationOutputs,
    examples=(
        Example(title="Two faces", values={"image": _EXAMPLES / "hopper_and_collins.jpg"}),
        Example(title="One face", values={"image": _EXAMPLES / "hopper_mirrored_darker.jpg"}),
    ),
    adapters=(_DLIB, _YUNET_SFACE),
    how_it_works=about.IDENTIFICATION,
    live=Live(camera="image", show="image"),
    keywords=("face recognition", "who is it", "find people", "webcam", "gallery"),
)

face_enrolment = Task(
    name="face_enrolment",
    title="Enrol a person",
    section=_SECTION,
    summary="Photographs of a person, with their consent, into your own gallery.",
    inputs=EnrolmentInputs,
    outputs=EnrolmentOutputs,
    examples=(
        Example(
            title="Grace Hopper, two photographs",
            values={
                "name": "Grace Hopper",
                "photographs": [_EXAMPLES / "hopper.jpg", _EXAMPLES / "hopper_mirrored_darker.jpg"],
                "consent": True,
            },
        ),
        Example(
            title="Eileen Collins, one photograph",
            values={"name": "Eileen Collins", "photographs": [_EXAMPLES / "collins.jpg"], "consent": True},
        ),
    ),
    adapters=(_DLIB, _YUNET_SFACE),
    how_it_works=about.ENROLMENT,
    stores=True,
    part_of="face_identification",
)

face_gallery = Task(
    name="face_gallery",
    title="Your gallery",
    section=_SECTION,
    summary="See who is enrolled, rename people, delete them.",
    inputs=GalleryInputs,
    outputs=GalleryOutputs,
    examples=(Example(title="List everybody", values={"action": "list"}),),
    adapters=(_KEEPER,),
    how_it_works=about.GALLERY,
    stores=True,
    part_of="face_identification",
)

face_threshold = Task(
    name="face_threshold",
    title="Face threshold",
    section=_SECTION,
    summary="Your own pairs of photographs: distances, ROC curve, and the threshold for the error rate you can accept.",
    inputs=ThresholdInputs,
    outputs=ThresholdOutputs,
    examples=(
        Example(
            title="45 pairs of two people (too few to rely on)",
            values={"pairs": _EXAMPLES / "pairs.zip", "false_accept_rate": 0.01},
        ),
    ),
    adapters=(_DLIB, _YUNET_SFACE),
    how_it_works=about.THRESHOLD,
    keywords=("ROC", "equal error rate", "false accept rate", "calibration", "biometrics"),
)

TASKS = (face_verification, face_identification, face_enrolment, face_gallery, face_threshold)
