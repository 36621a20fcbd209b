"""Mutations of the pages: a number, a name, a link or a block no longer true."""

TESTS = "tests/docs/test_docs.py"


def mutation(file, old, new, k):
    return {"file": file, "old": old, "new": new, "tests": TESTS, "k": k}


RUN, KEPT, NAMES = "blocks_of_a_page", "kept_tables", "files_and_functions"
D = f"{RUN} and data"
MUTATIONS = [
    # what a block prints
    mutation("README.md", "\ntest accuracy 100 %", "\ntest accuracy 50 %", f"{RUN} and README.md"),
    mutation("docs/data.md", "120 (120, 2, 12)", "120 (120, 12, 2)", D),
    mutation("docs/data.md", "'test': 30", "'test': 24", D),
    mutation("docs/identify.md", "from 3.968e+07", "from 3.698e+07", f"{RUN} and identify"),
    mutation("docs/threads.md", "2 200 MiB", "2 210 MiB", f"{RUN} and threads"),
    mutation("docs/FILES.md", "7 by 8", "8 by 7", f"{RUN} and FILES"),
    # a block that does not run
    mutation("docs/data.md", "test_fraction = 0.2 ", "test_part = 0.2 ", D),
    mutation("docs/data.md", "evaluate runs/mine\n```\n\nFrom", "evaluate runs/no\n```\n\nFrom", D),
    mutation("docs/threads.md", "```sh not-run=cluster", "```sh not-run=minutes", "says_why"),
    # numbers of the kept tables
    mutation("README.md", "best | 96.1 %", "best | 96.7 %", KEPT),
    mutation("docs/devices.md", "| 40 % | 29.1 % | 95.0 %", "| 40 % | 29.1 % | 94.0 %", KEPT),
    mutation("docs/devices.md", "1e-3 | 84.4 %", "1e-3 | 48.4 %", KEPT),
    # names
    mutation("docs/ARCHITECTURE.md", "`couple()`", "`coupled()`", NAMES),
    mutation("docs/ARCHITECTURE.md", "| `readers/` |", "| `reading/` |", "map"),
    mutation("docs/DESIGN.md", "`compiling.loop`", "`compiling.loops`", "what_a_page_names"),
    mutation("docs/threads.md", "[sweep](sweeps.md)", "[sweep](sweep.md)", "links_lead"),
    mutation("docs/identify.md", "#one-measured-device", "#one-device", "links_lead"),
    mutation("docs/training.md", "| `weight_decay` |", "| `decay` |", "every_key"),
    mutation("docs/sweeps.md", "`--keep-runs`", "`--keep`", "every_command"),
    mutation("docs/trajectories.md", "`analysis.held_out(", "`analysis.held(", "public_name"),
    # the package changes and no page says so
    mutation("spinrnn/cli/options.py", '"--memory"', '"--memory-limit"', "every_command"),
    mutation("spinrnn/config/run.py", "density_ext: float", "density_far: float", "every_key"),
]  # fmt: skip
