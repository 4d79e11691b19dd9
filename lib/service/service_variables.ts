/**
 * What a service manager tells the one process that it started; to a child of that process it would be wrong: a child
 * that says it is ready speaks for us, and our secrets are none of its own.
 *
 * @see sd_notify(3), sd_watchdog_enabled(3), systemd.exec(5) for `CREDENTIALS_DIRECTORY`
 */
const OURS_ALONE: readonly string[] = [
  "NOTIFY_SOCKET",
  "WATCHDOG_USEC",
  "WATCHDOG_PID",
  "CREDENTIALS_DIRECTORY",
];

/** An environment for children: without what the service manager told us alone. */
export function withoutServiceVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OURS_ALONE.includes(name)));
}

/** From here on no child inherits what the service manager told us alone. Copies of our environment keep it. */
export function hideServiceVariables(): void {
  for (const name of OURS_ALONE) Deno.env.delete(name);
}
