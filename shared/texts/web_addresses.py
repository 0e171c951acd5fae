"""Text that phones and mail programs turn into links: rejected in a name, broken in free text.

Else anyone could put a phishing link into a field that is sent under the institute's letterhead.
"""

import re

# Common ends of host names that have more than two letters; of two letters, any may be a country's.
_ENDS = frozenset(
    re.findall(
        "[a-z]+",
        "aero agency app arpa asia bank bar best bid bio biz blog bond buzz cam cash cat center cfd"
        " chat city click cloud club com company coop credit cyou date day deals dev digital download"
        " edu email eus expert finance fit fun fund fyi gal games gift gifts global gov group guru help"
        " host icu info ink int jobs life link live loan loans lol love ltd market media men mil mobi"
        " moda mom money monster museum name net network news ninja one onion online org page party post"
        " press pro promo pub quest red rest review run sale sbs service services shop site social"
        " solutions space store stream studio support surf team tech tel tips today top tours trade"
        " travel tube uno vip web website wiki win work works world wtf xin xyz zip zone",
    )
)
_LONGEST_ABBREVIATION = len("Gio")
_COUNTRY = 2

_MARKED = re.compile(r"www|http", re.IGNORECASE)
_WITHIN_WORD = re.compile(r"(?=(?<![^\s.·,])([^\s.·,]*)([.·,])([^\W\d_]+))")
_POINTS = frozenset(".\u2024\u3002\uff0e\uff61")
_DOT_BEFORE_WORD = re.compile(rf"(?<=[^\s.])([{''.join(sorted(_POINTS))}])(?=[^\W\d_]{{2}})")


def bait_in_name(name: str) -> bool:
    """Return whether a name contains what could be mistaken for a web or mail address.

    A point may end a word that stands before a space, or a short one (`M.Teresa`, `S.Giovanni`, `J.R.R.`),
    unless a country or another end of a host name follows it (`t.me`, `x.com`). A comma and the Catalan
    point, which are not part of an address, are only rejected if they could pass for its point.
    """
    return bool(_MARKED.search(name)) or any(_joins_host(*found) for found in _WITHIN_WORD.findall(name))


def _joins_host(before: str, sign: str, after: str) -> bool:
    end = len(after) == _COUNTRY or after.lower() in _ENDS
    match sign:
        case ".":
            return end or len(before) > _LONGEST_ABBREVIATION
        case ",":
            return end and after.islower()
        case _:
            return end and f"{before[-1:]}{after[0]}".lower() != "ll"


def unlinked(text: str) -> str:
    """The text with a space in every web or mail address, so that no program turns it into a link."""
    text = text.replace("://", " ")
    # Nearly no name has a point.
    return text if _POINTS.isdisjoint(text) else _DOT_BEFORE_WORD.sub(r"\1 ", text)
