"""The capturing SMS gateway.

Accepts `POST` of `{"to", "text", "client_ref"}` at any path except its own two, writes each as a line
`{"to", "text", "client_ref", "at"}`, repeats included, and answers 200 `{"id"}`: the same id for
the same `client_ref`, like a gateway that deduplicates.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
from pydantic import ValidationError

from deploy.local.http_server import Answer, Request
from deploy.local.sink_faults import Faults


class SmsGateway:
    """Answers requests; its port also carries the sinks' control."""

    def __init__(self, captured: Path, faults: Faults, counts: dict[str, int]) -> None:
        captured.parent.mkdir(parents=True, exist_ok=True)
        self._path = captured
        self._faults = faults
        self._counts = counts
        self._asked = 0
        self._ids: dict[str, int] = {}

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        match request.method, request.path:
            case "PUT", "/faults":
                return self._set_faults(request.body)
            case "GET", "/counts":
                return Answer(body=orjson.dumps(self._counts))
            case "GET", "/asked":
                return Answer(body=orjson.dumps({"sms": self._asked}))
            case "DELETE", "/counts":
                self._asked = 0
                self._counts.update(dict.fromkeys(self._counts, 0))
                return Answer()
            case "POST", _:
                return self._take(request.body)
        return Answer(404)

    def _set_faults(self, body: bytes) -> Answer:
        try:
            wanted = Faults.model_validate_json(body)
        except ValidationError as error:
            return Answer(400, error.json(include_url=False).encode())
        for sink in wanted.model_fields_set:
            setattr(self._faults, sink, getattr(wanted, sink))
        return Answer()

    def _take(self, body: bytes) -> Answer:
        try:
            message = orjson.loads(body)
            to, text, client_ref = (str(message[name]) for name in ("to", "text", "client_ref"))
        except (ValueError, KeyError, TypeError):
            return Answer(400, b'{"error": "want to, text and client_ref"}')
        self._asked += 1
        fault = self._faults.sms
        if fault.strikes({"status"}, to):
            wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            body = orjson.dumps({"error": "as asked", **({"code": fault.code} if fault.code else {})})
            return Answer(fault.status, body, wait)
        self._counts["sms"] += 1
        if fault.strikes({"discard"}, to):
            return Answer(body=b'{"id": "discarded"}')
        self._capture({"to": to, "text": text, "client_ref": client_ref})
        accepted = self._accepted(client_ref)
        if fault.strikes({"slow"}, to):
            return replace(accepted, after=fault.seconds)
        return self._broken(to) or accepted

    def _broken(self, to: str) -> Answer | None:
        fault = self._faults.sms
        if fault.strikes({"silence"}, to):
            return Answer(hold=True)
        if fault.strikes({"drop"}, to):
            return Answer(drop=True)
        if fault.strikes({"rubbish"}, to):
            return Answer(raw=b"\x00\xffcome back tomorrow\r\n\r\n")
        if fault.strikes({"rubbish_body"}, to):
            return Answer(body=b"<html>Welcome!</html>")
        return None

    def _accepted(self, client_ref: str) -> Answer:
        number = self._ids.setdefault(client_ref, len(self._ids) + 1)
        return Answer(body=b'{"id": "sms-%d"}' % number)

    def _capture(self, message: dict[str, str]) -> None:
        line = orjson.dumps({**message, "at": datetime.now(UTC)}, option=orjson.OPT_APPEND_NEWLINE)
        # Opened for each SMS: tests and people may remove the file in between.
        with self._path.open("ab", buffering=0) as file:
            file.write(line)
