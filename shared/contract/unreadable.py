"""What is no message at all. Apart from the messages, for those who read other things."""


class Unreadable(Exception):  # noqa: N818 - what it says of the message
    """The body is no message at all, and belongs in `pin.dead`.

    Attributes:
        reason: `unknown_type`, `too_large`, `not_utf8`, `too_deep`, `not_json` or `not_an_object`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
