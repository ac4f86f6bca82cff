"""Where trials run, from the command line."""

import pytest
from cli_command import Command


@pytest.fixture
def command(workspace, capsys, monkeypatch) -> Command:
    """A workspace where there is no lab yet."""
    return Command(workspace, capsys, monkeypatch)


def test_the_executor_is_shown_with_its_devices_and_the_others(command):
    answer = command.json("executor")
    assert (answer["executor"], answer["settings"]) == ("local", {})
    assert answer["devices"] == ["cpu:0", "cpu:1"]
    assert "local" in answer["executors"]
    assert not command.workspace.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["abacus"], "executor 'abacus' is unknown; one of: local"),
        (["--set", "speed=3"], "speed is not a field of executor 'local'"),
        (["--set", "speed"], "set 'speed' is not allowed: KEY=VALUE"),
    ],
)
def test_what_is_no_executor_or_setting_is_one_line_and_exit_code_2(command, arguments, told):
    code, _, err = command("executor", *arguments)
    assert code == 2
    assert told in err
