"""How a module of olympus stands for the module of jax with the same name."""

import difflib
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MODULES = (
    "debug",
    "lax",
    "nn",
    "numpy",
    "random",
    "scipy",
    "test_util",
    "tree",
    "tree_util",
)


def no_such_name(
    module: str, name: str, known: Iterable[str]
) -> AttributeError:
    """Return the error for a misspelt name, with the nearest name that exists."""
    nearest = difflib.get_close_matches(name, list(known), n=1)
    hint = f" Did you mean {module}.{nearest[0]}?" if nearest else ""
    return AttributeError(
        f"module {module!r} has no attribute {name!r}.{hint}",
        name=name,
        obj=sys.modules[module],
    )


def mirror(
    name: str, original: ModuleType
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for the olympus module that stands for `original`.

    A star import copies what exists at import time; names that jax itself makes late
    (deprecated ones, submodules) are asked for here.
    """

    def module_getattr(attribute: str) -> object:
        try:
            return getattr(original, attribute)
        except AttributeError as error:
            if attribute.startswith("__") or "deprecated" in str(error):
                raise
            try:
                return importlib.import_module(
                    f"{original.__name__}.{attribute}"
                )
            except ImportError:
                raise no_such_name(name, attribute, dir(original)) from None

    def module_dir() -> list[str]:
        return [n for n in dir(original) if not n.startswith("_")]

    return module_getattr, module_dir


def lazy_modules(
    namespace: dict[str, object],
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of the package whose globals are given."""
    package = str(namespace["__name__"])
    names = sorted([
        n for n in namespace if not n.startswith("_") and n != "lazy_modules"
    ])
    public = sorted({*names, *MODULES})

    def package_getattr(attribute: str) -> object:
        if attribute in MODULES:
            return importlib.import_module(f"{package}.{attribute}")
        raise no_such_name(package, attribute, public)

    return package_getattr, lambda: public, public


class _Submodules(MetaPathFinder, Loader):
    """Lets `from olympus.scipy.special import logsumexp` reach `jax.scipy.special` itself."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        parts = fullname.split(".")
        if parts[0] == "olympus" and len(parts) > 2 and parts[1] in MODULES:
            return ModuleSpec(fullname, self)
        return None

    def exec_module(self, module: ModuleType) -> None:
        jax_name = "jax." + module.__name__.removeprefix("olympus.")
        try:
            sys.modules[module.__name__] = importlib.import_module(jax_name)
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                f"No module named {module.__name__!r}, since there is no {jax_name!r}.",
                name=module.__name__,
            ) from None


sys.meta_path.append(_Submodules())
