"""The first person of an installation is made by a command, and by nothing that stands on the network."""

import io

import pytest
from django.core.management import CommandError, call_command

from portal.core.accounts.models import User
from portal.core.tenancy.scope import platform

pytestmark = pytest.mark.django_db
GOOD = "a long word for the platform"


def create(monkeypatch: pytest.MonkeyPatch, email: str, password: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    call_command("create_admin", email, stdout=io.StringIO())


def test_a_platform_administrator_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    create(monkeypatch, "op@example.org", GOOD)

    with platform():
        made = User.objects.get(email="op@example.org")
        assert (made.is_superadmin, made.organization, made.check_password(GOOD)) == (True, None, True)
    with pytest.raises(CommandError, match="already"):
        create(monkeypatch, "OP@example.org", GOOD)


@pytest.mark.parametrize(("email", "password"), [("nobody", GOOD), ("a@b.test", "short"), ("a@b.test", "password1234")])
def test_a_bad_address_or_a_weak_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    with pytest.raises(CommandError):
        create(monkeypatch, email, password)

    with platform():
        assert not User.objects.filter(role__key="SuperAdmin").exists()
