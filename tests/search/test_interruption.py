"""What ends a run early: signals and the deadline."""

from __future__ import annotations

import os
import signal
import time

import pytest

from hpstudy.search.interruption import Interruption


def silent(_number: int) -> None:
    pass


def test_after_sigterm_the_run_is_stopped_before_it_is_killed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption(announce=silent, grace_seconds=0.2) as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.requested()
        with pytest.raises(KeyboardInterrupt):
            time.sleep(30)
    assert signal.getsignal(signal.SIGTERM) == before


def test_after_ctrl_c_the_epoch_has_all_the_time_it_takes() -> None:
    with Interruption(announce=silent, grace_seconds=0.05) as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
    assert interruption.signal_number == signal.SIGINT


def test_nothing_is_sent_once_the_run_has_ended() -> None:
    with Interruption(announce=silent, grace_seconds=0.1):
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.3)  # SIGTERM would end the tests


def test_the_deadline_ends_it_without_a_signal() -> None:
    with Interruption(announce=silent, deadline=time.monotonic() + 0.05) as interruption:
        assert not interruption.requested()
        time.sleep(0.1)
        assert interruption.requested()
    assert interruption.signal_number is None
