"""The command line of `spinrnn gradcheck`."""

import dataclasses
import json


def _gradcheck(options):
    from spinrnn.checks.gradient import AWKWARD, BOUND, check_gradient
    from spinrnn.config.toml import load_config

    network = (
        load_config(options.config, options.set).network
        if options.config or options.set
        else AWKWARD
    )
    worst, failed = 0.0, 0
    for row in check_gradient(None if network is AWKWARD else network):
        failed += not row.ok
        worst = max(worst, row.error)
        if options.json:
            print(json.dumps(dataclasses.asdict(row)), flush=True)
        else:
            verdict = "ok" if row.ok else "FAILED"
            print(
                f"{row.neuron:<11}{row.scheme:<13}{row.block:<10}{row.entries:>5} entries   largest error {row.error:.1e}   {verdict}",
                flush=True,
            )
    if not options.json:
        print(
            f"largest error {worst:.1e}, bound {BOUND:.0e}: {f'{failed} blocks FAILED' if failed else 'all blocks ok'}"
        )
    return 1 if failed else 0
