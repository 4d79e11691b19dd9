import { deepEqual, equal, match } from "node:assert/strict";
import { troubleOf } from "../../../../lib/systemd/trouble.ts";
import { parseUnitState } from "../../../../lib/systemd/unit_state.ts";

const stateOf = (...lines: string[]) => parseUnitState(["LoadState=loaded", ...lines].join("\n"));

for (
  const { name, lines, want } of [
    { name: "one that is up", lines: ["ActiveState=active", "SubState=running"], want: undefined },
    { name: "one that reads its config again", lines: ["ActiveState=reloading"], want: undefined },
    {
      name: "one that was never started",
      lines: ["ActiveState=inactive", "Result=success"],
      want: /does not run/,
    },
    {
      name: "one that is starting",
      lines: ["ActiveState=activating", "SubState=start"],
      want: /still starting/,
    },
    {
      name: "one that ended well and is started again",
      lines: ["ActiveState=activating", "SubState=auto-restart", "Result=success"],
      want: /^it ended, and is started again$/,
    },
    {
      name: "one whose program is gone",
      lines: ["ActiveState=failed", "Result=exit-code", "ExecMainStatus=203"],
      want: /program cannot be executed/,
    },
    {
      name: "one with an exit code of its own",
      lines: ["ActiveState=failed", "Result=exit-code", "ExecMainStatus=3"],
      want: /exit code 3/,
    },
    {
      name: "one that was killed",
      lines: ["ActiveState=failed", "Result=signal", "ExecMainStatus=9"],
      want: /signal 9/,
    },
    { name: "one that froze", lines: ["ActiveState=failed", "Result=watchdog"], want: /no sign of life/ },
    { name: "one that took too much", lines: ["ActiveState=failed", "Result=oom-kill"], want: /memory/ },
    { name: "one that took too long", lines: ["ActiveState=failed", "Result=timeout"], want: /in time/ },
    {
      name: "one that was given up",
      lines: ["ActiveState=failed", "Result=start-limit-hit"],
      want: /reset-failed/,
    },
    { name: "one that failed in a new way", lines: ["ActiveState=failed", "Result=meteor"], want: /meteor/ },
    { name: "one without a file", lines: ["LoadState=not-found"], want: /does not know it/ },
    { name: "one that is masked", lines: ["LoadState=masked"], want: /unmask/ },
    { name: "one that cannot be read", lines: ["LoadState=bad-setting"], want: /bad-setting/ },
  ]
) {
  Deno.test(`troubleOf() knows ${name}`, () => {
    const trouble = troubleOf(stateOf(...lines));
    if (want === undefined) equal(trouble, undefined);
    else match(trouble ?? "nothing", want);
  });
}

Deno.test("parseUnitState() reads numbers, times and lists, and takes what is missing for nothing", () => {
  const state = stateOf(
    "MainPID=42",
    "NRestarts=3",
    "MemoryCurrent=1048576",
    "ActiveEnterTimestamp=Sun 2026-11-22 00:34:55 UTC",
    "NeedDaemonReload=yes",
    "StatusText=joined http://a:1/?x=y",
    "DropInPaths=/a/b.conf /c.conf",
  );
  equal(state.pid, 42);
  equal(state.restartCount, 3);
  equal(state.memoryBytes, 1_048_576);
  equal(state.activeSinceMs, Date.UTC(2026, 10, 22, 0, 34, 55));
  equal(state.needsReload, true);
  equal(state.statusText, "joined http://a:1/?x=y");
  deepEqual(state.dropIns, ["/a/b.conf", "/c.conf"]);
  const empty = parseUnitState(
    "MainPID=0\nMemoryCurrent=[not set]\nNRestarts=18446744073709551615\nActiveEnterTimestamp=\n",
  );
  deepEqual([empty.pid, empty.memoryBytes, empty.restartCount, empty.activeSinceMs], [
    undefined,
    undefined,
    0,
    undefined,
  ]);
});
