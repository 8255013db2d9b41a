# SPDX-License-Identifier: Apache-2.0
"""Prediction: sizes, agreement of the form that runs with the trained network, and the shipped checkpoint."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from plcv_ros.labels import CAMVID  # noqa: E402
from plcv_ros.perception import load_predictor  # noqa: E402
from plcv_ros.perception.checkpoint import Checkpoint, save_checkpoint  # noqa: E402
from plcv_ros.perception.metrics import ConfusionMatrix  # noqa: E402
from plcv_ros.perception.networks import NETWORKS, SEGMENTATION, build_network, check_task, resize_scores  # noqa: E402
from plcv_ros.perception.networks.espnetv2 import WIDTHS, Encoder  # noqa: E402
from plcv_ros.perception.normalisation import IMAGENET_MEAN, IMAGENET_STD  # noqa: E402
from plcv_ros.perception.predictor import Predictor, available_cores, choose_device, shrink, shrink_factor  # noqa: E402
from plcv_ros.perception.shipped import WEIGHTS  # noqa: E402
from plcv_ros.perception.tensors import tensor_of  # noqa: E402

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SHIPPED = sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))


def checkpoint(scale: float = 0.5) -> Checkpoint:
    torch.manual_seed(1)
    arguments = {"scale": scale, "width": 16, "fine": 8}
    network = build_network("espnetv2_fpn", len(CAMVID), arguments)
    with torch.no_grad():
        for name, buffer in network.named_buffers():  # so that folding batch norm is put to the test
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.3)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return Checkpoint("espnetv2_fpn", arguments, CAMVID, network.state_dict())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 37), (2, 3), (15, 17), (31, 64), (45, 81), (63, 33), (90, 160)])
def test_labels_have_the_size_of_the_picture(height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    predictor = Predictor(checkpoint())
    predictor.warmup(height, width)
    labels = predictor.predict(image)
    assert labels.shape == (height, width)
    assert labels.dtype == np.uint8
    assert labels.max() < len(CAMVID)
    assert np.array_equal(labels, predictor.predict(image))


def test_what_runs_is_what_was_trained() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 97, 3), dtype=np.uint8)
    plain = checkpoint().network()
    predictor = Predictor(checkpoint())
    pixels = (image / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    expected = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        normalised = predictor.normalise(image)
        assert torch.allclose(normalised, expected, atol=1e-5)
        scores, wanted = predictor.network(normalised), plain(expected)
        assert torch.allclose(scores, wanted, atol=1e-3 * float(wanted.abs().max()))
        assert np.mean(predictor.predict(image) == resize_scores(wanted, 64, 97).argmax(1)[0].numpy()) > 0.99


@pytest.mark.parametrize(("height", "width", "factor"), [(360, 480, 1), (360, 640, 1), (480, 640, 1), (720, 960, 2), (721, 1283, 2), (1080, 1920, 3)])
def test_large_pictures_are_shrunk(height: int, width: int, factor: int) -> None:
    assert shrink_factor(height, width) == factor
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    labels = Predictor(checkpoint()).predict(image)
    assert labels.shape == (height, width)
    whole = labels[: height // factor * factor, : width // factor * factor]
    blocks = whole.reshape(height // factor, factor, width // factor, factor)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_large_pictures_are_shrunk_unless_told_otherwise() -> None:
    image = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    shrunk, whole = (Predictor(checkpoint(), shrinks=shrinks).predict_scores(image)[0] for shrinks in (True, False))
    assert [2 * side for side in shrunk.shape[-2:]] == list(whole.shape[-2:])


def test_shrinking_is_the_mean_of_squares() -> None:
    pixels = torch.rand(1, 3, 7, 9)
    shrunk = shrink(pixels, 3)
    assert shrunk.shape == (1, 3, 3, 3)
    assert torch.allclose(shrunk[0, :, 1, 2], pixels[0, :, 3:6, 6:9].mean((1, 2)), atol=1e-6)
    assert torch.allclose(shrunk[0, :, 2, 0], pixels[0, :, 6, 0:3].mean(1), atol=1e-6)


def test_read_only_pictures_are_taken_without_a_word_and_without_a_copy() -> None:
    """Images that are views of a message are: torch warns of every such array that it is given as it is."""
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (40, 56, 3), np.uint8)
    whole, part = np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.shape), picture[:, ::2]
    whole.flags.writeable = part.flags.writeable = False
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            predictor = Predictor(checkpoint())
            for image in (whole, part):
                assert (predictor.predict(image) == predictor.predict(image.copy())).all()
            assert tensor_of(whole).data_ptr() == whole.ctypes.data
            assert (tensor_of(part).numpy() == part).all()
    finally:
        torch.set_warn_always(False)
    assert not whole.flags.writeable


def test_strided_views_are_accepted() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    predictor = Predictor(checkpoint())
    mirrored = image[:, ::-1]
    assert np.array_equal(predictor.predict(mirrored), predictor.predict(mirrored.copy()))


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        Predictor(checkpoint()).predict(image)


def test_devices_and_threads(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, checkpoint())
    before = torch.get_num_threads()
    try:
        predictor = load_predictor(path, device="auto", threads=1)
        assert torch.get_num_threads() == 1
        load_predictor(path, device="cpu")
        assert torch.get_num_threads() == max(available_cores() // 2, 1)
        assert predictor.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    finally:
        torch.set_num_threads(before)
    with pytest.raises(ValueError, match="toaster"):
        choose_device("toaster")
    with pytest.raises(ValueError, match="device 'gpu': expected auto, cpu, cuda or cuda:<number>"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="cuda"):
            choose_device("cuda:0")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_cpu() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    assert np.mean(Predictor(checkpoint(), "cuda").predict(image) == Predictor(checkpoint(), "cpu").predict(image)) > 0.99


@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_published_encoders_fit(scale: float) -> None:
    path = SHARED / "weights" / f"espnetv2_s_{scale}_city_1024x512.pth"
    if not path.is_file():
        pytest.skip(f"no published weights at {path}")
    published = torch.load(path, map_location="cpu", weights_only=True)
    encoder = Encoder(scale)
    encoder.load_state_dict({k[len("base_net.") :]: v for k, v in published.items() if k.startswith("base_net.")})
    levels = encoder.eval()(torch.zeros(1, 3, 64, 96))
    assert [tuple(level.shape[1:]) for level in levels] == [(c, 64 // s, 96 // s) for c, s in zip(WIDTHS[scale], (2, 4, 8, 16))]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_built_by_name(name: str) -> None:
    try:
        network = build_network(name, 5, {}, on="meta").eval()
    except ValueError as error:
        assert "install it with" in str(error)
        pytest.skip(str(error))
    half = (1, 5, 33, 32) if name in SEGMENTATION else (1, 5)
    assert network(torch.zeros(1, 3, 65, 64, device="meta")).shape == half


def test_networks_are_for_one_task() -> None:
    check_task("espnetv2_fpn", "segmentation")
    check_task("espnetv2_classifier", "classification")
    with pytest.raises(ValueError, match="not a segmentation network"):
        Predictor(dataclasses.replace(checkpoint(), architecture="espnetv2_classifier"))


@pytest.mark.parametrize("name", ["default", *SHIPPED])
def test_shipped_checkpoints_say_what_they_are(name: str) -> None:
    predictor = load_predictor(name, device="cpu")
    assert predictor.label_set.classes == CAMVID.classes
    assert predictor.label_set.colours == CAMVID.colours
    for entry in ("codec", "data", "licence", "training", "scores", "version"):
        assert predictor.metadata[entry], entry
    assert sum(p.stat().st_size for p in WEIGHTS.iterdir()) < 30e6


def test_default_on_generated_scenes() -> None:
    scenes = pytest.importorskip("plcv_ros.scenes")
    predictor = load_predictor("default", device="cpu")
    matrix = ConfusionMatrix(CAMVID)
    for seed in (3, 4, 5):
        image, labels = scenes.SceneSequence(width=640, height=360, seed=seed).frame(40 + 25 * seed)
        matrix.update(labels, predictor.predict(image))
    assert matrix.miou() > 0.75


def test_default_on_camvid() -> None:
    cv2 = pytest.importorskip("cv2")
    root = SHARED / "camvid"
    if not root.is_dir():
        pytest.skip(f"no CamVid at {root}")
    predictor = load_predictor("default", device="cpu")
    matrix = ConfusionMatrix(CAMVID)
    for name in (root / "val.txt").read_text().split()[5::20]:
        image = np.ascontiguousarray(cv2.imread(str(root / "images" / "val" / f"{name}.webp"))[..., ::-1])
        labels = cv2.imread(str(root / "labels" / "val" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        matrix.update(CAMVID.from_file_ids(labels), predictor.predict(image))
    assert matrix.miou() > 0.6
