"""The faults that can be injected into running sinks.

`PUT /faults` on the SMS gateway's port, with any of the keys `sms`, `email`, `pec`:

    {"sms": {"mode": "status", "status": 429, "retry_after": 2, "times": 5},
     "email": {"mode": "drop_after_dot", "only": "rossi@"}}

| sink | mode | |
|---|---|---|
| all | `ok` | captures; the default |
| all | `discard` | accepts and counts, and keeps nothing: for the benchmark |
| sms | `status` | answers `status`, with `Retry-After: retry_after` and the body's `code` where given |
| sms | `slow` | captures, and answers after `seconds` |
| sms | `silence` | captures, and never answers |
| sms | `drop` | captures, and closes the connection in place of an answer |
| sms | `rubbish` | captures, and answers what is not HTTP |
| sms | `rubbish_body` | captures, and answers 200 with what is not JSON |
| mail | `status` | answers `status` and `text` at `stage`: `mail`, `rcpt`, `data`, `dot`; after 421 closes |
| mail | `greet` | greets with `status` (421, 554…) and closes |
| mail | `drip` | sends its replies a byte at a time, one every `seconds` (default 0.5) |
| mail | `silence` | captures, and never answers the final dot |
| mail | `drop_after_data` | closes once the text of the mail comes in |
| mail | `drop_after_dot` | captures, and closes in place of the last reply |

`stage` is `rcpt` unless given. `after`: how many go well first. `times`: how often, after which the fault
ends; without it, until replaced. A connection counts once for `greet` and `drip`, a message for the others.
`only`: a part of the recipient; others are served normally, and so is the stage `mail`, which names no
recipient yet.

`GET /counts` returns how many messages each sink has accepted since it started, and `GET /asked` how many SMS
the gateway was sent, whatever it answered. `DELETE /counts` resets all of them to zero.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """How one sink misbehaves; see the table above."""

    model_config = ConfigDict(extra="forbid")

    mode: str = "ok"
    status: int = 500
    text: str = "as asked"
    code: str = ""
    stage: Literal["mail", "rcpt", "data", "dot"] = "rcpt"
    retry_after: int | None = None
    seconds: float = 0.5
    after: Annotated[int, Field(ge=0)] = 0
    times: Annotated[int, Field(ge=1)] | None = None
    only: str = ""

    def strikes(self, modes: set[str], recipient: str = "") -> bool:
        """Return whether one of these modes applies now; if so, a limited fault counts one more time.

        One that is to come `after` others counts these instead.
        """
        if self.mode not in modes or self.only not in recipient:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
            if self.times <= 0:
                self.mode = "ok"
        return True


class Faults(BaseModel):
    """The faults of all sinks, and their message counts."""

    model_config = ConfigDict(extra="forbid")

    sms: Fault = Field(default_factory=Fault)
    email: Fault = Field(default_factory=Fault)
    pec: Fault = Field(default_factory=Fault)
