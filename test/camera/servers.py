# SPDX-License-Identifier: Apache-2.0
"""Network cameras made here: HTTP (MJPEG, raw H.264, files) and RTSP, which drop their connections, stall and come back as a test asks."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Camera:
    """A server on a port of this computer; ``connections`` counts those that got as far as pictures."""

    def __init__(self, port: int = 0) -> None:
        self.connections = 0
        self.frames_of_a_connection: int | None = None
        """After so many frames the connection is closed; None never."""
        self.stall_after: int | None = None
        """After so many frames nothing comes any more, and the connection stays."""
        self.period_s = 0.02
        self.requests: list[str] = []
        self.open = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self._clients: list[socket.socket] = []
        self.open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        try:
            self.serve(client)
        except OSError:
            pass
        finally:
            client.close()

    def serve(self, client: socket.socket) -> None:
        raise NotImplementedError

    def paced(self, items: list[bytes]) -> Iterator[bytes]:
        """The items again and again, at the camera's pace, until it drops or stalls."""
        self.connections += 1
        sent = 0
        while self.open.is_set() and (self.frames_of_a_connection is None or sent < self.frames_of_a_connection):
            if self.stall_after is not None and sent >= self.stall_after:
                while self.open.is_set():
                    time.sleep(0.05)
                return
            yield items[sent % len(items)]
            sent += 1
            time.sleep(self.period_s)

    def close(self) -> None:
        """Nobody answers any more, and those who are connected are cut off."""
        self.open.clear()
        # A socket that another thread waits on stays open until it is shut down.
        for one in (self._socket, *self._clients):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def request_of(client: socket.socket) -> str:
    text = b""
    while b"\r\n\r\n" not in text:
        piece = client.recv(4096)
        if not piece:
            raise OSError
        text += piece
    return text.decode()


class MjpegCamera(Camera):
    """multipart/x-mixed-replace, as network cameras have it."""

    def __init__(self, jpegs: list[bytes], port: int = 0) -> None:
        self.jpegs = jpegs
        self.status = "200 OK"
        super().__init__(port)

    def serve(self, client: socket.socket) -> None:
        self.requests.append(request_of(client))
        if self.status != "200 OK":
            client.sendall(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\nConnection: close\r\n\r\n")
        for jpeg in self.paced(self.jpegs):
            client.sendall(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n")


class RawCamera(Camera):
    """Annex B access units over HTTP without a length."""

    def __init__(self, units: list[bytes], port: int = 0) -> None:
        self.units = units
        super().__init__(port)

    def serve(self, client: socket.socket) -> None:
        self.requests.append(request_of(client))
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/h264\r\nConnection: close\r\n\r\n")
        for unit in self.paced(self.units):
            client.sendall(unit)


class FileServer(Camera):
    """Files with their length and ranges, as web servers have them. ``break_once``: the first answer ends after so many bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.break_once = 0
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        request = request_of(client)
        self.requests.append(request)
        path = self.folder / request.split()[1].lstrip("/").partition("?")[0]
        if not path.is_file():
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        data = path.read_bytes()
        ranged = re.search(r"(?i)range: bytes=(\d+)-", request)
        start = int(ranged[1]) if ranged else 0
        head = f"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{len(data) - 1}/{len(data)}\r\n" if ranged else "HTTP/1.1 200 OK\r\n"
        client.sendall(f"{head}Accept-Ranges: bytes\r\nContent-Length: {len(data) - start}\r\nConnection: close\r\n\r\n".encode())
        end = len(data)
        if self.break_once:
            end, self.break_once = start + self.break_once, 0
        client.sendall(data[start:end])


class RtspCamera(Camera):
    """H.264 by RTSP, the packets within its connection (RFC 2326, 10.12; RFC 6184, 5.6)."""

    def __init__(self, units: list[bytes], port: int = 0, realm: str = "") -> None:
        self.units = units
        self.realm = realm
        super().__init__(port)

    def serve(self, client: socket.socket) -> None:
        while True:
            request = request_of(client)
            self.requests.append(request)
            method = request.split()[0]
            sequence = re.search(r"(?i)cseq: *(\d+)", request)
            assert sequence is not None
            head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence[1]}\r\n"
            if self.realm and method != "OPTIONS" and "Authorization" not in request:
                client.sendall(f'RTSP/1.0 401 Unauthorized\r\nCSeq: {sequence[1]}\r\nWWW-Authenticate: Basic realm="{self.realm}"\r\n\r\n'.encode())
                continue
            if method == "OPTIONS":
                client.sendall(f"{head}Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n".encode())
            elif method == "DESCRIBE":
                sdp = (
                    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
                    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
                )
                client.sendall(f"{head}Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}".encode())
            elif method == "SETUP":
                client.sendall(f"{head}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n\r\n".encode())
            elif method == "PLAY":
                client.sendall(f"{head}Session: 1\r\n\r\n".encode())
                self.play(client)
                return
            else:
                client.sendall(f"{head}\r\n".encode())

    def play(self, client: socket.socket) -> None:
        number = 0
        for k, unit in enumerate(self.paced(self.units)):
            nals = [nal for nal in re.split(b"\x00\x00\x00?\x01", unit) if nal]
            for i, nal in enumerate(nals):
                marker = 0x80 if i + 1 == len(nals) else 0
                rtp = bytes((0x80, 96 | marker)) + number.to_bytes(2, "big") + (k * 1800).to_bytes(4, "big") + bytes(4) + nal
                client.sendall(b"$\x00" + len(rtp).to_bytes(2, "big") + rtp)
                number = (number + 1) % 65536
