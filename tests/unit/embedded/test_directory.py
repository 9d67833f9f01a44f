"""What a state directory keeps, and who may hold it."""

import base64
import stat

import pytest

from hooklane.domain.errors import Conflict, Misconfigured
from hooklane.embedded.directory import Directory, held, write_whole


def test_what_was_drawn_once_is_the_same_later(tmp_path):
    """Cluster id, API key and sealing keys outlive every restart."""
    with held(tmp_path) as first:
        drawn = (first.cluster_id(), first.api_key(), first.sealing_keys())
    with held(tmp_path) as second:
        assert drawn == (second.cluster_id(), second.api_key(), second.sealing_keys())


def test_two_directories_draw_different_secrets(tmp_path):
    """Nothing is shared between stacks."""
    first, second = Directory(tmp_path / "a"), Directory(tmp_path / "b")
    first.root.mkdir()
    second.root.mkdir()
    assert first.api_key() != second.api_key()
    assert first.sealing_keys() != second.sealing_keys()


def test_sealing_keys_have_the_form_the_settings_want(tmp_path):
    """An id, a colon, 32 bytes in base64."""
    key_id, _, key = Directory(tmp_path).sealing_keys().partition(":")
    assert key_id == "k1"
    assert len(base64.b64decode(key, validate=True)) == 32


def test_secrets_are_readable_by_their_owner_alone(tmp_path):
    """Other accounts of the machine learn nothing."""
    Directory(tmp_path).api_key()
    assert stat.S_IMODE((tmp_path / "api-key").stat().st_mode) == 0o600


def test_a_directory_in_use_is_refused(tmp_path):
    """Two stacks on one storage would destroy it."""
    with held(tmp_path), pytest.raises(Conflict) as caught, held(tmp_path):
        pass
    assert f"{tmp_path} is in use" in str(caught.value)


def test_a_directory_is_free_once_it_was_let_go(tmp_path):
    """A stop leaves nothing that hinders the next start."""
    with held(tmp_path):
        pass
    with held(tmp_path) as again:
        assert tmp_path == again.root


def test_a_path_that_is_no_directory_is_refused(tmp_path):
    """The sentence names the path."""
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(Misconfigured) as caught, held(path):
        pass
    assert str(path) in str(caught.value)


def test_a_file_is_replaced_whole(tmp_path):
    """A reader sees the old content or the new, and nothing is left beside it."""
    path = tmp_path / "ready.json"
    write_whole(path, "old")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert [path] == list(tmp_path.iterdir())
