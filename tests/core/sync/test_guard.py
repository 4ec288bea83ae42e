"""The database itself gives versions and refuses what devices would never learn of."""

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.models import CharField, TextField

from portal.core.sync import checks
from portal.core.sync.models import Clock, FeedRecord, SyncedModel
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast
from tests.core.rows import row

pytestmark = pytest.mark.django_db
SYNCED: list[Any] = [model for model in apps.get_models() if issubclass(model, SyncedModel)]
every_synced = pytest.mark.parametrize("model", SYNCED, ids=lambda model: model._meta.label)


def made(model: Any, cast: Cast) -> Any:
    with platform():
        record = row(model, cast.a)
        record.save(force_insert=True)
        return record


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@every_synced
def test_a_hard_delete_is_refused(model: Any) -> None:
    cast = Cast()
    record = made(model, cast)

    for delete in (record.delete, lambda: sql(f'DELETE FROM "{model._meta.db_table}" WHERE id = %s', record.pk)):
        with pytest.raises(IntegrityError, match="deleted by setting deleted_at"), tenant(cast.a.pk):
            delete()

    with tenant(cast.a.pk):
        assert model.objects.filter(pk=record.pk).exists()
        assert FeedRecord.objects.filter(record_id=record.pk).exists()


@every_synced
def test_every_door_moves_the_version_and_the_feed(model: Any) -> None:
    cast = Cast()
    record = made(model, cast)
    table = model._meta.db_table
    texts = [
        f for f in model._meta.concrete_fields if isinstance(f, TextField | CharField) and f.editable and not f.choices
    ]
    text = min((f for f in texts if not f.choices), key=lambda f: not isinstance(f, TextField)).attname

    def state() -> tuple[int, int, int]:
        version = model.objects.get(pk=record.pk).version
        return version, FeedRecord.objects.get(record_id=record.pk).seq, Clock.objects.get().seq

    with tenant(cast.a.pk):
        first = state()
        model.objects.filter(pk=record.pk).update(**{text: "by update()"})
        second = state()
        sql(f"UPDATE \"{table}\" SET {text} = 'by SQL', version = 0 WHERE id = %s", record.pk)
        third = state()
        sql(f"UPDATE \"{table}\" SET {text} = 'by SQL' WHERE id = %s", record.pk)
        fourth = state()
        sql(f'UPDATE "{table}" SET deleted_at = now() WHERE id = %s', record.pk)
        fifth = state()

    last = first[0]
    assert [first, second, third] == [(last + n,) * 3 for n in range(3)]
    assert fourth == third
    assert fifth == (last + 3,) * 3
    with tenant(cast.a.pk):
        assert FeedRecord.objects.get(record_id=record.pk).deleted_at is not None


def test_a_synced_model_without_versions_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.synced_models_have_triggers(databases=["default"]) == []
    monkeypatch.setattr(SYNCED[0]._meta, "db_table", "tenancy_counter")

    found = checks.synced_models_have_triggers(databases=["default"])
    assert [(error.id, error.obj) for error in found] == [("sync.E001", SYNCED[0])]


def test_a_new_epoch_ends_every_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    cast = Cast()
    with platform():
        before = dict(Clock.objects.values_list("organization_id", "epoch"))

    call_command("new_epoch")

    with platform():
        after = dict(Clock.objects.values_list("organization_id", "epoch"))
    assert after.keys() == before.keys() >= {cast.a.pk, cast.b.pk}
    assert len({*after.values(), *before.values()}) == 2 * len(before)
    assert capsys.readouterr().out == f"{len(before)} organisation(s): every device will fetch everything again\n"
