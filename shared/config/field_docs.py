"""The text that stands below each field of a model, for the documents that are made of the models.

Pydantic reads these texts, too (`use_attribute_docstrings`), but when a class is made: every worker would
read its own source at every start, which is a sixth of the time of its imports.
"""

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import cast

from pydantic import BaseModel


def field_doc(model: type[BaseModel], field: str) -> str:
    """Return the text below a field, in the class that declares it last; empty if there is none."""
    declaring = next(cls for cls in model.__mro__ if field in inspect.get_annotations(cls))
    return _field_docs(declaring).get(field, "")


@cache
def _field_docs(model: type) -> dict[str, str]:
    body = cast("ast.ClassDef", ast.parse(dedent(inspect.getsource(model))).body[0]).body
    found = {}
    for statement, next_one in pairwise(body):
        match statement, next_one:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                found[name] = inspect.cleandoc(doc)
    return found
