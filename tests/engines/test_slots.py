from louro.engines.slots import Slots

RULES = "rules " * 100


def use(slots: Slots, text: str) -> int:
    number = slots.take(text)
    slots.give_back(number, text)
    return number


def test_a_conversation_goes_on_in_its_own_slot() -> None:
    slots = Slots(3)
    first = use(slots, RULES + "A" * 500)
    assert use(slots, "other " * 50) != first
    assert use(slots, RULES + "A" * 500 + "more") == first


def test_a_new_conversation_takes_over_what_costs_nobody_much() -> None:
    slots = Slots(3)
    assert use(slots, RULES + "hello") == use(slots, RULES + "good morning")


def test_a_new_conversation_leaves_a_long_one_its_memory() -> None:
    slots = Slots(2)
    assert use(slots, RULES + "A" * 2000) != use(slots, RULES + "B")


def test_slots_in_use_are_left_alone() -> None:
    slots = Slots(2)
    assert {slots.take(RULES), slots.take(RULES)} == {0, 1}


def test_what_was_not_used_for_long_is_given_up() -> None:
    slots = Slots(2)
    old = use(slots, "old " * 1000)
    for _ in range(20):
        use(slots, RULES + "A" * 900)
    assert use(slots, RULES + "B") == old


def test_what_is_at_hand_need_not_be_read_again_and_is_no_loss() -> None:
    slots = Slots(2)
    slots.at_hand = RULES
    talk = use(slots, RULES + "A" * 200)
    assert use(slots, RULES + "B") != talk
    assert use(slots, "other " * 100) != talk
