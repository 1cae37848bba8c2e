"""Requests of a page, put to its application without a network."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from support.review_case import TOKEN

PORT = 43210
GOOD = {"host": f"127.0.0.1:{PORT}", "origin": f"http://127.0.0.1:{PORT}", "authorization": f"Bearer {TOKEN}"}


class PageClient:
    """One page's requests, put to the application without a network."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(
        self,
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        raw: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> tuple[int, Any, dict[str, str]]:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {key: value for key, value in {**GOOD, **(headers or {})}.items() if value is not None}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
            "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 1),
            "headers": [(key.encode(), value.encode()) for key, value in sent.items()],
        }  # fmt: skip
        answer: dict[str, Any] = {"body": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                answer["headers"] = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            else:
                answer["body"] += message.get("body", b"")

        asyncio.run(self.app(scope, receive, send))
        content = answer["body"].decode()
        with contextlib.suppress(ValueError):
            content = json.loads(content)
        return answer["status"], content, answer["headers"]
