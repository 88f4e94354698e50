"""The phone's forms: as few words to type as possible."""

from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField
from wtforms.validators import AnyOf, InputRequired

from backend_services.deliveries.commands import DeliveryStatus, FailureReason
from webapp.forms.deliveries import FailForm, IncidentForm, note_field
from webapp.presentation import words

OWN_REASONS = [reason for reason in FailureReason if reason is not FailureReason.CANCELLED_BY_DISPATCHER]


class CantDeliverForm(FailForm):
    """`expected` is the status that the page showed."""

    reason = RadioField(
        "Why?",
        choices=[(reason.value, words(reason)) for reason in OWN_REASONS],
        validators=[InputRequired("Please choose one.")],
    )
    expected = HiddenField(validators=[AnyOf([status.value for status in DeliveryStatus])])
    photo = FileField("Photo (optional)", render_kw={"accept": "image/*"})


class TroubleForm(IncidentForm):
    """An incident whose words may be left out: its type says enough."""

    description = note_field("Note (optional)")
