"""Reads results.parquet and scores.h5 of a pack with pyarrow, pandas and h5py, and compares them with summary.csv.

    read_encodings.py PACK                 compare, and say so
    read_encodings.py PACK COLUMN ROW      change one cell in both, as a forger would
"""
import csv, json, math, sys

import h5py, numpy, pandas
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
    with h5py.File(f"{pack}/scores.h5", "r+") as file:
        is_text = h5py.check_string_dtype(file[name].dtype) is not None
        file[name][row] = "ERROR" if name == "outcome" else "forged" if is_text else file[name][row] + 1
    table = parquet.read_table(f"{pack}/results.parquet")
    cells = table[name].to_pylist()
    cells[row] = "ERROR" if name == "outcome" else changed(cells[row])
    field = table.schema.field(name)
    at = table.schema.get_field_index(name)
    table = table.set_column(at, field, pyarrow.array(cells, field.type))
    parquet.write_table(table, f"{pack}/results.parquet")


def same(found, wanted, where):
    found = list(found)
    assert len(found) == len(wanted), f"{where}: {len(found)} rows, not {len(wanted)}"
    for row, (a, b) in enumerate(zip(found, wanted)):
        assert type(a) is type(b) and a == b, f"{where}, row {row}: {a!r} is not {b!r}"


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
assert said["molsieve.schema"] == "molsieve.parquet.v1"
assert [c["name"] for c in json.loads(said["molsieve.columns"])] == header[4:]
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
with h5py.File(f"{pack}/scores.h5") as file:
    assert sorted(file) == sorted(header), list(file)
    assert file.attrs["schema"] == "molsieve.hdf5.v1"
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
    frame = pandas.DataFrame({name: file[name][:] for name in header if file[name].dtype.kind in "uif"})
    assert len(frame) == len(rows)
print(f"the same {len(rows)} rows, in {groups} row groups")
