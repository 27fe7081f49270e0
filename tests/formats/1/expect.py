"""What format 1 itself reads in its database, as JSON: a study's trials, epochs and confirmations to the last bit."""

import json
import sys

from hpstudy.results.load import load_results


def read(url: str, study: str) -> dict[str, list[list[object]]]:
    """By frame the rows that must come out the same for ever; an absent number is null."""
    found = load_results(url, study=study)
    labels = dict(zip(found.trials["trial_id"], found.trials["label"], strict=True))
    epochs = found.epochs[found.epochs["trial_id"].isin(list(labels))]
    of_epochs = epochs.assign(label=epochs["trial_id"].map(labels))
    frames = {
        "trials": found.trials[["label", "state", "value", "epochs"]],
        "epochs": of_epochs[["label", "epoch", "train_loss", "val_accuracy"]],
        "confirmations": found.confirmations[["configuration", "seed", "state", "test_accuracy"]],
    }
    return {name: json.loads(frame.to_json(orient="values", double_precision=15)) for name, frame in frames.items()}


if __name__ == "__main__":
    url, *studies = sys.argv[1:]
    print(json.dumps({study: read(url, study) for study in studies}, indent=1, ensure_ascii=False))
