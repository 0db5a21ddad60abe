"""FWAPI's checks of the values of a firewall rule (sdc-fwapi lib/rule.js, fwrule lib/)."""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import ErrorItem, Refusal
from smartdc.emulator.javascript.texts import length
from smartdc.emulator.javascript.truth import is_true
from smartdc.emulator.rules.firewall_reader import read_rule
from smartdc.emulator.state.firewall_rules import BadRule, Rule, SenselessRule

LONGEST_DESCRIPTION = 255


def checked_values(values: dict[str, Any]) -> dict[str, Any]:
    """Check the values and return them as they are stored.

    Raises:
        Refusal: 422, with all errors.
    """
    errors: list[ErrorItem] = []
    senseless: SenselessRule | None = None
    checked = dict(values)
    if "rule" in values:
        try:
            checked["rule"] = _read(values["rule"])
        except SenselessRule as bad:
            senseless = bad  # reported only if all values are valid
        except BadRule as bad:
            errors.append(parameter_error("rule", str(bad)))
    for name in ("enabled", "log"):
        if name in values:
            if not (isinstance(values[name], bool) or values[name] in ("true", "false")):
                errors.append(parameter_error(name, f"{name} must be true or false"))
            checked[name] = values[name] in (True, "true")
    description = values.get("description", "")
    if not isinstance(description, str):
        errors.append(parameter_error("description", "description must be a string"))
    elif length(description) > LONGEST_DESCRIPTION:
        message = f"description must be shorter than {LONGEST_DESCRIPTION} characters"
        errors.append(parameter_error("description", message))
    if senseless is not None and not errors:
        errors.append(parameter_error("rule", str(senseless)))
    if errors:
        raise invalid_parameters(errors)
    return checked


def _read(text: Any) -> Rule:
    if not is_true(text):
        raise BadRule("No rule specified")
    if not isinstance(text, str):
        raise BadRule("rule must be a string")
    return read_rule(text)


def invalid_parameters(errors: list[ErrorItem]) -> Refusal:
    """FWAPI's refusal of invalid values."""
    return Refusal(422, "InvalidParameters", "Invalid parameters", errors)


def parameter_error(field: str, message: str) -> ErrorItem:
    """One item of FWAPI's ``errors``."""
    return {"field": field, "code": "InvalidParameter", "message": message}
