"""Planning routes."""

from datetime import datetime
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, DecimalField, IntegerField, StringField, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from webapp.forms.fields import command_id_field, no_controls, stripped, text_field
from webapp.presentation import FORM_FORMAT

EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - local times of a form


def _sensible_year(_form: Any, field: Any) -> None:
    if field.data is not None and not EARLIEST <= field.data < LATEST:
        raise ValidationError("Please choose a year from 2000 to 2099.")


def moment_field(label: str, **more: Any) -> DateTimeLocalField:
    """A required local date and time."""
    return DateTimeLocalField(
        label,
        format=[FORM_FORMAT, "%Y-%m-%dT%H:%M:%S"],
        validators=[InputRequired("Please choose a date and time."), _sensible_year],
        **more,
    )


class RouteForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    origin = text_field("From", description="Where the route starts, e.g. the depot.")
    destination = text_field("To")
    start = moment_field("Start")


class CheckpointForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    sequence = IntegerField("No.", validators=[InputRequired("A number, please."), NumberRange(1, 1_000_000)])
    location = text_field("Place", render_kw={"list": "places", "autocomplete": "off"})
    expected = moment_field("Expected at")
    address = StringField(
        "Address", validators=[Optional(), Length(max=200), no_controls], filters=[stripped]
    )
    latitude = DecimalField("Latitude", validators=[Optional(), NumberRange(-90, 90)], places=None)
    longitude = DecimalField("Longitude", validators=[Optional(), NumberRange(-180, 180)], places=None)


class DuplicateForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    start = moment_field("New start")
