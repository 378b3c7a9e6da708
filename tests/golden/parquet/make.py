"""Writes the Parquet files of this folder and what is in them (pip install pyarrow==26.0.1).

    python3 make.py

Each NAME.parquet has the records of NAME's table as one JSON line each in TABLE.jsonl.
"""
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq

os.chdir(os.path.dirname(os.path.abspath(__file__)))
N = 300
ARC = [{"id": "Mercury_%d" % i, "question": "Which of %d things 是 right — “x”?\n" % i,
        "choices": {"text": ["option %d" % (i * j % 7) for j in range(3 + i % 3)],
                    "label": list("ABCDE")[:3 + i % 3]},
        "answerKey": "ABC"[i % 3]} for i in range(N)]
FLAT = [{"i32": (i * 7919) % 1000 - 500, "i64": i * 10**10 if i % 5 else None, "u32": 2**32 - 1 - i,
         "u8": i % 256, "f": i / 8, "d": i / 3 if i % 7 else None, "b": i % 3 == 0,
         "nb": None if i % 4 == 0 else i % 2 == 0, "same": "same", "none": None,
         "s": None if i % 11 == 0 else "%d%s" % (i, "é" * (i % 4))} for i in range(N)]
FLAT_SCHEMA = pa.schema([("i32", pa.int32()), ("i64", pa.int64()), ("u32", pa.uint32()),
                         ("u8", pa.uint8()), ("f", pa.float32()), ("d", pa.float64()),
                         ("b", pa.bool_()), ("nb", pa.bool_()), ("same", pa.string()),
                         ("none", pa.null()), ("s", pa.large_string())])
NESTED = [{"empty": [] if i % 3 == 0 else None if i % 3 == 1 else [i],
           "deep": [[j] * (j % 3) if j % 4 else None for j in range(i % 5)],
           "people": [{"name": "n%d" % j, "age": j if j % 2 else None, "tags": ["t"] * (j % 3)}
                      for j in range(i % 4)] if i % 7 else None,
           "maybe": {"inner": {"x": i if i % 2 else None}} if i % 3 else None,
           "map": [("k%d" % j, j) for j in range(i % 3)]} for i in range(N)]
PERSON = pa.struct([("name", pa.string()), ("age", pa.int64()), ("tags", pa.list_(pa.string()))])
NESTED_SCHEMA = pa.schema([
    ("empty", pa.list_(pa.int64())), ("deep", pa.list_(pa.list_(pa.int32()))),
    ("people", pa.list_(PERSON)), ("maybe", pa.struct([("inner", pa.struct([("x", pa.int64())]))])),
    ("map", pa.map_(pa.string(), pa.int32()))])


def lines(name, rows):
    with open(name + ".jsonl", "w") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def write(name, rows, schema=None, **how):
    pq.write_table(pa.Table.from_pylist(rows, schema), name + ".parquet", store_schema=False, **how)


lines("arc", ARC)
lines("flat", FLAT)
for name, rows in ("nested", NESTED), ("small", NESTED[2:9]):
    lines(name, [dict(r, map=[{"key": k, "value": v} for k, v in r["map"]]) for r in rows])
write("arc_snappy", ARC, compression="snappy")
write("arc_zstd", ARC, compression="zstd", data_page_version="2.0")
write("flat_gzip", FLAT, FLAT_SCHEMA, compression="gzip", row_group_size=70)
write("flat_plain", FLAT, FLAT_SCHEMA, compression="none", use_dictionary=False)
write("flat_pages", FLAT, FLAT_SCHEMA, compression="snappy", data_page_size=64,
      write_batch_size=10, data_page_version="2.0", use_dictionary=["s", "i32"])
write("nested_snappy", NESTED, NESTED_SCHEMA, compression="snappy")
write("nested_pages", NESTED, NESTED_SCHEMA, compression="none", data_page_size=40,
      write_batch_size=5, row_group_size=99)
write("small", NESTED[2:9], NESTED_SCHEMA, compression="gzip")
write("refused_time", [{"when": __import__("datetime").datetime(2026, 1, 1)}])
write("refused_bytes", [{"image": b"\xff\xd8\xff\0"}])
write("refused_lz4", ARC[:9], compression="lz4")
write("refused_delta", [{"i": i} for i in range(9)], use_dictionary=False,
      column_encoding={"i": "DELTA_BINARY_PACKED"})
