"""The linter of migrations says what would stop or break the release that still runs, and nothing else."""

import pytest

from scripts.migrations import faults

T = 'ALTER TABLE "lab_sample" '


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        ("not-null", T + 'ADD COLUMN "a" int NOT NULL', T + 'ADD COLUMN "a" int DEFAULT 0 NOT NULL'),
        ("not-null", T + 'ADD COLUMN "a" uuid NOT NULL REFERENCES "b" ("id")', T + 'ADD COLUMN "a" uuid NULL'),
        ("lost-default", T + 'ALTER COLUMN "a" DROP DEFAULT', T + 'ALTER COLUMN "a" SET DEFAULT 0'),
        ("set-not-null", T + 'ALTER COLUMN "a" SET NOT NULL', T + 'ALTER COLUMN "a" DROP NOT NULL'),
        ("index", 'CREATE INDEX "i" ON "lab_sample" ("a")', 'CREATE INDEX CONCURRENTLY "i" ON "lab_sample" ("a")'),
        ("index", 'CREATE UNIQUE INDEX "i" ON "lab_sample" ("a")', 'CREATE UNIQUE INDEX CONCURRENTLY "i" ON "b"'),
        ("drop-index", 'DROP INDEX IF EXISTS "i"', 'DROP INDEX CONCURRENTLY IF EXISTS "i"'),
        ("type", T + 'ALTER COLUMN "a" TYPE bigint USING "a"::bigint', "COMMENT ON COLUMN lab_sample.a IS 'TYPE'"),
        ("drop-column", T + 'DROP COLUMN "a" CASCADE', T + 'DROP CONSTRAINT "a"'),
        ("rename-column", T + 'RENAME COLUMN "a" TO "b"', T + 'ADD COLUMN "b" int NULL'),
        ("rename-table", T + 'RENAME TO "lab_probe"', T + 'ENABLE ROW LEVEL SECURITY'),
        ("drop-table", 'DROP TABLE "lab_sample" CASCADE', 'CREATE TABLE "lab_probe" ("id" uuid NOT NULL)'),
        ("constraint", T + 'ADD CONSTRAINT "c" CHECK ("a" > 0)', T + 'ADD CONSTRAINT "c" CHECK ("a" > 0) NOT VALID'),
        ("constraint", T + 'ADD CONSTRAINT "c" UNIQUE ("a")', T + 'ADD CONSTRAINT "c" UNIQUE USING INDEX "i"'),
    ],
)  # fmt: skip
def test_a_fault_is_named_and_its_remedy_is_none(rule: str, bad: str, good: str) -> None:
    assert [name for name, _text, _advice in faults([bad], set())] == [rule]
    assert list(faults([good], set())) == []


def test_a_table_of_the_same_release_is_free() -> None:
    fresh: set[str] = set()

    assert list(faults(['CREATE TABLE "lab_probe" ("id" uuid NOT NULL)'], fresh)) == []
    assert list(faults(['CREATE INDEX "i" ON "lab_probe" ("id")', 'DROP TABLE "lab_probe"'], fresh)) == []
