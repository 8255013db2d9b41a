# SPDX-License-Identifier: Apache-2.0
"""Where things are: the pinhole camera, the street's centre line and the ride along it.

World coordinates: ``s`` metres along the street, ``d`` metres to the right of its centre line, ``y`` metres above the ground. The centre
line wanders sideways by ``Path.offset(s)``; a camera looks along the tangent, which for slight curves is a shear of the world, so
straight things stay straight and every point moves as one rigid world.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics in pixels, of an image ``width`` x ``height``; no distortion."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def for_size(cls, width: int, height: int) -> PinholeCamera:
        """A dashcam of that image size: about 45 degrees high, horizon a little above the middle."""
        focal = min(max(1.2 * height, 0.6 * width), 1.5 * width)
        return cls(width, height, focal, focal, (width - 1) / 2, 0.47 * height)

    @property
    def matrix(self) -> tuple[float, ...]:
        """K, row by row, nine numbers, as in sensor_msgs/CameraInfo."""
        return (self.fx, 0.0, self.cx, 0.0, self.fy, self.cy, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Waves:
    """A sum of sines: smooth, random, and known at every point without a history. Rows of ``terms``: amplitude, angular rate, phase."""

    terms: tuple[tuple[float, float, float], ...]

    def __call__(self, x: float) -> float:
        return sum(a * math.sin(w * x + p) for a, w, p in self.terms)

    def slope(self, x: float) -> float:
        return sum(a * w * math.cos(w * x + p) for a, w, p in self.terms)

    def many(self, x: Points) -> Points:
        total = np.zeros_like(x)
        for a, w, p in self.terms:
            total += a * np.sin(w * x + p)
        return total

    @classmethod
    def random(cls, rng: np.random.Generator, rows: tuple[tuple[float, float], ...]) -> Waves:
        """One sine a row of (amplitude, period), each jittered by a fifth, with a random phase."""
        jitter = rng.uniform(0.8, 1.2, (len(rows), 2))
        phases = rng.uniform(0, 2 * math.pi, len(rows))
        return cls(tuple((a * j[0], 2 * math.pi / (t * j[1]), float(p)) for (a, t), j, p in zip(rows, jitter, phases)))


@dataclass(frozen=True)
class View:
    """The camera at one instant. Maps street coordinates to camera coordinates: ``x`` right, ``y`` up from the ground, ``z`` ahead, metres."""

    camera: PinholeCamera
    path: Waves
    s: float
    d: float
    height: float
    horizon: float
    """Row of the horizon, pixels (pitch included)."""
    centre: float
    """Column of straight ahead, pixels (yaw included)."""
    time: float
    """Seconds since frame 0."""
    origin: float
    """Sideways place of the camera in the world: centre line plus ``d``."""
    slope: float
    """Sideways metres of the viewing direction a metre ahead."""

    @property
    def limit(self) -> float:
        """Largest |x / z| that can be inside the image, with a margin."""
        c = self.camera
        return (max(self.centre, c.width - self.centre) + 8) / c.fx

    def lateral(self, s: float, d: float) -> float:
        """Camera x of a point of the street."""
        return self.path(s) + d - self.origin - self.slope * (s - self.s)

    def bend(self, z: Points) -> Points:
        """Camera x of the street's centre line at distances ``z``."""
        return self.path.many(z + self.s) - self.origin - self.slope * z

    def slope_at(self, s: float) -> float:
        """dx/dz of the street's direction at ``s``."""
        return self.path.slope(s) - self.slope

    def project(self, points: Points) -> Points:
        """(N, 3) camera x, y, z -> (N, 2) pixel column, row."""
        scale = self.camera.fx / points[:, 2]
        out = np.empty((len(points), 2))
        out[:, 0] = self.centre + points[:, 0] * scale
        out[:, 1] = self.horizon + (self.height - points[:, 1]) * scale
        return out


class Ride:
    """The camera's motion: position, speed, bounce and yaw at every instant, each a closed form of the time."""

    def __init__(self, camera: PinholeCamera, rng: np.random.Generator) -> None:
        self.camera = camera
        self.path = Waves.random(rng, ((3.2, 330.0), (0.9, 140.0)))
        self.speed = float(rng.uniform(5.5, 9.0))
        self._surge = Waves.random(rng, ((self.speed * 1.1, 14.0), (self.speed * 0.35, 5.5)))
        self._start = float(rng.uniform(0, 2000.0))
        self._drift = Waves.random(rng, ((0.18, 9.0), (0.08, 3.7)))
        self._yaw = Waves.random(rng, ((0.010, 7.0), (0.004, 2.3)))
        self._pitch = Waves.random(rng, ((0.0035, 2.9), (0.0022, 0.83), (0.0012, 0.37)))
        self._heave = Waves.random(rng, ((0.015, 1.1),))
        self.lane = -1.6

    def distance(self, time: float) -> float:
        """Metres along the street at ``time``; grows always, at a varying speed."""
        return self._start + self.speed * time + self._surge(time)

    def view(self, time: float) -> View:
        c, s, d = self.camera, self.distance(time), self.lane + self._drift(time)
        return View(
            camera=c,
            path=self.path,
            s=s,
            d=d,
            height=1.45 + self._heave(time),
            horizon=c.cy + c.fy * self._pitch(time),
            centre=c.cx + c.fx * self._yaw(time),
            time=time,
            origin=self.path(s) + d,
            slope=self.path.slope(s),
        )
