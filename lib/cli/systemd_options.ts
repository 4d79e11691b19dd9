import { resolve } from "node:path";
import type { GpuKind } from "../../systemd/service_options.ts";
import { parseBytes } from "../units.ts";
import type { OptionSpec, OptionSpecs, OptionValue, OptionValues } from "./command.ts";
import { UsageError } from "./command.ts";
import { JSON_OPTION, readArgument } from "./output.ts";

const GPU_KINDS = ["nvidia", "amd", "intel", "none"] as const satisfies readonly GpuKind[];

/** Whose systemd, and where. */
export const PLACE_OPTIONS = {
  user: {
    type: "boolean",
    description: "For your own systemd instead of the system's; needs no root, but protects less.",
    heading: "Units",
  },
  root: {
    type: "string",
    value: "DIR",
    description: "Work on the system below this directory, such as an image; nothing is started.",
    heading: "Units",
  },
} as const;

/** The options that all roles have. */
export const COMMON_OPTIONS = {
  ...JSON_OPTION,
  ...PLACE_OPTIONS,
  name: {
    type: "string",
    value: "NAME",
    description: "What the units are called, for several of a kind on one machine.",
    heading: "Units",
  },
  program: {
    type: "string",
    value: "PATH",
    description: "The sollol that the service runs; default: this one.",
    heading: "Units",
  },
  setup: {
    type: "boolean",
    negatable: true,
    description: "Install llama.cpp for all users if it is missing; on unless negated.",
    heading: "Units",
  },
  force: {
    type: "boolean",
    short: "f",
    description: "Replace or remove units that were edited, and write what is dangerous.",
    heading: "Units",
  },
  purge: {
    type: "boolean",
    description:
      "With uninstall: also remove what the services have stored and what was set beside the units.",
    heading: "Units",
  },
  allow: {
    type: "string",
    value: "ADDRESS[/BITS]",
    multiple: true,
    description: "Who may talk to the service, and whom it may talk to; nobody else.",
  },
  memory: {
    type: "string",
    value: "SIZE",
    description: "Most memory of the service, such as 24GiB; beyond it is ended.",
  },
  gpu: {
    type: "string",
    value: "VENDOR",
    choices: GPU_KINDS,
    description: "Whose GPUs the service may use; default: found.",
  },
} as const;

/** Options of no meaning for what a unit says. */
const NOT_RECORDED = ["json", "user", "root", "setup", "check", "purge", "token"];

/** `--memory` in bytes. @throws {UsageError} If it is no size. */
export function memoryMaxOf(
  { memory }: Pick<OptionValues<typeof COMMON_OPTIONS>, "memory">,
): number | undefined {
  if (memory === undefined) return undefined;
  const bytes = readArgument("--memory", memory, parseBytes);
  if (bytes > 0) return bytes;
  throw new UsageError("--memory: 0 bytes are too few to run in; leave it out for no limit");
}

/**
 * Options as the words of a command line.
 *
 * @param specs Which of them, in this order.
 */
export function wordsOf(
  specs: OptionSpecs,
  values: Readonly<Record<string, OptionValue<OptionSpec>>>,
): string[] {
  return Object.keys(specs).flatMap((name) => {
    const value = values[name];
    if (value === undefined) return [];
    if (typeof value === "boolean") return [value ? `--${name}` : `--no-${name}`];
    return (typeof value === "string" ? [value] : value).map((each) => `--${name}=${each}`);
  });
}

/** A bare name of a program is looked for on a service's `PATH`. */
const PROGRAMS = ["llama-server", "rpc-server"];

/** Options whose paths mean the same wherever they are read, as those of a service have to. */
export function withAbsolutePaths(
  specs: OptionSpecs,
  values: OptionValues<OptionSpecs>,
): OptionValues<OptionSpecs> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (!/^(FILE|PATH|DIR)$/.test(specs[name]?.value ?? "")) return [name, value];
      const absolute = (path: string) =>
        PROGRAMS.includes(name) && !path.includes("/") ? path : resolve(path);
      if (typeof value === "string") return [name, absolute(value)];
      return [name, Array.isArray(value) ? value.map(absolute) : value];
    }),
  );
}

/** What was asked for, as a unit keeps it. */
export function recordOf(
  role: string,
  specs: OptionSpecs,
  values: Readonly<Record<string, OptionValue<OptionSpec>>>,
): string[] {
  const kept = Object.fromEntries(Object.entries(specs).filter(([name]) => !NOT_RECORDED.includes(name)));
  return [role, ...wordsOf(kept, values)];
}

/** A number without a fraction. @throws {UsageError} If it is none. */
export function readWhole(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${name}: "${text.slice(0, 80)}" is no whole number`);
}
