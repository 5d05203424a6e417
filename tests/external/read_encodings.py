"""Reads results.parquet and scores.h5 of a pack with pyarrow, pandas and h5py, and compares them with summary.csv.

    read_encodings.py PACK                 compare, and say so
    read_encodings.py PACK COLUMN ROW      change one cell in both, as a forger would
    read_encodings.py PACK --rewrite       write the same rows to results.parquet by another program
    read_encodings.py PACK --hide WHAT     hide something in scores.h5 beside the rows; without WHAT, say what can be
"""
import csv, json, math, sys, zlib

import h5py, numpy, pandas
# (No file is locked: a process that another test starts at this moment may hold a lock of the one that wrote it.)
import pyarrow
import pyarrow.parquet as parquet

pack, rest = sys.argv[1], sys.argv[2:]
csv.field_size_limit(1 << 27)
manifest = json.load(open(f"{pack}/manifest.json"))
columns = manifest["campaign"]["scorer"]["description"]["columns"]
with open(f"{pack}/summary.csv", newline="", encoding="utf-8") as text:
    header, *rows = csv.reader(text)


def expected(name):
    """The column called `name`, typed; None where a cell of the scorer is empty."""
    at = header.index(name)
    if at < 4:
        return [int(row[0]) if at == 0 else row[at] for row in rows]
    read = {"float": float, "int": int, "string": str}[columns[at - 4]["type"]]
    return [read(row[at]) if row[at] else None for row in rows]


def changed(value):
    return "forged" if isinstance(value, str) or value is None else value + 1


def forge(name, row):
    with h5py.File(f"{pack}/scores.h5", "r+", locking=False) as file:
        is_text = h5py.check_string_dtype(file[name].dtype) is not None
        file[name][row] = "ERROR" if name == "outcome" else "forged" if is_text else file[name][row] + 1
    table = parquet.read_table(f"{pack}/results.parquet")
    cells = table[name].to_pylist()
    cells[row] = "ERROR" if name == "outcome" else changed(cells[row])
    field = table.schema.field(name)
    at = table.schema.get_field_index(name)
    table = table.set_column(at, field, pyarrow.array(cells, field.type))
    parquet.write_table(table, f"{pack}/results.parquet")


def attribute(file):
    file["score"].attrs["scale_factor"] = 10.0


def best(file):
    file["score"].attrs["best"] = "lowest"


def link(file):
    file["more"] = h5py.SoftLink("/score")


def external(file):
    file["more"] = h5py.ExternalLink("elsewhere.h5", "/score")


def dataset(file):
    file["more"] = [1.0, 2.0]


def committed(file):
    file["more"] = numpy.dtype("f8")


def comment(file):
    h5py.h5o.set_comment(file.id, b"not for decisions", obj_name=b"score")


def bomb(file):
    """A column whose one chunk is a gigabyte when it is unpacked."""
    del file["score"]
    rows = 1 << 27
    column = file.create_dataset("score", (rows,), "f8", chunks=(rows,), compression="gzip", maxshape=(rows,))
    pack = zlib.compressobj(1)
    column.id.write_direct_chunk((0,), b"".join(pack.compress(bytes(1 << 20)) for _ in range(1 << 10)) + pack.flush())


HIDDEN = {f.__name__: f for f in (attribute, best, link, external, dataset, committed, comment, bomb)}


def same(found, wanted, where):
    found = list(found)
    assert len(found) == len(wanted), f"{where}: {len(found)} rows, not {len(wanted)}"
    for row, (a, b) in enumerate(zip(found, wanted)):
        assert type(a) is type(b) and a == b, f"{where}, row {row}: {a!r} is not {b!r}"


if rest == ["--rewrite"]:
    table = parquet.read_table(f"{pack}/results.parquet")
    sys.exit(parquet.write_table(table, f"{pack}/results.parquet"))
if rest == ["--hide"]:
    sys.exit(print(*HIDDEN))
if rest and rest[0] == "--hide":
    with h5py.File(f"{pack}/scores.h5", "r+", locking=False) as file:
        HIDDEN[rest[1]](file)
    sys.exit()
if rest:
    forge(rest[0], int(rest[1]))
    sys.exit()

# Parquet, by pyarrow: types, values, metadata.
file = parquet.ParquetFile(f"{pack}/results.parquet")
table = file.read()
assert table.column_names == header, table.column_names
assert str(table.schema.field("ordinal").type) == "uint64"
for name in header:
    same(table[name].to_pylist(), expected(name), f"pyarrow: {name}")
said = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
assert said["molsieve.payload_digest"] == manifest["payload"]["digest"]
assert said["molsieve.schema"] == "molsieve.parquet.v2"
assert json.loads(said["molsieve.columns"]) == columns
statistics = file.metadata.row_group(0).column(0).statistics
assert statistics.min == expected("ordinal")[0], statistics
groups = file.metadata.num_row_groups

# Parquet, by pandas.
frame = pandas.read_parquet(f"{pack}/results.parquet")
assert len(frame) == len(rows) and frame["ordinal"].dtype == "uint64"
scored = [c["name"] for c in columns if c["type"] == "float"]
for name in scored:
    assert frame[name].isna().sum() == expected(name).count(None)

# HDF5, by h5py: values, what stands for no value, attributes, and no time in it.
with h5py.File(f"{pack}/scores.h5", locking=False) as file:
    assert sorted(file) == sorted(header), list(file)
    assert file.attrs["schema"] == "molsieve.hdf5.v2"
    assert file.attrs["payload_digest"] == manifest["payload"]["digest"]
    assert file.attrs["rows"] == str(len(rows))
    for name in header:
        column = file[name]
        assert column.chunks and not column.id.get_create_plist().get_obj_track_times(), name
        if name in header[:4]:
            found = column[:].tolist() if name == "ordinal" else column.asstr()[:].tolist()
        elif h5py.check_string_dtype(column.dtype):
            found = [text or None for text in column.asstr()[:]]
        else:
            missing = column.attrs["missing"]
            assert math.isnan(missing) or missing == numpy.iinfo("int64").min
            found = [None if v == missing or v != v else v for v in column[:].tolist()]
        same(found, expected(name), f"h5py: {name}")
    for column in columns:
        assert file[column["name"]].attrs["type"] == column["type"]
        assert file[column["name"]].attrs["best"] == {"asc": "lowest", "desc": "highest"}[column["order"]]
        attributes = file[column["name"]].attrs
        said = {"unit": attributes.get("units"), "description": attributes.get("long_name")}
        assert said == {key: column.get(key) for key in said}, (column, said)
    frame = pandas.DataFrame({name: file[name][:] for name in header if file[name].dtype.kind in "uif"})
    assert len(frame) == len(rows)
print(f"the same {len(rows)} rows, in {groups} row groups")
