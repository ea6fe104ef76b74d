#!/usr/bin/python3
"""Renders templates with Jinja2 itself and prints one JSON line per template:
{"t": source, "c": context, "out": text} or {"t", "c", "err": message}.

    oracle.py COUNT [SEED]

First the hand-written templates of cases.txt (separated by lines of "----"), then COUNT
generated ones. tests/unit/test_jinja_differential.c renders the same and compares bytes.
The environment is dbt's: sandboxed, extensions do and loopcontrols.

Left out on purpose, because weir differs knowingly: how dict views, generators and range()
print, integers beyond 64 bits, Markup, hash order of sets.
"""
import json
import os
import random
import sys

from jinja2.sandbox import SandboxedEnvironment

CONTEXT = {
    "n": 7,
    "m": -3,
    "zero": 0,
    "f": 2.5,
    "g": -0.1,
    "big": 12345678901,
    "s": "hello World",
    "t": "a,b,,c",
    "e": "",
    "u": "Grüße, naïve Ærø – 日本 ß",
    "ws": "  x y\t z \n",
    "q": "it's \"quoted\" \\ back\nslash",
    "yes": True,
    "no": False,
    "nil": None,
    "l": [3, 1, 2],
    "ls": ["b", "A", "c", "a", "B"],
    "le": [],
    "lf": [1.5, 2, -0.5],
    "ll": [[1, 2], [3, 4], [5]],
    "d": {"a": 1, "b": "two", "items": 3},
    "de": {},
    "rows": [
        {"name": "x", "n": 3, "tag": {"k": "p"}},
        {"name": "Y", "n": 1, "tag": {"k": "q"}},
        {"name": "z", "n": 2, "tag": {"k": "p"}},
    ],
}


class Gen:
    """Random templates whose parts have the types they need, so that most render."""

    def __init__(self, rng):
        self.r = rng
        self.vars = []

    def pick(self, *choices):
        return self.r.choice(choices)

    def int(self, d):
        if d <= 0:
            return self.pick("n", "m", "zero", "0", "1", "2", "17", "-4", "1_000")
        return self.pick(
            lambda: f"({self.int(d-1)} {self.pick('+', '-', '*')} {self.int(d-1)})",
            lambda: f"({self.int(d-1)} {self.pick('//', '%')} {self.pick('3', '-4', '7')})",
            lambda: f"{self.list(d-1)}|length",
            lambda: f"{self.str(d-1)}|length",
            lambda: f"-{self.int(d-1)}",
            lambda: f"({self.int(d-1)} if {self.bool(d-1)} else {self.int(d-1)})",
            lambda: f"{self.str(d-1)}.count({self.chars()})",
            lambda: f"{self.str(d-1)}.find({self.chars()})",
            lambda: f"{self.int(d-1)}|abs",
            lambda: f"'{self.r.randint(-99, 99)}'|int",
            lambda: f"{self.float(d-1)}|int",
            lambda: f"{self.ints(d-1)}|sum",
            lambda: f"{self.ints(d-1)}|{self.pick('max', 'min', 'first', 'last')}|default(5)",
            lambda: f"({self.pick('2', '3', 'n', 'm')} ** {self.pick('0', '1', '2', '5')})",
            lambda: f"{self.int(d-1)}|round(-1)",
        )()

    def float(self, d):
        if d <= 0:
            return self.pick("f", "g", "0.1", "1e3", "2.50", "1.0e-7", "123456789.125", "1e12")
        return self.pick(
            lambda: f"({self.float(d-1)} {self.pick('+', '-', '*')} {self.pick('f', 'g', 'n', '0.3')})",
            lambda: f"({self.int(d-1)} / {self.pick('3', '-4', '7', '0.5')})",
            lambda: f"({self.float(d-1)} {self.pick('//', '%')} {self.pick('3', '-0.7', '2.5')})",
            lambda: f"{self.float(d-1)}|round({self.pick('', '1', '2', '3')})",
            lambda: f"{self.float(d-1)}|round({self.pick('0', '1', '2')}, '{self.pick('ceil', 'floor')}')",
            lambda: f"'{self.pick('1.5', 'x', ' 2e3 ', '-.5', '1_0.5')}'|float",
            lambda: f"{self.int(d-1)}|float",
            lambda: f"{self.float(d-1)}|abs",
        )()

    def chars(self):
        return self.pick("'l'", "'o'", "','", "'a'", "' '", "'xy'", "'ß'", "''")

    def str(self, d):
        t = self.str_any(d)
        return f"({t})" if "|" in t else t

    def str_any(self, d):
        if d <= 0:
            return self.pick("s", "t", "u", "ws", "q", "e", "'abc'", '"Ünï \\u00e9 \\n\\t"', "'a-b c_d'",
                             "'it''s'", "'x' 'y'", "'\\x41\\\\'")
        a = lambda: self.str(d - 1)
        return self.pick(
            lambda: f"({a()} ~ {self.any(d-1)})",
            lambda: f"({a()} + {a()})",
            lambda: f"{a()}.{self.pick('lower', 'upper', 'strip', 'title', 'capitalize', 'swapcase', 'lstrip', 'rstrip')}()",
            lambda: f"{a()}|{self.pick('lower', 'upper', 'trim', 'title', 'capitalize', 'string', 'wordcount')}",
            lambda: f"{a()}.replace({self.chars()}, {self.chars()})",
            lambda: f"{a()}|replace({self.chars()}, {self.chars()}{self.pick('', ', 1')})",
            lambda: f"{a()}[{self.slice()}]",
            lambda: f"{a()}|center({self.pick('10', '21', '6')})",
            lambda: a() + "|truncate(" + self.pick("5, true", "8", "9, false, end='!'", "4, true, '..', 0") + ")",
            lambda: a() + "|indent(" + self.pick("", "2", "3, true", "1, false, true", "width='> '") + ")",
            lambda: f"{self.strs(d-1)}|join({self.pick('', chr(39) + ', ' + chr(39), chr(39) + '|' + chr(39))})",
            lambda: f"({self.chars()}.join({self.strs(d-1)}))",
            lambda: f"({a()} * {self.pick('0', '1', '3', '-2')})",
            lambda: f"({self.pctfmt(d)})",
            lambda: f"{self.bracefmt(d)}",
            lambda: f"({a()} if {self.bool(d-1)} else {a()})",
            lambda: f"{a()}.{self.pick('ljust', 'rjust', 'center')}({self.pick('8', '13')}, {self.pick(chr(39)+'*'+chr(39), chr(39)+'é'+chr(39))})",
            lambda: f"{a()}.zfill({self.pick('3', '9', '14')})",
            lambda: f"({self.any(d-1)}|string)",
            lambda: f"{a()}.strip({self.pick(chr(39)+'ha'+chr(39), chr(39)+' x'+chr(39))})",
            lambda: f"{a()}|reverse",
            lambda: f"{a()}|default('dflt', true)",
            lambda: f"{a()}|urlencode",
            lambda: f"{a()}|striptags|string",
        )()

    def pctfmt(self, d):
        return self.pick(
            lambda: f"'%s|%r' % ({self.any(d-1)}, {self.any(d-1)})",
            lambda: f"'%{self.pick('', '-', '0', '+', ' ', '#')}{self.pick('', '6', '12')}{self.pick('d', 'x', 'o', 'X')}' % {self.int(d-1)}",
            lambda: f"'%{self.pick('', '-', '0', '+')}{self.pick('', '9')}{self.pick('', '.0', '.3')}{self.pick('f', 'e', 'g')}' % {self.float(d-1)}",
            lambda: f"'%(a)s-%(b)s' % d",
            lambda: f"'%5.2s|%%' % {self.str(d-1)}" if self.r.random() < .5 else "'%c%c' % ('x', 233)",
            lambda: f"'%s and %s'|format({self.any(d-1)}, {self.any(d-1)})",
        )()

    def bracefmt(self, d):
        return self.pick(
            lambda: f"'{{}}:{{}}'.format({self.any(d-1)}, {self.any(d-1)})",
            lambda: f"'{{1}}{{0}}'.format({self.int(d-1)}, {self.str(d-1)})",
            lambda: f"'{{:{self.pick('>8', '<8', '^9', '*^11', '08', '+', ',', '_', 'x', '#x', 'b', 'e')}}}'.format({self.int(d-1)})",
            lambda: f"'{{:{self.pick('.2f', '10.3f', ',.1f', '+.0e', '.3g', '%', '.1%', '010.2f', '')}}}'.format({self.float(d-1)})",
            lambda: f"'{{:{self.pick('>12', '<12', '^13', '-^9', '.3', '8.2')}}}'.format({self.str(d-1)})",
            lambda: f"'{{a}} {{b!r}}'.format(a={self.str(d-1)}, b={self.str(d-1)})",
            lambda: "'{0[a]} {0[b]} {{}}'.format(d)",
            lambda: f"'{{:{{w}}}}'.format({self.int(d-1)}, w=6)",
        )()

    def slice(self):
        return self.pick("1:", ":2", "-2:", "::2", "::-1", "1:-1", "3:1:-1", ":", "-100:100", "5:2")

    def bool(self, d):
        if d <= 0:
            return self.pick("yes", "no", "true", "false", "True", "nil is none", "missing is defined")
        return self.pick(
            lambda: f"({self.int(d-1)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.int(d-1)})",
            lambda: f"({self.int(d-1)} < {self.int(d-1)} <= {self.int(d-1)})",
            lambda: f"({self.str(d-1)} {self.pick('==', '!=', '<', '>')} {self.str(d-1)})",
            lambda: f"({self.chars()} {self.pick('in', 'not in')} {self.str(d-1)})",
            lambda: f"({self.any(d-1)} {self.pick('in', 'not in')} {self.list(d-1)})",
            lambda: f"(not {self.any(d-1)})",
            lambda: f"({self.bool(d-1)} {self.pick('and', 'or')} {self.bool(d-1)})",
            lambda: f"({self.any(d-1)} is {self.pick('', 'not ')}{self.pick('string', 'number', 'mapping', 'iterable', 'sequence', 'none', 'defined', 'integer', 'float', 'boolean', 'callable', 'true', 'false', 'undefined')})",
            lambda: f"({self.int(d-1)} is {self.pick('odd', 'even', 'divisibleby 3', 'divisibleby(2)', 'eq 7', 'gt(2)', 'in [1, 2, 7]')})",
            lambda: f"({self.str(d-1)} is {self.pick('lower', 'upper', 'eq s', 'ne t')})",
            lambda: f"{self.str(d-1)}.{self.pick('startswith', 'endswith')}({self.chars()})",
            lambda: f"{self.str(d-1)}.{self.pick('isdigit', 'isalpha', 'islower', 'isupper', 'isspace', 'isalnum', 'istitle', 'isidentifier')}()",
            lambda: f"({self.any(d-1)} == {self.any(d-1)})",
            lambda: f"({self.ints(d-1)} {self.pick('<', '==', '>=')} {self.ints(d-1)})",
        )()

    def ints(self, d):
        if d <= 0:
            return self.pick("l", "[1, 2, 3]", "range(4)|list", "[5]", "[0, -1, 7, 7]")
        return self.pick(
            lambda: f"({self.ints(d-1)} + {self.ints(d-1)})",
            lambda: f"{self.ints(d-1)}[{self.slice()}]",
            lambda: f"{self.ints(d-1)}|sort{self.pick('', '(reverse=true)')}",
            lambda: f"{self.ints(d-1)}|{self.pick('select', 'reject')}('{self.pick('odd', 'even')}')|list",
            lambda: f"{self.ints(d-1)}|{self.pick('select', 'reject')}('{self.pick('gt', 'eq', '<')}', 2)|list",
            lambda: f"{self.ints(d-1)}|unique|list",
            lambda: f"{self.ints(d-1)}|map('abs')|list",
            lambda: f"rows|map(attribute='n')|list",
            lambda: f"{self.ints(d-1)}|reverse|list",
            lambda: f"range({self.pick('3', '1, 6', '0, 10, 3', '5, 0, -2')})|list",
            lambda: f"[{self.int(d-1)}, {self.int(d-1)}]",
            lambda: f"({self.ints(d-1)} * {self.pick('0', '1', '2')})",
        )()

    def strs(self, d):
        if d <= 0:
            return self.pick("ls", "['x', 'y']", "t.split(',')", "[s, e]", "['B', 'a', 'b']")
        return self.pick(
            lambda: f"{self.str(d-1)}.split({self.pick('', chr(39)+','+chr(39), chr(39)+' '+chr(39), 'none, 1', chr(39)+'l'+chr(39)+', 1')})",
            lambda: f"{self.str(d-1)}.rsplit({self.pick('', chr(39)+','+chr(39)+', 1', 'none, 1')})",
            lambda: f"{self.str(d-1)}.splitlines({self.pick('', 'true')})",
            lambda: f"{self.str(d-1)}.{self.pick('partition', 'rpartition')}({self.pick(chr(39)+','+chr(39), chr(39)+'o'+chr(39))})|list",
            lambda: f"{self.strs(d-1)}|sort{self.pick('', '(case_sensitive=true)', '(reverse=true)')}",
            lambda: f"{self.strs(d-1)}|map('{self.pick('upper', 'lower', 'trim', 'title', 'capitalize')}')|list",
            lambda: f"{self.strs(d-1)}|unique|list",
            lambda: f"{self.strs(d-1)}|select|list",
            lambda: f"{self.strs(d-1)}|map('replace', 'a', 'Z')|list",
            lambda: f"rows|map(attribute='{self.pick('name', 'tag.k')}')|list",
            lambda: f"{self.str(d-1)}|list",
            lambda: f"({self.strs(d-1)} + [{self.str(d-1)}])",
            lambda: f"{self.strs(d-1)}[{self.slice()}]",
        )()

    def list(self, d):
        if d <= 0:
            return self.pick("l", "ls", "le", "lf", "ll", "rows", "[]", "[1, 'a', none]", "(1, 'b')", "()")
        return self.pick(
            lambda: self.ints(d),
            lambda: self.strs(d),
            lambda: f"{self.list(d-1)}|batch({self.pick('2', '3', '2, 0')})|list",
            lambda: f"{self.list(d-1)}|slice({self.pick('2', '3', '2, none', '3, 0')})|list",
            lambda: f"[{self.any(d-1)}, {self.any(d-1)}]",
            lambda: f"({self.any(d-1)}, {self.any(d-1)})",
            lambda: f"rows|sort(attribute='{self.pick('n', 'name', 'tag.k,n')}')",
            lambda: f"rows|selectattr('{self.pick('n', 'name', 'nope')}')|list",
            lambda: f"rows|{self.pick('selectattr', 'rejectattr')}('n', '{self.pick('gt', 'eq', 'ne')}', 2)|list",
            lambda: "rows|selectattr('n', 'in', [1, 2])|list",
            lambda: f"{self.dict(d-1)}.items()|list",
            lambda: f"{self.dict(d-1)}|dictsort{self.pick('', '(true)', '(reverse=true)')}",
            lambda: f"{self.dict(d-1)}.{self.pick('keys', 'values')}()|list",
            lambda: f"{self.list(d-1)}|reverse|list",
            lambda: f"rows|groupby('{self.pick('tag.k', 'n')}')",
        )()

    def dict(self, d):
        if d <= 0:
            return self.pick("d", "de", "rows[0]", "{'k': 1}", "{}", "{'z': [1], 'y': (2,)}")
        return self.pick(
            lambda: f"{{{self.pick(chr(39)+'a'+chr(39), 's', 'n', '1')}: {self.any(d-1)}, 'b': {self.any(d-1)}}}",
            lambda: f"dict(a={self.any(d-1)}, zz={self.int(d-1)})",
            lambda: f"dict({self.dict(d-1)}, extra={self.any(d-1)})",
            lambda: f"{self.dict(d-1)}.copy()",
            lambda: f"dict([('p', {self.any(d-1)})])",
        )()

    def data(self, d):
        return self.pick(self.int, self.str, self.list, self.dict, self.bool)(d)

    def any(self, d):
        return self.pick(
            self.int, self.float, self.str, self.str, self.bool, self.list, self.dict,
            lambda d: self.pick("nil", "missing", "d.a", "d['b']", "d.nope", "rows[1].name", "rows[9]",
                                "l[0]", "l[-1]", "s[1]", "d.get('a')", "d.get('x', 4)", "ll[0][1]",
                                "rows.0.n", "d.items is callable", "s.upper()"))(d)

    # statements
    def mark(self):
        return self.pick("", "", "", "-")

    def text(self):
        return self.pick("", " ", "\n", " text ", "\n  x\n", "a", " {{ '{{' }} ", "\t", "\n\n", " } ", "%", "#")

    def tag(self, body):
        return "{%" + self.mark() + " " + body + " " + self.mark() + "%}"

    def out(self, d):
        return "{{" + self.mark() + " " + self.any(d) + " " + self.mark() + "}}"

    def stmt(self, d, in_loop=False):
        if d <= 0:
            return self.pick(lambda: self.out(2), lambda: self.out(1), self.text)()
        body = lambda loop=in_loop: self.block(d - 1, loop)
        v = self.pick("v1", "v2", "v3")
        choices = [
            lambda: "{{ " + self.data(2) + "|tojson }}",
            lambda: "{{ " + self.data(2) + "|tojson(indent=2) }}",
            lambda: self.out(3),
            lambda: self.out(2),
            self.text,
            lambda: self.tag(f"if {self.any(2)}") + body() + self.tag("endif"),
            lambda: self.tag(f"if {self.bool(2)}") + body() + self.tag(f"elif {self.bool(1)}") + body() + self.tag("else") + body() + self.tag("endif"),
            lambda: self.tag(f"for x in {self.list(2)}") + body(True) + "{{ loop.index }}{{ x }}" + self.tag("endfor"),
            lambda: self.tag(f"for x in {self.list(2)}{self.pick('', ' if x', ' if loop is undefined')}") + "{{ x }}"
            + self.pick("{{ loop.last }}", "{{ loop.revindex0 }}/{{ loop.length }}", "{% if not loop.last %},{% endif %}", "{{ loop.cycle('o', 'e') }}", "{{ loop.previtem }}", "{{ loop.changed(x) }}", "{{ loop.nextitem is defined }}")
            + body(True) + self.pick("", self.tag("else") + body()) + self.tag("endfor"),
            lambda: self.tag(f"for k, v in {self.dict(1)}.items()") + "{{ k }}={{ v }};" + self.tag("endfor"),
            lambda: self.tag(f"set {v} = {self.any(2)}") + "{{ " + v + " }}",
            lambda: self.tag(f"set {v}, v9 = {self.any(1)}, {self.any(1)}") + "{{ v9 }}",
            lambda: self.tag(f"set {v}{self.pick('', '', ' | upper', ' | trim | title')}") + body(False) + self.tag("endset") + "[{{ " + v + " }}]",
            lambda: "{% set ns = namespace(c=0) %}" + self.tag(f"for x in {self.list(1)}") + "{% set ns.c = ns.c + 1 %}" + body(True) + self.tag("endfor") + "{{ ns.c }}",
            lambda: self.tag(f"macro mm(a, b={self.any(1)}, c=a)") + "({{ a }}|{{ b }}|{{ c }})" + self.tag("endmacro")
            + self.pick("{{ mm(1) }}", "{{ mm('x', c=2) }}", "{{ mm(b=1, a=[2]) }}", "{{ mm() }}", "{{ mm(*[1, 2]) }}", "{{ mm(**{'a': 5}) }}", "{{ mm.name }}{{ mm.arguments }}"),
            lambda: "{% macro va() %}{{ varargs }}{{ kwargs }}{{ caller() if caller }}{% endmacro %}{{ va(1, 'b', k=" + self.any(1) + ") }}{% call va(2) %}" + body(False) + "{% endcall %}",
            lambda: "{% macro cl() %}<{{ caller(" + self.any(1) + ", 2) }}>{% endmacro %}{% call(p, q=3) cl() %}{{ p }}{{ q }}{% endcall %}",
            lambda: self.tag(f"filter {self.pick('upper', 'trim', 'replace(' + chr(39) + 'a' + chr(39) + ', ' + chr(39) + 'b' + chr(39) + ')', 'lower|title')}") + body(False) + self.tag("endfilter"),
            lambda: self.tag(f"with {v} = {self.any(2)}, w = {self.int(1)}") + "{{ " + v + " }}{{ w }}" + body(False) + self.tag("endwith"),
            lambda: "{% set acc = [] %}" + self.tag(f"for x in {self.list(1)}") + "{% do acc.append(x) %}" + self.tag("endfor") + "{{ acc }}",
            lambda: "{#" + self.mark() + " c {{ %} " + self.mark() + "#}" + self.text(),
            lambda: "{% raw %} {{ r }} {% x %} {%" + self.mark() + " endraw " + self.mark() + "%}" + self.text(),
            lambda: "{% for r in [1, [2, [3]]] recursive %}{{ loop.depth }}{% if r is iterable %}{{ loop(r) }}{% else %}{{ r }}{% endif %}{% endfor %}",
        ]
        if in_loop:
            choices += [
                lambda: self.tag(f"if {self.bool(1)}") + self.pick("{% break %}", "{% continue %}") + "{% endif %}",
            ] * 2
        return self.r.choice(choices)()

    def block(self, d, in_loop=False):
        return "".join(self.text() + self.stmt(d, in_loop) for _ in range(self.r.randint(1, 2)))

    def template(self):
        return "".join(self.text() + self.stmt(self.r.randint(0, 2)) for _ in range(self.r.randint(1, 4))) + self.text()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20170101
    env = SandboxedEnvironment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    here = os.path.dirname(os.path.abspath(__file__))
    cases = open(os.path.join(here, "cases.txt"), encoding="utf-8").read().split("\n----\n")
    gen = Gen(random.Random(seed))
    n_cases = len(cases)
    for i in range(n_cases + count):
        t = cases[i] if i < n_cases else gen.template()
        line = {"t": t, "c": CONTEXT if i == 0 else None}
        try:
            line["out"] = env.from_string(t).render(json.loads(json.dumps(CONTEXT)))
        except Exception as e:  # whatever Python raises: an error is expected
            line["err"] = f"{type(e).__name__}: {e}"
        if "out" in line and any(x in line["out"] for x in ("<generator", "dict_", " object at 0x", "<bound", "<built-in", "range(")):
            continue
        print(json.dumps(line))


main()
