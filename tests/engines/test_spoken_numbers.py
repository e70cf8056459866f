import pytest

from louro.engines.spoken_numbers import to_digits


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("Wake me up at seven thirty.", "Wake me up at 7 30."),
        ("Twenty-five and one hundred and thirty.", "25 and 130."),
        ("three hundred and one hundred", "300 and 100"),
        ("one hundred and fifty and two hundred and twenty", "150 and 220"),
        ("two thousand and five", "2005"),
        ("one hundred thousand two hundred and three", "100203"),
        ("ninety nine hundred", "9900"),
        ("Add three point five and zero point two five.", "Add 3.5 and 0.25."),
        ("Forty plus two?", "40 plus 2?"),
    ],
)
def test_numbers_in_words_become_digits(spoken: str, written: str) -> None:
    assert to_digits(spoken) == written


@pytest.mark.parametrize(
    "text",
    [
        "I don't like this one.",
        "Someone often attends the tenth lesson on the weight of stones.",
        "Um, dois, três.",
        "It is 12:30, and 3.5 is enough.",
        "",
    ],
)
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert to_digits(text) == text
