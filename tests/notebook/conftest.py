"""One kernel for the tests of a file."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernels import START, Kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    for needed in ("ipykernel", "jupyter_client"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"there is no {needed} here: install the `notebook` extra and the group `test`")
    from jupyter_client.manager import KernelManager

    folder: Path = tmp_path_factory.mktemp("ipython")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(extra_arguments=["--HistoryManager.enabled=False", f"--ipython-dir={folder}"])
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        made = Kernel(manager, client)
        assert made.run(START).error == ""
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
