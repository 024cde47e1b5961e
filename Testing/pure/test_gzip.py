"""Compressing in pieces: standard gzip, the same bytes however many threads."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from SlabExporterLib.files.gzip_codec import DamagedGzipError, compress_stream, decompress_stream


def packed(pieces, compression, threads):
    parts: list[bytes] = []
    compress_stream(pieces, compression, parts.append, threads)
    return b"".join(parts)


@given(st.lists(st.binary(max_size=2000), max_size=12), st.sampled_from(["fast", "small"]))
def test_python_reads_what_was_compressed_and_threads_do_not_matter(pieces, compression):
    once = packed(pieces, compression, 1)
    assert gzip.decompress(once) == b"".join(pieces)
    assert packed(pieces, compression, 3) == once


@given(st.lists(st.binary(max_size=2000), max_size=6), st.binary(min_size=1, max_size=20))
def test_damage_is_noticed_when_it_is_read_back(pieces, rest):
    whole = packed(pieces, "fast", 2)
    assert b"".join(decompress_stream([whole])) == b"".join(pieces)
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole + rest):
        with pytest.raises(DamagedGzipError):
            list(decompress_stream([damaged]))


def test_a_writer_that_fails_ends_it():
    def full(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        compress_stream([b"a" * 1000] * 9, "fast", full, 2)
