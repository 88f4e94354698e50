"""From the forms that drivers and dispatchers share to commands, with pictures stored on the way."""

from typing import Any

from flask import abort, request
from flask_wtf.file import FileField

from backend_services.deliveries.commands import (
    CaptureProof,
    ChangeDeliveryStatus,
    DeliveryStatus,
    IncidentType,
    ReportIncident,
    Severity,
)
from webapp.blobs import BlobRefused, store_data_url, store_image
from webapp.forms.deliveries import FailForm, IncidentForm, ProofForm
from webapp.presentation import words

MAX_PHOTOS = 4


def move_command(delivery_id: str) -> ChangeDeliveryStatus:
    """What a button "Start", "Out for delivery" and so on sends; what its page showed must still be the status."""
    try:
        status = DeliveryStatus(request.form.get("status", ""))
    except ValueError:
        abort(400, "There is no such status.")
    return ChangeDeliveryStatus(delivery_id=delivery_id, status=status, expected_status=shown_status())


def fail_command(delivery_id: str, form: FailForm, expected: DeliveryStatus) -> ChangeDeliveryStatus:
    """What a valid form "It can't be delivered" sends, for a delivery that is still `expected`."""
    return ChangeDeliveryStatus(
        delivery_id=delivery_id,
        status=DeliveryStatus.FAILED,
        expected_status=expected,
        reason=form.reason.data,
        note=form.note.data or None,
    )


def shown_status() -> DeliveryStatus:
    """The status that the form's page showed (`expected`): only what is still in it may be changed by the form."""
    try:
        return DeliveryStatus(request.form.get("expected", ""))
    except ValueError:
        abort(400, "There is no such status.")


def proof_command(delivery_id: str, form: ProofForm) -> CaptureProof | None:
    """The command of a valid form, its pictures stored; None when one is refused, said at its field."""
    signature = _signature(form)
    photos = _photos(form)
    if signature is None or photos is None:
        return None
    return CaptureProof(
        delivery_id=delivery_id,
        receiver_name=form.receiver_name.data,
        signature_url=signature,
        photo_urls=tuple(photos),
        note=form.note.data or None,
        delivered_to=form.delivered_to.data,
    )


def incident_command(delivery_id: str, form: IncidentForm) -> ReportIncident | None:
    """The command of a valid form, its photo stored; None when that is refused, said at its field.

    Where nothing was written the type is the description.
    """
    photo_url = stored_photo(form.photo)
    if form.photo.errors:
        return None
    return ReportIncident(
        delivery_id=delivery_id,
        type=IncidentType(form.type.data),
        description=form.description.data or f"{words(form.type.data)}.",
        severity=Severity(form.severity.data),
        photo_url=photo_url,
    )


def stored_photo(field: FileField) -> str | None:
    """The address of a form's photo, now stored; None where there is none, or it is refused, said at the field."""
    if not field.data:
        return None
    try:
        return store_image(field.data.read())
    except BlobRefused as error:
        field.errors = [str(error)]
        return None


def _signature(form: ProofForm) -> str | None:
    try:
        if form.signature.data:
            return store_data_url(form.signature.data)
        if form.signature_file.data:
            return store_image(form.signature_file.data.read())
    except BlobRefused as error:
        form.signature_file.errors = [str(error)]
        return None
    form.signature_file.errors = ["Please have it signed, or add a picture of the signature."]
    return None


def _photos(form: ProofForm) -> list[str] | None:
    files: list[Any] = [file for file in form.photos.data or [] if file and file.filename]
    if len(files) > MAX_PHOTOS:
        form.photos.errors = [f"At most {MAX_PHOTOS} photos."]
        return None
    try:
        return [store_image(file.read()) for file in files]
    except BlobRefused as error:
        form.photos.errors = [str(error)]
        return None
