"""Pictures: what is kept of them, and what is refused."""

import base64
import io
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, current_app
from PIL import Image, PngImagePlugin

from tests.webapp.driver.pictures import picture
from tests.webapp.noon import start_app, stop_app
from webapp.blobs import MAX_BYTES, BlobRefused, is_own_picture, store_data_url, store_image

pytestmark = pytest.mark.usefixtures("_in_app")

SECRET = b"taken at 60.1699 N 24.9384 E"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    running = start_app(tmp_path_factory.mktemp("blobs"))
    yield running
    stop_app(running)


@pytest.fixture
def _in_app(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def file_of(url: str) -> Path:
    blob = current_app.extensions["blobs"].find(url.removeprefix("/blobs/"))
    assert blob is not None
    assert isinstance(blob.content, Path)
    return blob.content


def opened(url: str) -> Image.Image:
    with Image.open(file_of(url)) as found:
        found.load()
        return found


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **more)  # type: ignore[arg-type]
    return output.getvalue()


@pytest.mark.parametrize(("kind", "kept_as"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "JPEG")])
def test_a_picture_is_kept_under_the_hash_of_its_content(kind: str, kept_as: str) -> None:
    url = store_image(picture(kind))

    assert is_own_picture(url)
    assert opened(url).format == kept_as
    assert file_of(url).parent.name == url.removeprefix("/blobs/")[:2]
    assert list(file_of(url).parent.glob("*.part")) == []


def test_the_same_picture_is_the_same_file() -> None:
    assert store_image(picture(colour="olive")) == store_image(picture(colour="olive"))
    assert store_image(picture(colour="olive")) != store_image(picture(colour="plum"))


def test_many_at_once_store_one_whole_file(app: Flask) -> None:
    data, urls = picture(size=(800, 600), colour="teal"), []

    def store() -> None:
        with app.app_context():
            urls.append(store_image(data))

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(urls) == 8
    assert len(set(urls)) == 1
    assert opened(urls[0]).size == (800, 600)


def test_nothing_but_the_pixels_is_kept() -> None:
    image = Image.new("RGB", (40, 30), "red")
    exif = image.getexif()
    exif[0x010E] = SECRET.decode()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    files = [
        saved(image, "JPEG", exif=exif, comment=SECRET),
        saved(image, "PNG", pnginfo=text, exif=exif),
        saved(image, "WEBP", exif=exif),
        picture() + SECRET,
    ]
    assert all(SECRET in data for data in files)

    for data in files:
        assert SECRET not in file_of(store_image(data)).read_bytes()


def test_a_photo_taken_with_the_phone_on_its_side_stands_upright() -> None:
    image = Image.new("RGB", (40, 30), "red")
    exif = image.getexif()
    exif[0x0112] = 6  # turn by 90 degrees to look at it

    assert opened(store_image(saved(image, "JPEG", exif=exif))).size == (30, 40)


def test_a_large_photo_is_shrunk() -> None:
    assert opened(store_image(picture("JPEG", (3_000, 1_500)))).size == (2_000, 1_000)


def test_what_is_drawn_on_nothing_is_drawn_on_white() -> None:
    drawing = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    drawing.putpixel((0, 0), (0, 0, 0, 255))

    kept = opened(store_image(saved(drawing, "WEBP", lossless=True)))

    assert kept.getpixel((30, 20)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        saved(Image.new("RGB", (9, 9)), "GIF"),
        saved(Image.new("RGB", (9, 9)), "BMP"),
        saved(Image.new("RGB", (9, 9)), "TIFF"),
        picture("PNG")[:60],
        picture("JPEG", (400, 300))[:300],
        b"\xff\xd8\xff\xe0" + b"\0" * 200,
        b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 8,
    ],
)
def test_what_is_no_readable_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BlobRefused, match="not a PNG, JPEG or WebP picture"):
        store_image(data)


def test_a_picture_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(BlobRefused, match="larger than 10 MB"):
        store_image(picture() + b"\0" * MAX_BYTES)


@pytest.mark.parametrize("side", [6_400, 20_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    """Some kilobytes that would be hundreds of megabytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    size = side.to_bytes(4, "big") * 2
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x00\x00\x00\x00")
    bomb = head + chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + chunk(b"IEND", b"")

    with pytest.raises(BlobRefused):
        store_image(bomb)


def test_a_data_url_is_kept_like_a_file() -> None:
    data = picture(colour="navy")

    url = store_data_url("data:image/png;base64," + base64.b64encode(data).decode())

    assert url == store_image(data)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data:text/html;base64,PGI+",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/png;base64,%%%",
        "data:image/png,raw",
        "https://example.org/s.png",
        "data:image/png;base64,é",
    ],
)
def test_other_data_urls_are_refused(url: str) -> None:
    with pytest.raises(BlobRefused):
        store_data_url(url)
