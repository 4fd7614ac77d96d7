"""Decodes the text of a body as browsers do: byte order mark, header, document.

Source: WHATWG Encoding Standard (labels, BOM sniffing) and the prescan of the HTML
Standard. Unlike a browser, which then guesses by its user's language, a text without
any declaration is UTF-8 if it is valid UTF-8, and windows-1252 otherwise.
"""

import re
from collections.abc import Mapping

#: Python's codec for each encoding, and the labels that the standard gives it.
_LABELS = """
utf-8: utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8
cp866: 866 cp866 csibm866 ibm866
iso8859_2: csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2
 iso_8859-2:1987 l2 latin2
iso8859_3: csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3
 iso_8859-3:1988 l3 latin3
iso8859_4: csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4
 iso_8859-4:1988 l4 latin4
iso8859_5: csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595
 iso_8859-5 iso_8859-5:1988
iso8859_6: arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114
 iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6
 iso_8859-6:1987
iso8859_7: csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126
 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek
iso8859_8: csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138
 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical
iso8859_10: csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6
iso8859_13: iso-8859-13 iso8859-13 iso885913
iso8859_14: iso-8859-14 iso8859-14 iso885914
iso8859_15: csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9
iso8859_16: iso-8859-16
koi8_r: cskoi8r koi koi8 koi8-r koi8_r
koi8_u: koi8-ru koi8-u
mac_roman: csmacintosh mac macintosh x-mac-roman
cp874: dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874
cp1250: cp1250 windows-1250 x-cp1250
cp1251: cp1251 windows-1251 x-cp1251
cp1252: ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100
 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252
 x-user-defined
cp1253: cp1253 windows-1253 x-cp1253
cp1254: cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9
 iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254
cp1255: cp1255 windows-1255 x-cp1255
cp1256: cp1256 windows-1256 x-cp1256
cp1257: cp1257 windows-1257 x-cp1257
cp1258: cp1258 windows-1258 x-cp1258
mac_cyrillic: x-mac-cyrillic x-mac-ukrainian
gb18030: chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk
 gb18030
big5hkscs: big5 big5-hkscs cn-big5 csbig5 x-x-big5
euc_jp: cseucpkdfmtjapanese euc-jp x-euc-jp
iso2022_jp: csiso2022jp iso-2022-jp
cp932: csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis
cp949: cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989
 ksc5601 ksc_5601 windows-949
utf-16-be: unicodefffe utf-16be
utf-16-le: csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le
"""


def _read_labels(text: str) -> Mapping[str, str]:
    entries = text.strip().replace("\n ", " ").splitlines()
    pairs = (entry.split(": ", 1) for entry in entries)
    return {label: codec for codec, labels in pairs for label in labels.split()}


CODECS = _read_labels(_LABELS)
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
)
#: A declaration that stands later counts for nothing.
PRESCAN_BYTES = 1024
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,>]+)", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_META = re.compile(r"<meta[\s/][^>]*", re.IGNORECASE)
_XML = re.compile(r"^<\?xml\s[^>]*?encoding\s*=\s*[\"']\s*([^\s\"']+)", re.IGNORECASE)


def decode_body(body: bytes, content_type: str = "") -> str:
    """Decode a body; what can't be decoded becomes U+FFFD.

    Args:
        body: as it was received, unpacked.
        content_type: the whole header; empty if there was none.
    """
    for mark, codec in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, errors="replace")
    codec_named = _find_codec(_CHARSET.search(content_type)) or _prescan(
        body, content_type
    )
    if codec_named is not None:
        return body.decode(codec_named, errors="replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _prescan(body: bytes, content_type: str) -> str | None:
    """Return the codec that the document itself declares."""
    kind = content_type.partition(";")[0].strip().lower()
    start = body[:PRESCAN_BYTES].decode("latin-1")
    codec = None
    if not kind or "html" in kind or "xml" in kind:
        codec = _find_codec(_XML.search(start))
    if codec is None and (not kind or "html" in kind):
        for tag in _META.finditer(_COMMENT.sub("", start)):
            codec = codec or _find_codec(_CHARSET.search(tag[0]))
    # The declaration was read byte by byte, so it can't be UTF-16.
    return "utf-8" if codec is not None and codec.startswith("utf-16") else codec


def _find_codec(match: re.Match[str] | None) -> str | None:
    return None if match is None else CODECS.get(match[1].strip().lower())
