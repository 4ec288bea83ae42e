"""Letters to people: one layout, text and HTML, in a person's language."""

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import Invitation, SupportSession, User


def send(
    *,
    to: str,
    subject: str,
    greeting: str,
    paragraphs: Sequence[str],
    action: str,
    path: str,
    closing: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send a letter in the language in force; `path` is the portal's page that it leads to."""
    context = {
        "subject": subject,
        "greeting": greeting,
        "paragraphs": paragraphs,
        "action": action,
        "link": settings.PUBLIC_URL + path,
        "closing": closing,
        "language": translation.get_language(),
    }
    letter = EmailMultiAlternatives(
        subject, render_to_string("mail/letter.txt", context), to=[to], headers=dict(headers or {})
    )
    letter.attach_alternative(render_to_string("mail/letter.html", context), "text/html")
    letter.send()


def password_reset(*, user: User, token: str, language: str) -> None:
    with translation.override(user.language or language):
        send(
            to=user.email,
            subject=_("Choose a new password"),
            greeting=_("Hello %(name)s,") % {"name": user.name},
            paragraphs=[_("A new password was asked for your Marsad account. The link works for one hour and once.")],
            action=_("Choose a new password"),
            path=f"/password/reset/{token}",
            closing=_("If you did not ask for this, ignore this message: nothing has changed."),
        )


# What became of how somebody signs in.
CHANGES: Final = {
    "email": gettext_lazy("Your account has another e-mail address now."),
    "password": gettext_lazy("The password of your account was changed."),
    "two_step_on": gettext_lazy("Two-step sign-in was switched on."),
    "two_step_off": gettext_lazy("Two-step sign-in was switched off."),
    "recovery_codes": gettext_lazy("New recovery codes were made. The old ones do not work any more."),
    "passkey_added": gettext_lazy("A passkey was added: who holds it can sign in as you."),
    "passkey_removed": gettext_lazy("A passkey was removed."),
}


def sign_in_changed(*, user: User, to: str, change: str, language: str) -> None:
    """Tell a person what became of their way in; `to` is the address that they had before."""
    with translation.override(user.language or language):
        send(
            to=to,
            subject=_("Your sign-in was changed"),
            greeting=_("Hello %(name)s,") % {"name": user.name},
            paragraphs=[str(CHANGES[change])],
            action=_("Look at my sign-ins"),
            path="/me/security",
            closing=_("If that was not you, choose a new password at once and tell your administrator."),
        )


def support_session(*, session: SupportSession, admin: User) -> None:
    """Tell an administrator that the platform's support works inside their organisation, why and until when."""
    organization = session.organization
    until = session.expires_at.astimezone(ZoneInfo(organization.time_zone))
    with translation.override(admin.language or organization.language):
        who = {"person": session.user_name, "organization": organization.name}
        send(
            to=admin.email,
            subject=_("Support works in %(organization)s") % who,
            greeting=_("Hello %(name)s,") % {"name": admin.name},
            paragraphs=[
                _("%(person)s, an administrator of the platform, has opened a support session in %(organization)s.")
                % who,
                _("Reason: %(reason)s") % {"reason": session.reason},
                _("It ends at %(time)s at the latest. All that is done in it stands in your audit log.")
                % {"time": f"{until:%Y-%m-%d %H:%M}"},
            ],
            action=_("Open the audit log"),
            path="/audit",
            closing=_("If you did not expect this, ask the platform's operator."),
        )


def invitation(*, invitation: Invitation, token: str) -> None:
    organization = invitation.organization
    with translation.override(organization.language):
        who = {"organization": organization.name, "person": invitation.sent_by.name, "role": str(invitation.role)}
        send(
            to=invitation.email,
            subject=_("Invitation to %(organization)s") % who,
            greeting=_("Hello,"),
            paragraphs=[
                _("%(person)s invites you to join %(organization)s on Marsad as: %(role)s.") % who,
                _("The invitation is good for 7 days."),
            ],
            action=_("Accept the invitation"),
            path=f"/invite/{token}",
            closing=_("If you do not know what this is about, ignore this message."),
        )
