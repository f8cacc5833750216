from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import altair
import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from backends.faces.fields import ThresholdInputs
from backends.faces.pairs import Pair, read_pairs
from backends.faces.roc import Roc, rates, roc_plot
from backends.faces.threshold import choose_threshold
from studio.errors import InvalidInput, TooLarge
from studio.media.archive import Archive
from studio.media.base import Limits
from tests.backends.faces.conftest import EXAMPLES, Call

DISTANCES = np.array([0.2, 0.3, 0.4, 0.6, 0.35, 0.5, 0.7, 0.8, 0.9, 1.0])
SAME = np.array([True, True, True, True, False, False, False, False, False, False])


def archive(files: dict[str, bytes], limits: Limits | None = None, method: int = zipfile.ZIP_STORED) -> Archive:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        for name, data in files.items():
            out.writestr(name, data)
    return Archive(buffer.getvalue(), "pairs.zip", limits)


def test_curve_against_sklearn() -> None:
    roc = Roc.of(DISTANCES, SAME)
    assert auc(roc.false_accept_rates, roc.true_accept_rates) == pytest.approx(roc_auc_score(SAME, -DISTANCES))
    for threshold, far, tar in zip(roc.thresholds, roc.false_accept_rates, roc.true_accept_rates, strict=True):
        assert rates(DISTANCES, SAME, threshold) == (tar, far)


@pytest.mark.parametrize(
    ("wished", "threshold", "tar", "far"),
    [(0.0, 0.325, 0.5, 0.0), (0.1, 0.325, 0.5, 0.0), (0.17, 0.45, 0.75, 1 / 6), (0.34, 0.65, 1.0, 2 / 6)],
)
def test_threshold_for_a_wished_rate(wished: float, threshold: float, tar: float, far: float) -> None:
    chosen = Roc.of(DISTANCES, SAME).threshold_at(wished)
    assert chosen == pytest.approx(threshold, abs=1e-4)
    assert rates(DISTANCES, SAME, chosen) == (tar, far)


def test_nothing_accepted_where_the_nearest_pair_is_of_different_people() -> None:
    distances, same = np.array([0.1, 0.2]), np.array([False, True])
    chosen = Roc.of(distances, same).threshold_at(0.0)
    assert 0 <= chosen < 0.1
    assert rates(distances, same, chosen) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("distances", "same", "expected"),
    [
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0.0),
        ([0.1, 0.3, 0.2, 0.4], [1, 1, 0, 0], 0.5),
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0),
        ([0.5, 0.5, 0.5, 0.5], [1, 1, 0, 0], 0.5),
    ],
)
def test_equal_error_rate(distances: list[float], same: list[int], expected: float) -> None:
    roc = Roc.of(np.array(distances), np.array(same, dtype=bool))
    assert roc.equal_error_rate == pytest.approx(expected)


def test_random_pairs_keep_to_every_wished_rate() -> None:
    random = np.random.default_rng(1)
    distances = np.concatenate([random.normal(0.4, 0.1, 300), random.normal(0.75, 0.1, 700)])
    same = np.arange(1000) < 300
    roc = Roc.of(distances, same)
    for wished in (0, 0.001, 0.01, 0.05, 0.3):
        chosen = roc.threshold_at(wished)
        assert rates(distances, same, chosen)[1] <= wished
        assert rates(distances, same, chosen + 0.02)[1] > wished or wished > 0.2
    assert 0.01 < roc.equal_error_rate < 0.08


def test_the_plot_is_vega_lite_with_its_data_inside() -> None:
    spec = roc_plot(Roc.of(DISTANCES, SAME), (0.0, 0.5))
    altair.Chart.from_dict(spec)  # validates against the schema
    assert "http" not in str(spec)
    assert "url" not in str(spec)


def test_example_pairs(model: Any, call: Call) -> None:
    answer = choose_threshold(model, ThresholdInputs(pairs=EXAMPLES / "pairs.zip"), call)
    assert (answer.same_pairs, answer.different_pairs, answer.skipped) == (20, 25, [])
    assert answer.threshold == pytest.approx(0.486, abs=0.01)
    assert (answer.true_accept_rate, answer.false_accept_rate, answer.equal_error_rate) == (1.0, 0.0, 0.0)
    assert "may be up to 12.0% (rule of three" in answer.notes[0]
    assert len(answer.distances.frame) == 45
    assert call.steps == [f"Picture {n} of 10" for n in range(1, 11)]


def test_folders_and_skipped_pairs(model: Any, call: Call) -> None:
    hopper, darker, collins = (
        (EXAMPLES / f).read_bytes() for f in ("hopper.jpg", "hopper_mirrored_darker.jpg", "collins.jpg")
    )
    files = {
        "mine/same/01_a.jpg": hopper,
        "mine/same/01_b.jpg": darker,
        "mine/different/01_a.jpg": hopper,
        "mine/different/01_b.JPG": collins,
        "mine/same/02_a.jpg": hopper,
        "mine/different/03_a.jpg": hopper,
        "mine/different/03_b.jpg": b"no picture",
        "__MACOSX/mine/same/._01_a.jpg": b"litter",
        "mine/notes.txt": b"hello",
    }
    answer = choose_threshold(model, ThresholdInputs(pairs=archive(files)), call)
    assert (answer.same_pairs, answer.different_pairs) == (1, 1)
    assert answer.skipped == [
        "mine/same/02: one of the two pictures, _a and _b, is missing.",
        "mine/different/03_a.jpg and mine/different/03_b.jpg: mine/different/03_b.jpg: "
        "The file is not a picture that can be read.",
    ]


def test_list_with_relative_names_and_words() -> None:
    rows = b"\xef\xbb\xbfFirst; second ;SAME\na.jpg;b.jpg;yes\n../x/a.jpg;b.jpg;0\n"
    rows += b"a.jpg;b.jpg;perhaps\n../../etc/passwd;b.jpg;1\n"
    pairs, skipped = read_pairs(archive({"x/pairs.csv": rows, "x/a.jpg": b"1", "x/b.jpg": b"2"}))
    assert pairs == [Pair("x/a.jpg", "x/b.jpg", True), Pair("x/a.jpg", "x/b.jpg", False)]
    assert skipped == ["Line 4: same is 'perhaps', expected 1 or 0.", "Line 5: ../etc/passwd is not in the archive."]


@pytest.mark.parametrize(
    "files",
    [
        {"readme.txt": b"hello"},
        {"pairs.csv": b"a,b\n1,2\n"},
        {"pairs.csv": b"\xff\xfe\x00\x81"},
        {"pairs.csv": b"first,second,same\n"},
        {"pairs.csv": b"first,second,same\na.jpg,b.jpg,1\n"},
    ],
    ids=["no pairs", "columns", "encoding", "no rows", "no files"],
)
def test_useless_archives(model: Any, call: Call, files: dict[str, bytes]) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_threshold(model, ThresholdInputs(pairs=archive(files)), call)
    assert caught.value.field == "pairs"


def test_too_many_files() -> None:
    with pytest.raises(TooLarge, match="more than 2 files"):
        archive({f"{n}.jpg": b"1" for n in range(3)}, Limits(archive_files=2))


def test_bomb() -> None:
    with pytest.raises(TooLarge, match="more than 200 times its size"):
        archive({"zeros.jpg": bytes(50_000_000)}, method=zipfile.ZIP_DEFLATED)


def test_a_large_file_is_refused_when_read() -> None:
    packed = archive({"a.jpg": bytes(2000)}, Limits(upload_bytes=1000))
    with pytest.raises(TooLarge):
        packed.read("a.jpg")


def test_names_are_never_paths(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    packed = archive({"../../escaped.txt": b"1", "/absolute.txt": b"2"})
    assert {packed.read(name) for name in packed.names} == {b"1", b"2"}
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_lies_about_a_size() -> None:
    data = bytearray(archive({"a.jpg": bytes(range(250)) * 40}, method=zipfile.ZIP_DEFLATED).data)
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 100)  # its unpacked size
    with pytest.raises(InvalidInput):
        Archive(bytes(data)).read("a.jpg")


@pytest.mark.parametrize("data", [b"no zip at all", b"PK\x05\x06" + bytes(18)], ids=["text", "empty"])
def test_no_archive(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        Archive(data)


def test_encrypted() -> None:
    data = bytearray(archive({"a.jpg": b"1"}).data)
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InvalidInput, match="encrypted"):
        Archive(bytes(data))


def test_the_runtime_checks_the_archive_before_the_model_loads(runtime: Any) -> None:
    from studio.media.base import Blob

    with pytest.raises(InvalidInput) as caught:
        runtime.run("face_threshold", {"pairs": Blob(name="pairs.zip", data=b"no zip")})
    assert caught.value.field == "pairs"
    assert runtime.pool.residents() == []
