"""Schemas of forms and their expressions: pure functions, no database.

schema = read_schema(raw)                                   # raises Invalid, one error per fault
faults = schema.check(answers, now=now(), time_zone="Asia/Aden")   # [] where all is well
schema.evaluate(answers, …).answers                         # with calculations, without what is not relevant
schema.diff(newer)                                          # added, removed, retyped, changed, breaking
"""

from portal.collect.language.checking import Checked, Fault
from portal.collect.language.diff import Diff
from portal.collect.language.expressions import ExpressionError, compile_expression
from portal.collect.language.kinds import KINDS
from portal.collect.language.schema import Choice, Field, Schema, read_schema, words

__all__ = [
    "KINDS",
    "Checked",
    "Choice",
    "Diff",
    "ExpressionError",
    "Fault",
    "Field",
    "Schema",
    "compile_expression",
    "read_schema",
    "words",
]
