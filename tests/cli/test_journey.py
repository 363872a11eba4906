from tests.fixtures.processes import Serve


def test_nothing_is_in_doubt(running: Serve, fresh_app: str) -> None:
    journey = running.client().create_journey(ApplicationId=fresh_app, WriteJourneyRequest={"Name": "welcome"})

    answer = running.repoint("journey", "doubts", "--app", fresh_app, "--journey", journey["JourneyResponse"]["Id"])

    assert (answer.returncode, answer.stdout) == (0, "")


def test_a_journey_that_is_not_there_has_no_doubts(running: Serve, fresh_app: str) -> None:
    answer = running.repoint("journey", "doubts", "--app", fresh_app, "--journey", "0" * 32, "--json")

    assert (answer.returncode, answer.stderr) == (1, "Error: NotFoundException: Resource not found\n")
