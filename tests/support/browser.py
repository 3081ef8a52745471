"""A headless Chromium that opens one page and tells what it asked for and complained of.

Spoken to over two pipes, in Chrome's DevTools protocol: messages of JSON, each ended by NUL.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
)
MISSING = "no Chromium here: apt-get install chromium"


def chromium() -> str | None:
    """Return the program's path; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """An open page.

    Attributes:
        requests: The addresses it asked for, its own first.
        complaints: What it wrote to the console, and what the browser held against it.
    """

    _browser: _Pipes
    _session: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: Path) -> None:
        """Go to a file and wait until all of it is loaded."""
        for domain in ("Page", "Network", "Log", "Runtime"):
            self._call(f"{domain}.enable")
        self._call("Page.navigate", url=path.as_uri())
        while self._take(self._browser.read()) != "Page.loadEventFired":
            pass
        self._call("Runtime.evaluate", expression="document.fonts.ready", awaitPromise=True)

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]["text"]
        return answer["result"].get("value")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = self._browser.send(method, params, self._session)
        while (message := self._browser.read()).get("id") != number:
            self._take(message)
        result: dict[str, Any] = message["result"]
        return result

    def _take(self, message: dict[str, Any]) -> str | None:
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params))
        return message.get("method")


class _Pipes:
    def __init__(self, to: int, back: int) -> None:
        self._to = os.fdopen(to, "wb", buffering=0)
        self._back = os.fdopen(back, "rb", buffering=0)
        self._rest = b""
        self._number = 0

    def send(self, method: str, params: dict[str, Any], session: str | None = None) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        return self._number

    def read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = self._back.read(65536)
            assert data, "the browser has ended"
            self._rest += data
        one, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(one)
        return message

    def answer(self, method: str, **params: Any) -> dict[str, Any]:
        number = self.send(method, params)
        while (message := self.read()).get("id") != number:
            pass
        result: dict[str, Any] = message["result"]
        return result

    def close(self) -> None:
        self._to.close()
        self._back.close()


@contextlib.contextmanager
def opened_page(path: Path) -> Iterator[Page]:
    """Open a file in a browser of its own, which ends afterwards."""
    program = chromium()
    assert program is not None, MISSING
    with tempfile.TemporaryDirectory(
        prefix="notekin-browser-", ignore_cleanup_errors=True
    ) as profile:
        (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
        command = f'exec "$0" "$@" 3<&{in_read} 4>&{out_write}'
        process = subprocess.Popen(
            ["bash", "-c", command, program, *OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(in_read, out_write),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(in_read)
        os.close(out_write)
        pipes = _Pipes(in_write, out_read)
        try:
            target = pipes.answer("Target.createTarget", url="about:blank")["targetId"]
            attached = pipes.answer("Target.attachToTarget", targetId=target, flatten=True)
            page = Page(pipes, attached["sessionId"])
            page.open(path)
            yield page
            pipes.answer("Browser.close")
        finally:
            pipes.close()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
