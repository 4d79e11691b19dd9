import { deepEqual, equal, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../../../lib/errors.ts";
import { migrate, MIGRATIONS, TABLES } from "../../../lib/store/migrations.ts";

const ONE = "CREATE TABLE one (a)";
const TWO = "CREATE TABLE two (a); INSERT INTO two SELECT a FROM one";

function versionOf(connection: DatabaseSync): unknown {
  return connection.prepare("PRAGMA user_version").get()?.["user_version"];
}

function tablesOf(connection: DatabaseSync): unknown[] {
  return connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
    .map(({ name }) => name);
}

Deno.test("migrate() makes the tables of today", () => {
  using connection = new DatabaseSync(":memory:");
  migrate(connection);
  equal(versionOf(connection), MIGRATIONS.length);
  deepEqual(tablesOf(connection), [...TABLES].sort());
});

Deno.test("migrate() takes only the steps that are lacking, and keeps the rows", () => {
  using connection = new DatabaseSync(":memory:");
  migrate(connection, [ONE]);
  connection.exec("INSERT INTO one VALUES (7)");
  migrate(connection, [ONE, TWO]);
  migrate(connection, [ONE, TWO]);
  equal(versionOf(connection), 2);
  equal(connection.prepare("SELECT a FROM two").get()?.["a"], 7);
});

Deno.test("migrate() takes back all steps if one fails", () => {
  using connection = new DatabaseSync(":memory:");
  throws(() => migrate(connection, [ONE, "CREATE TABLE two (a); nonsense"]));
  equal(versionOf(connection), 0);
  deepEqual(tablesOf(connection), []);
  migrate(connection, [ONE]);
  equal(versionOf(connection), 1);
});

Deno.test("migrate() refuses a schema that it does not know, and touches nothing", () => {
  using connection = new DatabaseSync(":memory:");
  migrate(connection, [ONE, TWO]);
  throws(
    () => migrate(connection, [ONE]),
    (error) => error instanceof GatewayError && error.code === "conflict",
  );
  equal(versionOf(connection), 2);
});
