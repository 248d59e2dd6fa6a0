"""GBNF as a regular expression: enough of the notation for the grammars made here, which never recurse."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<set>\[[^\]]*\])|(?P<name>[a-zA-Z][a-zA-Z0-9-]*)"""
    r"""|(?P<count>\{\d+,\d*\})|(?P<sign>[()|?*+]))"""
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


def compiled(grammar: str) -> re.Pattern[str]:
    """A pattern whose `fullmatch` says whether a text is in the grammar. Raises ValueError where it is no GBNF."""
    rules = {}
    for line in grammar.splitlines():
        name, sep, body = line.partition(" ::= ")
        if not sep or name in rules:
            raise ValueError(f"no rule, or twice the same: {line[:80]!r}")
        rules[name] = body
    return re.compile(_rule("root", rules, (), {}))


def accepts(grammar: str, text: str) -> bool:
    """Whether `text` is in the grammar."""
    return compiled(grammar).fullmatch(text) is not None


def _rule(name: str, rules: dict[str, str], above: tuple[str, ...], made: dict[str, str]) -> str:
    if name in above:
        raise ValueError(f"{name} recurses")
    if name not in made:
        made[name] = f"(?:{_body(rules[name], rules, (*above, name), made)})"
    return made[name]


def _body(body: str, rules: dict[str, str], above: tuple[str, ...], made: dict[str, str]) -> str:
    out, at = [], 0
    while body[at:].strip():
        m = _TOKEN.match(body, at)
        if m is None:
            raise ValueError(f"not GBNF: {body[at : at + 40]!r}")
        at = m.end()
        if m["text"]:
            out.append(f"(?:{re.escape(_ESCAPE.sub(_unescaped, m['text'][1:-1]))})")
        elif m["name"]:
            out.append(_rule(m["name"], rules, above, made))
        else:
            out.append({"(": "(?:"}.get(m["sign"] or "", m.group().strip()))
    return "".join(out)


def _unescaped(m: re.Match[str]) -> str:
    code = m[1] or m[2] or m[3]
    return chr(int(code, 16)) if code else _PLAIN.get(m[4], m[4])
