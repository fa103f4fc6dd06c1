from asr.training.checkpoint import compare_identities

HERE = {"seed": 1, "encoder.layers": 3, "encoder.zoneout": 0.0}


def test_a_run_from_before_a_setting_was_there_did_without_it():
    there = {"seed": 1, "encoder.layers": 3}
    assert compare_identities(there, HERE) == []
    assert compare_identities(there, HERE | {"encoder.zoneout": 0.1}) == [
        "encoder.zoneout is 0.0 there, 0.1 here"
    ]


def test_each_difference_is_named():
    assert compare_identities(HERE, HERE | {"seed": 2, "trainer.epochs": 9, "new": True}) == [
        "new is None there, True here",
        "seed is 1 there, 2 here",
    ]
