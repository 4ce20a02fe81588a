"""Let JAX keep what it compiled on disk, so that the next process need not compile it again."""

import os
from importlib.metadata import version

from platformdirs import user_cache_path

FOLDER = "JAX_COMPILATION_CACHE_DIR"


def compile_cache() -> dict[str, str]:
    """Settings for the environment of a process that runs a notebook's code.

    A check compiles a hundred tiny programs; by itself, JAX keeps only large ones. Empty where the
    user has chosen a cache already, or where none can be written.

    ```python
    subprocess.run(command, env={**os.environ, **compile_cache()})
    ```
    """
    folder = user_cache_path("olympus-kit") / f"jax-{version('jax')}"
    if FOLDER in os.environ:
        return {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return {}
    return {
        FOLDER: str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def use_compile_cache() -> None:
    """The same settings for this process, where jax is imported already."""
    import jax

    for setting, text in compile_cache().items():
        is_number = text.lstrip("-").isdigit()
        jax.config.update(setting.lower(), int(text) if is_number else text)
