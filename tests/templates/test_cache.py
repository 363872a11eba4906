from repoint.templates.cache import Cache


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    cache: Cache[str, int] = Cache(most=3000)
    for number, key in enumerate("abc"):
        cache.put(key, number, size=400)
    cache.get("a")

    cache.put("d", 3, size=400)

    assert [cache.get(key) for key in "abcd"] == [0, None, 2, 3]


def test_what_is_larger_than_all_room_is_not_kept() -> None:
    cache: Cache[str, int] = Cache(most=1000)
    cache.put("a", 1, size=100)

    cache.put("b", 2, size=1000)

    assert [cache.get(key) for key in "ab"] == [1, None]


def test_what_is_kept_anew_takes_its_room_once() -> None:
    cache: Cache[str, int] = Cache(most=2000)
    cache.put("a", 1, size=400)
    for number in range(10):
        cache.put("b", number, size=400)

    assert [cache.get(key) for key in "ab"] == [1, 9]
