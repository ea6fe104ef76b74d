"""Every class of dbt-tests-adapter that has tests, collected here as one class each."""
import importlib
import inspect
import pathlib

import dbt.tests.adapter as package

LEFT_OUT = ("python_model", "catalog_integrations", "functions")   # dbt.md §1.11
for root in package.__path__:
    for path in sorted(pathlib.Path(root).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[0] in LEFT_OUT or parts[-1] == "__init__" or len(parts) < 2:
            continue
        module = importlib.import_module(".".join((package.__name__,) + parts))
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ != module.__name__ or name.startswith("Test"):
                continue
            if any(n.startswith("test") for n in dir(cls)):
                short = f"Test_{parts[0]}_{name}"
                globals()[short] = type(short, (cls,), {"__module__": __name__})
for name in ("module", "cls", "name"):
    globals().pop(name, None)
