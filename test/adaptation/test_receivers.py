# SPDX-License-Identifier: Apache-2.0
"""Which of several receivers a sender follows."""

from __future__ import annotations

from plcv_ros.adaptation.receivers import MAX_REPORTERS, Slowest


def test_the_slowest_receiver_is_followed() -> None:
    """One on the camera's own computer knows nothing of the link."""
    slowest = Slowest()
    assert slowest.is_followed("/local", 0.003, 0.0)
    assert slowest.is_followed("/remote", 0.030, 0.01)
    followed = [(slowest.is_followed("/local", 0.003, 0.033 * k), slowest.is_followed("/remote", 0.030, 0.033 * k + 0.01)) for k in range(1, 30)]
    assert set(followed) == {(False, True)}
    assert slowest.is_followed("/local", 0.003, 3.0)  # the other one is gone
    for k in range(100):
        slowest.is_followed(f"/flood{k}", 0.0, 3.1)
    assert len(slowest._seen) <= MAX_REPORTERS
