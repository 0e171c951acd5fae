"""Puts what a command has measured into its place in a document."""

from pathlib import Path

_BEGIN, _END = "<!-- table of {} -->", "<!-- end of the table -->"


def put(text: str, document: Path, command: str) -> None:
    """Replace what stands between the two marks of a command in a document.

    Args:
        text: Markdown.
        document: has both marks.
        command: that makes the text.

    Raises:
        ValueError: the document has no place for it.
    """
    begin_mark = _BEGIN.format(command)
    before, begin, rest = document.read_text(encoding="utf-8").partition(begin_mark)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{document} has no lines {begin_mark} and {_END}")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
