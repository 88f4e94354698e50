"""Planning routes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    DecimalField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    StringField,
    TimeField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from webapp.forms.fields import command_id_field, no_controls, stripped, text_field
from webapp.presentation import FORM_FORMAT, from_local

EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - local times of a form
USUAL_LEG = timedelta(minutes=15)
LONGEST_LEG = timedelta(hours=12)
FIRST_ROWS, MORE_ROWS, MOST_ROWS = 5, 5, 60
PLACE_INPUT = {"list": "places", "autocomplete": "off", "data-places": ""}


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
    origin = text_field("From", description="Where the route starts, e.g. the depot.", render_kw=PLACE_INPUT)
    destination = text_field("To", render_kw=PLACE_INPUT)
    start = moment_field("Start")


class RouteDetailsForm(RouteForm):
    moves = BooleanField("Move the checkpoints' times along with the start")


class StopRow(Form):  # type: ignore[misc]
    """One line of a new route's checkpoints; empty lines don't count."""

    location = StringField(
        "Place",
        validators=[Optional(), Length(max=200), no_controls],
        filters=[stripped],
        render_kw=PLACE_INPUT,
    )
    at = TimeField("Expected at", validators=[Optional()])


class NewRouteForm(RouteForm):
    """A route and its first checkpoints, each with a time of the day: the next time the clock shows it."""

    stops = FieldList(FormField(StopRow), min_entries=FIRST_ROWS, max_entries=MOST_ROWS)

    def add_rows(self) -> None:
        """More empty lines, up to the most."""
        for _ in range(min(MORE_ROWS, MOST_ROWS - len(self.stops))):
            self.stops.append_entry()

    def planned_stops(self) -> list[tuple[str, datetime]] | None:
        """The places with their local times; None when a line can't be right, said at its field.

        A line without a time is a usual leg after the one above.
        """
        before, planned, is_right = self.start.data, [], True
        for row in (entry.form for entry in self.stops):
            if not row.location.data:
                if row.at.data is not None:
                    row.location.errors = ["Which place?"]
                    is_right = False
                continue
            at = before + USUAL_LEG if row.at.data is None else _next_time(before, row.at.data)
            if at - before > LONGEST_LEG:
                row.at.errors = [f"Must be after {before:%H:%M}, the line above."]
                is_right = False
            planned.append((row.location.data, at))
            before = at
        return planned if is_right else None


class CheckpointForm(FlaskForm):  # type: ignore[misc]
    command_id = command_id_field()
    sequence = IntegerField("No.", validators=[InputRequired("A number, please."), NumberRange(1, 1_000_000)])
    location = text_field("Place", render_kw=PLACE_INPUT)
    expected = moment_field("Expected at")
    address = StringField(
        "Address", validators=[Optional(), Length(max=200), no_controls], filters=[stripped]
    )
    latitude = DecimalField("Latitude", validators=[Optional(), NumberRange(-90, 90)], places=None)
    longitude = DecimalField("Longitude", validators=[Optional(), NumberRange(-180, 180)], places=None)

    was = HiddenField()

    def keeps_old_coordinates(self) -> bool:
        """Whether the place was renamed while its coordinates stayed as they were."""
        old = was_text(self.location.data, self.latitude.data, self.longitude.data)
        name, _, coordinates = (self.was.data or "").rpartition("@")
        return bool(name) and name != self.location.data and old.endswith(f"@{coordinates}")

    def validate(self, extra_validators: Any = None) -> bool:
        """Both coordinates or neither."""
        if not super().validate(extra_validators):
            return False
        if (self.latitude.data is None) != (self.longitude.data is None):
            missing = self.longitude if self.longitude.data is None else self.latitude
            missing.errors = ["Latitude and longitude go together."]
            return False
        return True


class DuplicateForm(FlaskForm):  # type: ignore[misc]
    """With `driver` or `vehicle` the copy is for a delivery that clashed: they are carried on to it.

    A copy in the past may be planned, but isn't activated at once: that is most likely a slip of the keyboard.
    """

    command_id = command_id_field()
    start = moment_field("New start")
    activate = BooleanField("Activate the copy at once")
    driver = HiddenField()
    vehicle = HiddenField()

    def validate_start(self, start: DateTimeLocalField) -> None:
        if (
            self.activate.data
            and start.data
            and from_local(start.data) < datetime.now(UTC) - timedelta(days=1)
        ):
            raise ValidationError(
                "This is in the past. Choose a later start, or don't activate the copy at once."
            )


def was_text(location: str, latitude: Any, longitude: Any) -> str:
    """A checkpoint's place before it is changed, in one hidden field."""
    rounded = [f"{float(degrees):.6f}" for degrees in (latitude, longitude) if degrees is not None]
    return f"{location}@{','.join(rounded)}"


def _next_time(after: datetime, at: Any) -> datetime:
    moment = datetime.combine(after.date(), at)
    return moment if moment > after else moment + timedelta(days=1)
