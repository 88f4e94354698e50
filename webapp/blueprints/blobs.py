"""Pictures of proofs and incidents, for those who may see the delivery."""

from flask import Blueprint, Response, abort, current_app, send_file

from backend_services.deliveries.queries import is_picture_of_driver
from webapp.access import signed_in
from webapp.acting import own_driver_id
from webapp.blob_stores import BlobStore
from webapp.blobs import NAME
from webapp.database import db

blobs = Blueprint("blobs", __name__)


@blobs.get("/blobs/<name>")
@signed_in
def show(name: str) -> Response:
    """One picture; a driver sees those of own deliveries only."""
    driver_id = own_driver_id()
    if not NAME.fullmatch(name):
        abort(404)
    if driver_id is not None and not is_picture_of_driver(db.session(), f"/blobs/{name}", driver_id):
        abort(404)
    kept: BlobStore = current_app.extensions["blobs"]
    blob = kept.find(name)
    if blob is None:
        abort(404)
    response = send_file(
        blob.content,
        mimetype="image/png" if name.endswith("png") else "image/jpeg",
        last_modified=blob.kept_at,
        etag=name,
        max_age=3600,
        conditional=True,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, max-age=3600, immutable"
    return response
