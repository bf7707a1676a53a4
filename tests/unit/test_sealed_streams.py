"""Files sealed in chunks: whatever is changed, cut, exchanged or moved does not open."""

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import sealed_streams
from core.sealed_streams import METHOD, SALT_BYTES, TAG_BYTES, seal_stream, unseal_stream
from core.sealing import SealBrokenError, new_key, seal

KEY = new_key()
CHUNK = 16
HEAD = len(METHOD) + SALT_BYTES


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> object:
    kept, sealed_streams.CHUNK_BYTES = sealed_streams.CHUNK_BYTES, CHUNK
    yield
    sealed_streams.CHUNK_BYTES = kept


async def streamed(content: bytes, sizes: Sequence[int]) -> AsyncIterator[bytes]:
    """The content in pieces of these sizes, over and over."""
    position, number = 0, 0
    while position < len(content):
        size = sizes[number % len(sizes)]
        yield content[position : position + size]
        position, number = position + size, number + 1


async def sealed(content: bytes, sizes: Sequence[int] = (7,), context: str = "file 1") -> bytes:
    return b"".join([part async for part in seal_stream(KEY, streamed(content, sizes), context)])


async def opened(whole: bytes, sizes: Sequence[int] = (11,), context: str = "file 1") -> bytes:
    return b"".join([part async for part in unseal_stream(KEY, streamed(whole, sizes), context)])


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@given(st.binary(max_size=5 * CHUNK + 3), SIZES, SIZES)
@settings(deadline=None)
async def test_whatever_goes_in_comes_out_however_it_is_cut_on_the_way(
    content: bytes, going_in: list[int], coming_out: list[int]
) -> None:
    assert await opened(await sealed(content, going_in), coming_out) == content


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK])
async def test_lengths_around_a_chunks_end(length: int) -> None:
    content = bytes(range(length))
    assert await opened(await sealed(content)) == content


@given(st.binary(min_size=1, max_size=4 * CHUNK), st.data())
@settings(deadline=None)
async def test_no_single_bit_can_be_changed(content: bytes, data: st.DataObject) -> None:
    whole = bytearray(await sealed(content))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBrokenError):
        await opened(bytes(whole))


async def test_cut_at_any_place_it_does_not_open() -> None:
    whole = await sealed(bytes(3 * CHUNK))
    for length in range(len(whole)):
        with pytest.raises(SealBrokenError):
            await opened(whole[:length])


async def test_chunks_exchanged_repeated_or_left_out_do_not_open() -> None:
    whole = await sealed(bytes(range(4 * CHUNK)))
    size = CHUNK + TAG_BYTES
    head, body = whole[:HEAD], whole[HEAD:]
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    assert len(chunks) == 4
    first, second, third, last = chunks
    for other in (
        [second, first, third, last],
        [first, first, second, third, last],
        [first, third, last],
        [first, second, last, third],
        [first, second, third, last, last],
    ):
        with pytest.raises(SealBrokenError):
            await opened(head + b"".join(other))


async def test_a_chunk_of_another_file_or_another_place_does_not_open() -> None:
    content = bytes(2 * CHUNK)
    one, other = await sealed(content), await sealed(content)
    size = CHUNK + TAG_BYTES
    with pytest.raises(SealBrokenError):
        await opened(one[: HEAD + size] + other[HEAD + size :])
    with pytest.raises(SealBrokenError):
        await opened(one, context="file 2")


async def test_a_file_sealed_whole_is_still_read() -> None:
    content = b"%PDF-1.7 " + bytes(5 * CHUNK)
    assert await opened(seal(KEY, content, "file 1")) == content
    with pytest.raises(SealBrokenError):
        await opened(seal(KEY, content, "file 1"), context="file 2")
