"""Optuna's storage as hpstudy opens it: what it does is repeated, and can be part of a larger transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, ExceptionContext, event

from hpstudy.search.patience import Patience, TransactionLostError

_MAY_BE_REPEATED = {"40P01", "53100"}
"""A deadlock, and a full disk, of which a server also takes a transaction back."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Connector(Protocol):
    """Connects to one database; to be pickled."""

    @property
    def url(self) -> str:
        """For SQLAlchemy, that it knows the kind of database; without a password."""
        ...

    @property
    def pings(self) -> bool:
        """Whether a connection may have ended since it was used last."""
        ...

    def connect(self) -> Any:  # noqa: ANN401  # whatever the driver calls a connection
        """A connection of the driver's."""
        ...

    def opened(self) -> None:
        """The storage is open: from here on its patience is its user's."""
        ...


def _repeated(
    method: Callable[Concatenate[Any, _Arguments], _Result],
) -> Callable[Concatenate[PatientStorage, _Arguments], _Result]:
    """A method of Optuna's that leaves the same behind if it is done twice."""

    @wraps(method)
    def repeat(self: PatientStorage, /, *arguments: _Arguments.args, **keywords: _Arguments.kwargs) -> _Result:
        return self.patience.repeat(lambda: method(self, *arguments, **keywords))

    return repeat


class PatientStorage(RDBStorage):
    """Optuna's storage in a database, with patience.

    Each method is one transaction (Optuna 5.0). Attributes, values and epochs are replaced by themselves, a parameter
    that is there already stays, and reading changes nothing. Asking for a trial is repeated on SQLite, which says
    whether a write took place; on a server only as part of an exclusive body (`storage.Storage.exclusive`).

    Attributes:
        patience: What its methods are repeated with.
    """

    def __init__(self, connector: Connector, *, patience: Patience | None = None) -> None:
        """Connects, and makes Optuna's tables where there are none.

        Args:
            connector: To the database.
            patience: None for one that says nothing.

        Raises:
            SQLAlchemyError: The database cannot be used.
            RuntimeError: The tables are those of another version of Optuna.
        """
        self.patience = patience or Patience()
        self._connector = connector
        self._current = threading.local()
        super().__init__(connector.url, {"creator": connector.connect, "pool_pre_ping": connector.pings})
        event.listen(self.engine, "handle_error", _lost)
        connector.opened()
        self.engine.dispose()  # the connections of before

    def __reduce__(self) -> tuple[type[PatientStorage], tuple[Connector]]:
        return PatientStorage, (self._connector,)

    @property
    def connection(self) -> Connection | None:
        """The connection of the transaction that this thread is in; None where each method has its own."""
        return getattr(self._current, "connection", None)

    @contextmanager
    def joined(self, connection: Connection) -> Iterator[None]:
        """While the body runs, all that this thread does is part of the transaction of a connection."""
        self.scoped_session.remove()
        self.scoped_session(bind=connection, join_transaction_mode="create_savepoint")
        self._current.connection = connection
        try:
            yield
        finally:
            self._current.connection = None
            self.scoped_session.remove()

    create_new_study = _repeated(RDBStorage.create_new_study)
    delete_study = _repeated(RDBStorage.delete_study)
    set_study_user_attr = _repeated(RDBStorage.set_study_user_attr)
    set_study_system_attr = _repeated(RDBStorage.set_study_system_attr)
    get_study_id_from_name = _repeated(RDBStorage.get_study_id_from_name)
    get_study_name_from_id = _repeated(RDBStorage.get_study_name_from_id)
    get_study_directions = _repeated(RDBStorage.get_study_directions)
    get_study_user_attrs = _repeated(RDBStorage.get_study_user_attrs)
    get_study_system_attrs = _repeated(RDBStorage.get_study_system_attrs)
    get_all_studies = _repeated(RDBStorage.get_all_studies)
    set_trial_intermediate_value = _repeated(RDBStorage.set_trial_intermediate_value)
    set_trial_user_attr = _repeated(RDBStorage.set_trial_user_attr)
    set_trial_system_attr = _repeated(RDBStorage.set_trial_system_attr)
    get_trial_id_from_study_id_trial_number = _repeated(RDBStorage.get_trial_id_from_study_id_trial_number)
    get_trial_param = _repeated(RDBStorage.get_trial_param)
    get_trial_user_attrs = _repeated(RDBStorage.get_trial_user_attrs)
    get_trial_system_attrs = _repeated(RDBStorage.get_trial_system_attrs)
    get_trial = _repeated(RDBStorage.get_trial)
    # The cache that Optuna lays before a storage calls the inner methods, and so do the outer ones.
    _set_trial_param = _repeated(RDBStorage._set_trial_param)  # noqa: SLF001  # the class's own
    _get_trials = _repeated(RDBStorage._get_trials)  # noqa: SLF001  # the class's own
    _get_best_trial_id = _repeated(RDBStorage._get_best_trial_id)  # noqa: SLF001  # the class's own

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        def create() -> FrozenTrial:
            return super(PatientStorage, self)._create_new_trial(study_id, template_trial)

        # Twice it would be two trials, and a server that has gone may have stored the first.
        is_alone = self._connector.pings and self.connection is None
        return create() if is_alone else self.patience.repeat(create)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """As Optuna's; a state that the trial got from an attempt whose answer was lost is no error."""
        n_attempts = 0

        def tell() -> bool:
            nonlocal n_attempts
            n_attempts += 1
            try:
                return super(PatientStorage, self).set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                trial = self.get_trial(trial_id)
                if n_attempts == 1 or (trial.state, trial.values) != (state, None if values is None else list(values)):
                    raise
                return True

        return self.patience.repeat(tell)


def _lost(context: ExceptionContext) -> TransactionLostError | None:
    """What a server took back is told apart from what it refused; `None` leaves the error as it is."""
    if context.is_pre_ping or context.connection is None:
        return None  # the pool connects anew, or there is no server
    if context.sqlalchemy_exception is None:
        return None  # a KeyboardInterrupt, after which the connection is of no use either
    is_lost = context.is_disconnect or getattr(context.original_exception, "sqlstate", None) in _MAY_BE_REPEATED
    return TransactionLostError() if is_lost else None
