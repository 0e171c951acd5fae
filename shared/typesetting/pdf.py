"""The file structure of PDF (ISO 32000-1, 7.5), as far as PDF/A-2b (ISO 19005-2) asks for it."""

import hashlib
from datetime import date
from typing import Final
from xml.sax.saxutils import escape

_HEADER: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_FREE: Final = b"0000000000 65535 f \n"


class File:
    """A PDF file being written: numbered objects one after the other, then the table that finds them."""

    def __init__(self) -> None:
        """Begin an empty file."""
        self._bytes = bytearray(_HEADER)
        self._offsets: dict[int, int] = {}
        self._last = 0

    def number(self) -> int:
        """Return a number for an object that is still to be added."""
        self._last += 1
        return self._last

    def add(self, body: bytes, number: int | None = None) -> int:
        """Write one object and return its number: a new one, unless it has one already."""
        number = number or self.number()
        self._last = max(self._last, number)
        self._offsets[number] = len(self._bytes)
        self._bytes += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        return number

    def close(self, root: int) -> bytes:
        """Return the whole file, whose catalog is the object `root`.

        Its identifier is a digest of the content, so that the same content is the same file.
        """
        start = len(self._bytes)
        entries = (
            b"%010d 00000 n \n" % self._offsets[number] if number in self._offsets else _FREE
            for number in range(self._last + 1)
        )
        name = hashlib.sha256(self._bytes).hexdigest()[:32].encode()
        self._bytes += b"xref\n0 %d\n" % (self._last + 1) + b"".join(entries)
        self._bytes += b"trailer\n<</Size %d/Root %d 0 R/ID[<%b><%b>]>>\n" % (
            self._last + 1,
            root,
            name,
            name,
        )
        self._bytes += b"startxref\n%d\n%%%%EOF\n" % start
        return bytes(self._bytes)


def stream(dictionary: bytes, data: bytes) -> bytes:
    """Return a stream object of data that are as the dictionary says; the length is added."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (dictionary, len(data), data)


def metadata(title: str, created: date) -> bytes:
    """Return the XMP packet that declares the file to be PDF/A-2b (ISO 19005-2, 6.6.4)."""
    return _XMP.format(title=escape(title), created=f"{created:%Y-%m-%d}T00:00:00+00:00").encode()


_XMP: Final = """\
<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<xmp:CreateDate>{created}</xmp:CreateDate><xmp:ModifyDate>{created}</xmp:ModifyDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
