"""Headless Chromium for the tests of pages, driven over a pipe by its own protocol; no other library needed.

Two pipes carry JSON messages ended by a zero byte (``--remote-debugging-pipe``). Console errors
and uncaught exceptions are kept for the test to look at.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Longest wait for one answer, seconds.
PATIENCE_S = 60.0


def find_chromium() -> str | None:
    """The program's path, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page in a browser of its own; ``problems`` holds what the console and the policy complained of."""

    def __init__(self, program: str, profile: Path, width: int, height: int) -> None:
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._buffer = b""
        read_there, self._write = os.pipe()
        self._read, write_there = os.pipe()
        command = [
            *(program, "--headless", "--no-sandbox", "--enable-unsafe-swiftshader", "--disable-gpu-sandbox"),
            *("--remote-debugging-pipe", f"--user-data-dir={profile}", f"--window-size={width},{height}"),
            *("--disable-background-networking", "--no-first-run", "about:blank"),
        ]
        # The browser reads from descriptor 3 and writes to 4.
        script = f'exec 3<&{read_there} 4>&{write_there}; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(read_there, write_there),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_there)
        os.close(write_there)
        self._session: str | None = None
        targets = self._ask("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page", "Network"):
            self._ask(f"{domain}.enable")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **metrics)

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(AssertionError, OSError):
            self._session = None
            self._ask("Browser.close")
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def open(self, path: Path) -> None:
        """Opens a file and waits until its scene is ready."""
        self._ask("Page.navigate", url=path.resolve().as_uri())
        self.until("document.querySelector('#stage')?.dataset.ready === 'yes'")

    def visit(self, address: str) -> None:
        """Opens an address of this machine."""
        self._ask("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def load(self, path: Path) -> None:
        """Opens a file that runs no script of its own, and waits until all of it is there."""
        self._ask("Page.navigate", url=path.resolve().as_uri())
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, expression: str) -> Any:
        """A JavaScript expression's value; promises are awaited."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key: str, code: int = 13, text: str = "\r") -> None:
        """A key pressed and let go, where the focus is; by default Enter's code and text."""
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self._ask("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def until(self, expression: str) -> None:
        """Waits for an expression to hold."""
        end = time.monotonic() + PATIENCE_S
        while not self.run(expression):
            if time.monotonic() > end:
                raise AssertionError(f"never came true: {expression}; problems: {self.problems}")
            time.sleep(0.05)

    def settle(self) -> None:
        """Waits until two frames have been drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def hears(self, words: str) -> None:
        """Waits until the page has complained of something in these words."""
        end = time.monotonic() + PATIENCE_S
        while words not in str(self.problems):
            if time.monotonic() > end:
                raise AssertionError(f"never heard: {words}; problems: {self.problems}")
            self.settle()

    def screenshot(self, path: Path) -> npt.NDArray[np.uint8]:
        """What the page shows, (height, width, 3) uint8, kept at ``path`` too."""
        from matplotlib.image import imread

        self.settle()
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"]))
        return np.asarray(np.rint(np.asarray(imread(path))[:, :, :3] * 255), dtype=np.uint8)

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return dict(answer.get("result", {}))
            self._note(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], PATIENCE_S)
            chunk = os.read(self._read, 1 << 20) if ready else b""
            if not chunk:
                raise AssertionError("the browser does not answer")
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(text))

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"]))
        elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(str([a.get("value", a.get("description")) for a in params["args"]]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            # Reading a screenshot back is slow without a graphics card; the driver says so.
            if "ReadPixels" not in params["entry"]["text"]:
                self.problems.append(params["entry"]["text"])
        elif event.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
