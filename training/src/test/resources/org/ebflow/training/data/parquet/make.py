"""Makes the Parquet files of this folder: see README.md. Usage: python3 make.py"""

from decimal import Decimal

ROWS = 7

# What every writer is given; None is null. Values are exact in every type they are stored as.
COLUMNS = {
    "id": ["a", "b", "ü,\"x\"", "d", "e", "f", "g"],
    "i8": [-128, 127, 0, 1, 2, 3, 4],
    "i16": [-32768, 32767, 0, 1, 2, 3, 4],
    "i32": [-2147483648, 2147483647, 0, 1, 2, 3, 4],
    "i64": [-9007199254740992, 9007199254740992, 0, 1, 2, 3, 4],
    "u8": [255, 128, 0, 1, 2, 3, 4],
    "u16": [65535, 32768, 0, 1, 2, 3, 4],
    "u32": [4294967295, 2147483648, 0, 1, 2, 3, 4],
    "u64": [18446744073709549568, 9223372036854775808, 0, 1, 2, 3, 4],
    "f32": [0.5, -0.25, 1.5, 2.5, 3.5, 4.5, 5.5],
    "f64": [0.1, -0.2, 1e300, 0.1, 0.1, 0.1, 5e-324],
    "flag": [True, False, True, False, True, False, True],
    "dec9": [Decimal(s) for s in ("1.25", "-1.25", "0.01", "9999999.99", "2.00", "3.50", "-0.01")],
    "dec18": [Decimal(s) for s in ("1.0625", "-1.0625", "0.0001", "99999999999999.9999", "2", "3", "4")],
    "dec38": [Decimal(s) for s in ("1.5", "-1.5", "0.000001", "12345678901234567890.123456", "2", "3", "4")],
    "gap": [1.0, None, 3.0, 4.0, 5.0, 6.0, 7.0],
}


def arrow_table():
    import pyarrow as pa

    types = {
        "id": pa.string(), "i8": pa.int8(), "i16": pa.int16(), "i32": pa.int32(), "i64": pa.int64(),
        "u8": pa.uint8(), "u16": pa.uint16(), "u32": pa.uint32(), "u64": pa.uint64(),
        "f32": pa.float32(), "f64": pa.float64(), "flag": pa.bool_(),
        "dec9": pa.decimal128(9, 2), "dec18": pa.decimal128(18, 4), "dec38": pa.decimal128(38, 6),
        "gap": pa.float64(),
    }  # fmt: skip
    return pa.table({name: pa.array(values, types[name]) for name, values in COLUMNS.items()})


def small_table():
    """1,000 rows of x, y, group: enough for pages and row groups."""
    import pyarrow as pa

    n = 1000
    return pa.table({
        "x": pa.array([None if i % 100 == 7 else i / 8 for i in range(n)], pa.float64()),
        "y": pa.array([(i * 37 % 11) / 4 for i in range(n)], pa.float32()),
        "group": pa.array([i % 5 for i in range(n)], pa.int32()),
    })


def write():
    import duckdb
    import fastparquet
    import pandas
    import polars
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = arrow_table()
    pq.write_table(table, "pyarrow.parquet")
    table.to_pandas(types_mapper=pandas.ArrowDtype).to_parquet("pandas.parquet")
    polars.from_arrow(table).write_parquet("polars.parquet")
    duckdb.from_arrow(table).write_parquet("duckdb.parquet")
    fastparquet.write(
        "fastparquet.parquet",
        pandas.DataFrame({k: v for k, v in COLUMNS.items() if not k.startswith("dec")}).astype(
            {"i8": "int8", "i16": "int16", "i32": "int32", "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
             "f32": "float32"}))  # fmt: skip

    small = small_table()
    for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
        pq.write_table(small, f"groups-{codec}.parquet", compression=codec, row_group_size=300, data_page_size=256)
    pq.write_table(small, "pages-v2.parquet", data_page_version="2.0", data_page_size=256, use_dictionary=["group"],
                   column_encoding={"x": "BYTE_STREAM_SPLIT", "y": "BYTE_STREAM_SPLIT"})  # fmt: skip
    pq.write_table(small.select(["group"]), "delta.parquet", use_dictionary=False,
                   column_encoding={"group": "DELTA_BINARY_PACKED"}, version="2.6")  # fmt: skip
    frame = small.to_pandas()
    frame.index = pandas.Index([n * n for n in frame.index])
    frame.iloc[:10].to_parquet("pandas-index.parquet")
    pq.write_table(small.slice(0, 0), "no-rows.parquet")
    pq.write_table(pa.table({"x": [1.0, 2.0], "point": [{"a": 1.0}, {"a": 2.0}], "list": [[1.0], [2.0, 3.0]]}), "nested.parquet")
    pq.write_table(pa.table({"a.b": [1.0, 2.0], "c,d": [3.0, 4.0], "ü": [5.0, 6.0]}), "names.parquet")
    pq.write_table(pa.table({"f16": pa.array([0.5, -2.0, 65504.0], pa.float16())}), "float16.parquet")
    pq.write_table(pa.table({"day": pa.array([1, 2], pa.date32()), "time": pa.array([1, 2], pa.timestamp("us"))}), "dates.parquet")


if __name__ == "__main__":
    write()
