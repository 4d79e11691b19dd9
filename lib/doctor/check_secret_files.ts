import { configKeys } from "../config/keys.ts";
import { valueAt } from "../config/layer.ts";
import type { ConfigFromDisk } from "../config/load.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** What is asked of a host about files. */
export type FileReader = Pick<Machine, "stat" | "whyNotRead">;

/** Permissions of the group and of all others. */
const OTHERS = 0o077;
const OTHERS_READ = 0o044;

/** Whether any file holds secrets of this configuration. */
export function hasSecretFiles(loaded: ConfigFromDisk): boolean {
  return keyFilesOf(loaded).length > 0 || hasSecretsInFile(loaded);
}

/** Whether the files that hold keys, one at least, are there, and for nobody but their owner. */
export async function examineSecretFiles(loaded: ConfigFromDisk, machine: FileReader): Promise<Finding> {
  const { path } = loaded;
  const findings = await Promise.all([
    ...keyFilesOf(loaded).map((file) => examineKeyFile(file, machine)),
    ...(path !== undefined && hasSecretsInFile(loaded) ? [examineConfigFile(path, machine)] : []),
  ]);
  const worst = findings.find(({ result }) => result === "fail") ??
    findings.find(({ result }) => result === "warn");
  return worst ??
    (findings.length === 1 ? findings[0]! : ok(`${findings.length} files, for their owners alone`));
}

interface KeyFile {
  name: string;
  path: string;
}

function keyFilesOf({ config }: ConfigFromDisk): KeyFile[] {
  return config.auth.keys.flatMap(({ name, source }) => {
    return source.kind === "file" ? [{ name, path: source.path }] : [];
  });
}

/** A gateway refuses one that is not as it should be. */
async function examineKeyFile(
  { name, path }: KeyFile,
  machine: FileReader,
): Promise<Finding> {
  const what = `the file of the key "${name}", ${path},`;
  const facts = await machine.stat(path);
  if (facts?.kind !== "file") {
    return fail(
      `${what} ${facts ? "is no file" : "does not exist"}`,
      `write the key there, or correct auth.keys`,
    );
  }
  const mode = facts.mode & 0o777;
  if ((mode & OTHERS) !== 0) {
    return fail(`${what} is open to others (mode ${octal(mode)})`, `chmod 600 ${path}`);
  }
  const trouble = await machine.whyNotRead(path); // it may be for the service's user
  if (trouble !== undefined) return warn(`${what} cannot be read here: ${trouble}`, "run sudo sollol doctor");
  return ok(`${path} is for its owner alone`);
}

async function examineConfigFile(path: string, machine: FileReader): Promise<Finding> {
  const mode = ((await machine.stat(path))?.mode ?? 0) & 0o777;
  if ((mode & OTHERS_READ) === 0) return ok(`${path} is for its owner alone`);
  return warn(
    `${path} holds secrets and may be read by others (mode ${octal(mode)})`,
    "keep the secrets in files of their own: file or credential in auth.keys; or, unless a service of systemd reads it, " +
      `chmod 600 ${path}`,
  );
}

function hasSecretsInFile({ config, said, path }: ConfigFromDisk): boolean {
  if (path === undefined) return false;
  const isSetInFile = configKeys().some((key) => {
    if (key.format !== "secret" || valueAt(said.values, key.path) === undefined) return false;
    const source = said.sources.get(key.path);
    return source?.kind === "file" && source.path === path;
  });
  return isSetInFile || config.auth.keys.some(({ source }) => source.kind === "key") ||
    [...config.ollamaNodes, ...config.coordinators].some(({ apiKey }) => apiKey !== undefined);
}

function octal(mode: number): string {
  return `0${mode.toString(8).padStart(3, "0")}`;
}
