"""`/ws/projects/<id>/`: what happens in one project (ProjectUpdatesHub of specification 000)."""

from collections.abc import Callable
from functools import partial

from portal.core.accounts.models import User
from portal.core.notifications.consumers import LiveSocket
from portal.core.projects import access
from portal.core.tenancy.scope import tenant


class ProjectSocket(LiveSocket):
    """For whoever sees the project; a member who is taken out loses it at once (4403)."""

    async def begin(self, identify: Callable[[], User | None], *, greet: bool = False) -> None:
        await super().begin(partial(self.look, identify), greet=greet)

    def look(self, identify: Callable[[], User | None]) -> User | None:
        """The person, marked with the group that they may follow: asked here, where the database may be."""
        user = identify()
        if user is not None and user.organization_id and user.has_permission("projects.view"):
            project = self.scope["url_route"]["kwargs"]["project"]
            with tenant(user.organization_id, by=user.actor(via="socket")):
                if access.projects_seen(user).filter(pk=project).exists():
                    user.follows = f"project.{project}"  # type: ignore[attr-defined]
        return user

    def group(self, user: User) -> str | None:
        return getattr(user, "follows", None)
