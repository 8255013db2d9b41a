# SPDX-License-Identifier: Apache-2.0
"""The training loop: it learns, it stops and resumes to the very same bytes, and it refuses to continue something else."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")

from plcv_ros.labels import CAMVID, IGNORE_INDEX, LabelSet  # noqa: E402
from plcv_ros.perception import load_predictor  # noqa: E402
from plcv_ros.perception.checkpoint import read_checkpoint, record_score, save_checkpoint  # noqa: E402
from plcv_ros.perception.networks import build_network  # noqa: E402
from plcv_ros.perception.normalisation import Normalisation  # noqa: E402
from plcv_ros.training.augment import Augmentation  # noqa: E402
from plcv_ros.training.datasets import Dataset  # noqa: E402
from plcv_ros.training.degradations import parse_degradation, parse_mixture  # noqa: E402
from plcv_ros.training.evaluate import evaluate  # noqa: E402
from plcv_ros.training.kernels import BLOCK, BlockedPReLU, choose_kernels  # noqa: E402
from plcv_ros.training.loop import batch, epoch_order, normalise, place_teacher  # noqa: E402
from plcv_ros.training.losses import class_weights, distillation_loss, soft_jaccard  # noqa: E402
from plcv_ros.training.parallel import Processes  # noqa: E402
from plcv_ros.training.run import Sample, load_initial, origin  # noqa: E402
from plcv_ros.training.segmentation import SEGMENTATION, train  # noqa: E402
from plcv_ros.training.settings import Settings, describe  # noqa: E402

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def stripes(count: int = 6, share: float = 1.0) -> Dataset:
    """Pictures that are easy to learn: the class is the colour."""

    def load(index: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(index)
        labels = np.repeat(np.repeat(random.integers(0, 4, (6, 8)), 16, 0), 16, 1).astype(np.uint8)
        colours = np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250], [240, 240, 240]], np.uint8)
        return colours[labels], labels

    return Dataset("stripes", CAMVID, "none", count, load, share)


def settings(**changes: object) -> Settings:
    base = {
        "arguments": {"scale": 0.5, "width": 16, "fine": 8},
        "epochs": 2,
        "batch": 2,
        "warmup": 2,
        "average": 0.9,
        "augmentation": Augmentation(crop=64),
        "seed": 5,
    }
    return Settings(**{**base, **changes})  # type: ignore[arg-type]


def test_a_stopped_run_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    whole = train(settings(), [stripes()], tmp_path / "whole")
    for first in (2, 3):  # in the middle of an epoch, and at its end
        folder = tmp_path / f"parts{first}"
        train(settings(stop_after=first), [stripes()], folder)
        torch.rand(7)  # what happens in between must not matter
        parts = train(settings(), [stripes()], folder, resume=True)
        one, two = read_checkpoint(whole).tensors, read_checkpoint(parts).tensors
        assert all(torch.equal(one[name], two[name]) for name in one)
        state = [torch.load(f / "last.pt", weights_only=True) for f in (tmp_path / "whole", folder)]
        for part in ("network", "averaged"):
            assert all(torch.equal(state[0][part][name], state[1][part][name]) for name in state[0][part])
        rows = [list(csv.reader((f / "metrics.csv").open())) for f in (tmp_path / "whole", folder)]
        assert [r[:4] for r in rows[0]] == [r[:4] for r in rows[1]]  # with the mean loss of an epoch that was interrupted


def test_a_run_through_other_band_weights_is_another_run(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    there = settings(codecs=f"jxs:main:2:weights={path}")
    told = []
    for gain in (1, 2, 1):
        path.write_text(json.dumps({"gains": [gain] * 24, "priorities": list(range(24))}))
        told.append(describe(there, []))
    assert told[0] == told[2] != told[1]


def test_seeds_matter(tmp_path: Path) -> None:
    paths = [train(settings(stop_after=1, seed=seed), [stripes()], tmp_path / str(seed)) for seed in (1, 2)]
    one, two = (read_checkpoint(path).tensors for path in paths)
    assert not torch.equal(one["classify.weight"], two["classify.weight"])


def test_another_run_is_not_continued(tmp_path: Path) -> None:
    train(settings(stop_after=1), [stripes()], tmp_path)
    with pytest.raises(ValueError, match=r"other settings or data: rate was [0-9.e-]+, is 1\.0$"):
        train(settings(rate=1.0), [stripes()], tmp_path, resume=True)
    with pytest.raises(ValueError, match="other settings"):
        train(settings(), [stripes(7)], tmp_path, resume=True)
    with pytest.raises(ValueError, match="other settings"):
        train(settings(), [stripes()], tmp_path, init=tmp_path / "model.safetensors", resume=True)
    with pytest.raises(ValueError, match="nothing to resume"):
        train(settings(), [stripes()], tmp_path / "elsewhere", resume=True)


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    path = train(settings(stop_after=1), [stripes()], tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="holds a run already"):
        train(settings(), [stripes()], tmp_path)
    assert path.read_bytes() == before


def test_scores_recorded_in_the_initial_weights_do_not_keep_a_run_from_going_on(tmp_path: Path) -> None:
    start = train(settings(stop_after=1), [stripes()], tmp_path / "start")
    train(settings(stop_after=1), [stripes()], tmp_path / "run", init=start)
    record_score(start, {"data": "stripes", "codec": "original", "miou": 0.5})
    assert read_checkpoint(train(settings(), [stripes()], tmp_path / "run", init=start, resume=True)).metadata["training"]["steps"] == 6


def test_a_run_killed_between_its_last_two_files_ends_whole(tmp_path: Path) -> None:
    path = train(settings(stop_after=3), [stripes()], tmp_path)
    early = path.read_bytes()
    train(settings(), [stripes()], tmp_path, resume=True)
    whole = {name: tensor.clone() for name, tensor in read_checkpoint(path).tensors.items()}
    path.write_bytes(early)
    again = read_checkpoint(train(settings(), [stripes()], tmp_path, resume=True))
    assert again.metadata["training"]["steps"] == again.metadata["training"]["of_steps"]
    assert all(torch.equal(whole[name], again.tensors[name]) for name in whole)


def test_mixed_precision(tmp_path: Path) -> None:
    """bfloat16, with a teacher too; on a CPU here."""
    start = train(settings(epochs=1), [stripes()], tmp_path / "start")
    losses = []
    for mixed in (False, True):
        noted: list[float] = []
        train(settings(mixed=mixed, distillation=1.0), [stripes()], tmp_path / str(mixed), init=start, report=lambda s: noted.append(s.loss))  # noqa: B023
        losses.append(noted)
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    assert losses[1] != losses[0]


def test_data_of_a_teacher_and_of_published_weights_stand_in_the_header(tmp_path: Path) -> None:
    other = Dataset("other stripes", CAMVID, "research only", 6, stripes().load)
    teacher = train(settings(epochs=1), [other], tmp_path / "teacher")
    start = train(settings(epochs=1), [stripes()], tmp_path / "start")
    path = train(settings(epochs=1, distillation=1.0), [stripes()], tmp_path / "taught", init=start, teacher=teacher)
    header = read_checkpoint(path).metadata
    assert header["licence"] == "none; research only"
    assert [(d["name"], d.get("stage", "")) for d in header["data"]] == [
        ("stripes", ""),
        ("stripes", "initial weights"),
        ("other stripes", "teacher"),
    ]
    assert "publisher" in origin([{"name": "a", "licence": "Apache-2.0"}], None, "nvidia/segformer")["licence"]


def test_a_batch_is_shared_equally(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 pictures cannot be shared equally among 3"):
        train(settings(), [stripes()], tmp_path, processes=Processes(0, 3))


def test_it_learns(tmp_path: Path) -> None:
    losses: list[float] = []
    scores: list[float] = []

    def report(sample: Sample) -> None:
        losses.append(sample.loss)
        if sample.scores:
            scores.append(sample.scores["stripes"])

    path = train(
        settings(epochs=15, batch=4, rate=1e-2, encoder_rate=1.0), [stripes(16)], tmp_path, validation=[stripes(4)], validate_every=15, report=report
    )
    assert np.mean(losses[-6:]) < 0.5 * np.mean(losses[:6])
    assert scores[-1] > 0.7
    checkpoint = read_checkpoint(path)
    assert checkpoint.metadata["data"] == [{"name": "stripes", "licence": "none", "pictures": 16, "share": 1.0}]
    image, truth = stripes().load(99)
    assert np.mean(load_predictor(path, device="cpu").predict(image) == truth) > 0.8


def test_label_sets_must_agree(tmp_path: Path) -> None:
    other = LabelSet("other", ("a",), ((0, 0, 0),))
    with pytest.raises(ValueError, match="different classes"):
        train(settings(), [stripes(), Dataset("x", other, "", 1, stripes().load)], tmp_path)


def test_order_of_an_epoch() -> None:
    order = epoch_order(0, 3, [stripes(5), stripes(4, share=0.5), stripes(3, share=2)])
    assert order == epoch_order(0, 3, [stripes(5), stripes(4, share=0.5), stripes(3, share=2)])
    assert order != epoch_order(0, 4, [stripes(5), stripes(4, share=0.5), stripes(3, share=2)])
    assert sorted(i for w, i in order if w == 0) == [0, 1, 2, 3, 4]
    assert len({i for w, i in order if w == 1}) == 2
    assert sorted(i for w, i in order if w == 2) == [0, 0, 1, 1, 2, 2]


def test_class_weights_balance() -> None:
    weights = class_weights([stripes(16)], CAMVID).numpy()
    assert weights[:4].max() < 1.5
    assert (weights[4:] > 5).all()


def test_soft_jaccard_of_certain_scores() -> None:
    labels = torch.tensor([[[0, 0, 1, 1], [0, IGNORE_INDEX, 1, 1]]])
    certain = torch.nn.functional.one_hot(labels.clamp_max(2), 3).permute(0, 3, 1, 2).float() * 100
    assert float(soft_jaccard(certain, labels)) == pytest.approx(0, abs=1e-4)
    flipped = certain[:, [1, 0, 2]]
    assert float(soft_jaccard(flipped, labels)) == pytest.approx(1, abs=1e-4)
    assert float(soft_jaccard(certain, torch.full_like(labels, IGNORE_INDEX))) == 0


def test_distillation_loss_is_the_divergence() -> None:
    told, said = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 3, 4)
    p, q = told.softmax(1), said.softmax(1)
    assert float(distillation_loss(said, told)) == pytest.approx(float((p * (p / q).log()).sum(1).mean()), rel=1e-4)
    assert float(distillation_loss(told + 7, told)) == pytest.approx(0, abs=1e-6)


def test_kernels_chosen_for_speed_change_nothing() -> None:
    torch.manual_seed(0)
    network = build_network("espnetv2_fpn", 11, settings().arguments).eval()
    picture = torch.randn(1, 3, 64, 96)
    before = network(picture)
    choose_kernels(network, torch.device("cpu"))
    assert any(isinstance(module, BlockedPReLU) for module in network.modules())
    assert torch.allclose(network(picture), before, atol=1e-4)


@pytest.mark.parametrize("shape", [(2, 7, 5, 3), (3, 32, 70, 90), (1, BLOCK + 1, 1, 2), (4, 7)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_blocked_prelu_has_the_gradients_of_prelu(shape: tuple[int, ...], channels_last: bool) -> None:
    torch.manual_seed(0)
    plain, blocked = (kind(shape[1], dtype=torch.float32) for kind in (torch.nn.PReLU, BlockedPReLU))
    x, told = torch.randn(shape), torch.randn(shape)
    x[0, 0] = 0.0  # on the bend
    if channels_last and len(shape) == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    found = []
    for layer in (plain, blocked):
        seen = x.clone().requires_grad_()
        layer(seen).backward(told)
        assert seen.grad is not None and layer.weight.grad is not None
        found.append((layer(x), seen.grad, layer.weight.grad))
    for one, other in zip(*found):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-3 * float(one.detach().abs().max()))


def test_distillation_draws_towards_the_teacher(tmp_path: Path) -> None:
    pytest.importorskip("plcv_ros.codecs._native")
    teacher = train(settings(epochs=4), [stripes()], tmp_path / "teacher")
    with pytest.raises(ValueError, match="needs a teacher"):
        train(settings(distillation=1.0), [stripes()], tmp_path / "none")
    changes = {"epochs": 3, "codecs": "astc:12x12:fast", "overlap": 0.0, "auxiliary": 0.0}
    losses = []
    for weight in (0.0, 3.0):
        noted: list[float] = []
        train(settings(**changes, distillation=weight), [stripes()], tmp_path / str(weight), init=teacher, report=lambda s: noted.append(s.loss))  # noqa: B023
        losses.append(noted)
    assert losses[1][0] > losses[0][0]  # the same start and the same crops, one more term
    other = LabelSet("other", ("a",), ((0, 0, 0),))
    with pytest.raises(ValueError, match="teacher"):
        train(settings(distillation=1.0), [Dataset("x", other, "", 1, stripes().load)], tmp_path / "other", teacher=teacher)


def test_codecs_change_what_is_seen_and_nothing_else() -> None:
    pytest.importorskip("plcv_ros.codecs._native")
    one, device = Processes(), torch.device("cpu")

    def seen(codecs: str, **changes: object) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
        chosen, mixture = epoch_order(5, 0, [stripes()]), parse_mixture(codecs)
        return batch(SEGMENTATION, settings(codecs=codecs, batch=6, **changes), [stripes()], mixture, 0, chosen, device, one)

    plain, no_clean, labels = seen("original")
    assert no_clean is None
    coded, clean, same = seen("astc:12x12:fast", distillation=1.0)
    assert torch.equal(labels, same)
    assert clean is not None
    assert torch.equal(clean, plain)
    assert 0 < float((coded - plain).abs().mean()) < 1
    mixed, _, _ = seen("original+astc:12x12:fast")
    from_original = [bool(torch.equal(mixed[i], plain[i])) for i in range(6)]
    from_astc = [bool(torch.equal(mixed[i], coded[i])) for i in range(6)]
    assert all(a != b for a, b in zip(from_original, from_astc))
    assert any(from_original)
    assert any(from_astc)


def test_a_trained_codec_stands_in_the_header(tmp_path: Path) -> None:
    pytest.importorskip("plcv_ros.codecs._native")
    path = train(settings(stop_after=1, codecs="original+astc:8x8:fast"), [stripes()], tmp_path)
    assert read_checkpoint(path).metadata["codec"] == "original+astc:8x8:fast"


def test_pixels_are_scaled_as_the_initial_weights_know_them(tmp_path: Path) -> None:
    start = read_checkpoint(train(settings(stop_after=1), [stripes()], tmp_path / "start"))
    pixels = torch.rand(1, 3, 4, 4)
    for other in (Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))):
        start.mean, start.std = other
        save_checkpoint(tmp_path / "other.safetensors", start)
        assert torch.allclose(normalise(pixels, other), (pixels - other.mean[0]) / other.std[0])
        tuned = train(settings(stop_after=1), [stripes()], tmp_path / f"tuned{other.std[0]}", init=tmp_path / "other.safetensors")
        assert (read_checkpoint(tuned).mean, read_checkpoint(tuned).std) == other
        resumed = train(settings(), [stripes()], tuned.parent, init=tmp_path / "other.safetensors", resume=True)
        assert (read_checkpoint(resumed).mean, read_checkpoint(resumed).std) == other
        assert place_teacher(resumed, CAMVID, SEGMENTATION, torch.device("cpu"))[1] == other


def test_initial_weights(tmp_path: Path) -> None:
    start = train(settings(stop_after=1), [stripes()], tmp_path)
    network = build_network("espnetv2_fpn", 11, settings().arguments)
    load_initial(network, start)
    stored = read_checkpoint(start).tensors
    assert torch.equal(network.state_dict()["classify.weight"], stored["classify.weight"].float())
    second = train(settings(stop_after=1), [stripes(8)], tmp_path / "second", init=start)
    metadata = read_checkpoint(second).metadata
    assert [entry["pictures"] for entry in metadata["data"]] == [8, 6]
    assert metadata["training"]["initial_weights"]["steps"] == 1
    published = SHARED / "weights" / "espnetv2_s_2.0_city_1024x512.pth"
    if published.is_file():
        with pytest.raises(ValueError, match="does not fit this encoder"):
            load_initial(network, published)
    torch.save({"x": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="no base_net"):
        load_initial(network, tmp_path / "other.pth")


def test_bits_per_pixel_are_those_of_all_pixels() -> None:
    sizes = [(16, 16), (160, 160)]
    data = Dataset("mixed", CAMVID, "none", 2, lambda i: (np.zeros((*sizes[i], 3), np.uint8), np.zeros(sizes[i], np.uint8)))
    codec = parse_degradation("jpeg")
    seen = [codec.see(data[i][0]) for i in range(2)]
    row = evaluate(lambda image: np.zeros(image.shape[:2], np.uint8), data, codec).row()
    assert row["bits_per_pixel"] == pytest.approx(8 * sum(s.payload_bytes for s in seen) / sum(h * w for h, w in sizes), abs=1e-4)
