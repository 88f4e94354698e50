"""Signing in, the first account, and people."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from webapp.accounts.passwords import LONGEST, SHORTEST
from webapp.forms.fields import stripped, text_field

PASSWORD_HINT = f"At least {SHORTEST} characters; a few words are easier to remember than symbols."


def username_field() -> StringField:
    """What a person types to sign in."""
    allowed = Regexp(r"^[\w.@+-]+$", message="Letters, digits and . @ + - _ only.")
    return StringField(
        "Username",
        validators=[InputRequired("Please fill this in."), Length(min=2, max=80), allowed],
        filters=[stripped],
    )


def new_password_field(label: str = "Password") -> PasswordField:
    """A password that is being chosen."""
    length = Length(SHORTEST, LONGEST, message=PASSWORD_HINT)
    return PasswordField(
        label, validators=[InputRequired("Please fill this in."), length], description=PASSWORD_HINT
    )


class SignInForm(FlaskForm):  # type: ignore[misc]
    username = text_field(
        "Username", longest=80, render_kw={"autocomplete": "username", "autocapitalize": "none"}
    )
    password = PasswordField(
        "Password",
        validators=[InputRequired("Please fill this in.")],
        render_kw={"autocomplete": "current-password"},
    )


class SetupForm(FlaskForm):  # type: ignore[misc]
    code = text_field("One-time code", description="Waybill printed it when it started.")
    display_name = text_field("Your name", render_kw={"autocomplete": "name"})
    username = username_field()
    password = new_password_field()


class PersonForm(FlaskForm):  # type: ignore[misc]
    display_name = text_field("Name")
    username = username_field()
    role = SelectField("May", choices=[("dispatcher", "dispatch"), ("admin", "dispatch and manage people")])
    password = new_password_field("First password")


class PasswordForm(FlaskForm):  # type: ignore[misc]
    password = new_password_field("New password")


class DriverSignInForm(FlaskForm):  # type: ignore[misc]
    username = username_field()
    password = new_password_field("First password")
