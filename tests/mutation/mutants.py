"""Mutants: what a small change to a module's source may be, found by walking its syntax tree.

What changes nothing that a test could notice in reasonable time is left alone: texts for people, annotations, how long
is waited at most, how many points a check is worth, how many digits a number is rounded to.
"""

from __future__ import annotations

import ast
import copy
import difflib
from dataclasses import dataclass
from pathlib import Path

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "startswith": "endswith", "endswith": "startswith"}
PATIENCE = frozenset({"within", "timeout", "every", "limit", "longest", "points"})
"""Names of what is given to others and changes only how long is waited, or what a check is worth."""


@dataclass(frozen=True)
class Mutant:
    """One change to one file.

    :param path: of the file, from the project's folder.
    :param line: of the change, from 1.
    :param first: the first line of the statement that it is in, ``last`` the last; of a function's head, of its body.
    :param start: offset in the file's bytes of what is replaced; ``end``: of what comes after it.
    :param names: module-level names that the statement binds; empty inside a function.
    :param head: it is in the head of a function: a decorator, a default.
    """

    path: str
    line: int
    first: int
    last: int
    start: int
    end: int
    text: str
    names: tuple[str, ...] = ()
    head: bool = False

    def apply(self, source: bytes) -> bytes:
        """Give the file's bytes with the change in them."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        """Give the change as a unified diff."""
        before, after = source.decode().splitlines(), self.apply(source).decode().splitlines()
        return "\n".join(difflib.unified_diff(before, after, self.path, self.path, n=0, lineterm=""))


def mutants(path: str, source: bytes) -> list[Mutant]:
    """Find every mutant of a file."""
    walker = _Walker(path, source)
    walker.visit(ast.parse(source))
    return walker.found


def of_files(root: Path, paths: list[str]) -> list[Mutant]:
    """Find every mutant of several files, in order."""
    return [mutant for path in paths for mutant in mutants(path, (root / path).read_bytes())]


class _Walker(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes) -> None:
        self.path = path
        self.found: list[Mutant] = []
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._source = source
        self._statement: ast.stmt | None = None
        self._depth = 0
        self._body: ast.FunctionDef | None = None
        """The function whose head is visited: what stands there matters where its body runs."""

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _add(self, node: ast.expr | ast.stmt, text: str) -> None:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        statement = self._statement or node
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        if isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef, ast.ClassDef)):
            last = max(end_line, node.lineno)  # its head, not what stands in it
        if self._body:
            first, last = self._body.body[0].lineno, self._body.end_lineno or self._body.lineno
        names: tuple[str, ...] = ()
        if not self._depth and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            bound = [part for target in targets for part in ast.walk(target)]
            names = tuple(part.id for part in bound if isinstance(part, ast.Name))
        start, end = self._offset(node.lineno, node.col_offset), self._offset(end_line, end_column)
        head = self._body is not None
        self.found.append(Mutant(self.path, node.lineno, first, last, start, end, text, names, head))

    def _replace(self, node: ast.expr, by: ast.expr) -> None:
        text = ast.unparse(by)
        self._add(node, text if isinstance(by, (ast.Constant, ast.Name, ast.Call)) else f"({text})")

    def visit(self, node: ast.AST) -> None:
        """Walk on, remembering the statement that one is in."""
        outer = self._statement
        if isinstance(node, ast.stmt):
            self._statement = node
        super().visit(node)
        self._statement = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Leave annotations and the docstring alone."""
        self._body = node
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name):
                self.visit(decorator)
        arguments = [*node.args.posonlyargs, *node.args.args][-len(node.args.defaults) :] if node.args.defaults else []
        parameters: list[tuple[ast.arg, ast.expr | None]] = [*zip(arguments, node.args.defaults, strict=True)]
        parameters += [*zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
        for name, default in parameters:
            if default and name.arg not in PATIENCE:
                self.visit(default)
        self._body = None
        self._depth += 1
        for statement in node.body:
            self.visit(statement)
        self._depth -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Leave its decorators and bases alone."""
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Leave the annotation alone."""
        if node.value:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        """Turn its condition, unless it is there for type checkers."""
        if ast.unparse(node.test) == "TYPE_CHECKING":
            return
        self._turned(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Turn its condition."""
        self._turned(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """Drop a condition."""
        for condition in node.ifs:
            self._replace(condition, ast.Constant(True))
        self.generic_visit(node)

    def _turned(self, test: ast.expr) -> None:
        if not isinstance(test, (ast.Compare, ast.UnaryOp)):
            self._replace(test, ast.UnaryOp(ast.Not(), test))

    def visit_Compare(self, node: ast.Compare) -> None:
        """Another comparison; another text compared with."""
        for number, operator in enumerate(node.ops):
            for replacement in COMPARED[type(operator)]:
                changed = copy.deepcopy(node)
                changed.ops[number] = replacement()
                self._replace(node, changed)
        for part in (node.left, *node.comparators):
            for text in [part, *part.elts] if isinstance(part, (ast.Tuple, ast.Set, ast.List)) else [part]:
                self._other_text(text)
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        """Other texts in it."""
        for element in node.elts:
            self._other_text(element)
        self.generic_visit(node)

    def _other_text(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            self._replace(node, ast.Constant(f"X{node.value}"))

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """The other operator; without one of the operands."""
        self._replace(node, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))
        for number in range(len(node.values)):
            operands = [*node.values[:number], *node.values[number + 1 :]]
            self._replace(node, operands[0] if len(operands) == 1 else ast.BoolOp(node.op, operands))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Without the ``not``, or the sign."""
        if isinstance(node.op, (ast.Not, ast.USub)):
            self._replace(node, node.operand)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Another operator, except between texts."""
        texts = any(isinstance(part, ast.JoinedStr) or _is_text(part) for part in (node.left, node.right))
        if (operator := COMPUTED.get(type(node.op))) and not texts:
            self._replace(node, ast.BinOp(node.left, operator(), node.right))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Another number, or truth value."""
        value = node.value
        if isinstance(value, bool):
            self._replace(node, ast.Constant(not value))
        elif isinstance(value, int):
            self._replace(node, ast.Constant(value + 1))
            if value >= 10:
                self._replace(node, ast.Constant(value // 10))
        elif isinstance(value, float):
            self._replace(node, ast.Constant(value / 10 if value else 1.0))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """A text for people; and in Python 3.11 its parts have no places of their own."""

    def visit_Call(self, node: ast.Call) -> None:
        """Another function; without what only changes how long is waited."""
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in CALLED:
            changed = copy.deepcopy(node)
            if isinstance(changed.func, ast.Name):
                changed.func.id = CALLED[name]
            elif isinstance(changed.func, ast.Attribute):
                changed.func.attr = CALLED[name]
            self._replace(node, changed)
        self.visit(node.func)
        for argument in node.args[: 1 if name == "round" else None]:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in PATIENCE:
                self.visit(keyword.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Without a call that is made for its effect."""
        if isinstance(node.value, ast.Call):
            self._add(node, "pass")
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """Without it; what it says is for people."""
        self._add(node, "pass")
        self.visit(node.test)

    def visit_Raise(self, node: ast.Raise) -> None:
        """Without it; what it says is for people."""
        self._add(node, "pass")

    def visit_Return(self, node: ast.Return) -> None:
        """Give nothing."""
        # None in place of another that is as good as nothing matters to nobody.
        if node.value and not (isinstance(node.value, ast.Constant) and not node.value.value):
            self._add(node, "return None")
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        """The other way out of it."""
        self._add(node, "break")

    def visit_Break(self, node: ast.Break) -> None:
        """The other way out of it."""
        self._add(node, "continue")

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Without it."""
        self._add(node, "pass")
        self.visit(node.value)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
