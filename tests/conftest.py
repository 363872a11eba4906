pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.server",
    "tests.fixtures.s3",
    "tests.fixtures.receiver",
    "tests.fixtures.processes",
]
