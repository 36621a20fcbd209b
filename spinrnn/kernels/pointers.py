"""Compiled functions by their address: how `run_blocks` calls a neuron's level without
being compiled for it.

A level is compiled for the very types of the arguments, so the call is that of one
compiled function to another. An address holds for this process only and is never kept.
"""

from numba import config, types
from numba.extending import intrinsic

_plain = {}
"""Under NUMBA_DISABLE_JIT=1: {number that stands for an address: Python function}."""


def address_of(function, signature):
    """Address of a dispatcher's machine code for a signature, compiled where need be.

    function: kept alive by the caller for as long as the address is used.
    """
    if config.DISABLE_JIT:
        _plain[id(function)] = function
        return id(function)
    function.compile(signature)
    compiled = function.overloads[signature.args]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


def call_level(address, *arguments):
    """Calls the level at an address."""
    _plain[address](*arguments)


@intrinsic
def _call_level(typing, address, c, numbers, shared, noise, memory, places, level):
    arguments = (c, numbers, shared, noise, memory, places, level)
    signature = types.void(types.intp, *arguments)

    def generate(context, builder, signature, values):
        kind = context.call_conv.get_function_type(types.none, arguments)
        function = builder.inttoptr(values[0], kind.as_pointer())
        context.call_conv.call_function(builder, function, types.none, arguments, values[1:])
        return context.get_dummy_value()

    return signature, generate


if not config.DISABLE_JIT:
    call_level = _call_level
