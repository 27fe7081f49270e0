"""What ends a run early: signals and the deadline."""

from __future__ import annotations

import os
import signal
import time

import pytest

from hpstudy.search.interruption import Interruption


def silent(_number: int) -> None:
    pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_after_a_signal_the_run_is_stopped_before_it_is_killed(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    requested = []

    def train() -> None:
        os.kill(os.getpid(), number)
        requested.append(interruption.requested())
        time.sleep(200)

    # From the first signal on the second may come at any instant.
    with Interruption(announce=silent, grace_seconds=0.5) as interruption, pytest.raises(KeyboardInterrupt):
        train()
    assert requested == [True]
    assert interruption.signal_number == number
    assert signal.getsignal(number) == before


def test_nohup_goes_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption(announce=silent) as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interruption.requested()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_after_ctrl_c_the_epoch_has_all_the_time_it_takes() -> None:
    with Interruption(announce=silent, grace_seconds=0.05) as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert not interruption._patience.is_alive()
    assert interruption.signal_number == signal.SIGINT


def test_nothing_is_sent_once_the_run_has_ended() -> None:
    with Interruption(announce=silent, grace_seconds=200) as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption._patience.is_alive()
    interruption._patience.join(timeout=100)
    assert not interruption._patience.is_alive()


def test_the_deadline_ends_it_without_a_signal() -> None:
    for seconds, is_over in ((200, False), (0, True)):
        with Interruption(announce=silent, deadline=time.monotonic() + seconds) as interruption:
            assert interruption.requested() == is_over
        assert interruption.signal_number is None
