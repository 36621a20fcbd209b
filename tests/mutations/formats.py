"""Mutations of the readers of other programs' files, of what is made of them, and of
`spinrnn look`.
"""

READERS = "tests/readers/test_"


def one(file, old, new, tests, k=""):
    return {"file": f"spinrnn/{file}.py", "old": old, "new": new, "tests": tests, "k": k}


def reader(name, old, new, test, k=""):
    return one(f"readers/{name}", old, new, f"{READERS}{test}.py", k)


LOADING = "tests/datasets/test_sources.py"
DATA = "tests/datasets/test_datasets.py"
LOOK = "tests/look/test_look.py"

MUTATIONS = [
    reader("ts", "if name not in number_of", "if False", "ts"),
    reader("ts", "elif len(own) > 1:", "elif False:", "ts"),
    reader("ts", "row[:, : len(case[0])] = case", "row[:, -len(case[0]) :] = case", "ts"),
    reader("ts", "(lengths == shape[2]).all()", "(lengths == shape[2]).any()", "ts"),
    reader("ts", "max(LARGEST_RATIO * size, SMALL)", "1e30", "ts"),
    reader("text", 'encoding, text = "windows-1252"', 'encoding, text = "utf-8"', "ts"),
    reader("text", 'if "_" in cell or len(cell) > LONGEST:', "if False:", "delimited"),
    reader("text", ' and not any("_" in cell for cell in cells)', "", "delimited"),
    reader("cells", "2 * len(wrong) >= sum", "3 * len(wrong) >= sum", "delimited"),
    reader("cells", "if len(cells) != width:", "if len(cells) < width:", "delimited"),
    reader("cells", "in {where} {n + 1} is no", "in {where} {n} is no", "delimited"),
    reader("cells", "4 * longest * len(cells) >", "0 >", "delimited"),
    reader("delimited", "if not head:\n        shown", "if False:\n        shown", "delimited"),
    reader("delimited", "elif not comma.is_number(lines[n]):", "elif False:", "delimited"),
    reader("delimited", "if number and above and not any", "if False and not any", "delimited"),
    reader("delimited", "(known[0] or not cells[numeric[0]].strip())", "True", "delimited"),
    reader("delimited", "if above and _are_units(cells):", "if False:", "delimited"),
    reader("lvm", "first + step * np.arange", "step * np.arange", "lab_text"),
    reader(
        "lvm",
        'channels = [k for k, cell in enumerate(cells) if cell != "X_Value"]',
        "channels = range(len(cells))",
        "lab_text",
    ),
    reader("odt", "last.count(short) == 1", "True", "lab_text"),
    reader("matlab", 'values.reshape(shape, order="F")', "values.reshape(shape)", "matlab"),
    reader(
        "matlab",
        "if first == _PACKED else end + -length % 8",
        "if False else end + -length % 8",
        "matlab",
        "scipy",
    ),
    reader("matlab", "bool if flags & _LOGICAL else", "", "matlab", "scipy"),
    reader("hdf5", "characters(array.T)", "characters(array)", "matlab"),
    reader("netcdf", "values += 0.0 if offset is None else offset", "pass", "netcdf"),
    reader("netcdf", 'if array.dtype.kind == "f" or stored == fill:', "if True:", "netcdf"),
    reader("netcdf", "missing |= array > high", "missing |= array >= high", "netcdf"),
    reader(
        "wav", "samples.astype(np.float32) - 128", "samples.astype(np.float32) - 127", "wav_tdms"
    ),
    reader("wav", "np.ascontiguousarray(shares.T)", "shares", "wav_tdms"),
    reader("units", "10.0 ** (values / 10)", "10.0 ** (values / 20)", "units"),
    reader("units", "return (values + self.offset) / inverse", "pass", "units"),
    reader("columns", "if name in sources and name not in back:", "if name in sources:", "columns"),
    reader(
        "columns",
        "columns.units.get(name) or columns.units.get(new)",
        "columns.units.get(name)",
        "columns",
    ),
    reader("formats", "if not unpacker.eof:", "if False:", "delimited"),
    one(
        "datasets/labels", "(dense and labels.size and", "(labels.size and", DATA, "kind or before"
    ),
    one("datasets/labels", "key=lambda name: (float(name), name)", "key=str", LOADING),
    one(
        "datasets/dataset",
        "if self.classes is not None:\n            digest",
        "if False:\n            digest",
        DATA,
        "digest",
    ),
    one("datasets/series", "np.maximum(before, 0)", "before", LOADING, "rule"),
    one("datasets/series", "gaps &= np.arange", "gaps |= np.arange", LOADING),
    one("datasets/tables", "for k in np.argsort(first)", "for k in range(len(first))", LOADING),
    one("datasets/tables", "if not (step > 0).all():", "if False:", LOADING),
    one("datasets/tables", "if own.size > 1:", "if False:", LOADING),
    one(
        "datasets/tables",
        "inputs.shape[1] - np.argmax(~np.isnan(inputs[:, ::-1]), axis=1)",
        "np.argmax(~np.isnan(inputs[:, ::-1]), axis=1)",
        LOADING,
    ),
    one(
        "datasets/cases", "if tuple(channels) != first:", "if len(channels) != len(first):", LOADING
    ),
    one("datasets/cases", 'name, part == "test")', 'name, part != "test")', LOADING),
    one(
        "datasets/pairs",
        "return _with_test(found[0]) if len(names) == 1",
        "return None if True",
        LOADING,
    ),
    one(
        "datasets/loading",
        "np.repeat([False, True], [len(",
        "np.repeat([True, False], [len(",
        LOADING,
    ),
    one(
        "look/contents",
        "within = np.arange(points) < lengths[:, None]",
        "within = np.arange(points) <= lengths[:, None]",
        LOOK,
    ),
    one("look/contents", "np.abs(steps - step).max() <= EVEN * step", "True", LOOK),
    one("look/wording", "abs(mean) > FAR * deviation or", "", LOOK),
    one(
        "look/figures",
        "values = data.inputs[case, 0, :length]",
        "values = data.inputs[case, 0]",
        LOOK,
    ),
]
