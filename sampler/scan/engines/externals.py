"""External variables of one set of compiled rules: which there are, of what type, and with which values a scan runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from sampler.errors import RulesError, ScanError
from sampler.scan.engine import ExternalValue

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_INT64: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Externals:
    """The variables that rules were compiled with, and the values that hold where a scan gives none."""

    defined: Mapping[str, ExternalValue]

    @classmethod
    def define(cls, values: Mapping[str, ExternalValue]) -> Self:
        """Variables of the types of ``values``.

        Raises:
            RulesError: a name is no identifier, or a value is of no type that rules know or too large.
        """
        for name in values:
            if not _NAME.fullmatch(name):
                raise RulesError(f"{name!r} cannot be the name of an external variable; use letters, digits and _")
        try:
            return cls({name: _fit(name, value, type(value)) for name, value in values.items()})
        except ScanError as error:
            raise RulesError(str(error)) from error

    def settled(self, given: Mapping[str, ExternalValue]) -> dict[str, ExternalValue]:
        """Every variable with its value for one scan; what is given beyond those is passed over.

        Raises:
            ScanError: a value is not of its variable's type.
        """
        return {
            name: _fit(name, given[name], type(value)) if name in given else value
            for name, value in self.defined.items()
        }


def _fit(name: str, value: ExternalValue, kind: type) -> ExternalValue:
    if type(value) is int and kind is float:
        return float(value)
    if type(value) is not kind or kind not in (str, int, float, bool):
        raise ScanError(f"the external variable {name} is of type {kind.__name__}, {value!r} is not")
    if isinstance(value, str):
        return _text(value)
    if kind is int and value not in _INT64:
        raise ScanError(f"the external variable {name} is {value}, which is more than 64 bits hold")
    return value


def _text(value: str) -> str:
    """As every engine can take it: encodable, and only up to a NUL, for libyara's texts end there."""
    return value.partition("\0")[0].encode("utf-8", "backslashreplace").decode()
