"""The text of a user's networks, from a run's beginning to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from hpstudy.errors import DataError, InputError
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import Event, WorkerLost
from hpstudy.search.subject import Subject
from hpstudy.search.user_code import read_user_code
from hpstudy.spec.load import load_study
from hpstudy.spec.study import Baseline, Confirm, StudySpec
from tests.search.conftest import Lab, Notes


def changed_after(n_epochs: int, nets: Path) -> Notes:
    """An observer that gives the network twice the units after so many epochs of a run."""

    def change(n: int) -> None:
        if n == n_epochs:
            text = nets.read_text(encoding="utf-8")
            nets.write_text(text.replace("nn.ReLU()", "nn.Tanh()"), encoding="utf-8")

    return Notes(after_epoch=change)


@pytest.mark.parametrize("n_epochs", [4, 6 * 3])
def test_a_network_that_is_changed_under_way_is_not_trained(
    lab: Lab, small_spec: StudySpec, tmp_path: Path, n_epochs: int
) -> None:
    nets = tmp_path / "nets.py"
    text = nets.read_text(encoding="utf-8")
    spec = replace(small_spec, confirm=Confirm(top=1, seeds=2))
    notes = changed_after(n_epochs, nets)

    with pytest.raises(InputError, match=r"^small: nets\.py was changed while the study ran; undo the change"):
        lab.run(spec, notes=notes)

    assert notes.n_epochs == (6 if n_epochs == 4 else 18)
    with pytest.raises(InputError, match=r"source\.nets\.py:tiny"):
        lab.run(spec)
    nets.write_text(text, encoding="utf-8")
    lab.run(spec)
    assert len(lab.results().confirmations) == 2


def test_nor_one_of_a_baseline_that_the_file_has_no_more(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text((tmp_path / "nets.py").read_text(encoding="utf-8"), encoding="utf-8")
    spec = replace(small_spec, trials=1, baselines=(Baseline("mine", "other.py:tiny", 1, {}),))
    lab.run(spec)
    bare = replace(spec, baselines=(), confirm=Confirm(top=1, seeds=1))
    with pytest.raises(InputError, match=r"other\.py was changed while the study ran"):
        lab.run(bare, notes=changed_after(1, other))


def test_a_training_whose_process_died_does_not_go_on_with_another_network(
    lab: Lab, small_spec: StudySpec, tmp_path: Path
) -> None:
    notes = changed_after(1, tmp_path / "nets.py")

    class Dies(LocalExecutor):
        """Its process dies after the first epoch."""

        def events(self, timeout_seconds: float) -> Sequence[Event]:
            if notes.n_epochs == 1:
                return [WorkerLost(self._training.key, "SIGKILL")]
            return super().events(timeout_seconds)

    lab.open_executor = Dies
    with pytest.raises(InputError, match=r"nets\.py was changed while the study ran"):
        lab.run(small_spec, notes=notes)
    assert notes.lost_causes == []


def test_it_is_not_recorded_for_what_was_trained(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    notes = changed_after(3, tmp_path / "nets.py")
    with pytest.raises(InputError, match=r"nets\.py was changed while the study ran"):
        lab.run(replace(small_spec, trials=1), notes=notes)
    assert "models" not in lab.results().runs["record"].iloc[-1]


def test_a_module_beside_it_counts_and_hpstudys_own_networks_have_no_text(tmp_path: Path) -> None:
    (tmp_path / "blocks.py").write_text("WIDTH = 8\n", encoding="utf-8")
    (tmp_path / "nets.py").write_text("from blocks import WIDTH\n\ndef net(): ...\n", encoding="utf-8")
    code = read_user_code(Subject("mine", "", tmp_path, 1, ("nets.py:net", "lenet5"), Confirm()))
    code.require_unchanged("nets.py:net")
    (tmp_path / "blocks.py").write_text("WIDTH = 9\n", encoding="utf-8")

    code.require_unchanged("lenet5")
    with pytest.raises(InputError, match=r"mine: blocks\.py was changed"):
        code.require_unchanged("nets.py:net")


def test_a_network_that_is_gone_is_not_called_changed(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"

    def move(n_epochs: int) -> None:
        if n_epochs == 3:
            nets.rename(tmp_path / "moved.py")

    with pytest.raises(InputError, match=r"^small: nets\.py is not in .* any more") as told:
        lab.run(small_spec, notes=Notes(after_epoch=move))
    assert "changed" not in str(told.value)
    assert str(tmp_path) in str(told.value)
    with pytest.raises(InputError, match=r"^small: nets\.py is not in .* any more") as told:
        lab.confirm(seeds=1)
    assert "something else" not in str(told.value)
    (tmp_path / "moved.py").rename(nets)
    lab.run(small_spec)


def test_a_study_goes_on_from_the_folder_that_it_was_moved_to(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    lab.run(replace(small_spec, trials=1, epochs=1))
    (tmp_path / "moved").mkdir()
    (tmp_path / "nets.py").rename(tmp_path / "moved" / "nets.py")
    with pytest.raises(InputError, match=r"nets\.py is not in"):
        lab.confirm(top=1, seeds=1)
    lab.run(replace(small_spec, trials=1, epochs=1, path=str(tmp_path / "moved" / "small.yaml")))
    lab.confirm(top=1, seeds=1)
    assert len(lab.results().confirmations) == 1


def test_pictures_that_were_moved_are_not_called_another_study(lab: Lab, small_study: Path, tmp_path: Path) -> None:
    for split, label, number in product(("train", "test"), ("cat", "dog"), range(8)):
        picture = tmp_path / "old" / split / label / f"{number}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), color=16 * number).save(picture)
    text = small_study.read_text(encoding="utf-8").replace("256", "2")
    small_study.write_text(
        text.replace("digits", f"{{name: image_folder, root: {tmp_path / 'old'}}}"), encoding="utf-8"
    )
    before = load_study(small_study, overrides={"trials": 1, "epochs": 1})
    lab.run(before)
    (tmp_path / "old").rename(tmp_path / "new")
    after = replace(before, dataset=replace(before.dataset, root=str(tmp_path / "new")))
    with pytest.raises(InputError, match="its stored trials look for them in") as told:
        lab.run(after)
    assert f"write dataset.root: {tmp_path / 'old'}" in str(told.value)
    with pytest.raises(DataError, match=r"old: there is no such folder; .* If it was moved, put it back"):
        lab.confirm(seeds=1)
    (tmp_path / "old").symlink_to(tmp_path / "new")
    lab.confirm(top=1, seeds=1)
    assert len(lab.results().confirmations) == 1
