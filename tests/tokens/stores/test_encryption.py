from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azid.tokens.stores.encryption import HEADER_SIZE, EncryptionKeys, UnknownKeyError, UnreadableError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
PLACE = "nocae user 7"
DOCUMENT = {"AccessToken": {"key": {"secret": "the-token", "n": [1, None, "zoë"]}}}


@pytest.fixture
def keys() -> EncryptionKeys:
    return EncryptionKeys(OLD)


def test_what_was_sealed_can_be_opened(keys: EncryptionKeys) -> None:
    sealed = keys.seal(DOCUMENT, PLACE)
    assert b"the-token" not in sealed
    assert EncryptionKeys(OLD).open(sealed, PLACE) == DOCUMENT


def test_nothing_is_sealed_twice_alike(keys: EncryptionKeys) -> None:
    assert len({keys.seal(DOCUMENT, PLACE)[:HEADER_SIZE] for _ in range(100)}) == 100


@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_bit_of_it_can_be_changed(position: int, bit: int) -> None:
    keys = EncryptionKeys(OLD, NEW)
    sealed = bytearray(keys.seal(DOCUMENT, PLACE))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises((UnreadableError, UnknownKeyError)):
        keys.open(bytes(sealed), PLACE)


@given(st.binary(max_size=200))
def test_garbage_is_told_from_an_unknown_key(garbage: bytes) -> None:
    with pytest.raises((UnreadableError, UnknownKeyError)) as caught:
        EncryptionKeys(OLD).open(garbage, PLACE)
    has_header = garbage.startswith(b"\x01") and len(garbage) >= HEADER_SIZE
    assert (caught.type is UnknownKeyError) == has_header


@pytest.mark.parametrize("size", [0, 1, HEADER_SIZE - 1, HEADER_SIZE, HEADER_SIZE + 15, -1])
def test_a_part_of_it_is_unreadable(keys: EncryptionKeys, size: int) -> None:
    with pytest.raises(UnreadableError):
        keys.open(keys.seal(DOCUMENT, PLACE)[:size], PLACE)


@pytest.mark.parametrize("place", ["cae user 7", "nocae user 8", "nocae user 7 ", ""])
def test_it_is_of_no_use_in_another_place(keys: EncryptionKeys, place: str) -> None:
    with pytest.raises(UnreadableError, match="moved"):
        keys.open(keys.seal(DOCUMENT, PLACE), place)


def test_an_unknown_key_is_named_by_its_id_with_what_to_do() -> None:
    sealed = EncryptionKeys(OLD).seal(DOCUMENT, PLACE)
    with pytest.raises(UnknownKeyError, match=r"under the key [0-9a-f]{16}.*Give that key as a previous one") as caught:
        EncryptionKeys(NEW).open(sealed, PLACE)
    assert OLD.hex()[:16] not in str(caught.value)
    assert NEW.hex()[:16] not in str(caught.value)


def test_after_a_rotation_earlier_values_are_read_and_new_ones_written() -> None:
    sealed = EncryptionKeys(OLD).seal(DOCUMENT, PLACE)
    both = EncryptionKeys(NEW, OLD)
    assert both.open(sealed, PLACE) == DOCUMENT
    assert not both.holds(sealed, PLACE, DOCUMENT)
    resealed = both.seal(DOCUMENT, PLACE)
    assert both.holds(resealed, PLACE, DOCUMENT)
    assert not both.holds(resealed, PLACE, {})
    assert EncryptionKeys(NEW).open(resealed, PLACE) == DOCUMENT


def test_names_tell_nothing_and_depend_on_the_key() -> None:
    both = EncryptionKeys(NEW, OLD)
    new, old = both.names("ada@contoso.example")
    assert "ada" not in new + old
    assert EncryptionKeys(OLD).names("ada@contoso.example") == [old] != [new]
    assert EncryptionKeys(NEW, NEW).names("ada@contoso.example") == [new]
    assert both.names("bob@contoso.example") != [new, old]


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33), "x" * 32, None])
def test_a_key_is_32_bytes(key: bytes) -> None:
    for given_keys in ((key,), (OLD, key)):
        with pytest.raises(ValueError, match=r"32 random bytes.*secrets\.token_bytes"):
            EncryptionKeys(*given_keys)


def test_keys_are_neither_shown_nor_pickled(keys: EncryptionKeys) -> None:
    assert repr(OLD)[2:20] not in repr(keys)
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            copied(keys)
