# SPDX-License-Identifier: Apache-2.0
"""Declaring a parameter table on a node: descriptors, the check of the values given at start, and the check of every later change."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, ParameterType, SetParametersResult

from plcv_ros.nodes import compat
from plcv_ros.nodes.parameters import ParameterError, Row, Value

_TYPES = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
}

_NOT_OURS = ("use_sim_time", "start_type_description_service", "qos_overrides.")


def describe(row: Row) -> ParameterDescriptor:
    """The descriptor that ``ros2 param describe`` shows."""
    descriptor = ParameterDescriptor(name=row.name, type=_TYPES[type(row.default)], description=row.description, read_only=row.read_only)
    if row.choices is not None:
        descriptor.additional_constraints = row.expected
    if row.low is not None and row.high is not None:
        if isinstance(row.default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(row.low), to_value=float(row.high))]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(row.low), to_value=int(row.high))]
    return descriptor


def declare(node: Any, rows: Sequence[Row], apply: Callable[[dict[str, Value]], None]) -> dict[str, Value]:
    """Declare ``rows`` on ``node``; returns their values, a dict that follows later changes.

    ``apply(changed)`` is called for every accepted change at run time and may still refuse it by raising ParameterError. Raises
    ParameterError for a value given at start that its row does not allow. Names that no row knows are warned of: they change nothing. So are
    values, other than the default, of parameters that do nothing beside the others; at run time they are refused.
    """
    overrides = compat.parameter_overrides(node)
    values = {row.name: row.check(overrides.get(row.name, row.default)) for row in rows}
    for row in rows:
        node.declare_parameter(row.name, values[row.name], describe(row), ignore_override=True)
    _warn_of_strangers(node, overrides, values)
    _warn_of_idle(node, rows, overrides, values)
    by_name = {row.name: row for row in rows}

    def on_set(parameters: list[Any]) -> SetParametersResult:
        try:
            changed = {p.name: by_name[p.name].check(p.value) for p in parameters if p.name in by_name}
            _refuse_idle([by_name[name] for name, value in changed.items() if value != values[name]], {**values, **changed})
            if changed:
                apply({**values, **changed})
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        values.update(changed)
        return SetParametersResult(successful=True)

    compat.accept_integers_for_doubles(node, [row.name for row in rows if isinstance(row.default, float)])
    node.add_on_set_parameters_callback(on_set)
    return values


def _warn_of_strangers(node: Any, overrides: dict[str, Any], values: dict[str, Value]) -> None:
    for name in sorted(overrides):
        if name in values or name.startswith(_NOT_OURS):
            continue
        close = difflib.get_close_matches(name, values, n=1)
        node.get_logger().warning(f"unknown parameter {name!r} is ignored" + (f"; did you mean {close[0]!r}?" if close else ""))


def _warn_of_idle(node: Any, rows: Sequence[Row], overrides: dict[str, Any], values: dict[str, Value]) -> None:
    for row in rows:
        # A parameter file may list every parameter: the default says nothing.
        if row.name in overrides and values[row.name] != row.default and (why := row.idle(values)):
            node.get_logger().warning(f"parameter {row.name} = {values[row.name]} does nothing: {why}")


def _refuse_idle(rows: Sequence[Row], values: dict[str, Value]) -> None:
    for row in rows:
        if why := row.idle(values):
            raise ParameterError(row.name, values[row.name], f"no change: {why}")
