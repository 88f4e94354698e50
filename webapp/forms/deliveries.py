"""Deliveries: failing, retrying, incidents, proof."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, MultipleFileField
from wtforms import HiddenField, RadioField, SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from backend_services.deliveries.commands import FailureReason, IncidentType, Severity
from webapp.forms.fields import command_id_field, no_controls, stripped, text_field
from webapp.presentation import words


def note_field(label: str = "Note") -> TextAreaField:
    """A longer text that may stay empty."""
    validators = [Optional(), Length(max=2000), no_controls]
    return TextAreaField(label, validators=validators, filters=[stripped], render_kw={"rows": 2})


class FailForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    reason = SelectField("Reason", choices=[(reason.value, words(reason)) for reason in FailureReason])
    note = note_field()


class FailManyForm(FailForm):
    """Several at once have no likely reason in common, so one has to be chosen."""

    reason = SelectField(
        "Reason",
        choices=[("", "Choose a reason"), *((reason.value, words(reason)) for reason in FailureReason)],
        validators=[InputRequired("Please choose a reason.")],
    )


class IncidentForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    type = RadioField(
        "What is it?",
        choices=[(kind.value, words(kind)) for kind in IncidentType],
        validators=[InputRequired("Please choose one.")],
    )
    severity = SelectField(
        "How bad?", choices=[(level.value, level.value.capitalize()) for level in Severity], default="medium"
    )
    description = TextAreaField(
        "What happened?",
        validators=[DataRequired("A few words, please."), Length(max=2000), no_controls],
        filters=[stripped],
        render_kw={"rows": 3},
    )
    photo = FileField("Photo (optional)", render_kw={"accept": "image/*", "capture": "environment"})


class ProofForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    receiver_name = text_field("Received by", render_kw={"autocomplete": "off"})
    delivered_to = SelectField(
        "Handed to",
        choices=[(name, name) for name in ("Receiver", "Colleague", "Neighbour", "Reception", "Safe place")],
    )
    signature = HiddenField()
    signature_file = FileField("Picture of the signature", render_kw={"accept": "image/*"})
    photos = MultipleFileField("Photos (up to 4)", render_kw={"accept": "image/*", "capture": "environment"})
    note = note_field()
