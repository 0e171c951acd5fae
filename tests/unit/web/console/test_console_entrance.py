"""Who gets into the console, and what each role may do there."""

from pathlib import Path

import pytest
from starlette.routing import Route

from deploy.web.console.desk import Desk
from deploy.web.console.users import Attempts, UsersFile, verifier
from tests.unit.web.console.browser import CITIZEN, PASSWORD, PEOPLE, Browser, console, users_file

PUBLIC = {"home", "log_in", "log_out", "oidc", "oidc.back", "waiting", "language"}


def test_who_has_the_password_is_let_in_and_greeted_by_name(desk: Browser) -> None:
    assert desk.enter("c.centro").status == 303
    assert desk.headers["location"] == "/"
    assert "Carla Centro, Contact Center" in desk.open("/").text


@pytest.mark.parametrize(("name", "password"), [("c.centro", "sbagliata"), ("nessuno", PASSWORD), ("", "")])
def test_who_has_not_is_told_the_same_whether_the_name_exists(
    desk: Browser, name: str, password: str
) -> None:
    assert desk.enter(name, password).status == 422
    assert "Identificativo o password non corretti" in desk.text
    assert desk.open("/review").status == 303


def test_after_failures_a_name_has_to_wait_even_with_the_right_password(desk: Browser) -> None:
    assert desk.enter("c.centro", "sbagliata").status == 422
    for _ in range(8):  # as many more, at the same time
        desk.app.state.people._attempts.begin("c.centro")
    assert desk.enter("c.centro").status == 429
    assert 1 <= int(desk.headers["retry-after"]) <= 65
    assert desk.enter("s.sede").status == 303  # nobody else waits


def test_each_failure_doubles_the_wait_up_to_five_minutes_and_success_ends_it() -> None:
    attempts, waits = Attempts(), []
    for _ in range(2000):
        attempts.begin("x")
        waits.append(round(attempts.wait("x")))
    assert waits[:6] == [0, 0, 1, 2, 4, 8]
    assert waits[-1] == 300
    attempts.succeed("x")
    assert attempts.wait("x") == 0


def test_a_log_in_begins_another_session(desk: Browser) -> None:
    desk.open("/log-in")
    before = desk.client.cookies["pin-console"]
    mark = desk.hidden("/log-in")["csrf"]
    desk.enter("c.centro")
    assert desk.client.cookies["pin-console"] != before
    assert desk.ask("POST", "/log-out", data={"csrf": mark}).status_code == 403


def test_who_logs_out_is_out(desk: Browser) -> None:
    desk.enter("c.centro")
    desk.open("/").send("/log-out")
    assert desk.open("/review").headers["location"] == "/log-in"


def test_who_is_taken_out_of_the_file_is_out_with_the_next_request(desk: Browser, tmp_path: Path) -> None:
    desk.enter("c.centro")
    assert desk.open("/review").status == 200
    users_file(tmp_path / "users.toml", {"s.sede": PEOPLE["s.sede"]})
    assert desk.open("/review").headers["location"] == "/log-in"


def test_who_is_out_gets_no_answer_to_what_was_asked_before(desk: Browser, tmp_path: Path) -> None:
    desk.broker.replies["branch.lookup"] = None
    desk.enter("s.sede").open("/branch").send("/branch", {"codice_fiscale": CITIZEN})
    assert desk.status == 202
    users_file(tmp_path / "users.toml", {"c.centro": PEOPLE["c.centro"]})
    assert desk.send("/waiting").headers["location"] == "/log-in"


def test_who_loses_a_role_in_the_file_has_lost_it_with_the_next_request(
    desk: Browser, tmp_path: Path
) -> None:
    desk.enter("t.tutti")
    assert desk.open("/review").status == 200
    users_file(tmp_path / "users.toml", {"t.tutti": ("Teo Tutti", "Direzione", ["branch"])})
    assert desk.open("/review").status == 403


def test_nobody_gets_in_by_a_file_that_is_broken(desk: Browser, tmp_path: Path) -> None:
    desk.enter("c.centro")
    (tmp_path / "users.toml").write_text("[[user]")
    assert desk.open("/review").headers["location"] == "/log-in"
    assert desk.enter("c.centro").status == 422


def _desks(browser: Browser) -> list[Desk]:
    return [route for route in browser.app.routes if isinstance(route, Desk)]


def test_every_page_says_whose_it_is_but_those_of_everybody(desk: Browser) -> None:
    others = {
        route.name for route in desk.app.routes if isinstance(route, Route) and not isinstance(route, Desk)
    }
    assert others <= PUBLIC
    assert len(_desks(desk)) > 10


@pytest.mark.parametrize("name", PEOPLE)
def test_each_role_gets_to_its_own_pages_and_no_others(desk: Browser, name: str) -> None:
    desk.enter(name)
    mark = desk.open("/").hidden("/log-out")["csrf"]
    for route in _desks(desk):
        path = route.path.replace("{token}", "x").replace("{number:int}", "1")
        for method in sorted((route.methods or set()) & {"GET", "POST"}):
            data = {"csrf": mark} if method == "POST" else None
            status = desk.ask(method, path, data=data).status_code
            assert (status == 403) == (not route.roles & set(PEOPLE[name][2])), (method, path, status)
    assert all(type_ == "dispositivo.review_queue" for type_, *_ in desk.broker.asked)


def test_nobody_gets_to_any_page_without_a_log_in(desk: Browser) -> None:
    for route in _desks(desk):
        path = route.path.replace("{token}", "x").replace("{number:int}", "1")
        for method in sorted((route.methods or set()) & {"GET", "POST"}):
            answer = desk.ask(method, path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/log-in"), path


def test_a_console_serves_the_roles_that_it_is_set_to(tmp_path: Path) -> None:
    with console(tmp_path, PIN_CONSOLE_ROLES="branch") as browser:
        browser.enter("t.tutti")
        assert browser.open("/review").status == 403
        assert browser.open("/branch").status == 200
        assert "/review" not in browser.open("/").html


def test_a_foreign_form_decides_nothing(desk: Browser) -> None:
    desk.enter("c.centro")
    assert desk.ask("POST", "/phone", data={"codice_fiscale": "x", "reason": "y"}).status_code == 403


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[user]", "PIN_CONSOLE_USERS: "),
        ('[[user]]\nid = "a"\n', "PIN_CONSOLE_USERS: user.0.name: Field required"),
        (
            f'[[user]]\nid = "a"\nname = "A"\noffice = "O"\nroles = ["root"]\nverifier = "{verifier("x")}"\n',
            "roles",
        ),
        ('[[user]]\nid = "a"\nname = "A"\noffice = "O"\nroles = []\nverifier = "segreto"\n', "verifier"),
    ],
)
def test_a_console_does_not_start_with_a_file_that_is_wrong(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "users.toml").write_text(text)
    said = f"PIN_CONSOLE_USERS: {UsersFile(tmp_path / 'users.toml').fault()}"
    assert fault in said
    assert "segreto" not in said
