"""Optuna's own contract of a sampler, on those that hpstudy builds; they pass what Optuna's own of that name pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, RelativeSamplerTestCase

from hpstudy.search.sampling import build_sampler
from hpstudy.spec.study import Component, StudySpec

Sampler = Callable[[], BaseSampler]


def built(spec: StudySpec, name: str) -> Sampler:
    """Makes the sampler of a study's first trial, which draws nothing blindly before it has learned."""
    options = {"startup_trials": 0} if name in {"tpe", "gp", "cmaes"} else {}
    return lambda: build_sampler(replace(spec, sampler=Component(name, options)), number=0)


class TestTpe(BasicSamplerTestCase, RelativeSamplerTestCase):
    """The default."""

    @pytest.fixture
    def sampler(self, small_spec: StudySpec) -> Sampler:
        return built(small_spec, "tpe")


class TestRandom(BasicSamplerTestCase):
    """What is drawn before a sampler has learned, too."""

    @pytest.fixture
    def sampler(self, small_spec: StudySpec) -> Sampler:
        return built(small_spec, "random")


@pytest.mark.slow
@pytest.mark.parametrize("sampler_name", ["gp", "cmaes", "qmc"])
class TestOthers(BasicSamplerTestCase, RelativeSamplerTestCase):
    """Those that draw settings together."""

    @pytest.fixture
    def sampler(self, small_spec: StudySpec, sampler_name: str) -> Sampler:
        return built(small_spec, sampler_name)


@pytest.mark.slow
class TestGrid(BasicSamplerTestCase):
    """Optuna's BruteForceSampler, which does not end a study."""

    @pytest.fixture
    def sampler(self, small_spec: StudySpec) -> Sampler:
        return built(small_spec, "grid")
