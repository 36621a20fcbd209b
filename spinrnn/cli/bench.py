"""The command line of `spinrnn bench`."""

import json
import sys


def _bench(options):
    from spinrnn.bench import runner as bench
    from spinrnn.bench import sizes as sizes_
    from spinrnn.bench import table as benchtable

    terminal = sys.stderr.isatty()

    def status(text):
        if terminal:
            print(f"\r\033[K{text and text + ' ...'}", end="", file=sys.stderr, flush=True)

    sizes, rows = sizes_.QUICK if options.quick else sizes_.FULL, []
    try:
        for row in bench.run(
            sizes, count=options.threads, peers=options.peers, mnist=options.mnist, progress=status
        ):
            status("")
            rows.append(row)
            for line in [json.dumps(row)] if options.json else benchtable.lines(row):
                print(line, flush=True)
    finally:
        status("")
    if not options.json:
        print("\n".join(benchtable.ratios(rows)))
    return 0
