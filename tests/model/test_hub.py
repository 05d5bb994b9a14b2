"""The hub is asked for what a checkpoint needs and given what it holds; no network here."""

from types import SimpleNamespace

import pytest
import torch

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.model import folder as folder_module
from tinynewsrec.model import recommender as recommender_module
from tinynewsrec.model.recommender import Recommender


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """One repository, kept in a folder."""
    calls = SimpleNamespace(uploaded=None, private=None, patterns=None)

    class Api:
        def __init__(self, token=None):
            calls.token = token

        def create_repo(self, repo_id, private, exist_ok):
            calls.private = private
            return SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, repo_id, folder_path, commit_message):
            Recommender.from_pretrained(folder_path).save_pretrained(tmp_path / "hub")
            calls.uploaded = repo_id
            return f"https://hub/{repo_id}"

    def snapshot_download(name, revision, token, allow_patterns):
        assert name == calls.uploaded, f"nobody uploaded {name}"
        calls.patterns = allow_patterns
        return str(tmp_path / "hub")

    monkeypatch.setattr(recommender_module, "HfApi", Api)
    monkeypatch.setattr(folder_module, "snapshot_download", snapshot_download)
    return calls


def test_what_was_pushed_is_what_is_fetched(recommender, tokens, hub):
    assert recommender.push_to_hub("alice/student", token="secret") == "https://hub/alice/student"
    assert hub.private is True and hub.token == "secret"
    fetched = Recommender.from_pretrained("alice/student")
    torch.testing.assert_close(fetched.encode(tokens), recommender.encode(tokens))


def test_only_files_of_a_checkpoint_are_fetched(recommender, hub):
    recommender.push_to_hub("alice/student")
    Recommender.from_pretrained("alice/student")
    assert "model.safetensors" in hub.patterns
    assert not any(
        pattern.endswith((".bin", ".py", ".pkl", "*")) for pattern in hub.patterns if "." in pattern
    )


def test_a_checkpoint_of_the_hub_is_called_by_its_id(recommender, hub):
    recommender.push_to_hub("alice/student")
    assert Checkpoint.open("alice/student").name == "alice/student"
