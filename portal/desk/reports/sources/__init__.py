"""What reports can be about. A room's records come through the room's own selectors, so that a report shows a person
what its lists show them: their organisation's, their projects', their own or their team's.

`register` takes another source, in `AppConfig.ready`: a few lines that name its rows and its columns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from django.db.models import DecimalField, F, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, NullIf
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Invalid

type Kind = Literal["text", "number", "choice", "boolean", "date", "moment", "person"]
type Words = str | Promise
type Choices = Callable[[], Sequence[tuple[Any, Words]]]

NUMBER: Final = DecimalField(max_digits=40, decimal_places=20)


@dataclass(frozen=True, slots=True)
class Column:
    """One fact of a source's records. `path` is the ORM's, of a person that of the foreign key; `build` makes the
    expression of what no path names. `choices` are (value, words) of a choice, in their order; of `options` (a form's)
    the words may be a person's own. `narrow` keeps a column out of the widest table, a PDF's, unless it is asked for.
    """

    key: str
    label: Words
    kind: Kind
    path: str = ""
    build: Callable[[], Combinable] | None = None
    choices: Choices | None = None

    @property
    def value(self) -> Combinable:
        return self.build() if self.build else F(self.path)

    @property
    def shown(self) -> Combinable:
        """What people read of it: of a person the name."""
        return F(f"{self.path}__name") if self.kind == "person" else self.value

    @property
    def words(self) -> dict[str, str]:
        """Value of a choice -> words, in the language in force."""
        return {str(value): str(label) for value, label in self.choices()} if self.choices else {}


@dataclass(frozen=True, slots=True)
class Source:
    """`rows(user)`: the records that a person sees, whom `permission` lets in. `usual`: the columns that a new report
    begins with, `order` (column, from the top?) its order, `time` the column that its periods are of. `page` is the
    name of the address of a record, '' where none has one. `more(user, options)` gives the columns that `form`, the id
    of a form in the definition, adds; it raises Invalid naming `form`."""

    key: str
    label: Words
    icon: str
    permission: str
    rows: Callable[[User], QuerySet[Any]]
    columns: tuple[Column, ...]
    usual: tuple[str, ...]
    time: str
    order: tuple[str, bool]
    page: str = ""
    more: Callable[[User, UUID], list[Column]] | None = None

    def offered(self, user: User, form: UUID | None = None) -> dict[str, Column]:
        found = {column.key: column for column in self.columns}
        if form is not None and self.more is not None:
            found |= {column.key: column for column in self.more(user, form)}
        return found


_sources: dict[str, Source] = {}


def register(*sources: Source) -> None:
    for source in sources:
        if _sources.setdefault(source.key, source) is not source:
            raise ValueError(f"source {source.key} is declared twice")


def every() -> Mapping[str, Source]:
    return _sources


def seen(user: User) -> dict[str, Source]:
    """Those whose records the person may see."""
    return {key: source for key, source in _sources.items() if user.has_permission(source.permission)}


def source_for(user: User, key: object) -> Source:
    """Raises Invalid naming `source`, also for one that the person may not see."""
    found = seen(user)
    if not isinstance(key, str) or key not in found:
        raise Invalid.field("source", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(found)})
    return found[key]


def named(path: str) -> Combinable:
    """A name that is kept in three languages, in the one in force, else in English."""
    language = get_language() or "en"
    if language[:2] not in ("ar", "fr"):
        return F(f"{path}_en")
    return Coalesce(NullIf(F(f"{path}_{language[:2]}"), Value("")), F(f"{path}_en"))


def column(kind: Kind, key: str, label: Words, path: str = "", **more: Any) -> Column:
    return Column(key, label, kind, path or key, **more)


text, number, choice, boolean, day, moment, someone = (
    partial(column, kind) for kind in ("text", "number", "choice", "boolean", "date", "moment", "person")
)
