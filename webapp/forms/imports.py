"""Uploading and confirming imports."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, SelectField
from wtforms.fields import SelectChoice

ACCEPTED = {"accept": ".csv,.txt,.tsv,text/csv,text/plain"}


class UploadForm(FlaskForm):  # type: ignore[misc]
    file = FileField(
        "CSV file",
        validators=[FileRequired("Please choose a file.")],
        render_kw=ACCEPTED,
    )

    def mark_file(self) -> None:
        """Put the focus on the field, whose error is read out with it."""
        self.file.render_kw = {**ACCEPTED, "autofocus": True}


class RoutesUploadForm(UploadForm):
    dates = SelectField(
        "Dates with slashes",
        choices=[
            SelectChoice("day", "Day first: 31/12/2026"),
            SelectChoice("month", "Month first: 12/31/2026"),
        ],
    )


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    with_alike = BooleanField("Also import what seems to be there already")
    activates = BooleanField("Activate the routes at once, so that deliveries can be created")
