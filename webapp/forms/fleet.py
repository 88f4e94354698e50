"""Drivers and vehicles."""

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import Length, Optional

from webapp.forms.fields import command_id_field, no_controls, stripped, text_field
from webapp.presentation import words

SETTABLE_DRIVER = ("Available", "Unavailable", "Suspended")
SETTABLE_VEHICLE = ("Available", "Maintenance", "OutOfService")


class DriverForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    name = text_field("Name")
    driver_license = text_field("Driver's licence", description="Its number.")


class VehicleForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    registration = text_field("Registration", description="The plate, or what is painted on the bike.")
    vehicle_type = text_field("Type", render_kw={"list": "types"}, description="Van, cargo bike, truck, …")


class DriverStatusForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    status = SelectField("Status", choices=[(name, words(name)) for name in SETTABLE_DRIVER])
    reason = StringField("Reason", validators=[Optional(), Length(max=200), no_controls], filters=[stripped])


class VehicleStatusForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    status = SelectField("Status", choices=[(name, words(name)) for name in SETTABLE_VEHICLE])
    reason = StringField("Reason", validators=[Optional(), Length(max=200), no_controls], filters=[stripped])
