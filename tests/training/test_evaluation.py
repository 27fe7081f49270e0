"""Evaluation: loss and accuracy against a plain computation, also over several batches."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hpstudy.datasets.images import TrainingData
from hpstudy.datasets.preparation import prepare
from hpstudy.training import evaluation
from hpstudy.training.evaluation import evaluate


def test_evaluate_is_the_plain_mean(data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "BATCH_SIZE", 5)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(64, 2))
    result = evaluate(model, images=data.evaluation, preparation=data.preparation, precision="float32")
    model.eval()
    with torch.no_grad():
        logits = model(prepare(data.evaluation.images, preparation=data.preparation))
    assert result.loss == pytest.approx(nn.functional.cross_entropy(logits, data.evaluation.labels).item(), abs=1e-6)
    assert result.predictions.tolist() == logits.argmax(1).tolist()
    assert result.accuracy == (logits.argmax(1) == data.evaluation.labels).double().mean().item()


def test_bfloat16_is_near(data: TrainingData) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    exact = evaluate(model, images=data.evaluation, preparation=data.preparation, precision="float32")
    rounded = evaluate(model, images=data.evaluation, preparation=data.preparation, precision="bfloat16")
    assert rounded.loss != exact.loss
    assert rounded.loss == pytest.approx(exact.loss, rel=0.02)
