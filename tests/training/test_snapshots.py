"""The last states of a run, and who teaches."""

import pytest
from conftest import make_recommender

from tinynewsrec.model.folder import read_json
from training.snapshots import MANIFEST, Snapshots, refuse_finished_snapshots, snapshots_in
from training.teachers import find_teachers


def keep_all(tokenizer, folder, count=3, every=5, steps=23):
    """Every step of a run is offered; each state is told apart by its seed."""
    snapshots = Snapshots(folder, count, every, steps, {"stage": "made up"})
    for step in range(1, steps + 1):
        if (steps - step) % every in (0, 1):
            snapshots.keep(step, make_recommender(tokenizer, seed=step))
    snapshots.write_manifest()
    return snapshots_in(folder)


def test_the_last_states_are_kept_numbered_from_the_end(tokenizer, tmp_path):
    folders = keep_all(tokenizer, tmp_path)
    assert [folder.name for folder in folders] == ["snapshot-1", "snapshot-2", "snapshot-3"]
    assert [read_json(folder / "training.json")["step"] for folder in folders] == [23, 18, 13]
    assert [entry["step"] for entry in read_json(tmp_path / MANIFEST)["snapshots"]] == [23, 18, 13]
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, *(f.name for f in folders)]
    for folder, step in zip(folders, (23, 18, 13), strict=True):
        expected = make_recommender(tokenizer, seed=step).state_dict()
        [teacher] = find_teachers([folder], None)
        assert all(expected[name].equal(tensor) for name, tensor in teacher.load().state_dict().items())


def test_a_run_too_short_for_so_many_is_refused_before_it_starts(tmp_path):
    with pytest.raises(
        ValueError, match="3 snapshots 5 steps apart need more than 10 steps; this run has 10"
    ):
        Snapshots(tmp_path, 3, 5, 10, {})
    Snapshots(tmp_path, 3, 5, 11, {})


def test_a_changed_snapshot_is_noticed(tokenizer, tmp_path):
    keep_all(tokenizer, tmp_path)
    make_recommender(tokenizer, seed=99).save_pretrained(tmp_path / "snapshot-2")
    with pytest.raises(ValueError, match="snapshot-2 is not the snapshot that manifest.json names"):
        snapshots_in(tmp_path)


def test_snapshots_of_an_unfinished_run_are_not_used(tokenizer, tmp_path):
    keep_all(tokenizer, tmp_path)
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(FileNotFoundError, match="has no manifest.json"):
        snapshots_in(tmp_path)


def test_finished_snapshots_are_not_trained_over(tokenizer, tmp_path):
    refuse_finished_snapshots(tmp_path)
    keep_all(tokenizer, tmp_path)
    with pytest.raises(ValueError, match="holds finished snapshots"):
        refuse_finished_snapshots(tmp_path)


def test_a_folder_of_snapshots_stands_for_all_latest_first(tokenizer, tmp_path):
    keep_all(tokenizer, tmp_path / "run")
    make_recommender(tokenizer).save_pretrained(tmp_path / "other")
    folders = [tmp_path / "run", tmp_path / "other"]
    assert [t.name for t in find_teachers(folders, None)] == [
        "snapshot-1",
        "snapshot-2",
        "snapshot-3",
        "other",
    ]
    assert [t.name for t in find_teachers(folders, 2)] == ["snapshot-1", "snapshot-2"]
    for count in (0, 5):
        with pytest.raises(ValueError, match=f"between 1 and 4 teachers, as many as there are; got {count}"):
            find_teachers(folders, count)


def test_teachers_of_different_sizes_are_refused(tokenizer, tmp_path):
    for size in (4, 8):
        make_recommender(tokenizer, news_size=size).save_pretrained(tmp_path / str(size))
    with pytest.raises(ValueError, match=r"vectors of one size, found \[4, 8\]"):
        find_teachers([tmp_path / "4", tmp_path / "8"], None)


def test_teachers_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        find_teachers([tmp_path / "nobody"], None)
    with pytest.raises(ValueError, match="Expected at least one teacher"):
        find_teachers([], None)
