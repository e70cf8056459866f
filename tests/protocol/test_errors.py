from louro.protocol.errors import ClientError, invalid_value


def test_an_invalid_value_names_its_parameter() -> None:
    error = invalid_value("No.", "session.voice")
    assert isinstance(error, ClientError)
    assert (error.code, error.message, error.param, error.event_id) == (
        "invalid_value",
        "No.",
        "session.voice",
        None,
    )
    assert str(error) == "No."
