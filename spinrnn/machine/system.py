"""Which systems spinrnn runs on: Linux and macOS.

Files need the locks and runs the signals of POSIX.
"""

import sys

WITHOUT = {"win32": "Windows", "emscripten": "a browser", "wasi": "WebAssembly"}
"""{sys.platform: name} of systems that lack them."""


def unsupported() -> str | None:
    """One line that says that this system cannot run spinrnn; None where it can."""
    if sys.platform not in WITHOUT:
        return None
    text = f"spinrnn runs on Linux and macOS, not on {WITHOUT[sys.platform]}"
    advice = "install it in the Windows Subsystem for Linux (WSL)"
    return f"{text}; {advice}" if sys.platform == "win32" else text
