"""Statements of a Python plan: branches, loops, calls by themselves, and the end. Nothing is executed.

Variables are names for values: an assignment makes no task, a call does. What reads a variable later refers to the
value it had there, so the order of the statements says nothing but that.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.guards import Guard
from llmcompiler.plan import Join, Task, Thought
from llmcompiler.values import Ref, Template, Var, has_variable

from .assignments import LATER, Assignments
from .builder import MAX_FORKS
from .calls import dotted
from .comprehensions import loop_name, nested_loop, not_a_list
from .conditions import Constant, negated
from .expressions import Expressions
from .names import JOINS
from .refusals import EXITS, assigned, refusal, stored
from .source import Problem, unsupported
from .symbols import Condition, Fork, Formula, Growing, Loop, Phi, Poison, Site

Item = Task | Thought | Join | Diagnostic

MAX_PROBLEMS = 20
"""Problems of one statement that are told of."""
MEND = "mend that statement first"
_COLLECT = "collect whole results in a list: `found.append(tool(item))`"
_MAX_BRANCHES = 64


class Statements:
    """Reads statements.

    Args:
        expressions: Reads what is in them.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._builder = expressions.builder
        self._assignments = Assignments(expressions)
        self.thoughts: list[str] = []
        """Remarks for the next task."""
        self.notes: list[Item] = []
        """Thoughts and warnings of the statement at hand."""
        self.join: Join | None = None
        """The end of the plan, once it is read."""
        self.last: Ref | None = None
        """The result that the last statement names, if it does no more."""
        self._finals: list[Ref | None] = []
        self._returned = False
        self._ended = False
        self._read: dict[type[ast.stmt], Callable[[Any], bool]] = {
            ast.Assign: self._assigned,
            ast.AnnAssign: self._assigned,
            ast.AugAssign: self._assigned,
            ast.Expr: self._expression,
            ast.If: self._if,
            ast.For: self._for,
            ast.Return: self._return,
            ast.Pass: lambda node: False,
        }

    def closing(self) -> Join:
        """The join of a plan whose text has none."""
        if self._finals or self._returned:
            final = self._finals[0] if len(self._finals) == 1 and not self._returned else None
            return Join(final)
        return Join(self.last)

    # -- one after another -------------------------------------------------------

    def _block(self, nodes: list[ast.stmt]) -> list[Problem]:
        """Read statements; gives what is wrong with them. `_ended` says then whether the plan ends in them."""
        problems: list[Problem] = []
        self._ended = False
        for node in nodes:
            try:
                self._ended = self.statement(node)
            except Problem as problem:
                problems += flat(problem)
                for name in assigned([node]):
                    self._builder.scope.bind(name, Poison("comes from a statement that can not be run", MEND))
            if self._ended:
                break
        return problems

    def _inner(self, nodes: list[ast.stmt]) -> bool:
        """Read a block inside of a statement; whether the plan ends in it.

        Raises:
            Problems: Something is wrong with it.
        """
        problems = self._block(nodes)
        ended = self._ended
        if problems:
            raise Problems(problems)
        return ended

    def statement(self, node: ast.stmt) -> bool:
        """Read a statement; gives whether the plan ends in it.

        Raises:
            Problem: It is outside of the subset.
        """
        builder = self._builder
        read = self._read.get(type(node))
        if read is None:
            raise refusal(node)
        mark = builder.mark()
        try:
            return read(node)
        except Fork as fork:
            builder.reset(mark)
            builder.forks += 1
            if builder.forks > 2**MAX_FORKS:
                raise unsupported(
                    node,
                    "too many values that depend on which branch was taken",
                    "write the calls into the branches",
                ) from None
            bodies = {i: lambda: self.statement(node) for i in fork.indices}
            return builder.branches(fork.site, bodies, node, dead=True)

    def _assigned(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> bool:
        self._assignments.answer = None
        self._assignments.read(node)
        self.last = self._assignments.answer
        return False

    # -- expressions ---------------------------------------------------------------

    def _expression(self, node: ast.Expr) -> bool:
        value = node.value
        while isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Constant):
            if isinstance(value.value, str):
                said = [line.strip() for line in value.value.split("\n") if line.strip()]
                self.thoughts += said
                self.notes += (Thought(line) for line in said)
            return False
        if isinstance(value, ast.Call):
            return self._call(value)
        if isinstance(value, ast.Name) and value.id not in self._builder.scope and self._is_word(value):
            problem = Problem("unrecognised", "a line that is no code; ignored", value, "")
            self.notes.append(problem.diagnostic(self._builder.statement, None, "warning"))
            return False
        final = self._sole(self._ending(value))
        # Calls for each item are made for what they do, as a call by itself is; a name is there to be the answer.
        self.last = None if isinstance(value, (ast.ListComp, ast.GeneratorExp)) else final
        return False

    def _is_word(self, node: ast.Name) -> bool:
        return self._expressions.shown(node) == self._builder.statement.text.strip()

    def _call(self, node: ast.Call) -> bool:
        name = dotted(node.func)
        if name == "print" and self._expressions.calls.tool_of(node.func) is None:
            values = [self._ending(a) for a in node.args]
            self._finals.append(self._sole(values[0]) if len(values) == 1 else None)
            return False
        if name in JOINS and self._expressions.calls.tool_of(node.func) is None:
            values = [self._ending(a) for a in [*node.args, *(k.value for k in node.keywords)]]
            return self._end(self._sole(values[0]) if len(values) == 1 else None, node)
        if name in EXITS and self._builder.names.find(name) is None:
            raise unsupported(node, f"`{name}` has no place in a plan", "guard the calls below with `if`")
        if isinstance(node.func, ast.Attribute) and self._assignments.grow(node.func, node):
            return False
        self._expressions.value(node)
        self.last = None
        return False

    def _sole(self, symbol: Any) -> Ref | None:
        """The result that a symbol is, where it is just one and always there."""
        plain = isinstance(symbol, Ref) and not self._builder.turns and not self._builder.excluded
        return symbol if plain and self._builder.loop is None else None

    # -- branches --------------------------------------------------------------------

    def _if(self, node: ast.If) -> bool:
        """`if`, all its `elif`s, and `else`."""
        tests: list[tuple[Guard, list[ast.stmt]]] = []
        rest: list[ast.stmt] = []
        current: ast.If | None = node
        while current is not None:
            before = len(self._builder.tasks)
            found = self._expressions.conditions.guard(current.test)
            if tests and len(self._builder.tasks) > before:
                raise unsupported(
                    current.test, "a call in an `elif`, which is made only where no `if` before holds",
                    "make the call in a statement before the `if`",
                )  # fmt: skip
            if not isinstance(found, Constant):
                tests.append((found, current.body))
            elif found.truth:
                rest = current.body
                break
            following = current.orelse
            current = following[0] if len(following) == 1 and isinstance(following[0], ast.If) else None
            rest = following if current is None else []
        if not tests:
            return self._inner(rest)
        branches: list[tuple[Guard, ...]] = []
        failed: list[Guard] = []
        bodies: dict[int, Callable[[], bool]] = {}
        problems: list[Problem] = []
        blocks = [*(body for _, body in tests), rest]
        if len(blocks) > _MAX_BRANCHES:
            raise Problem(
                "too-deep", f"more than {_MAX_BRANCHES} branches of one `if`", node, "let a tool decide"
            )
        for index, block in enumerate(blocks):
            branches.append((*failed, *(tests[index][:1] if index < len(tests) else ())))
            if index < len(tests):
                failed.append(negated(tests[index][0]))
            if block:
                bodies[index] = self._reader(block, problems)
        ended = self._builder.branches(Site(None, tuple(branches)), bodies, node)
        if problems:
            raise Problems(problems)
        return ended

    def _reader(self, block: list[ast.stmt], problems: list[Problem]) -> Callable[[], bool]:
        def read() -> bool:
            found = self._block(block)
            problems.extend(found)
            return self._ended

        return read

    def _return(self, node: ast.Return) -> bool:
        mark = self._builder.mark()
        try:
            symbol = self._ending(node.value) if node.value is not None else None
        except Fork:
            # One of several results, by which branch was taken: whoever reads them all sees which.
            self._builder.reset(mark)
            symbol = None
        return self._end(self._sole(symbol), node)

    def _ending(self, node: ast.AST) -> Any:
        """What the plan ends with: where that can not be computed, the results themselves have to do."""
        mark = self._builder.mark()
        try:
            symbol = self._expressions.symbol(node)
            return self._expressions.realise(symbol, node) if isinstance(symbol, Formula) else symbol
        except Problem as problem:
            if problem.code != "unsupported" or any(isinstance(n, ast.Call) for n in ast.walk(node)):
                raise
            self._builder.reset(mark)
            hint = "the answer is made of the results as they are"
            left = Problem(problem.code, problem.message, problem.node, hint)
            self.notes.append(left.diagnostic(self._builder.statement, None, "warning"))
            return None

    def _end(self, final: Ref | None, node: ast.AST) -> bool:
        if self._builder.loop is not None:
            raise unsupported(node, "the end of the plan inside a loop", "`return` after the loop")
        if self._builder.turns:
            self._returned = True
        else:
            self.join = Join(final if not self._returned else None)
        return True

    # -- loops -----------------------------------------------------------------------

    def _for(self, node: ast.For) -> bool:
        if node.orelse:
            raise unsupported(node.orelse[0], "`else` of a `for`", "write the statements after the loop")
        source = self._expressions.value(node.iter)
        items = self._expressions.calls.functions.items(source)
        self.last = None
        if items is None:
            self._mapped(node, source)
            return False
        for item in items:
            self._expressions.comprehensions.count(node)
            self._expressions.comprehensions.assign(node.target, item)
            if self._inner(node.body):
                return True
        return False

    def _mapped(self, node: ast.For, source: Any) -> None:
        """Statements for each item of a list that is known only when the plan runs."""
        builder = self._builder
        if not isinstance(source, Ref):
            raise not_a_list(source, node.iter)
        if builder.loop is not None:
            raise nested_loop(node.iter)
        mark = builder.scope.mark()
        with builder.looping(loop_name(node.target), source) as loop:
            self._carry(node.body)
            self._expressions.comprehensions.assign(node.target, Var(loop.each.name))
            self._inner(node.body)
        for name in builder.scope.since(mark):
            builder.scope.bind(name, self._after(builder.scope.get(name), loop))
        for name, (task, _) in loop.collected.items():
            builder.scope.bind(name, Ref(task))

    def _carry(self, body: list[ast.stmt]) -> None:
        """All turns of the loop run at once: none can read what another one assigns."""
        scope = self._builder.scope
        own = stored(body)
        for name in assigned(body):
            if name not in own and name in scope:
                scope.bind(name, Growing(scope.get(name)))
        for name in own:
            scope.bind(name, Poison("carries a value from one turn of the loop to the next", _COLLECT))

    def _after(self, value: Any, loop: Loop) -> Any:
        """What a variable of the loop stands for behind it: its value for the last item, where that can be said."""
        if isinstance(value, Var) and value.name in loop.bases:
            basis = loop.bases[value.name]
            source = Ref(basis.task) if basis.task is not None else basis.each.source
            if isinstance(source, Ref):
                return Ref(source.task, (*source.path, -1, *value.path))
        if isinstance(value, (Phi, Condition)) or _holds_items(value):
            return Poison(f"has {LATER}", _COLLECT)
        return value.before if isinstance(value, Growing) else value


class Problems(Problem):
    """Several things wrong with one statement."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems[:MAX_PROBLEMS]
        first = problems[0]
        super().__init__(first.code, first.message, first.node, first.hint)


def flat(problem: Problem) -> list[Problem]:
    """The problems that `problem` stands for."""
    return problem.problems if isinstance(problem, Problems) else [problem]


def _holds_items(value: Any) -> bool:
    return has_variable(Template(value.parts) if isinstance(value, Formula) else value)


__all__ = ["MAX_PROBLEMS", "MEND", "Item", "Problems", "Statements", "flat"]
