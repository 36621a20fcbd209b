"""What can be read at first sight: no long functions, no wide docstrings and comments.

Ruff holds the code to 100 columns.
"""

import ast
import io
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "spinrnn"
PROSE = 88
"""Columns of docstrings and comments."""
LONGEST, LONGEST_KERNEL = 40, 60
"""Lines of a function without its docstring; of the two that tell the kernel's order."""
KERNELS = {"run_blocks", "segment_forward"}

FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [path.relative_to(PACKAGE).as_posix() for path in FILES]


def functions(text):
    """(name, lines without the docstring) of all functions of a source."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                first = node.body[0]
                lines -= first.end_lineno - first.lineno + 1
            yield node.name, lines


def wide_prose(text):
    """Numbers of the lines of docstrings, and of comments on lines of their own, that are wide."""
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        alone = lines[token.start[0] - 1].lstrip().startswith(("#", '"""', 'r"""'))
        comment = token.type == tokenize.COMMENT
        docstring = token.type == tokenize.STRING and token.string.lstrip("r").startswith('"""')
        if alone and (comment or docstring):
            for number in range(token.start[0], token.end[0] + 1):
                if len(lines[number - 1]) > PROSE:
                    yield number


@pytest.mark.parametrize("name", NAMES)
def test_functions_are_short(name):
    for function, lines in functions((PACKAGE / name).read_text()):
        kernel = name == "kernels/blocks.py" and function in KERNELS
        assert lines <= (LONGEST_KERNEL if kernel else LONGEST), f"{function}: {lines} lines"


@pytest.mark.parametrize("name", NAMES)
def test_docstrings_and_comments_are_narrow(name):
    assert list(wide_prose((PACKAGE / name).read_text())) == []


def test_what_is_long_or_wide_is_found():
    body = "".join(f"    x{n} = 0\n" for n in range(41))
    assert list(functions(f'def f():\n    """Words.\n\n    More.\n    """\n{body}')) == [("f", 42)]
    assert list(wide_prose(f'"""{"w" * 90}"""\n# {"c" * 90}\nx = 1\n# {"c" * 80}\n')) == [1, 2]
