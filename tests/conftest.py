from importlib.util import find_spec

_FIXTURES = ("tests.fixtures.database", "tests.fixtures.server", "tests.fixtures.s3", "tests.fixtures.processes")
pytest_plugins = [name for name in _FIXTURES if find_spec(name)]
