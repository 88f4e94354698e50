"""What a program may name as signature and photos: an event can't be changed, so nothing doubtful gets into it."""

import base64

import pytest

from tests.webapp.api.conftest import Program
from tests.webapp.driver.pictures import picture
from tests.webapp.pages.scene import Scene

UNKNOWN = f"/blobs/{'0' * 64}.png"
DATA_URL = "data:image/png;base64," + base64.b64encode(picture()).decode()
DOUBTFUL = [
    "javascript:alert(1)",
    "file:///etc/passwd",
    "notaurl",
    "//evil/x.png",
    " https://example.org/x.png",
    "https://example.org/x.png\n",
    "http://user:pw@example.org/x.png",
    "https://good.example\\@evil.example/x",
    "https://",
    "https://[::1/x.png",
    "https://example.org:99999/x.png",
    "https://example.org/" + "x" * 2_000,
    "HTTPS:example.org",
    "/blobs/",
    "/blobs/../secret_key",
    UNKNOWN,
    "data:text/html;base64,PGI+",
    "data:image/png;base64,AAAA",
]


@pytest.fixture
def proof(scene: Scene) -> str:
    """Where to send the proof of a delivery that is out for delivery."""
    return f"/deliveries/{scene.add_running_delivery(stops=1, reached=1).delivery_id}/proof-of-delivery"


def body(signature: str = "https://example.org/s.png", *photos: str) -> dict[str, object]:
    return {"receiverName": "Reception", "signatureUrl": signature, "photoUrls": list(photos)}


@pytest.mark.parametrize("doubtful", DOUBTFUL)
def test_what_is_no_address_of_a_picture_is_refused_at_its_field(
    program: Program, scene: Scene, proof: str, doubtful: str
) -> None:
    before = scene.count_events()
    assert "picture" in program.refused(program.post(proof, body(doubtful)), "signatureUrl")
    program.refused(
        program.post(proof, body(DATA_URL, "https://example.org/p.png", doubtful)), "photoUrls[1]"
    )
    assert scene.count_events() == before


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/s.png",
        "HTTP://127.0.0.1:8080/s?x=1&y=%20#part",
        "https://[::1]/s.png",
        "https://bücher.example/ä.png",
    ],
)
def test_web_addresses_are_kept_as_they_are(program: Program, proof: str, address: str) -> None:
    assert program.post(proof, body(address, address)).status_code == 200
    kept = program.get(proof.replace("proof-of-delivery", "completed-summary")).get_json()["proof"]
    assert (kept["signatureUrl"], kept["photoUrls"]) == (address, [address])


def test_pictures_are_kept_and_may_be_named_again(program: Program, scene: Scene, proof: str) -> None:
    assert program.post(proof, body(DATA_URL, DATA_URL)).status_code == 200
    kept = program.get(proof.replace("proof-of-delivery", "completed-summary")).get_json()["proof"]
    assert kept["signatureUrl"].startswith("/blobs/")
    assert kept["photoUrls"] == [kept["signatureUrl"]]
    assert program.ask("GET", kept["signatureUrl"]).status_code == 200
    other = scene.add_running_delivery(stops=1, reached=1).delivery_id
    again = program.post(f"/deliveries/{other}/proof-of-delivery", body(kept["signatureUrl"]))
    assert again.status_code == 200
