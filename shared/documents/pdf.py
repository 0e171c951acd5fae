"""The file structure of PDF (ISO 32000-1, 7.5), as far as PDF/A-2b (ISO 19005-2) requires it."""

import hashlib
from datetime import date
from typing import Final
from xml.sax.saxutils import escape

_HEADER: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_FREE: Final = b"0000000000 65535 f \n"


class File:
    """A PDF file being written: numbered objects in sequence, then the cross-reference table."""

    def __init__(self) -> None:
        """Begin an empty file."""
        self._bytes = bytearray(_HEADER)
        self._table = [_FREE]
        self._digest = hashlib.sha256()
        self._digested = 0

    def fork(self) -> "File":
        """Return an independent copy of the file as written so far."""
        self._digest.update(memoryview(self._bytes)[self._digested :])
        self._digested = len(self._bytes)
        file = File()
        file._bytes = self._bytes.copy()
        file._table = self._table.copy()
        file._digest = self._digest.copy()
        file._digested = self._digested
        return file

    def numbers(self, count: int) -> int:
        """Reserve consecutive numbers for objects that are added later; return the first."""
        first = len(self._table)
        self._table += [_FREE] * count
        return first

    def number(self) -> int:
        """Reserve a number for an object that is added later."""
        return self.numbers(1)

    def add(self, body: bytes, number: int | None = None) -> int:
        """Write one object and return its number: a new one, unless it is given."""
        if number is None:
            number = self.number()
        elif number >= len(self._table):
            self.numbers(number + 1 - len(self._table))
        self._table[number] = b"%010d 00000 n \n" % len(self._bytes)
        self._bytes += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        return number

    def close(self, root: int) -> bytes:
        """Return the whole file, whose catalog is the object `root`.

        Its identifier is a digest of the content, so that equal content gives equal files.
        """
        start = len(self._bytes)
        self._digest.update(memoryview(self._bytes)[self._digested :])
        name = self._digest.hexdigest()[:32].encode()
        self._bytes += b"xref\n0 %d\n%b" % (len(self._table), b"".join(self._table))
        trailer = b"trailer\n<</Size %d/Root %d 0 R/ID[<%b><%b>]>>\nstartxref\n%d\n%%%%EOF\n"
        self._bytes += trailer % (len(self._table), root, name, name, start)
        return bytes(self._bytes)


def stream(dictionary: bytes, data: bytes) -> bytes:
    """Return a stream object of data that the dictionary describes; the length is added."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (dictionary, len(data), data)


def metadata(title: str, created: date) -> bytes:
    """Return the XMP packet that declares the file to be PDF/A-2b (ISO 19005-2, 6.6.4) and PDF/UA-1.

    PDF/A does not define the property of PDF/UA, so the packet has to declare its schema.
    """
    return _XMP.format(title=escape(title), created=f"{created:%Y-%m-%d}T00:00:00+00:00").encode()


_XMP: Final = """\
<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" \
xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" \
xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<pdfuaid:part>1</pdfuaid:part>
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 to which the file conforms</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<xmp:CreateDate>{created}</xmp:CreateDate><xmp:ModifyDate>{created}</xmp:ModifyDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
