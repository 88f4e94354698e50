"""Pictures, kept under the hash of their content. Events carry the address.

A picture is stored before the command that names it; when that is refused the picture stays, unreferenced and harmless:
nobody but dispatchers can see it, and the same picture sent again is kept once.
"""

import base64
import binascii
import hashlib
import io
import re
import threading
from urllib.parse import urlsplit

from flask import current_app
from PIL import Image, ImageOps

from webapp.blob_stores import BlobStore

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE_PX = 2_000
FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "jpg"}
MOST_DECODED_AT_ONCE = 2
"""A picture of 40 megapixels takes 160 MB while it is decoded; the request threads together must not take them all."""
MAX_ADDRESS = 2_000
NOT_IN_ADDRESSES = frozenset(' "<>\\^`{|}')
NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg)")

_decoding = threading.BoundedSemaphore(MOST_DECODED_AT_ONCE)


class BlobRefused(Exception):
    """The bytes are no picture that we keep; the message says why."""


def store_image(data: bytes) -> str:
    """Keep a PNG, JPEG or WebP picture (10 MB and 40 megapixels at most) and return its address.

    It is decoded and written anew, so metadata and whatever else was in the file are gone; long sides shrink to
    2,000 px. Raises `BlobRefused`.
    """
    if len(data) > MAX_BYTES:
        raise BlobRefused("The picture is larger than 10 MB.")
    with _decoding:
        content, suffix = _rewritten(data)
    name = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
    kept: BlobStore = current_app.extensions["blobs"]
    kept.keep(name, content)
    return f"/blobs/{name}"


def store_data_url(url: str) -> str:
    """Keep the picture in a `data:image/…;base64,` URL and return its address. Raises `BlobRefused`."""
    head, _, text = url.partition(",")
    if not re.fullmatch(r"data:image/(png|jpeg|webp);base64", head):
        raise BlobRefused("A data: URL must be a base64 PNG, JPEG or WebP picture.")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BlobRefused("The data: URL is not valid base64.") from error
    return store_image(data)


def kept_address(given: str) -> str:
    """Where a picture that a client names is: web addresses and those of pictures kept here stay as they are, the
    picture in a data: URL is kept. Raises `BlobRefused`."""
    if given.startswith("data:"):
        return store_data_url(given)
    kept: BlobStore = current_app.extensions["blobs"]
    if is_own_picture(given):
        if kept.find(given.removeprefix("/blobs/")) is None:
            raise BlobRefused("No picture is kept at this address.")
    elif not _is_web_address(given):
        raise BlobRefused(
            "It must be an http(s) address of at most 2000 characters without a user name, the address of a picture"
            " kept here (/blobs/…), or a data: URL of a PNG, JPEG or WebP picture."
        )
    return given


def _is_web_address(text: str) -> bool:
    if len(text) > MAX_ADDRESS or not text.isprintable() or set(text) & NOT_IN_ADDRESSES:
        return False
    try:
        parts = urlsplit(text)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, half of an IPv6 address
        return False
    return parts.scheme in ("http", "https") and has_place and "@" not in parts.netloc


def is_own_picture(url: str) -> bool:
    """Whether an address is that of a picture kept here; nothing else may be shown as one."""
    return url.startswith("/blobs/") and NAME.fullmatch(url.removeprefix("/blobs/")) is not None


def _rewritten(data: bytes) -> tuple[bytes, str]:
    try:
        picture = Image.open(io.BytesIO(data), formats=list(FORMATS))
        if picture.width * picture.height > MAX_PIXELS:
            raise BlobRefused("The picture has more than 40 megapixels.")
        suffix = FORMATS[picture.format or "PNG"]
        clean = _clean(picture, keeps_transparency=suffix == "png")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BlobRefused("The file is not a PNG, JPEG or WebP picture that can be read.") from error
    output = io.BytesIO()
    clean.save(output, "PNG" if suffix == "png" else "JPEG", optimize=True)
    return output.getvalue(), suffix


def _clean(picture: Image.Image, keeps_transparency: bool) -> Image.Image:
    """The picture upright, no larger than needed, and with nothing but its pixels."""
    upright = ImageOps.exif_transpose(picture)
    pixels = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    pixels.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    if pixels.mode == "RGBA" and not keeps_transparency:
        paper = Image.new(
            "RGBA", pixels.size, "white"
        )  # what is drawn on nothing must not become black on black
        pixels = Image.alpha_composite(paper, pixels).convert("RGB")
    pixels.info.clear()  # comments, profiles and the like would be written again
    return pixels
