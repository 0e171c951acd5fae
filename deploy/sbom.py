"""The software bill of materials of an image: CycloneDX 1.6, from its lock.

`python -m deploy.sbom [FILE]` writes it (`sbom.cdx.json`): every package of `requirements.lock` with its
version, the hashes of its files, its licence and what asks for it; with `--web` that of the pages
(`sbom-web.cdx.json`), of `requirements-web.lock`. The same lock makes the same document: it has no time, and
its serial number is made from the lock. `--check` writes nothing, and tells whether every package of every
lock is pinned by hashes, and each that is distributed has a licence that goes with the EUPL.

What a wheel holds besides its own code (OpenSSL in `cryptography`, the crates of `typst`, PDFium in
`pypdfium2`), what Debian puts into the image, and what is served to browsers (`REUSE.toml` names it), is not
in it.
"""

import argparse
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shared.version import VERSION

_CHECKOUT = Path(__file__).parents[1]
LOCK = _CHECKOUT / "requirements.lock"
WEB_LOCK = _CHECKOUT / "requirements-web.lock"
DISTRIBUTED = (LOCK, WEB_LOCK)
"""What images are made of."""
LOCKS = (*DISTRIBUTED, *(_CHECKOUT / f"requirements-{name}.lock" for name in ("dev", "bench")))
ALLOWED = {
    "Apache-2.0": "permissive",
    "BSD-2-Clause": "permissive",
    "BSD-3-Clause": "permissive",
    "EPL-2.0": "its files stay under it; named in the appendix of the EUPL as compatible",
    "GPL-2.0-or-later": "named in the appendix of the EUPL as compatible; a choice beside others",
    "ISC": "permissive",
    "MIT": "permissive",
    "MIT-0": "permissive",
    "MIT-CMU": "permissive",
    "MPL-2.0": "its files stay under it; named in the appendix of the EUPL as compatible",
    "PSF-2.0": "permissive",
    "Unlicense": "public domain",
}
"""Licences (SPDX) that may go into one work under the EUPL 1.2, and why."""
_SPELT = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
    "MIT License": "MIT",
}
"""What packages call a licence that has another SPDX identifier."""
_READ = {
    "imapclient": "BSD-3-Clause",
    "itsdangerous": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "obstore": "MIT",
}
"""Packages whose metadata name no licence by SPDX: what their text, or else their classifier, is."""
_OURS = frozenset({"requirements.in", "requirements-web.in"})
_SPDX = re.compile(r"[A-Za-z0-9.+() -]+")
_NAME = re.compile(r"([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Package:
    """One package of a lock.

    Attributes:
        hashes: SHA-256 of every file of it that may be installed, hexadecimal.
        wanted_by: the packages that ask for it.
        direct: whether our own list asks for it.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]
    direct: bool

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"

    @property
    def licence(self) -> str:
        """Its licence, an SPDX expression; empty if this version is not installed or says none."""
        try:
            told = metadata.distribution(self.name)
        except metadata.PackageNotFoundError:
            return ""
        if told.version != self.version:
            return ""
        said = [*told.metadata.get_all("License-Expression", []), *told.metadata.get_all("License", []), ""]
        licence = _SPELT.get(said[0], said[0]) or _READ.get(self.name, "")
        return licence if _SPDX.fullmatch(licence) else ""


def packages(lock: str) -> Iterator[Package]:
    """Yield the packages of a lock, as pip-compile writes it.

    Raises:
        ValueError: a line asks for something that is not pinned by `==`.
    """
    for block in re.split(r"^(?=[^\s#])", lock, flags=re.MULTILINE):
        if not block.strip() or block.startswith("#"):
            continue
        if not (found := _NAME.match(block)):
            raise ValueError(f"{block.splitlines()[0]}: not pinned by ==")
        via = block.partition("# via")[2].replace("#", " ").split()
        wanted_by = tuple(word for word in via if word != "-r" and not word.endswith(".in"))
        hashes = tuple(_HASH.findall(block))
        yield Package(found[1], found[2], hashes, wanted_by, direct=not _OURS.isdisjoint(via))


def faults(package: Package, *, distributed: bool) -> Iterator[str]:
    """Yield what forbids a package."""
    if not package.hashes:
        yield f"{package.name}: no hash"
    if not distributed:
        return
    named = set(package.licence.replace("(", " ").replace(")", " ").split()) - {"AND", "OR", "WITH"}
    if not named:
        yield f"{package.name}: no licence is known of {package.version}"
    for licence in sorted(named - ALLOWED.keys()):
        yield f"{package.name}: nobody has looked whether {licence} goes with the EUPL"


def document(lock: str) -> dict[str, Any]:
    """Return the bill of materials of a lock."""
    found = list(packages(lock))
    ours = tomllib.loads((_CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    us = f"pkg:generic/{ours['name']}@{VERSION}"
    digest = hashlib.sha256(lock.encode()).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{us}#{digest}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": us,
                "name": ours["name"],
                "version": VERSION,
                "licenses": [{"license": {"id": "EUPL-1.2"}}],
            },
            "properties": [{"name": "pin-online:lock:sha256", "value": digest}],
        },
        "components": [_component(package) for package in found],
        "dependencies": [
            {"ref": us, "dependsOn": [package.purl for package in found if package.direct]},
            *(
                {"ref": one.purl, "dependsOn": [p.purl for p in found if one.name in p.wanted_by]}
                for one in found
            ),
        ],
    }


def _component(package: Package) -> dict[str, Any]:
    # Each hash is that of one file, for one platform: so they belong to what is downloaded, and not to the
    # component as a whole.
    files = {
        "type": "distribution",
        "url": f"https://pypi.org/project/{package.name}/{package.version}/#files",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.hashes],
    }
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        **({"licenses": [{"expression": package.licence}]} if package.licence else {}),
        "externalReferences": [files],
    }


def _all_faults() -> Iterator[str]:
    for path in LOCKS:
        try:
            for package in packages(path.read_text(encoding="utf-8")):
                for fault in faults(package, distributed=path in DISTRIBUTED):
                    yield f"{path.name}: {fault}"
        except ValueError as error:
            yield f"{path.name}: {error}"


def main(words: Sequence[str] | None = None) -> int:
    """Write the bill of materials, or check the locks; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sbom", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="sbom.cdx.json, or sbom-web.cdx.json")
    parser.add_argument("--web", action="store_true", help="of the pages' image")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a lock is not sound")
    asked = parser.parse_args(words)
    found = list(_all_faults())
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    if not asked.check:
        lock, name = (WEB_LOCK, "sbom-web.cdx.json") if asked.web else (LOCK, "sbom.cdx.json")
        text = json.dumps(document(lock.read_text(encoding="utf-8")), indent=1)
        (asked.file or _CHECKOUT / name).write_text(text + "\n", encoding="utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
