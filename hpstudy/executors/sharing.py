"""Images in shared memory, where several processes read them without a copy of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

from hpstudy.datasets.images import TrainingData
from hpstudy.errors import InputError

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # not written to: asked for its size


def share(data: TrainingData) -> None:
    """Moves the tensors of some data on the CPU into shared memory; they keep their values, shapes and strides.

    In place, so that this process too has them once. The system frees the memory with the last process that uses
    it, however that ends.

    Raises:
        InputError: The machine has too little shared memory.
    """
    tensors = [tensor for part in (data.train, data.evaluation) for tensor in (part.images, part.labels)]
    try:
        for tensor in tensors:
            tensor.share_memory_()  # type: ignore[no-untyped-call]  # torch does not say its types
    except RuntimeError as error:
        n_bytes = sum(tensor.untyped_storage().nbytes() for tensor in tensors)
        raise InputError(
            f"--workers: the images ({_megabytes(n_bytes)}) do not fit into shared memory{_size()}; enlarge it "
            "(for example `docker run --shm-size=2g`), or train with --workers 1"
        ) from error


def _size() -> str:
    if not _SHARED_MEMORY.is_dir():
        return ""
    usage = shutil.disk_usage(_SHARED_MEMORY)
    return f" ({_SHARED_MEMORY}: {_megabytes(usage.free)} free of {_megabytes(usage.total)})"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"
