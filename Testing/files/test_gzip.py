"""Compressing in pieces: standard gzip, the same bytes however many threads."""

from __future__ import annotations

import gzip
import random
import sys
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slab_exporter.files import gzip_codec
from slab_exporter.files.gzip_codec import CHUNK, DamagedGzipError, compress_stream, decompress_stream, inflated


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


def decompress(data, size):
    """The first bytes of the content, and whether it goes on."""
    content = b"".join(inflated(data[n : n + CHUNK] for n in range(0, len(data), CHUNK)))
    return content[:size], len(content) > size


def test_a_writer_that_fails_ends_it():
    def full(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        compress_stream([b"a" * 1000] * 9, "fast", full, 2)


@pytest.mark.parametrize("goes_on", [1, 5_000_000])
def test_content_after_the_wanted_bytes_is_tested_too(goes_on):
    content = bytes(1000) + random.Random(1).randbytes(goes_on)
    whole = gzip.compress(content)
    assert decompress(whole, 1000) == (content[:1000], True)
    assert decompress(whole + whole, len(content)) == (content, True)
    with pytest.raises(DamagedGzipError, match="truncated"):
        decompress(whole[:-3], 1000)
    with pytest.raises(DamagedGzipError, match="corrupted"):
        decompress(whole[:-8] + bytes(8), 1000)


def test_bytes_that_are_no_gzip_after_the_content_are_no_content():
    whole = gzip.compress(b"abc")
    assert decompress(whole + b"padding", 3) == (b"abc", False)
    assert decompress(whole + b"padding", 2) == (b"ab", True)


@pytest.mark.parametrize("piece", [1, 7, 1000, CHUNK])
def test_members_and_pieces_may_begin_anywhere(piece):
    contents = [random.Random(n).randbytes(37 * n) for n in range(20)]
    whole = b"".join(map(gzip.compress, contents)) + b"\0\0"
    assert b"".join(inflated(whole[n : n + piece] for n in range(0, len(whole), piece))) == b"".join(contents)


def processor_seconds(data):
    began = time.process_time()
    size = sum(map(len, inflated([data])))
    return time.process_time() - began, size


def test_many_members_take_linear_time():
    """Each member's rest used to be copied: 200,000 empty members took 28 s, a minute and more for twice as many."""
    seconds, size = processor_seconds(gzip.compress(b"") * 50_000 + gzip.compress(b"abc"))
    assert size == 3
    assert seconds < 2


def test_a_bomb_inflates_in_pieces_of_bounded_size():
    bomb = gzip.compress(bytes(200 << 20), 1)
    assert max(map(len, inflated([bomb]))) <= 16 << 20


def test_the_fast_codec_is_taken_up_once_it_has_been_installed(monkeypatch):
    """As the panel does: zlib packs until then, and whatever packed, either unpacks."""
    pytest.importorskip("isal", reason="the package isal is not installed")
    content = bytes(range(256)) * 5000
    monkeypatch.setattr(gzip_codec, "isal_zlib", None)
    monkeypatch.setattr(gzip_codec, "_ERRORS", (zlib.error,))
    slow = packed([content], "fast", 0)
    assert not gzip_codec.has_isal()
    assert gzip_codec.take_up_isal()
    assert gzip_codec.has_isal()
    fast = packed([content], "fast", 0)
    assert fast != slow
    assert gzip.decompress(fast) == gzip.decompress(slow) == b"".join(decompress_stream([slow])) == content
    with pytest.raises(DamagedGzipError):
        list(decompress_stream([fast[:500] + bytes(80) + fast[580:]]))


def test_a_codec_that_is_missing_is_not_taken_up(monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    monkeypatch.setattr(gzip_codec, "isal_zlib", None)
    assert not gzip_codec.take_up_isal()
    assert not gzip_codec.has_isal()
