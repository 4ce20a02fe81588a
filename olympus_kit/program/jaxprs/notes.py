"""Notes: jax itself tells the tangent or the adjoint of every value inside a body.

A loop's body has no inputs to spare for taps. A note is the identity as well, and what is left of
it in a derivative is an equation that says which value's derivative it has been handed. For
s = sin(x) in the body of a loop,

    s' = sin(x);  s = note(s', "4.0.2")     a name for the place where s is made
    s_dot = note(s'_dot, "4.0.2")           in the forward mode
    s'_bar = note(s_bar, "4.0.2")           in the backward pass, once all uses of s are added up

`without_notes` writes down what it finds and takes the equations out again: no program that is
read or run has any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.extend.core as jec
import jax.extend.source_info_util as source_info_util
from jax.interpreters import ad

from .basics import (
    Variable,
    is_dropped,
    is_inexact,
    is_literal,
    is_ref,
    map_equations,
    open_jaxpr,
    with_equations,
    with_programs,
)
from .bodies import bodies, has_bodies
from .marks import marked_path, scope_of

# what runs a body that is differentiated equation by equation
FOLLOWED = frozenset([
    "closed_call",
    "cond",
    "jit",
    "remat2",
    "scan",
    "while",
])

note_p = jec.Primitive("olympus_note")
note_p.def_impl(lambda value, place: value)
note_p.def_abstract_eval(lambda value, place: value)
# of the derivative: linear, and its own transpose
noted_p = jec.Primitive("olympus_noted")
noted_p.def_impl(lambda value, place: value)
noted_p.def_abstract_eval(lambda value, place: value)


def _derivative(
    primals: Any,
    tangents: Any,
    place: str,
) -> tuple[Any, Any]:
    (tangent,) = tangents
    if type(tangent) is not ad.Zero:
        tangent = noted_p.bind(tangent, place=place)
    return primals[0], tangent


def _transpose(
    cotangent: Any,
    _: Any,
    place: str,
) -> list[Any]:
    if type(cotangent) is ad.Zero:
        return [cotangent]
    return [noted_p.bind(cotangent, place=place)]


ad.primitive_jvps[note_p] = _derivative
ad.primitive_transposes[noted_p] = _transpose


def with_notes(jaxpr: Any) -> Any:
    """Return a marked program with a note on each value of its bodies that may have a derivative.

    The place of a value is the path of the equation that makes it and the number of the result,
    "4.0.2:0"; that of an input of a body, what a loop carries or scans, "4.0.in:1".
    """
    template = open_jaxpr(
        jax.make_jaxpr(lambda x: note_p.bind(x, place=""))(1.0)
    ).eqns[0]

    def noted(
        _: int,
        eqn: Any,
    ) -> Any:
        if eqn.primitive.name not in FOLLOWED:
            return eqn
        path = marked_path(scope_of(eqn))
        inside = iter(list(enumerate(bodies(eqn))))

        def change(program: Any) -> Any:
            number, origin = next(inside)
            if origin.is_test:
                return program
            return _body_with_notes(
                program, f"{path}.{number}", origin.shared, template, noted
            )

        return with_programs(eqn, change)

    return map_equations(jaxpr, noted)


def _body_with_notes(
    jaxpr: Any,
    path: str,
    shared: int,
    template: Any,
    noted: Callable[[int, Any], Any],
) -> Any:
    no_scope = source_info_util.new_name_stack()
    inner = open_jaxpr(jaxpr)
    invars, equations = list(inner.invars), []

    def note(
        variable: Any,
        place: str,
        source: Any,
    ) -> Any:
        """Add a note that makes a variable; return what stands for it before."""
        before = Variable(variable.aval)
        params = {"place": place}
        equations.append(
            template.replace(
                invars=[before],
                outvars=[variable],
                params=params,
                source_info=source,
            )
        )
        return before

    for place in range(shared, len(invars)):
        if _may_move(invars[place]):
            source = template.source_info.replace(name_stack=no_scope)
            invars[place] = note(invars[place], f"{path}.in:{place}", source)
    for index, eqn in enumerate(inner.eqns):
        position = len(equations)
        outvars = list(eqn.outvars)
        for place, variable in enumerate(outvars):
            if _may_move(variable):
                outvars[place] = note(
                    variable, f"{path}.{index}:{place}", eqn.source_info
                )
        equations.insert(position, noted(index, eqn.replace(outvars=outvars)))
    return with_equations(jaxpr, equations, invars)


def _may_move(variable: Any) -> bool:
    """Whether a value can have a derivative; a mutable array changes under its name."""
    if is_dropped(variable) or is_ref(variable):
        return False
    return is_inexact(getattr(variable.aval, "dtype", int))


def count_inside(jaxpr: Any) -> int:
    """Return how many equations the bodies of a program have."""
    count = 0
    for eqn in open_jaxpr(jaxpr).eqns:
        for body in bodies(eqn):
            count += len(open_jaxpr(body.jaxpr).eqns) + count_inside(body.jaxpr)
    return count


def without_notes(jaxpr: Any) -> tuple[Any, dict[str, Any]]:
    """Return a program without its notes, and {place: the variable that was noted there}."""
    found: dict[str, Any] = {}
    return _without(jaxpr, found), found


def _without(
    jaxpr: Any,
    found: dict[str, Any],
) -> Any:
    inner = open_jaxpr(jaxpr)
    same: dict[Any, Any] = {}  # what a note has made -> what it was handed

    def resolved(atoms: Any) -> list[Any]:
        return [
            atom if is_literal(atom) else same.get(atom, atom) for atom in atoms
        ]

    equations = []
    for eqn in inner.eqns:
        if eqn.primitive in (note_p, noted_p):
            (source,) = resolved(eqn.invars)
            same[eqn.outvars[0]] = source
            if eqn.primitive is noted_p and not is_literal(source):
                found.setdefault(eqn.params["place"], source)
            continue
        if has_bodies(eqn):
            eqn = with_programs(eqn, lambda program: _without(program, found))
        if same and any(not is_literal(v) and v in same for v in eqn.invars):
            eqn = eqn.replace(invars=resolved(eqn.invars))
        equations.append(eqn)  # most are as they were
    return with_equations(
        jaxpr, equations, inner.invars, resolved(inner.outvars)
    )
