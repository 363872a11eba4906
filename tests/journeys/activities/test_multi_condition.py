"""Splits with several branches: the first that is fulfilled, once it is known which that is."""

from dataclasses import replace
from datetime import timedelta

from repoint.journeys.activities.kind import Move
from repoint.journeys.activities.multi_condition import MultiCondition
from tests.journeys.splits import NOW, Scene, branches, visit, waiting, was


async def test_the_first_branch_that_is_fulfilled_is_taken(scene: Scene) -> None:
    await scene.tell("ann", "_email.open", "_email.click")
    await scene.tell("bob", "_email.open")
    activity = branches(was("_email.click"), {}, was("_email.open"))

    moves = await scene.decide(activity, visit("ann"), visit("bob"), visit("cy"))

    assert moves == {
        "ann": Move("ann", ("Branch_1",), "b1"),
        "bob": Move("bob", ("Branch_3",), "b3"),
        "cy": Move("cy", ("Branch_ELSE",), "else"),
    }


async def test_branches_behind_one_that_may_still_come_true_wait(scene: Scene) -> None:
    patient = replace(scene, settings=scene.settings.model_copy(update={"journey_event_wait_s": 3600}))
    await scene.tell("ann", "_email.delivered")
    activity = branches(was("_email.open"), was("_email.delivered"))

    first, *_ = (await patient.decide(activity, visit("ann"))).values()
    await scene.tell("ann", "_email.open")
    opened = await patient.ways(activity, *waiting([visit("ann")]))
    await scene.tell("bob", "_email.delivered")
    at_last = await patient.ways(activity, *waiting([visit("bob")]), now=NOW + timedelta(hours=1))

    assert (first.waits_for_event, first.next_id) == (True, None)
    assert (opened, at_last) == ({"ann": "b1"}, {"bob": "b2"})


async def test_all_branches_wait_as_long_as_it_is_said(scene: Scene) -> None:
    await scene.tell("ann", "_email.open")
    activity = branches(was("_email.open"), EvaluationWaitTime={"WaitFor": "PT1H"})

    [move] = (await scene.decide(activity, visit("ann"))).values()

    assert move == Move("ann", waits_until=NOW + timedelta(hours=1))
    assert await scene.ways(activity, *waiting([visit("ann")])) == {"ann": "b1"}


def test_what_is_counted() -> None:
    activity = branches({}, {})["MultiCondition"]

    assert MultiCondition().metrics(activity) == ("Branch_1", "Branch_2", "Branch_ELSE")
    assert MultiCondition().metrics({}) == ("Branch_ELSE",)
