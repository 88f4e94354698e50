"""Pictures as phones send them."""

import base64
import io

from PIL import Image


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: str = "red") -> bytes:
    output = io.BytesIO()
    Image.new("RGB", size, colour).save(output, kind)
    return output.getvalue()


def upload(colour: str = "red") -> tuple[io.BytesIO, str]:
    """A photo as a form's file field takes it."""
    return io.BytesIO(picture("JPEG", colour=colour)), "photo.jpg"


def signature() -> str:
    """What the pad puts into its hidden field."""
    return "data:image/png;base64," + base64.b64encode(picture()).decode()
