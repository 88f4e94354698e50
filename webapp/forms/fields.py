"""Fields that several forms share."""

import re
from typing import Any

from wtforms import HiddenField, StringField, ValidationError
from wtforms.validators import DataRequired, Length

from eventstore.doors import new_id

_controls = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def stripped(text: str | None) -> str:
    """A text without surrounding blanks."""
    return (text or "").strip()


def has_controls(text: str) -> bool:
    """Whether there are control characters, which no keyboard types."""
    return _controls.search(text) is not None


def no_controls(_form: Any, field: Any) -> None:
    """Refuse control characters."""
    if field.data and has_controls(field.data):
        raise ValidationError("This contains characters that can't be stored.")


def text_field(label: str, *, longest: int = 200, **more: Any) -> StringField:
    """A required line of text."""
    validators = [DataRequired("Please fill this in."), Length(max=longest), no_controls]
    return StringField(label, validators=validators, filters=[stripped], **more)


def command_id_field() -> HiddenField:
    """The id of the command that the form sends: a double click or a re-send is one command."""
    return HiddenField(default=new_id)


def renew_command_id(form: Any) -> None:
    """What was sent got its answer; the form's next attempt is another command. `form` may be None."""
    if form is not None:
        form.command_id.data = new_id()
