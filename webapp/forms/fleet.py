"""Drivers and vehicles."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import Length, Optional

from webapp.forms.fields import command_id_field, no_controls, stripped, text_field
from webapp.presentation import words

SETTABLE_DRIVER = ("Available", "Unavailable", "Suspended")
SETTABLE_VEHICLE = ("Available", "Maintenance", "OutOfService")


class ConfirmedForm(FlaskForm):  # type: ignore[misc]
    """A form that must be sent twice when others are alike. `confirmed` names those that were shown."""

    command_id = command_id_field()
    confirmed = HiddenField()

    def is_confirmed(self, alike: list[str]) -> bool:
        """Whether exactly these others (by id, sorted) were shown; then shows them for the next time."""
        shown, present = self.confirmed.data or "", ",".join(alike)
        self.confirmed.data = present
        return bool(shown == present)


class DriverForm(ConfirmedForm):
    name = text_field("Name", render_kw={"autocomplete": "off"})
    driver_license = text_field(
        "Driver's licence", description="Its number.", render_kw={"autocomplete": "off"}
    )


class VehicleForm(ConfirmedForm):
    registration = text_field(
        "Registration",
        description="The plate, or what is painted on the bike.",
        render_kw={"autocomplete": "off"},
    )
    vehicle_type = text_field("Type", render_kw={"list": "types"}, description="Van, cargo bike, truck, …")


class DriverStatusForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    status = SelectField("Status", choices=[SelectChoice(name, words(name)) for name in SETTABLE_DRIVER])
    reason = StringField("Reason", validators=[Optional(), Length(max=200), no_controls], filters=[stripped])


class VehicleStatusForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    status = SelectField("Status", choices=[SelectChoice(name, words(name)) for name in SETTABLE_VEHICLE])
    reason = StringField("Reason", validators=[Optional(), Length(max=200), no_controls], filters=[stripped])
